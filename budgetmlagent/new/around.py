"""What stands around a table in its file: titles above the names, units below them, notes below the last row."""

import json
import re
from collections import Counter
from collections.abc import Sequence

from budgetmlagent.inside.briefing.reading import MISSING
from budgetmlagent.wording import counted

Rows = list[tuple[int, list[str]]]  # with the numbers of their lines
NUMBER = re.compile(r"[-+(]?\s*[^\w\s]{0,2}\s*[\d.,'\s]*\d[\d.,'\s]*(?:[eE][-+]?\d+)?[%)€$£]?")
MOST = 30  # rows above a table, and below it, that are no rows of it
TELLING = 20  # rows from which on columns tell what is a name, and what a unit
FEW = 20  # different values, up to which a column is one of labels
LOOKED_AT = 1000  # rows by which a column is known as one of numbers
MOSTLY = 0.9  # share of a column's cells that are numbers, where it is one of numbers
RULED = re.compile(r"[-=:+|\s]*")
DIGIT = re.compile(r"\d")
UNIT = re.compile(r"[\[(]?[^\W\d_]{0,12}[%°$€£²³/.^*·µ\w-]{0,12}[\])]?")


def is_rule(line: str) -> bool:
    """Tell whether a line is drawn between rows, for eyes."""
    return ("---" in line or "===" in line) and bool(RULED.fullmatch(line))


def inner(rows: Rows, *, titled: bool = True) -> tuple[Rows, list[str]]:
    """The rows of the table itself, the names first, and what is to be said of the others; none stand above unless `titled`."""
    usual = Counter(len(row) for _, row in rows).most_common(1)[0][0]
    if usual < 2:
        return rows, []
    rows, notes = _unruled(rows)
    first = _first(rows, usual) if titled else 0
    above, below = [row for _, row in rows[:first]], rows[first][1]
    names = named(below, above, usual)
    notes += titles(above, below, names)
    last = _last(rows, usual)
    if last < len(rows):
        number, row = rows[last]
        words = next(cell.strip() for cell in row if cell.strip())
        more = f", and {len(rows) - last - 1} lines more" if len(rows) - last > 1 else ""
        notes.append(f"what stands below the table is left out, from line {number} on: {words!r}{more}")
    return [(rows[first][0], names), *rows[first + 1 : last]], notes


def titles(above: Sequence[Sequence[str]], below: Sequence[str], names: Sequence[str]) -> list[str]:
    """What is to be said of the rows above the names, which are made of the last of them where they are not those `below`."""
    notes = []
    if names != below:
        notes, above = [f"the names of columns stand in two rows, as in {max(names, key=len)!r}"], above[:-1]
    shown = [cell.strip() for row in above for cell in row if cell.strip()]
    return [
        *([f"what stands above the table is left out: {', '.join(map(repr, shown[:3]))}"] if shown else []),
        *notes,
    ]


def _unruled(rows: Rows) -> tuple[Rows, list[str]]:
    """The rows but for those that only draw a line, as between the names and the values of a table made for eyes."""
    kept = [(number, row) for number, row in rows if not is_rule("|".join(row))]
    said = f"{counted(len(rows) - len(kept), 'line')} without any values, made of '-' or '=': left out"
    return (kept, [said]) if 1 < len(kept) < len(rows) else (rows, [])


def units(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the row below the names holds units, and no values: no column of numbers has one there."""
    if len(cells) < TELLING or any(len(row) != len(cells[0]) for row in cells):
        return False
    numbers = _numbers(cells[2:LOOKED_AT])
    below = [cell.strip() for cell in cells[1]]
    found = [below[place] for place in numbers if below[place].lower() not in MISSING]
    others = [place for place in range(len(below)) if place not in numbers]
    known = any(
        below[place] and below[place] in {row[place].strip() for row in cells[2:]} for place in others
    )
    enough = len(found) >= min(2, len(numbers)) and 2 * len(found) >= len(numbers)
    said = len(found) > 1 or all(below[place].lower() in MISSING for place in others)
    return bool(
        numbers and enough and said and not known and all(map(UNIT.fullmatch, found))
        and not any(NUMBER.fullmatch(below[place]) for place in numbers)
    )  # fmt: skip


def wordings(cells: Sequence[Sequence[str]]) -> int:
    """How many rows below the names are no values, as surveys have them: the questions' wording, and marks for programs."""
    if len(cells) < TELLING:
        return 0
    for number, row in enumerate(cells[1:3], 1):
        if all(map(_is_object, filter(None, row))) and not any(map(_is_object, cells[number + 1])):
            later = [{below[place] for below in cells[number + 1 :]} - {""} for place in range(len(row))]
            again = any(cell in values for cell, values in zip(cells[1], later, strict=True))
            return number if number == 1 or not again else 0
    return int(_asks([cell.strip() for cell in cells[1]], cells[2:LOOKED_AT]))


def _asks(row: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row is unlike each column of numbers and of labels below it, and holds sentences."""
    numbers = _numbers(body)
    telling, sentences = set[str](), 0
    for place, (cell, column) in enumerate(zip(row, zip(*body, strict=True), strict=True)):
        known = {value.strip() for value in column if value.strip().lower() not in MISSING}
        like = DIGIT.sub("9", cell) in {DIGIT.sub("9", value) for value in known}
        if cell and (like or cell in telling or (place in numbers and NUMBER.fullmatch(cell))):
            return False  # a date among dates is a value, too
        if cell and (place in numbers or 1 < len(known) <= min(FEW, len(body) // 5)):
            telling.add(cell)
            sentences += len(cell.split()) > 2
    return len(telling) > 1 and 2 * len(telling) >= len(row) and 2 * sentences > len(telling)


def _is_object(cell: str) -> bool:
    """Whether a cell holds an object in JSON."""
    try:
        return cell.startswith("{") and isinstance(json.loads(cell), dict)
    except ValueError:
        return False


def _first(rows: Rows, usual: int) -> int:
    """The place of the row of names."""
    likely = (
        place
        for place, (_, row) in enumerate(rows[: MOST + 1])
        if len(row) >= usual - 1 and sum(map(bool, map(str.strip, row))) > 1 and not row[0].startswith("#")
    )
    place = next(likely, 0)
    gaps = any(not cell.strip() for cell in rows[place][1])  # names that several columns share
    if gaps and place + 1 < len(rows):
        below = rows[place + 1][1]
        full = all(cell.strip() for cell in below) and len(below) == usual
        place += full and rows[place][1][-1] != "" and _names(rows, place + 1, usual)
    narrow = any(len(row) < usual - 1 for _, row in rows[:place])
    return place if place and (_names(rows, place, usual) or (narrow and usual > 2)) else 0


def _names(rows: Rows, place: int, usual: int) -> bool:
    """Whether a row stands above numbers and holds none."""
    row, body = rows[place][1], [cells for _, cells in rows[place + 1 :] if len(cells) == usual]
    numbers = _numbers(body) if len(row) == usual else set()
    return bool(numbers) and not any(NUMBER.fullmatch(row[number].strip()) for number in numbers)


def _last(rows: Rows, usual: int) -> int:
    """Where the rows of the table end: behind them are lines of words alone, below an empty line or of several words."""
    end = len(rows)
    while end > max(1, len(rows) - MOST) and _words(rows[end - 1][1], usual):
        end -= 1
    if end == len(rows) or usual < 3:
        return len(rows)
    number, before = rows[end - 1]
    lines = 1 + sum(cell.count("\n") for cell in before)
    gap = rows[end][0] > number + lines or not any(cell.strip() for cell in before)
    sentences = all(len(row) == 1 and len(row[0].split()) > 1 for _, row in rows[end:])
    return end if gap or sentences else len(rows)


def _words(row: list[str], usual: int) -> bool:
    """Whether a row has words in its first cell, and nothing else."""
    text = row[0].strip()
    return (
        len(row) in (1, usual)
        and bool(text)
        and not NUMBER.fullmatch(text)
        and not any(map(str.strip, row[1:]))
    )


def _numbers(body: Sequence[Sequence[str]]) -> set[int]:
    """The places of the columns of numbers."""
    found = set[int]()
    for place, column in enumerate(zip(*body, strict=True)):
        cells = [cell.strip() for cell in column if cell.strip().lower() not in MISSING]
        if cells and sum(bool(NUMBER.fullmatch(cell)) for cell in cells) >= MOSTLY * len(cells):
            found.add(place)
    return found


def named(names: list[str], above: Sequence[Sequence[str]], usual: int) -> list[str]:
    """The names of the columns, where several are the same told apart by those above, which several columns share."""
    if not above or len(set(names)) == len(names) or len(above[-1]) != usual:
        return names
    if sum(bool(cell.strip()) for cell in above[-1]) < 2:  # a title
        return names
    shared, top = list[str](), ""
    for cell in above[-1]:
        top = cell.strip() or top
        shared.append(top)
    return [f"{top} {name}".strip() for top, name in zip(shared, names, strict=True)]
