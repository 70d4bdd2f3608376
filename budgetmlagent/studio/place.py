"""Where the studio was started, and what of it may be read and written: files below that folder, runs of the runs folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from threading import RLock

from budgetmlagent.errors import UsageError
from budgetmlagent.records import rundir
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.run.view import RunView
from graphs.files import SHIPPED, SUFFIXES, shipped
from memory.files import is_name, read_plain, write_whole

LARGEST = 1 << 20  # bytes of a file that is read or written
PROMPTS = ".md"
OF_RUN = "run:"  # what the name of a run's own graph begins with; its id follows


class ConflictError(UsageError):
    """Something is otherwise than the page believes; `diff` shows a file that was changed meanwhile."""

    def __init__(self, what: str, diff: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.diff = list(diff)


@dataclass(frozen=True)
class Place:
    """A folder, and the runs folder, which need not lie in it; both are absolute."""

    folder: Path
    runs_dir: Path
    # One reads at a time: Python 3.11 cannot parse in two threads at once ("AST constructor recursion depth mismatch").
    turn: RLock = field(default_factory=RLock, compare=False, repr=False)

    def run(self, name: str) -> RunDir:
        """Return a run by its id. Raises UsageError."""
        if is_name(name) and (self.runs_dir / name / "config.json").is_file():
            return RunDir(self.runs_dir / name)
        if not is_name(name):
            raise UsageError(f"{name[:200]!r} is no run's id")
        return rundir.find(name, self.runs_dir)

    def view(self, name: str) -> RunView:
        """Return a run to look at. Raises UsageError for an unknown one and UnavailableError for a damaged one."""
        with self.turn:
            return RunView(self.run(name))

    def inside(self, path: str, suffixes: Sequence[str]) -> Path:
        """Return a file below the folder, through links. Raises UsageError for one that lies elsewhere, or among runs."""
        try:
            found = (self.folder / path).resolve()
        except (OSError, ValueError, RuntimeError):
            raise UsageError(f"{path[:200]!r} is no path") from None
        if found.suffix not in suffixes:
            raise UsageError(f"{path}: a file that ends in {' or '.join(suffixes)} is needed")
        if not found.is_relative_to(self.folder):
            raise UsageError(f"{path}: lies outside {self.folder}, where the studio was started")
        return found

    def read_only(self, path: Path) -> bool:
        """Whether a file is none of the person's to change here: it comes with the program, or belongs to a run."""
        return path.is_relative_to(SHIPPED) or path.is_relative_to(self.runs_dir)

    def named(self, path: Path) -> str:
        """Return a path as it is told: relative to the folder, where it lies in it."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)

    def graph(self, name: str) -> Path | None:
        """Return a graph's file; None for a shipped one, by its name. Raises UsageError.

        `run:ID` is the graph that a run was begun with, or has been edited to: it is read, and saved as a copy.
        """
        if name.startswith(OF_RUN):
            return self.run(name.removeprefix(OF_RUN)).graph
        return None if name in shipped() else self.inside(name, SUFFIXES)

    def write(self, path: Path, text: str, read: str) -> str:
        """Write a text into a file whose content had the hash `read` ("": there was none); return the new hash.

        Raises UsageError where it must not be written, ConflictError where it is another one by now.
        """
        name = self.named(path)
        if self.read_only(path):
            raise UsageError(f"{name}: is not to be changed here: save it under another name")
        try:
            now = text_of(path) if path.exists() else None
        except UsageError:
            raise ConflictError(
                f"{name}: was changed on disk since it was read, to what is no text"
            ) from None
        if (digest(now) if now is not None else "") != read:
            what = (
                "is gone"
                if now is None
                else "is there already"
                if not read
                else "was changed on disk since it was read"
            )
            lines = unified_diff(
                (now or "").splitlines(), text.splitlines(), f"{name} on disk", name, lineterm=""
            )
            raise ConflictError(f"{name}: {what}; nothing was written", list(lines))
        content = text.encode("utf-8", "surrogatepass")
        if len(content) > LARGEST:
            raise UsageError(f"{name}: has more than {LARGEST >> 20} MiB")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise UsageError(f"{name}: cannot be written: {error.strerror}") from None
        return digest(text)


def text_of(path: Path) -> str:
    """Return a file's text. Raises UsageError."""
    try:
        return read_plain(path, LARGEST).decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is no UTF-8 text") from None


def digest(text: str) -> str:
    """Return the hash by which a text is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
