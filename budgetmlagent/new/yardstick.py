"""What plain boosting reaches on a new task: trees with the library's own settings, on the columns as they are."""

import io
import json
import runpy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from budgetmlagent.new.fromtable import Plan
from budgetmlagent.new.tablefile import csv_text
from budgetmlagent.sandbox.process.scratch import scratch

MOST = 30_000_000  # cells times labels: more take minutes
WORDS = 300  # of a text


def measure(plan: Plan, test: str, scorer: str, halves: Sequence[str]) -> str:
    """The scores on the public and the private half as JSON; "" without lightgbm, and where it would take too long.

    `test` is the text of env/test.csv, `scorer` that of scoring/eval.py, `halves` are those of the answers.
    """
    labels = max(1, len(plan.labels) if len(plan.labels) > 2 else 1)
    width = len(plan.header) + WORDS * len(plan.columns.texts)
    if len(plan.train) * width * labels > MOST:
        return ""
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError:
        return ""
    rows = pd.read_csv(io.StringIO(test), low_memory=False)
    known, asked = _columns(plan, plan.frame, rows)
    made = LGBMClassifier if plan.labels else LGBMRegressor
    model: Any = made(random_state=0, n_jobs=1, verbose=-1)
    model.fit(known, plan.frame[plan.target].to_numpy())
    said = model.predict_proba(asked)[:, 1] if plan.metric.name == "roc_auc" else model.predict(asked)
    table = csv_text(
        [plan.id, plan.target], zip(rows[plan.id].tolist(), np.asarray(said).tolist(), strict=True)
    )
    scores = [_score(table, scorer, half) for half in halves]
    return (
        json.dumps({"what": "plain boosting: LightGBM as it is", "public": scores[0], "private": scores[1]})
        + "\n"
    )


def _columns(plan: Plan, train: pd.DataFrame, test: pd.DataFrame) -> tuple[Any, Any]:
    """Matrices of both parts: numbers, categories by number, texts by their most frequent words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    both = pd.concat([train[list(test.columns)], test], ignore_index=True)
    codes = [both[name].astype(str).astype("category").cat.codes for name in plan.columns.categories]
    parts = [both[plan.columns.numbers].to_numpy(float), *(code.to_numpy(float)[:, None] for code in codes)]
    for name in plan.columns.texts:
        texts = [*both[name].fillna("").astype(str), "word"]  # there is one at least
        parts.append(TfidfVectorizer(max_features=WORDS).fit_transform(texts)[:-1].toarray())
    matrix = np.hstack(parts)
    return matrix[: len(train)], matrix[len(train) :]


def _score(submission: str, scorer: str, answers: str) -> float:
    with scratch("yardstick") as folder:
        for file, text in (("eval.py", scorer), ("answers.csv", answers), ("submission.csv", submission)):
            (folder / file).write_text(text, encoding="utf-8", newline="")
        return round(float(runpy.run_path(str(folder / "eval.py"))["get_score"](str(folder))), 6)
