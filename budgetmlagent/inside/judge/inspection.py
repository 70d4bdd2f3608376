"""What is wrong with a submitted table, in one sentence that names the column, the row or the id."""

import argparse
import json
from collections import Counter
from typing import Any

from .tables import WORD, Table, named, number, plain, read, shown, write

DELIMITERS = ";\t|"
MANY = 50  # different values above which a target's values are no labels
FEW_ROWS = 10  # below, equal predictions prove nothing
UNKNOWN_SHARE = 0.05  # of predictions with labels that the target does not have


def inspect(args: argparse.Namespace) -> dict[str, str]:
    """Return what is wrong with the submitted table, what columns it lacks, and why it looks odd: "" for nothing.

    A table without fault is cut down to the rows of the answers, in their order.
    """
    if not args.csv:
        return report()
    path = args.folder / args.csv
    try:
        said = read(path)
    except ValueError as error:
        return report(str(error))
    if not args.answers:
        return report(suspect=suspicion(dict(list(said.items())[1:]), {}))
    answers = read(args.answers)
    key, *targets = answers
    columns = columns_problem(args.csv, said, list(answers))
    present = {name: answers[name] for name in targets if name in said}
    problem = delimiter_problem(args.csv, said, list(answers))
    problem = problem or rows_problem(args.csv, said, key, json.loads(args.ids.read_text("utf-8")), columns)
    for name, cells in present.items():
        problem = problem or cells_problem(args.csv, said, name, cells, key)
    if not problem and key in said:
        said = cut(said, key, answers[key])
        write(path, said)
    known = {name: describe(cells) for name, cells in present.items()}
    return report(problem, columns, suspicion({name: said[name] for name in present}, known))


def report(problem: str = "", columns: str = "", suspect: str = "") -> dict[str, str]:
    """The three findings under their names."""
    return {"problem": problem, "columns": columns, "suspect": suspect}


def columns_problem(name: str, said: Table, expected: list[str]) -> str:
    """Say which column is missing or one too many. A metric may well do without, or want it: it is asked first."""
    missing = [column for column in expected if column not in said]
    if missing:
        return f"{name} lacks the column {missing[0][:WORD]!r}; it has {named(list(said))}"
    extra = [column for column in said if column not in expected]
    if not extra:
        return ""
    hint = "; write it without the index" if not extra[0] or extra[0].startswith("Unnamed: ") else ""
    return f"{name} has the extra column {extra[0][:WORD]!r}; expected are {named(expected)}{hint}"


def delimiter_problem(name: str, said: Table, expected: list[str]) -> str:
    """Say that cells are not separated by commas."""
    (header, *others), key = said, expected[0]
    for delimiter in DELIMITERS:
        if not others and len(expected) > 1 and key in header.split(delimiter):
            return f"{name} separates its cells with {delimiter!r}; write it with commas"
    return ""


def rows_problem(name: str, said: Table, key: str, expected: list[str], columns: str) -> str:
    """Compare the rows with those of the answers."""
    rows = len(next(iter(said.values())))
    if not rows:
        return f"{name} has a header and no rows, {len(expected)} rows are expected"
    if key not in said:
        odd = rows != len(expected)
        return f"{columns}, and {rows} rows where {len(expected)} are expected" if odd else ""
    ids = [plain(cell) for cell in said[key]]
    wanted = {plain(cell) for cell in expected}
    twice = len(ids) - len(set(ids))
    lost = [cell for cell in expected if plain(cell) not in set(ids)] if not wanted <= set(ids) else []
    if lost:
        return f"{name} lacks {len(lost)} of the {len(expected)} rows, first {key} {shown(lost[0])}"
    if twice and len(wanted) == len(expected):
        first = next(cell for cell, count in Counter(ids).items() if count > 1)
        return f"{name} has {twice} rows whose {key} occurs twice, first {shown(first)}"
    alien = set(ids) - wanted
    return f"{name} has {len(alien)} rows whose {key} is unknown, first {shown(min(alien))}" if alien else ""


def cells_problem(name: str, said: Table, column: str, answers: list[str], key: str) -> str:
    """Look for empty cells, and for what is no number where the answers are numbers."""
    numeric = all(number(cell) is not None for cell in answers)
    if not numeric and any(not cell.strip() for cell in answers):
        return ""
    cells = said[column]
    bad = [i for i, cell in enumerate(cells) if (number(cell) is None if numeric else not cell.strip())]
    if not bad:
        return ""
    where = f"{key} {shown(said[key][bad[0]])}" if key in said else f"row {bad[0] + 1}"
    what = "that are no finite numbers" if numeric else "that are empty"
    return f"{name} has {len(bad)} cells in {column!r} {what}, first {cells[bad[0]][:WORD]!r} at {where}"


def cut(said: Table, key: str, order: list[str]) -> Table:
    """Return the rows of the ids in `order`; an id that the answers repeat is taken once."""
    place = {plain(cell): i for i, cell in enumerate(said[key])}
    rows = [place[i] for i in dict.fromkeys(map(plain, order))]
    return {name: [cells[i] for i in rows] for name, cells in said.items()}


def describe(cells: list[str]) -> dict[str, Any]:
    """Describe a target's values: its labels where these are few, its range where they are numbers."""
    labels = sorted({plain(cell) for cell in cells})
    numbers = [value for cell in cells if (value := number(cell)) is not None]
    facts: dict[str, Any] = {"varies": len(labels) > 1}
    if len(labels) <= min(MANY, len(cells) / 3):
        facts["labels"] = labels
    if len(numbers) == len(cells) > 0:
        facts |= {"min": min(numbers), "max": max(numbers)}
    return facts


def suspicion(said: Table, known: dict[str, dict[str, Any]]) -> str:
    """Return why the predictions do not look like the target, "" where they do."""
    for column, cells in said.items():
        facts = known.get(column, {})
        texts = {plain(cell) for cell in cells}
        if len(cells) >= FEW_ROWS and len(texts) == 1 and facts.get("varies", True):
            return f"all predictions of {column!r} are {cells[0][:WORD]!r}"
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
                return f"{len(far)} predictions of {column!r} are far outside the target's range, first {far[0]:g}"
    return ""
