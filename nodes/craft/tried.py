"""What was tried and what came of it, for a capable model: every attempt has a line, the newest ones the longest.

The lines keep their order and their words from turn to turn as far as they can, and take no more room at turn thirty than at
turn three: what is old is told in fewer words.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from memory.attempts import Attempt, doubt, status

ROOM = 1_050  # characters of all lines
NEWEST, LONG = 4, 260  # the attempts that are told at length, and characters of each at most
OLDER, SHORT = 6, 64  # those before them that have a line of their own, and its characters
SCORES = 4  # of the bests, that are told


def tried(attempts: Sequence[Attempt]) -> list[str]:
    """Return a line for each attempt but the baseline, the oldest first, or for several of the oldest together."""
    made = [attempt for attempt in attempts if attempt.plan.get("action") != "baseline"]
    again = {two.id for one, two in pairwise(made) if one.turn == two.turn}  # the script before, repaired
    older, newest = made[:-NEWEST], made[-NEWEST:]
    first = [_together(older[:-OLDER])] if older[:-OLDER] else []
    lines = [*first, *(_line(one, SHORT, _brief(one), again=one.id in again) for one in older[-OLDER:])]
    left = (ROOM - sum(map(len, lines))) // max(1, len(newest))
    return [*lines, *(_line(one, min(LONG, left), outcome(one), again=one.id in again) for one in newest)]


def scores(attempts: Sequence[Attempt]) -> str:
    """Return the scores that were the best one after another, the starter's first."""
    kept = [(a.turn, a.score) for a in attempts if a.score is not None and status(a) == "keep"]
    told = [f"{score:.5g} ({f'turn {turn}' if turn else 'the starter'})" for turn, score in kept]
    return " -> ".join(told if len(told) <= SCORES + 1 else [told[0], "...", *told[-SCORES:]])


def outcome(attempt: Attempt) -> str:
    """Say in a few words what became of an attempt, and why."""
    if attempt.score is not None:
        before = attempt.score_before
        kept = {"keep": "kept, the new best", "discard": "discarded"}.get(status(attempt), status(attempt))
        better = f", the best was {before:.5g}" if before is not None and status(attempt) != "keep" else ""
        return ", ".join(filter(None, [f"{kept}, score {attempt.score:.5g}{better}", doubt(attempt)]))
    return f"{attempt.fault or status(attempt)}: {attempt.problem or 'no score'}"


def _line(attempt: Attempt, most: int, came: str, *, again: bool) -> str:
    """Tell an attempt in `most` characters: what was done, and what `came` of it."""
    how = f", {attempt.plan.get('action', '')}" if most > SHORT else ""
    head, came = f"turn {attempt.turn}{how}: ", _cut(came, most // 2)
    what = "repaired" if again else " ".join((attempt.plan.get("instruction") or "as it is").split())
    return f"{head}{_cut(what, most - len(head) - len(came) - 3)} - {came}"


def _brief(attempt: Attempt) -> str:
    if attempt.score is None:
        return attempt.fault or status(attempt)
    return f"{'kept' if status(attempt) == 'keep' else 'discarded'} {attempt.score:.4g}"


def _together(attempts: Sequence[Attempt]) -> str:
    """Count what became of the oldest attempts."""
    ends = Counter(
        (attempt.fault or status(attempt)) if attempt.score is None else status(attempt)
        for attempt in attempts
    )
    first, last = attempts[0].turn, attempts[-1].turn
    return f"turns {first} to {last}: " + ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 3)] + "..."
