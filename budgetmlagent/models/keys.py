"""The key of a model: from the environment, or from a file that is named when it is used."""

import os
import sys
from functools import cache
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.envfile import read_env


def _from_file(name: str) -> str | None:
    """The variable's value in `.env` of the current folder, having said so: the folder may be a stranger's, and so the account."""
    path = Path(".env").resolve()
    value = read_env(path).get(name)
    if value:
        _told(name, path)
    return value


@cache
def _told(name: str, path: Path) -> None:
    print(f"budgetml: {name} is taken from {path}", file=sys.stderr)


def api_key(spec: ModelSpec) -> str | None:
    """The key of this model, from the environment or else `.env` in the current folder; None where it needs none.

    Raises UsageError naming the variable where it is not set, or holds what no HTTP header can carry, and as `read_env`.
    """
    if spec.key is None:
        return None
    value = os.environ.get(spec.key) or _from_file(spec.key)
    if not value:
        raise UsageError(
            f"model {spec.name!r}: the key is missing: set {spec.key} in the environment or in .env"
        )
    if not (value.strip().isascii() and value.strip().isprintable()):
        raise UsageError(
            f"model {spec.name!r}: {spec.key} holds more than a key: paste it again, on one line"
        )
    return value
