"""How numbers, many names and unknown ones are told."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: `1 step`, `2 steps`; `many` is for a word that takes no s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def some(names: Sequence[str], most: int, told: Callable[[str], str] = repr) -> str:
    """Return the first names, as they are `told`, with a mark where there are more than `most`."""
    return ", ".join(map(told, names[:most])) + (", ..." if len(names) > most else "")


def unknown(what: str, name: str, names: Iterable[str]) -> str:
    """Say that there is no `what` of this name: the nearest of those that there are, and all of them."""
    there = list(names)
    are = "is" if len(there) == 1 else "are"
    return f"unknown {what} {name!r}{_meant(name, there)}; there {are} {', '.join(there) or 'none'}"


def one_of(words: Sequence[str], said: object) -> str:
    """Say what there is to choose from, where something else was said: all the words, and the nearest."""
    return f"one of {', '.join(words)} is needed{_meant(str(said), words)}"


def _meant(name: str, there: Sequence[str]) -> str:
    close = get_close_matches(name, there, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
