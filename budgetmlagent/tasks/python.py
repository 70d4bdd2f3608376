"""The interpreter that a task names for its scripts: what it may be, judged without starting it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from budgetmlagent.errors import UsageError

NAME = re.compile(r"(python|pypy)[0-9.]*[dmt]*(-dbg)?")
PROGRAMS = (
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)  # how programs begin: Linux', and two of macOS'
MOST_LINKS = 40  # that are followed, as the kernel does


def interpreter_of(file: Path, given: str) -> Path:
    """Return the interpreter that `python: given` in the task's `file` names.

    It is not resolved: a virtual environment's is a link that must be called by its name. Whoever starts it asks the person
    first. Raises UsageError for what is none, and for one in the task's folder: a program must not come with a task.
    """
    try:
        path = Path(os.path.abspath(file.parent / Path(given).expanduser()))  # noqa: PTH100 - links stay links
        if wrong := _against(path, file.parent.resolve()):
            raise UsageError(f"{file}: python: {path} {wrong}")
        return path
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # links in a circle, a home of nobody, a name that cannot be
        raise UsageError(f"{file}: python: {error}; give an interpreter's path or null") from None


def _against(path: Path, root: Path) -> str:
    """What is wrong with the interpreter of a task in `root`; "" for nothing."""
    # By where it is called, too: beside it Python looks for a `pyvenv.cfg`, and with that for code to begin with.
    if any(
        place.is_relative_to(root) for hop in _hops(path) for place in (hop, hop.parent.resolve() / hop.name)
    ):
        return "lies in the task's folder; name an interpreter of this machine"
    real = path.resolve()
    if not (real.is_file() and os.access(path, os.X_OK)):
        return "is no program; give an interpreter's path or null"
    with real.open("rb") as file:
        if not (NAME.fullmatch(real.name) and file.read(4) in PROGRAMS):
            return "is no Python interpreter; give one's path, as /usr/bin/python3, or null"
    return ""


def _hops(path: Path) -> Iterator[Path]:
    """Yield the path and whatever it leads to, a link at a time."""
    yield path
    for _ in range(MOST_LINKS):
        if not path.is_symlink():
            break
        path = Path(os.path.normpath(path.parent.resolve() / path.readlink()))
        yield path
