"""A replay is begun as the recorded run was; what is otherwise is said before it starts."""

from pathlib import Path
from typing import Any

import pytest
from recorded import GRAPH, RECORDING
from two_runs import MODELS, begin, opened

from budgetmlagent import GraphSpec, Session
from budgetmlagent.cli import call
from budgetmlagent.records.rundir import RunDir


def test_a_replay_is_begun_as_the_recorded_run_was(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    was = RunDir(RECORDING).config()
    for name in ("turns", "history", "seed", "budget", "graph"):
        assert getattr(session.config, name) == getattr(was, name), name
    assert session.graph == GraphSpec.load(RECORDING / "graph.yaml")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"turns": 3, "history": "all"}, "recorded with turns 8, not 3, history run, not all;"),
        ({"graph": "recall"}, "recorded with another graph;"),
        ({"budget": 0.5}, "recorded with budget 0.25, not 0.5;"),
        ({"turns": 8, "seed": 0, "graph": GRAPH}, ""),
    ],
)
def test_what_a_replay_has_otherwise_is_said_before_it_starts(
    options: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = begin(tmp_path, **options)
    said = capsys.readouterr().err
    assert words in said and bool(words) == bool(said) and not session.timeline
    assert all(
        getattr(session.config, name, value) == value for name, value in options.items() if name == "turns"
    )


def test_a_replay_that_ends_with_another_best_ends_in_order_and_claims_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "digits", "--models", MODELS, "--turns", "2", "--runs-dir", str(tmp_path)]
    assert call(words) == 0
    said = capsys.readouterr().out
    assert "the private score of this best is not in the recording" in " ".join(said.split())
    (ended,) = opened(tmp_path)
    told = ended.summary
    assert (told["status"], told["turns"], told["private_best"], told["gain_pct"]) == (
        "finished",
        2,
        None,
        None,
    )
    assert told["success"] is False and told["best"] > told["baseline"]
    assert (ended.folder.root / "best" / "train.py").exists()
    assert call(["resume", str(ended.folder.root)]) == 0 and call(["doctor", str(ended.folder.root)]) == 0
    again = Session("digits", models=f"replay:{ended.folder.root}", runs_dir=tmp_path / "again").run()
    assert "the private score of this best is not in the recording" in again["reason"]
    assert (again["status"], again["private_best"], again["best"]) == ("finished", None, told["best"])


def test_another_task_than_the_recorded_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Session("flights", models=MODELS, runs_dir=tmp_path)
    assert "recorded with task digits, not flights" in capsys.readouterr().err
