"""What `budgetml memory list|show|forget|export|import|compact` shows and does: the shared store, and the bank of cases beside it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import memory
from budgetmlagent.errors import OptionError, UnavailableError, UsageError
from budgetmlagent.records.rundir import all_runs
from budgetmlagent.settings import shared_memory
from budgetmlagent.upkeep import imports
from budgetmlagent.wording import one_of, unknown
from memory.artifacts import canonical
from memory.cases import CaseError, as_item, load_cases
from memory.items import KINDS, Item, StoreError, item_id
from memory.merge import forget as forget_items
from memory.merge import forget_everywhere, merge_pending
from memory.shared import Shared
from memory.superseded import superseded

BANK = Path(memory.__file__).parent / "cases"


def list_items(runs_dir: Path, kind: str | None = None, task: str | None = None) -> list[dict[str, Any]]:
    """Return what is remembered as {id, kind, task, run, step, text}, by run and step; the bank's run is "bank".

    An item of another team's has `imported`, too. Runs that a killed process left unmerged are merged first. Raises
    UsageError for an unknown kind or task and UnavailableError for a damaged store.
    """
    known(kind)
    shown = [shortly(name, item) for name, item in everything(runs_dir).items()]
    _there("task", task, (line["task"] for line in shown))
    chosen = [line for line in shown if kind in (None, line["kind"]) and task in (None, line["task"])]
    return sorted(chosen, key=lambda line: (line["run"] == "bank", line["run"], line["step"], line["id"]))


def known(kind: str | None) -> None:
    """Raise UsageError for a kind that no item has."""
    if kind is not None and kind not in KINDS:
        raise OptionError("kind", kind, one_of(KINDS, kind))


def _there(option: str, name: str | None, names: Iterable[Any]) -> None:
    """Raise UsageError for a name that nothing remembered has, where something is."""
    there = sorted(set(filter(None, names)))
    if name is not None and there and name not in there:
        raise UsageError(f"--{option} {name}: {unknown(option, name, there)}")


def show_item(runs_dir: Path, prefix: str) -> dict[str, Any]:
    """Return the whole item whose id begins with `prefix`. Raises UsageError unless there is exactly one."""
    with one_line():
        store, bank = _merged(runs_dir), _bank()
        name = _resolve([*store.ids(), *bank], prefix, runs_dir)
        return {"id": name} | (bank[name] if name in bank else store.get(name))


def forget(
    runs_dir: Path,
    prefix: str | None = None,
    *,
    kind: str | None = None,
    task: str | None = None,
    run: str | None = None,
) -> int:
    """Remove items for good and return how many: one by its id, or all that fit every filter given.

    They go from the shared store and from the runs' own; what a run wrote of itself beside its memory stays with it.
    Raises UsageError for an unknown id, kind, task or run, for a case of the bank, and where neither an id nor a filter is given, and
    UnavailableError where a run that has such an item is in progress.
    """
    if prefix is None and kind is task is run is None:
        raise UsageError("memory forget: say what to forget: an id, or --kind, --task or --run")
    known(kind)
    items = everything(runs_dir)
    if prefix is not None:
        names = [_resolve(items, prefix, runs_dir)]
        if "run" not in items[names[0]]:
            raise UsageError(
                f"{prefix} is a case of the bank, not a memory: remove its file from {BANK} instead"
            )
    else:
        _there("task", task, (item.get("task") for item in items.values()))
        begun = (each.run_id for each in all_runs(runs_dir))  # which may remember nothing
        _there("run", run, [*begun, *(item.get("run") for item in items.values())])
        wanted = {"kind": kind, "task": task, "run": run}
        asked = {key: value for key, value in wanted.items() if value is not None}
        names = [n for n, item in items.items() if "run" in item and asked.items() <= _origin(item).items()]
    with one_line():
        forget_everywhere(runs_dir, shared_memory(runs_dir), names, [run] if run else [])
    return len(names)


def export(runs_dir: Path, out: Path) -> int:
    """Write every item whole, one JSON object a line with its `id`, and return how many."""
    items = everything(runs_dir)
    lines = [
        json.dumps({"id": name} | items[name], sort_keys=True, ensure_ascii=True) for name in sorted(items)
    ]
    try:
        out.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {error.strerror}") from error
    return len(lines)


def take_in(runs_dir: Path, path: Path, name: str | None = None) -> dict[str, int]:
    """Take another team's export into the shared store, marked as imported from `name`, and return {imported, known}.

    All of it or nothing. Raises what `imports.named` and `imports.read` raise.
    """
    items = imports.read(path, imports.named(path, name))
    with one_line(), Shared(shared_memory(runs_dir)) as store:
        fresh = imports.new(items, set(store.ids()))
        store.upsert(fresh)
    return {"imported": len(fresh), "known": len(items) - len(fresh)}


def compact(runs_dir: Path) -> dict[str, Any]:
    """Drop from the shared store what `memory.superseded` names; return {items, dropped: {kind: count}, bytes}."""
    with one_line():
        store = _merged(runs_dir)
        items = dict(store.iterate())
        names = superseded(items.items())
        size = sum(len(canonical(items[name])) for name in names)
        if names:
            forget_items(store.place, names)
    kinds = Counter(items[name]["kind"] for name in names)
    return {"items": len(items), "dropped": dict(sorted(kinds.items())), "bytes": size}


def everything(runs_dir: Path) -> dict[str, Item]:
    """Return each item of the shared store and of the bank by its id, with whatever was left behind merged."""
    with one_line():
        return dict(_merged(runs_dir).iterate()) | _bank()


def _merged(runs_dir: Path) -> Shared:
    place = shared_memory(runs_dir)
    merge_pending(runs_dir, place)
    return Shared(place)


def _bank() -> dict[str, Item]:
    return {item_id(item): item for item in map(as_item, load_cases(BANK))}


def _resolve(names: Iterable[str], prefix: str, runs_dir: Path) -> str:
    found = [name for name in names if name.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    what = f"fits {len(found)} items; give more of it" if found else "is not the id of an item"
    raise UsageError(f"{prefix!r} {what} (see: budgetml memory list --runs-dir {runs_dir})")


def shortly(name: str, item: Item) -> dict[str, Any]:
    """Return what a list says of an item."""
    marks = {"imported": item["imported"]} if "imported" in item else {}
    return {"id": name} | _origin(item) | {"step": item.get("step", 0), "text": item["text"]} | marks


def _origin(item: Item) -> dict[str, Any]:
    return {"kind": item["kind"], "task": item.get("task", ""), "run": item.get("run", "bank")}


@contextmanager
def one_line() -> Iterator[None]:
    """Turn what is wrong with a store or the bank into the errors of the command line."""
    try:
        yield
    except StoreError as error:
        raise UnavailableError(str(error)) from error
    except CaseError as error:
        raise UsageError(str(error)) from error
