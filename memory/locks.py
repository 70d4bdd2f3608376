"""What keeps other processes out, and other users of the machine: whoever can read a lock's file can hold it for ever."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PATIENCE = 60.0  # seconds to wait for another process
MODE = 0o600  # of a file that is nobody else's business


@contextmanager
def locked(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock `path`. Raises OSError, also where another process keeps it for `patience` seconds (-1: for ever)."""
    keep_to_oneself(path)
    lock = FileLock(path, mode=MODE, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        what = f"another process holds {path.name}; wait for it to end, or end it"
        raise TimeoutError(errno.ETIMEDOUT, what, str(path)) from None
    try:
        yield
    finally:
        lock.release()


def keep_to_oneself(path: Path) -> None:
    """Take a file or folder of ours from everybody else; another user's, a link and what is not there are left alone."""
    with suppress(OSError):
        status = (
            path.lstat()
        )  # not by opening it: to close a database's file would undo SQLite's locks in this process
        ours = status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)
        if ours and status.st_mode & 0o077:
            path.chmod(status.st_mode & 0o700)
