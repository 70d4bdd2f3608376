"""`budgetml models check`: whether each model answers, and what asking it cost."""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent.cli import call

PAID = "price: {input: 1000, output: 2000}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path))
    monkeypatch.delenv("ITS_KEY", raising=False)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    assert call([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def check(
    capsys: pytest.CaptureFixture[str], *words: str, status: int = 0, **models: str
) -> list[dict[str, Any]]:
    lines = [f"  {name}: {{{about}}}\n" for name, about in models.items()]
    Path("models.yaml").write_text("models:\n" + "".join(lines))
    rows: list[dict[str, Any]] = said(
        capsys, "models", "check", "--models", "models.yaml", *words, status=status
    )
    return rows


def team(body: dict[str, Any]) -> Turn:
    """Answer as the team does, with 300 tokens of thinking; the model `weak` writes scripts that are none."""
    turn = tiny.team(body)
    if body["model"] == "weak" and "```" in turn.text:
        return replace(turn, text="I cannot help with that.")
    return replace(turn, tokens_out=400, usage={"completion_tokens_details": {"reasoning_tokens": 300}})


def test_each_model_is_asked_as_the_team_asks_and_paid_for_in_the_ledger(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultServer(respond=team) as server:
        able = f"base_url: {server.url}, model: able, {PAID}"  # two names of one model are asked apart
        weak = f"base_url: {server.url}, model: weak, {PAID}"
        one, two, bad = check(capsys, "--budget", "90", status=3, one=able, two=able, bad=weak)
    assert len(server.requests) == 3 + 3 + 2  # no expert's advice of a model that cannot write
    assert (one["ok"], one["status"], one["thinks"]) == (True, 0, 300) and one["usd"] == two["usd"] > 0
    assert one["takes"] == {"temperature": True, "seed": True, "schema": "strict"}
    assert (bad["ok"], bad["status"]) == (False, 3)
    assert bad["detail"] == "as coder: the reply holds no Python script"
    told = said(capsys, "cost", "--by", "node")
    assert [(row["node"], row["calls"]) for row in told["rows"]] == [("check", 8)]
    assert told["usd"] == pytest.approx(one["usd"] + two["usd"] + bad["usd"])
    (run,) = (row["run"] for row in said(capsys, "cost")["rows"])
    own = said(capsys, "cost", run)
    assert own["usd"] == told["usd"] and {line["run"] for line in own["calls"]} == {run}
    assert call(["cost", run[:-1]]) == 2 and "unknown run" in capsys.readouterr().err


def test_what_an_endpoint_takes_is_learned_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def picky(body: dict[str, Any]) -> Turn:
        """Refuse a seed, and answer JSON in a fence: a schema is taken, and not heeded."""
        if "seed" in body:
            return Turn("seed: no such field", fault="422", refuses="seed")
        turn = tiny.team(body)
        return (
            replace(turn, text=f"Here it is:\n```json\n{turn.text}\n```")
            if "response_format" in body
            else turn
        )

    with FaultServer(respond=picky) as server:
        about = f"base_url: {server.url}, model: x, {PAID}"
        (first,) = check(capsys, "--budget", "90", one=about)
        refused = sum(bool(request.refused) for request in server.requests)
        assert (first["takes"], refused) == ({"temperature": True, "seed": False, "schema": "words"}, 1)
        server.respond = tiny.team
        (second,) = check(capsys, "--budget", "90", one=about)
        assert second["takes"] == {"temperature": True, "seed": True, "schema": "strict"}


def test_a_model_that_does_not_answer_is_told_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    busy = Turn(fault="500", retry_after="0")
    with FaultServer([busy] * 4) as server:
        (down,) = check(capsys, "--budget", "90", status=3, down=f"base_url: {server.url}, model: x, {PAID}")
    assert (down["ok"], down["status"]) == (False, 3) and "as planner: " in down["detail"]
    assert "HTTP 500" in down["detail"] and down["usd"] > 0.1, "an unknown outcome stays reserved"
    assert server.script == [] and len(server.requests) == 4, "as often as in a run"


def test_a_model_that_is_down_is_not_told_to_lack_money_and_leaves_some_for_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each request of unknown outcome stays reserved: the money is used up before the tries are."""

    def fails(body: dict[str, Any]) -> Turn:
        return Turn(fault="500", retry_after="0") if body["model"] == "dear" else team(body)

    with FaultServer(respond=fails) as server:
        dear = f"base_url: {server.url}, model: dear, price: {{input: 5, output: 30}}"
        cheap = f"base_url: {server.url}, model: cheap, price: {{input: 1, output: 5}}"
        (alone,) = check(capsys, "--budget", "0.25", status=3, alone=dear)
        assert len(server.requests) < 4 and "HTTP 500" in alone["detail"]
        down, fine = check(capsys, "--budget", "0.25", status=3, down=dear, fine=cheap)
    assert (down["ok"], fine["ok"]) == (False, True) and "HTTP 500" in down["detail"]


def test_a_busy_endpoint_is_waited_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer([Turn(fault="429", retry_after="0")] * 3, respond=team) as server:
        (fine,) = check(capsys, "--budget", "90", one=f"base_url: {server.url}, model: x, {PAID}")
    assert fine["ok"] and len(server.requests) == 3 + 3


def test_no_cap_is_passed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer() as server:
        dear = f"base_url: {server.url}, model: x, {PAID}"
        (own,) = check(capsys, status=2, dear=dear)
        said(capsys, "cost", "--cap", "0.01")
        (project,) = check(capsys, "--budget", "9", status=2, dear=dear)
    assert server.requests == []
    assert (own["status"], project["status"], own["usd"]) == (2, 2, 0)
    assert "budget of the run" in own["detail"] and "budget of the project" in project["detail"]


def test_what_cannot_be_sent_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody, https = "base_url: http://127.0.0.1:1/v1, model: x", "base_url: https://example.com/v1, model: x"
    rows = check(
        capsys,
        status=3,
        closed=f"{nobody}, price: 0",
        keyless=f"{https}, price: 0, key: ITS_KEY",
        unpriced=nobody,
        missing="base_url: embedded, model: qwen2.5-coder-0.5b-instruct, price: 0",
    )
    assert [row["status"] for row in rows] == [3, 2, 2, 3]
    for row, words in zip(
        rows, ["not be reached", "ITS_KEY", "price of 'x' is unknown", "models pull"], strict=True
    ):
        assert words in row["detail"]
    assert said(capsys, "cost")["usd"] == 0


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_check_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupts(_: dict[str, Any]) -> Turn:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        return Turn("too late")

    with FaultServer(respond=interrupts) as server:
        Path("models.yaml").write_text(f"models:\n  one: {{base_url: {server.url}, model: m, price: 0}}\n")
        assert call(["models", "check", "--models", "models.yaml"]) == 130
    said = capsys.readouterr()
    assert said.err == "budgetml: stopped; `budgetml cost --runs-dir runs` tells what was spent\n"
