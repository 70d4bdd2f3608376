"""What a gain is worth: the criterion, the error that was left, and what plain boosting reaches."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.cli import call
from budgetmlagent.new.fromtable import plan
from budgetmlagent.new.tablefile import Table
from budgetmlagent.new.yardstick import measure
from budgetmlagent.records.success import error_removed, verdict, yardstick_of
from budgetmlagent.tasks.folder import load_task


def summary(
    metric: str, base: float | None, best: float | None, direction: str = "max", **more: object
) -> dict:
    return {
        "metric": metric,
        "direction": direction,
        "private_baseline": base,
        "private_best": best,
        "success": False,
    } | more


@pytest.mark.parametrize(
    ("metric", "base", "best", "removed"),
    [
        ("accuracy", 0.885, 0.918, 28.7), ("roc_auc", 0.9, 0.95, 50.0), ("f1_macro", 0.5, 0.4, -20.0), ("r2", -1.0, 0.0, 50.0), ("accuracy", 1.0, 1.0, None),
        ("Top-1 accuracy", 0.5, 1.0, 100.0), ("accuracy", 88.5, 91.8, None), ("profit", 0.5, 0.6, None), ("accuracy", None, 0.5, None),
    ],
)  # fmt: skip
def test_the_error_that_is_left_is_known_where_one_is_perfect(metric, base, best, removed) -> None:
    assert error_removed(summary(metric, base, best)) == removed


def test_an_error_is_measured_itself() -> None:
    assert error_removed(summary("rmse", 2.0, 1.0, "min")) is None
    assert error_removed(summary("accuracy", 0.5, 0.4, "min")) is None


def test_the_verdict_names_the_criterion_and_what_plain_boosting_reaches() -> None:
    told = summary("accuracy", 0.885, 0.918, yardstick=0.9)
    assert verdict(told) == "not the 10% that MLAgentBench counts as success; 28.7% of the starter's error is removed; 2% better than plain boosting, which scores 0.9"  # fmt: skip
    assert verdict(told | {"yardstick": 0.95}).endswith("3.4% worse than plain boosting, which scores 0.95")
    assert verdict(told | {"yardstick": 0.918}).endswith("as good as plain boosting, which scores 0.918")
    assert verdict(summary("rmse", 4.0, 2.0, "min", success=True, yardstick=2.5)) == "success as MLAgentBench counts it; 20% better than plain boosting, which scores 2.5"  # fmt: skip
    assert verdict(summary("accuracy", 0.5, 0.75, success=True)) == "success as MLAgentBench counts it; 50% of the starter's error is removed"  # fmt: skip
    assert verdict(summary("rmse", 4.0, 3.9, "min")) == "not the 10% that MLAgentBench counts as success"
    assert verdict(told | {"noise_hidden": True}).startswith("no success")


@pytest.mark.parametrize(
    ("base", "open"), [(0.9, True), (0.909, True), (0.91, False), (0.947, False), (1.0, False)]
)
def test_a_gain_that_no_script_can_reach_is_told_as_such(base: float, open: bool) -> None:
    words = verdict(summary("accuracy", base, base))
    assert words.startswith("not the 10%") == open and words.startswith("no script can gain the 10%") != open
    assert verdict(summary("profit", base, base)).startswith("not the 10%")
    assert verdict(summary("rmse", base, base, "min")).startswith("not the 10%")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"private": "x"}', '{"private": true}', "\xff"])
def test_a_yardstick_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "yardstick.json").write_text(text, encoding="latin-1")
    assert yardstick_of(SimpleNamespace(scoring=tmp_path)) is None


@pytest.mark.parametrize(
    ("target", "options"),
    [("y", []), ("y", ["--metric", "roc_auc"]), ("z", []), ("z", ["--metric", "rmsle"]), ("word", [])],
)
def test_new_task_measures_plain_boosting_on_both_halves(
    target: str, options: list[str], tmp_path: Path, capsys
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    texts = [" ".join(rng.choice(["good", "bad", "film", "plot"], 9)) for _ in x]
    frame = pd.DataFrame({
        "x": np.where(rng.random(400) > 0.1, x, np.nan), "town": rng.choice(["a", "b"], 400), "text": texts, "y": np.where(x > 0, "yes", "no"),
        "z": np.exp(x).round(3), "word": np.where(x > 0.5, "None", np.where(x < -0.5, "x,y", "NA")),
    })  # fmt: skip
    frame.to_csv(tmp_path / "t.csv", index=False)
    others = [f"--drop={name}" for name in ("y", "z", "word") if name != target]
    data, out = str(tmp_path / "t.csv"), str(tmp_path / "task")
    assert call(["new", "task", "--data", data, "--target", target, "--out", out, *options, *others]) == 0
    task = load_task(out)
    told = json.loads((task.scoring / "yardstick.json").read_text())
    assert f"scores {told['public']:g} on the public rows" in capsys.readouterr().out
    assert yardstick_of(task) == told["private"]
    assert all(
        (told[half] > 0.8) if task.direction == "max" else (told[half] < 0.9)
        for half in ("public", "private")
    )


def test_plain_boosting_counts_a_text_by_its_words_and_is_left_out_where_it_takes_minutes() -> None:
    rows = [
        [str(n), f"{['good', 'bad', 'film', 'plot'][n % 4]} and so on, number {n}", f"k{n % 8}"]
        for n in range(200)
    ]
    made = plan(Table(["n", "text", "y"], rows, []), "y", None, 0)
    assert made.columns.texts == ["text"]
    assert measure(replace(made, train=made.train * 100), "", "", ()) == ""  # 16,000 rows
