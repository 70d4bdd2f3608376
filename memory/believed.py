"""Whether an index is as it was left here. Chroma takes what it finds in one as it is, also numbers that end the process.

A file says which inodes and times of change the index's files had when it was closed: somebody who sends an index cannot
know what they will be where it is received. What differs is made again from the items, so an own one that was copied, or
whose writer was killed, costs time alone.
"""

import json
import shutil
from contextlib import suppress
from pathlib import Path

from memory.files import read_plain, write_whole
from memory.locks import MODE

NAME = "believed"


def believe(folder: Path) -> None:
    """Say of the index of the memory in `folder` that it is ours as it is. Nobody may have it open."""
    with suppress(OSError):  # on a full disk it is made anew the next time
        write_whole(folder / NAME, _marks(folder / "index"), mode=MODE)


def drop_unknown(folder: Path) -> None:
    """Remove the index of the memory in `folder` unless it is as `believe` saw it."""
    index, said = folder / "index", folder / NAME
    if index.is_dir() and not (said.is_file() and read_plain(said) == _marks(index)):
        shutil.rmtree(index)


def _marks(index: Path) -> bytes:
    found = ((path, path.lstat()) for path in sorted(index.rglob("*")) if not path.is_dir())
    marks = [[str(path.relative_to(index)), s.st_ino, s.st_ctime_ns, s.st_size] for path, s in found]
    return json.dumps(marks).encode()
