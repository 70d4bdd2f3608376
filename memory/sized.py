"""How much the script of a case may do: by what is left of the run's time, and less where it has run out of time before.

Both depend on a clock, and so they are part of the item that a node is given: a replay is given the same one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from memory.attempts import Attempt, Reader
from memory.items import Item

STEPS = 8  # of the time of one execution: an item is the same while the time that is left lies within one
LESS = 4  # times fewer rows, each time that a case has run out of time
TIMES = 2  # that it comes again
SMALLER = "part is defined"  # in a template: it can learn from a part of the rows


def within(limit: float, left: float) -> float:
    """Return the seconds that a script may plan with: `limit`, or as many eighths of it as are left, half of one at least."""
    return limit if left >= limit else limit * (max(0, int(STEPS * left / limit)) or 0.5) / STEPS


def sized(cases: Sequence[Item], tried: Sequence[Mapping[str, Any]], seconds: float | None) -> list[Item]:
    """Return the bank's cases that are left to try, for so many seconds (None: as many as an execution may take).

    A case of `tried` (see `ran`) that ran out of time comes again on a part of the rows, if its template knows how.
    """
    left = []
    for case in cases:
        before = [one for one in tried if one["name"] == case["name"]]
        if before and not (all(one["late"] for one in before) and len(before) <= TIMES and _can_shrink(case)):
            continue
        part = {"part": LESS ** -len(before)} if before else {}
        left.append(case | part | ({} if seconds is None else {"seconds": seconds}))
    return left


def ran(attempts: Sequence[Attempt], artifacts: Reader) -> list[dict[str, Any]]:
    """Return {name, late} of the bank's cases that ran; `late` says that the time ran out."""
    found = [
        (artifacts.json(attempt.plan["case"]), attempt) for attempt in attempts if attempt.plan.get("case")
    ]
    return [
        {"name": case["name"], "late": attempt.fault == "time"}
        for case, attempt in found
        if case.get("template") or case.get("edit")
    ]


def _can_shrink(case: Item) -> bool:
    return any(SMALLER in text for text in (case["template"], *case["shared"].values()))
