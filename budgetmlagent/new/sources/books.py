"""Spreadsheets: a sheet's cells as they are kept, the row of names found below titles and empty rows."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UsageError
from budgetmlagent.new.around import named, titles
from budgetmlagent.new.records import shaped
from budgetmlagent.new.sources import values
from budgetmlagent.new.tablefile import LARGEST, Table, checked

ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TITLES = 30  # rows above the table that are looked through
FULL = 0.7  # share of the columns that a row of names fills at least
EXACT = 2**53  # up to here whole numbers of spreadsheets, which are fractions, are exact


def read(path: Path, table: str, target: str) -> Table:
    """Read the sheet `table` of a file, the only one with cells, or the only one that names `target`. Raises UsageError."""
    try:
        import python_calamine
    except ImportError:
        raise values.needed("python-calamine", "and spreadsheets are read with it") from None
    with values.opened(path) as file:
        _unpacked(path)
        try:
            book = python_calamine.CalamineWorkbook.from_filelike(file)
            sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
        except python_calamine.PasswordError:
            raise UsageError(f"{path}: is locked by a password; save it without one") from None
        except (python_calamine.CalamineError, python_calamine.ZipError, python_calamine.XmlError) as error:
            raise UsageError(
                f"{path}: is no spreadsheet, whatever its name says ({error}); open it and save it as .xlsx or .csv"
            ) from None
    filled = {name: rows for name, rows in sheets.items() if any(map(_cells, rows))}

    def columns(name: str) -> list[Any]:
        return [cell for row in filled[name][: TITLES + 1] for cell in row]

    name = values.one(list(filled), columns, table, target, str(path), "sheet")
    where = f"{path}, sheet {name!r}" if len(filled) > 1 else str(path)
    return _table(filled[name], where)


def _unpacked(path: Path) -> None:
    """Raise UsageError where the parts of the file, which is an archive, are too large together."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > LARGEST:
        raise UsageError(
            f"{path}: has more than {LARGEST >> 20} MiB unpacked; save a part of it, or .parquet"
        )


def _table(rows: list[list[Any]], where: str) -> Table:
    """The table within a sheet's rows. Raises UsageError."""
    import pandas as pd

    first = _header(rows)
    used = [place for place in range(len(rows[0])) if any(row[place] != "" for row in rows[first:])]
    kept = [[row[place] for place in used] for row in rows[first:]]
    columns = [_column([row[place] for row in kept[1:]]) for place in range(len(used))]
    above = [[_name(row[place]) for place in used] for row in rows[:first]]
    below = [_name(cell) for cell in kept[0]]
    names = named(below, above, len(used))
    notes = titles([[str(cell) for cell in row] for row in rows[:first]], below, names)
    frame = pd.DataFrame(list(zip(*columns, strict=True)), dtype=object, columns=range(len(names)))
    _, cells, _ = values.texts(frame, where)
    try:
        found = shaped([(first + 1 + place, row) for place, row in enumerate([names, *cells])], notes, ",")
    except UsageError as error:
        raise UsageError(f"{where}: row {error}") from None
    if not found.rows:
        raise UsageError(f"{where}: has no rows below its header")
    return checked(Table(found.header, found.rows, found.notes, free=True, nameless=found.nameless), where)


def _header(rows: list[list[Any]]) -> int:
    """The place of the row of names: the first one that is nearly full, and not of one cell where others have more."""
    width = max(len(_cells(row)) for row in rows)
    least = max(1, min(width, max(2, round(FULL * width))))
    return next((place for place, row in enumerate(rows[:TITLES]) if len(_cells(row)) >= least), 0)


def _cells(row: Sequence[Any]) -> list[Any]:
    return [cell for cell in row if cell != ""]


def _name(cell: Any) -> str:
    """A column's name: a year is no fraction."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _column(cells: list[Any]) -> list[Any]:
    """The values of a column: whole numbers as such, empty cells as none."""
    known = [cell for cell in cells if cell != ""]
    whole = all(isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT for cell in known)
    return [None if cell == "" else int(cell) if whole else cell for cell in cells]
