"""Each case on tables and texts, rendered and run on a small data set of its kind, against a plain starter."""

import inspect
import json
import math
import runpy
import statistics
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from array_tasks import briefed
from sklearn import datasets
from threadpoolctl import threadpool_limits

from memory.cases import CaseError, as_item, fits, load_cases, menu
from nodes.craft.render import RenderError, render

ROOT = Path(__file__).parent.parent
CASES = load_cases(ROOT / "memory" / "cases")
pytestmark = pytest.mark.filterwarnings("default")  # a script may warn; only what it writes is judged


@dataclass
class Made:
    """A data set with its starter and the hidden answers."""

    train: pd.DataFrame
    test: pd.DataFrame
    targets: list[str]
    metric: str
    direction: str = "min"
    proba: bool = False


def brief(folder: Path, starter: str, metric: str, direction: str) -> dict:
    """The briefing of the files in `folder/env`."""
    meta = {
        "name": "x",
        "text": "",
        "metric": metric,
        "direction": direction,
        "starter": starter,
        "data": "schema",
    }
    return briefed(folder / "env", folder / "out", meta)


def prepare(folder: Path, made: Made) -> tuple[dict, pd.DataFrame]:
    """Write the task's files and the starter's submission: the most frequent value, or the mean."""
    (folder / "env").mkdir()
    (folder / "out").mkdir()
    made.train.to_csv(folder / "env" / "train.csv", index=False)
    made.test.drop(columns=made.targets).to_csv(folder / "env" / "test.csv", index=False)
    submission = made.test[["id"]].copy()
    for target in made.targets:
        known = made.train[target]
        guess = (
            known.mean() + 0.001 if made.direction == "min" and known.dtype.kind in "if" else known.mode()[0]
        )
        submission[target] = 0.1234 if made.proba else guess
    submission.to_csv(folder / "out" / "submission.csv", index=False)
    starter = 'train = pd.read_csv("train.csv")\ntest = pd.read_csv("test.csv")\n'
    return brief(folder, starter, made.metric, made.direction), submission


def halves(
    frame: pd.DataFrame, targets: list[str], metric: str, direction: str = "min", **more: bool
) -> Made:
    """Two thirds to learn from, the rest to answer, in random order."""
    mixed = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    mixed.insert(0, "id", np.arange(100, 100 + len(mixed)))
    cut = len(mixed) * 2 // 3
    return Made(mixed[:cut], mixed[cut:].reset_index(drop=True), targets, metric, direction, **more)


def diabetes() -> pd.DataFrame:
    return datasets.load_diabetes(as_frame=True, scaled=False).frame


def binary() -> Made:
    return halves(datasets.load_breast_cancer(as_frame=True).frame, ["target"], "roc_auc", "max", proba=True)


def multiclass() -> Made:
    frame = datasets.load_wine(as_frame=True).frame
    return halves(
        frame.assign(target=frame.target.map({0: "a", 1: "b", 2: "c"})), ["target"], "macro-F1", "max"
    )


def regression() -> Made:
    return halves(diabetes(), ["target"], "RMSE")


def skewed() -> Made:
    frame = diabetes()
    return halves(frame.assign(target=np.exp(frame.target / 60)), ["target"], "mae")


def several() -> Made:
    return halves(diabetes(), ["target", "s5"], "mean absolute error")


def labels() -> Made:
    d = datasets.load_digits(as_frame=True).frame.sample(400, random_state=0)
    frame = d.assign(even=d.target % 2 == 0, small=d.target < 5, round=d.target.isin([0, 6, 8, 9])).drop(
        columns="target"
    )
    return halves(
        frame.astype(dict.fromkeys(["even", "small", "round"], int)),
        ["even", "small", "round"],
        "f1_macro",
        "max",
    )


def ordinal() -> Made:
    frame = diabetes()
    return halves(
        frame.assign(target=pd.qcut(frame.target, 5, labels=False)),
        ["target"],
        "quadratic weighted kappa",
        "max",
    )


def messy() -> Made:
    """Towns with a level of their own, dates, amounts as text, gaps."""
    rng = np.random.default_rng(0)
    town = rng.integers(0, 60, 900)
    day = rng.integers(0, 700, 900)
    amount = rng.lognormal(6, 1, 900).round()
    level = rng.normal(0, 3, 60)
    frame = pd.DataFrame({
        "town": [f"town {k}" for k in town], "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D"),
        "amount": [f"{v:,.0f}" if keep else "?" for v, keep in zip(amount, rng.random(900) > 0.1, strict=True)],
        "self": np.where(rng.random(900) < 0.1, None, rng.choice(["red", "blue", "green"], 900)),
    })  # fmt: skip
    return halves(
        frame.assign(cost=level[town] + day / 100 + np.log(amount) + rng.normal(0, 0.3, 900)),
        ["cost"],
        "rmse",
    )


def history() -> Made:
    rng = np.random.default_rng(0)
    rows = []
    for group in range(40):
        walk = 20 + 5 * rng.normal() + np.cumsum(rng.normal(0, 0.5, 30))
        rows += [{"subject": group, "week": t, "noise": rng.normal(), "target": walk[t]} for t in range(30)]
    frame = pd.DataFrame(rows)
    frame.insert(0, "id", np.arange(len(frame)) * 3 + 7)
    late = frame.week >= 22
    return Made(frame[~late], frame[late].reset_index(drop=True), ["target"], "smape")


def ratings() -> Made:
    rng = np.random.default_rng(0)
    P, Q = rng.normal(0, 0.7, (120, 2)), rng.normal(0, 0.7, (80, 2))
    pairs = rng.choice(120 * 80, 4000, replace=False)
    u, i = pairs // 80, pairs % 80
    value = 3.5 + rng.normal(0, 0.5, 120)[u] + rng.normal(0, 0.5, 80)[i] + (P[u] * Q[i]).sum(1)
    frame = pd.DataFrame({"user_id": u, "movie_id": i, "rating": np.clip(value.round(), 1, 5).astype(int)})
    return halves(frame, ["rating"], "rmse")


def documented() -> list[tuple[str, str, int]]:
    """(module, documentation, number of parameters) of functions of the standard library."""
    import argparse
    import decimal
    import email.message
    import pathlib
    import random
    import threading
    import unittest

    found = []
    for module in (argparse, decimal, email.message, pathlib, random, statistics, threading, unittest, math):
        for holder in [module, *(v for _, v in inspect.getmembers(module, inspect.isclass))]:
            for _, thing in inspect.getmembers(holder, callable):
                text = inspect.getdoc(thing)
                if text and len(text) > 20 and not any(text == known for _, known, _ in found):
                    found.append((module.__name__, text, len(text.split("\n"))))
    return found


def texts() -> Made:
    frame = pd.DataFrame(documented(), columns=["module", "doc", "lines"])
    common = frame.module.isin(frame.module.value_counts().head(4).index)
    return halves(frame[common][["doc", "module"]], ["module"], "accuracy", "max")


def opinions() -> Made:
    frame = pd.DataFrame(documented(), columns=["module", "doc", "lines"])
    return halves(frame.assign(lines=frame.lines + 0.5), ["lines"], "rmse")


def words() -> Made:
    rows = []
    with Path(statistics.__file__).open("rb") as file:
        for number, token in enumerate(tokenize.tokenize(file.readline)):
            if token.string.strip() and len(token.string) < 30 and "\n" not in token.string:
                rows.append(
                    {"sentence": token.start[0], "word": token.string, "tag": tokenize.tok_name[token.type]}
                )
            if number > 5000:
                break
    frame = pd.DataFrame(rows)
    frame = frame[~frame.word.str.contains(r"\s") & ~frame.tag.isin(["ENCODING", "ENDMARKER"])]
    frame.insert(0, "id", np.arange(len(frame)))
    late = frame.sentence > frame.sentence.quantile(0.7)
    return Made(frame[~late], frame[late].reset_index(drop=True), ["tag"], "accuracy", "max")


SETS = {
    made.__name__: made
    for made in (binary, multiclass, regression, skewed, several, labels, ordinal, messy, history, ratings, texts, opinions, words)
}  # fmt: skip


def score(made: Made, submission: pd.DataFrame) -> float:
    """The task's metric of a submission, more is better."""
    from sklearn import metrics

    truth, guess = made.test[made.targets].to_numpy(), submission[made.targets].to_numpy()
    if made.metric == "roc_auc":
        return float(metrics.roc_auc_score(truth, guess))
    if made.metric in ("macro-F1", "f1_macro"):
        return float(metrics.f1_score(truth.squeeze(), guess.squeeze(), average="macro", zero_division=0))
    if made.metric == "accuracy":
        return float((truth == guess).mean())
    if made.direction == "max":
        return float(metrics.cohen_kappa_score(truth.ravel(), guess.ravel(), weights="quadratic"))
    return -float(np.sqrt(np.mean((truth - guess) ** 2)))


SLOW = {"table_search", "table_blend", "table_boosting", "table_joint_forest", "text_blend"}


def menus() -> Iterator[Any]:
    """One set and one case, each case at least once: which fit is only known after the briefing.

    The second sets of a slow case are for the long tests.
    """
    told = set[str]()
    pairs = {
        "binary": "table_search table_boosting table_kernel", "multiclass": "table_blend table_forest", "regression": "table_blend table_interactions",
        "skewed": "table_log_target table_boosting", "several": "table_joint_forest table_blend", "labels": "table_joint_forest table_boosting",
        "ordinal": "table_ordinal", "messy": "table_target_encoding table_blend table_search", "history": "group_history table_boosting",
        "ratings": "ratings_factors ratings_boosting", "texts": "text_linear text_nbsvm text_blend", "opinions": "text_blend text_linear table_search",
        "words": "tokens_linear",
    }  # fmt: skip
    for name, cases in pairs.items():
        for case in cases.split():
            again = case in told and case in SLOW
            yield pytest.param(name, case, marks=pytest.mark.soak) if again else (name, case)
            told.add(case)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Briefings are made once a set."""
    return {"factory": tmp_path_factory}


@pytest.mark.parametrize(("name", "case"), list(menus()))
def test_case_beats_the_starter(name, case, prepared, monkeypatch, capsys):
    if name not in prepared:
        folder = prepared["factory"].mktemp(name)
        made = SETS[name]()
        prepared[name] = (folder, made, *prepare(folder, made))
    folder, made, briefing, baseline = prepared[name]
    fitting = {item.name: item for item in menu(CASES, [*briefing["kinds"], "spare"])}
    assert case in fitting, briefing["kinds"]
    # What searches takes all the time that it is given.
    script = render(as_item(fitting[case]), briefing, seed=0, seconds=4 if case == "table_search" else 60)
    monkeypatch.chdir(folder / "env")
    (folder / "env" / "script.py").write_text(script)
    with threadpool_limits(1):  # on a busy machine threads that wait for each other cost ten times the work
        runpy.run_path("script.py", run_name="__main__")
    assert "validation" in capsys.readouterr().out
    submission = pd.read_csv("submission.csv")
    assert list(submission.columns) == list(baseline.columns)
    assert submission["id"].tolist() == baseline["id"].tolist()
    assert submission.notna().all().all()
    assert score(made, submission) > score(made, baseline)


def test_items_stand_alone():
    for case in CASES:
        assert json.loads(json.dumps(as_item(case))) == as_item(case)


def test_menu_is_ordered_and_fits():
    kinds = ["table", "text", "classification", "label", "binary", "single"]
    chosen = menu(CASES, kinds)
    assert [c.rank for c in chosen] == sorted(c.rank for c in chosen)
    assert all(fits(c, kinds) for c in chosen)
    assert chosen[0].name.startswith("text_")


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("no front matter", 1, "front matter"),
        ("---\ntitle: a\nkinds: [b\n---\n", 4, "expected"),
        ("---\ntitle: a\nkinds: [b]\n---\n```python\n1\n```\n", 2, "rank"),
        ("---\ntitle: a\nkinds: [b]\nrank: 1\nwhen: c\n---\n```python\n1\n```\n", 2, "when"),
        ("---\ntitle: a\nkinds: [b]\nrank: 1\n---\nwords\n", 7, "fence"),
        ("---\ntitle: a\nkinds: [b]\nrank: 1\n---\n```python\n{% extends \"none\" %}\n```\n", 1, "none"),
    ],
)  # fmt: skip
def test_malformed_case_is_named(tmp_path, text, line, word):
    (tmp_path / "one.md").write_text(text)
    with pytest.raises(CaseError, match=rf"one\.md:{line}: .*{word}"):
        load_cases(tmp_path)


def test_a_missing_name_is_an_error():
    item = {"name": "one", "title": "One", "template": "print({{ table.absent }})", "shared": {}}
    with pytest.raises(RenderError, match="absent"):
        render(item, {"table": {}}, seed=0, seconds=1)
    with pytest.raises(RenderError, match="no Python"):
        render(item | {"template": "print("}, {}, seed=0, seconds=1)


def test_imports_are_gathered_and_the_unused_dropped():
    template = (
        '"""One."""\nimport os\n\n\ndef f():\n    from math import pi, tau\n    return pi\n\n\nprint(f())\n'
    )
    script = render({"name": "one", "title": "One", "template": template}, {}, seed=0, seconds=1)
    assert script == '"""One."""\n\nfrom math import pi\n\n\ndef f():\n    return pi\n\n\nprint(f())\n'
