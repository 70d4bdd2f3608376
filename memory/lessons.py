"""Lessons: what an attempt on another task teaches, in a line that a model may read as data.

An item may come from anybody's export. So it is read by its types, its words are quoted, cut and of one line, and what it says
of its cause is what `nodes/craft/told.py` let through with nothing of its own task known.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from memory.cards import ABOUT, one_line
from memory.scores import gain
from memory.state import NANO, Plan

if TYPE_CHECKING:
    from pydantic import TypeAdapter

WHAT, CHANGE, CAUSE, NAME = 160, 240, 120, 60  # characters that are told
WHOLE = 99.5  # percent gained, from which no decimals are told
ROOM = 2_400  # characters of all lessons that a node is offered: some 600 tokens


@dataclass(frozen=True)
class Lesson:
    """An attempt of another run, as it is kept: `memory.attempts.Attempt` with what the evaluator adds."""

    task: str
    run: str
    status: str
    plan: Plan
    about: str  # what the task is, from its card
    direction: str = "max"
    step: int = 0
    case: str = ""  # name of the bank's case that was applied
    edit: bool = False  # the case changes the best script, and is none by itself
    change: str = ""  # difference from the script that it began from, as lines
    cause: str = ""  # why it failed
    baseline: float | None = None  # score of the starter
    score_before: float | None = None
    score: float | None = None
    noise: float | None = None
    spent: int = 0  # nano-dollars that this attempt took
    call: int = 0  # what a usual call of its model cost then, in nano-dollars; 0 where that is unknown
    seconds: float = 0.0

    @property
    def gained(self) -> float:
        """By how many percent of the score before it is better; 0 where either is unknown or it did not."""
        before, after = self.score_before, self.score
        if before is None or after is None or self.status != "keep":
            return 0.0
        percent = 100.0 * gain(before, after, self.direction) / (abs(before) or 1.0)
        return max(0.0, percent) if math.isfinite(percent) else 0.0

    @property
    def above_noise(self) -> float:
        """The gain less its noise, in percent of the score before it; 0 at least."""
        noise = 100.0 * (self.noise or 0.0) / (abs(self.score_before or 0.0) or 1.0)
        return max(0.0, self.gained - noise) if math.isfinite(noise) else 0.0

    @property
    def failed(self) -> bool:
        """Whether it is a dead end: it crashed, made the best script no better, or is a whole script that is no better than the starter."""
        whole = bool(self.case) and not self.edit
        return self.status == "crash" or (
            self.status == "discard" and not (whole and self._beats_the_starter)
        )

    @property
    def _beats_the_starter(self) -> bool:
        known = self.baseline is not None and self.score is not None
        return known and gain(self.baseline or 0.0, self.score or 0.0, self.direction) > 0


def read(item: Mapping[str, Any]) -> Lesson | None:
    """Return the lesson of an item; None where it is none, or is not of the types that it should be."""
    try:
        return _adapter().validate_python({f.name: item[f.name] for f in fields(Lesson) if f.name in item})
    except ValueError:
        return None


@cache
def _adapter() -> "TypeAdapter[Lesson]":
    from pydantic import TypeAdapter

    return TypeAdapter(Lesson)


def told(lesson: Lesson, similarity: float) -> str:
    """Tell a lesson in one line: what came of it, what was done, where, at which cost, how similar that is."""
    what = quoted(lesson.plan.get("instruction") or lesson.plan.get("action", ""), WHAT)
    money = f"${lesson.spent / NANO:.4f}, {lesson.seconds:.0f} s"
    place = f"task {quoted(lesson.task, NAME)} ({one_line(lesson.about, ABOUT)})"
    source = f"similarity {similarity:.2f}, from {one_line(lesson.run, NAME)}/{lesson.step}"
    change = f"; change {quoted(' | '.join(lesson.change.splitlines()), CHANGE)}" if lesson.change else ""
    return f"{_outcome(lesson)}: {what} on {place}; {source}; {money}{change}"


def quoted(text: object, most: int) -> str:
    """Return a text in quotes, in one line, cut: what is inside is not taken for words of the prompt."""
    return json.dumps(one_line(text, most), ensure_ascii=False)


def fitting(lines: Sequence[str], room: int = ROOM) -> int:
    """Return how many of the lines, from the first on, fit into `room` characters."""
    used = 0
    for count, line in enumerate(lines):
        used += len(line)
        if used > room:
            return count
    return len(lines)


def _percent(gain: float) -> str:
    return f"{gain:.2g}" if gain < WHOLE else f"{gain:.0f}"


def _outcome(lesson: Lesson) -> str:
    before, after = lesson.score_before, lesson.score
    if after is None or before is None:
        return f"failed ({one_line(lesson.cause, CAUSE) or 'no score'})" if lesson.failed else "kept"
    noise = f" with noise {lesson.noise:.2g}" if lesson.noise is not None else ""
    scores = f"{before:.4g} -> {after:.4g}{noise}"
    if lesson.status != "keep":
        return f"did not help ({scores})"
    tie = gain(before, after, lesson.direction) <= 0
    return (
        f"kept by its own validation ({scores})" if tie else f"gained {_percent(lesson.gained)}% ({scores})"
    )
