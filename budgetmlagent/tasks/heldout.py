"""Rows held out of a task's own training table, laid out as its test table is: the same script predicts them, too.

Where a task has no public answers, a script's own word about its score would guide a run, and each script may hold out
other rows or print another number. The rows that are held out here are the same for all, and so is the code that scores.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.tasks.folder import TaskFolder
from budgetmlagent.tasks.sharing import RANDOM, held_out

FEWEST = 100  # rows of a training table; a part of fewer says little
MOST_BYTES = 32 << 20  # of a table that is looked at
MOST_TABLES = 50  # in a folder; what has more holds its data in another way

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A CSV file: its header, and its rows as texts."""

    header: tuple[str, ...]
    rows: Sequence[Row]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, without blanks at their ends."""
        place = self.header.index(name)
        return [row[place].strip() for row in self.rows]

    def has(self, names: Sequence[str]) -> bool:
        """Whether all of these are columns."""
        return set(names) <= set(self.header)


@dataclass(frozen=True)
class HeldOut:
    """What is to stand in the place of the task's files while a script predicts rows that were held out."""

    tables: Mapping[str, bytes]  # by the name of a file of env/
    answers: str  # the name of the file of the scorer's folder that holds the answers
    truth: str  # what it holds for the rows that were held out
    ids: list[str]  # of these rows


def hold_out(task: TaskFolder, submission: bytes, split: Mapping[str, Any] = RANDOM) -> HeldOut | None:
    """Hold rows out, the submission of the starter being the witness of what is predicted for which rows.

    `split` says how the test rows differ from the training rows (`memory.briefing.Split`).

    None where that cannot be: it is no table, or there is not exactly one table of the rows that it predicts, one like it
    with the targets, and one with the answers in the scorer's folder.
    """
    said = read(submission)
    if said is None or len(said.header) < 2:
        return None
    key, *targets = said.header
    ids = said.column(key)
    if len(set(ids)) < len(ids):
        return None
    tables = dict(_tables(task.env))
    of_ids = {name for name, table in tables.items() if key in table.header and _same(table.column(key), ids)}
    tests = [name for name in of_ids if not set(targets) & set(tables[name].header)]
    samples = [name for name in of_ids if tables[name].header == said.header]
    if len(tests) != 1 or len(of_ids) != len(tests) + len(samples):
        return None
    test = tables[tests[0]]
    features = [name for name in test.header if name != key]
    trains = [
        name for name, table in tables.items() if name not in of_ids and table.has([*features, *targets])
    ]
    answers = {
        name: table
        for name, table in _tables(task.scoring)
        if table.header[0] == key and table.has(said.header) and _same(table.column(key), ids)
    }
    if len(trains) != 1 or len(answers) != 1 or not features:
        return None
    (name, answer), train = next(iter(answers.items())), tables[trains[0]]
    if len(train.rows) < FEWEST or not set(answer.header) <= {*train.header, key}:
        return None
    columns = {name: train.column(name) for name in train.header}
    places = held_out(columns, features, split, seed=task.name, most=len(ids))
    if not places:
        return None
    kept, out = _parted(train, places)
    rows = out if key in train.header else _numbered(out, key, ids)
    if len(set(rows.column(key))) < len(rows.rows):
        return None
    changed = {trains[0]: kept, tests[0]: _cut(rows, test.header)}
    changed |= {sample: _emptied(rows, key, tables[sample]) for sample in samples}
    return HeldOut(
        {name: written(table).encode() for name, table in changed.items()},
        answers=name, truth=written(_cut(rows, answer.header)), ids=rows.column(key),
    )  # fmt: skip


def read(content: bytes) -> Table | None:
    """Read a CSV table of even rows with a header; None where it is none."""
    try:
        text = content.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(rows) < 2 or len(set(rows[0])) < len(rows[0]) or any(len(row) != len(rows[0]) for row in rows):
        return None
    return Table(tuple(rows[0]), rows[1:])


def written(table: Table) -> str:
    """Return the text of the table as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([table.header, *table.rows])
    return text.getvalue()


def _tables(folder: Path) -> Iterator[tuple[str, Table]]:
    """Yield the tables of a folder, by their names relative to it."""
    paths = sorted(folder.rglob("*.csv"))
    for path in paths if len(paths) <= MOST_TABLES else ():
        if path.is_file() and path.stat().st_size <= MOST_BYTES and (table := read(path.read_bytes())):
            yield path.relative_to(folder).as_posix(), table


def _same(cells: Sequence[str], ids: Sequence[str]) -> bool:
    return len(cells) == len(ids) and set(cells) == set(ids)


def _parted(table: Table, out: set[int]) -> tuple[Table, Table]:
    """Return the rows that are kept, and those at the places `out`."""
    kept = [row for place, row in enumerate(table.rows) if place not in out]
    return Table(table.header, kept), Table(table.header, [table.rows[place] for place in sorted(out)])


def _numbered(table: Table, key: str, ids: Sequence[str]) -> Table:
    """Return the table with a column of ids, those of the rows in whose place its rows stand."""
    return Table((key, *table.header), [[name, *row] for name, row in zip(ids, table.rows, strict=False)])


def _cut(table: Table, names: Sequence[str]) -> Table:
    places = [table.header.index(name) for name in names]
    return Table(tuple(names), [[row[place] for place in places] for row in table.rows])


def _emptied(rows: Table, key: str, sample: Table) -> Table:
    """Return the example of a submission for other rows: each of its cells but the id is its first row's."""
    return Table(sample.header, [[name, *sample.rows[0][1:]] for name in rows.column(key)])
