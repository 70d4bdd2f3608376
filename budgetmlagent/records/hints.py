"""How to go on with a run, or to look at it: as a command that is typed here, and in Python."""

from contextlib import suppress
from pathlib import Path
from shlex import quote

from budgetmlagent.errors import UsageError

IN_PYTHON = Path("runs")  # the runs' folder where `Session.open` is given none


def command(words: str, run: Path, options: str = "") -> str:
    """Return a command on the run in this folder, such as `budgetml resume RUN --turns 9 --runs-dir DIR`."""
    return " ".join(filter(None, [f"budgetml {words}", quote(run.name), options, among(run.parent)]))


def among(runs_dir: Path) -> str:
    """Return the option of a command that names the folder of runs; "" where it is the one that is taken without."""
    from budgetmlagent import settings

    usual = settings.RUNS
    # Of settings that are none, which the command will tell, and of a current folder that was removed.
    with suppress(UsageError, FileNotFoundError):
        usual = settings.runs_folder()
    return "" if _same(runs_dir, usual) else f"--runs-dir {quote(_short(runs_dir))}"


def opened(run: Path) -> str:
    """Return how the run in this folder is opened in Python."""
    return f"Session.open({run.name!r}{kept_in(run.parent)})"


def kept_in(runs_dir: Path) -> str:
    """Return the argument that names the folder of runs in Python, after a comma; "" where it is the one that is taken without."""
    return "" if _same(runs_dir, IN_PYTHON) else f", runs_dir={_short(runs_dir)!r}"


def _same(one: Path, other: Path) -> bool:
    return _whole(one) == _whole(other)


def _whole(folder: Path) -> Path:
    """Return a path from the root; as it is where the current folder was removed, from which nothing can be reached."""
    with suppress(FileNotFoundError):
        return folder.absolute().resolve()
    return folder


def _short(folder: Path) -> str:
    """Return a folder's path as it is shorter to type: from here where it lies below."""
    whole, here = _whole(folder), _whole(Path())
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)
