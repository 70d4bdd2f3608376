"""Temporary folders, and what is done about those that a killed owner has left: whoever needs one next removes them.

Such an owner may leave a sandbox, too, that never began: bubblewrap's inner process waits for the word of a runner that
was killed in that moment. `--die-with-parent` holds from a little later on, so nothing else would ever end it. No script
runs in it.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from budgetmlagent.sandbox.process.standby import RUNNERS
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
        with suppress(OSError):  # in use, or gone by now
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(handle).st_uid == os.geteuid():  # another user's is his to remove
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    end_orphans(folder)
                    remove(folder)
            finally:
                os.close(handle)


def _locked(kind: str, parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=parent))
        # Before it is locked, another's sweep may take it away: then it is made again.
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(handle, fcntl.LOCK_EX)
        if folder.exists():
            return folder, handle
        os.close(handle)


def end_orphans(workdir: Path) -> None:
    """Kill each process of bubblewrap on a folder below `workdir` that has lost its parent.

    To be called by the one process whose folder it is, before it starts a sandbox there. What keeps one is told by its
    command line: a runner, or the bubblewrap outside, which names `workdir` too.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended meanwhile, or is another user's
            program = Path(next(iter(process.cmdline()), ""))
            if program.name == "bwrap" and _names(process, workdir):
                parent = process.parent()
                if parent is None or not (set(RUNNERS) & set(parent.cmdline()) or _names(parent, workdir)):
                    process.kill()


def _names(process: psutil.Process, workdir: Path) -> bool:
    return any(word.startswith(f"{workdir}/") for word in process.cmdline())
