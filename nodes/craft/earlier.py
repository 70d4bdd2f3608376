"""The oldest attempts in few words: what each was and what came of it, attempts that are alike told as one.

The fewer words there are for each, the longer the run: what it was told with at turn three it is told with at turn thirty.
"""

import re
from collections import Counter
from collections.abc import Sequence

from memory.attempts import Attempt, status
from nodes.craft.within import within

Named = tuple[Attempt, str]  # an attempt, and what it is called
WORD = re.compile(r"[^\W\d_]{3,}")
ALIKE = 0.5  # share of the words of two instructions that both have, from which they are the same approach
LEAST, MOST = 24, 110  # characters of what an approach was
NAMES = 5  # of a group that are told


def earlier(made: Sequence[Named], room: int) -> list[str]:
    """Return a line for each approach of the attempts, oldest first, in `room` characters; those that brought least are one.

    Approaches that were kept come before those that have a score, and these before what failed, the newer first.
    """
    groups = _alike(made)
    ranked = sorted(range(len(groups)), key=lambda nth: (-_worth(groups[nth]), -nth))
    for count in range(len(groups), 0, -1):
        own = sorted(ranked[:count])
        told = [groups[nth] for nth in own]
        gone = {name for nth in ranked[count:] for _, name in groups[nth]}
        rest = [one for one in made if one[1] in gone]
        heads = [(_called(group), _came(group)) for group in told]
        others = [f"{_called(rest)}: other ways - {_came(rest)}"] if rest else []
        left = room - sum(len(f"{name}:  - {came}") for name, came in heads) - sum(map(len, others))
        if left >= LEAST * count:
            most = min(MOST, left // count)
            lines = [
                f"{name}: {within(_what(group), most)} - {came}"
                for group, (name, came) in zip(told, heads, strict=True)
            ]
            return [*others, *lines]
    return [within(f"{_called(made)}: {_came(made)}", room)] if made else []


def _alike(made: Sequence[Named]) -> list[list[Named]]:
    """Return the attempts in groups of one approach, each begun by the first attempt that is like none before it."""
    groups = list[tuple[set[str], list[Named]]]()
    for one in made:
        words = set(WORD.findall(_what([one]).lower()))
        known = next((group for own, group in groups if _share(words, own) >= ALIKE), None)
        if known is None:
            groups.append((words, [one]))
        else:
            known.append(one)
    return [group for _, group in groups]


def _share(words: set[str], others: set[str]) -> float:
    return len(words & others) / len(words | others) if words | others else 1.0


def _what(group: Sequence[Named]) -> str:
    """Return what the first of a group was; of a changed number which one."""
    plan = group[0][0].plan
    what = " ".join((plan.get("instruction") or "as it is").split())
    return what.partition(" = ")[0] if plan.get("action") == "tune" else what


def _called(group: Sequence[Named]) -> str:
    names = [name for _, name in group]
    if len(names) > NAMES:
        return f"attempts {', '.join(names[: NAMES - 1])}, ... {names[-1]} ({len(names)})"
    return f"attempt{'s' * (len(names) > 1)} {', '.join(names)}"


def _came(group: Sequence[Named]) -> str:
    """Say what came of a group: its scores from the lowest to the highest, how many were kept, and what failed how often."""
    scores = [attempt.score for attempt, _ in group if attempt.score is not None]
    low, high = (f"{min(scores):.4g}", f"{max(scores):.4g}") if scores else ("", "")
    kept = sum(attempt.score is not None and status(attempt) == "keep" for attempt, _ in group)
    ends = Counter(attempt.fault or status(attempt) for attempt, _ in group if attempt.score is None)
    parts = [low if low == high else f"{low} to {high}"] if scores else []
    if len(group) == 1:
        parts += ["kept" if kept else "not kept"] if scores else list(ends)
    else:
        parts += [f"{kept or 'none'} kept"] if scores else []
        parts += [f"{count} {end}" for end, count in sorted(ends.items())]
    return ", ".join(parts)


def _worth(group: Sequence[Named]) -> int:
    if any(attempt.score is not None and status(attempt) == "keep" for attempt, _ in group):
        return 2
    return int(any(attempt.score is not None for attempt, _ in group))
