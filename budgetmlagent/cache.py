"""Where is kept what can be fetched or made again, as weights and indexes; and what a person has decided on this machine."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from budgetmlagent.errors import UnavailableError

VARIABLE = "BUDGETML_CACHE"


def cache() -> Path:
    """Return the folder: BUDGETML_CACHE, else the system's place for caches, ~/.cache/budgetmlagent on Linux.

    Raises UnavailableError where neither is known, as for a user without a home.
    """
    from platformdirs import user_cache_path

    return _own(user_cache_path)


def state() -> Path:
    """Return the folder of what is this person's alone: BUDGETML_CACHE, else ~/.local/state/budgetmlagent on Linux.

    It is no cache: without it runs that were begun here are not known any more, and programs are asked for again.
    Raises UnavailableError as `cache` does.
    """
    from platformdirs import user_state_path

    return _own(user_state_path)


def copies() -> Path:
    """Return the folder of runs folders that are copies of an archive. Raises UnavailableError as `cache` does."""
    return cache() / "archives"


def is_copy(runs_dir: Path) -> bool:
    """Whether a runs folder is one of them."""
    with suppress(UnavailableError, OSError):
        return runs_dir.resolve().parent == copies().resolve()
    return False


def _own(of_system: Callable[[str], Path]) -> Path:
    try:
        own = os.environ.get(VARIABLE)
        folder = Path(own).expanduser() if own else of_system("budgetmlagent")
    except RuntimeError:  # of both, where there is no home
        folder = None
    if folder is None or not (own or folder.is_absolute()):
        raise UnavailableError(
            f"no home folder is known here: set {VARIABLE} to the path of a folder that can be written"
        )
    return folder


def unwritable(error: OSError) -> str:
    """Say that the cache refused, and what to do."""
    return f"cannot be written: {error.strerror or error}; set {VARIABLE} to the path of a folder that can be"


def standing() -> str:
    """Tell where the cache is, and whether it can be written; what was tried is undone."""
    import tempfile

    folder = cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            return str(folder)
    except OSError as error:
        return f"{folder} {unwritable(error)}"
