"""Budgets from the command line: of a run, of all runs, of a node; and what was spent on what."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent.cli import call
from budgetmlagent.money.ledger import Answer, Call, Ledger, Reservation
from budgetmlagent.records.events import Event
from budgetmlagent.records.summary import cut_short_by
from graphs.spec import GraphError, GraphSpec
from memory.state import NANO


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs of two calls each: one settled, one of unknown outcome."""
    book = Ledger(tmp_path / "ledger.sqlite")
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "config.json").write_text("{}")
        book.open_run(run, NANO)
        for step, node in enumerate(("planner", "coder"), 1):
            made = Call(
                key=f"{run}/t{step}/{node}",
                run=run,
                step=step,
                node=node,
                model="small",
                served="m",
                price="p",
            )
            room = book.reserve(made, 1_000_000)
            assert isinstance(room, Reservation)
            if node == "planner":
                answer = Answer(
                    text="x",
                    answered="m-1",
                    request="chat-1",
                    tokens_in=100,
                    cached=40,
                    tokens_out=5,
                    thought=3,
                    thought_nano=100_000,
                    note="odd",
                )
                book.settle(room.id, 250_000, answer)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> str:
    assert call([str(word) for word in words]) == status
    told = capsys.readouterr()
    return told.err if status else told.out


def test_a_runs_calls_are_told_whole(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "cost", "one", "--runs-dir", runs, "--json"))
    assert {key: told[key] for key in ("usd", "usd_settled", "usd_reserved")} == (
        {"usd": 0.00125, "usd_settled": 0.00025, "usd_reserved": 0.001}
    )
    assert told["calls"][0] == {
        "id": "one/t1/planner/1", "run": "one", "step": 1, "node": "planner", "model": "small", "served": "m",
        "answered": "m-1", "price": "p", "usd": 0.00025, "tokens_in": 100, "tokens_out": 5, "cached": 40,
        "thought": 3, "usd_thought": 0.0001, "state": "settled", "try": 1,
        "request": "chat-1", "note": "odd",
    }  # fmt: skip
    assert "rows" not in told and told["calls"][1]["state"] == "reserved"
    rows = list(csv.DictReader(io.StringIO(said(capsys, "cost", "one", "--runs-dir", runs, "--csv"))))
    assert [(row["id"], row["usd"]) for row in rows] == [
        ("one/t1/planner/1", "0.00025"),
        ("one/t2/coder/1", "0.001"),
    ]
    with closing(sqlite3.connect(runs / "ledger.sqlite")) as db, db:
        db.execute("UPDATE calls SET model = '=1+1'")  # as somebody else may name a model
    rows = list(csv.DictReader(io.StringIO(said(capsys, "cost", "one", "--runs-dir", runs, "--csv"))))
    assert {row["model"] for row in rows} == {"'=1+1"}
    text = said(capsys, "cost", "one", "--runs-dir", runs)
    assert "$0.000250 settled  odd" in text
    assert text.endswith("total $0.001250, of which $0.001000 reserved for unknown outcomes\n")
    with closing(sqlite3.connect(runs / "ledger.sqlite")) as db, db:
        db.execute("DELETE FROM calls WHERE settled IS NULL")
    assert said(capsys, "cost", "one", "--runs-dir", runs).endswith("total $0.000250\n")


@pytest.mark.parametrize(
    ("by", "names", "calls"),
    [("run", ["one", "two"], [2, 2]), ("node", ["planner", "coder"], [2, 2]), ("model", ["small"], [4]), ("day", None, [4])],
)  # fmt: skip
def test_all_runs_are_summed_by_what_one_asks_for(
    runs: Path, capsys: pytest.CaptureFixture[str], by: str, names: list[str] | None, calls: list[int]
) -> None:
    told = json.loads(said(capsys, "cost", "--by", by, "--runs-dir", runs, "--json"))
    assert (told["usd"], told["usd_reserved"], told["cap_usd"], told["left_usd"]) == (
        0.0025,
        0.002,
        None,
        None,
    )
    assert told["by"] == by and [row["calls"] for row in told["rows"]] == calls
    assert names is None or [row[by] for row in told["rows"]] == names
    assert sum(row["usd"] for row in told["rows"]) == told["usd"]
    rows = list(csv.DictReader(io.StringIO(said(capsys, "cost", "--by", by, "--runs-dir", runs, "--csv"))))
    assert [{k: str(v) for k, v in row.items()} for row in told["rows"]] == rows
    (one, *_) = json.loads(said(capsys, "cost", "one", "--by", by, "--runs-dir", runs, "--json"))["rows"]
    assert one["usd_settled"] == 0.00025


def test_the_budget_of_all_runs_is_set_and_shown(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no budget for all runs" in said(capsys, "cost", "--runs-dir", runs)
    assert said(capsys, "cost", "--cap", 5, "--runs-dir", runs).endswith("$5.000000, $4.997500 left\n")
    told = json.loads(said(capsys, "cost", "--runs-dir", runs, "--json"))
    assert (told["cap_usd"], told["left_usd"], told["by"]) == (5.0, 4.9975, "run")
    assert Ledger(runs / "ledger.sqlite").left("one") == NANO - 1_250_000
    new = runs / "new"
    assert said(capsys, "cost", "--cap", 1, "--runs-dir", new).endswith("$1.000000, $1.000000 left\n")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--by", "hour"], "--by hour: one of node, model, day, run is needed"),
        (["--cap", "-1"], "--cap -1.0: a number of dollars"),
        (["--cap", "nan"], "--cap nan: a number of dollars"),
        (["one", "--cap", "1"], "`budgetml resume RUN --budget USD` sets a run's"),
        (["--csv", "--json"], "choose one of them"),
        (["three"], "unknown run 'three'"),
    ],
)
def test_a_wrong_call_is_one_line(
    runs: Path, capsys: pytest.CaptureFixture[str], words: list[str], what: str
) -> None:
    told = said(capsys, "cost", *words, "--runs-dir", runs, status=2)
    assert what in told and told.count("\n") == 1
    assert "is missing" in said(capsys, "cost", "--runs-dir", runs / "none", status=2)
    assert not (runs / "none").exists()


def test_a_node_has_a_budget_of_its_own_and_all_runs_one_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = GraphSpec.load("single_agent").set_node("coder", budget=0.0)
    spec.save(tmp_path / "graph.yaml")
    with FaultServer(respond=tiny.team) as server:
        words = [
            tiny.task(tmp_path), "--graph", tmp_path / "graph.yaml", "--models", tiny.models(tmp_path, server.url),
            "--runs-dir", tmp_path / "runs", "--history", "off", "--turns", 2,
        ]  # fmt: skip
        plan = json.loads(said(capsys, "run", *words, "--dry-run", "--json", "--project-budget", 0.1))
        assert plan["node_budgets_usd"] == {"coder": 0.0} and plan["project_left_usd"] == 0.1
        assert plan["calls"]["large"] == int(0.1 / plan["worst_case_usd"]["large"])
        assert not (tmp_path / "runs").exists()
        ended = json.loads(said(capsys, "run", *words, "--json", "--project-budget", 0.1))
        assert (
            "is left of the budget of node 'coder'" in (Path(ended["run_dir"]) / "events.jsonl").read_text()
        )
        assert set(ended["usd_by_node"]) == {"planner"} and ended["usd"] > 0
        assert ended["cut_short_by"] == "node"
        sent = len(server.requests)
        ended = json.loads(said(capsys, "run", *words, "--json", "--project-budget", ended["usd"]))
        assert ended["status"] == "finished" and ended["usd"] == 0 and len(server.requests) == sent
        assert ended["reason"].startswith("what is left of the budget does not pay for the next call: ")
        assert ended["reason"].endswith("and $0.000000 is left of the budget of the project")
        assert ended["cut_short_by"] == "project"


@pytest.mark.parametrize(
    ("caps", "by"),
    [
        ([], ""),
        ([None, "run"], "run"),
        ([None, "node", ""], "node"),  # nothing was asked for after it
        (["run", None], ""),  # a cheaper call was paid for
        (["project", None], "project"),  # but with more of it the run would have been another
        (["project", "run"], "project"),
    ],
)
def test_a_run_says_whose_budget_cut_it_short(caps: list[str | None], by: str) -> None:
    """Of each step whose budget refused its call; None where it was answered, "" where none was asked for."""
    steps = [
        Event(calls=int(cap is None), fault={"kind": "refused", "cap": cap} if cap else {}) for cap in caps
    ]
    assert cut_short_by(steps) == by


def test_the_budget_of_a_node_is_a_part_of_the_graph() -> None:
    spec = GraphSpec.load("budgetml")
    text = spec.dump()
    spec.set_node("expert", budget=0.05)
    assert "expert: {run: expert, prompt: expert, ladder: [large], budget: 0.05}" in spec.dump()
    assert GraphSpec.parse(spec.dump()) == spec and spec.nodes["expert"].budget == 0.05
    assert GraphSpec.parse(text).diff(spec) == ["~ node expert: budget none → 0.05"]
    assert spec.set_node("expert", budget=0).diff(GraphSpec.parse(text)) == [
        "~ node expert: budget 0.0 → none"
    ]
    made = GraphSpec.model_validate(spec.model_dump())
    assert "budget: 0.0" in made.dump() and GraphSpec.parse(made.dump()) == spec
    spec.set_node("expert", budget=1.5)
    from graphs.drawing.mermaid import mermaid, outline

    assert "large ≤ #36;1.5000" in mermaid(spec) and "[large ≤ $1.5000]" in outline(spec)
    assert [f.kind for f in spec.set_node("executor", budget=1).findings()] == ["idle-budget"]
    for wrong in (-1, "much", True, float("inf"), 1e6):
        with pytest.raises(GraphError, match="node 'coder': budget: "):
            spec.set_node("coder", budget=wrong)  # type: ignore[arg-type]
