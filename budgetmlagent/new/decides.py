"""Categories that decide the label: one column, two together, one for each label, or a part of a path or an identifier."""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

SURE = 12.0  # how unlikely chance must be, as a natural logarithm
NEARLY = 0.99  # share of the rows that a column tells rightly
FEW = 50  # different values of a category that is looked at with others
WIDE = 40  # categories, pairs of which are tried
PARTS = (0, 1, 2, 3, -1, -2, -3)  # of a path or an identifier, which are looked at
LETTERS = re.compile(r"[^\W\d_]+")
BETWEEN = re.compile(r"[\W_]+")


def decides(values: "pd.Series[Any]", answers: "pd.Series[Any]") -> str:
    """Whether each value stands beside one label alone, more often than chance would have it; how, in words, "" if not."""
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


def indicators(frame: pd.DataFrame, names: Sequence[str], answers: "pd.Series[Any]") -> list[str]:
    """Columns of two values, each of which says of one label whether it is the one; [] unless all labels but one have such."""
    labels, found = answers.nunique(), dict[Any, str]()
    if labels < 3:
        return []
    for name in names:
        values = frame[name]
        if values.nunique(dropna=False) != 2:
            continue
        counts = pd.crosstab(values.astype(str), answers).to_numpy()
        for place in np.flatnonzero((counts > 0).sum(axis=0) == 1):
            row = int(counts[:, place].argmax())
            if (counts[row] > 0).sum() == 1:
                found.setdefault(place, name)
    return list(dict.fromkeys(found.values())) if len(found) >= labels - 1 else []


def pairs(frame: pd.DataFrame, names: Sequence[str], answers: "pd.Series[Any]") -> Iterator[tuple[str, str]]:
    """Two categories that decide the label exactly together, where neither nearly does: more often than chance has it."""
    labels = pd.factorize(answers)[0]
    codes = {
        name: pd.factorize(frame[name], use_na_sentinel=False)[0]
        for name in names
        if 1 < frame[name].nunique(dropna=False) <= FEW
    }
    codes = dict(list(codes.items())[:WIDE])
    sure = SURE + math.log(max(1, len(codes) ** 2))
    for left, right in itertools.combinations(codes, 2):
        both = codes[left] * (FEW + 1) + codes[right]
        if (
            _pure(both, labels)
            and all(_surprise(codes[name], both, labels) > sure for name in (left, right))
            and decides(pd.Series(both, index=answers.index), answers) == "exactly"
        ):
            yield left, right


def _pure(codes: Any, labels: Any) -> bool:
    """Whether each code stands beside one label alone."""
    number = int(labels.max()) + 1
    return len(np.unique(codes * number + labels)) == len(np.unique(codes))


def _surprise(one: Any, both: Any, labels: Any) -> float:
    """How unlikely it is that `both` codes decide where `one` of them does not, as a natural logarithm."""
    found = 0.0
    for code in np.unique(one):
        inside = one == code
        share = np.bincount(labels[inside]) / inside.sum()
        confirmed = int(inside.sum()) - len(np.unique(both[inside]))
        found -= math.log(float((share**2).sum())) * confirmed
    return found


def part(values: "pd.Series[Any]", answers: "pd.Series[Any]") -> tuple[str, str]:
    """How a part of a path or an identifier decides the label, and the first one with it; "" where none does."""
    known = values.dropna().astype(str)
    if len(known) < len(values) or any(" " in value for value in known):
        return "", ""
    pieces = [[piece for piece in BETWEEN.split(value) if piece] for value in known]
    made = [[(LETTERS.match(value) or [""])[0] for value in known]]
    for place in PARTS:
        if all(-len(row) <= place < len(row) for row in pieces):
            made.append([row[place] for row in pieces])
    for cells in made:
        if 1 < len(set(cells)) <= FEW and (how := decides(pd.Series(cells, index=values.index), answers)):
            return how, cells[0]
    return "", ""
