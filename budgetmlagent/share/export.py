"""A run as one folder or zip that a third person can read without the program, and check against its hashes."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.foreign import cell
from budgetmlagent.records import advice, steps, summary
from budgetmlagent.records.events import Event
from budgetmlagent.records.recalled import taught
from budgetmlagent.records.rundir import as_json
from budgetmlagent.run.view import RunView
from budgetmlagent.share import page
from memory.files import is_name, write_whole

SUMS = "SHA256SUMS"
MONEY = (
    "id", "step", "node", "model", "served", "price", "tokens_in", "cached", "tokens_out", "state", "usd",
)  # fmt: skip
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same run gives the same bytes


def caution(view: RunView) -> str:
    """Return what to know before an export is passed on."""
    return (
        f"This holds what the run holds: its prompts, scripts and outputs may quote the task's data (the task says "
        f"`data: {view.task.data}`). It holds no key."
    )


def files(view: RunView, more: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return every file of the export by name, with `more` beside its own.

    Raises what reading the run raises: an export is whole or it is not made.
    """
    projected = summary.projections(view.record)
    told = view.summary | {"run_dir": view.run_id}  # where it lay on this machine is nobody else's concern
    found = projected | {
        "run.json": as_json(told),
        "graph.yaml": view.folder.graph.read_bytes(),
        "money.csv": _money(view),
        **(more or {}),
    }
    told_of = []
    for event in view.timeline:
        parts = list(_parts(view, event))
        found |= {name: text.encode("utf-8", "replace") for name, _, text in parts}
        told_of.append(
            page.step_of(
                event, steps.outcome(event, view.artifacts), [(title, text) for _, title, text in parts]
            )
        )
    found["README.md"] = page.readme(told, caution(view)).encode("utf-8", "replace")
    html = page.html(view, told, told_of, _sums(found), caution(view))
    found["index.html"] = html.encode("utf-8", "replace")
    return found | {SUMS: _sums(found).encode()}


def _parts(view: RunView, event: Event) -> Iterator[tuple[str, str, str]]:
    """Yield file name, title and text of what was said and run at a step."""
    at, node = f"{event.step:03d}", re.sub(r"[^\w.-]", "_", event.node)
    if event.prompt:
        yield f"prompts/{at}-{node}.txt", f"what {event.model} was shown", view.prompt(event.step)
    if event.reply:
        yield f"replies/{at}-{node}.txt", f"what {event.model} said", view.reply(event.step)
    if advised := advice.chosen_at(event, view.timeline, view.artifacts):
        yield f"ideas/{at}.txt", "where the idea comes from", f"{event.plan['instruction']}\n\n{advised}\n"
    if lines := list(taught(event, view.artifacts, view.run_id)):
        yield f"recalled/{at}.txt", "what other runs taught the next step", "\n".join(lines)
    if event.execution:
        execution = view.artifacts.json(event.execution)
        yield f"scripts/{at}.py", "the script that ran", view.artifacts.text(execution["script"])
        yield f"outputs/{at}.txt", "what it printed", view.artifacts.text(execution["output"])


def _money(view: RunView) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(MONEY)
    for call in view.calls:
        exact = call | {"usd": page.dollars(call["usd_nano"])}
        table.writerow([cell(exact[key]) for key in MONEY])
    return text.getvalue().encode("utf-8", "replace")


def _sums(found: Mapping[str, bytes]) -> str:
    """Return the lines that `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found))


def write(out: Path, top: str, found: Mapping[str, bytes]) -> None:
    """Write the files into the folder `out`, or, where its name ends in .zip, into a zip under the folder `top`.

    Raises UsageError for a folder that is not empty.
    """
    if out.suffix == ".zip":
        write_whole(out, _zipped(top, found))
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: is there already; name a new folder or a .zip file")
    for name, content in found.items():
        path = out / _inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _inside(name: str) -> str:
    """Return the name. Raises UsageError where it would lead out of the export, here or where a zip is unpacked."""
    if not all(map(is_name, name.split("/"))):
        raise UsageError(f"the run has a file called {name!r}, which would lie outside the export")
    return name


def _zipped(top: str, found: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(found):
            entry = zipfile.ZipInfo(_inside(f"{top}/{name}"), LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            archive.writestr(entry, found[name])
    return packed.getvalue()
