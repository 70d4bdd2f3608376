"""What a person has said yes to, once: a file a kind with the person's own state, what it was by where it lies."""

import json
from pathlib import Path

from budgetmlagent.cache import state
from budgetmlagent.errors import UnavailableError
from memory.files import write_whole
from memory.locks import locked


def known(kind: str) -> dict[str, str]:
    """Return place -> hash of what was confirmed; empty where the file cannot be read: then each is asked for again."""
    try:
        found = json.loads(_file(kind).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(kind: str, place: str, digest: str) -> None:
    """Note a person's word. Raises UnavailableError where it cannot be kept."""
    file = _file(kind)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file.with_suffix(".lock")):
            write_whole(file, json.dumps(known(kind) | {place: digest}, indent=1).encode(), mode=0o600)
    except OSError as error:
        raise UnavailableError(
            f"{file}: cannot be written: {error.strerror}; --trust is kept there"
        ) from None


def _file(kind: str) -> Path:
    return state() / f"{kind}.json"
