"""The ensemble that grows: what fails, does not end or says no numbers is left out and told, and the rest is handed in in time."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import forked
import numpy as np
import pandas as pd
import pytest
from test_sized import ITEMS, facts

from nodes.craft.render import render

SECONDS = (10.0, 30.0, 120.0)  # of the first, it searches for three; a busy machine needs more
LEARNED = 0.5  # how near answers come that were learned at all, however little time a busy machine left
LIBRARY = """import time

class EarlyStopException(Exception):
    pass

class CatBoostRegressor:
    tree_count_ = 1

    def __init__(self, **settings):
        pass

    def fit(self, *data, **settings):
        {fit}

    def predict(self, rows):
        return [float("nan")] * len(rows)
"""
# For what still runs at the script's end Python must not wait.
KEPT = """
import threading
kept = [thread.name for thread in threading.enumerate() if not thread.daemon]
assert kept == ["MainThread"], kept
"""


def written(folder: Path, machine: list[str], categories: bool = False) -> dict[str, Any]:
    """A table of a number and a category, and what is known of it."""
    chance = np.random.default_rng(0)
    table = pd.DataFrame(
        {"id": range(300), "x": chance.normal(size=300), "c": chance.choice(["u", "v", "w"], 300)}
    )
    table.loc[::7, "x"], table.loc[::11, "c"] = None, None
    table["y"] = table["x"].fillna(2) * 3 + (table["c"] == "u") * 5
    table.to_csv(folder / "train.csv", index=False)
    table.drop(columns="y").head(60).to_csv(folder / "test.csv", index=False)
    known = facts(300) | {"machine": {"python": "3", "libraries": machine, "cores": 2}}
    known["table"] |= {
        "missing": True,
        "categorical": ["c"] if categories else [],
        "unused": ["id"] if categories else ["id", "c"],
    }
    return known


def searched(folder: Path, known: dict[str, Any]) -> tuple[str, float]:
    """What the script says, and how near its answers come to the truth."""
    said = ""
    for seconds in SECONDS:
        if "1 linear" not in said:  # which learns in no time where there is any
            script = render(ITEMS["table_search"], known, seed=0, seconds=seconds)
            status, said = forked.run(script + KEPT, folder)
            assert status == 0, said
    truth = pd.read_csv(folder / "train.csv")["y"].head(60)
    return said, float(truth.corr(pd.read_csv(folder / "submission.csv")["y"]))


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ("raise RuntimeError('no room\\nat all')", "left out: cat, RuntimeError: no room"),
        ("time.sleep(1000)", "left out: cat, which does not end in time"),
        ("pass", "left out: cat, ValueError: its answers are no numbers"),
    ],
)
def test_a_model_that_fails_is_left_out_and_told(fit: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "catboost.py").write_text(LIBRARY.format(fit=fit))
    said, near = searched(tmp_path, written(tmp_path, ["catboost 1.2"]))
    assert words in said.splitlines() and near > LEARNED
    assert said.count("cat") == 1 and "1 linear" in said


def test_a_library_that_cannot_be_imported_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "catboost.py").write_text("raise OSError('a shared object is missing')")
    said, near = searched(tmp_path, written(tmp_path, ["catboost 1.2"]))
    assert "left out: cat, OSError: a shared object is missing" in said and near > LEARNED


def test_where_nothing_learns_that_is_said(tmp_path: Path) -> None:
    known = written(tmp_path, [])
    whole = pd.read_csv(tmp_path / "train.csv")
    whole.assign(y=np.inf).to_csv(tmp_path / "train.csv", index=False)
    said = ""
    for seconds in SECONDS:
        if "left out: linear" not in said:
            script = render(ITEMS["table_search"], known, seed=0, seconds=seconds)
            status, said = forked.run(script, tmp_path)
    assert status == 1 and said.splitlines()[-1] == "RuntimeError: no model learned anything"
    assert "left out: linear, ValueError" in said


@pytest.mark.parametrize("refused", [False, True])
def test_the_interpreter_does_not_end_under_models_that_still_learn(refused: bool, tmp_path: Path) -> None:
    library = LIBRARY.format(fit="time.sleep(1000)") + "\nimport atexit\natexit.register(print, 'ended')\n"
    (tmp_path / "catboost.py").write_text(library)
    script = render(ITEMS["table_search"], written(tmp_path, ["catboost 1.2"]), seed=0, seconds=SECONDS[0])
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "submission.csv").mkdir() if refused else None
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "left out: cat, which does not end in time" in done.stdout
    assert "ended" not in done.stdout.splitlines()
    assert done.returncode == refused and ("IsADirectoryError" in done.stderr) == refused


@pytest.mark.skipif(not importlib.util.find_spec("catboost"), reason="catboost is not installed")
def test_catboost_learns_from_categories_where_it_is_installed(tmp_path: Path) -> None:
    said, near = searched(tmp_path, written(tmp_path, ["catboost 1.2"], categories=True))
    assert "left out" not in said and "1 cat" in said and near > 0.9
