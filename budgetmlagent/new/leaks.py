"""Columns that give the target away, and those that merely count the rows of a sorted table."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from budgetmlagent.inside.briefing.layout import ID
from budgetmlagent.inside.briefing.structure import TIME
from budgetmlagent.wording import some

SURE = 12.0  # how unlikely chance must be, as a natural logarithm
NEARLY = 0.99  # share of the rows that a column tells rightly
EXACT = 1e-6  # share of the target's variance that is not told
ROUNDED = 1e-3  # and at most, where the target is rounded
SAMPLED = 1000  # rows that arithmetic is tried on
WIDE = 40  # numeric columns, pairs of which are tried
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


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


def told(frame: pd.DataFrame, target: str, id: str, labels: bool) -> dict[str, list[str]]:
    """Notes on the columns that tell the target exactly, or nearly so, each with these columns."""
    names = [name for name in frame.columns if name not in (target, id)]
    answers = frame[target]
    alone = [(name, how) for name in names if (how := _tells(frame[name], answers, labels))]
    notes = {
        f"{name!r} tells {target!r} {how}; leave it out (--drop) if it is not known beforehand": [name]
        for name, how in alone
    }
    if answers.dtype.kind not in "iuf" or (labels and answers.nunique() <= 2):
        return notes
    single = {name for name, _ in alone}
    numbers = [
        name
        for name in names
        if frame[name].dtype.kind in "iuf" and frame[name].nunique() > 1 and name not in single
    ]
    sample = frame[[*numbers, target]].dropna().head(SAMPLED)
    if len(sample) > 20 and (found := next(_formulas(sample, numbers, target), None)):
        words, used = found
        notes[f"{target!r} is {words}; leave these out (--drop) if they are not known beforehand"] = used
    return notes


def _tells(values: "pd.Series[Any]", answers: "pd.Series[Any]", labels: bool) -> str:
    """How a column alone tells the target, "" where it does not."""
    if labels:
        if values.isna().any() and (exact := _decides(values.isna(), answers)):
            return f"by its gaps {exact}"
        if exact := _decides(values, answers):
            return exact
    if values.dtype.kind not in "iuf" or values.nunique() <= 20:
        return ""
    pairs = pd.DataFrame({"x": values, "y": answers}).dropna().sort_values("x", kind="stable")
    if labels:
        several = pairs.y.nunique()
        parts = int((pairs.y != pairs.y.shift()).sum())
        apart = parts == several > 1 and pairs.groupby("x").y.nunique().max() == 1
        return "exactly, by where it lies" if apart and pairs.y.value_counts().min() >= 10 else ""
    if pairs.y.nunique() <= 20 or pairs.groupby("x").y.nunique().max() > 1:
        return ""
    # Rounded values may be equal, so that it is enough if the target never turns.
    return (
        "exactly: it rises and falls with it"
        if pairs.y.is_monotonic_increasing or pairs.y.is_monotonic_decreasing
        else ""
    )


def _decides(values: "pd.Series[Any]", answers: "pd.Series[Any]") -> str:
    """Whether each value stands beside one label alone, more often than chance would have it."""
    if not 1 < values.nunique(dropna=False) <= max(2, len(values) // 2):
        return ""
    counts = answers.groupby([values, answers], dropna=False, observed=True).size().unstack(fill_value=0)
    sizes = counts.sum(axis=1)
    again = counts[sizes > 1]
    confirmed = int((sizes[sizes > 1] - 1).sum())
    right = int(again.max(axis=1).sum())
    share = answers.value_counts(normalize=True)
    surprise = -math.log(float((share**2).sum())) * confirmed
    if again.idxmax(axis=1).nunique() < len(share) or surprise < SURE or confirmed < 0.2 * len(values):
        return ""
    rows = int(sizes[sizes > 1].sum())
    if right == rows:
        return "exactly"
    # What is left must be a small part of the rarer labels, too.
    wrong = rows - right
    return (
        f"in {right / rows:.1%} of the rows"
        if right / rows >= NEARLY and wrong < 0.1 * (1 - share.max()) * rows
        else ""
    )


def _formulas(sample: pd.DataFrame, numbers: list[str], target: str) -> Iterator[tuple[str, list[str]]]:
    """Sums, differences, products and quotients of two columns that are the target, and sums of several; with the columns."""
    answers = sample[target].to_numpy(float)
    spread = float(((answers - answers.mean()) ** 2).sum())
    # Half of the last digit is lost in rounding, at most.
    lost = min(ROUNDED * spread, max(EXACT * spread, len(answers) * (_step(answers) / 2) ** 2))
    columns = {name: sample[name].to_numpy(float) for name in numbers[:WIDE]}
    with np.errstate(all="ignore"):
        for left, right in itertools.permutations(columns, 2):
            for sign, operation in OPERATIONS.items():
                if (sign in "+*" and left > right) or (sign == "/" and not columns[right].all()):
                    continue
                if _line(operation(columns[left], columns[right]), answers, lost):
                    yield (
                        f"a multiple of {left!r} {sign} {right!r}"
                        if sign in "*/"
                        else f"told by {left!r} {sign} {right!r}",
                        [left, right],
                    )
    if 2 < len(numbers) < len(sample) // 3:
        matrix = np.column_stack([sample[numbers].to_numpy(float), np.ones(len(sample))])
        weights, *_ = np.linalg.lstsq(matrix, answers, rcond=None)
        if float(((matrix @ weights - answers) ** 2).sum()) <= lost:
            used = [name for name, weight in zip(numbers, weights, strict=False) if abs(weight) > 1e-6]
            yield f"a sum of {some(used, 6)}", used


def _step(answers: Any) -> float:
    """What the numbers are rounded to: a power of ten."""
    steps = (10.0**-digits for digits in range(7))
    return next(
        (step for step in steps if np.allclose(answers / step, np.round(answers / step), rtol=0, atol=1e-6)),
        0.0,
    )


def _line(made: Any, answers: Any, lost: float) -> bool:
    """Whether the answers are a straight line of what was made, but for squares of `lost` together."""
    if not np.isfinite(made).all() or np.ptp(made) == 0:
        return False
    made, answers = made - made.mean(), answers - answers.mean()
    return bool(answers @ answers - (made @ answers) ** 2 / (made @ made) <= lost)
