"""Which arrays are inputs and labels, and which rows are for training, validation and testing."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .stock import ID, Array

LABEL = re.compile(
    r"(?i)^(y|ys|t|targets?|labels?|class|classes|category|masks?|segmentations?|truth|gt|tags?)$"
)


@dataclass
class Parts:
    """Inputs and labels with the code that loads them; `X`, `y`, `X_test` are names in that code."""

    X: Any
    y: Any
    load: list[str]
    ids: list[Array] = field(default_factory=list)  # arrays that the submission may repeat as its ids
    valid: bool = False  # the data brings validation rows: `valid` is their index in X
    used: set[str] = field(default_factory=set)  # code of the arrays used, for the summary


def find(stock: list[Array], labels: list[Array], rows: int) -> Parts | None:
    """The parts of a task whose submission has `rows` rows; `labels` are columns of tables. None where none fits."""
    return two_sets(stock, labels, rows) or one_set(stock, labels, rows)


def two_sets(stock: list[Array], labels: list[Array], rows: int) -> Parts | None:
    """Arrays of a training and of a test part."""
    pairs = []
    for test in stock:
        if len(test.shape) and test.shape[0] == rows and test.role in ("test", ""):
            train = partner(test, [a for a in stock if a is not test and a.role != "test"])
            if train is not None:
                pairs.append((train, test))
    pairs = [(train, test) for train, test in pairs if not (len(train.shape) == 1 and ID.search(train.name))]
    if not pairs:
        return None
    main = max(pairs, key=lambda pair: (len(pair[0].shape), width(pair[0])))
    pairs = [pair for pair in pairs if pair[0].shape[0] == main[0].shape[0]]
    taken = {id(array) for pair in pairs for array in pair}
    n = main[0].shape[0]
    free = [a for a in [*stock, *labels] if id(a) not in taken and a.shape[:1] == (n,) and a.role != "test"]
    y = label(free, main[0])
    if y is None:
        return None
    (code, X), (code_test, _) = (joined([pair[k] for pair in pairs], main[k]) for k in (0, 1))
    load = [f"X = {code}", f"y = {y.code}", f"X_test = {code_test}"]
    tests = [a for a in [*stock, *labels] if a.shape == (rows,)]
    parts = Parts(X, y.value, load, tests)
    parts.used = {a.code for pair in pairs for a in pair} | {y.code}
    add_validation(parts, main[0], y, [a for a in [*stock, *labels] if a.role == "valid"], len(pairs))
    return parts


def partner(test: Array, others: list[Array]) -> Array | None:
    """The training array that has the same meaning as `test`."""
    fits = [
        a for a in others
        if a.shape[1:] == test.shape[1:] and a.value.dtype.kind == test.value.dtype.kind and a.role != "valid"
        and (a.base == test.base or a.role == "train" or test.role == "test") and not LABEL.match(a.base)
    ]  # fmt: skip
    fits = [a for a in fits if a.base == test.base] or [a for a in fits if len(a.shape) > 1]
    return max(fits, key=lambda a: (a.role == "train", a.shape[0]), default=None)


def width(array: Array) -> int:
    """Values of one row."""
    return math.prod(array.shape[1:])


def label(free: list[Array], X: Array) -> Array | None:
    """The labels among the arrays that have the rows of `X`."""
    free = [a for a in free if not a.sparse and not ID.search(a.name) and a.value.dtype.kind in "iufbUSO"]
    return max(
        (a for a in free if not names(a)),
        key=lambda a: (
            bool(LABEL.match(a.base)), a.role == "train", a.file == X.file, a.base.startswith("y"), -width(a)
        ),
        default=None,
    )  # fmt: skip


def names(array: Array) -> bool:
    """Whether an array holds a text of its own for each row."""
    texts = len(array.shape) == 1 and array.value.dtype.kind in "USO"
    return texts and len(np.unique(array.value.astype(str))) == len(array.value)


def joined(arrays: list[Array], main: Array) -> tuple[str, Any]:
    """Code and value of the inputs: `main`, with the columns of the others beside it where it is a matrix."""
    if len(main.shape) > 2 or len(arrays) == 1 or any(a.sparse for a in arrays):
        return main.code, main.value
    flat = [a for a in arrays if len(a.shape) <= 2 and a.value.dtype.kind in "iufb"]
    return f"np.column_stack([{', '.join(a.code for a in flat)}])", np.column_stack([a.value for a in flat])


def add_validation(parts: Parts, X: Array, y: Array, valid: list[Array], pairs: int) -> None:
    """Append validation arrays to the training rows, so that a script can refit on all of them."""
    inputs = [a for a in valid if a.base == X.base and a.shape[1:] == X.shape[1:] and not a.sparse]
    answers = [a for a in valid if a.base == y.base and a.shape[1:] == y.shape[1:]]
    if pairs > 1 or not inputs or not answers or inputs[0].shape[0] != answers[0].shape[0]:
        return
    parts.load += [
        f"X_valid, y_valid = {inputs[0].code}, {answers[0].code}",
        "valid = np.arange(len(X), len(X) + len(X_valid))",
        "X, y = np.concatenate([X, X_valid]), np.concatenate([y, y_valid])",
    ]
    parts.valid = True
    parts.used |= {inputs[0].code, answers[0].code}


def indices(stock: list[Array], n: int, role: str) -> tuple[str, Any] | None:
    """The rows of one role as an expression and its value: an array of indices below `n`, or a mask of length `n`."""
    for array in stock:
        if array.role != role or len(array.shape) != 1:
            continue
        value = np.asarray(array.value)
        if value.dtype == bool and len(value) == n:
            return f"np.flatnonzero({array.code})", np.flatnonzero(value)
        if numbers(array, n):
            return array.code, value
    return None


def numbers(array: Array, n: int) -> bool:
    """Whether an array holds different whole numbers below `n`."""
    value = array.value
    if not array.whole or not len(value) or value.min() < 0 or value.max() >= n:
        return False
    return len(np.unique(value)) == len(value)


def one_set(stock: list[Array], labels: list[Array], rows: int) -> Parts | None:
    """One array of all inputs, told apart by arrays of indices or masks."""
    for X in sorted(stock, key=lambda a: (-len(a.shape), -width(a))):
        n = X.shape[0] if len(X.shape) > 1 else 0
        test = indices(stock, n, "test") if n > rows else None
        if test is None or len(test[1]) != rows:
            continue
        train = indices(stock, n, "train")
        full = [a for a in [*stock, *labels] if a is not X and a.shape[:1] == (n,) and a.value.dtype != bool]
        if train is None:
            continue
        part = [a for a in [*stock, *labels] if a.shape[:1] == train[1].shape and a.code != train[0]]
        y = label(full, X) or label(part, X)
        if y is None:
            continue
        rows_of_y = "[train]" if y.shape[0] == n else ""
        load = [f"everything = {X.code}", f"train, test = {train[0]}, {test[0]}"]
        values = y.value[train[1]] if rows_of_y else y.value
        parts = Parts(X.value[train[1]], values, load, [Array("", "test", test[1], "test")])
        parts.used = {X.code, y.code, train[0], test[0]}
        valid = indices(stock, n, "valid")
        if valid and rows_of_y:
            load += [f"valid = {valid[0]}", f"y = {y.code}[np.concatenate([train, valid])]"]
            load += ["X = everything[np.concatenate([train, valid])]"]
            load += ["X_test = everything[test]", "valid = np.arange(len(train), len(y))"]
            parts.valid = True
        else:
            load += [f"X, y, X_test = everything[train], {y.code}{rows_of_y}, everything[test]"]
        return parts
    return None
