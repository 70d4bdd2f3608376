"""The rows of a CSV file: what stands between cells, and whether the first row holds names.

All is judged by the whole file, and no row is lost: the rows are those of the file, or one line says which is none.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing.header import is_float, names_columns
from budgetmlagent.inside.briefing.reading import MARKS, MISSING
from budgetmlagent.new.around import NUMBER, inner, is_rule, units, wordings
from budgetmlagent.new.quotes import double_quoted, numbered_rows
from budgetmlagent.new.shape import JUDGED, Shape, below, even, marked, unusual
from budgetmlagent.wording import counted

SEP = re.compile(
    r'"?sep=(.)"?\n', re.IGNORECASE
)  # a line by which spreadsheets say what stands between cells
ENDS = re.compile("[\r\n]")
THOUSANDS = re.compile(r"\d{1,3}(?: \d{3})+")
BREAK = "\x1e"  # for a line break within a cell
SAMPLE = 300  # lines by which it is found


@dataclass
class Records:
    """All rows of a file, none longer or shorter than the others; the first one holds the names of the columns."""

    header: list[str]
    rows: list[list[str]]
    mark: str  # between cells
    nameless: bool  # whether the file has no row of names
    notes: list[str] = field(default_factory=list)


def records(text: str, name: str, shape: Shape = JUDGED) -> Records:
    """Read the text of the file called `name`, judged but for what is said of its `shape`.

    Raises UsageError, which begins with a line's number and a colon, or with a blank.
    """
    csv.field_size_limit(1 << 24)  # the standard limit is less than a long text
    # A carriage return within a cell would end the row for some readers, so all line ends are made alike.
    try:
        return _read(text.replace("\r\n", "\n").replace("\r", "\n"), name, shape)
    except UsageError as error:
        found = _with_breaks(text, name, shape)
        if not found:
            raise error from None
        return found


def _with_breaks(text: str, name: str, shape: Shape) -> Records | None:
    """The records where one kind of line end stands between rows, and others within cells that nothing quotes."""
    for end in ["\r\n"] if "\r\n" in text else ["\n", "\r"]:
        lines = text.split(end)
        if BREAK in text or len(lines) < 2 or not any(map(ENDS.search, lines)):
            continue
        try:
            found = _read("\n".join(ENDS.sub(BREAK, line) for line in lines), name, shape)
        except UsageError:
            continue
        if not any(BREAK in name for name in found.header):
            rows = [[cell.replace(BREAK, "\n") for cell in row] for row in found.rows]
            note = f"rows end with {end!r}: other line breaks belong to their cells"
            return replace(found, rows=rows, notes=[*found.notes, note])
    return None


def _read(text: str, name: str, shape: Shape) -> Records:
    """Read a text whose rows end with a line feed. Raises UsageError as `records` does."""
    text = text.rstrip("\n")
    found = SEP.match(text)
    skipped, text = (1, text[found.end() :]) if found else (0, text)
    if shape.header and shape.header > skipped + 1:
        text, skipped = below(text, shape.header - skipped), shape.header - 1
    text, notes = double_quoted(text)
    text, mark, others = _marked(text, name, shape.sep or (found[1] if found else ""))
    notes += others
    if f'{mark} "' in text and f'{mark}"' not in text:  # a blank behind each mark hides what quotes mean
        sign = re.escape(mark)
        closed = rf'{sign} +("(?:[^"\n]|"")*")(?=[ ]*(?:{sign}|\n|\Z))'
        text = re.sub(closed, lambda found: mark + found[1], text)
    if (mark == " " or mark not in text) and (apart := _by_blanks(text, skipped)):
        return shaped(apart, [*notes, "blanks stand between the cells"], " ", shape.header, hint=True)
    rows, others = numbered_rows(text, mark, skipped)
    if mark == "\t" and (apart := _with_blanks(rows)):
        rows, others = apart, [*others, "blanks stand between cells as well as tabs"]
    return shaped(rows, [*notes, *others], mark, shape.header, hint=True)


def _marked(text: str, name: str, said: str) -> tuple[str, str, list[str]]:
    """The text with one letter between its cells, this letter, and what is to be said of it. Raises UsageError."""
    if said:
        return *marked(text, said), []
    if ".tsv" in name.lower() and "\t" in text[: text.find("\n")]:
        return text, "\t", []
    mark = between(text)
    lines = text.strip("\n").split("\n", SAMPLE)[:SAMPLE]
    other = unusual(lines)
    if not other or even(lines, mark) or (mark not in text and _by_blanks(text, 0)):
        return text, mark, []
    return *marked(text, other), [f"{other!r} stands between the cells; --sep says otherwise"]


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


def shaped(
    rows: list[tuple[int, list[str]]],
    notes: list[str],
    mark: str,
    header: int | None = None,
    *,
    hint: bool = False,
) -> Records:
    """The records of rows with their numbers: even, and below a row of names, which is the first where a `header` is said.

    `hint` says by which option a first row of values would be names. Raises UsageError as `records` does.
    """
    rows, others = inner(rows, titled=header is None)
    width, notes = _even(rows, [*notes, *others])
    for number, row in rows:
        if len(row) != width:
            raise UsageError(f"{number}: has {len(row)} cells, the header has {width}; repair the row")
    again = [number for number, row in rows[1:] if row == rows[0][1]]
    cells = [rows[0][1], *(row for number, row in rows[1:] if number not in set(again))]
    nameless = not names_columns(cells) or (bool(again) and all(map(is_float, cells[0])))
    nameless = nameless if header is None else not header
    if not nameless:
        if again:
            notes.append(
                f"the header comes again, first in line {again[0]}: {len(again)} such rows are left out"
            )
    else:
        cells = [row for _, row in rows]
        names = [f"column_{place}" for place in range(1, width + 1)]
        option = f"; --header {rows[0][0]} takes it for names" if hint and header is None else ""
        first = ", ".join(map(repr, cells[0][:4])) + (", ..." if width > 4 else "")
        notes.append(
            f"the first row ({first}) holds values, not names: the columns are called {names[0]} to {names[-1]}{option}"
        )
        cells.insert(0, names)
    if not nameless:
        cells, others = _without_words(cells)
        notes += others
    columns = [_stripped(column) for column in zip(*cells[1:], strict=True)]
    return Records(cells[0], [list(row) for row in zip(*columns, strict=True)], mark, nameless, notes)


def _without_words(cells: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    """The names and the rows, without those below the names that are no values; and what is to be said of them."""
    shown = ", ".join(repr(cell) for cell in cells[1][:4] if cell.strip()) if len(cells) > 1 else ""
    if units(cells):
        note = f"the row below the names ({shown}) holds units, no values: left out"
        return [cells[0], *cells[2:]], [note]
    number = wordings(cells)
    note = f"below the names, {counted(number, 'row')} of what is asked ({shown}), no values: left out"
    return [cells[0], *cells[number + 1 :]], [note] * bool(number)


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
