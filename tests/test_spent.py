"""Money never rewinds, whatever is stepped, gone back to, forked or replayed; and no two runs share a reservation."""

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import killed
import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent import Session
from budgetmlagent.cli import call
from memory.state import NANO

RATES = {"small-7b": (1, 2), "large-14b": (10, 30)}  # micro-dollars a token


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


def new(folder: Path, server: FaultServer, **options) -> Session:
    return tiny.session(folder, server.url, **{"budget": 1.0} | options)


def billed(server: FaultServer) -> int:
    """Nano-dollars of all requests that the server has answered."""
    nano = 0
    for request in server.requests:
        assert request.billed
        tokens_in, _, tokens_out = request.billed
        rate_in, rate_out = RATES[request.body["model"]]
        nano += (tokens_in * rate_in + tokens_out * rate_out) * NANO // 10**6
    return nano


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, 20))])
def test_no_way_through_a_run_gives_money_back(tmp_path, server, seed):
    chance = random.Random(seed)
    runs = [new(tmp_path, server)]
    runs[0].run(until="coder")
    recording = shutil.copytree(runs[0].folder.root, tmp_path / "recording")
    ledger, first = runs[0].ledger, runs[0].ledger.project_spent()
    before = first
    for _ in range(10):
        run = chance.choice(runs)
        match chance.choice(["step", "step", "step", "back", "goto", "live", "recorded", "replay"]):
            case "step":
                run.step()
            case "back":
                run.back(chance.randint(0, len(run.timeline)))
            case "goto":
                run.goto(chance.choice([0, *(event.step for event in run.timeline)]))
            case "replay":
                replay = new(tmp_path, server, models=f"replay:{recording}")
                asked = len(server.requests)
                replay.run(until="coder")
                assert len(server.requests) == asked and replay.cost.usd == first / NANO > 0
            case replies:
                runs.append(run.fork(replies=replies))
        now = ledger.project_spent()
        assert before <= now == billed(server)  # a replay's recorded prices are nobody's money
        assert {ledger.spent(run.run_id) for run in runs} == {now}  # a fork has the money of its origin
        before = now


def test_two_runs_at_once_share_no_reservation(tmp_path, server):
    both = [new(tmp_path, server, seed=seed) for seed in range(2)]
    processes = [killed.start(run.folder.root) for run in both]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    calls = [run.ledger.calls(run.run_id) for run in both]
    ids = [entry.id for entries in calls for entry in entries]
    assert len(ids) == len(set(ids)) == len(server.requests)
    assert {entry.state for entries in calls for entry in entries} == {"settled"}
    spent = [run.ledger.spent(run.run_id) for run in both]
    assert spent == [sum(entry.nano for entry in entries) for entries in calls] and min(spent) > 0
    assert sum(spent) == both[0].ledger.project_spent() == billed(server)


def lose(ledger: Path, older: bytes = b"") -> None:
    """Remove the ledger, or put an older copy in its place."""
    for file in ledger.parent.glob("ledger.sqlite*"):
        file.unlink()
    if older:
        ledger.write_bytes(older)


def copied(ledger: Path) -> bytes:
    with contextlib.closing(sqlite3.connect(ledger)) as db, db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return ledger.read_bytes()


def test_a_ledger_that_forgot_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer(respond=tiny.team) as server:
        session = tiny.session(tmp_path, server.url, turns=3, budget=1)
        session.run(until="coder")
        ledger, run = session.folder.ledger, session.run_id
        older = copied(ledger)
        session.run(until=lambda event: event.turn == 2)
        spent = f"${session.cost.usd:.6f}"
        session.ledger.set_project_cap(NANO)
        newer = copied(ledger)
        del session
        asked, folders = len(server.requests), sorted((tmp_path / "runs").glob("*/config.json"))
        place = ["--runs-dir", str(tmp_path / "runs")]
        begin = ["run", str(tmp_path / "tiny"), "--models", str(tmp_path / "models.yaml"), *place]
        together = [[*begin, "--project-budget", "1"], [*begin, "--project-budget", "1", "--dry-run"]]
        together += [["cost", "--cap", "1", *place]]
        for commands, left, words in (
            ([["resume", run, *place], *together], older, "an older copy"),
            (together, b"", "missing, though"),
        ):
            for command in commands:
                lose(ledger, left)
                assert call(command) == 3, command
                said = capsys.readouterr().err
                assert words in said and spent in said and said.count("\n") == 1
        assert len(server.requests) == asked and sorted((tmp_path / "runs").glob("*/config.json")) == folders
        lose(ledger, newer)
        assert [call(command) for command in together[1:]] == [0, 0]  # what is whole is believed


def test_a_ledger_that_is_a_link_is_not_written_through(tmp_path: Path, server, capsys) -> None:
    session = new(tmp_path, server)
    ledger, run = session.folder.ledger, session.run_id
    del session
    place = ["--runs-dir", str(tmp_path / "runs")]
    mine = tmp_path / "mine"
    mine.write_text("")  # SQLite makes a database of an empty file
    for name in ("ledger.sqlite", "ledger.lock", "ledger.sqlite-wal"):
        lose(ledger)
        (ledger.parent / "ledger.lock").unlink(missing_ok=True)
        (ledger.parent / name).symlink_to(mine)
        for command in (
            ["cost", *place],
            ["cost", run, *place],
            ["show", run, *place],
            ["resume", run, *place],
        ):
            if name == "ledger.sqlite" or command != ["cost", *place]:
                assert call(command) == 3, command
                said = capsys.readouterr().err
                assert f"{name}: is a symbolic link" in said and said.count("\n") == 1
        listed = call(["list", *place])  # of a run that has begun nothing its ledger alone can tell
        said = capsys.readouterr().err
        assert (listed, f"{name}: is a symbolic link" in said) in ((3, True), (0, False)), said
        assert listed == 3 or name != "ledger.sqlite"
        assert mine.read_bytes() == b""
        (ledger.parent / name).unlink()
    sqlite3.connect(mine).executescript("CREATE TABLE written (x)")  # what opening it would do
    assert mine.read_bytes()
