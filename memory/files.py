"""Files that are there whole or not at all, whatever becomes of their writer; and read, whoever wrote them."""

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

MOST = 1 << 30  # bytes of a file that is read whole
SMALL = 1 << 24  # of one that tells of others, as settings and summaries do
DEEPEST = 100  # levels of a JSON value: whatever walks through one has to come back
PART = ".part-"  # how the name of a half-written file begins


def write_whole(path: Path, content: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Write a file that appears, or takes the place of the one there, whole; a `durable` one outlives a power cut.

    Any number of writers may write the same file at once. Raises OSError, and then leaves nothing half written.
    """
    part = path.with_name(PART + secrets.token_hex(8))
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # a full disk needs the room


def read_plain(path: Path, most: int = MOST) -> bytes:
    """Read a file, through links. Raises OSError, also for what no read of ends (a pipe, a device) and for more than `most` bytes."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EINVAL, f"has more than {most >> 20} MiB", str(path))
        return file.read(most)


def open_plain(path: Path) -> BinaryIO:
    """Open a file to be read, through links. Raises OSError, also for what no read of ends."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # never waiting for a pipe's other end
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "is no plain file", str(path))


def is_name(name: str) -> bool:
    """Whether this is one part of a path, which leads nowhere: a stranger's records name files that are then written."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def half_written(folder: Path) -> list[Path]:
    """Return what a killed writer left in `folder`."""
    return sorted(folder.glob(f"{PART}*"))


def odd(folder: Path, without: Path | None = None) -> Iterator[Path]:
    """Yield what is neither file nor folder in a folder, but for what is in the folder `without`.

    Links lead elsewhere, and to read from a pipe may never end.
    """
    waiting = [folder]
    while waiting:
        # A run that goes on removes what it has made.
        with contextlib.suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting += [path] if path != without else []
                elif not entry.is_file(follow_symlinks=False):
                    yield path


def parsed(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError, also where it is nested deeper than `DEEPEST`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Raise ValueError where lists and mappings are nested deeper than `DEEPEST`."""
    level = [value]
    for _ in range(DEEPEST + 1):
        nodes = [node for node in level if isinstance(node, dict | list)]
        if not nodes:
            return
        level = [part for node in nodes for part in (node.values() if isinstance(node, dict) else node)]
    raise ValueError("nested too deeply")
