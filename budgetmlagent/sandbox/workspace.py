"""The folder in which one script runs: how it is filled, and how a submission is taken from it."""

import os
import shutil
import stat
from contextlib import suppress
from fnmatch import fnmatchcase
from io import BufferedReader
from operator import itemgetter
from pathlib import Path
from secrets import token_hex

from budgetmlagent.tasks.folder import TaskFolder

MOST_BYTES = 64 << 20  # of one submission file
SCRIPT = "train.py"
KINDS = {
    stat.S_IFDIR: "is a folder",
    stat.S_IFLNK: "is a symbolic link",
    stat.S_IFIFO: "is a pipe",
    stat.S_IFSOCK: "is a socket",
}


def lay_out(task: TaskFolder, script: str, folder: Path) -> dict[str, Path]:
    """Fill an empty folder with `script` as train.py; return what is to be bound read-only: path inside -> source.

    Files that the agent may change are copied.
    """
    bound = _lay_out(task.env, Path(), folder, set(task.readonly))
    (folder / SCRIPT).write_text(script, encoding="utf-8", errors="surrogateescape")
    return {f"/workspace/{name}": source.resolve() for name, source in bound.items()}


def _lay_out(env: Path, place: Path, folder: Path, readonly: set[str]) -> dict[str, Path]:
    """Copy what is not read-only, and return what is; a folder that is read-only as a whole is one entry."""
    bound: dict[str, Path] = {}
    for source in sorted((env / place).iterdir()):
        inside = place / source.name
        if source.is_dir():
            bound |= _lay_out_folder(env, inside, folder, readonly)
        elif inside.as_posix() in readonly:
            bound[inside.as_posix()] = source
        elif inside.as_posix() != SCRIPT:
            shutil.copyfile(source, folder / inside)
    return bound


def _lay_out_folder(env: Path, inside: Path, folder: Path, readonly: set[str]) -> dict[str, Path]:
    files = [path.relative_to(env).as_posix() for path in (env / inside).rglob("*") if not path.is_dir()]
    if inside.as_posix() in readonly or (files and readonly.issuperset(files)):
        return {inside.as_posix(): env / inside}
    (folder / inside).mkdir()
    return _lay_out(env, inside, folder, readonly)


def take(folder: Path, pattern: str) -> tuple[dict[str, bytes], list[str]]:
    """Take the submission files from the top of a workspace whose processes are all dead.

    Return their contents by name, and a sentence for each that was refused.
    """
    files: dict[str, bytes] = {}
    refused: list[str] = []
    for path in sorted(folder.iterdir()):
        if fnmatchcase(path.name, pattern):
            content = _content(path)
            if isinstance(content, bytes):
                files[path.name] = content
            else:
                refused.append(f"{path.name} {content}: refused")
    return files, refused


def _content(path: Path) -> bytes | str:
    """Return the file's bytes, or in words what it is instead of a plain file."""
    file = open_plain(path)
    if isinstance(file, str):
        return file
    with file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            return f"has {size / (1 << 20):.1f} MiB, {MOST_BYTES >> 20} are the most"
        return file.read(MOST_BYTES)


def open_plain(path: Path) -> BufferedReader | str:
    """Open a plain file with one name for reading, or say in words what it is instead."""
    try:
        # Never through a link, never waiting for a pipe's other end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return "is a symbolic link" if path.is_symlink() else f"cannot be opened ({error.strerror})"
    if what := oddity(os.fstat(handle)):
        os.close(handle)
        return what
    return os.fdopen(handle, "rb")


def oddity(status: os.stat_result) -> str:
    """Say in words what something is instead of a plain file with one name; "" for such a file."""
    if not stat.S_ISREG(status.st_mode):
        return KINDS.get(stat.S_IFMT(status.st_mode), "is a device")
    return "" if status.st_nlink == 1 else "has a second name (a hard link)"


def remove(folder: Path) -> None:
    """Remove a folder in which a script may have locked others out, or dug deeper than a path may be long; of a link itself.

    It may still be written to: no name in it is followed twice, so one that becomes a link leads to nothing.
    """
    try:
        top = _entered(folder)
    except OSError:
        with suppress(OSError):
            folder.unlink()
        return
    try:
        places = _emptied(top, top)
        for place in places:  # it grows: each inner folder is moved to the top before it is looked into
            with suppress(OSError):
                handle = _entered(place, top)
                try:
                    places += _emptied(handle, top)
                finally:
                    os.close(handle)
                os.rmdir(place, dir_fd=top)
    finally:
        os.close(top)
    with suppress(OSError):
        folder.rmdir()


def _entered(folder: Path | str, parent: int | None = None) -> int:
    """Open a folder, never through a link, and let its owner do everything in it."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(folder, flags, dir_fd=parent)
    except PermissionError:
        os.chmod(folder, 0o700, dir_fd=parent)
        handle = os.open(folder, flags, dir_fd=parent)
    with suppress(OSError):  # another user's
        os.fchmod(handle, 0o700)
    return handle


def _emptied(place: int, top: int) -> list[str]:
    """Remove the files of an open folder; return under which names its folders are to be found now in `top`."""
    with os.scandir(place) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    return [
        moved
        for name, inner in sorted(names, key=itemgetter(1))
        if (moved := _removed(name, inner, place, top))
    ]


def _removed(name: str, is_folder: bool, place: int, top: int) -> str:
    """Remove a file, "" then; of a folder return its new name."""
    with suppress(OSError):
        if not is_folder:
            os.unlink(name, dir_fd=place)
            return ""
        os.close(_entered(name, place))  # else it could not be moved
        moved = token_hex(16)
        os.rename(name, moved, src_dir_fd=place, dst_dir_fd=top)
        return moved
    return ""
