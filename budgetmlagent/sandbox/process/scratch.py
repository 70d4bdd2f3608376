"""Temporary folders that a killed owner does not leave behind for long: whoever needs one next removes those of the dead."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from budgetmlagent.sandbox.process.orphans import end_orphans
from budgetmlagent.sandbox.workspace import remove

PREFIX = "budgetml-scratch-"


@contextmanager
def scratch(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """Make a folder below `parent` (default: the system's temporary folder), to be removed in the end.

    It lies in another, so that what is made beside it goes with it, and a lock on that one says that its owner lives: it
    holds between containers, where a process id would not.
    """
    parent = parent or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    folder, handle = _locked(kind, parent)
    try:
        inner = folder / kind
        inner.mkdir()
        yield inner
    finally:
        remove(folder)
        os.close(handle)


def sweep(parent: Path) -> None:
    """Remove the folders whose owners are dead, and end the sandboxes that they were about to begin."""
    for folder in parent.glob(PREFIX + "*"):
        with suppress(OSError):  # another user's, in use, or gone by now
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                end_orphans(folder)
                remove(folder)
            finally:
                os.close(handle)


def _locked(kind: str, parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=parent))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if folder.exists():  # else it was swept away in the moment before it was locked
            return folder, handle
        os.close(handle)
