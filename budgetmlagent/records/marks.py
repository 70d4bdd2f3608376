"""A checkpoint without what it holds, in whichever database it lies."""

from collections.abc import Sequence
from dataclasses import dataclass

# What decoding raises where bytes were changed in a way that the database does not notice.
UNDECODABLE = (ValueError, TypeError, LookupError, AttributeError, NotImplementedError, RecursionError)


@dataclass(frozen=True)
class Mark:
    """A checkpoint without what it holds."""

    id: str
    parent: str | None
    step: int
    loop: bool  # whether a node's step made it; else it is an input or an edit


def behind(marks: Sequence[Mark]) -> list[Mark]:
    """Return those of a thread, given newest first, that lead to the newest one, oldest first."""
    by_id, way = {mark.id: mark for mark in marks}, list[Mark]()
    here = marks[0] if marks else None
    while here is not None:
        way.append(here)
        # A circle, which strangers write, ends.
        here = by_id.pop(here.parent, None) if here.parent else None
    return way[::-1]
