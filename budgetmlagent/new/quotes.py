"""Which quotation marks of a CSV file hide what stands between cells, and which are letters like others."""

import csv
import io
import itertools
import re
from collections.abc import Callable

from budgetmlagent.errors import UsageError
from budgetmlagent.new.around import NUMBER

OPENED = re.compile(r"(?:^|[,;\t|]) ?(['\"])", re.MULTILINE)  # a quotation mark at the beginning of a cell
SINGLE = re.compile(r"(?:(?<=^)|(?<=[,;\t|]) ?)'((?:[^'\n]|''|\\')*)'(?=[,;\t|]|$)", re.MULTILINE)
FEW = 20  # different values of a column, up to which an unknown one says that a row is no row
LIKE_ROWS = 0.9  # share of the lines within a quoted cell that are rows themselves, from which on they are


def double_quoted(text: str) -> tuple[str, list[str]]:
    """The text with the quotation marks that CSV knows, where single ones open and close all cells that are quoted, and what to say."""
    first = OPENED.search(text)
    if first is None or first[1] == '"' or OPENED.search(SINGLE.sub("", text)):
        return text, []
    return SINGLE.sub(_double, text), ["single quotation marks stand around cells"]


def _double(cell: re.Match[str]) -> str:
    return '"' + cell[1].replace("''", "'").replace("\\'", "'").replace('"', '""') + '"'


def numbered_rows(text: str, mark: str, skipped: int) -> tuple[list[tuple[int, list[str]]], list[str]]:
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
            if "limit" in failed:  # of a cell's length
                raise UsageError(failed)
            raise UsageError(
                f"{place + skipped + 1}: a quotation mark is opened in this line and not closed at the end of a cell; repair the row"
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
