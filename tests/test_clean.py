"""`budgetml clean`: what nobody needs goes, and all that looking, replaying and going on need stays."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import tiny
from fault_server import FaultServer
from filelock import FileLock
from recorded import SHORT
from test_recordings import RECORDINGS, replay

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.money.report import cost_of
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.sandbox.workspace import remove
from budgetmlagent.upkeep import clean
from budgetmlagent.upkeep.memory import list_items
from budgetmlagent.upkeep.reachable import unneeded


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


def new(tmp_path: Path, server: FaultServer, **options) -> Session:
    return tiny.session(tmp_path, server.url, **options)


def like_a_run(folder: Path, name: str, **told) -> RunDir:
    """A run's folder as far as choosing and removing look at it."""
    run = RunDir(folder / name)
    run.root.mkdir(parents=True)
    config = json.loads((RECORDINGS[0] / "config.json").read_text())
    run.write("config.json", config | {"run_id": name})
    if told:
        run.write("run.json", {"task": "tiny", "gain_pct": None} | told)
    return run


def artifacts_of(run: RunDir) -> set[str]:
    return {path.name for path in run.artifacts.iterdir()}


# What nobody needs


def test_garbage_goes_and_all_that_a_run_is_for_still_works(tmp_path, server, capsys):
    session = new(tmp_path, server, turns=1)
    session.run()
    session.goto(4).run()  # the branch that is left behind needs its artifacts, too
    fork = session.goto(4).fork()
    runs, run = ["--runs-dir", str(tmp_path / "runs")], session.folder

    def seen() -> list:
        view = Session.open(run.root)
        return [view.summary, view.timelines, [view.prompt(e.step) for e in view.timeline]]

    all_of_it = seen()
    clean.sweep(tmp_path / "runs")  # what the run keeps in its memory as well
    before = artifacts_of(run), all_of_it
    orphan = session.artifacts.put_json({"names": sorted(before[0])})  # what nobody names keeps nothing
    for part in (run.artifacts / ".part-x1", run.root / ".part-x2", run.history / "items" / ".part-y"):
        part.write_text("half")
    (run.work / "workspace-a").mkdir(parents=True)
    (run.work / "workspace-a" / "big").write_bytes(b"x" * 100_000)
    capsys.readouterr()
    told = []
    for extra in (["--dry-run"], [], []):
        assert call(["clean", *runs, "--json", *extra]) == 0
        told.append(json.loads(capsys.readouterr().out))
    would, did, again = told
    assert would.pop("dry_run") is True and did.pop("dry_run") is False and would == did
    assert (did["runs"], did["parts"], did["work"], did["artifacts"], did["left"]) == ([], 3, 1, 1, {})
    assert did["bytes"] > 100_000 and again["bytes"] == again["artifacts"] == 0
    assert (
        not (run.artifacts / orphan).exists() and not run.work.exists() and not list(run.root.rglob("*part*"))
    )

    assert (artifacts_of(run), seen()) == before
    for command in (["doctor", run.run_id], ["show", run.run_id], ["why", run.run_id, "3"]):
        assert call([*command, *runs]) == 0
    assert call(["show", run.run_id, *runs, "--files", str(tmp_path / "best")]) == 0
    models, task = f"replay:{run.root}", session.config.task
    replayed = Session(task, models=models, turns=1, history="off", runs_dir=tmp_path / "again").run()
    assert replayed["private_best"] == before[1][0]["private_best"]
    assert fork.run()["status"] == "finished"
    session = Session.open(run.root)
    session.extend(turns=2)
    assert session.run()["turns"] == 2


class Interrupted:
    """A user who presses Ctrl-C the moment a reply is there, and paid."""

    def __init__(self, models) -> None:
        self.models, self.spent, self.able = models, models.spent, models.able

    def ask(self, *arguments, **options):
        self.models.ask(*arguments, **options)
        raise KeyboardInterrupt


def test_what_was_paid_before_its_step_was_done_is_there_when_it_is_repeated(tmp_path, server):
    session = new(tmp_path, server, turns=1)
    session.run(until=lambda event: event.route["to"] == "coder")
    session.engine.renew()  # the graph is compiled with the parts as they are then
    paid, parts = len(server.requests), session.engine.parts
    session.engine.parts = replace(parts, deps=replace(parts.deps, models=Interrupted(parts.deps.models)))
    with pytest.raises(KeyboardInterrupt):
        session.step()
    said = {name for c in session.calls for name in (c["prompt"], c["reply"])}
    assert len(server.requests) == paid + 1
    orphan = session.artifacts.put("orphan")
    clean.sweep(tmp_path / "runs")
    assert said <= artifacts_of(session.folder) and orphan not in artifacts_of(session.folder)
    resumed = Session.open(session.folder.root)
    assert resumed.run()["status"] == "finished" and len(server.requests) == paid + 1


def test_a_recording_has_nothing_to_remove(tmp_path):
    shutil.copytree(SHORT, tmp_path / "runs" / "recorded")
    before = artifacts_of(RunDir(tmp_path / "runs" / "recorded"))
    assert clean.sweep(tmp_path / "runs").artifacts == 0
    session = replay(tmp_path / "runs" / "recorded", tmp_path / "runs")
    summary = session.run()
    clean.sweep(tmp_path / "runs")
    assert artifacts_of(RunDir(tmp_path / "runs" / "recorded")) == before
    assert replay(tmp_path / "runs" / "recorded", tmp_path / "again").run()["best"] == summary["best"]
    assert replay(session.folder.root, tmp_path / "again").run()["best"] == summary["best"]


def test_what_is_no_run_or_is_running_is_left_alone(tmp_path, server, capsys):
    session = new(tmp_path, server)
    session.step()
    run = session.folder
    orphan = session.artifacts.put("orphan")
    stranger = tmp_path / "runs" / "stranger"
    (stranger / "artifacts").mkdir(parents=True)
    (stranger / "artifacts" / ".part-1").write_text("not ours")
    run.work.mkdir(exist_ok=True)
    with session._running():
        report = clean.sweep(tmp_path / "runs")
        assert report.left == {run.run_id: "it is running in another process"} and report.bytes == 0
        assert call(["clean", run.run_id, "--yes", "--runs-dir", str(tmp_path / "runs")]) == 2
        assert "is running in another process" in capsys.readouterr().err
    sleeper = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    with subprocess.Popen(sleeper, cwd=run.work, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        report = clean.sweep(tmp_path / "runs")
        process.kill()
    assert report.left == {run.run_id: "a script of it is still running"} and run.work.exists()
    assert orphan in artifacts_of(run)
    assert (
        clean.sweep(tmp_path / "runs").left == {}
        and not run.work.exists()
        and orphan not in artifacts_of(run)
    )
    assert (stranger / "artifacts" / ".part-1").exists()


def test_damaged_checkpoints_keep_every_artifact(tmp_path):
    run = like_a_run(tmp_path / "runs", "hurt")
    run.artifacts.mkdir()
    (run.artifacts / ("0" * 64)).write_text("needed?")
    assert unneeded(run) == []
    run.checkpoints.write_bytes(b"this is no database" * 100)
    report = clean.sweep(tmp_path / "runs")
    assert "damaged" in report.left["hurt"] and artifacts_of(run) == {"0" * 64}


# Whole runs


def test_a_removed_run_leaves_its_money_and_what_it_learned(tmp_path, server, capsys):
    session = new(tmp_path, server, turns=1)
    session.run()
    (session.folder.history / "merged").unlink()
    run, spent, runs = session.run_id, session.cost.usd, tmp_path / "runs"
    shutil.rmtree(runs / "history")
    fork = session.back(2).fork()
    del session
    assert call(["clean", run, "--yes", "--runs-dir", str(runs)]) == 0
    said = capsys.readouterr().out
    assert f"removed {run}" in said and "money" in said and "freed" in said
    assert not (runs / run).exists() and spent > 0
    assert cost_of(runs / "ledger.sqlite", run).usd == spent
    assert [item["run"] for item in list_items(runs, kind="attempt")] == [run]
    assert fork.run()["status"] == "finished"  # a fork does not need the run that it comes from


def aged(run: RunDir, days: float) -> RunDir:
    for path in (run.root / "config.json", run.summary):
        if path.exists():
            os.utime(path, (time.time() - days * 86_400,) * 2)
    return run


def test_old_runs_are_chosen_and_the_best_of_a_task_is_not(tmp_path):
    gains = {
        "a": (5, 40, "x"),
        "b": (50, 40, "x"),
        "c": (9, 40, "y"),
        "d": (None, 40, "x"),
        "e": (9, 10, "y"),
        "new": (10, 1, "x"),
    }
    for name, (gain, days, task) in gains.items():
        aged(like_a_run(tmp_path, name, gain_pct=gain, task=task), days)
    aged(like_a_run(tmp_path, "died"), 40)

    def chosen(*names, **options):
        return {
            run.run_id
            for run in clean.choose(tmp_path, names, **{"older_than": None, "keep_best": False} | options)
        }

    assert chosen() == {"a", "b", "c", "d", "e", "new", "died"}
    assert chosen(older_than=30) == {"a", "b", "c", "d", "died"}
    assert chosen(older_than=0.5, keep_best=True) == {"a", "c", "d", "new", "died"}
    assert chosen(older_than=39.99) == {"a", "b", "c", "d", "died"} and chosen(older_than=40.01) == set()
    assert chosen("a", "new", "a", older_than=30) == {"a"}
    assert chosen("b", "a", keep_best=True) == {"a"}
    for wrong in (-1, float("nan")):
        with pytest.raises(UsageError, match="--older-than"):
            chosen(older_than=wrong)


def test_removing_asks_and_refuses_where_nobody_answers(tmp_path, capsys, monkeypatch):
    run = like_a_run(tmp_path, "one", gain_pct=1)
    runs = ["--runs-dir", str(tmp_path)]

    class Terminal:
        def __init__(self, answer: str) -> None:
            self.readline = lambda: answer
            self.isatty = lambda: bool(answer)

    for answer, words in (
        ("", "--yes is needed"),
        ("n\n", "nothing was removed"),
        ("\n", "nothing was removed"),
    ):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        assert call(["clean", "one", *runs]) == 2
        said = capsys.readouterr()
        assert words in said.err and not said.out and run.root.exists()
        assert said.err.count("\n") == 1 if not answer else "ledger.sqlite" in said.err
    assert call(["clean", "--older-than", "0", "--dry-run", *runs]) == 0
    assert "would remove one" in capsys.readouterr().out and run.root.exists()
    for wrong in (["nothing"], ["--keep-best"], ["--older-than", "-2"]):
        assert call(["clean", *wrong, *runs, "--yes"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert call(["clean", "one", *runs]) == 0
    assert not run.root.exists()


def test_a_folder_whose_config_is_not_a_runs_is_never_removed(tmp_path, capsys):
    model = tmp_path / "bert"
    model.mkdir()
    (model / "config.json").write_text('{"hidden_size": 768}')
    assert call(["clean", str(model), "--yes", "--runs-dir", str(tmp_path)]) == 2
    assert "bert cannot be removed" in capsys.readouterr().err
    assert call(["clean", "--older-than", "0", "--yes", "--runs-dir", str(tmp_path)]) == 0
    assert "left alone bert" in capsys.readouterr().out and (model / "config.json").exists()


def test_shared_files_count_when_their_last_name_goes(tmp_path):
    runs = [like_a_run(tmp_path, name) for name in ("a", "b")]
    for run in runs:
        run.artifacts.mkdir()
        FileLock(run.lock).acquire().lock.release()
    (runs[0].artifacts / "big").write_bytes(os.urandom(1 << 20))
    os.link(runs[0].artifacts / "big", runs[1].artifacts / "big")
    one = clean.remove_runs(runs[:1], dry_run=True).bytes
    both = clean.remove_runs(runs, dry_run=True).bytes
    assert one < 1 << 20 <= both < (1 << 20) + 100_000
    assert clean.remove_runs(runs).bytes == both and not any(run.root.exists() for run in runs)


def test_a_process_that_stands_too_deep_is_no_reason_to_stop(tmp_path):
    dig = "import os, time\nfor _ in range(30):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\nprint(flush=True)\ntime.sleep(60)"
    (tmp_path / "deep").mkdir()
    (tmp_path / "used").mkdir()
    with subprocess.Popen([sys.executable, "-c", dig], cwd=tmp_path / "deep", stdout=subprocess.PIPE) as deep:
        deep.stdout.readline()
        with pytest.raises(OSError, match="too long"):
            psutil.Process(deep.pid).cwd()
        assert not clean._is_used(tmp_path / "used")
        deep.kill()
    remove(tmp_path / "deep")
