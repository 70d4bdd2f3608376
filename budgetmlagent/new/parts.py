"""Which rows of a new task are held out: at random, whole groups, the latest ones, or the latest ones of each group."""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from budgetmlagent.errors import UsageError
from budgetmlagent.tasks.sharing import held_out
from budgetmlagent.tasks.taskfile import nearest

SHARE = 5  # one row in so many is held out
LEAST_HELD = 50  # as long as two thirds of the rows remain


@dataclass(frozen=True)
class Apart:
    """How rows are to be kept apart: the columns of groups and of time, "" for none."""

    group: str = ""
    time: str = ""

    def check(self, header: Sequence[str], target: str) -> None:
        """Raise UsageError where one of them is no column, or is the target."""
        for option, name in (("--group", self.group), ("--time", self.time)):
            if name and name not in header:
                raise UsageError(
                    f"{option} {name!r}: no such column; {nearest(name, list(header))}see --data"
                )
            if name and name == target:
                raise UsageError(f"{option} {name!r}: is the target; give another column")

    @property
    def words(self) -> str:
        """How rows are held out, for a sentence that goes on from "The rows of env/test.csv were"."""
        if self.group and self.time:
            return f"the latest of each {self.group!r} by {self.time!r}"
        return (
            f"those of whole groups of {self.group!r}"
            if self.group
            else f"the latest by {self.time!r}"
            if self.time
            else ""
        )


AT_RANDOM = Apart()


def parted(
    columns: Mapping[str, Sequence[str]],
    values: list[Any],
    apart: Apart,
    stratify: bool,
    seed: int,
    copies: list[int],
) -> tuple[list[int], list[int]]:
    """Numbers of the rows to learn from and of those held out, by `seed`; both shuffled.

    `columns` are the cells, `values` the target's; `copies` says for each row of which row it is a copy, its own number
    where of none. At random, labels are in proportion where `stratify`. Raises UsageError where no rows can be held out so.
    """
    if not (apart.group or apart.time):
        return _at_random(values, stratify, seed, copies)
    how = "last_in_group" if apart.group and apart.time else "group" if apart.group else "last"
    split = {"how": how, "by": apart.group, "time": apart.time}
    most = max(len(values) // SHARE, min(LEAST_HELD, len(values) // 3))
    out = held_out(columns, [], split, seed=str(seed), most=most)
    if not out:
        option = f"--group {apart.group!r}" if how == "group" else f"--time {apart.time!r}"
        why = (
            "no whole groups make about a fifth of the rows"
            if how == "group"
            else "not all values are dates or numbers, or too many are the last one"
        )
        raise UsageError(f"{option}: {why}; take another column")
    chance = random.Random(seed)
    rows = list(range(len(values)))
    chance.shuffle(rows)
    return [row for row in rows if row not in out], [row for row in rows if row in out]


def _at_random(
    values: list[Any], stratify: bool, seed: int, copies: list[int]
) -> tuple[list[int], list[int]]:
    chance = random.Random(seed)
    rows = list(range(len(values)))
    chance.shuffle(rows)
    counts = Counter(values[row] for row in rows if copies[row] == row)
    # A label's only row must be learned from.
    free = [row for row in rows if copies[row] == row and (not stratify or counts[values[row]] > 1)]
    if stratify:
        free.sort(key=lambda row: str(values[row]))
    wanted = max(round(len(rows) / SHARE), min(LEAST_HELD, len(rows) // 3))
    number = min(math.ceil(wanted * len(set(copies)) / len(rows)), len(free) // 2)
    first = {free[i * len(free) // number] for i in range(number)}
    held = {row for row in rows if copies[row] in first}
    return [row for row in rows if row not in held], chance.sample(sorted(held), len(held))
