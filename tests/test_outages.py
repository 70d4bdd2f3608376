"""Whole runs at a provider that fails: tried again as steps of the graph, ended in order, the key nowhere to be seen."""

import json
import math
import re
import shlex
from pathlib import Path

import forked
import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError
from budgetmlagent.records.events import Event
from budgetmlagent.records.summary import no_use

KEY = "sk-very-secret-0123456789"
BUSY = Turn(fault="429", retry_after="0")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    with FaultServer(respond=tiny.team) as server:
        yield server


def models(folder: Path, url: str) -> Path:
    path = tiny.models(folder, url)
    path.write_text(path.read_text().replace("price:", "key: TEST_KEY, price:"))
    return path


def new(tmp_path: Path, server: FaultServer, **options) -> Session:
    return tiny.session(tmp_path, server.url, **{"models": models(tmp_path, server.url)} | options)


def test_a_busy_provider_is_asked_again_by_steps_of_the_graph(tmp_path, server):
    server.script = [BUSY, BUSY]
    session = new(tmp_path, server)
    summary = session.run()
    assert (summary["status"], summary["best"]) == ("finished", 1.0)
    busy = [event for event in session.timeline if event["fault"].get("kind") == "busy"]
    assert [event["route"]["rule"] for event in busy] == ["faulted kind=busy → planner"] * 2
    assert [event["usd"] for event in busy] == [0, 0] and all(event["calls"] == 1 for event in busy)
    assert summary["calls"] == len(server.requests)
    billed = [request.billed for request in server.requests if request.billed]
    assert summary["tokens_in"] == sum(count[0] for count in billed)
    assert session.cost.usd_reserved == 0


def test_a_provider_that_stays_busy_is_asked_up_the_ladder_and_the_run_fails_in_order(tmp_path, server):
    server.respond = lambda body: BUSY
    session = new(tmp_path, server)
    with pytest.raises(UnavailableError, match=r"model 'large' at 127\.0\.0\.1 answered HTTP 429"):
        session.run()
    assert [request.body["model"] for request in server.requests] == ["small-7b"] * 3 + ["large-14b"] * 4
    assert session.summary["status"] == "failed" and session.summary["calls"] == 7
    server.respond = tiny.team
    again = Session.open(session.folder.root).run()  # whoever goes on has mended it
    assert (again["status"], again["best"], again["calls"]) == ("finished", 1.0, len(server.requests))


@pytest.mark.parametrize(
    ("budget", "code"), [(0.05, 0), (1.0, 3)]
)  # used up, or the provider was given up before
def test_money_held_for_unknown_outcomes_is_told_and_how_to_go_on_with_more(
    tmp_path, server, capsys, budget, code
):
    server.respond = lambda body: Turn("boom", fault="500", retry_after="0")
    options = [
        "--models",
        str(models(tmp_path, server.url)),
        "--history",
        "off",
        "--runs-dir",
        str(tmp_path / "r"),
    ]
    assert call(["run", str(tiny.task(tmp_path)), "--turns", "2", "--budget", str(budget), *options]) == code
    said = capsys.readouterr()
    (run,) = (tmp_path / "r").glob("tiny-*")
    held, many = Session.open(run).cost.usd_reserved, len(server.requests)
    line = said.err.splitlines()[-1] if code else said.out.splitlines()[0]
    assert (
        f"${held:.4f} is held for {many} requests whose outcome is unknown, which `budgetml cost {run.name}"
        in line
    )
    again = re.search(r"`(budgetml resume .*?)`", line)[1]
    assert f"--budget {math.ceil(100 * (budget + held)) / 100:.2f}" in again
    server.respond = tiny.team
    assert call(shlex.split(again)[1:]) == 0
    assert (
        f"held            ${held:.4f} is held for requests whose outcome is unknown"
        in capsys.readouterr().out
    )
    assert Session.open(run).summary["best"] == 1.0 and Session.open(run).summary["usd_held"] == held


def test_where_the_budget_of_all_runs_refused_more_for_the_run_is_no_way_on(tmp_path, server):
    server.respond = lambda body: Turn("boom", fault="500", retry_after="0")
    session = new(tmp_path, server)
    session.ledger.set_project_cap(50_000_000)
    reason = session.run()["reason"]
    assert "left of the budget of the project" in reason
    assert "whose outcome is unknown" in reason and "goes on with more" not in reason


@pytest.mark.parametrize(
    ("kinds", "is_so"),
    [(["busy", "unparsable"], True), (["busy", "noop"], False), (["repeated"], False), ([], False)],
)
def test_a_reply_that_could_be_read_was_one(kinds, is_so):
    assert no_use([Event(calls=1, fault={"kind": kind}) for kind in kinds]) is is_so


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_run_without_one_usable_reply_says_so_and_calls_an_empty_reply_empty(tmp_path, server, text):
    server.respond = lambda body: Turn(text, tokens_in=50, tokens_out=1)
    session = new(tmp_path, server)
    summary = session.run()
    assert summary["reason"].endswith("; no model ever gave a usable reply")
    told = {event["fault"]["detail"] for event in session.timeline if event["calls"]}
    assert told == {"the reply is empty"}


def test_a_wrong_key_ends_a_run_with_one_line_and_resume_goes_on(tmp_path, server, capsys):
    server.script = [Turn(fault="401", text=f"Incorrect API key provided: {KEY}")]
    runs = ["--runs-dir", str(tmp_path / "r"), "--json"]
    task = str(tiny.task(tmp_path))
    assert (
        call(
            [
                "run",
                task,
                "--models",
                str(models(tmp_path, server.url)),
                "--turns",
                "1",
                "--history",
                "off",
                *runs,
            ]
        )
        == 3
    )
    said = capsys.readouterr()
    line, summary = said.err.splitlines()[-1], json.loads(said.out)
    for words in ("model 'small' at 127.0.0.1", "HTTP 401", "check the key in TEST_KEY", summary["run_id"]):
        assert words in line
    assert summary["status"] == "failed" and summary["reason"] in line and len(server.requests) == 1
    assert call(["resume", summary["run_id"], *runs]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["status"], again["best"], again["turns"]) == ("finished", 1.0, 1)


def test_what_is_best_is_delivered_though_the_provider_is_lost(tmp_path, server):
    session = new(tmp_path, server, turns=9)

    def leave(body):
        return tiny.team(body) if len(server.requests) <= 2 else Turn(fault="404")

    server.respond = leave
    summary = session.run()
    assert (summary["status"], summary["best"], summary["success"]) == ("finished", 1.0, True)
    assert summary["reason"].startswith("model 'small' at 127.0.0.1 answered HTTP 404")
    assert "check base_url and model" in summary["reason"] and len(server.requests) == 3
    assert (session.folder.root / "best" / "train.py").exists()


def test_a_run_whose_scripts_never_come_ends_early_and_says_why(tmp_path, server):
    def prose(body):
        return tiny.team(body) if "response_format" in body else Turn("I would use the sign of x.")

    server.respond = prose
    summary = new(tmp_path, server, turns=8).run()
    assert (summary["status"], summary["turns"]) == ("finished", 5)
    assert summary["reason"].startswith("no new script has run")


ECHOES = {
    "failed": [
        BUSY, Turn(fault="503", retry_after="0"), Turn(fault="error_body"),  # up the ladder
        Turn(fault="500", retry_after="0"), Turn(fault="invalid_json"), Turn(f"No: {KEY}", fault="refusal"),
    ],
    "said": [Turn(f"{{'action': {KEY}"), Turn(f"# {KEY}\n", fault="length"), Turn(f'{{"action": "{KEY}"}}')],
    "denied": [Turn(fault="403")],
}  # fmt: skip


@pytest.mark.parametrize("faults", ECHOES)
def test_the_key_is_nowhere_in_a_run(tmp_path, server, faults):
    def echo(body):
        turn = tiny.team(body)
        turn.text = turn.text.replace("use the sign", f"use {KEY} and the sign").replace(
            "way =", f"key = '{KEY}'\nway ="
        )
        return turn

    server.script, server.respond = list(ECHOES[faults]), echo
    done = forked.command(
        "run", str(tiny.task(tmp_path)), "--models", str(models(tmp_path, server.url)), "--turns", "1", "--history", "off",
        "--runs-dir", str(tmp_path / "r"), "--json", TEST_KEY=KEY,
    )  # fmt: skip
    assert done.returncode == (3 if faults == "denied" else 0), done.stderr
    assert all(request.key == KEY for request in server.requests) and not server.script
    assert json.loads(done.stdout)["calls"] == len(server.requests)
    assert KEY not in done.stdout + done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 20 and not [path for path in written if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("fault", ["deep", "bomb"])
def test_a_reply_that_cannot_be_read_ends_a_run_in_order_at_each_resume_too(tmp_path, server, capsys, fault):
    server.respond = lambda body: Turn(fault=fault)
    session = new(tmp_path, server, turns=1, budget=5)
    run = [session.run_id, "--runs-dir", str(tmp_path / "runs")]
    for _ in range(2):
        assert call(["resume", *run]) in (0, 3)
        said = capsys.readouterr()
        assert "Traceback" not in said.err and "check base_url" in said.err + said.out
    kinds = {
        event["fault"]["kind"]
        for event in Session.open(session.folder.root).timeline
        if event["fault"].get("kind")
    }
    assert "provider" in kinds and kinds <= {"provider", "nothing_recalled"}
    server.respond = tiny.team
    assert call(["resume", *run, "--turns", "2"]) == 0
