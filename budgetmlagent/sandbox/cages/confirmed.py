"""The programs that tasks may start as this person: each is asked for once, by its path and what its file holds.

What a virtual environment's `pyvenv.cfg` and `site-packages` hold is not looked at: it is much, it changes with every
package, and whoever names the environment's interpreter trusts it as it is.
"""

import functools
import hashlib
import os
import sys
from pathlib import Path

from budgetmlagent.confirmed import keep, known
from budgetmlagent.errors import UsageError

PROGRAMS = "programs"


def confirm(python: Path | None, *, trust: bool) -> None:
    """Go on where `python` may be started: None, the running interpreter, or one that the person trusts, now or before.

    Nothing is started. Raises UsageError for another, UnavailableError where the person's word cannot be kept.
    """
    if python is None or str(path := _path(python)) == os.path.abspath(sys.executable):  # noqa: PTH100 - links stay links
        return
    found, seen = _digest_now(path), known(PROGRAMS)
    if seen.get(str(path)) == found:
        return
    if not trust:
        again = "the program that you trusted has changed; " if str(path) in seen else ""
        real = path.resolve()
        what = f"{path} ({real})" if real != path else str(path)
        raise UsageError(
            f"python: {again}the task starts {what} as you, with the libraries that belong to it: add --trust (trust=True), "
            "once, if you trust both"
        )
    keep(PROGRAMS, str(path), found)


def _path(python: Path) -> Path:
    return Path(os.path.abspath(python))  # noqa: PTH100 - a virtual environment's link must stay a link


def _digest_now(path: Path) -> str:
    try:
        now = path.stat()
        return _digest(path, now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    except OSError as error:
        raise UsageError(f"python: {path}: {error.strerror}; give another interpreter") from None


@functools.lru_cache
def _digest(path: Path, *_: int) -> str:
    """The hash of a file, which is read once as long as it stays as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
