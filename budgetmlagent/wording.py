"""How numbers and unknown names are told."""

from collections.abc import Iterable
from difflib import get_close_matches


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: `1 step`, `2 steps`; `many` is for a word that takes no s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def unknown(what: str, name: str, names: Iterable[str]) -> str:
    """Say that there is no `what` of this name: the nearest of those that there are, and all of them."""
    there = list(names)
    close = get_close_matches(name, there, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown {what} {name!r}{hint}; there {'is' if len(there) == 1 else 'are'} {', '.join(there) or 'none'}"
