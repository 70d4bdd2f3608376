"""Which table is the training part, which the test part, and how the baseline's submission is made from them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .reading import quote

ID = re.compile(r"(?i)^(index|row|unnamed.*|.*[_ ]?(id|idx|no|key|uuid|guid))$")
TEST = re.compile(r"(?i)test|eval|unlabel|holdout|predict")
TRAIN = re.compile(r"(?i)train|labell?ed|learn")


@dataclass
class Layout:
    """A task whose submission has one row for each row of one test table."""

    train: Any
    test: Any
    load: list[str]  # the lines of a script that make `train` and `test`
    pairs: list[tuple[Any, str]] = field(default_factory=list)  # (target in train, its submission column)
    keys: list[tuple[str, str]] = field(default_factory=list)  # (submission column, expression of its values)
    classes: list[str] = field(default_factory=list)  # submission columns, one a class, in the classes' order
    order: str = ""  # column by which the rows of the submission must be put into the order of `sample`
    sample: str = ""  # expression that reads the sample submission


def find(tables: dict[str, tuple[Any, str]], outcome: Any, starter: str) -> Layout | None:
    """Recognise the layout; `outcome` is the baseline's submission as a frame. None where nothing fits."""
    sample = next(
        (name for name, (frame, _) in tables.items()
         if list(frame.columns) == list(outcome.columns) and len(frame) == len(outcome)),
        "",
    )  # fmt: skip
    inputs = {name: value for name, value in tables.items() if name != sample}
    layout = two_tables(inputs, outcome) or one_table(inputs, outcome)
    if layout is None:
        return None
    layout.sample = tables[sample][1] if sample else ""
    if not targets(layout, outcome, starter) or not keys(layout, outcome):
        return None
    return layout


def two_tables(tables: dict[str, tuple[Any, str]], outcome: Any) -> Layout | None:
    """A training and a test table, labels and further tables in files of their own joined by their key."""
    tests = [name for name, (frame, _) in tables.items() if len(frame) == len(outcome)]
    tests = [name for name in tests if not (TRAIN.search(name) and not TEST.search(name))]
    wanted = set(outcome.columns)
    tests.sort(key=lambda name: (not TEST.search(name), len(wanted & set(tables[name][0].columns[1:])), name))
    for name in tests:
        test = tables[name][0]
        rest = {other: value for other, value in tables.items() if other != name}
        best = max(
            rest,
            key=lambda other: (
                len(set(rest[other][0].columns) & set(test.columns)), bool(TRAIN.search(other)), len(rest[other][0])
            ),
            default="",
        )  # fmt: skip
        if not best or not set(rest[best][0].columns) & set(test.columns):
            continue
        layout = Layout(rest[best][0], test, [f"train = {rest[best][1]}", f"test = {tables[name][1]}"])
        others = {other: value for other, value in rest.items() if other != best}
        join(layout, others)
        if set(layout.train.columns) - set(layout.test.columns):
            return layout
    return None


def join(layout: Layout, others: dict[str, tuple[Any, str]]) -> None:
    """Join labels (of the training rows alone) and further tables (of both) by the column they share."""
    for frame, reader in others.values():
        shared = [column for column in frame.columns if column in layout.train.columns]
        new = [column for column in frame.columns if column not in layout.train.columns]
        if not new:
            continue
        if len(shared) != 1:
            if not shared and len(frame) == len(layout.train) and len(frame) != len(layout.test):
                added = {str(column): frame[column].to_numpy() for column in new}
                layout.train = layout.train.assign(**added)
                layout.load.append(f"train = pd.concat([train, {reader}], axis=1)")
            continue
        key = shared[0]
        known = set(frame[key])
        if not frame[key].is_unique or layout.train[key].isin(known).mean() < 0.8:
            continue
        for part in ("train", "test"):
            rows = getattr(layout, part)
            if key in rows.columns and rows[key].isin(known).mean() >= 0.8:
                setattr(layout, part, rows.merge(frame, on=key, how="left"))
                layout.load.append(f'{part} = {part}.merge({reader}, on={quote(key)}, how="left")')


def one_table(tables: dict[str, tuple[Any, str]], outcome: Any) -> Layout | None:
    """One table that holds both parts, told apart by a column or by the missing target."""
    for frame, reader in sorted(tables.values(), key=lambda value: -len(value[0])):
        for column in frame.columns:
            values = frame[column].dropna()
            if values.nunique() not in (2, 3) or values.dtype.kind not in "OUSTb":
                continue
            for value in values.unique():
                if TEST.search(str(value)) and int((frame[column] == value).sum()) == len(outcome):
                    mask = f"data[{quote(column)}]"
                    return split(frame, reader, frame[column] == value, f"{mask} == {quote(value)}", column)
        for column in outcome.columns:
            if column in frame.columns and int(frame[column].isna().sum()) == len(outcome) < len(frame):
                return split(frame, reader, frame[column].isna(), f"data[{quote(column)}].isna()", column)
    return None


def split(frame: Any, reader: str, mask: Any, expression: str, column: Any) -> Layout:
    """The layout of one table whose test rows are those of `mask`; `column` tells nothing beyond that."""
    train, test = frame[~mask].reset_index(drop=True), frame[mask].reset_index(drop=True)
    if train[column].nunique() == 1:
        train, test = train.drop(columns=column), test.drop(columns=column)
    load = [
        f"data = {reader}",
        f"hidden = {expression}",
        "train = data[~hidden].reset_index(drop=True)",
        "test = data[hidden].reset_index(drop=True)",
    ]
    return Layout(train, test, load)


def targets(layout: Layout, outcome: Any, starter: str) -> bool:
    """Find the targets and their columns of the submission; False where they cannot be told."""
    train, test = layout.train, layout.test
    hidden = [
        c for c in train.columns if c not in test.columns or (test[c].isna().all() and train[c].notna().any())
    ]
    first, several = outcome.columns[0], len(outcome.columns) > 1
    keyed = several and outcome[first].is_unique and (ID.match(str(first)) or counts(outcome[first]))
    made = outcome.columns[1:] if keyed else outcome.columns
    direct = [c for c in made if c in hidden]
    if direct:
        layout.pairs = [(column, column) for column in direct]
        return True
    values = [c for c in made if c not in test.columns]
    for column in hidden:
        layout.classes = class_columns(train[column], [str(value) for value in values])
        if layout.classes:
            layout.pairs = [(column, "")]
            return True
    if hidden and len(values) == len(hidden):
        layout.pairs = list(zip(hidden, values, strict=True))
    elif hidden and len(values) == 1:
        named = [c for c in hidden if re.search(rf"[\"'.]{re.escape(str(c))}\b", starter)]
        layout.pairs = [((named or hidden)[-1], values[0])]
    return bool(layout.pairs)


def class_columns(target: Any, columns: list[str]) -> list[str]:
    """The submission's columns in the order of the target's sorted classes, [] where they are no such columns."""
    values = sorted(target.dropna().unique().tolist(), key=lambda v: (str(type(v)), v))
    classes = [str(value) for value in values]
    if len(columns) < 2 or len(classes) != len(columns):
        return []
    start, end = shared(columns), shared([column[::-1] for column in columns])
    bare = {column: column[start : len(column) - end] for column in columns}
    ways: list[Callable[[str, str], bool]] = [
        str.__eq__, lambda column, value: bare[column] == value, str.endswith, str.startswith
    ]  # fmt: skip
    for pick in ways:
        found = [[column for column in columns if pick(column, value)] for value in classes]
        if all(len(match) == 1 for match in found) and len({match[0] for match in found}) == len(columns):
            return [match[0] for match in found]
    return []


def shared(words: list[str]) -> int:
    """How many letters all words begin with."""
    pairs = enumerate(zip(*words, strict=False))
    return next((place for place, letters in pairs if len(set(letters)) > 1), min(map(len, words)))


def counts(values: Any) -> bool:
    """Whether the values are whole numbers that go up by one."""
    return bool(values.dtype.kind in "iu" and (values.diff().dropna() == 1).all())


def same(left: Any, right: Any) -> bool:
    """Whether two columns hold the same values in the same order; one may have lost its zeros in front."""
    return len(left) == len(right) and written(left) == written(right)


def written(values: Any) -> list[str]:
    """The values as text, whole numbers without zeros in front."""
    texts = values.astype(str).tolist()
    return [(text.lstrip("0") or "0") if text.isdigit() else text for text in texts]


def keys(layout: Layout, outcome: Any) -> bool:
    """Find how the other columns of the submission are filled; False where one cannot be."""
    made = {name for _, name in layout.pairs} | set(layout.classes)
    for column in (c for c in outcome.columns if c not in made):
        values, test = outcome[column], layout.test
        fitting = (c for c in [column, *test.columns] if c in test.columns and same(test[c], values))
        match = next(fitting, None)
        if match is not None:
            layout.keys.append((column, f"test[{quote(match)}]"))
        elif counts(values) and len(values):
            start = int(values.iloc[0])
            count = f"np.arange({start}, {start} + len(test))" if start else "np.arange(len(test))"
            layout.keys.append((column, count))
        elif column in test.columns and set(written(test[column])) == set(written(values)):
            layout.keys.append((column, f"test[{quote(column)}]"))
            layout.order = column if layout.sample else ""
        else:
            return False
    return True
