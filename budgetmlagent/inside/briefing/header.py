"""Whether a table's first row names its columns, or holds values as the rows below it do."""

from collections.abc import Sequence
from itertools import pairwise

STEPS = 5  # numbers that rise from the first to the last by chance in one of 120 rows
LOOKED_AT = 20  # rows


def names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names of columns, and not values as the rows below it do."""
    first, body = rows[0], rows[1:]
    if len(body) < 2:
        return True
    values = False
    for place, name in enumerate(first):
        cells = [row[place].strip() for row in body if row[place].strip()]
        numeric = bool(cells) and sum(map(is_float, cells)) >= 0.9 * len(cells)
        if numeric != is_float(name.strip()) and cells and name.strip():
            if numeric:
                return True
        elif numeric:
            values = values or (_fraction(name) and sum(map(_fraction, cells)) > 0.5 * len(cells))
        elif name.strip() in cells and len(set(cells)) < len(cells):
            values = True
    whole = [name.strip() for name in first]
    if _are_steps(whole) and not all(map(_are_steps, body[:LOOKED_AT])):
        return True  # years, or the wavelengths of spectra
    if not values and all(map(is_float, whole)) and not _counting(whole):
        columns = list(zip(*body, strict=True))
        return sum(
            name in {cell.strip() for cell in column} for name, column in zip(whole, columns, strict=True)
        ) < 0.8 * len(whole)
    return not values


def is_float(cell: str) -> bool:
    """Whether Python reads a cell as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _fraction(cell: str) -> bool:
    return is_float(cell) and not cell.strip().isdigit()


def _are_steps(names: Sequence[str]) -> bool:
    """Whether so many numbers only rise, or only fall."""
    if len(names) < STEPS or not all(map(is_float, names)):
        return False
    rising = [float(later) > float(before) for before, later in pairwise(names)]
    return all(rising) or not any(rising)


def _counting(names: Sequence[str]) -> bool:
    """Whether names only rise by one, as those that pandas makes and years do."""
    numbers = [float(name) for name in names]
    return all(later - before == 1 for before, later in pairwise(numbers))
