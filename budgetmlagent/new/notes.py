"""What a person should know of a table beside what was decided: order, groups, copies, columns that are not used."""

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

import pandas as pd

from budgetmlagent.inside.briefing.structure import TIME
from budgetmlagent.new import groups
from budgetmlagent.new.parts import Apart
from budgetmlagent.wording import some

MANY_LABELS = 50  # more may be something else
SHOWN = 12  # columns that a note names
FEW_TIMES = 5  # different times; so few are no order
ROUGH = 200  # with fewer rows held out, a score is partly chance


def order(frame: pd.DataFrame, skip: Collection[str], dates: list[str], apart: Apart) -> list[str]:
    """What a random choice of rows may get wrong: an order in time, rows of one group. Columns in `skip` are neither."""
    names = [str(name) for name in frame.columns if name not in skip]
    when = {
        name: moments for name in names if (moments := _moments(frame[name], name, name in dates)) is not None
    }
    notes = [
        f"the rows are in the order of {name!r}, but are held out at random; --time {name!r} holds out the latest"
        for name, moments in when.items()
        if not apart.time
        and moments.nunique() > FEW_TIMES
        and (moments.is_monotonic_increasing or moments.is_monotonic_decreasing)
    ]
    for name, time in groups.found(frame, names, when).items():
        if not apart.group:
            notes.append(
                f"rows of one {name!r} may lie in both parts, which flatters scores; --group {name!r} keeps them together"
            )
        if time and not apart.time:
            notes.append(
                f"the rows of each {name!r} are in the order of {time!r}; --time {time!r} holds out the latest"
            )
    return notes


def _moments(values: "pd.Series[Any]", name: str, dated: bool) -> "pd.Series[Any] | None":
    """The known values of a column that may be a time; None where it is none."""
    if dated:
        return pd.to_datetime(values, errors="coerce", format="mixed", utc=True).dropna()
    return values.dropna() if values.dtype.kind in "iuf" and TIME.search(name) else None


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

    return [f"not used by the starter: {some(left, SHOWN, lambda name: f'{name!r} ({why(name)})')}"]


def codes(names: list[str]) -> list[str]:
    """Columns of numbers with zeros in front."""
    said = "written with zeros in front, as codes are, and learned from as numbers (--as COLUMN=category)"
    return [f"{said}: {some(names, SHOWN)}"] if names else []


def same(copies: list[int]) -> list[str]:
    """Rows that occur more than once."""
    several = sum(number > 1 for number in Counter(copies).values())
    note = f"{several} rows occur more than once: all copies of a row are kept in the same part"
    return [note] if several else []


def many(labels: list[Any], target: str) -> list[str]:
    """More labels than most tasks have."""
    note = f"{len(labels)} labels are many: if {target!r} holds numbers, names or dates, correct it or predict another column"
    return [note] if len(labels) > MANY_LABELS else []


def standing_in(frame: pd.DataFrame, target: str) -> list[str]:
    """Numbers such as -999 that may say that there is no value: far from all others, and more than once."""
    found = {name: odd for name in frame.columns if (odd := _stands_in(frame[name])) is not None}
    rest = [str(name) for name in found if name != target]
    notes = []
    if target in found:
        rows = int((frame[target] == found[target]).sum())
        notes.append(
            f"{found[target]:g} is far from all other values of {target!r}, in {rows} rows; empty these cells if it means that there is no value"
        )
    if rest:
        shown = some(rest, SHOWN, lambda name: f"{name!r} ({found[name]:g})")
        notes.append(f"values far from all others, which may mean that there is none: {shown}")
    return notes


def _stands_in(values: "pd.Series[Any]") -> float | None:
    """The least or greatest value of a column of numbers, where it is written in nines and lies far from all others."""
    if values.dtype.kind not in "iuf":
        return None
    for odd in (float(values.min()), float(values.max())):
        if not re.fullmatch(r"-?9{2,}\.0", str(odd)) or (values == odd).sum() < 2:
            continue
        others = values[values.notna() & (values != odd)]
        apart = min(abs(odd - others.min()), abs(odd - others.max()))
        if others.nunique() > 1 and apart > others.max() - others.min():
            return odd
    return None


def rough(held: int) -> list[str]:
    """So few rows held out that scores are partly chance."""
    few = f"{held} rows are held out: few, so scores are rough and small gains may be chance"
    return [few] if held < ROUGH else []
