"""What is known of a target, from the answers and the training tables, and predictions that do not look like it."""

from collections import Counter
from pathlib import Path
from typing import Any

from .tables import WORD, Table, number, plain, read

MANY = 50  # different values above which a target's values are no labels
FEW_ROWS = 10  # below, equal predictions prove nothing
UNKNOWN_SHARE = 0.05  # of predictions with labels that the target does not have
MOST_BYTES = 16 << 20  # of the task's tables, those that are looked at together
Facts = dict[str, Any]  # varies, rest, labels, min, max: see `of`


def trained(folder: Path, submission: Path) -> dict[str, Facts]:
    """Return what the task's tables tell of the columns of the submission, but for the first, which names rows.

    An example of a submission tells nothing, and neither does a table that cannot be read.
    """
    found: dict[str, Facts] = {}
    try:
        said = read(submission)
    except (ValueError, OSError):
        return found
    tables = [path for path in folder.rglob("*.csv") if path != submission and path.is_file()]
    left = MOST_BYTES
    for path in sorted(tables, key=lambda path: path.stat().st_size):
        left -= path.stat().st_size
        try:
            table = read(path) if left >= 0 else {}
        except ValueError:
            continue
        example = table.keys() == said.keys() and rows(table) == rows(said)
        for name in [] if example else list(said)[1:]:
            if told := [cell for cell in table.get(name, []) if cell.strip()]:
                found[name] = joined(of(told), found.get(name, {}))
    return found


def rows(table: Table) -> int:
    """The number of rows."""
    return len(next(iter(table.values()), []))


def joined(one: Facts, other: Facts) -> Facts:
    """Return what both tell of a target, `one` where they speak of others; labels only where both say so."""
    if not one or not other:
        return one or other
    if "labels" in one and "labels" in other and set(one["labels"]).isdisjoint(other["labels"]):
        return one
    both: Facts = {"varies": one["varies"] or other["varies"], "rest": max(one["rest"], other["rest"])}
    if "labels" in one and "labels" in other:
        both["labels"] = sorted({*one["labels"], *other["labels"]})
    if "min" in one and "min" in other:
        both |= {"min": min(one["min"], other["min"]), "max": max(one["max"], other["max"])}
    return both


def of(cells: list[str]) -> Facts:
    """Describe a target's values: its labels where these are few, its range where they are numbers.

    `rest` is the share of cells that hold another value than the commonest.
    """
    labels = sorted({plain(cell) for cell in cells})
    numbers = [value for cell in cells if (value := number(cell)) is not None]
    commonest = max(Counter(map(plain, cells)).values(), default=0)
    facts: Facts = {"varies": len(labels) > 1, "rest": 1 - commonest / max(1, len(cells))}
    if len(labels) <= min(MANY, len(cells) / 3):
        facts["labels"] = labels
    if len(numbers) == len(cells) > 0:
        facts |= {"min": min(numbers), "max": max(numbers)}
    return facts


def agreed(known: dict[str, Facts], starters: Table) -> dict[str, Facts]:
    """Return what is known of those columns alone in which the starter's predictions look like it.

    It may write codes in the place of labels, or values on another scale: then the metric wants these.
    """
    return {
        name: facts
        for name, facts in known.items()
        if name in starters and not alien(name, starters[name], facts)
    }


def suspicion(said: Table, known: dict[str, Facts]) -> str:
    """Return why the predictions do not look like the target, "" where they do."""
    for column, cells in said.items():
        facts = known.get(column, {})
        if len(cells) >= FEW_ROWS and len(set(map(plain, cells))) == 1 and facts.get("varies", True):
            return f"all predictions of {column!r} are {cells[0][:WORD]!r}"
        if odd := alien(column, cells, facts):
            return odd
    return ""


def alien(column: str, cells: list[str], facts: Facts) -> str:
    """Say that predictions are no label of the target, or far from its numbers; "" where they may be of it."""
    numbers = [value for cell in cells if (value := number(cell)) is not None]
    whole = all(value.is_integer() for value in numbers)
    labels = set(map(plain, map(str, facts.get("labels", []))))
    # Numbers with a fraction may be probabilities, or a regression on ordered labels.
    if labels and (whole or not numbers):
        unknown = [cell for cell in cells if plain(cell) not in labels]
        if len(unknown) > UNKNOWN_SHARE * len(cells):
            return f"{len(unknown)} predictions of {column!r} are no known label, first {unknown[0][:WORD]!r}"
    if numbers and "min" in facts and "max" in facts:
        room = max(facts["max"] - facts["min"], 1e-9) * 2
        far = [v for v in numbers if not facts["min"] - room <= v <= facts["max"] + room]
        if len(far) > UNKNOWN_SHARE * len(cells):
            return (
                f"{len(far)} predictions of {column!r} are far outside the target's range, first {far[0]:g}"
            )
    return ""
