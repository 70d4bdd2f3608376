"""Runs in a list, forks below what they come from, and two runs beside each other."""

import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from two_runs import MODELS, begin, opened, printed

from budgetmlagent import GraphSpec, Session, runs
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.records import live


def test_forks_are_listed_below_what_they_come_from(
    folder: Path, session: Session, fork: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *rows = printed(capsys, "list", "--runs-dir", str(folder)).splitlines()
    assert head.split() == ["run", "status", "score", "gain", "money", "turns", "begun", "graph"]
    assert rows[0].split()[:3] == [session.run_id, "stopped", "0.953"]
    assert any(row.startswith(f"└ {fork.run_id}") for row in rows[1:])
    assert {row.split()[-1] for row in rows} == {"budgetml"}


def test_the_list_can_be_narrowed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listed(*options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            printed(capsys, "list", "--json", "--runs-dir", str(folder), *options)
        )
        return found

    every = listed()
    assert len(every) == len(opened(folder)) and {"run_id", "status", "usd", "begun"} <= every[0].keys()
    assert listed("--task", "digits", "--status", "stopped", "--since", "2020-01-01") == every
    assert listed("--status", "failed") == listed("--since", "2999-01-01T10:00") == []
    for wrong in ["--task", "digts"], ["--status", "finishd"], ["--since", "yesterday"]:
        assert call(["list", *wrong, "--runs-dir", str(folder)]) == 2
    assert "did you mean 'digits'" in capsys.readouterr().err


def test_a_run_that_has_no_summary_yet_is_listed_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, killed = begin(tmp_path), begin(tmp_path)
    killed.run(until="evaluator")
    for name in ("run.json", "ended.json"):  # as of one that was killed before its first was written
        (killed.folder.root / name).unlink()
    fork = killed.fork()
    found = json.loads(printed(capsys, "list", "--json", "--runs-dir", str(tmp_path)))
    assert {run["run_id"]: (run["status"], run["steps"], run["best"]) for run in found} == {
        begun.run_id: ("stopped", 0, None),
        killed.run_id: ("stopped", 2, killed.state.best["score"]),
        fork.run_id: ("stopped", 2, killed.state.best["score"]),
    }
    assert len(runs(tmp_path)) == 3 and runs(tmp_path)["usd"].sum() == 0
    rows = printed(capsys, "list", "--runs-dir", str(tmp_path)).splitlines()
    assert sum(row.startswith(f"└ {fork.run_id}") for row in rows) == 1
    assert not (begun.folder.root / "run.json").exists(), "who lists runs writes none"


def test_runs_are_listed_though_the_task_of_one_is_gone_and_nothing_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, task = shutil.copytree(folder, tmp_path / "runs"), tiny.task(tmp_path)
    gone = Session(str(task), models=MODELS, runs_dir=kept, turns=2)
    shutil.rmtree(task)
    shutil.rmtree(gone.folder.artifacts)
    before = sorted(kept.rglob("*"))
    rows = runs(kept).set_index("run_id")
    assert len(rows) == len(opened(folder)) + 1
    assert (rows["task"][gone.run_id], rows["status"][gone.run_id]) == ("tiny", "stopped")
    assert f"{task}: no such task" in rows["reason"][gone.run_id]
    found = json.loads(printed(capsys, "list", "--task", "tiny", "--json", "--runs-dir", str(kept)))
    assert [(run["run_id"], run["usd"], run["best"]) for run in found] == [(gone.run_id, 0, None)]
    assert gone.run_id in printed(capsys, "list", "--runs-dir", str(kept))
    assert sorted(kept.rglob("*")) == before


def test_a_run_that_goes_on_now_is_listed_as_underway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = begin(tmp_path)
    list_it = ("list", "--status", "underway", "--json", "--runs-dir", str(tmp_path))
    live.take(run.folder)
    assert [each["run_id"] for each in json.loads(printed(capsys, *list_it))] == [run.run_id]
    live.leave(run.folder)
    assert json.loads(printed(capsys, *list_it)) == []


@pytest.mark.parametrize(
    ("status", "host", "listed"),
    [
        ("finished", "elsewhere", "finished"),
        ("finished", platform.node(), "underway"),
        ("stopped", "elsewhere", "underway"),
    ],
)
def test_a_note_of_another_machine_does_not_hold_up_a_finished_run(
    status: str, host: str, listed: str, tmp_path: Path
) -> None:
    run = begin(tmp_path)
    run.run(until=1)
    told = json.loads(run.folder.summary.read_text())
    run.folder.write("run.json", told | {"status": status})
    live.take(run.folder)
    note = json.loads((run.folder.root / live.NOTE).read_text())
    run.folder.write(live.NOTE, note | {"host": host})
    assert list(runs(tmp_path)["status"]) == [listed]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda session: session.compare(5), "a run is needed, or the id or folder of one"),
        (lambda session: Session.open(5), r"Session\.open\(5\): the id or the folder of a run"),
        (lambda session: Session.open(session.run_id, 5), r"open\(runs_dir=5\): a folder"),
        (lambda session: runs(5), r"runs\(5\): a folder of runs is needed"),
        (lambda session: runs(session.folder.root / "graph.yaml"), "is no folder of runs, no .json and no"),
    ],
)
def test_what_is_no_run_and_no_folder_is_refused_in_a_line(
    asked: Callable[[Session], Any], words: str, session: Session
) -> None:
    with pytest.raises(UsageError, match=words):
        asked(session)


def test_runs_that_say_they_come_from_each_other_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, origin in ("a", "b"), ("b", "a"), ("c", 7):
        run = tmp_path / name
        run.mkdir()
        (run / "config.json").write_text("{}")
        told = {
            "run_id": name,
            "graph": "g",
            "status": "failed",
            "usd": 0,
            "gain_pct": None,
            "fork": {"runs": [origin]},
        }
        (run / "run.json").write_text(json.dumps(told))
    rows = printed(capsys, "list", "--runs-dir", str(tmp_path)).splitlines()[1:]
    assert sorted(row.replace("└", "").split()[0] for row in rows) == ["a", "b", "c"]


def test_two_runs_part_where_one_was_edited(
    session: Session, fork: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    found = session.compare(fork.run_id)
    assert found.parting and (found.parting.node, found.parting.why) == ("coder", "edited by hand")
    assert (found.parting.one, found.parting.other) == ("nothing", "plan")
    assert found.parting.step == session.timeline[-1].step + 1
    assert found.script == [] and found.settings == {}
    told = json.loads(
        printed(
            capsys,
            "diff",
            session.run_id,
            fork.run_id,
            "--json",
            "--runs-dir",
            str(session.folder.root.parent),
        )
    )
    assert told == json.loads(json.dumps(found.as_json()))
    assert [run["run_id"] for run in told["runs"]] == [session.run_id, fork.run_id]
    assert session.compare(session).parting is None and "nowhere" in str(session.compare(session))


def test_two_runs_part_where_another_rule_leads_on(session: Session, tmp_path: Path) -> None:
    graph = GraphSpec.parse(
        session.graph.dump().replace("{when: case_left, to: planner}", "{when: case_left, to: coder}")
    )
    other = begin(tmp_path, graph=graph)
    other.run(until="evaluator")
    found = session.compare(other)
    assert found.parting and (found.parting.step, found.parting.node) == (2, "evaluator")
    assert found.parting.why == "another rule led on" and found.parting.other.endswith("→ coder")
    assert any(line.startswith("-") for line in found.script) and "they part" in found._repr_html_()


def test_runs_of_two_tasks_are_not_compared(session: Session, tmp_path: Path) -> None:
    other = Session("flights", models=MODELS, runs_dir=tmp_path)
    with pytest.raises(UsageError, match="two tasks cannot be compared"):
        session.compare(other)


def test_in_a_pipe_what_a_step_did_is_told_whole(
    folder: Path, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(capsys, "show", session.run_id, "--runs-dir", str(folder))
    plan = next(event.plan["instruction"] for event in session.timeline if event.node == "planner")
    assert "ran the script → evaluator" in shown and f"a remembered plan: {plan} → coder" in shown


def test_a_narrow_terminal_has_whole_columns_or_none(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from budgetmlagent.cli import options

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert options.width() == 80
    head, *rows = printed(capsys, "list", "--runs-dir", str(folder)).splitlines()
    assert head.split()[-1] == "turns" and not [row for row in [head, *rows] if "…" in row or len(row) > 80]
