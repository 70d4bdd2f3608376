"""Which rows are copies of others: equal in all that is known, where chance would not make them so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from budgetmlagent.new.formulas import days

CHANCE = 10  # times as many equal pairs of rows as chance makes are copies
LARGEST = 0.05  # share of the rows that copies of one row may be; more are no copies
NEAR = 10  # steps of a number, within which others lie as close as equal ones do by chance
WORDS, LETTERS = 3, 20  # on average, from which on a text is never the same by chance
MANY = 8  # rows of each value of a single column, on average; more are a category
SEVERAL, RARE = 3, 0.01  # so few equal pairs must be unlikely, not only more than chance makes
SIGMAS = 3  # beyond which pairs are more than chance makes
HEAP = 10  # times as often as others near it a number comes that many rows have
TOGETHER = 100  # columns of numbers, of which it is looked which go together
TINY = 1e-6  # what numbers leave open that say the same
DATE = re.compile(r"\d{4}-\d\d-\d\d")
LOOKED_AT = 1000  # values by which it is known what a column holds
PAIRED = 30  # columns of few values, of which it is looked whether one says another


@dataclass(frozen=True)
class _Repeated:
    """Rows that are equal in some columns: their groups, how many pairs that makes, and how many chance would make."""

    groups: "pd.Series[int]"
    pairs: float
    likely: float
    weak: bool  # whether one column alone says so: a town's name says all else of it, and a single number too little

    def more(self) -> bool:
        """Whether there are many more pairs than chance makes."""
        return self.pairs > CHANCE * self.likely and (self.pairs >= SEVERAL or self.likely <= RARE)

    def single(self) -> bool:
        """Whether most of the rows that differ come once, as they do where some are copied, and seldom in categories."""
        return int((self.groups.value_counts() == 1).sum()) * 2 > self.groups.nunique()

    def first(self) -> list[int]:
        """For each row the first one of its group."""
        own = pd.Series(range(len(self.groups)))
        return [int(row) for row in own.groupby(self.groups.to_numpy()).transform("first")]


def copied(frame: pd.DataFrame, names: list[str], target: str, *, labels: bool) -> list[int]:
    """For each row the number of the first row that is equal to it in the columns `names`; its own where that is chance.

    Rows of a few categories are equal by chance, and are no copies; but they are where a measured target is equal, too.
    """
    found = _repeated(frame, names)
    if found and found.more() and (not found.weak or _agree(frame[target], found.groups)):
        return found.first()
    both = None if labels else _repeated(frame, [*names, target])
    if both and both.more():
        # A target that is equal wherever the others are may be made of them: it says nothing of its own.
        made = found and found.pairs == both.pairs and not (_strings(frame, names) and found.single())
        if not made or (found and found.pairs > found.likely + SIGMAS * found.likely**0.5):
            return both.first()
    return list(range(len(frame)))


def _strings(frame: pd.DataFrame, names: Sequence[str]) -> bool:
    """Whether all columns are strings, of which no measured target is made, as it is of numbers and dates."""
    return all(frame[name].dtype.kind not in "iufb" and _days(frame[name]) is None for name in names)


def _repeated(frame: pd.DataFrame, names: list[str]) -> _Repeated | None:
    """The rows that are equal in these columns, None where there are none, or where the columns only hold categories."""
    if not names or not frame.duplicated(names).any():
        return None
    groups = frame.groupby(names, dropna=False, sort=False).ngroup()
    sizes = groups.value_counts()
    single = frame[~groups.duplicated()]
    telling = _telling(single, names)
    if sizes.max() > max(2, LARGEST * len(frame)) or (len(telling) == 1 and sizes.mean() > MANY):
        return None
    dated = {name: found for name in telling if (found := _days(frame[name])) is not None}
    frame, single = (
        frame.assign(**dated),
        single.assign(**{name: found[single.index] for name, found in dated.items()}),
    )
    chance = _chance(frame, single, telling)
    weak = len(telling) == 1 or any(single[n].is_unique and _kind(single[n]) == "words" for n in names)
    pairs = float((sizes * (sizes - 1) / 2).sum())
    return _Repeated(groups, pairs, chance * len(frame) ** 2 / 2, weak and chance > 0)


def _telling(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns without those of few values that another one says already: a town's country is no more than the town."""
    few = [name for name in names if 1 < frame[name].nunique(dropna=False) <= len(frame) // 2]
    few = sorted(few, key=lambda name: -frame[name].nunique(dropna=False))[:PAIRED]
    codes = {name: pd.factorize(frame[name], use_na_sentinel=False)[0] for name in few}
    said = set[str]()
    for place, name in enumerate(few):
        if name not in said:
            said |= {other for other in few[place + 1 :] if _says(codes[name], codes[other])}
    return [name for name in names if name not in said]


def _says(codes: Any, others: Any) -> bool:
    """Whether each code stands beside one of the others alone."""
    if len(codes) > LOOKED_AT and not _says(codes[:LOOKED_AT], others[:LOOKED_AT]):
        return False
    return len(np.unique(codes * (int(others.max()) + 1) + others)) == len(np.unique(codes))


def _chance(frame: pd.DataFrame, single: pd.DataFrame, names: Sequence[str]) -> float:
    """How likely two rows that are no copies are equal in all columns: numbers that go together are equal together.

    `single` are those of the rows that all differ.
    """
    equal = {name: _equal(frame[name], single[name]) for name in names}
    numbers = [name for name in names if _kind(frame[name]) == "numbers"][:TOGETHER]
    if len(numbers) > 1:
        ranks = frame[numbers].rank().fillna(len(frame) / 2)
        alike = np.corrcoef(ranks.to_numpy(float), rowvar=False)
        # What a number leaves open that those before it say is the diagonal of this root.
        root = np.linalg.cholesky(alike + TINY * np.eye(len(numbers)))
        equal |= {name: min(1.0, equal[name] / root[at, at]) for at, name in enumerate(numbers)}
    return float(np.prod(list(equal.values())))


def _days(values: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """Dates as numbers of days, None where a column holds other words."""
    if values.dtype.kind in "iufb" or not all(
        DATE.match(str(value)) for value in values.dropna().head(LOOKED_AT)
    ):
        return None
    return days(values)


def _equal(values: "pd.Series[Any]", single: "pd.Series[Any]") -> float:
    """How likely two rows that are no copies have the same value; `single` are those of rows that all differ."""
    counts = single.value_counts(dropna=False)
    kind = _kind(values)
    if kind == "text":
        return float((counts * (counts - 1)).sum()) / max(1, len(single) * (len(single) - 1))
    shares = values.value_counts(normalize=True, dropna=False) ** 2
    if kind == "numbers":
        close = _close(values)
        # A value that stands beside several others is one that many rows have: no income, say.
        heaps = counts.index[(counts >= SEVERAL) & (counts > HEAP * close * len(single))]
        return min(1.0, close + float(shares[heaps].sum()))
    return float(shares.sum())


def _kind(values: "pd.Series[Any]") -> str:
    """What a column holds: "numbers", "text" that is never the same by chance, or "words"."""
    if values.dtype.kind in "iuf" and values.nunique() > 2:
        return "numbers"
    known = (
        [str(value) for value in values.dropna().head(LOOKED_AT)] if values.dtype.kind not in "iufb" else []
    )
    letters, words = sum(map(len, known)), sum(len(value.split()) for value in known)
    return "text" if known and letters >= LETTERS * len(known) and words >= WORDS * len(known) else "words"


def _close(values: "pd.Series[Any]") -> float:
    """How likely two numbers are the same by chance, judged by how many lie a few steps apart."""
    known = np.sort(values.dropna().to_numpy(float))
    known = known[np.isfinite(known)]
    if 0 < len(np.unique(known)) <= 2 * NEAR:
        # Most of so few have less than `NEAR` steps beside them: how often each comes says it.
        return float((values.value_counts(normalize=True, dropna=False) ** 2).sum())
    gaps = np.diff(np.unique(known))
    gaps = gaps[gaps > 1e-9 * max(1.0, np.ptp(known))] if len(gaps) else gaps
    if not len(gaps):
        return 1.0
    reach = (NEAR + 0.5) * float(gaps.min())
    within = np.searchsorted(known, known + reach, "right") - np.searchsorted(known, known, "right")
    gone = 1 - len(known) / len(values)
    return float(within.sum()) / (NEAR * len(values) * max(1, len(values) - 1)) + gone**2


def _agree(answers: "pd.Series[Any]", groups: "pd.Series[Any]") -> bool:
    """Whether rows of a group have the same target, clearly more often than any two rows do."""
    sizes = answers.groupby([groups.to_numpy(), answers.to_numpy()]).size()
    equal = float((sizes * (sizes - 1)).sum())
    rows = answers.groupby(groups.to_numpy()).size()
    pairs = float((rows * (rows - 1)).sum())
    usual = float((answers.value_counts(normalize=True) ** 2).sum())
    return equal / pairs > (1 + usual) / 2
