"""`budgetml models check`: whether each model answers, and what asking it cost."""

import json
from pathlib import Path
from typing import Any

import pytest
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


def test_a_word_of_each_model_is_paid_for_in_the_ledger(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = [Turn("OK", tokens_in=9, tokens_out=1), Turn("OK OK OK OK", fault="length"), Turn(fault="500")]
    with FaultServer(script) as server:
        same = f"base_url: {server.url}, model: x, {PAID}"  # two names of one model are two requests
        one, two, down = check(capsys, "--budget", "9", status=3, one=same, two=same, down=same)
    assert [request.body["max_tokens"] for request in server.requests] == [4, 4, 4]
    assert (one["ok"], one["status"], one["usd"]) == (True, 0, 0.011)
    assert (two["ok"], down["ok"], down["status"]) == (True, False, 3) and "HTTP 500" in down["detail"]
    assert down["usd"] > 0.1, "an unknown outcome stays reserved"
    told = said(capsys, "cost", "--by", "node")
    assert [(row["node"], row["calls"]) for row in told["rows"]] == [("check", 3)]
    assert told["usd"] == pytest.approx(one["usd"] + two["usd"] + down["usd"])
    (run,) = (row["run"] for row in said(capsys, "cost")["rows"])
    own = said(capsys, "cost", run)
    assert own["usd"] == told["usd"] and [line["run"] for line in own["calls"]] == [run] * 3
    assert call(["cost", run[:-1]]) == 2 and "unknown run" in capsys.readouterr().err


def test_no_cap_is_passed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer() as server:
        dear = f"base_url: {server.url}, model: x, {PAID}"
        (own,) = check(capsys, status=3, dear=dear)
        said(capsys, "cost", "--cap", "0.01")
        (project,) = check(capsys, "--budget", "9", status=3, dear=dear)
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
