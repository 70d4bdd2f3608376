"""`budgetml.toml`, beside the runs' folder: a project's settings, each with a variable that wins over it.

memory = "http://127.0.0.1:8000"                           a Chroma server for what several machines learn (BUDGETML_MEMORY)
embedding = "https://api.example/v1 some-model SOME_KEY"   who makes the vectors by which it is found (BUDGETML_EMBEDDING)

Without the first what is learned stays in a folder beside the runs, without the second the shipped weights embed. The file may have
come with a folder that somebody sent, and says where texts go and which key with them: it is obeyed once the person has
confirmed it.
"""

import hashlib
import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from budgetmlagent.confirmed import keep, known
from budgetmlagent.errors import UsageError
from budgetmlagent.foreign import visible
from memory.embedding import SHIPPED, named
from memory.files import read_plain
from memory.merge import SHARED
from memory.server import address
from memory.shared import Place

NAME = "budgetml.toml"
VARIABLES = {"memory": "BUDGETML_MEMORY", "embedding": "BUDGETML_EMBEDDING"}
KIND = "settings"
MOST = 1 << 20  # bytes of the file
LONG = 300  # characters of it in a line


def shared_memory(runs_dir: Path) -> Place:
    """Return where the runs of a folder share their memory, and who embeds.

    Raises UsageError for a setting that is none, or that the person has not confirmed.
    """
    _confirm(path := _file(runs_dir), values := _read(path), trust=False)
    return _place(runs_dir, path, values)


def memory_hosts(runs_dir: Path) -> list[str]:
    """Return the hosts, with their ports, that the runs of a folder send to what they learn; none where it stays beside them."""
    path = _file(runs_dir)
    place = _place(runs_dir, path, _read(path))
    return [host for host in (urlsplit(place.server).netloc, place.embedding.host) if host]


def confirm(runs_dir: Path, *, trust: bool) -> None:
    """Go on where the file asks for nothing, or for what the person confirms, now (`trust`) or before.

    Raises UsageError where it asks for something else, UnavailableError where the person's word cannot be kept.
    """
    path = _file(runs_dir)
    _confirm(path, _read(path), trust=trust)


def _file(runs_dir: Path) -> Path:
    return runs_dir.absolute().parent / NAME


def _confirm(path: Path, values: Mapping[str, str], *, trust: bool) -> None:
    asks = [f"{name} = {text!r}" for name, text in values.items() if not os.environ.get(VARIABLES[name])]
    asks = [ask for ask in asks if ask != f"embedding = {str(SHIPPED)!r}"]
    place, told = str(path.resolve()), ", ".join(asks)
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    if not asks or known(KIND).get(place) == digest:
        return
    if not trust:
        raise UsageError(
            f"{path}: asks for {visible(told)[:LONG]}, which says where what runs learn is sent: if you want that, add --trust, once,"
            " to `budgetml run` or to `budgetml memory stats` (trust=True); else take it out"
        )
    keep(KIND, place, digest)
    print(visible(f"budgetml: {path}: confirmed from now on: {told}"), file=sys.stderr)


def _place(runs_dir: Path, path: Path, values: Mapping[str, str]) -> Place:
    def value(name: str, use: Callable[[str], Any]) -> Any:
        chosen = os.environ.get(VARIABLES[name]) or values.get(name, "")
        try:
            return use(chosen) if chosen else None
        except ValueError as error:
            where = f"${VARIABLES[name]}" if os.environ.get(VARIABLES[name]) else f"{path}: {name}"
            raise UsageError(f"{where}: {error}, or leave it out") from None

    def server(text: str) -> str:
        address(text)
        return text

    return Place(runs_dir / SHARED, value("memory", server) or "", value("embedding", named) or SHIPPED)


def _read(path: Path) -> dict[str, str]:
    """Return what the file says, {} where there is none."""
    try:
        values = tomllib.loads(read_plain(path, MOST).decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no TOML ({' '.join(str(error).split())[:200]})") from None
    if unknown := sorted(values.keys() - VARIABLES.keys()):
        raise UsageError(
            f"{path}: there is no setting {unknown[0][:80]!r}; there are {' and '.join(VARIABLES)}"
        )
    for name, value in values.items():
        if not isinstance(value, str):
            raise UsageError(f'{path}: {name}: a text is needed, such as {name} = "..."')
    return {name: value for name, value in sorted(values.items()) if value}
