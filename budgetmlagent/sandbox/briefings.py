"""Briefings that are kept: of the same files, read by the same code and libraries, come the same facts.

They lie in the cache, the newest ones alone: none of a task whose data stay, and none that tells of a problem.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from budgetmlagent.cache import cache
from budgetmlagent.inside import briefing
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import Interpreter
from budgetmlagent.tasks.folder import TaskFolder
from memory.files import SMALL, odd, parsed, read_plain, write_whole

CODE = Path(briefing.__file__ or "").parent
FOLDER = "briefings"
MOST = 200  # are kept
MOST_HASHED = 1 << 28  # bytes of a task's files: more take longer to hash than is worth it


def place_of(
    task: TaskFolder, cage: Cage, python: Interpreter, submitted: Mapping[str, str], meta: str
) -> Path | None:
    """Return the file of the briefing of `task` after a starter that `submitted` these artifacts; None where none is kept.

    Its name is a hash of all that a briefing is made of: of each file the name and the content, wherever it lies.
    """
    if task.data == "stays":
        return None
    env = task.env
    try:
        files = {path.relative_to(env).as_posix(): path for path in sorted(env.rglob("*")) if path.is_file()}
        large = sum(path.stat().st_size for path in files.values()) > MOST_HASHED
        if large or any(odd(env)):  # a link leads elsewhere
            return None
        held = {name: _digest(path) for name, path in files.items()}
    except OSError:  # what cannot be read is for the briefing to tell
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = [cage.name, str(python.path), python.version, python.installed(), cores]
    said = json.dumps([_code(), machine, held, sorted(submitted.items()), meta])
    return cache() / FOLDER / f"{hashlib.sha256(said.encode()).hexdigest()}.json"


def kept(place: Path) -> dict[str, Any] | None:
    """Return the briefing that is kept there, None where there is none that can be read."""
    try:
        facts = parsed(read_plain(place, SMALL))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def keep(place: Path, facts: Mapping[str, Any]) -> None:
    """Keep a briefing without problems, where the cache can be written."""
    if facts.get("problems"):
        return
    with suppress(OSError):  # it can be made again
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(place, json.dumps(facts).encode(), mode=0o600)
        known = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for old in known[:-MOST]:
            old.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _code() -> str:
    return json.dumps({path.name: _digest(path) for path in sorted(CODE.glob("*.py"))})
