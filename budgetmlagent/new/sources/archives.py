"""A .zip: the one file that it holds, or all of them as a folder; unpacked into a temporary folder, within bounds."""

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from budgetmlagent.errors import UsageError
from budgetmlagent.new.sources import values
from budgetmlagent.new.tablefile import LARGEST, Table
from budgetmlagent.sandbox.process.scratch import scratch

ENDING = ".zip"
MOST = 100  # files
# What odd archives raise; a name in no encoding is a ValueError.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, OSError, EOFError, ValueError)


def read(path: Path, read_inner: Callable[[Path], Table]) -> Table:
    """Read what a file holds, a file or a folder, by `read_inner`. Raises UsageError."""
    with scratch("unpacked") as folder:
        try:
            with values.opened(path) as file, zipfile.ZipFile(file) as archive:
                _unpack(archive, folder, path)
        except DAMAGED as error:
            raise UsageError(f"{path}: cannot be unpacked: {error}") from None
        found = sorted(folder.iterdir())
        try:
            return read_inner(found[0] if len(found) == 1 else folder)
        except UsageError as error:
            raise UsageError(str(error).replace(str(folder), str(path))) from None


def _unpack(archive: zipfile.ZipFile, folder: Path, path: Path) -> None:
    """Copy the files of an archive, but for what is hidden and for archives, by their own names alone."""
    parts = [(PurePosixPath(part.filename).name, part) for part in archive.infolist() if not part.is_dir()]
    parts = [
        (name, part) for name, part in parts if not name.startswith(".") and not name.lower().endswith(ENDING)
    ]
    # A name without an ending is what pandas gives to a table that it packs.
    parts = [(name if "." in name else f"{name}.csv", part) for name, part in parts]
    if not parts:
        raise UsageError(f"{path}: holds no table")
    if len({name for name, _ in parts}) < len(parts) or len(parts) > MOST:
        raise UsageError(
            f"{path}: holds {len(parts)} files, some of one name or too many; unpack it and give one"
        )
    if sum(part.file_size for _, part in parts) > LARGEST:
        raise UsageError(f"{path}: has more than {LARGEST >> 20} MiB unpacked; take a part of it")
    for name, part in parts:
        if part.flag_bits & 1:
            raise UsageError(f"{path}: is locked by a password; unpack it")
        with (
            archive.open(part) as source,
            (folder / name).open("wb") as copy,
        ):  # no more is read than was said
            shutil.copyfileobj(source, copy)
