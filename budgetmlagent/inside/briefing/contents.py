"""What each file holds, a line a file: figures and no row, also where nobody knows what kind of task it is."""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from .files import Files
from .given import Given
from .stock import Array

LINE = 1_000  # characters of one file
WHOLE = 2_200  # of all
FIRST = 200_000  # rows, or values of an array, that figures are made of: a look, no audit
ROWS, TABLES, CELL, ROW = (
    2,
    4,
    80,
    400,
)  # rows of a table, tables, and characters of a cell and of a row that are shown
LARGE = 100  # a number from which on its fractions are not told
FIELD = re.compile(r"[A-Za-z_][\w-]{0,40}")  # what a key looks like that names a field
KEYS = 20  # of a JSON object; one with more has data for keys
MORE = 200  # different values that are counted
ALIKE = 0.8  # share of a table's columns that another has, from which it is told by what differs
NAMED = 4  # files of a kind that are named each


def describe(given: Given) -> dict[str, Any]:
    """`contents`, a line a file or folder of alike files, and `rows`, a line with the first ones of each table."""
    files = given.files
    told = {**_tables(files), **_arrays(files), **_values(files), **_texts(files)}
    other = [name for name in files.paths if name not in told and not name.endswith(".py")]
    lines = [_cut(f"{name}: {what}", LINE) for name, what in told.items()] + _alike(files, other)
    return {"contents": _within(lines, WHOLE), "rows": _rows(files)}


def _rows(files: Files) -> list[str]:
    """Return the first rows of every table that has columns of its own."""
    seen: list[set[Any]] = []
    lines: list[str] = []
    for name, (frame, _) in sorted(files.tables.items(), key=_width):
        columns = set(frame.columns)
        if not any(columns <= known for known in seen) and len(lines) < TABLES:
            rows = frame.head(ROWS).astype(str).to_numpy()
            lines.append(
                f"{name}: {' / '.join(_cut(','.join(map(_cell, map(str, row))), ROW) for row in rows)}"
            )
        seen.append(columns)
    return lines


def _width(item: tuple[str, Any]) -> int:
    """Order tables by their columns, the widest first."""
    return -int(item[1][0].shape[1])


def _tables(files: Files) -> dict[str, str]:
    """Rows and columns of every table, the widest first; what its columns share with one before is not repeated."""
    told: dict[str, str] = {}
    seen: dict[str, set[str]] = {}
    for name, (frame, _) in sorted(files.tables.items(), key=_width):
        columns = set(map(str, frame.columns))
        shared = {other: len(columns & known) for other, known in seen.items()}
        like = max(shared, key=lambda other: shared[other], default="")
        named = "" if all(isinstance(column, str) for column in frame.columns) else " without names"
        size = f"{len(frame)} rows, {frame.shape[1]} columns{named}"
        if like and shared[like] >= ALIKE * len(columns):
            differ = _named(" without ", seen[like] - columns) + _named(", also ", columns - seen[like])
            told[name] = f"{size}, those of {like}{differ}"
        else:
            told[name] = f"{size}{', called by their places' if named else ''}: {'; '.join(_columns(frame))}"
        seen[name] = columns
    return told


def _named(how: str, columns: set[str]) -> str:
    some = sorted(columns)[:8] + ["..."] * (len(columns) > 8)
    return how + ", ".join(some) if columns else ""


def _columns(frame: Any) -> list[str]:
    """Return each column with its figures; columns in a row that are called alike, but for a number, as one."""

    def stem(column: tuple[Any, Any]) -> tuple[str, str]:
        return re.sub(r"\d+", "#", str(column[0])), _kind(column[1])

    lines = []
    for (_, kind), group in groupby(frame.items(), key=stem):
        columns = list(group)
        if len(columns) < 3:
            lines += [f"{name} {_figures(column)}" for name, column in columns]
            continue
        parts = [column.head(FIRST).dropna() for _, column in columns]
        full = [part for part in parts if part.dtype.kind in "iuf" and len(part)]
        span = _span(min(part.min() for part in full), max(part.max() for part in full)) if full else ""
        lines.append(f"{columns[0][0]} ... {columns[-1][0]} ({len(columns)} columns) {kind}{span}")
    return lines


def _figures(column: Any) -> str:
    """Type, values or length, and what is missing of one column."""
    head = column.head(FIRST)
    known = head.dropna()
    told = [_kind(column)]
    if column.dtype.kind in "iuf" and len(known):
        told.append(_span(known.min(), known.max()).strip())
    elif len(known) and column.dtype.kind not in "bM":
        told.append(f"of {known.astype(str).str.len().mean():.0f} characters")
    different = known.astype(str).nunique()
    if different <= MORE and column.dtype.kind not in "fiu":
        told.append(f"({different} values)")
    if missing := head.isna().mean():
        told.append(f"{missing:.1%} missing")
    return " ".join(told)


def _kind(column: Any) -> str:
    """The type of a column, without the bits that every number has there."""
    return str(column.dtype).removesuffix("64")


def _arrays(files: Files) -> dict[str, str]:
    told: dict[str, list[str]] = {}
    for array in files.arrays:
        told.setdefault(array.file, []).append(_array(array))
    return {name: "; ".join(parts) for name, parts in told.items()}


def _array(array: Array) -> str:
    """Name, shape, type and span of one array."""
    text = f"{array.key} {list(array.shape)} {array.value.dtype}".strip()
    if array.sparse:
        return f"{text} sparse, {array.value.nnz} values"
    part = np.asarray(array.value[:FIRST] if array.value.ndim else array.value).ravel()[: 10 * FIRST]
    part = part[np.isfinite(part)] if part.dtype.kind == "f" else part
    if part.dtype.kind in "iuf" and part.size:
        text += _span(part.min(), part.max())
    if part.dtype.kind in "iuU" and part.size:
        different = len(np.unique(part[:FIRST]))
        spread = part[:FIRST].dtype.kind in "iu" and int(part[:FIRST].max()) - int(part[:FIRST].min()) + 1
        text += f" ({different} values)" if different <= MORE and different != spread else ""
    return text


def _values(files: Files) -> dict[str, str]:
    return {name: _shape(value) for name, (value, _) in files.values.items() if name not in files.tables}


def _shape(value: Any, depth: int = 0) -> str:
    """How a JSON value is made up, down to three levels; its keys, where they are few enough to be names."""
    if isinstance(value, dict):
        if not 0 < len(value) <= KEYS or not all(map(FIELD.fullmatch, map(str, value))):
            inner = f" of {_shape(next(iter(value.values())), depth + 1)}" if value and depth < 2 else ""
            return f"object of {len(value)} keys{inner}"
        parts = [
            f"{key}: {_shape(part, depth + 1)}" if depth < 2 else str(key) for key, part in value.items()
        ]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return f"list of {len(value)}" + (f" x {_shape(value[0], depth + 1)}" if value and depth < 3 else "")
    return f"text of {len(value)} characters" if isinstance(value, str) else type(value).__name__


def _texts(files: Files) -> dict[str, str]:
    texts = {name: text for name, text in files.texts.items() if name not in files.tables}
    return {
        name: f"{len(text)} characters in {text.count(chr(10)) + 1} lines, {len(set(text))} different ones"
        for name, text in texts.items()
    }


def _alike(files: Files, names: list[str]) -> list[str]:
    """Return a line for the files of each folder and ending."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        groups.setdefault((Path(name).parent.as_posix(), Path(name).suffix), []).append(name)
    lines = []
    for (folder, end), found in groups.items():
        if len(found) <= NAMED:
            lines += [f"{name}: {files.paths[name].stat().st_size} bytes" for name in found]
        else:
            ending = end or "without an ending"
            lines.append(f"{folder}/: {len(found)} files {ending}")  # whose names may tell what they hold
    return lines


def _within(lines: list[str], most: int) -> list[str]:
    """Return the first lines that have `most` characters together, and how many there are beside."""
    kept: list[str] = []
    for i, line in enumerate(lines):
        if sum(map(len, kept)) + len(line) > most:
            return [*kept, f"and {len(lines) - i} more"]
        kept.append(line)
    return kept


def _span(least: Any, most: Any) -> str:
    return f" {_number(float(least))}..{_number(float(most))}"


def _number(value: float) -> str:
    return f"{value:.0f}" if LARGE <= abs(value) < LARGE**4 or value == 0 else f"{value:.3g}"


def _cell(text: str) -> str:
    return _cut(" ".join(text.split()), CELL)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
