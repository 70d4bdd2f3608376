"""What a reader of the task says of its tables, held against the files: the layout that it means, or what does not hold."""

from typing import Any

from . import layout as layouts
from .reading import quote

LISTED = 20  # names, in a sentence


class UntrueError(Exception):
    """What was said does not go with the files; the message says why, by names of files and columns."""


def layout(tables: dict[str, tuple[Any, str]], outcome: Any, said: dict[str, Any]) -> layouts.Layout:
    """Return the layout that is meant by `said`: {train, test, targets, problem}; `outcome` is the submission as a frame.

    Both parts may stand in one file: the test rows are then those without a target. Raises UntrueError.
    """
    if outcome is None:
        raise UntrueError("what the starter submits is no table")
    names, targets = (str(said.get("train", "")), str(said.get("test", ""))), said.get("targets") or []
    for name in names:
        if name not in tables:
            raise UntrueError(f"there is no table {name!r}; there are {listed(tables)}")
    if not targets:
        raise UntrueError("no target is named")
    made = _parts(tables, names, targets)
    _joined(made, {name: table for name, table in tables.items() if name not in names}, outcome)
    columns = {str(column): column for column in made.train.columns}
    for target in targets:
        if str(target) not in columns:
            raise UntrueError(f"{names[0]} has no column {target!r}")
    if made.train[[columns[str(target)] for target in targets]].dropna().empty:
        raise UntrueError(f"no row of {names[0]} to learn from has a target")
    if len(made.test) != len(outcome):
        raise UntrueError(
            f"{len(made.test)} rows of {names[1]} are to be answered, {len(outcome)} are submitted"
        )
    _paired(made, [columns[str(target)] for target in targets], outcome)
    return made


def listed(names: Any) -> str:
    """Return names for a sentence."""
    shown = [str(name) for name in names][: LISTED + 1]
    return ", ".join(shown[:LISTED]) + (", ..." if len(shown) > LISTED else "")


def _parts(tables: dict[str, tuple[Any, str]], names: tuple[str, str], targets: list[Any]) -> layouts.Layout:
    (train, reader), (test, test_reader) = tables[names[0]], tables[names[1]]
    if names[0] != names[1]:
        return layouts.Layout(train, test, [f"train = {reader}", f"test = {test_reader}"])
    column = next((column for column in train.columns if str(column) == str(targets[0])), None)
    if column is None:
        raise UntrueError(f"{names[0]} has no column {targets[0]!r}")
    hidden = train[column].isna()
    return layouts.split(train, reader, hidden, f"data[{quote(column)}].isna()", column)


def _joined(made: layouts.Layout, others: dict[str, tuple[Any, str]], outcome: Any) -> None:
    """Join further tables; one that looks like the submission is its sample."""
    for name, (frame, reader) in others.items():
        if list(frame.columns) == list(outcome.columns) and len(frame) == len(outcome):
            made.sample = reader
            others = {other: table for other, table in others.items() if other != name}
            break
    layouts.join(made, others)


def _paired(made: layouts.Layout, targets: list[Any], outcome: Any) -> None:
    """Find the submission's column of each target, and how its other columns are filled."""
    named = [target for target in targets if target in outcome.columns]
    rest = [column for column in outcome.columns if column not in made.test.columns and column not in named]
    if len(named) == len(targets):
        made.pairs = [(target, target) for target in targets]
    elif len(targets) == 1 and (
        classes := layouts.class_columns(made.train[targets[0]], list(map(str, rest)))
    ):
        made.classes, made.pairs = classes, [(targets[0], "")]
    elif len(rest) == len(targets):
        made.pairs = list(zip(targets, rest, strict=True))
    else:
        first = next((column for column in rest if layouts.counts(outcome[column])), None)
        rest = [column for column in rest if column != first]
        if len(rest) != len(targets):
            raise UntrueError(
                f"the submission has the columns {listed(outcome.columns)}; that is not one for each target"
            )
        made.pairs = list(zip(targets, rest, strict=True))
    made.test = made.test.drop(columns=[target for target in targets if target in made.test.columns])
    if not layouts.keys(made, outcome):
        raise UntrueError(
            f"how the submission's columns {listed(outcome.columns)} are filled is not seen in the test rows"
        )
