"""From the stores of the runs into the shared one, and out of it again.

A run writes its own store only. At its end, or when a later command finds it unmerged because its process was killed,
its items are copied into the shared store. Copying again changes nothing, so a merge may be killed at any point.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from memory.embedding import SHIPPED, Embedding
from memory.files import read_plain, write_whole
from memory.items import StoreBusyError
from memory.shared import Place, Shared
from memory.store import Store

SHARED = "history"  # the shared store's folder in the runs' folder, and a run's store in the run's folder
MARK = "merged"


def merge(run_folder: Path, shared: Path | Place) -> int:
    """Copy a run's items into the shared store and return how many were new. Twice is once.

    Raises StoreError where either store is damaged or stays in use by another process.
    """
    run = Store(run_folder)
    with run.hold():
        return _copy(run, Shared(shared))


def merge_pending(runs_dir: Path, place: Place | None = None) -> int:
    """Merge every run that a killed process left unmerged, and return how many items were new.

    A run still in progress holds its store and is left alone.
    """
    new = 0
    shared = Shared(place or runs_dir / SHARED)
    for run in _stores(runs_dir):
        if _marked(run, shared) or run.held:
            continue
        with ExitStack() as stack:
            try:
                stack.enter_context(run.hold(patience=0))
            except StoreBusyError:
                continue
            new += _copy(run, shared)
    return new


def _stores(runs_dir: Path, embedding: Embedding = SHIPPED) -> list[Store]:
    """Return the stores of the runs that lie here: a link to a run elsewhere is none, it would be written to there."""
    places = sorted(runs_dir.glob(f"*/{SHARED}/items"))
    return [Store(items.parent, embedding) for items in places if not items.parents[1].is_symlink()]


def _marked(run: Store, shared: Shared) -> bool:
    """Say whether the run was merged into this shared store: of a server, the mark has the address."""
    mark = run.folder / MARK
    return mark.exists() and read_plain(mark).decode("utf-8", "replace") == shared.place.server


def _copy(run: Store, shared: Shared) -> int:
    if _marked(run, shared):
        return 0
    new = []
    if names := run.ids():
        with shared:
            # Read inside the lock: what somebody forgets meanwhile must not come back.
            new = [run.get(name) for name in shared.missing(names)]
            shared.upsert(new)
    write_whole(run.folder / MARK, shared.place.server.encode())
    return len(new)


def unmark(run_folder: Path) -> None:
    """Say that a run has items again that are not merged."""
    (run_folder / MARK).unlink(missing_ok=True)


def forgotten(shared: Path | Place) -> set[str]:
    """Return the ids that were forgotten."""
    return Shared(shared).forgotten()


def forget(place: Path | Place, names: Iterable[str]) -> None:
    """Remove items from the shared store for good: a later merge does not bring them back."""
    with Shared(place) as shared:
        shared.forget(names)


def forget_everywhere(runs_dir: Path, place: Place, names: Iterable[str], runs: Iterable[str] = ()) -> None:
    """Remove items from the shared store for good, from the own store of whichever run has them, and all of `runs`' own.

    Raises StoreBusyError, and removes nothing, where such a run is in progress.
    """
    chosen, emptied = set(names), set(runs)
    with ExitStack() as stack:
        own = []
        for run in _stores(runs_dir, place.embedding):
            gone = [name for name in run.ids() if name in chosen or run.folder.parent.name in emptied]
            if gone or run.folder.parent.name in emptied:
                stack.enter_context(run.hold(patience=0))
                own.append((run, gone))
        # Before the shared store: killed in between, what is left is still seen and forgotten again.
        for run, gone in own:
            with run:
                run.delete(gone)
        if chosen:
            forget(place, chosen)
