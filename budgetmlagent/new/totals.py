"""Rows that only sum up the others, as spreadsheets end with: they are no examples, and tell what is held out."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from budgetmlagent.new.tablefile import Table

WORD = re.compile(
    r"(?i)(?:(?:sub|grand|over)?[\s-]*totals?|sum|(?:end|gesamt|zwischen)?summe|gesamt(?:ergebnis)?|insgesamt|ergebnis|all|"
    r"total (?:général|general|generale)|ensemble|totale|suma|somme|totaal|razem|łącznie|итого|всего|合计|合計|总计|"
    r"average|avg|mean|mittelwert|durchschnitt|moyenne|promedio|media|count|anzahl)\s*:?"
)
PART = (
    r"(?:sub-?)?total|ergebnis|summe|zwischensumme|somme|average|count"  # beside the name of what it sums up
)
OF = re.compile(rf"(?i)(?:(?:{PART})\s*:?\s+(?P<before>.+)|(?P<after>.+)\s+(?:{PART}))\s*:?")
LAST = 3  # rows at the end that are looked at
DIFFERENT = 5  # values of a column, from which on its sum is none by chance


def without_totals(written: Table, plain: Table) -> Table:
    """The table `plain` without rows of totals; `written` are the same rows as the file has them."""
    gone = {*_last(written.rows, plain), *_parts(written.rows)}
    if not gone or 2 * len(gone) > len(plain.rows):
        return plain
    first = min(gone)
    shown = next(
        (
            cell.strip()
            for cell in written.rows[first]
            if WORD.fullmatch(cell.strip()) or OF.fullmatch(cell.strip())
        ),
        "",
    )
    said = f" ({shown!r})" if shown else ""
    what = "1 row sums up others" if len(gone) == 1 else f"{len(gone)} rows sum up others"
    note = f"{what}, the first is row {first + 1}{said}: left out"
    rows = [row for place, row in enumerate(plain.rows) if place not in gone]
    return replace(plain, rows=rows, notes=[*plain.notes, note])


def _last(written: Sequence[Sequence[str]], plain: Table) -> set[int]:
    """The rows at the end that hold the sums or the means of all rows above them."""
    found = set[int]()
    columns = [_numbers(column) for column in zip(*plain.rows, strict=True)]
    for place in range(len(plain.rows) - 1, max(0, len(plain.rows) - 1 - LAST), -1):
        body = [[value for value in column[:place] if value is not None] for column in columns]
        told = [
            _told(values, plain.rows[place][number])
            for number, values in enumerate(body)
            if columns[number][place] is not None and len(set(values)) >= DIFFERENT
        ]
        named = any(WORD.fullmatch(cell.strip()) for cell in written[place])
        bare = all(
            not cell.strip() or columns[number][place] is not None
            for number, cell in enumerate(written[place])
        )
        if (named and told and set(told) != {""}) or (bare and told.count("sum") > 1):
            found.add(place)
    return found


def _told(values: list[float], cell: str) -> str:
    """Whether a cell is the sum of the values, or their mean, as far as it and they are rounded."""
    number = float(cell)
    step = 10.0 ** -len(cell.partition(".")[2])
    total = math.fsum(values)
    lost = max(min(step * math.sqrt(len(values)), 1e-3 * abs(total)), step / 2, 1e-9 * abs(total))
    if abs(number - total) <= lost < 0.1 * abs(total):
        return "sum"
    mean = total / len(values)
    return "mean" if abs(number - mean) <= max(step, 1e-9 * abs(mean)) < 1e-2 * abs(mean) else ""


def _parts(written: Sequence[Sequence[str]]) -> set[int]:
    """The rows that are called like the total of another row's value in the same column; one alone is a name."""
    found = set[int]()
    for column in zip(*written, strict=True):
        known = {cell.strip() for cell in column}
        rows = [
            place
            for place, cell in enumerate(column)
            if (match := OF.fullmatch(cell.strip())) and (match["before"] or match["after"]) in known
        ]
        if len({column[place] for place in rows}) == len(rows) > 1:
            found |= set(rows)
    return found


def _numbers(cells: Sequence[str]) -> list[float | None]:
    """The finite numbers among cells, None for all else."""
    found = pd.to_numeric(pd.Series(cells), errors="coerce").to_numpy(float)
    return [value if math.isfinite(value) else None for value in found.tolist()]
