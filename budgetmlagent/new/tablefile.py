"""A table read from a file as the text of its cells, and written again: nothing is guessed, nothing is lost.

Which files are tables and what separates their cells is known to the briefing's reader. The cells are not read by it:
pandas forgives what a new task must refuse, such as rows of uneven length, and changes what it takes for a number.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.inside.briefing.reading import PLAIN, separator
from memory.files import open_plain

LARGEST = 1 << 29  # bytes of a table's text
MOST_COLUMNS = 20_000  # the briefing looks at each of them, and at pairs
INSTALL = "pip install 'budgetmlagent[local]'"


@dataclass(frozen=True)
class Table:
    """The cells of a table; all rows are as long as the header, whose names differ."""

    header: list[str]
    rows: list[list[str]]
    notes: list[str]  # what a user should know of how it was read


def need_pandas() -> None:
    """Raise UnavailableError where pandas is not installed: it comes with an extra."""
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise UnavailableError(f"pandas is not installed, and tables are read with it: {INSTALL}") from None


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or parquet file, gzipped or not. Raises UsageError, in one line that names the file."""
    try:
        text, notes = _text(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; --data takes the path of a table") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if "\0" in text:
        raise UsageError(f"{path}: holds NUL bytes, so it is no text in UTF-8; save it as CSV in UTF-8")
    if not text.strip():
        raise UsageError(f"{path}: is empty")
    header, rows = _records(path, text)
    if not rows:
        raise UsageError(f"{path}: has no rows below its header")
    if not header[0] and [row[0] for row in rows] in (_count(rows, 0), _count(rows, 1)):
        notes.append("the first column, which has no name, only numbers the rows: left out")
        header, rows = header[1:], [row[1:] for row in rows]
    if len(header) > MOST_COLUMNS:
        raise UsageError(
            f"{path}: has {len(header)} columns; at most {MOST_COLUMNS} are read, leave some out"
        )
    seen = set[str]()
    for place, name in enumerate(header, start=1):
        if not name.strip():
            raise UsageError(f"{path}: column {place} has no name; give it one")
        if name in seen:
            raise UsageError(f"{path}: two columns are called {name!r}; rename one")
        seen.add(name)
    return Table(header, rows, notes)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return the table as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def csv_values(text: str) -> list[str]:
    """Return the last cell of each row below the header of a CSV file's text; a cell may have several lines."""
    return [row[-1] for row in csv.reader(io.StringIO(text, newline="")) if row][1:]


def _text(path: Path) -> tuple[str, list[str]]:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return _parquet(path), []
    if not path.is_dir() and not name.endswith(PLAIN):
        raise UsageError(f"{path}: is no {', '.join(PLAIN)} or .parquet file; save the table as one of these")
    with open_plain(path) as file, gzip.open(file) if name.endswith(".gz") else file as content_of:
        content = content_of.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UsageError(
            f"{path}: has more than {LARGEST >> 20} MiB as text; take a part of it, or save it as .parquet"
        )
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        note = f"the file is not UTF-8 (byte {error.start}): read as Windows-1252; save it as UTF-8 if letters look wrong"
    try:
        return content.decode("cp1252"), [note]
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is neither UTF-8 nor Windows-1252 text; save it as CSV in UTF-8") from None


def _parquet(path: Path) -> str:
    import pandas as pd

    try:
        with open_plain(path) as file:
            return str(pd.read_parquet(file).to_csv(index=False))
    except ImportError:
        raise UsageError(
            f"{path}: pandas reads parquet with pyarrow: pip install pyarrow, or save as CSV"
        ) from None
    except ValueError as error:  # pyarrow's own errors are ValueErrors
        raise UsageError(f"{path}: is no parquet table: {str(error).splitlines()[0]}") from None


def _records(path: Path, text: str) -> tuple[list[str], list[list[str]]]:
    csv.field_size_limit(1 << 24)  # the standard limit is less than a long text
    first = text.lstrip("\r\n").splitlines()[0]
    mark = separator(path.name, first)
    # A carriage return within a cell would end the row for some readers, so all line ends are made alike.
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=mark, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row and rows and len(row) != len(rows[0]):
                raise UsageError(
                    f"{path}:{reader.line_num}: has {len(row)} cells, the header has {len(rows[0])}; repair the row"
                )
            if row:
                rows.append(row)
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: is no row of a CSV table: {error}") from None
    return rows[0], rows[1:]


def _count(rows: Sequence[object], start: int) -> list[str]:
    return [str(number) for number in range(start, start + len(rows))]
