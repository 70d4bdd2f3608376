"""What a person should know of a table beside what was decided: order, groups, copies, columns that are not used."""

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

import pandas as pd

from budgetmlagent.inside.briefing.structure import TIME
from budgetmlagent.new.parts import Apart

MANY_LABELS = 50  # more may be something else
FEW_TIMES = 5  # different times; so few are no order
ROUGH = 200  # with fewer rows held out, a score is partly chance
ID = re.compile(
    r"(?i:(?:^|[\W_])(?:id|idx|index|key|uuid|guid|no|nr|number)$|^id[\W_])|[a-z](?:Id|ID|Key|No)$"
)


def order(frame: pd.DataFrame, target: str, dates: list[str], id: str, apart: Apart) -> list[str]:
    """What a random choice of rows may get wrong."""
    notes = []
    times = [
        name
        for name in frame.columns
        if frame[name].dtype.kind in "iuf" and TIME.search(name) and name != target
    ]
    for name in [*dates, *times]:
        when = (
            pd.to_datetime(frame[name], errors="coerce", format="mixed", utc=True)
            if name in dates
            else frame[name]
        )
        when = when.dropna()
        rises = when.is_monotonic_increasing or when.is_monotonic_decreasing
        if rises and when.nunique() > FEW_TIMES and not apart.time:
            notes.append(
                f"the rows are in the order of {name!r}, but are held out at random; --time {name!r} holds out the latest"
            )
    for name in frame.columns:
        if name in (target, id) or not 1 < frame[name].nunique() < len(frame):
            continue
        if ID.search(name) and not apart.group:
            notes.append(
                f"rows of one {name!r} may lie in both parts, which flatters scores; --group {name!r} keeps them together"
            )
    return notes


def unused(used: Collection[str], frame: pd.DataFrame, dates: list[str]) -> list[str]:
    """The columns that the starter does not use, and why."""
    left = [name for name in frame.columns if name not in used]
    if not left:
        return []

    def why(name: str) -> str:
        if name in dates:
            return "dates"
        if frame[name].nunique() <= 1:
            return "one value only" if frame[name].notna().any() else "empty"
        return "nearly each row has its own" if 2 * frame[name].nunique() > len(frame) else "words or codes"

    shown = ", ".join(f"{name!r} ({why(name)})" for name in left[:12]) + (", ..." if len(left) > 12 else "")
    return [f"not used by the starter: {shown}"]


def same(copies: list[int]) -> list[str]:
    """Rows that occur more than once."""
    several = sum(number > 1 for number in Counter(copies).values())
    note = f"{several} rows occur more than once: all copies of a row are kept in the same part"
    return [note] if several else []


def many(labels: list[Any], target: str) -> list[str]:
    """More labels than most tasks have."""
    note = f"{len(labels)} labels are many: if {target!r} holds numbers, names or dates, correct it or predict another column"
    return [note] if len(labels) > MANY_LABELS else []


def rough(held: int) -> list[str]:
    """So few rows held out that scores are partly chance."""
    few = f"{held} rows are held out: few, so scores are rough and small gains may be chance"
    return [few] if held < ROUGH else []
