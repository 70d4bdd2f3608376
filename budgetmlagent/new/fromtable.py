"""From one table to the parts of a task: what is predicted, which rows are held out, what a starter can use."""

import io
import itertools
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing import columns as briefing
from budgetmlagent.new.metrics import Kind, Metric, choose
from budgetmlagent.new.tablefile import Table, csv_text
from budgetmlagent.tasks.taskfile import nearest

LEAST_ROWS = 50
SHARE = 5  # one row in so many is held out
LEAST_HELD = 50  # as long as two thirds of the rows remain
ROUGH = 200  # with fewer rows held out, a score is partly chance
WORDS = 3.0  # on average, from which on strings are texts
ID = re.compile(
    r"(?i:(?:^|[\W_])(?:id|idx|index|key|uuid|guid|no|nr|number)$|^id[\W_])|[a-z](?:Id|ID|Key|No)$"
)


@dataclass(frozen=True)
class Columns:
    """The columns that a starter uses, by what they are."""

    numbers: list[str]
    categories: list[str]
    texts: list[str]


@dataclass(frozen=True)
class Plan:
    """All that was decided. The rows of both parts are shuffled: their order tells nothing."""

    target: str
    kind: Kind
    metric: Metric
    labels: list[Any]  # sorted; [] for a regression
    rare: int  # training rows of the rarest label
    id: str
    header: list[str]  # of the training part, the id among them
    train: list[list[str]]
    test: list[list[str]]  # still with the target
    answers: list[tuple[Any, Any]]  # (id, value) of each test row, as pandas reads them
    frame: pd.DataFrame  # the training part, as pandas reads it
    columns: Columns
    notes: list[str]

    @property
    def positive(self) -> Any:
        """The label whose probability roc_auc asks for: the last one, as scikit-learn orders them."""
        return self.labels[-1]


def plan(table: Table, target: str, metric: str | None, seed: int) -> Plan:
    """Decide. Raises UsageError where no task can be made of the table."""
    table = _labelled(table, target)
    frame = _typed(table.header, table.rows)
    if frame[target].nunique() < 2:
        only = frame[target].tolist()[0]
        raise UsageError(f"--target {target!r}: has one value only, {only!r}: there is nothing to learn")
    kind, chosen = choose(target, frame[target], metric)
    labels = [] if kind == "regression" else sorted(frame[target].unique().tolist())
    table = _finite(table, frame, target)
    learned, held = _held_out(frame[target].tolist(), bool(labels), seed)
    rows = [table.rows[i] for i in (*learned, *held)]
    both = frame.iloc[[*learned, *held]].reset_index(drop=True)
    header, id = table.header, _id(frame, target)
    if not id:
        free = itertools.chain(["id"], (f"row_id{'_' * number}" for number in itertools.count()))
        id = next(name for name in free if name not in header)
        header, rows = [id, *header], [[str(number), *row] for number, row in enumerate(rows)]
        both.insert(0, id, both.index)
    train, test = both.iloc[: len(learned)], both.iloc[len(learned) :]
    columns, dates = _columns(train, test.drop(columns=target), {id})
    counts = Counter(train[target].tolist())
    return Plan(
        target=target,
        kind=kind,
        metric=chosen,
        labels=labels,
        rare=min(counts.values()) if labels else 0,
        id=id,
        header=header,
        train=rows[: len(learned)],
        test=rows[len(learned) :],
        answers=list(zip(test[id].tolist(), test[target].tolist(), strict=True)),
        frame=train,
        columns=columns,
        notes=[*table.notes, *_warnings(frame, target, dates, id), *_rough(len(test))],
    )


def _typed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    """The table as a script will read it."""
    return pd.read_csv(io.StringIO(csv_text(header, rows)), low_memory=False)


def _labelled(table: Table, target: str) -> Table:
    """The table without the rows that have no value of the target."""
    if target not in table.header:
        names = ", ".join(map(repr, table.header[:20])) + (", ..." if len(table.header) > 20 else "")
        raise UsageError(
            f"--target {target!r}: no such column; {nearest(target, table.header)}The columns are {names}"
        )
    place = table.header.index(target)
    known = _typed([target, ""], [[row[place], "x"] for row in table.rows])[target].notna().tolist()
    rows = [row for row, keep in zip(table.rows, known, strict=True) if keep]
    lost = {row[place] for row, keep in zip(table.rows, known, strict=True) if not keep}
    if not rows:
        raise UsageError(f"--target {target!r}: has no values, all {len(table.rows)} are missing")
    missing = len(table.rows) - len(rows)
    if len(rows) < LEAST_ROWS:
        less = f" with a value of {target!r}" if missing else ""
        raise UsageError(f"--data: has {len(rows)} rows{less}; at least {LEAST_ROWS} are needed")
    words = ", ".join(repr(cell) for cell in sorted(lost) if cell)
    said = f" (a missing value is also {words})" if words else ""
    note = f"{missing} rows have no value of {target!r} and are left out{said}"
    return Table(table.header, rows, [*table.notes, note] if missing else table.notes)


def _finite(table: Table, frame: pd.DataFrame, target: str) -> Table:
    """The table with infinite values left empty, in `frame` too: most models refuse them."""
    notes = list(table.notes)
    rows = table.rows
    for place, name in enumerate(table.header):
        if name == target or frame[name].dtype.kind != "f":
            continue
        infinite = set(frame.index[frame[name].abs() == float("inf")])
        if infinite:
            frame[name] = frame[name].replace([float("inf"), float("-inf")], float("nan"))
            rows = [[*r[:place], "", *r[place + 1 :]] if i in infinite else r for i, r in enumerate(rows)]
            notes.append(f"infinite values of {name!r} are left empty, {len(infinite)} in all")
    return Table(table.header, rows, notes)


def _held_out(values: list[Any], stratify: bool, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the rows to learn from and of those held out, by `seed`; labels in proportion where `stratify`."""
    chance = random.Random(seed)
    rows = list(range(len(values)))
    chance.shuffle(rows)
    counts = Counter(values)
    # A label's only row must be learned from.
    free = [row for row in rows if not stratify or counts[values[row]] > 1]
    if stratify:
        free.sort(key=lambda row: str(values[row]))
    number = min(max(round(len(rows) / SHARE), min(LEAST_HELD, len(rows) // 3)), len(free) // 2)
    held = {free[i * len(free) // number] for i in range(number)}
    return [row for row in rows if row not in held], chance.sample(sorted(held), number)


def _id(frame: pd.DataFrame, target: str) -> str:
    """The column that tells the rows apart, "" where there is none."""
    for name in frame.columns:
        values = frame[name]
        if name == target or not ID.search(name) or values.dtype.kind in "fb":
            continue
        if values.notna().all() and values.is_unique:
            return str(name)
    return ""


def _columns(train: pd.DataFrame, test: pd.DataFrame, skip: set[str]) -> tuple[Columns, list[str]]:
    """What a starter can use, and the columns of dates; judged as the cases of the bank judge it."""
    found = briefing.sort_columns(train, test, skip)
    numbers = [name for name in found["numeric"] if train[name].dtype.kind in "iuf"]
    categories = [name for name in train.columns if name in {*found["numeric"], *found["categorical"]}]
    categories = [name for name in categories if name not in numbers]
    texts = [n for n in found["text"] if train[n].dropna().astype(str).str.split().str.len().mean() >= WORDS]
    if not (numbers or categories or texts):
        categories = [*found["coded"], *found["dates"], *found["text"]]
    if not (numbers or categories or texts):
        raise UsageError(
            "--data: no column to learn from: all others are constant, empty or only name the rows"
        )
    return Columns(numbers, categories, texts), found["dates"]


def _warnings(frame: pd.DataFrame, target: str, dates: list[str], id: str) -> list[str]:
    """What a random choice of rows may get wrong, and columns that give the target away."""
    notes = []
    for name in dates:
        when = pd.to_datetime(frame[name], errors="coerce", format="mixed", utc=True).dropna()
        if when.is_monotonic_increasing or when.is_monotonic_decreasing:
            notes.append(f"the rows are in the order of {name!r}, but are held out at random; see task.yaml")
    for name in frame.columns:
        several = frame[name].nunique()
        if name in (target, id) or not 1 < several < len(frame):
            continue
        if ID.search(name):
            notes.append(f"rows of one {name!r} may lie in both parts, which flatters scores; see task.yaml")
        if several == frame[target].nunique() == len(frame[[name, target]].drop_duplicates()):
            notes.append(f"{name!r} tells {target!r} exactly; take it out if it is not known beforehand")
    return notes


def _rough(held: int) -> list[str]:
    few = f"{held} rows are held out: few, so scores are rough and small gains may be chance"
    return [few] if held < ROUGH else []
