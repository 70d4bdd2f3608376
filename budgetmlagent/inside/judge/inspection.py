"""What is wrong with a submitted table, in one sentence that names the column, the row or the id."""

import argparse
import json
from collections import Counter

from .facts import Facts, agreed, joined, suspicion, trained
from .facts import of as facts_of
from .tables import WORD, Table, named, number, plain, read, shown, write
from .witness import unlike

DELIMITERS = ";\t|"


def inspect(args: argparse.Namespace) -> dict[str, str]:
    """Return what is wrong with the submission, what columns it lacks, and why it looks odd: "" for nothing.

    A table without fault is cut down to the rows of the answers, in their order.
    """
    known = agreed(trained(args.folder, args.folder / args.csv), starters(args)) if args.csv else {}
    found = inspect_table(args, known) if args.csv else report()
    if found["problem"] or found["suspect"] or not args.witness:
        return found
    pairs = [(args.folder / path.name, path) for path in sorted(args.witness.iterdir())]
    odd = (unlike(*pair, known, scored=bool(args.scoring), fractions=args.fractions) for pair in pairs)
    return found | {"suspect": next(filter(None, odd), "")}


def inspect_table(args: argparse.Namespace, known: dict[str, Facts]) -> dict[str, str]:
    """The same of a table alone; `known` is what the task's own tables tell of its columns."""
    path = args.folder / args.csv
    try:
        said = read(path)
    except ValueError as error:
        return report(str(error))
    if not args.answers:
        return report(suspect=suspicion(dict(list(said.items())[1:]), known))
    answers, witness = read(args.answers), starters(args)
    key, *targets = answers
    ids = json.loads(args.ids.read_text("utf-8"))
    columns = columns_problem(args.csv, said, list(answers), list(witness))
    problem = table_problem(args.csv, said, answers, ids, columns)
    if problem and witness and table_problem(args.csv, witness, answers, ids, ""):
        return report("", columns)  # the metric takes a form that is not known here: it has the word
    if not problem and key in said:
        said = cut(said, key, answers[key])
        write(path, said)
    facts = {name: joined(facts_of(answers[name]), known.get(name, {})) for name in targets if name in said}
    facts = agreed(facts, witness) if witness else facts
    return report(problem, columns, suspicion({name: said[name] for name in targets if name in said}, facts))


def starters(args: argparse.Namespace) -> Table:
    """The starter's table, which the metric takes; {} where it is not at hand."""
    try:
        return read(args.witness / args.csv) if args.witness else {}
    except (ValueError, OSError):
        return {}


def report(problem: str = "", columns: str = "", suspect: str = "") -> dict[str, str]:
    """The three findings under their names."""
    return {"problem": problem, "columns": columns, "suspect": suspect}


def columns_problem(name: str, said: Table, expected: list[str], witness: list[str]) -> str:
    """Say which column is missing or one too many. A metric may well do without, or want it: it is asked first.

    What the starter does without is not missed, and what it writes, too, is not too many.
    """
    missing = [column for column in expected if column not in said and (not witness or column in witness)]
    if missing:
        return f"{name} lacks the column {missing[0][:WORD]!r}; it has {named(list(said))}"
    extra = [column for column in said if column not in [*expected, *witness]]
    if not extra:
        return ""
    hint = "; write it without the index" if not extra[0] or extra[0].startswith("Unnamed: ") else ""
    return f"{name} has the extra column {extra[0][:WORD]!r}; expected are {named(expected)}{hint}"


def table_problem(name: str, said: Table, answers: Table, ids: list[str], columns: str) -> str:
    """Say what is wrong with the cells and rows of a table, `columns` being what is wrong with its columns."""
    key, *targets = answers
    problem = delimiter_problem(name, said, list(answers)) or rows_problem(name, said, key, ids, columns)
    for column in targets:
        if column in said:
            problem = problem or cells_problem(name, said, column, answers[column], key)
    return problem


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
        count = f"{rows} rows where {len(expected)} are expected"
        return (f"{columns}, and {count}" if columns else f"{name} has {count}") if odd else ""
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
