"""The folder in which one script runs: made afresh, and removed when its submission has been taken."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

MOST_BYTES = 64 << 20  # of one submission file
SCRIPT = "train.py"


class TaskFiles(Protocol):
    """What the sandbox must know of a task; `budgetmlagent.tasks.folder.TaskFolder` has it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def env(self) -> Path: ...  # noqa: D102
    @property
    def metric(self) -> str: ...  # noqa: D102
    @property
    def direction(self) -> str: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def memory_gb(self) -> float: ...  # noqa: D102
    @property
    def disk_gb(self) -> float: ...  # noqa: D102
    @property
    def output_mb(self) -> float: ...  # noqa: D102
    @property
    def processes(self) -> int: ...  # noqa: D102
    @property
    def network(self) -> bool: ...  # noqa: D102
    @property
    def gpu(self) -> str: ...  # noqa: D102
    @property
    def python(self) -> Path | None: ...  # noqa: D102
    @property
    def starter(self) -> str: ...  # noqa: D102
    @property
    def readonly(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def scoring(self) -> Path: ...  # noqa: D102
    @property
    def answers(self) -> str | None: ...  # noqa: D102
    @property
    def submission(self) -> str: ...  # noqa: D102
    @property
    def feedback(self) -> str: ...  # noqa: D102


@contextmanager
def workspace(task: TaskFiles, script: str, parent: Path) -> Iterator[tuple[Path, dict[str, Path]]]:
    """Make a workspace with `script` as train.py; yield it and what is to be bound read-only in it.

    Files that the agent may change are copied. The folder is removed in the end.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="workspace-", dir=parent))
    try:
        bound = _lay_out(task.env, Path(), folder, set(task.readonly))
        (folder / SCRIPT).write_text(script, encoding="utf-8", errors="surrogateescape")
        yield folder, {f"/workspace/{name}": source.resolve() for name, source in bound.items()}
    finally:
        remove(folder)


def _lay_out(env: Path, place: Path, folder: Path, readonly: set[str]) -> dict[str, Path]:
    """Copy what is not read-only, and return what is; a folder that is read-only as a whole is one entry."""
    bound: dict[str, Path] = {}
    for source in sorted((env / place).iterdir()):
        inside = place / source.name
        if source.is_dir():
            inner = _lay_out_folder(env, inside, folder, readonly)
            bound.update(inner)
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
    try:
        # Never through a link, never waiting for a pipe's other end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return "is a symbolic link" if path.is_symlink() else f"cannot be opened ({error.strerror})"
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            return "is a folder"
        if not stat.S_ISREG(status.st_mode):
            return "is a pipe or a device"
        if status.st_nlink != 1:
            return "has a second name (a hard link)"
        if status.st_size > MOST_BYTES:
            return f"has {status.st_size / (1 << 20):.1f} MiB, {MOST_BYTES >> 20} are the most"
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read(MOST_BYTES)
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Remove a folder in which a script may have locked others out of its own folders."""
    for inner, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(inner, name)
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
