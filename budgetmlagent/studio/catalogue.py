"""What the page offers to choose from: tasks, graphs, models files, prompts, nodes, predicates."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

import prompts
from budgetmlagent import __version__
from budgetmlagent.errors import BudgetMLError, UsageError
from budgetmlagent.instead import EMBEDDED, REPLAY
from budgetmlagent.records import rundir
from budgetmlagent.run.request import DEFAULTS
from budgetmlagent.studio.made import Argument, Catalogue, Named, NodeRow, PredicateRow
from budgetmlagent.studio.place import Place, text_of
from budgetmlagent.tasks.folder import BUNDLED, bundled, load_task
from graphs import catalogue as made_of
from graphs.files import SHIPPED, SUFFIXES, shipped
from graphs.operations import OPERATIONS
from memory.state import Kind

DEEP = 3  # folders below the studio's in which files are looked for
MOST = 400  # files that are looked at
LONGEST = 300  # characters of what is said of a task
SKIPPED = {"node_modules", "__pycache__", "site-packages", "artifacts"}


def catalogue(place: Place) -> Catalogue:
    """Return all that can be chosen; what cannot be read is not offered."""
    files = list(_files(place))
    texts = {path: _text(path) for path in files if path.suffix in SUFFIXES}
    own = [path for path, text in texts.items() if "\nrules:" in text and "\nnodes:" in text]
    models = [path for path, text in texts.items() if f"\n{text}".find("\nmodels:") >= 0]
    tasks = [path.parent for path in files if path.name == "task.yaml"]
    recorded = reversed(rundir.all_runs(place.runs_dir))
    return Catalogue(
        version=__version__,
        folder=str(place.folder),
        runs_dir=str(place.runs_dir),
        tasks=[_named(name, name, True, _task(BUNDLED / name)) for name in bundled()]
        + [_of(place, path, _task(path)) for path in tasks],
        graphs=[_named(name, name, True, _comment(_text(SHIPPED / f"{name}.yaml"))) for name in shipped()]
        + [_of(place, path, _comment(texts[path])) for path in own],
        models=[_named(EMBEDDED, "", True, "the embedded models, on this machine: no key, no price")]
        + [_of(place, path, "a models.yaml") for path in models]
        + [_named(f"{REPLAY}{run.run_id}", f"{REPLAY}{run.root}", False, "a recorded run again, for nothing") for run in recorded],
        prompts=[_named(name, name, True, "") for name in prompts.shipped()]
        + [_of(place, path, "") for path in files if path.suffix == ".md" and "\n## user\n" in _text(path)],
        nodes=[
            NodeRow(
                name=f.name, says=f.says, role=f.role, recalls=list(f.recalls), prompt=f.prompt, ladder=f.prompt, shipped=f.shipped
            )
            for f in made_of.functions()
        ],
        predicates=[
            PredicateRow(
                name=c.name, says=c.says, shipped=c.shipped,
                arguments=[Argument(**asdict(a) | {"choices": list(a.choices)}) for a in c.arguments],  # type: ignore[typeddict-item]
            )
            for c in made_of.predicates()
        ],
        recalls=list(get_args(Kind)),
        defaults=dict(DEFAULTS),
        operations=operations(),
    )  # fmt: skip


def operations() -> dict[str, dict[str, Any]]:
    """Return the edits of a graph, each with what it says and the JSON Schema of its arguments."""
    return {
        name: {
            "says": (kind.__doc__ or "").partition("\n")[0],
            "arguments": kind.model_json_schema()["properties"],
        }
        for name, kind in OPERATIONS.items()
    }


def _files(place: Place) -> Iterator[Path]:
    """Yield the files below the folder that may be meant, the nearest first; hidden folders and runs are passed over."""
    level, count = [place.folder], 0
    for _ in range(DEEP):
        below = list[Path]()
        for folder in level:
            try:
                entries = sorted(folder.iterdir())
            except OSError:
                continue
            for path in entries:
                if path.name.startswith(".") or path.is_symlink() or path.name in SKIPPED:
                    continue
                if path.is_dir() and path != place.runs_dir and not path.is_relative_to(SHIPPED.parent):
                    below.append(path)
                elif path.suffix in (*SUFFIXES, ".md") and count < MOST:
                    count += 1
                    yield path
        level = below


def _text(path: Path) -> str:
    try:
        return text_of(path)
    except UsageError:
        return ""


def _comment(text: str) -> str:
    """Return the comment that a file begins with, on one line; "" where it has none."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    said = (line.removeprefix("#").strip() for line in lines)
    return " ".join(line for line in said if line and not line.startswith("yaml-language-server"))


def _task(folder: Path) -> str:
    """Return the first sentence of a task's text; "" where the task cannot be read."""
    try:
        return first_sentence(load_task(str(folder), begun=True).text)
    except BudgetMLError:
        return ""


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, without the mark of a heading: up to its full stop, or the paragraph's end."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].lstrip("# ").split())
    return re.split(r"(?<=[.!?:]) ", paragraph, maxsplit=1)[0][:LONGEST]


def _named(name: str, path: str, shipped: bool, says: str) -> Named:
    return Named(name=name, path=path, shipped=shipped, says=says)


def _of(place: Place, path: Path, says: str) -> Named:
    return _named(place.named(path), place.named(path), False, says)
