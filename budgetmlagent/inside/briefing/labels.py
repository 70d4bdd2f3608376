"""Whether a target holds labels at all, and those that the starter submits: what has thousands of values is something else."""

from typing import Any

import numpy as np
import pandas as pd

from .reading import MISSING

FEW, MANY = 20, 1000  # different values that labels may always be, and of which they are none any more
STRANGE = 0.05  # share of what the starter submits, above which it is of another kind
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


def unlike(train: Any, made: Any, target: Any, output: str) -> str:
    """Say that the starter submits other values than the column `target` has; "" where it may be that column's.

    `output` is what a script would submit: label, value (a number), or probabilities, of which nothing is said.
    """
    if made is None or not len(said := made.dropna()):
        return ""
    if output == "value" and not pd.api.types.is_numeric_dtype(said):
        return f"{target!r} holds numbers, and what the starter submits for it does not"
    if output == "label":
        known = set(train[target].dropna().map(spelled))
        if (~said.map(spelled).isin(known)).mean() > STRANGE:
            return f"the starter submits other labels for {target!r} than the training rows have"
    return ""


def spelled(value: Any) -> str:
    """One spelling for all ways to write a number or a truth value."""
    whole = isinstance(value, bool | np.bool_) or (isinstance(value, float) and value.is_integer())
    return str(int(value)) if whole else str(value)


def submitted(made: Any, known: Any) -> bool:
    """Whether the starter is witness that all of the values are labels: it submits several of them and nothing else."""
    said = set() if made is None else set(made.dropna().astype(str))
    return len(said) > 1 and said <= set(known.astype(str)) and known.nunique() <= FEW
