"""Writes the task folder that a plan describes: data, starter, scorer, task.yaml and the task in words."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from budgetmlagent.errors import UsageError
from budgetmlagent.new.fromtable import Plan
from budgetmlagent.new.tablefile import csv_text, csv_values
from budgetmlagent.new.yardstick import measure
from budgetmlagent.records.success import YARDSTICK
from budgetmlagent.tasks.split import GROUPS, split_rows
from budgetmlagent.templating import environment
from budgetmlagent.wording import counted
from nodes.craft.render import literal, literals, tidy

TEMPLATES = Path(__file__).parent / "templates" / "task"
DESCRIBED = 40  # columns; more make a long prompt and are told by the data briefing
MINUTE = 200_000  # cells that a minute more is given for
SHORTEST, LONGEST = 3, 15  # minutes
GIGABYTE = 1_000_000  # cells that a gigabyte more is given for
LETTERS = 20  # of a text that cost as much as a cell


def free_folder(out: Path) -> None:
    """Raise UsageError unless a folder can be written at `out`."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is a file; give the path of a new folder")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"--out {out}: is not empty; give another folder or empty it")


def name_of(text: str) -> str:
    """Return `text` as a task may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._") or "task"


@dataclass(frozen=True)
class Made:
    """The files of a folder, by their paths in it, how many of its answers are public and private, and plain boosting's score."""

    files: dict[str, str]
    public: int
    private: int
    yardstick: float | None  # on the public answers


def planned(plan: Plan, out: Path, seed: int) -> Made:
    """All that will be written into `out`. Raises UsageError."""
    name = name_of(out.resolve().name)
    answers = csv_text([plan.id, plan.target], _answers(plan))
    groups = _groups(plan)
    halves = _halves(plan, answers, name, groups)
    place = plan.header.index(plan.target)
    templates, values = environment(TEMPLATES), _values(plan, name, seed)
    templates.filters |= {"py": literal, "pylist": literals, "shown": _shown}
    files = {
        "env/train.csv": csv_text(plan.header, plan.train),
        "env/test.csv": csv_text(_without(plan.header, place), [_without(row, place) for row in plan.test]),
        "env/train.py": tidy(templates.get_template("train.py.jinja").render(values)),
        "scoring/answers.csv": answers,
        **({f"scoring/{GROUPS}": csv_text([plan.id, plan.apart.group], groups.items())} if groups else {}),
        "scoring/eval.py": templates.get_template("eval.py.jinja").render(values),
        "research_problem.md": templates.get_template("research_problem.md.jinja").render(values),
        "task.yaml": templates.get_template("task.yaml.jinja").render(values),
    }
    plain = measure(plan, files["env/test.csv"], files["scoring/eval.py"], halves)
    if plain:
        files[f"scoring/{YARDSTICK}"] = plain
    public, private = map(csv_values, halves)
    return Made(files, len(public), len(private), json.loads(plain)["public"] if plain else None)


def write(made: Made, out: Path) -> None:
    """Write the folder. Raises UsageError."""
    try:
        for file, text in made.files.items():
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {error}") from None


def limits(plan: Plan) -> tuple[int, int]:
    """Seconds and gigabytes of one execution: by the table's cells, so that cases that fit many models have time for it."""
    rows = [*plan.train, *plan.test]
    places = [plan.header.index(name) for name in plan.columns.texts]
    letters = sum(len(row[place]) for row in rows for place in places)
    cells = len(plan.header) * len(rows) + letters // LETTERS
    return 60 * min(max(SHORTEST, 1 + cells // MINUTE), LONGEST), min(2 + cells // GIGABYTE, 16)


def model_words(plan: Plan) -> str:
    """The starter's model in words."""
    if plan.columns.texts:
        return f"a {'ridge' if plan.kind == 'regression' else 'logistic'} regression"
    return "a small decision tree"


def column_words(plan: Plan) -> str:
    """What the starter learns from, in words."""
    columns = plan.columns
    kinds = {"numbers": columns.numbers, "categories": columns.categories, "text": columns.texts}
    parts = [f"{len(n)} column{'s' if len(n) > 1 else ''} of {what}" for what, n in kinds.items() if n]
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def kind_words(plan: Plan) -> str:
    """The kind of task in words."""
    if plan.kind == "regression":
        values = plan.frame[plan.target]
        return f"regression, a number from {values.min():g} to {values.max():g}"
    shown = [literal(label) for label in plan.labels]
    some = ", ".join(shown[:20]) + ", ..." if len(shown) > 20 else f"{', '.join(shown[:-1])} or {shown[-1]}"
    return f"classification, {len(shown)} labels: {some}"


def _answers(plan: Plan) -> list[tuple[Any, Any]]:
    """The answers as they are scored: for roc_auc 1 stands for the positive label, 0 for the other."""
    if plan.metric.name != "roc_auc":
        return plan.answers
    return [(key, int(value == plan.positive)) for key, value in plan.answers]


def _groups(plan: Plan) -> dict[str, str]:
    """The group of each row that is held out; {} where there are none, or all belong to one."""
    if not plan.apart.group:
        return {}
    key, group = plan.header.index(plan.id), plan.header.index(plan.apart.group)
    found = {str(answer[0]): row[group] for answer, row in zip(plan.answers, plan.test, strict=True)}
    return found if key != group and len(set(found.values())) > 1 else {}


def _halves(plan: Plan, answers: str, name: str, groups: dict[str, str]) -> tuple[str, str]:
    """Return the public half of the answers and the private one."""
    halves = split_rows(answers, name, groups)
    if plan.metric.name == "roc_auc" and any(len(set(csv_values(half))) < 2 for half in halves):
        raise UsageError(
            f"--metric roc_auc: too few rows have the rarer label of {plan.target!r}; take accuracy"
        )
    return halves


def _without(row: list[str], place: int) -> list[str]:
    return row[:place] + row[place + 1 :]


def _shown(name: Any) -> str:
    """A column's name or a label within a sentence; what would break the line is escaped."""
    text = str(name)
    return f"`{text}`" if text.isprintable() and "`" not in text else repr(text)


def _values(plan: Plan, name: str, seed: int) -> dict[str, Any]:
    """All that the templates are filled with."""
    scale = plan.frame[plan.target].std() if plan.metric.name in ("rmse", "mae") else 1.0
    scale = scale or 1.0  # a target that is constant in the training rows has no spread
    names = [column for column in plan.header if column not in (plan.id, plan.target)]
    seconds, memory = limits(plan)
    return {
        "name": name,
        "seed": seed,
        "seconds": seconds,
        "memory": memory,
        "id": plan.id,
        "target": plan.target,
        "metric": plan.metric,
        "labelled": bool(plan.labels) and plan.metric.name != "roc_auc",
        "probability": plan.metric.name == "roc_auc",
        "model_words": model_words(plan),
        "column_words": column_words(plan),
        "kind_words": kind_words(plan),
        "classify": bool(plan.labels),
        "stratify": plan.rare >= 4,  # three to learn from and one to score
        "depth": 5 if len(plan.labels) <= 5 else 10,
        "digits": max(4, 3 - math.floor(math.log10(scale))),
        "clip": plan.metric.name == "rmsle",
        "numbers": plan.columns.numbers,
        "others": [n for n in plan.header if n not in (*plan.columns.numbers, plan.target)],
        "categories": plan.columns.categories,
        "texts": plan.columns.texts,
        "positive": plan.positive if plan.labels else "",
        "words": plan.words,
        "strings": plan.strings,
        "group": plan.apart.group,
        "time": plan.apart.time,
        "apart": plan.apart.words,
        "rows_train": len(plan.train),
        "rows_test": len(plan.test),
        "described": [(column, _described(plan, plan.frame[column])) for column in names[:DESCRIBED]],
        "more": len(names[DESCRIBED:]),
    }


def _described(plan: Plan, values: "pd.Series[Any]") -> str:
    """A column in words: statistics of the training rows, and no row."""
    missing = values.isna().mean()
    gaps = f", {missing:.0%} missing" if missing else ""
    if values.name in plan.columns.numbers:
        return f"number from {values.min():g} to {values.max():g}{gaps}"
    if values.name in plan.columns.texts:
        words = values.dropna().astype(str).map(lambda text: len(text.split())).mean()
        return f"text of {words:.0f} words on average{gaps}"
    if values.name in plan.columns.categories:
        return f"category with {counted(values.nunique(), 'value')}{gaps}"
    return f"{values.nunique()} different values{gaps}"
