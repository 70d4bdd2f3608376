"""Which models a server on this machine has, asked of the server itself, and which is the smaller one by its name."""

import re
from collections.abc import Sequence

import httpx2

from budgetmlagent.errors import UnavailableError

SECONDS = 2.0
LONGEST_NAME = 200  # characters
NO_CHAT = re.compile(r"embed|rerank|minilm|\bbge-", re.IGNORECASE)
# "7b", "0.5B", "270m", "8x7b"; not the active part of "30b-a3b"
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.IGNORECASE)


def served(base_url: str) -> list[str]:
    """Return the names of the chat models at `base_url`, in the server's order. Raises UnavailableError."""
    try:
        # No proxy: the server is on this machine.
        reply = httpx2.get(f"{base_url}/models", timeout=SECONDS, trust_env=False)
        rows = reply.raise_for_status().json()["data"]
        names = [row["id"] for row in rows]
    except httpx2.TransportError:
        raise UnavailableError(f"no server answers at {base_url}") from None
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        raise UnavailableError(f"what answers at {base_url} gives no list of models") from None
    # They are written into a file: a line break or a control code would say something else there.
    fit = [n for n in names if isinstance(n, str) and 0 < len(n) <= LONGEST_NAME and n.isprintable()]
    if chat := [name for name in fit if not NO_CHAT.search(name)]:
        return chat
    raise UnavailableError(f"the server at {base_url} has no chat model yet")


def ends(names: Sequence[str]) -> tuple[str, str]:
    """Return the smallest and the largest model by the sizes in their names; where none tells, the first one twice."""
    sized = sorted((name for name in names if size(name)), key=size)
    return (sized[0], sized[-1]) if sized else (names[0], names[0])


def size(name: str) -> float:
    """Return the parameters that a model's name tells, in billions; 0 where it tells none."""
    found = [
        int(many or 1) * float(number) / (1 if unit in "bB" else 1000)
        for many, number, unit in _SIZE.findall(name)
    ]
    return max(found, default=0.0)  # "7b-1m" is one of 7 billion with a window of a million
