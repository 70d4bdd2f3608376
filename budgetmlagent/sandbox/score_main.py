"""Inspects a submission and calls the task's `get_score(folder)`; prints one JSON object for each of the two.

Runs alone (`python -I score_main.py`), in a sandbox of its own. Nothing that was submitted is imported or unpickled.
What get_score raises is not caught: its traceback on standard error is for the caller to read.
"""

import argparse
import csv
import importlib.util
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

MANY = 50  # different values above which a target's values are no labels
FEW_ROWS = 10  # below, equal predictions prove nothing
UNKNOWN_SHARE = 0.05  # of predictions with labels that the target does not have
Table = dict[str, list[str]]  # column -> cells


def main() -> None:
    """Inspect, then score."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scoring", type=Path, help="folder with eval.py; without it nothing is scored")
    parser.add_argument("--csv", help="name of the submitted table")
    parser.add_argument("--answers", type=Path, help="the part of the answers to score on")
    parser.add_argument("--ids", type=Path, help="JSON list of the ids of all rows")
    parser.add_argument("--target", help="JSON of the training target: {column: {labels | min, max}}")
    parser.add_argument("--lenient", action="store_true", help="score whatever the inspection says")
    args = parser.parse_args()
    report = inspect(args) if args.csv else {"problem": "", "columns": "", "suspect": ""}
    # What get_score prints must not be taken for its result.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps(report), file=results, flush=True)
    if args.scoring and (args.lenient or not report["problem"]):
        value = score(args.scoring, args.folder)
        print(json.dumps({"value": value if math.isfinite(value) else str(value)}), file=results, flush=True)


def score(scoring: Path, folder: Path) -> float:
    """Import the metric script and call it."""
    sys.path.insert(0, str(scoring))
    spec = importlib.util.spec_from_file_location("eval", scoring / "eval.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return float(module.get_score(str(folder)))


def inspect(args: argparse.Namespace) -> dict[str, str]:
    """Return what is wrong with the submitted table, what columns it lacks, and why it looks odd: "" for nothing.

    A table without fault is cut down to the rows of the answers, in their order.
    """
    path = args.folder / args.csv
    try:
        said = read(path)
    except (ValueError, csv.Error) as error:
        return {"problem": f"{args.csv} is no CSV table: {error}", "columns": "", "suspect": ""}
    known = json.loads(args.target) if args.target else {}
    if not args.answers:
        return {"problem": "", "columns": "", "suspect": suspicion(dict(list(said.items())[1:]), known)}
    answers = read(args.answers)
    key, *targets = answers
    missing = [name for name in answers if name not in said]
    columns = (
        f"{args.csv} lacks the column {missing[0]!r}; it has {', '.join(map(repr, said))}" if missing else ""
    )
    present = {name: answers[name] for name in targets if name in said}
    problem = rows_problem(args.csv, said, key, json.loads(args.ids.read_text("utf-8")))
    problem = problem or next(
        filter(None, (cells_problem(args.csv, said, n, present[n], key) for n in present)), ""
    )
    if not problem and key in said:
        said = cut(said, key, answers[key])
        write(path, said)
    known = {name: known.get(name) or describe(cells) for name, cells in present.items()}
    return {
        "problem": problem,
        "columns": columns,
        "suspect": suspicion({n: said[n] for n in present}, known),
    }


def read(path: Path) -> Table:
    """Read a CSV file as text cells. Raises ValueError where it is no table of even rows with a header."""
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file, strict=True) if row]
    if not rows:
        raise ValueError("it is empty")
    header = rows[0]
    if len(set(header)) < len(header):
        raise ValueError("a column's name occurs twice")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} cells, the header has {len(header)}")
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(header)}


def write(path: Path, table: Table) -> None:
    """Write a table over the file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def plain(cell: str) -> str:
    """Return one text for all ways to write an id: 7, 7.0 and " 7"."""
    text = cell.strip()
    value = number(text)
    return str(int(value)) if value is not None and value.is_integer() and abs(value) < 1e15 else text


def number(cell: str) -> float | None:
    """Return the cell's finite number, None for anything else."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def rows_problem(name: str, said: Table, key: str, expected: list[str]) -> str:
    """Compare the rows with those of the answers."""
    rows = len(next(iter(said.values())))
    if key not in said:
        return "" if rows == len(expected) else f"{name} has {rows} rows, {len(expected)} are expected"
    ids = [plain(cell) for cell in said[key]]
    wanted = {plain(cell) for cell in expected}
    twice = len(ids) - len(set(ids))
    lost = [cell for cell in expected if plain(cell) not in set(ids)] if not wanted <= set(ids) else []
    if lost:
        return f"{name} lacks {len(lost)} of the {len(expected)} rows, first {key} {lost[0]}"
    if twice and len(wanted) == len(expected):
        return f"{name} has {twice} rows whose {key} occurs twice"
    alien = set(ids) - wanted
    return f"{name} has {len(alien)} rows whose {key} is unknown, first {min(alien)}" if alien else ""


def cells_problem(name: str, said: Table, column: str, answers: list[str], key: str) -> str:
    """Look for empty cells, and for what is no number where the answers are numbers."""
    numeric = all(number(cell) is not None for cell in answers)
    if not numeric and any(not cell.strip() for cell in answers):
        return ""
    bad = [
        i for i, cell in enumerate(said[column]) if (number(cell) is None if numeric else not cell.strip())
    ]
    if not bad:
        return ""
    where = f"{key} {said[key][bad[0]]}" if key in said else f"row {bad[0] + 1}"
    what = "that are no finite numbers" if numeric else "that are empty"
    return f"{name} has {len(bad)} cells in {column!r} {what}, first {said[column][bad[0]][:40]!r} at {where}"


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
            return f"all predictions of {column!r} are {cells[0]!r}"
        numbers = [value for cell in cells if (value := number(cell)) is not None]
        whole = all(value.is_integer() for value in numbers)
        labels = set(map(plain, map(str, facts.get("labels", []))))
        # Numbers with a fraction may be probabilities, or a regression on ordered labels.
        if labels and (whole or not numbers):
            unknown = [cell for cell in cells if plain(cell) not in labels]
            if len(unknown) > UNKNOWN_SHARE * len(cells):
                return (
                    f"{len(unknown)} predictions of {column!r} are no known label, first {unknown[0][:40]!r}"
                )
        if numbers and "min" in facts and "max" in facts:
            room = max(facts["max"] - facts["min"], 1e-9) * 2
            far = [v for v in numbers if not facts["min"] - room <= v <= facts["max"] + room]
            if len(far) > UNKNOWN_SHARE * len(cells):
                return f"{len(far)} predictions of {column!r} are far outside the target's range, first {far[0]:g}"
    return ""


if __name__ == "__main__":
    main()
