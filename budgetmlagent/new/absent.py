"""Words that pandas takes for a missing value, where they are none: "None" beside "attached", "NA" where there are nulls."""

import io
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from budgetmlagent.inside.briefing import written
from budgetmlagent.inside.briefing.numerals import Habit
from budgetmlagent.inside.briefing.written import missing
from budgetmlagent.new.tablefile import Table

MARK = "_"  # before such a word: a script reads it as a text
LEAST = 0.01  # share of the rows that have the rarer one of two kinds
GAPS = 0.05  # the same where it is an empty cell, which is more often a gap


def marked(table: Table, kept: Collection[str]) -> Table:
    """The table with a mark before the words that are values, but in columns `kept`, and notes that say so."""
    columns = [list(column) for column in zip(*table.rows, strict=True)]
    notes = list(table.notes)
    for place, name in enumerate(table.header):
        cells = columns[place]
        words = {cell for cell in set(cells) if cell.strip() and missing(cell) and taken(cell)}
        if name in kept or not words:
            continue
        if table.nulls and texts(cells) and not _measured(cells, table):
            why = "a text where missing values are null"
        elif two_kinds(["" if cell in words else cell for cell in cells if cell.strip()], LEAST):
            why = "one of two values"
        else:
            continue
        columns[place] = [MARK + cell.strip() if cell in words else cell for cell in cells]
        word = next(cell for cell in cells if cell in words)
        notes.append(f"{name!r}: {word!r} is written {MARK + word.strip()!r}, since it is {why}")
    return replace(table, rows=[list(row) for row in zip(*columns, strict=True)], notes=notes)


def _measured(cells: Sequence[str], table: Table) -> bool:
    """Whether cells are dates or numbers with a few gaps, so that a word for a missing value is none of theirs."""
    return written.judged(pd.Series(cells, dtype=object), Habit(free=table.free)) is not None


def taken(cell: str) -> bool:
    """Whether pandas takes a cell for a missing value."""
    return (
        bool(pd.read_csv(io.StringIO(f"x,y\n{cell},1\n"))["x"].isna()[0])
        if cell.isprintable() and not set(cell) & set('",')
        else False
    )


def texts(cells: Sequence[str]) -> bool:
    """Whether cells that have values are no numbers."""
    known = pd.Series(sorted({cell for cell in cells if not missing(cell)}), dtype=object)
    return len(known) > 0 and bool(pd.to_numeric(known, errors="coerce").isna().all())


def two_kinds(cells: Sequence[str], least: float) -> bool:
    """Whether cells have one value or else none, which is "", each in at least this share of them."""
    counts = Counter(cells)
    return len(counts) == 2 and "" in counts and min(counts.values()) >= max(2, least * len(cells))
