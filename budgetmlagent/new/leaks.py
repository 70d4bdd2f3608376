"""Columns that give the target away, and those that merely count the rows of a sorted table."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from budgetmlagent.inside.briefing.layout import ID
from budgetmlagent.inside.briefing.structure import TIME
from budgetmlagent.new.decides import decides, indicators, pairs, part
from budgetmlagent.new.formulas import SAMPLED, SHOWN, days, formulas, line, spans
from budgetmlagent.wording import some

UNLIKE = 20  # different numbers, of which more are needed to see that one rises with another


def counters(header: list[str], columns: dict[str, "pd.Series[Any]"]) -> list[str]:
    """Columns of whole numbers that go up or down by the same step from row to row: they only say where a row stands.

    What is named like an identifier is none that scripts learn from, and what is named like a time is no mere counter.
    """
    found = []
    for name in header:
        values = columns[name]
        if values.dtype.kind not in "iu" or len(values) < 3 or ID.match(name) or TIME.search(name):
            continue
        steps = values.diff().dropna()
        if steps.iloc[0] != 0 and (steps == steps.iloc[0]).all():
            found.append(name)
    return found


def told(
    frame: pd.DataFrame, target: str, id: str, labels: bool, dates: Collection[str] = ()
) -> dict[str, list[str]]:
    """Notes on the columns that tell the target exactly, or nearly so, each with these columns."""
    names = [name for name in frame.columns if name not in (target, id)]
    answers = frame[target]
    known = "leave {} out (--drop) if {} not known beforehand"
    one, several = known.format("it", "it is"), known.format("these", "they are")
    notes = dict[str, list[str]]()
    for name in names:
        if how := _tells(frame[name], answers, labels):
            notes[f"{name!r} tells {target!r} {how}; {one}"] = [name]
    rest = [name for name in names if [name] not in notes.values()]
    if labels:
        for name in [id, *rest] if id in frame.columns else rest:
            how, piece = _part(frame[name], answers) if name not in dates else ("", "")
            if how:
                notes[f"{name!r} tells {target!r} {how} by a part of it, as {piece!r}; {one}"] = [name]
        if used := indicators(frame, rest, answers):
            notes[f"{some(used, SHOWN)} each say whether {target!r} is one label; {several}"] = used
        elif pair := next(pairs(frame, rest, answers), None):
            notes[f"{pair[0]!r} and {pair[1]!r} tell {target!r} exactly together; {several}"] = list(pair)
    if answers.dtype.kind not in "iuf" or (labels and answers.nunique() <= 2):
        return notes
    numbers = [name for name in rest if frame[name].dtype.kind in "iuf" and frame[name].nunique() > 1]
    moments = {name: days(frame[name]) for name in rest if name in dates}
    for found in (next(spans(moments, answers), None), next(formulas(frame, numbers, target), None)):
        if found:
            notes[f"{target!r} is {found[0]}; {several}"] = found[1]
    return notes


def _part(values: "pd.Series[Any]", answers: "pd.Series[Any]") -> tuple[str, str]:
    return (
        part(values, answers)
        if values.dtype.kind not in "iufb" and 2 * values.nunique() > len(values)
        else ("", "")
    )


def _tells(values: "pd.Series[Any]", answers: "pd.Series[Any]", labels: bool) -> str:
    """How a column alone tells the target, "" where it does not."""
    if labels:
        if values.isna().any() and (exact := decides(values.isna(), answers)):
            return f"by its gaps {exact}"
        if exact := decides(values, answers):
            return exact
    if values.dtype.kind not in "iuf" or values.nunique() <= UNLIKE:
        return ""
    if labels:
        known = pd.DataFrame({"x": values, "y": answers}).dropna().sort_values("x", kind="stable")
        several = known.y.nunique()
        parts = int((known.y != known.y.shift()).sum())
        apart = parts == several > 1 and known.groupby("x").y.nunique().max() == 1
        return "exactly, by where it lies" if apart and known.y.value_counts().min() >= 10 else ""
    if answers.nunique() <= UNLIKE:
        return ""
    both = (values.notna() & answers.notna()).to_numpy()
    x, y = values.to_numpy(float)[both], answers.to_numpy(float)[both]
    if len(np.unique(y)) > UNLIKE and (rises(x, y) or rises(x, -y)):
        return "exactly: it rises and falls with it"
    return "but for its rounding: they lie on a straight line" if line(values, answers) else ""


def rises(x: Any, y: Any) -> bool:
    """Whether y never falls as x rises; x may be rounded, so that it has several of y, which lie below those of the next."""
    if len(x) > SAMPLED and not rises(x[:SAMPLED], y[:SAMPLED]):
        return False
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    starts = np.flatnonzero(np.diff(x, prepend=-np.inf))
    return bool((np.maximum.reduceat(y, starts)[:-1] <= np.minimum.reduceat(y, starts)[1:]).all())
