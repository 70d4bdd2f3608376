"""The rows of a CSV file: what stands between cells, which quotes hide it, and whether the first row holds names.

All is judged by the whole file, and no row is lost: the rows are those of the file, or one line says which is none.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing.header import is_float, names_columns
from budgetmlagent.inside.briefing.reading import MARKS, MISSING
from budgetmlagent.new.around import NUMBER, inner, is_rule, units

SEP = re.compile(
    r'"?sep=(.)"?\n', re.IGNORECASE
)  # a line by which spreadsheets say what stands between cells
ENDS = re.compile("[\r\n]")
OPENED = re.compile(r"(?:^|[,;\t|]) ?(['\"])", re.MULTILINE)  # a quotation mark at the beginning of a cell
SINGLE = re.compile(r"(?:(?<=^)|(?<=[,;\t|]) ?)'((?:[^'\n]|''|\\')*)'(?=[,;\t|]|$)", re.MULTILINE)
THOUSANDS = re.compile(r"\d{1,3}(?: \d{3})+")
BREAK = "\x1e"  # for a line break within a cell
SAMPLE = 300  # lines by which it is found
FEW = 20  # different values of a column, up to which an unknown one says that a row is no row
LIKE_ROWS = 0.9  # share of the lines within a quoted cell that are rows themselves, from which on they are


@dataclass
class Records:
    """All rows of a file, none longer or shorter than the others; the first one holds the names of the columns."""

    header: list[str]
    rows: list[list[str]]
    mark: str  # between cells
    nameless: bool  # whether the file has no row of names
    notes: list[str] = field(default_factory=list)


def records(text: str, name: str) -> Records:
    """Read the text of the file called `name`. Raises UsageError, which begins with a line's number and a colon."""
    csv.field_size_limit(1 << 24)  # the standard limit is less than a long text
    # A carriage return within a cell would end the row for some readers, so all line ends are made alike.
    try:
        return _read(text.replace("\r\n", "\n").replace("\r", "\n"), name)
    except UsageError as error:
        found = _with_breaks(text, name)
        if not found:
            raise error from None
        return found


def _with_breaks(text: str, name: str) -> Records | None:
    """The records where one kind of line end stands between rows, and others within cells that nothing quotes."""
    for end in ["\r\n"] if "\r\n" in text else ["\n", "\r"]:
        lines = text.split(end)
        if BREAK in text or len(lines) < 2 or not any(map(ENDS.search, lines)):
            continue
        try:
            found = _read("\n".join(ENDS.sub(BREAK, line) for line in lines), name)
        except UsageError:
            continue
        if not any(BREAK in name for name in found.header):
            rows = [[cell.replace(BREAK, "\n") for cell in row] for row in found.rows]
            note = f"rows end with {end!r}: other line breaks belong to their cells"
            return replace(found, rows=rows, notes=[*found.notes, note])
    return None


def _read(text: str, name: str) -> Records:
    """Read a text whose rows end with a line feed. Raises UsageError as `records` does."""
    text = text.rstrip("\n")
    said = SEP.match(text)
    skipped, text = (1, text[said.end() :]) if said else (0, text)
    text, notes = _quoted(text)
    mark = (
        said[1]
        if said
        else "\t"
        if ".tsv" in name.lower() and "\t" in text[: text.find("\n")]
        else between(text)
    )
    if f'{mark} "' in text and f'{mark}"' not in text:  # a blank behind each mark hides what quotes mean
        sign = re.escape(mark)
        closed = rf'{sign} +("(?:[^"\n]|"")*")(?=[ ]*(?:{sign}|\n|\Z))'
        text = re.sub(closed, lambda found: mark + found[1], text)
    if mark not in text and (apart := _by_blanks(text, skipped)):
        return shaped(apart, [*notes, "blanks stand between the cells"], " ")
    rows, others = _rows(text, mark, skipped)
    if mark == "\t" and (apart := _with_blanks(rows)):
        rows, others = apart, [*others, "blanks stand between cells as well as tabs"]
    return shaped(rows, [*notes, *others], mark)


def _quoted(text: str) -> tuple[str, list[str]]:
    """The text with the quotation marks that CSV knows, where single ones open and close all cells that are quoted, and what to say."""
    first = OPENED.search(text)
    if first is None or first[1] == '"' or OPENED.search(SINGLE.sub("", text)):
        return text, []
    return SINGLE.sub(_double, text), ["single quotation marks stand around cells"]


def _double(cell: re.Match[str]) -> str:
    return '"' + cell[1].replace("''", "'").replace("\\'", "'").replace('"', '""') + '"'


def _with_blanks(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows with those cells taken apart that hold several numbers, as many in each row; [] where there are none."""
    if len({len(row) for _, row in rows}) > 1:
        return []
    columns = list[list[list[str]]]()
    for column in zip(*(row for _, row in rows), strict=True):
        parts = [cell.split() for cell in column]
        numbers = all(is_float(part) or part.lower() in MISSING for row in parts[1:] for part in row)
        several = len(set(map(len, parts))) == 1 and len(parts[0]) > 1 and numbers
        blanks = several and not all(map(THOUSANDS.fullmatch, column[1:]))
        columns.append(parts if blanks else [[cell] for cell in column])
    if all(len(column[0]) == 1 for column in columns):
        return []
    return [
        (number, [cell for part in parts for cell in part])
        for (number, _), *parts in zip(rows, *columns, strict=True)
    ]


def _by_blanks(text: str, skipped: int) -> list[tuple[int, list[str]]]:
    """The rows of a table whose cells stand apart by blanks alone, as programs align them; [] where it is none."""
    lines = [line.strip() for line in text.split("\n")]
    try:
        single = list(csv.reader((" ".join(line.split()) for line in lines), delimiter=" ", strict=True))
    except csv.Error:
        single = []
    for cells in (
        single,
        [re.split(r"\s{2,}", line) for line in lines],
    ):  # or by two at least, with one within a cell
        rows = [(skipped + place, row) for place, row in enumerate(cells, 1) if any(row)]
        widths = {len(row) for _, row in rows[1:] if not is_rule("|".join(row))}
        width = max(widths, default=0)
        if len(widths) == 1 and width > 1 and len(rows[0][1]) in (width, width - 1):
            return rows
    return []


def shaped(rows: list[tuple[int, list[str]]], notes: list[str], mark: str) -> Records:
    """The records of rows with their numbers: even, and below a row of names. Raises UsageError as `records` does."""
    rows, others = inner(rows)
    width, notes = _even(rows, [*notes, *others])
    for number, row in rows:
        if len(row) != width:
            raise UsageError(f"{number}: has {len(row)} cells, the header has {width}; repair the row")
    again = [number for number, row in rows[1:] if row == rows[0][1]]
    cells = [rows[0][1], *(row for number, row in rows[1:] if number not in set(again))]
    nameless = not names_columns(cells) or (bool(again) and all(map(is_float, cells[0])))
    if not nameless:
        if again:
            notes.append(
                f"the header comes again, first in line {again[0]}: {len(again)} such rows are left out"
            )
    else:
        cells = [row for _, row in rows]
        names = [f"column_{place}" for place in range(1, width + 1)]
        first = ", ".join(map(repr, cells[0][:4])) + (", ..." if width > 4 else "")
        notes.append(
            f"the first row ({first}) holds values, not names: the columns are called {names[0]} to {names[-1]}"
        )
        cells.insert(0, names)
    if not nameless and units(cells):
        shown = ", ".join(repr(cell) for cell in cells[1][:4] if cell.strip())
        notes.append(f"the row below the names ({shown}) holds units, no values: left out")
        del cells[1]
    columns = [_stripped(column) for column in zip(*cells[1:], strict=True)]
    return Records(cells[0], [list(row) for row in zip(*columns, strict=True)], mark, nameless, notes)


def _stripped(cells: Sequence[str]) -> Sequence[str]:
    """The cells of a column without the blanks that the file has around each, or by which all are made as long."""
    known = [cell for cell in cells if cell]
    around = all(cell[0] == " " for cell in known) or all(cell[-1] == " " for cell in known)
    padded = len(set(map(len, known))) == 1 and any(cell[-1] == " " for cell in known)
    return [cell.strip(" ") for cell in cells] if known and (around or padded) else cells


def between(text: str) -> str:
    """What stands between cells: the mark that cuts all lines into as many cells, and leaves none of the others in them."""
    sample = "\n".join(text.strip("\n").split("\n", SAMPLE)[:SAMPLE])

    def fit(mark: str) -> tuple[bool, float, float]:
        rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=mark) if row]
        width = Counter(map(len, rows)).most_common(1)[0][0]  # titles above a table are shorter
        even = sum(len(row) == width for row in rows) / len(rows)
        cells = [cell.strip() for row in rows[1:] for cell in row]
        clean = sum(not set(cell) & set(MARKS) or bool(NUMBER.fullmatch(cell)) for cell in cells)
        return width > 1, round(even, 2), clean / max(1, len(cells))

    return max(MARKS, key=fit) if sample else MARKS[0]


def _rows(text: str, mark: str, skipped: int) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The rows with their lines' numbers, and what is to be said. Raises UsageError."""
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    start, failed = 0, ""
    try:
        for row in reader:
            if row:
                found.append((start + skipped + 1, row))
            start = reader.line_num
    except csv.Error as error:
        failed = f"{reader.line_num + skipped}: is no row of a CSV table: {error}"
    several = any(later - before > 1 for (before, _), (later, _) in itertools.pairwise(found))
    if not failed and not several and found[-1][0] == reader.line_num + skipped:
        return found, []
    escaped = _escaped(text, mark, skipped) if failed else []
    if escaped:
        return escaped, ['quotation marks within cells are written \\"']
    return _literally(text, mark, skipped, found, failed)


def _escaped(text: str, mark: str, skipped: int) -> list[tuple[int, list[str]]]:
    """The rows of a file that writes quotation marks as \\", [] where that makes no even ones."""
    if '\\"' not in text:
        return []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=mark, escapechar="\\", doublequote=False, strict=True
    )
    try:
        rows = [(reader.line_num + skipped, row) for row in reader if row]
    except csv.Error:
        return []
    return rows if len({len(row) for _, row in rows}) == 1 else []


def _literally(
    text: str, mark: str, skipped: int, found: list[tuple[int, list[str]]], failed: str
) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The rows where a quotation mark that opens a cell and swallows whole rows is a letter like others."""
    lines = text.split("\n")
    width = len(found[0][1]) if found else 0
    fits = _profile([row for _, row in found], width)
    rows: list[tuple[int, list[str]]] = []
    stray: list[int] = []
    kept = ""
    place = 0
    while place < len(lines):
        row, used = _record(lines, place, mark)
        literal = [line.split(mark) for line in lines[place : place + used]]
        # An open end swallows all that is left; its own line alone is judged.
        likely = [fits(cells) for cells in (literal[:1] if row is None else literal)]
        if (row is None or used > 1) and width > 1 and sum(likely) >= LIKE_ROWS * len(likely):
            stray.append(place + skipped + 1)
            row, used = literal[0], 1
        elif row is None:
            raise UsageError(
                failed or f"{place + skipped + 1}: a quotation mark is opened and not closed; repair the row"
            )
        elif used > 2 and all(len(cells) == width for cells in literal):
            kept = (
                kept
                or f"lines {place + skipped + 1} to {place + skipped + used} are one row, as their quotation marks say"
            )
        if row:
            rows.append((place + skipped + 1, row))
        place += used
    if stray:
        others = f", and {len(stray) - 1} more," if len(stray) > 1 else ""
        kept = f"the quotation mark in line {stray[0]}{others} would swallow whole rows: read as a letter"
    return rows, [kept] * bool(kept)


def _record(lines: list[str], place: int, mark: str) -> tuple[list[str] | None, int]:
    """The row that begins in a line, and how many lines it takes; None where it has no end."""
    reader = csv.reader(
        (f"{line}\n" for line in itertools.islice(lines, place, None)), delimiter=mark, strict=True
    )
    try:
        return next(reader, []), max(1, reader.line_num)
    except csv.Error:
        return None, 1


def _profile(rows: list[list[str]], width: int) -> Callable[[list[str]], bool]:
    """Whether the cells of a line are a row like these, so far as any column tells: of numbers, or of a few values."""
    numbers, known = set[int](), dict[int, set[str]]()
    body = [row for row in rows[1:] if len(row) == width and not any("\n" in cell for cell in row)]
    for place in range(width if body else 0):
        cells = [row[place].strip() for row in body]
        if sum(bool(NUMBER.fullmatch(cell)) for cell in cells) >= 0.95 * len(cells):
            numbers.add(place)
        elif len(set(cells)) <= min(FEW, len(cells) // 5):
            known[place] = set(cells)

    def fits(cells: list[str]) -> bool:
        texts = [cell.strip() for cell in cells]
        if len(cells) != width or not (numbers or known):
            return False
        sure = all(not texts[place] or NUMBER.fullmatch(texts[place]) for place in numbers)
        return sure and all(texts[place] in values for place, values in known.items())

    return fits


def _even(rows: list[tuple[int, list[str]]], notes: list[str]) -> tuple[int, list[str]]:
    """Take off what spreadsheets and R leave at the ends of rows; return the number of columns and what to say."""
    width = len(rows[0][1])
    body = [row for _, row in rows[1:]]
    if body and all(len(row) == width + 1 for row in body):
        if not any(row[-1].strip() for row in body):
            for row in body:
                del row[-1]
            notes = [*notes, "each row below the header ends with one mark too many: taken off"]
        elif _row_names([row[0] for row in body]):
            rows[0][1].insert(0, "")
            width += 1
    while (
        width > 1
        and not rows[0][1][-1].strip()
        and all(len(row) == width and not row[-1].strip() for row in body)
    ):
        for _, row in rows:
            del row[-1]
        width -= 1
    empty = [number for number, row in rows[1:] if width > 1 and not any(cell.strip() for cell in row)]
    if empty:
        rows[:] = [(number, row) for number, row in rows if number not in set(empty)]
        notes = [*notes, f"{len(empty)} rows are empty, the first in line {empty[0]}: left out"]
    return width, notes


def _row_names(cells: list[str]) -> bool:
    """Whether cells that the header does not name are R's names of the rows: a count, or a word for each."""
    count = [str(number) for number in range(1, len(cells) + 1)]
    return cells == count or (len(set(cells)) == len(cells) and not any(map(is_float, cells)))
