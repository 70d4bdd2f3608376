"""Tasks on tables: what the columns are, what is predicted, how rows are held out. See `describe`."""

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from . import columns as typing_of
from . import labels, reading, structure, told, written
from . import layout as layouts
from .given import Given
from .metrics import judging

ORDERED, SCORED_BY_PROBABILITY = judging("order"), judging("probability")
CLASSIFYING, REGRESSING = judging("class", "labels", "probability") - ORDERED, judging("value")


def describe(given: Given) -> dict[str, Any]:
    """A partial briefing of the tables; {} where there is none.

    `table` is given only where the whole way from the files to the submission is understood: its `load` are the
    lines of a script that make `train` and `test`, `targets` and `keys` say how the submission is made. What is told of the
    tables takes the place of what is seen; raises told.UntrueError where it does not hold.
    """
    tables = given.files.tables
    if not tables and not given.told:
        return {}
    shapes = ", ".join(f"{name} {len(frame)}x{frame.shape[1]}" for name, (frame, _) in tables.items())
    outcome = submitted(given)
    layout = layouts.find(tables, outcome, given.starter) if outcome is not None and not given.told else None
    if given.told:
        layout = told.layout(tables, outcome, given.told)
    if layout is None:
        return {"kinds": ["csv"], "summary": f"Tables: {shapes}."}
    written.settle(layout, outcome, given.starter)
    pairs = [(target, outcome[name] if name else None) for target, name in layout.pairs]
    doubts = [
        labels.doubt(layout.train, made, target) for target, made in pairs
    ]  # before empty rows are left out
    table = describe_table(layout, outcome, given.metric | {"problem": given.told.get("problem", "")})
    odd = [labels.unlike(layout.train, made, target, table["output"]) for target, made in pairs]
    if not table["features"]:
        odd.append("no column tells of the rows, but for their names")
    doubted = doubts if table["problem"] == "classification" and not given.told else []
    if why := next(filter(None, [*odd, *doubted]), ""):
        if given.told:
            raise told.UntrueError(why)
        return {"kinds": ["csv"], "summary": f"Tables: {shapes}.\nWhat is predicted is not known: {why}."}
    metric = table.pop("metric")
    kinds = ["csv", "table", *kinds_of(table, metric)]
    return {
        "kinds": kinds,
        "metric": {"name": metric},
        "table": table,
        "summary": f"Tables: {shapes}.\n{summary(table, metric)}",
        "samples": [layout.train.head(3).astype(str).to_dict("records")],
    }


def submitted(given: Given) -> Any:
    """The baseline's submission as a frame, None where it is no table, its columns have no names, and it is no array of one row an answer."""
    value = None if "nameless" in given.submission else given.value
    if isinstance(value, dict) and len(value) == 1 and "arrays" in given.submission:
        value = next(iter(value.values()))
    if not isinstance(value, np.ndarray):
        return value if isinstance(value, pd.DataFrame) else None
    if value.ndim not in (1, 2) or not value.size:
        return None
    frame = pd.DataFrame(value.reshape(len(value), -1))
    return frame.set_axis([f"value {number}" for number in range(frame.shape[1])], axis=1)


def describe_table(layout: layouts.Layout, outcome: Any, stated: dict[str, Any]) -> dict[str, Any]:
    """The `table` part of the briefing, with the `metric`, as `stated`, made certain by the target.

    `problem` of what is stated is the one that was told, "" where none was.
    """
    targets = [target for target, _ in layout.pairs]
    hidden = int(layout.train[targets].isna().any(axis=1).sum())
    if hidden:
        layout.train = layout.train.dropna(subset=targets).reset_index(drop=True)
        names = ", ".join(reading.quote(target) for target in targets)
        layout.load.append(f"train = train.dropna(subset=[{names}]).reset_index(drop=True)")
    train, test = layout.train, layout.test
    sorted_columns = typing_of.sort_columns(train, test, set(targets))
    features = used(sorted_columns)
    table: dict[str, Any] = {
        "load": layout.load, "rows_train": len(train), "rows_test": len(test), "targets": targets,
        "submission_targets": [name for _, name in layout.pairs], "keys": [list(key) for key in layout.keys],
        "id": layout.keys[0][0] if layout.keys else "", "order": layout.order, "sample": layout.sample,
        "class_columns": layout.classes, **sorted_columns, "features": features,
        "unused": [c for c in test.columns if c not in features],
        "all_used": len(features) == len([c for c in test.columns if c in train.columns and c not in targets]),
        "many": [c for c in sorted_columns["categorical"] if train[c].nunique() > typing_of.MANY],
        "missing": bool(train[features].isna().any().any() or test[features].isna().any().any()),
        "columns": {str(c): typing_of.statistics(train, c) for c in [*targets, *features][:60]},
        **structure.find(
            timed(train, sorted_columns["dates"]), timed(test, sorted_columns["dates"]), sorted_columns,
            [c for c in sorted_columns["drop"] if c in test.columns],
        ),
    }  # fmt: skip
    drop_new_groups(table)
    table["encode"] = recurring(train, test, table)
    table |= problem(layout, outcome, stated)
    table["width"] = len(features) - len(table["text"])
    table["characters"] = sum(
        int(part[c].astype(str).str.len().sum()) for c in table["text"] for part in (train, test)
    )
    table["outputs"] = len(targets) if len(targets) > 1 else table["classes"] if table["classes"] > 2 else 1
    table["split"]["folds"] = folds(table)
    return table


def timed(frame: Any, dates: list[Any]) -> Any:
    """The frame with moments in the place of strings that are dates: only these have an order in time."""
    frame = frame.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that it guesses the format, as it does for the cases
        for column in dates:
            frame[column] = pd.to_datetime(frame[column], errors="coerce", utc=True)
    return frame


def used(table: dict[str, Any]) -> list[Any]:
    """All the columns that a script may learn from."""
    return [column for key in typing_of.USABLE for column in table[key]]


def drop_new_groups(table: dict[str, Any]) -> None:
    """Take out the column that names groups where all test groups are new: it can only mislead."""
    by = table["split"]["by"] if table["split"]["how"] == "group" and table["tokens"] is None else None
    if by is None or len(table["features"]) < 2:
        return
    for key in ("numeric", "coded", "categorical", "many"):
        table[key] = [column for column in table[key] if column != by]
    table["features"] = used(table)
    table["unused"] = [*table["unused"], by]


def recurring(train: Any, test: Any, table: dict[str, Any]) -> list[Any]:
    """Columns whose many values come again and again: worth replacing by the mean target of each value."""
    found = list(table["many"])
    for column in table["numeric"]:
        values = train[column].dropna()
        groups = values.nunique()
        if values.dtype.kind in "iu" and groups > 50 and len(values) / groups >= 3:
            known = test[column].isin(set(values)).mean()
            if known > 0.7 and (structure.named(column) or len(values) / groups < 30):
                found.append(column)
    return found[:6]


def folds(table: dict[str, Any]) -> int:
    """How many fifths of the training rows are held out in turn: fewer where the rows are many, as each costs a fit."""
    if table["split"]["how"] in ("last", "last_in_group"):
        return 1
    rows, cells = table["rows_train"], table["rows_train"] * max(table["width"], 20) * table["outputs"]
    if table["characters"] * table["outputs"] > 3_000_000:
        return 1
    return 5 if rows <= 3000 and cells < 600_000 else 3 if rows <= 10_000 and cells < 3_000_000 else 1


def problem(layout: layouts.Layout, outcome: Any, metric: dict[str, Any]) -> dict[str, Any]:
    """`problem`, `output`, `classes` and the properties of the target, and the `metric` that goes with them."""
    train, name = layout.train, metric["name"]
    targets = [target for target, _ in layout.pairs]
    values = train[targets[0]]
    unique = values.nunique()
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    whole = number and bool((values == values.round()).all())
    binary = all(set(train[t].astype(float)) <= {0.0, 1.0} if castable(train[t]) else False for t in targets)
    made = None if layout.classes else outcome[layout.pairs[0][1]].dropna()
    floats = made is not None and made.dtype.kind == "f" and not bool((made == made.round()).all())
    classes = bool(layout.classes) or not number or name in CLASSIFYING or (
        name not in REGRESSING and whole and unique <= 20 and not (floats and not binary)
    )  # fmt: skip
    if name in REGRESSING and number and not layout.classes:
        classes = False
    if said := metric.get("problem"):
        classes = said == "classification"
        words = [target for target in targets if not pd.api.types.is_numeric_dtype(train[target])]
        truths = [target for target in targets if pd.api.types.is_bool_dtype(train[target])]
        if not classes and (words or truths):
            raise told.UntrueError("it is no regression: a target holds no numbers")
    result: dict[str, Any] = {
        "problem": "classification" if classes else "regression", "classes": int(unique) if classes else 0,
        "integer_target": bool(whole), "binary": bool(classes and unique == 2),
        "multi_label": bool(classes and len(targets) > 1 and binary), "smallest": int(values.value_counts().min()),
        "minimum": float(train[targets].min().min()) if number else None, "skewed": False,
    }  # fmt: skip
    if classes:
        # A starter that is sure of itself writes whole numbers too; where labels are texts they are no labels.
        numbers = number or (made is not None and made.dtype.kind in "iuf")
        probability = floats or (name in SCORED_BY_PROBABILITY and numbers)
        result["output"] = "probabilities" if layout.classes else "probability" if probability else "label"
        result["boolean"] = str(values.dtype) == "bool" and made is not None and made.dtype.kind in "iu"
        result["metric"] = settle(name, metric["direction"], result)
        return result
    result["output"] = "value"
    skew = max(float(train[target].astype(float).skew()) for target in targets)
    result["skewed"] = bool(result["minimum"] >= 0 and skew > 1.0)
    certain = name in REGRESSING | ORDERED or metric.get("function")
    result["metric"] = name if certain else "rmse" if metric["direction"] == "min" else "r2"
    return result


def castable(values: Any) -> bool:
    """Whether a column's values are numbers or truth values."""
    return values.dtype.kind in "biuf" and bool(values.notna().all())


def settle(name: str, direction: str, target: dict[str, Any]) -> str:
    """The metric of a classification, where the task's own words leave it open."""
    if target["output"] != "label" and name not in SCORED_BY_PROBABILITY:
        return "auc" if direction == "max" else "log_loss"
    if name == "f1" and (target["multi_label"] or target["classes"] > 2):
        return "f1_macro"
    if name in CLASSIFYING | ORDERED:
        return name
    return "accuracy" if direction == "max" else "log_loss" if target["output"] != "label" else "error"


def kinds_of(table: dict[str, Any], metric: str) -> list[str]:
    """The kinds that a table is of: cases are chosen by them."""
    rows = table["rows_train"]
    plain = [*table["numeric"], *table["coded"], *table["categorical"], *table["dates"]]
    ordered = table["classes"] > 2 and table["integer_target"] and not table["class_columns"]
    multiclass = table["classes"] > 2 and len(table["targets"]) == 1
    several = table["problem"] == "classification" and len(table["targets"]) > 1 and not table["multi_label"]
    checks = {
        table["problem"]: True, "several_classifications": several, table["output"]: True, "text": table["text"], "mixed": table["text"] and plain,
        "numeric": table["numeric"], "categorical": table["categorical"], "high_cardinality": table["many"], "recurring": table["encode"],
        "dates": table["dates"], "missing": table["missing"], "binary": table["binary"] and len(table["targets"]) == 1,
        "multiclass": multiclass, "single": len(table["targets"]) == 1, "multi_output": len(table["targets"]) > 1,
        "multi_label": table["multi_label"], "ordinal": ordered and metric == "qwk",
        "group": table["group"] is not None, "ratings": table["ratings"] and table["problem"] == "regression", "tokens": table["tokens"] is not None,
        "group_history": table["split"]["how"] == "last_in_group", "time_split": table["split"]["how"] == "last",
        "new_groups": table["split"]["how"] == "group", "skewed_target": table["skewed"], "small": rows < 2000,
        "large": rows > 20_000, "wide": len(plain) > 100, "short_text": bool(table["text"]) and short(table),
        "heavy_text": table["characters"] * table["outputs"] > 40_000_000,
        "long_text": table["characters"] > 3_000_000,
        "many_classes": table["classes"] > 30, "positive_target": (table["minimum"] or -1) >= 0,
    }  # fmt: skip
    return [kind for kind, holds in checks.items() if holds]


def short(table: dict[str, Any]) -> bool:
    """Whether the texts are single words or names, of which only the characters tell."""
    words = [table["columns"].get(str(column), {}).get("words", 9) for column in table["text"]]
    return bool(max(words) < 2.5)


def summary(table: dict[str, Any], metric: str) -> str:
    """The table in a few lines of English, without any row."""
    parts = [f"{len(table[kind])} {kind}" for kind in typing_of.USABLE if table[kind]]
    lines = [
        f"{table['problem'].capitalize()} of {', '.join(t if isinstance(t, str) else f'column {t}' for t in table['targets'][:8])}"
        f" ({table['rows_train']} training rows, {table['rows_test']} test rows; columns: {', '.join(parts)})."
    ]
    if table["classes"]:
        lines.append(
            f"{table['classes']} classes, submitted as {re.sub('label', 'labels', table['output'])}; metric {metric}."
        )
    if table["split"]["how"] != "random":
        place = {"group": "belong to groups not seen in training", "last": "come later in time"}
        lines.append(f"The test rows {place.get(table['split']['how'], 'are the later ones of each group')}.")
    if table["missing"]:
        lines.append("Some values are missing.")
    return "\n".join(lines)
