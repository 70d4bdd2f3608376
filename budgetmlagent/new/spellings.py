"""Labels and categories that are written in several ways ("Yes", "yes ", "YES"): one label each, as most rows have it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from budgetmlagent.inside.briefing.header import is_float
from budgetmlagent.inside.briefing.written import missing
from budgetmlagent.new.tablefile import Table

FEW = 50  # different values, up to which a column holds labels or categories
TRUTHS = [
    ("true", "false"),
    ("yes", "no"),
    ("1", "0"),
    ("y", "n"),
    ("t", "f"),
]  # where these alone stand in a column
ROWS = 4  # on average for each of them
LETTERS = [
    {"y", "n"},
    {"t", "f"},
    {"m", "f"},
    {"j", "n"},
    {"o", "n"},
    {"s", "n"},
    {"w", "m"},
]  # that mean the same in both cases


def joined(table: Table, kept: Collection[str]) -> Table:
    """The table with one spelling for values that differ by blanks or by large letters alone, but in columns `kept`."""
    columns = [list(column) for column in zip(*table.rows, strict=True)]
    notes = list(table.notes)
    for place, name in enumerate(table.header):
        if name not in kept and (same := _same(columns[place])):
            columns[place] = [same.get(cell, cell) for cell in columns[place]]
            first, right = next(iter(same.items()))
            more = f", and {len(same) - 1} more such" if len(same) > 1 else ""
            notes.append(f"{name!r}: {first!r} is written {right!r}, as it is in most rows{more}")
    if len(notes) == len(table.notes):
        return table
    return replace(table, rows=[list(row) for row in zip(*columns, strict=True)], notes=notes)


def _same(cells: Sequence[str]) -> dict[str, str]:
    """What is written otherwise than most rows have it, and how they do; {} in a column of no labels."""
    counts = Counter(cell for cell in cells if not missing(cell))
    different = set(map(_plain, counts))
    if (
        not different
        or len(different) > FEW
        or len(different) * ROWS > len(cells)
        or all(map(is_float, counts))
    ):
        return {}
    letters = {cell for cell in different if len(cell) == 1}
    fold = any(letters <= pair for pair in LETTERS)  # else "a" and "A" are two labels
    truth = {cell: str(side) for pair in TRUTHS for side, cell in enumerate(pair)}
    # Single letters alone may be codes: "y", "n" and "f" are three labels.
    truths = different <= set(truth) and len({truth[cell] for cell in different}) == 2
    truths = truths and (len(letters) < 3 or len(different) > len(letters))
    alike = defaultdict[str, Counter[str]](Counter)
    for cell, rows in counts.items():
        form = " ".join(cell.split())
        same = form.casefold() if fold or truths or len(form) > 1 else form
        alike[truth[same] if truths else same][cell] += rows
    pair = max(TRUTHS, key=lambda pair: sum(rows for cell, rows in counts.items() if _plain(cell) in pair))
    usual = {
        cell: max(same, key=lambda cell: (truths and _plain(cell) in pair, same[cell])).strip()
        for same in alike.values()
        for cell in same
        if len(same) > 1
    }
    return {cell: right for cell, right in usual.items() if cell != right}


def _plain(cell: str) -> str:
    return " ".join(cell.split()).casefold()
