"""Whether a target holds labels at all: what has thousands of values, or mostly none, is something else."""

from typing import Any

from .columns import MISSING

FEW, MANY = 20, 1000  # different values that labels may always be, and of which they are none any more
RECURRING = 5  # rows of a label, on average, where these are more than a few
EMPTY = (*MISSING, "[]", "{}")


def doubt(train: Any, made: Any, target: Any) -> str:
    """Say why the column `target` of the training rows is no column of labels; "" where it may be one.

    `made` is what the starter submits for it, None where it submits a column a label.
    """
    values = train[target]
    known = values.dropna()
    distinct = known.nunique()
    if distinct > min(MANY, max(FEW, len(known) // RECURRING)):
        return (
            f"{target!r} has {distinct} different values in {len(known)} rows, which is too many for labels"
        )
    texts = known.astype(str).str.strip().str.lower()
    told = known[~texts.isin(EMPTY)]
    if 2 * len(told) < len(values) and not submitted(made, known):
        return f"{target!r} is empty, or says that there is nothing, in {len(values) - len(told)} of {len(values)} rows"
    return ""


def submitted(made: Any, known: Any) -> bool:
    """Whether the starter is witness that all of the values are labels: it submits several of them and nothing else."""
    said = set() if made is None else set(made.dropna().astype(str))
    return len(said) > 1 and said <= set(known.astype(str)) and known.nunique() <= FEW
