"""A table read from a text file as the text of its cells, and written again: nothing is guessed, nothing is lost.

Which files are tables is known to the briefing's reader. The cells are not read by it: pandas forgives what a new task
must refuse, such as rows of uneven length, and changes what it takes for a number.
"""

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.inside.briefing import reading
from budgetmlagent.new.encoding import decoded
from budgetmlagent.new.records import records
from budgetmlagent.new.shape import JUDGED, Shape
from memory.files import open_plain

LARGEST = 1 << 29  # bytes of a table's text
MOST_COLUMNS = 20_000  # the briefing looks at each of them, and at pairs
READ = (
    ".csv, .tsv, .txt, .dat and .data, also .gz; .xlsx, .ods, .parquet, .feather, .arrow, .json, .jsonl, .sqlite; .zip and folders with train.csv;"
    " databases by their URL"
)
ROW = "row_id"  # how a column of R's names of rows is called
PLAIN = (*reading.PLAIN, ".txt", ".dat", ".data", ".txt.gz", ".dat.gz", ".data.gz")
CURE = "say which it is by --encoding, or save it as UTF-8"
INSTALL = "pip install 'budgetmlagent[local]'"


@dataclass(frozen=True)
class Table:
    """The cells of a table; all rows are as long as the header, whose names differ."""

    header: list[str]
    rows: list[list[str]]
    notes: list[str]  # what a user should know of how it was read
    free: bool = False  # whether commas stand in cells unquoted, since something else is between cells
    semicolon: bool = False  # whether semicolons part cells, as they do where commas are decimal marks
    nulls: bool = False  # whether the source has a null of its own, so that words such as "NA" are texts
    nameless: bool = False  # whether the file names no columns
    target: str = ""  # the column that the source itself says is to be predicted


def need_pandas() -> None:
    """Raise UnavailableError where pandas is not installed: it comes with an extra."""
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise UnavailableError(f"pandas is not installed, and tables are read with it: {INSTALL}") from None


def read_table(path: Path, shape: Shape = JUDGED) -> Table:
    """Read a CSV or TSV file, gzipped or not, judged but for what is said of its `shape`.

    Raises UsageError, in one line that names the file.
    """
    try:
        text, notes = _text(path, shape.encoding)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; --data takes the path of a table") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if "\0" in text:
        raise UsageError(f"{path}: holds NUL bytes, so it is no text in UTF-8; save it as CSV in UTF-8")
    if not text.strip():
        raise UsageError(f"{path}: is empty")
    try:
        found = records(text, path.name, shape)
    except UsageError as error:
        raise UsageError(f"{path}:{error}") from None
    return checked(
        Table(
            found.header,
            found.rows,
            [*notes, *found.notes],
            free=found.mark != ",",
            semicolon=found.mark == ";",
            nameless=found.nameless,
        ),
        str(path),
    )


def named(name: str) -> str:
    """The name of a column as it is read: single blanks within, none around."""
    return " ".join(name.split())


def checked(table: Table, where: str) -> Table:
    """The table, with a first column that has no name left out if it only counts the rows, and named if it tells them apart.

    Raises UsageError, which begins with `where`.
    """
    header, rows, notes = [named(name) for name in table.header], table.rows, list(table.notes)
    if len(header) > MOST_COLUMNS:
        raise UsageError(
            f"{where}: has {len(header)} columns; at most {MOST_COLUMNS} are read, leave some out"
        )
    if not rows:
        raise UsageError(f"{where}: has no rows below its header")
    if not header[0] and [row[0] for row in rows] in (_count(rows, 0), _count(rows, 1)):
        notes.append("the first column, which has no name, only numbers the rows: left out")
        header, rows = header[1:], [row[1:] for row in rows]
    elif not header[0] and len({row[0] for row in rows}) == len(rows) and ROW not in header:
        notes.append(f"the first column, which has no name, tells the rows apart: it is called {ROW!r}")
        header = [ROW, *header[1:]]
    kept, names = _told_apart(header, rows, notes)
    if len(kept) < len(header):
        rows = [[row[place] for place in kept] for row in rows]
    return replace(table, header=names, rows=rows, notes=notes)


def _told_apart(header: list[str], rows: list[list[str]], notes: list[str]) -> tuple[list[int], list[str]]:
    """The places of the columns that stay, and names that differ: empty columns without a name and copies go."""
    kept, names = dict[int, str](), set(header)
    first = dict[str, int]()
    for place, name in enumerate(header):
        if not name.strip() and not any(row[place].strip() for row in rows):
            notes.append(f"column {place + 1} has no name and no values: left out")
            continue
        if name.strip() and first.setdefault(name, place) == place:
            kept[place] = name
            continue
        if name.strip() and all(row[place] == row[first[name]] for row in rows):
            notes.append(f"the column {name!r} comes twice with the same values: left out once")
            continue
        called = name if name.strip() else f"column_{place + 1}"
        ends = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
        kept[place] = next(new for end in ends if (new := called + end) not in names)
        names.add(kept[place])
        what = f"is called {name!r} like another one" if name.strip() else "has no name"
        notes.append(f"column {place + 1} {what}: it is called {kept[place]!r} here")
    return list(kept), list(kept.values())


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


def _text(path: Path, encoding: str) -> tuple[str, list[str]]:
    name = path.name.lower()
    if not path.is_dir() and not name.endswith(PLAIN):
        raise UsageError(f"{path}: is no table that is read. Read are {READ}")
    with open_plain(path) as file, gzip.open(file) if name.endswith(".gz") else file as content_of:
        content = content_of.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UsageError(
            f"{path}: has more than {LARGEST >> 20} MiB as text; take a part of it, or save it as .parquet"
        )
    try:
        return decoded(content, encoding, CURE)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _count(rows: Sequence[object], start: int) -> list[str]:
    return [str(number) for number in range(start, start + len(rows))]
