"""A bar for what makes a person wait: an index that is made anew."""

from collections.abc import Iterable, Sequence

LONG = 2_000  # items from which on it is shown


def shown(parts: Sequence[Sequence[str]]) -> Iterable[Sequence[str]]:
    """Return the parts of a list of items, with a bar on standard error, where that is a terminal and they are many."""
    if sum(map(len, parts)) < LONG:
        return parts
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(parts, "the memory's index is made anew", console=console, disable=not console.is_terminal)
