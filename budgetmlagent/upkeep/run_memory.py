"""A run's own memory held against its artifacts, and made again from them: each item is an artifact of the run too."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from budgetmlagent.records.rundir import RunDir
from budgetmlagent.settings import shared_memory
from budgetmlagent.upkeep.rows import Row, row, rows
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.items import KINDS, Item, StoreError, item_id
from memory.merge import MARK, forgotten, merge, unmark
from memory.shared import Shared
from memory.store import Store


def of_run(run: RunDir) -> list[Row]:
    """Check the run's own memory: its items, its index, and whether the shared memory has what it is said to have."""
    if not run.history.is_dir():
        return []
    store, wrong = Store(run.history, shared_memory(run.root.parent).embedding), []
    for name in store.ids():
        try:
            store.get(name)
        except (StoreError, KeyError, ValueError):
            wrong.append(
                f"the item {name} is damaged: `--rebuild` makes it again where the run has its artifact"
            )
    if not wrong:
        try:
            with store:
                count = store.count()
        except StoreError as error:
            wrong.append(f"{error} (`--rebuild` does both)")
        else:
            if count != len(store.ids()):
                wrong.append(f"the index has {count} of {len(store.ids())} items: `--rebuild` makes it again")
    return [*rows("memory", wrong, f"{len(store.ids())} items, all in the index"), *_merged(run, store)]


def _merged(run: RunDir, store: Store) -> list[Row]:
    if not (run.history / MARK).exists():
        return [row("merged", True, "not in the shared memory yet: the next run merges it")]
    missing = Shared(shared_memory(run.root.parent)).missing(store.ids())
    words = f"the shared memory lacks {len(missing)} items that are marked as merged: `--rebuild` merges them again"
    well = "every item is in the shared memory, or was forgotten there"
    return rows("merged", [words] if missing else [], well)


def rebuild(run: RunDir) -> int:
    """Make items and index again from the run's artifacts, merge them, and return how many items there are.

    An item whose artifact is lost too is kept where its own file is whole. Raises StoreError where a store is in use.
    """
    if not run.history.is_dir():
        return 0
    place = shared_memory(run.root.parent)
    store = Store(run.history, place.embedding)
    with store.hold():
        found = {item_id(item): item for item in [*_kept(store), *_from_artifacts(run)]}
        whole = {name: found[name] for name in found.keys() - forgotten(place)}
        for part in ("items", "index", "index-away"):
            shutil.rmtree(run.history / part, ignore_errors=True)
        with Store(run.history, place.embedding) as again:
            again.upsert(whole.values())
        unmark(run.history)
    merge(run.history, place)
    return len(whole)


def _kept(store: Store) -> Iterator[Item]:
    for name in store.ids():
        try:
            yield store.get(name)
        except (StoreError, KeyError, ValueError):
            continue


def _from_artifacts(run: RunDir) -> Iterator[Item]:
    """Yield the items that this run kept: JSON that says of itself that it is one, and whose it is."""
    artifacts = Artifacts(run.artifacts)
    for path in sorted(Path(run.artifacts).glob("[0-9a-f]*")):
        try:
            raw = artifacts.read(path.name)
            item = json.loads(raw) if raw.startswith(b"{") else None
        except (CorruptArtifactError, OSError, ValueError):
            continue
        if isinstance(item, dict) and _is_item(item, run.run_id) and item_id(item) == path.name:
            yield item


def _is_item(item: Item, run: str) -> bool:
    # A task's card is no single run's; what a replay only wrote down has no word on its data.
    own = item.get("run") == run or (item.get("kind") == "card" and "data" in item)
    return own and item.get("kind") in KINDS and bool(str(item.get("text", "")).strip())
