"""A person is asked before money is spent, in every way that a run can be gone on with."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import forked
import pytest
import tiny
from fault_server import FaultServer
from rich.console import Console

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.models.approval import Approval
from nodes.deps import Here


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(respond=tiny.team) as server:
        yield server


def new(folder: Path, server: FaultServer, **options: Any) -> Session:
    return tiny.session(folder, server.url, **{"budget": 1.0} | options)


def command(session: Session, *more: str) -> "CompletedProcess[str]":
    return forked.command("resume", str(session.folder.root), "--json", *more)


LADDER = ("recall", "small", "large")


@pytest.mark.parametrize(
    ("when", "role", "model", "worst", "asked"),
    [
        ("", "expert", "large", 9, False),
        ("expert", "expert", "large", 9, True),
        ("expert", "planner", "large", 9, False),
        ("up", "expert", "small", 9, True),
        ("up", "planner", "large", 9, True),
        ("up", "planner", "small", 9, False),
        ("all", "planner", "small", 9, True),
        ("all", "planner", "small", 5, False),  # no more than `above`
        ("all", "planner", "small", 6, True),
    ],
)
def test_which_calls_wait(when: str, role: str, model: str, worst: int, asked: bool) -> None:
    assert (
        Approval(when, above=5).needed(Here(node="any name", role=role, model=model, ladder=LADDER), worst)
        == asked
    )


def test_what_costs_nothing_never_waits() -> None:
    assert not Approval("all").needed(Here(node="expert", model="large"), 0)


def test_nothing_is_sent_before_the_word_and_all_goes_on_after_it(
    tmp_path: Path, server: FaultServer
) -> None:
    session = new(tmp_path, server, approve="all")
    summary = session.run()
    assert (summary["status"], summary["calls"], len(server.requests)) == ("stopped", 0, 0)
    question = session.question
    assert question is not None
    assert (question["node"], question["model"]) == ("planner", "small")
    assert 0 < question["usd"] < question["left_usd"] == 1.0
    assert "waits for your word" in summary["reason"]
    assert session.step() is None and len(server.requests) == 0, "it went on without a word"
    words = 0
    while session.question:
        assert session.approve().step() is not None
        words += 1
        while session.step():
            pass
    assert session.done and session.summary["best"] == 1.0
    assert words == len(server.requests) == len(session.calls)
    with pytest.raises(UsageError, match="nothing waits"):
        session.approve()


def test_a_notebook_shows_what_waits_and_what_was_answered(tmp_path: Path, server: FaultServer) -> None:
    session = new(tmp_path, server, approve="all")

    def told() -> str:
        terminal = Console(file=StringIO(), width=300)
        terminal.print(session)
        return str(terminal.file.getvalue())  # type: ignore[attr-defined]

    def shown() -> list[str]:
        return [*session._repr_mimebundle_().values(), told()]

    assert "your word" not in told()
    assert f"resume {session.run_id} --approve yes|no" in session.run()["reason"]
    assert all("$0.0067 at most" in text and "approve(False)" in text for text in shown())
    with pytest.raises(UsageError, match="True or False"):
        session.approve("no")  # type: ignore[arg-type]
    assert session.approve(False) is session
    assert "your word is no: run()" in told() and "$0.0027" not in told()  # of the same line as the page
    session.run()
    assert "your word" not in told()


def test_a_declined_call_is_routed_and_costs_nothing(tmp_path: Path, server: FaultServer) -> None:
    session = new(tmp_path, server, approve="all")
    session.run()
    summary = session.approve(False).run()
    assert (summary["status"], summary["usd"], len(server.requests)) == ("finished", 0, 0)
    assert "was declined" in summary["reason"]
    last = session.why()
    assert (last.node, last.fault["kind"], last.route["to"]) == ("planner", "declined", "END")
    assert last.route["rule"].startswith("given_up")


def test_a_declined_coder_hands_back_to_the_planner(tmp_path: Path, server: FaultServer) -> None:
    session = new(tmp_path, server, approve="all")
    session.run()
    session.approve().run()
    assert session.question and session.question["node"] == "coder"
    session.approve(False).run()
    assert [(e.node, e.fault.get("kind"), e.route["to"]) for e in session.timeline][-1] == (
        "coder",
        "declined",
        "planner",
    )
    assert session.question and session.question["node"] == "planner"


def test_a_word_is_given_from_another_process_too(tmp_path: Path, server: FaultServer) -> None:
    session = new(tmp_path, server, approve="all")
    session.run()
    waits = command(session)
    assert waits.returncode == 130 and json.loads(waits.stdout)["status"] == "stopped"
    yes = command(session, "--approve", "yes")
    assert yes.returncode == 130, yes.stderr
    assert (json.loads(yes.stdout)["calls"], len(server.requests)) == (1, 1)
    no = command(session, "--approve", "no")
    assert len(server.requests) == 1 and no.returncode == 130, "the planner asks next"
    wrong = command(session, "--approve", "perhaps")
    assert (
        wrong.returncode == 2
        and "one of yes, no is needed" in wrong.stderr
        and "Traceback" not in wrong.stderr
    )
    end = command(session, "--approve", "no")
    assert end.returncode == 0 and json.loads(end.stdout)["status"] == "finished"


class Terminal:
    """A terminal at which a person answers a question by Ctrl-D or Ctrl-C."""

    def __init__(self, interrupted: bool) -> None:
        self.interrupted = interrupted

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        if self.interrupted:
            raise KeyboardInterrupt
        return ""


def test_without_an_answer_the_run_waits_for_one(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = new(tmp_path, server, approve="all")
    session.run()
    for interrupted in False, True:
        monkeypatch.setattr("sys.stdin", Terminal(interrupted))
        assert call(["resume", str(session.folder.root)]) == 130
        said = capsys.readouterr()
        assert "stopped: waits for your word: step 4, planner" in said.out
        runs = session.folder.root.parent
        assert f"`budgetml resume {session.run_id} --approve yes|no --runs-dir {runs}`" in said.out
        assert "[y/N]" in said.err and "Traceback" not in said.err and not server.requests


def test_what_is_asked_for_is_checked(tmp_path: Path, server: FaultServer) -> None:
    for wrong in {"approve": "sometimes"}, {"above": -1.0}, {"minutes": 0.0}:
        with pytest.raises(UsageError, match=f"^{next(iter(wrong))}="):
            new(tmp_path / next(iter(wrong)), server, **wrong)


def test_a_run_ends_in_order_when_its_time_is_used_up(tmp_path: Path, server: FaultServer) -> None:
    session = new(tmp_path, server, minutes=0.0005, turns=9)
    summary = session.run()
    assert (summary["status"], summary["turns"], len(server.requests)) == ("finished", 0, 0)
    assert summary["reason"] == "the run's time is used up"
    assert summary["best"] == summary["baseline"] == 0.5
    session.extend(minutes=60)
    assert session.run()["best"] == 1.0
    assert 1 <= session.summary["turns"] <= 9
