"""A bench's runs in MLflow: each once, with parameters, metrics and files."""

import json

import pytest

from budgetmlagent.bench.tracking import Tracking
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError

# Deprecations in what the libraries say to each other.
pytestmark = [pytest.mark.scale, pytest.mark.filterwarnings("ignore")]


def row(folder, cell, **more):
    (folder / cell / "best").mkdir(parents=True, exist_ok=True)
    (folder / cell / "run.json").write_text("{}")
    (folder / cell / "best" / "train.py").write_text("pass")
    return {"cell": cell, "task": "t", "graph": "g", "models_file": "", "seed": 0, "status": "finished", "reason": "x" * 9000,
            "success": True, "gain_pct": 12.5, "best": None, "usd": 0.25, "run_dir": str(folder / cell)} | more  # fmt: skip


def test_each_run_is_there_once_with_its_numbers_and_files(tmp_path):
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/ml.db"
    rows = [
        row(tmp_path, "a"),
        row(tmp_path, "b"),
        {"cell": "c", "task": "t", "status": "failed", "reason": "it fails"},
    ]
    tracking = Tracking(uri, tmp_path / "night")
    tracking.try_to_enter(rows[0])
    tracking.enter_all(rows)
    Tracking(uri, tmp_path / "night").enter_all(rows)  # a bench that is gone on with
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("night")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == ["a", "b", "c"]
    assert runs["a"].data.metrics == {"success": 1.0, "gain_pct": 12.5, "usd": 0.25}
    assert (runs["a"].data.params["task"], runs["a"].data.params["seed"]) == ("t", "0")
    assert (runs["a"].info.status, runs["c"].info.status) == ("FINISHED", "FAILED")
    assert [each.path for each in client.list_artifacts(runs["a"].info.run_id)] == ["best", "run.json"]
    Tracking(uri, tmp_path / "night").enter_all([*rows[:2], row(tmp_path, "c")])  # it has gone on since
    again = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(again) == ["a", "b", "c"] and again["c"].info.status == "FINISHED"
    assert again["a"].info.run_id == runs["a"].info.run_id


def test_what_cannot_be_used_is_one_line_before_anything_runs(tmp_path, capsys):
    words = ["bench", "--tasks", "digits", "--out", str(tmp_path / "bench"), "--mlflow"]
    for uri in ("http://127.0.0.1:9", "nothing://x"):
        assert call([*words, uri]) == 3
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("budgetml: ")]
        assert len(lines) == 1 and f"--mlflow {uri}" in lines[0]
    assert not list((tmp_path / "bench").glob("cells/*"))


def test_an_outage_ends_no_bench_and_is_told_at_its_end(tmp_path):
    database = tmp_path / "ml.db"
    tracking = Tracking(f"sqlite:///{database}", tmp_path / "night")
    whole = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    one = row(tmp_path, "a")
    tracking.try_to_enter(one)
    with pytest.raises(UnavailableError, match="--mlflow sqlite"):
        tracking.enter_all([one])
    database.write_bytes(whole)
    tracking.enter_all([one])
    assert json.loads((tmp_path / "a" / "run.json").read_text()) == {}
