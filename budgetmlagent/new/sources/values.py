"""Cells as text, from sources whose cells are values: numbers, dates, truth values, texts, nothing."""

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.new.tablefile import LARGEST, Table, checked
from graphs.registry import nearest
from memory.files import open_plain

if TYPE_CHECKING:
    import pandas as pd

NO_CELL = (bytes, bytearray, memoryview, list, tuple, dict, set)  # values that no cell of a table holds


def needed(library: str, why: str) -> UnavailableError:
    """The error where a library of the extra `tables` is missing."""
    return UnavailableError(f"{library} is not installed, {why}: pip install 'budgetmlagent[tables]'")


def opened(path: Path) -> BinaryIO:
    """Open a file. Raises UsageError."""
    try:
        return open_plain(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; --data takes the path of a table") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None


def table(
    names: Sequence[str], rows: Iterable[Sequence[Any]], where: str, notes: Sequence[str] = ()
) -> Table:
    """The table of these values, None where there is none. Raises UsageError, which begins with `where`."""
    import pandas as pd

    return of_frame(pd.DataFrame(list(rows), columns=list(names), dtype=object), where, notes)


def of_frame(frame: "pd.DataFrame", where: str, notes: Sequence[str] = ()) -> Table:
    """The table of a frame, which knows nulls; columns whose cells are no plain values are left out, and said. Raises UsageError."""
    header, rows, left = texts(frame, where)
    out = [f"{name!r} holds {what}, which are no cells of a table: left out" for name, what in left.items()]
    if not rows:
        raise UsageError(f"{where}: has no rows")
    return checked(Table(header, rows, [*notes, *out], free=True, nulls=True), where)


def texts(frame: "pd.DataFrame", where: str) -> tuple[list[str], list[list[str]], dict[str, str]]:
    """The header and the cells of a frame as texts, and what columns hold that are left out. Raises UsageError."""
    left = {
        str(name): kind
        for place, name in enumerate(frame.columns)
        if (kind := _no_cells(frame.iloc[:, place]))
    }
    frame = frame.loc[:, [str(name) not in left for name in frame.columns]]
    # A carriage return within a cell would end the row for some readers.
    text = frame.to_csv(index=False).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > LARGEST:
        raise UsageError(f"{where}: has more than {LARGEST >> 20} MiB as text; take a part of it")
    if "\0" in text:
        raise UsageError(f"{where}: holds NUL bytes in a text; take them out")
    csv.field_size_limit(1 << 24)
    header, *rows = csv.reader(io.StringIO(text, newline="")) if len(frame.columns) else [[]]
    return header, [row or [""] for row in rows], left


def one(names: Collection[str], columns: Any, wanted: str, target: str, where: str, what: str) -> str:
    """Which of several tables is meant: the one called `wanted`, the only one, or the only one with the column `target`.

    `columns(name)` are a table's. Raises UsageError, which names all.
    """
    listed = ", ".join(map(repr, sorted(names)[:20]))
    if wanted:
        if wanted not in names:
            hint = nearest(wanted, names)
            raise UsageError(
                f"--table {wanted!r}: {where} has no such {what}{hint}; it has {listed or 'none'}"
            )
        return wanted
    fit = [name for name in names if target and target in columns(name)] if len(names) > 1 else list(names)
    if len(fit) == 1:
        return fit[0]
    if not names:
        raise UsageError(f"{where}: has no {what} with rows")
    raise UsageError(f"{where}: has {len(names)} {what}s; choose one by --table: {listed}")


def _no_cells(column: "pd.Series[Any]") -> str:
    """What a column holds that no cell can, "" where all is well."""
    if column.dtype != object:
        return ""
    found = next((value for value in column if isinstance(value, NO_CELL) or hasattr(value, "shape")), None)
    return "" if found is None else "bytes" if isinstance(found, NO_CELL[:3]) else "lists or mappings"
