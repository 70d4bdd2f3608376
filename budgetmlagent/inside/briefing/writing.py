"""How the baseline's submission is made from predictions: lines of code that write a variable `prediction`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .given import Given
from .reading import quote
from .stock import Array


@dataclass(frozen=True)
class Writing:
    """Lines of code that write `prediction`, an array of `shape`; `values` are the baseline's own predictions."""

    code: str
    shape: tuple[int, ...]
    values: Any
    names: tuple[str, ...] = ()  # columns that hold the predictions, in their order


def writing(given: Given, known: list[Array]) -> Writing | None:
    """Recognise the submission; `known` are arrays that may stand in it as they are, such as ids. None if it fails."""
    value = given.value
    if value is None:
        return None
    if given.submission.get("columns"):
        return table(value, given.name, known)
    if given.name.lower().endswith(".npy"):
        return Writing(f"np.save({quote(given.name)}, {cast(value)})", value.shape, value)
    return several(value, given.name, known) if given.name.lower().endswith(".npz") else None


def several(values: dict[str, Any], name: str, known: list[Array]) -> Writing | None:
    """An archive with one array of predictions; any others are copies of known arrays or running numbers."""
    given = {key: code for key, value in values.items() if (code := known_as(value, known))}
    rest = [key for key in values if key not in given]
    if len(rest) != 1:
        return None
    value = values[rest[0]]
    given[rest[0]] = cast(value)
    arguments = ", ".join(
        f"{key}={given[key]}" if key.isidentifier() else f"**{{{quote(key)}: {given[key]}}}" for key in values
    )
    return Writing(f"np.savez_compressed({quote(name)}, {arguments})", value.shape, value)


def cast(value: Any) -> str:
    """`prediction` in the submission's type; strings keep the length that they need."""
    return "prediction" if value.dtype.kind in "US" else f"prediction.astype({quote(value.dtype.name)})"


def table(frame: Any, name: str, known: list[Array]) -> Writing | None:
    """A table: columns of ids, then one or several columns of predictions."""
    mark = ', sep="\\t"' if name.lower().endswith(".tsv") else ""
    given = {column: code for column in frame.columns if (code := known_as(frame[column].to_numpy(), known))}
    rest = [column for column in frame.columns if column not in given]
    if not rest:
        return None
    values = frame[rest].to_numpy() if len(rest) > 1 else frame[rest[0]].to_numpy()
    cells = {
        column: given.get(column)
        or ("prediction" if len(rest) == 1 else f"prediction[:, {rest.index(column)}]")
        for column in frame.columns
    }
    body = ", ".join(f"{quote(str(column))}: {cell}" for column, cell in cells.items())
    line = f"pd.DataFrame({{{body}}}).to_csv({quote(name)}, index=False{mark})"
    if len(rest) > 3 and list(frame.columns[len(given) :]) == rest:
        head = "".join(
            f"\nsubmission.insert({i}, {quote(str(column))}, {given[column]})"
            for i, column in enumerate(frame.columns[: len(given)])
        )
        line = (
            f"submission = pd.DataFrame(prediction, columns={[str(column) for column in rest]!r})"
            f"{head}\nsubmission.to_csv({quote(name)}, index=False{mark})"
        )
    return Writing(line, values.shape, values, tuple(str(column) for column in rest))


def known_as(values: Any, known: list[Array]) -> str:
    """The expression whose value is `values`: an array of the task or running numbers; "" where there is none."""
    if values.ndim != 1 or len(values) < 2:
        return ""
    for array in known:
        if array.shape == values.shape and np.array_equal(array.value.astype(str), values.astype(str)):
            return array.code
    if values.dtype.kind in "iu" and (np.diff(values) == 1).all():
        start = int(values[0])
        return f"np.arange({start}, {start + len(values)})" if start else f"np.arange({len(values)})"
    return ""
