"""From one table to the parts of a task: what is predicted, which rows are held out, what a starter can use."""

import io
import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing import columns as briefing
from budgetmlagent.new import notes
from budgetmlagent.new.absent import GAPS, marked, two_kinds
from budgetmlagent.new.cells import padded, plainly, spelled
from budgetmlagent.new.copies import copied
from budgetmlagent.new.corrected import NONE, Corrections, coded, without
from budgetmlagent.new.groups import ID
from budgetmlagent.new.leaks import counters, told
from budgetmlagent.new.metrics import Kind, Metric, choose
from budgetmlagent.new.parts import AT_RANDOM, Apart, parted
from budgetmlagent.new.spellings import joined
from budgetmlagent.new.tablefile import Table, csv_text, named
from budgetmlagent.new.totals import without_totals
from budgetmlagent.tasks.taskfile import nearest
from budgetmlagent.wording import some

LEAST_ROWS = 50
WORDS = 3.0  # on average, from which on strings are texts


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
    dates: list[str]  # columns of dates, which the starter does not use
    apart: Apart
    strings: list[str]  # row id and labels whose zeros in front would be lost
    words: bool  # whether labels are words that pandas takes for missing values
    leaks: list[str]  # columns that may tell the target
    notes: list[str]

    @property
    def positive(self) -> Any:
        """The label whose probability roc_auc asks for: the last one, as scikit-learn orders them."""
        return self.labels[-1]


def plan(
    table: Table,
    target: str,
    metric: str | None,
    seed: int,
    apart: Apart = AT_RANDOM,
    said: Corrections = NONE,
) -> Plan:
    """Decide, but for what is `said`. Raises UsageError where no task can be made of the table."""
    target, table = _found(table, target or table.target)
    apart.check(table.header, target)
    said.check(table.header, (target, apart.group, apart.time))
    table = coded(without(table, said.drop), said.of("category"))
    table = joined(table, {apart.time, *said.of("id", "text", "number", "date")})
    table = marked(table, {target, apart.time, *said.of("id", "number", "date")})
    table, words = _labelled(without_totals(table, plainly(table, target, metric, said, apart.time)), target)
    table, frame = _uncounted(table, {target, apart.group, apart.time, *said.types}, target)
    if words:
        frame[target] = [row[table.header.index(target)] for row in table.rows]
    if frame[target].nunique() < 2:
        only = frame[target].tolist()[0]
        raise UsageError(f"--target {target!r}: has one value only, {only!r}: there is nothing to learn")
    kind, chosen = choose(target, frame[target], metric, said.kind)
    table = _finite(table, frame, target)
    id = _id(frame, target, said)
    zeros = padded(table)
    strings = [name for name in (id, "" if kind == "regression" else target) if name in zeros]
    for name in strings:
        frame[name] = [row[table.header.index(name)] for row in table.rows]
    labels = [] if kind == "regression" else sorted(frame[target].unique().tolist())
    others = [name for name in table.header if name not in (target, id)]
    copies = copied(frame, others, target, labels=bool(labels))
    cells = {name: [row[place] for row in table.rows] for name, place in _places(table, apart)}
    learned, held = parted(cells, frame[target].tolist(), apart, bool(labels), seed, copies)
    rows = [table.rows[i] for i in (*learned, *held)]
    both = frame.iloc[[*learned, *held]].reset_index(drop=True)
    header = table.header
    if not id:
        free = itertools.chain(["id"], (f"row_id{'_' * number}" for number in itertools.count()))
        id = next(name for name in free if name not in header)
        header, rows = [id, *header], [[str(number), *row] for number, row in enumerate(rows)]
        both = pd.concat([both.index.to_series(name=id), both], axis=1)
    train, test = both.iloc[: len(learned)], both.iloc[len(learned) :]
    skip = {id, apart.group} if not apart.time else {id}
    columns, dates = _columns(train, test.drop(columns=target), skip, said)
    counts = Counter(train[target].tolist())
    leaks = told(frame[[c == r for r, c in enumerate(copies)]], target, id, bool(labels), dates)
    alone = {name for names in leaks.values() if len(names) == 1 for name in names}
    used = {*columns.numbers, *columns.categories, *columns.texts, target, id, apart.group}
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
        dates=dates,
        apart=apart,
        strings=strings,
        words=bool(words),
        leaks=list(dict.fromkeys(name for names in leaks.values() for name in names)),
        notes=[
            *table.notes, *notes.same(copies), *leaks, *notes.order(frame, {target, id, *alone}, dates, apart),
            *notes.standing_in(frame, target), *notes.many(labels, target), *notes.unused(used, train, dates), *notes.codes([name for name in columns.numbers if name in zeros]), *notes.rough(len(test)),
        ],
    )  # fmt: skip


def _typed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    """The table as a script will read it."""
    return pd.read_csv(io.StringIO(csv_text(header, rows)), low_memory=False)


def _found(table: Table, target: str) -> tuple[str, Table]:
    """The target's column, which may be named by its value in the first row where the file names none."""
    target = named(target)
    if target in table.header:
        return target, table
    values = table.rows[0] if table.nameless and table.rows else []
    if values.count(target) == 1:
        name = table.header[values.index(target)]
        return name, replace(
            table, notes=[*table.notes, f"{target!r} is the first value of {name!r}, which is taken"]
        )
    names = some(table.header, 20)
    if len(table.header) == 1 and not table.free:
        raise UsageError(
            f"--target {target!r}: the table has one column alone, {table.header[0]!r}; say by --sep what stands between cells"
        )
    if not target:
        raise UsageError(f"--target: is needed, the column to predict. The columns are {names}")
    inner = [
        name for name in table.header if name.rpartition(".")[2] == target
    ]  # of an object within a record
    hint = (
        f"did you mean {inner[0]!r}? " if inner else "" if table.nameless else nearest(target, table.header)
    )
    raise UsageError(f"--target {target!r}: no such column; {hint}The columns are {names}")


def _labelled(table: Table, target: str) -> tuple[Table, set[str]]:
    """The table without the rows that have no value of the target, and labels that pandas takes for missing values."""
    place = table.header.index(target)
    words = spelled([row[place] for row in table.rows])
    cells = [[f"={row[place]}" if row[place] in words else row[place], "x"] for row in table.rows]
    known = _typed([target, ""], cells)[target].notna().tolist()
    rows = [row for row, keep in zip(table.rows, known, strict=True) if keep]
    lost = {row[place] for row, keep in zip(table.rows, known, strict=True) if not keep}
    if not rows:
        raise UsageError(f"--target {target!r}: has no values, all {len(table.rows)} are missing")
    missing = len(table.rows) - len(rows)
    if len(rows) < LEAST_ROWS:
        less = f" with a value of {target!r}" if missing else ""
        raise UsageError(f"--data: has {len(rows)} rows{less}; at least {LEAST_ROWS} are needed")
    notes = list(table.notes)
    if words:
        number = sum(row[place] in words for row in rows)
        notes.append(
            f"{', '.join(map(repr, sorted(words)))} is taken for a label of {target!r}, in {number} rows; "
            "empty these cells if it means that there is no value"
        )
    if missing:
        blank = ", ".join(repr(cell) for cell in sorted(lost) if cell)
        said = f" (a missing value is also {blank})" if blank else ""
        notes.append(f"{missing} rows have no value of {target!r} and are left out{said}")
    return replace(table, rows=rows, notes=notes), words


def _uncounted(table: Table, wanted: Collection[str], target: str) -> tuple[Table, pd.DataFrame]:
    """The table without columns that only say where a row stands, but for those `wanted`, and as a script reads it."""
    frame = _typed(table.header, table.rows)
    names = [name for name in table.header if name not in wanted]
    out = counters(names, {name: frame[name] for name in names})
    kept = [place for place, name in enumerate(table.header) if name not in out]
    if not out or len(kept) < 2:
        return table, frame
    notes = [f"{name!r} only counts the rows, whose order may tell {target!r}: left out" for name in out]
    rows = [[row[place] for place in kept] for row in table.rows]
    header = [table.header[place] for place in kept]
    return replace(table, header=header, rows=rows, notes=[*table.notes, *notes]), frame.drop(columns=out)


def _places(table: Table, apart: Apart) -> list[tuple[str, int]]:
    """The columns of groups and of time, with their places; the first column where there are none."""
    return [(name, table.header.index(name)) for name in (apart.group, apart.time) if name] or [
        (table.header[0], 0)
    ]


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
    return replace(table, rows=rows, notes=notes)


def _id(frame: pd.DataFrame, target: str, said: Corrections) -> str:
    """The column that tells the rows apart, "" where there is none. Raises UsageError where the one that is said does not."""
    for name in said.of("id"):
        again = frame[name][frame[name].duplicated() | frame[name].isna()]
        if len(again):
            raise UsageError(
                f"--as {name!r}: {str(again.iloc[0])!r} stands in several rows, so it is no row id"
            )
        return name
    for name in frame.columns:
        values = frame[name]
        if name == target or name in said.types or not ID.search(name) or values.dtype.kind in "fb":
            continue
        if values.notna().all() and values.is_unique:
            return str(name)
    return ""


def _columns(
    train: pd.DataFrame, test: pd.DataFrame, skip: set[str], said: Corrections
) -> tuple[Columns, list[str]]:
    """What a starter can use, and the columns of dates; judged as the cases of the bank judge it, but for what is `said`."""
    skip = {*skip, *said.types}
    found = briefing.sort_columns(train, test, skip)
    numbers = [name for name in found["numeric"] if train[name].dtype.kind in "iuf"]
    categories = [name for name in train.columns if name in {*found["numeric"], *found["categorical"]}]
    categories = [name for name in categories if name not in numbers]
    known = {*numbers, *categories, *found["text"], *found["dates"], *found["coded"], *skip}
    categories += [name for name in test.columns if name not in known and _one_or_none(train[name])]
    texts = [n for n in found["text"] if train[n].dropna().astype(str).str.split().str.len().mean() >= WORDS]
    numbers, categories, texts = (
        numbers
        + [name for name in said.of("number") if name in test.columns],  # the target may be said to be one
        categories + said.of("category"),
        texts + said.of("text"),
    )
    if not (numbers or categories or texts):
        categories = [*found["coded"], *found["dates"], *found["text"]]
    if not (numbers or categories or texts):
        raise UsageError(
            "--data: no column to learn from: all others are constant, empty or only name the rows"
        )
    return Columns(numbers, categories, texts), [*found["dates"], *said.of("date")]


def _one_or_none(values: "pd.Series[Any]") -> bool:
    """Whether a column has one value or none, so that a missing one is a value too."""
    return two_kinds(values.astype(str).where(values.notna(), "").tolist(), GAPS)
