"""How attempts are called before capable models: by their turn, and where a turn has several by a letter, too."""

from collections import Counter
from collections.abc import Sequence
from string import ascii_lowercase as LETTERS

from memory.attempts import Attempt


def names(attempts: Sequence[Attempt]) -> list[str]:
    """Return the names of a branch's attempts, all of them, the oldest first: "4" is the first of turn 4, "4b" its second.

    A script and its repair have two names, as have a plan's script and that of an expert's idea in the same turn.
    """
    seen, found = Counter[int](), list[str]()
    for attempt in attempts:
        nth = seen[attempt.turn]
        letter = LETTERS[nth % len(LETTERS)] * (1 + nth // len(LETTERS)) if nth else ""
        found.append(f"{attempt.turn}{letter}")
        seen[attempt.turn] += 1
    return found


def named(newest_first: Sequence[Attempt]) -> dict[str, str]:
    """Return the name of each attempt of a branch by its id."""
    oldest_first = newest_first[::-1]
    return {attempt.id: name for attempt, name in zip(oldest_first, names(oldest_first), strict=True)}


def label(attempt: Attempt, name: str) -> str:
    """Say whose script one is, with its own score: what it is called, and what it reached."""
    score = "no score" if attempt.score is None else f"score {attempt.score:.5g}"
    return f"{f'attempt {name}' if attempt.turn else 'the starter'} ({score})"
