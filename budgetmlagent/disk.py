"""What a disk does to a run: it is full, read-only, or has lost something. Each becomes one line that says what to do."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budgetmlagent.errors import UnavailableError
from memory.artifacts import CorruptArtifactError
from memory.items import StoreError

REFUSED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
# SQLite's names for the same: no room, no right to write, no such folder.
SQLITE_REFUSED = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")
# A damaged schema's bytes stand in SQLite's own message, and Python then fails to decode that.
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
MAKE_ROOM = (
    "make room or let it be written; every finished step of a run is kept, and `budgetml resume` goes on"
)
LOOK = "put the file back from a copy; `budgetml doctor RUN` says what is lost"


def at_home(path: str) -> Path:
    """Return a path that a person gave, `~` as his home; as it is where there is none, or no such user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises RuntimeError then


@contextmanager
def clear() -> Iterator[None]:
    """Turn whatever the disk refuses or has lost into UnavailableError."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has gone: no disk
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise UnavailableError(f"{where}{error.strerror or error}; {remedy(error)}") from error
    except CorruptArtifactError as error:
        raise UnavailableError(f"{error}; {LOOK}") from error
    except StoreError as error:
        raise UnavailableError(str(error)) from error


def remedy(error: Exception) -> str:
    """Say what to do: make room where the disk refused, look closer where something is lost or damaged."""
    if isinstance(error, OSError):
        return MAKE_ROOM if error.errno in REFUSED else LOOK
    return MAKE_ROOM if str(getattr(error, "sqlite_errorname", "")).startswith(SQLITE_REFUSED) else LOOK
