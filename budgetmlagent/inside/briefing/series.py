"""Time series to be continued: one or several series in a table, and the times to be filled."""

import re
from itertools import combinations
from typing import Any

import pandas as pd

from .given import Given
from .layout import same
from .reading import quote
from .scores import scoring

WHEN = re.compile(r"(?i)date|time|day|week|month|hour|year|period|step|^t$|^ds$")


def describe(given: Given) -> dict[str, Any]:
    """`series`: code that makes `train` and `test` frames with columns when, series, value and known extras. {} if none."""
    outcome, tables = given.value, given.files.frames
    if outcome is None or not given.name.endswith(".csv"):
        return {}
    tests = [t for t in tables if len(t[1]) == len(outcome) and "train" not in t[0].lower()]
    for name, test, read_test in tests:
        for other, train, read_train in tables:
            if other != name and (found := match(train, test, outcome)):
                return briefing(found, train, test, (read_train, read_test), outcome, given)
    return {}


def match(train: Any, test: Any, outcome: Any) -> dict[str, Any] | None:
    """The columns of time, series and target, None where the test does not continue the training part."""
    shared = [c for c in train.columns if c in test.columns]
    hidden = [c for c in train.columns if c not in test.columns and c in outcome.columns]
    targets = [c for c in hidden if train[c].dtype.kind in "iuf"]
    if len(targets) != 1:
        return None
    for when in shared:
        if not WHEN.search(str(when)):
            continue
        past, future = train[when], test[when]
        dated = past.dtype.kind not in "iuf"
        if dated:
            past, future = (pd.to_datetime(v, errors="coerce", format="mixed") for v in (past, future))
            if past.isna().any() or future.isna().any():
                continue
        names = [c for c in shared if c != when and train[c].dtype.kind in "OUiuT"]
        names = [c for c in names if train[c].nunique() <= len(train) // 8]
        for keys in ([], *([c] for c in names), *map(list, combinations(names, 2))):
            if train.duplicated([when, *keys]).any() or test.duplicated([when, *keys]).any():
                continue
            # Whole periods are hidden, the last ones: a random part of the rows would be no forecast.
            if past.nunique() >= 20 and future.min() > past.max():
                return {"when": when, "keys": keys, "target": targets[0], "dated": dated}
    return None


def briefing(
    found: dict[str, Any], train: Any, test: Any, readers: tuple[str, str], outcome: Any, given: Given
) -> dict[str, Any]:
    """The partial briefing."""
    when, keys, target = found["when"], found["keys"], found["target"]
    cells = []
    for column in outcome.columns:
        if column == target:
            cells.append(f"{quote(column)}: prediction")
        elif column in test.columns and same(test[column], outcome[column]):
            cells.append(f"{quote(column)}: test[{quote(column)}]")
        elif outcome[column].tolist() == list(range(len(outcome))):
            cells.append(f"{quote(column)}: range({len(outcome)})")
        else:
            return {}
    extras = [
        str(c) for c in test.columns if c in train.columns and c not in (when, *keys) and train[c].dtype.kind in "iufb"
        and train[c].nunique() > 1 and not (train[c].is_unique and not test[c].isin(train[c]).any())
    ]  # fmt: skip
    kind = "datetime" if found["dated"] else "number"
    times = train[when].nunique()
    horizon = test[when].nunique()
    series = {
        "load": f"train = {readers[0]}\ntest = {readers[1]}", "when": str(when), "keys": [str(k) for k in keys], "dated": found["dated"],
        "target": str(target), "extras": extras, "times": times, "horizon": horizon, "rows": len(train),
        "positive": bool((train[target].dropna() >= 0).all()), "count": len(train[keys].drop_duplicates()) if keys else 1,
        "write": f"pd.DataFrame({{{', '.join(cells)}}}).to_csv({quote(given.name)}, index=False)",
        **scoring(given.metric["name"], "value"),
    }  # fmt: skip
    text = (
        f"{series['count']} time series of {times} {kind} steps in column {when!r}; the next {horizon} steps of {target!r} "
        f"are predicted, known beforehand: {extras or 'nothing'}; written by: {series['write']}"
    )
    return {"kinds": ["series"], "series": series, "summary": text}
