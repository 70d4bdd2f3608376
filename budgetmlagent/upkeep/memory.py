"""What `budgetml memory list|show|forget|export` shows and does: the shared store, and the bank of cases beside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import memory
from budgetmlagent.errors import UnavailableError, UsageError
from memory.cases import CaseError, as_item, load_cases
from memory.merge import SHARED, merge_pending
from memory.merge import forget as forget_items
from memory.store import KINDS, Item, Store, StoreError, item_id

BANK = Path(memory.__file__).parent / "cases"


def list_items(runs_dir: Path, kind: str | None = None, task: str | None = None) -> list[dict[str, Any]]:
    """Return what is remembered as {id, kind, task, run, step, text}, by run and step; the bank's run is "bank".

    Runs that a killed process left unmerged are merged first. Raises UsageError for an unknown kind and
    UnavailableError for a damaged store.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"--kind {kind}: there is no such kind; use one of {', '.join(KINDS)}")
    shown = [_line(name, item) for name, item in _everything(runs_dir).items()]
    chosen = [line for line in shown if kind in (None, line["kind"]) and task in (None, line["task"])]
    return sorted(chosen, key=lambda line: (line["run"] == "bank", line["run"], line["step"], line["id"]))


def show_item(runs_dir: Path, prefix: str) -> dict[str, Any]:
    """Return the whole item whose id begins with `prefix`. Raises UsageError unless there is exactly one."""
    items = _everything(runs_dir)
    name = _resolve(items, prefix, runs_dir)
    return {"id": name} | items[name]


def forget(
    runs_dir: Path,
    prefix: str | None = None,
    *,
    kind: str | None = None,
    task: str | None = None,
    run: str | None = None,
) -> int:
    """Remove items from the shared store for good and return how many: one by its id, or all that fit a filter.

    Raises UsageError for an unknown id, for a case of the bank, and where neither an id nor a filter is given.
    """
    if prefix is None and kind is task is run is None:
        raise UsageError("memory forget: say what to forget: an id, or --kind, --task or --run")
    items = _everything(runs_dir)
    if prefix is not None:
        names = [_resolve(items, prefix, runs_dir)]
        if "run" not in items[names[0]]:
            raise UsageError(
                f"{prefix} is a case of the bank, not a memory: remove its file from {BANK} instead"
            )
    else:
        wanted = {"kind": kind, "task": task, "run": run}
        asked = {key: value for key, value in wanted.items() if value is not None}
        names = [n for n, item in items.items() if "run" in item and asked.items() <= _origin(item).items()]
    if names:
        with _one_line():
            forget_items(runs_dir / SHARED, names)
    return len(names)


def export(runs_dir: Path, out: Path) -> int:
    """Write every item whole, one JSON object a line with its `id`, and return how many."""
    items = _everything(runs_dir)
    lines = [
        json.dumps({"id": name} | items[name], sort_keys=True, ensure_ascii=True) for name in sorted(items)
    ]
    try:
        out.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {error.strerror}") from error
    return len(lines)


def _everything(runs_dir: Path) -> dict[str, Item]:
    with _one_line():
        merge_pending(runs_dir)
        remembered = dict(Store(runs_dir / SHARED).iterate())
        bank = [as_item(case) for case in load_cases(BANK)]
    return remembered | {item_id(item): item for item in bank}


def _resolve(items: dict[str, Item], prefix: str, runs_dir: Path) -> str:
    found = [name for name in items if name.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    what = f"fits {len(found)} items; give more of it" if found else "is not the id of an item"
    raise UsageError(f"{prefix!r} {what} (see: budgetml memory list --runs-dir {runs_dir})")


def _line(name: str, item: Item) -> dict[str, Any]:
    return {"id": name} | _origin(item) | {"step": item.get("step", 0), "text": item["text"]}


def _origin(item: Item) -> dict[str, Any]:
    return {"kind": item["kind"], "task": item.get("task", ""), "run": item.get("run", "bank")}


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise UnavailableError(str(error)) from error
    except CaseError as error:
        raise UsageError(str(error)) from error
