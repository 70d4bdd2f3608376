"""Arithmetic by which columns of numbers make the target, seen through rounding: lines, pairs, sums, products, spans of time."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from budgetmlagent.wording import some

EXACT = 1e-6  # share of the target's variance that is not told
ROUNDED = 1e-3  # and at most, where the target is rounded
SAMPLED = 1000  # rows that arithmetic is tried on
LEAST = 20  # rows, of which more are needed
WIDE = 40  # numeric columns, pairs of which are tried
POWER = 0.01  # of a column in a product; a smaller one is none
SHOWN = 6  # columns that are named
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
Found = tuple[str, list[str]]  # in words, and the columns


def days(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Dates as days since 1970, which are numbers; NaN for what is none. Years may be any."""
    moments = pd.to_datetime(values, errors="coerce", format="mixed", utc=True)
    return (moments - pd.Timestamp(0, tz="UTC").as_unit("us")) / pd.Timedelta(days=1)


def line(values: "pd.Series[Any]", answers: "pd.Series[Any]") -> bool:
    """Whether the target is a straight line of one column, but for its rounding."""
    known = pd.DataFrame({"x": values, "y": answers}).dropna().head(SAMPLED)
    made, wanted = known.x.to_numpy(float), known.y.to_numpy(float)
    return len(known) > LEAST and _line(made, wanted, _lost(wanted))


def spans(moments: Mapping[str, "pd.Series[Any]"], answers: "pd.Series[Any]") -> Iterator[Found]:
    """Differences of two dates that are the target, in any unit."""
    for first, last in itertools.combinations(moments, 2):
        if line(moments[last] - moments[first], answers):
            yield f"told by the time from {first!r} to {last!r}", [first, last]


def formulas(frame: pd.DataFrame, numbers: list[str], target: str) -> Iterator[Found]:
    """Sums, differences, products and quotients of two columns that are the target; then those of several."""
    sample = frame[[*numbers, target]].dropna().head(SAMPLED)
    if len(sample) <= LEAST:
        return
    answers = sample[target].to_numpy(float)
    lost = _lost(answers)
    columns = {name: sample[name].to_numpy(float) for name in numbers}
    with np.errstate(all="ignore"):
        yield from _pairs(columns, answers, lost)
        if 2 < len(numbers) < len(sample) // 3:
            ones = np.ones(len(sample))
            used = _several([*columns.values(), ones], answers, ones, lost)
            if used:
                names = [
                    name for name, place in zip(columns, range(len(columns)), strict=True) if place in used
                ]
                yield f"a sum of {some(names, SHOWN)}", names
        yield from _products(columns, answers, lost)


def _pairs(columns: Mapping[str, Any], answers: Any, lost: float) -> Iterator[Found]:
    for left, right in itertools.permutations(list(columns)[:WIDE], 2):
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


def _products(columns: Mapping[str, Any], answers: Any, lost: float) -> Iterator[Found]:
    """Products of powers of positive columns, and of what is left after a share that a column says: a straight line in logarithms."""
    factors = [(name, values) for name, values in columns.items() if (values > 0).all()]
    for name, values in columns.items():
        whole = 1.0 if values.max() < 1 else 100.0
        if (values >= 0).all() and values.max() < whole:
            factors.append((name, 1 - values / whole))
    if not (answers > 0).all() or not 1 < len(factors) < len(answers) // 3:
        return
    logs = [np.log(values) for _, values in factors]
    used = _several([*logs, np.ones(len(answers))], np.log(answers), answers, lost)
    names = list(dict.fromkeys(name for place, (name, _) in enumerate(factors) if place in used))
    if len(names) > 1:
        yield f"a product or quotient of {some(names, SHOWN)}", names


def _several(parts: Sequence[Any], answers: Any, weights: Any, lost: float) -> set[int]:
    """The places of those parts whose weighted sum is the target, but for squares of `lost` together; none where it is not.

    `weights` is what an error in each row counts.
    """
    matrix, wanted = np.column_stack(parts) * weights[:, None], answers * weights
    found, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
    if float(((matrix @ found - wanted) ** 2).sum()) > lost:
        return set()
    # What is hardly used only fits the rounding.
    least = np.sqrt(lost / len(answers))
    spread = (matrix - matrix.mean(axis=0)).std(axis=0)
    kept = [place for place in range(len(parts)) if abs(found[place]) * spread[place] > least]
    kept = [*kept, *({len(parts) - 1} - set(kept))]
    again, *_ = np.linalg.lstsq(matrix[:, kept], wanted, rcond=None)
    fits = float(((matrix[:, kept] @ again - wanted) ** 2).sum()) <= lost
    return set(kept if fits else range(len(parts))) - {len(parts) - 1}


def _lost(answers: Any) -> float:
    """The sum of squares that rounding explains: half of the last digit is lost, at most."""
    spread = float(((answers - answers.mean()) ** 2).sum())
    return min(ROUNDED * spread, max(EXACT * spread, len(answers) * (_step(answers) / 2) ** 2))


def _step(answers: Any) -> float:
    """What the numbers are rounded to: a power of ten."""
    steps = (10.0**-digits for digits in range(7))
    return next(
        (step for step in steps if np.allclose(answers / step, np.round(answers / step), rtol=0, atol=1e-6)),
        0.0,
    )


def _line(made: Any, answers: Any, lost: float) -> bool:
    """Whether the answers are a straight line of what was made, but for squares of `lost` together."""
    if not np.isfinite(made).all() or np.ptp(made) == 0 or np.ptp(answers) == 0:
        return False
    made, answers = made - made.mean(), answers - answers.mean()
    return bool(answers @ answers - (made @ answers) ** 2 / (made @ made) <= lost)
