"""Many items in parts, with a bar for what makes a person wait: an index that is made anew."""

from collections.abc import Iterable, Sequence

LONG = 1_000  # items from which on it is shown


def parts(names: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """Return a list in parts of `size`, with a bar on standard error, where that is a terminal and they are many."""
    found = [names[start : start + size] for start in range(0, len(names), size)]
    if len(names) < LONG:
        return found
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(found, "the memory's index is made anew", console=console, disable=not console.is_terminal)
