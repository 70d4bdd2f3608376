"""Folders and files on their way to a machine that does not see them, and back."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def packed(sources: Mapping[str, Path], without: Iterable[str] = ()) -> bytes:
    """Return files and folders, each under a name, as an archive; folders named in `without` are left out."""
    left = set(without)

    def wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if entry.isdir() and Path(entry.name).name in left else entry

    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        for name, path in sources.items():
            archive.add(path, name, filter=wanted)
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write what was packed below a folder. Raises tarfile.TarError for what would lead out of it."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
            return
        for member in archive:  # Python before 3.11.4, as Debian 12 has it, knows no filters
            if not (member.isfile() or member.isdir()) or not _is_inside(folder, folder / member.name):
                raise tarfile.TarError(f"{member.name!r} leads out of the parcel")
            archive.extract(member, folder)


def _is_inside(folder: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
