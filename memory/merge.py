"""From the stores of the runs into the shared one, and out of it again.

A run writes its own store only. At its end, or when a later command finds it unmerged because its process was killed,
its items are copied into the shared store. Copying again changes nothing, so a merge may be killed at any point.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from memory.files import read_plain
from memory.store import Store, StoreBusyError

SHARED = "history"  # the shared store's folder in the runs' folder, and a run's store in the run's folder
MARK = "merged"
FORGOTTEN = "forgotten"


def merge(run_folder: Path, shared_folder: Path) -> int:
    """Copy a run's items into the shared store and return how many were new. Twice is once.

    Raises StoreError where either store is damaged or stays in use by another process.
    """
    run = Store(run_folder)
    with run.hold():
        return _copy(run, shared_folder)


def merge_pending(runs_dir: Path) -> int:
    """Merge every run that a killed process left unmerged, and return how many items were new.

    A run still in progress holds its store and is left alone.
    """
    new = 0
    for items in sorted(runs_dir.glob(f"*/{SHARED}/items")):
        run = Store(items.parent)
        if (run.folder / MARK).exists() or run.held:
            continue
        with ExitStack() as stack:
            try:
                stack.enter_context(run.hold(patience=0))
            except StoreBusyError:
                continue
            new += _copy(run, runs_dir / SHARED)
    return new


def _copy(run: Store, shared_folder: Path) -> int:
    mark = run.folder / MARK
    if mark.exists():
        return 0
    new = []
    if run.ids():
        with Store(shared_folder) as shared:
            # Read inside the lock: what somebody forgets meanwhile must not come back.
            gone = forgotten(shared_folder)
            new = [item for name, item in run.iterate() if name not in gone and name not in shared]
            shared.upsert(new)
    mark.touch()
    return len(new)


def unmark(run_folder: Path) -> None:
    """Say that a run has items again that are not merged."""
    (run_folder / MARK).unlink(missing_ok=True)


def forgotten(shared_folder: Path) -> set[str]:
    """Return the ids that were forgotten."""
    path = shared_folder / FORGOTTEN
    return set(read_plain(path).decode("ascii", "replace").split()) if path.exists() else set()


def forget(shared_folder: Path, names: Iterable[str]) -> None:
    """Remove items from the shared store for good: a later merge does not bring them back."""
    chosen = sorted(names)
    with Store(shared_folder) as shared:
        # The list first: killed in between, the item is still seen and can be forgotten again.
        with (shared_folder / FORGOTTEN).open("a", encoding="ascii") as file:
            file.writelines(f"{name}\n" for name in chosen)
        shared.delete(chosen)


def forget_everywhere(runs_dir: Path, names: Iterable[str], runs: Iterable[str] = ()) -> None:
    """Remove items from the shared store for good, from the own store of whichever run has them, and all of `runs`' own.

    Raises StoreBusyError, and removes nothing, where such a run is in progress.
    """
    chosen, emptied = set(names), set(runs)
    with ExitStack() as stack:
        own = []
        for items in sorted(runs_dir.glob(f"*/{SHARED}/items")):
            run = Store(items.parent)
            gone = [name for name in run.ids() if name in chosen or run.folder.parent.name in emptied]
            if gone or run.folder.parent.name in emptied:
                stack.enter_context(run.hold(patience=0))
                own.append((run, gone))
        for (
            run,
            gone,
        ) in (
            own
        ):  # before the shared store: killed in between, what is left is still seen and forgotten again
            with run:
                run.delete(gone)
        if chosen:
            forget(runs_dir / SHARED, chosen)
