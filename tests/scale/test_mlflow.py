"""A bench's runs in MLflow: each once, with parameters, metrics and files."""

import json
import shutil

import pytest

from budgetmlagent.bench.tracking import Tracking
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError

# Deprecations in what the libraries say to each other.
pytestmark = [pytest.mark.scale, pytest.mark.filterwarnings("ignore")]


def row(folder, cell, **more):
    (folder / cell / "best").mkdir(parents=True, exist_ok=True)
    (folder / cell / "run.json").write_text("{}")
    (folder / cell / "results.tsv").write_text("")
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
        row(tmp_path, "d", cut_short_by="project"),
    ]
    tracking = Tracking(uri, tmp_path / "night")
    tracking.try_to_enter(rows[0])
    tracking.enter_all(rows)
    Tracking(uri, tmp_path / "night").enter_all(rows)  # a bench that is gone on with
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("night")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == ["a", "b", "c", "d"]
    assert runs["a"].data.metrics == {"success": 1.0, "gain_pct": 12.5, "usd": 0.25}
    assert (runs["a"].data.params["task"], runs["a"].data.params["seed"]) == ("t", "0")
    assert [runs[name].info.status for name in "acd"] == ["FINISHED", "FAILED", "FAILED"]
    assert [each.path for each in client.list_artifacts(runs["a"].info.run_id)] == [
        "best",
        "results.tsv",
        "run.json",
    ]
    Tracking(uri, tmp_path / "night").enter_all(
        [*rows[:2], row(tmp_path, "c"), row(tmp_path, "d")]
    )  # they have gone on since
    again = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(again) == ["a", "b", "c", "d"]
    assert {again[name].info.status for name in "cd"} == {"FINISHED"}
    assert again["a"].info.run_id == runs["a"].info.run_id


def all_runs(client):
    """The runs of all experiments: (experiment, cell) -> run."""
    return {
        (experiment.name, run.info.run_name): run
        for experiment in client.search_experiments()
        for run in client.search_runs([experiment.experiment_id])
    }


def test_benches_of_one_name_are_kept_apart_and_each_knows_its_own(tmp_path):
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/ml.db"
    client = MlflowClient(tracking_uri=uri)
    first, second = tmp_path / "p1" / "night", tmp_path / "p2" / "night"
    for folder in (first, second, first):
        Tracking(uri, folder).enter(row(folder, "a"))
    assert sorted(all_runs(client)) == [("night", "a"), ("night-2", "a")]
    for name, folder in {"night": first, "night-2": second}.items():
        assert client.get_experiment_by_name(name).artifact_location == (folder / "mlflow").as_uri()
    shutil.rmtree(second)
    Tracking(uri, second).enter(row(second, "a", usd=0.5))  # made again, so another one
    first.rename(tmp_path / "moved")
    Tracking(uri, tmp_path / "moved").enter(row(tmp_path / "moved", "a"))
    usd = {key: run.data.metrics["usd"] for key, run in all_runs(client).items()}
    assert usd == {("night", "a"): 0.25, ("night-2", "a"): 0.25, ("night-3", "a"): 0.5}


def test_a_run_that_has_gone_on_takes_its_own_place(tmp_path):
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/ml.db"
    for usd in (0.25, 0.125):
        Tracking(uri, tmp_path / "night").enter(row(tmp_path, "a", usd=usd))
    (run,) = all_runs(MlflowClient(tracking_uri=uri)).values()
    assert run.data.metrics["usd"] == 0.125


def test_limits_are_parameters(tmp_path):
    from mlflow.tracking import MlflowClient

    uri, cell = f"sqlite:///{tmp_path}/ml.db", tmp_path / "night" / "cells" / "a"
    cell.mkdir(parents=True)
    (cell / "request.json").write_text(json.dumps({"turns": 8, "minutes": 30.0}))
    Tracking(uri, tmp_path / "night", 2.0).enter(row(tmp_path, "a", budget=0.5, turns=3))
    (run,) = all_runs(MlflowClient(tracking_uri=uri)).values()
    asked = {name: run.data.params[name] for name in ("budget", "turns", "minutes", "project_budget")}
    assert asked == {"budget": "0.5", "turns": "8", "minutes": "30.0", "project_budget": "2.0"}
    assert run.data.metrics["turns"] == 3  # that it took


def test_a_damaged_identity_is_one_line(tmp_path):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "mlflow.id").write_text("' OR")
    with pytest.raises(UnavailableError, match=r"mlflow\.id: is damaged"):
        Tracking(f"sqlite:///{tmp_path}/ml.db", tmp_path / "night")


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
