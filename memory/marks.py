"""Whether an index is as it was left here. Chroma takes what it finds in one as it is, also numbers that end the process.

A file in it says which inodes and times of change its files had when it was left: somebody who sends an index cannot know what
they will be where it is received, and no copy passes for the files themselves. What differs is made again from the items, so an own
one that was copied, or whose writer was killed, costs time alone.
"""

import os
from contextlib import suppress
from pathlib import Path

from memory.files import read_plain, write_whole
from memory.locks import MODE

NAME = "left"
HEADER = 100  # bytes of an SQLite file, which count its changes


def look(folder: Path) -> bytes:
    """Return by what a change of an index's files would be seen, whoever made it; b"" where one is gone meanwhile."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.name != NAME and not path.is_dir())
        return repr([(str(path.relative_to(folder)), _state(path)) for path in files]).encode()
    except OSError:
        return b""


def mark(folder: Path, seen: bytes) -> None:
    """Say of an index that it is ours as it was `seen`."""
    with suppress(OSError):  # on a full disk it is made anew the next time
        write_whole(folder / NAME, seen, mode=MODE)


def marked(folder: Path) -> bool:
    """Whether an index is as this person's program left it."""
    with suppress(OSError):
        status = (folder / NAME).lstat()
        ours = status.st_uid == os.geteuid() and not status.st_mode & 0o077
        return bool(ours and (seen := look(folder)) and read_plain(folder / NAME) == seen)
    return False


def _state(path: Path) -> tuple[object, ...]:
    status, header = path.lstat(), b""
    if path.suffix == ".sqlite3":
        with path.open("rb") as file:
            header = file.read(HEADER)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, header.hex()
