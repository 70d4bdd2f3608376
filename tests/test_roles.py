"""Nodes are known by what they declare: under other names, and doubled, the team works as before."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

import pytest
import tiny
from fault_server import FaultServer
from typer.testing import CliRunner

from budgetmlagent import GraphSpec, Session
from budgetmlagent.cli.app import app
from budgetmlagent.records.events import Event
from graphs.contract import supplied_history
from graphs.drawing.overlay import tally
from graphs.finding import GraphError
from graphs.linter.graph import losses
from graphs.policy import Verdict
from memory.state import RunState, Shared
from nodes.declares import declares
from nodes.deps import Deps

RECORDING = Path(__file__).parent / "recordings" / "distances"
OTHER = {
    "planner": "chooser",
    "coder": "writer",
    "executor": "runner",
    "evaluator": "judge",
    "expert": "sage",
}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(respond=tiny.team) as server:
        yield server


def renamed(text: str) -> str:
    """Give the nodes of a graph's file other names; functions, prompts and actions keep theirs."""
    for name, other in OTHER.items():
        text = re.sub(rf"^(  |start: ){name}\b", rf"\1{other}", text, flags=re.MULTILINE)
        text = re.sub(rf"\b(to|up|down): {name}\b", rf"\1: {other}", text)
    return text


def replayed(graph: str, runs: Path) -> Session:
    config = json.loads((RECORDING / "config.json").read_text())
    session = Session(
        config["task"], graph, f"replay:{RECORDING}", config["budget"] / 1e9, config["turns"], config["seed"],
        config["history"], runs,
    )  # fmt: skip
    session.run()
    return session


def test_a_recorded_run_under_other_names_is_the_same_run(tmp_path: Path) -> None:
    text = (RECORDING / "graph.yaml").read_text()
    (tmp_path / "other.yaml").write_text(renamed(text))
    spec = GraphSpec.load(tmp_path / "other.yaml")
    assert set(spec.nodes) == set(OTHER.values()) and not losses(spec)
    session = replayed(str(tmp_path / "other.yaml"), tmp_path / "runs")
    recorded = [json.loads(line) for line in (RECORDING / "events.jsonl").read_text().splitlines()]
    assert [e.node for e in session.timeline] == [OTHER[e["node"]] for e in recorded]
    assert [e.route["to"] for e in session.timeline] == [OTHER.get(e["route"]["to"], "END") for e in recorded]
    assert [[i["id"] for i in e.history] for e in session.timeline] == [
        [i["id"] for i in e["history"]] for e in recorded
    ]
    assert [e.score for e in session.timeline] == [e["score"] for e in recorded]
    assert [bool(e.attempt) for e in session.timeline] == [bool(e["attempt"]) for e in recorded]
    told, was = session.summary, json.loads((RECORDING / "run.json").read_text())
    for key in ("usd", "calls", "expert_calls", "best", "gain_pct"):
        assert told[key] == was[key], key
    assert [m["step"] for m in told["escalations"]] == [m["step"] for m in was["escalations"]]
    assert set(told["usd_by_node"]) == {OTHER[name] for name in was["usd_by_node"]}


def test_an_expert_of_another_name_is_asked_about_told_drawn_and_counted(
    tmp_path: Path, server: FaultServer
) -> None:
    text = renamed(GraphSpec.load("budgetml").dump())
    text = re.sub(
        r"^  judge:\n",
        "  judge:\n    - {when: stuck, attempts: 1, lifelines: 1, to: sage}\n",
        text,
        flags=re.MULTILINE,
    )
    (tmp_path / "g.yaml").write_text(text)
    session = tiny.session(tmp_path, server.url, graph=str(tmp_path / "g.yaml"), turns=3, approve="expert")
    session.run()
    if session.question is None:
        pytest.fail(f"nobody was asked: {session.summary['reason']}")
    assert session.question["node"] == "sage"
    session.approve().run()
    assert session.summary["expert_calls"] == 1 and session.cost.usd > 0
    (move,) = [m for m in session.summary["escalations"] if m["to"] == "sage"]
    assert move["from"] == "judge" and "stuck" in str(session.why())
    assert ("judge", "sage") in tally(session.graph, session.timeline).escalated
    (step,) = [e for e in session.timeline if e.node == "sage"]
    assert step.role == "expert" and {item["kind"] for item in step["history"]} <= {"case", "repair"}
    before = next(e for e in session.timeline if e.route["to"] == "sage")
    assert {item["kind"] for item in before.history} == {"attempt"}, "the expert reads what was tried"


class Update(TypedDict, total=False):
    fault: Shared[dict[str, str]]


@declares(recalls=("cases", "attempts"))
def librarian(state: RunState, deps: Deps) -> Update:
    return {}


def silent(state: RunState, deps: Deps) -> Update:
    return {}


class Memory:
    """A history that supplies one item of each kind that it is asked for, named after it; nothing is spent."""

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[dict[str, Any]]:
        return [{"id": kind, "kind": "case", "similarity": 1.0, "source": node} for kind in kinds]

    def spent(self) -> int:
        return 0


GRAPH = """\
name: g
start: first
nodes:
  first: {run: "test_roles:silent"}
  second: {run: "test_roles:%s"%s}
rules:
  first:
    - {to: second}
  second:
    - {to: END}
"""


@pytest.mark.parametrize(
    ("function", "override", "supplied"),
    [
        ("librarian", "", ["cases", "attempts"]),
        ("silent", "", []),
        ("silent", ", recalls: [attempts, cases]", ["attempts", "cases"]),
        ("librarian", ", recalls: [repairs]", ["repairs"]),
        ("librarian", ", recalls: []", []),
    ],
)
def test_a_node_gets_what_it_declares_or_what_the_graph_says(
    function: str, override: str, supplied: list[str]
) -> None:
    memory = Memory()
    deps = Deps(memory, None, None, None, None, memory, None, None)  # type: ignore[arg-type]
    spec = GraphSpec.parse(GRAPH % (function, override))
    steps = list(spec.compile(deps).stream({"turn": 0}, stream_mode="values"))
    assert [item["id"] for item in steps[1]["history"]] == supplied
    assert GraphSpec.parse(spec.dump()) == spec
    spec.set_node("second", recalls=("highlights",))
    assert "recalls: [highlights]" in spec.dump() and supplied_history(spec.nodes["second"]) == (
        "highlights",
    )


def test_an_unknown_kind_is_named_with_its_place() -> None:
    with pytest.raises(GraphError, match=r"<graph>:5:\d+: node 'second': recalls: 0: .*'cases'.* not 'case'"):
        GraphSpec.parse(GRAPH % ("silent", ", recalls: [case]"))


def even(state: RunState) -> Verdict:
    return Verdict(state.turn % 2 == 0, {"turn": state.turn})


def test_two_planners_get_their_cases_and_do_not_repeat_each_other(
    tmp_path: Path, server: FaultServer
) -> None:
    spec = GraphSpec.load("recall").add_node("scout", run="planner", prompt="planner", ladder=("recall",))
    for index, rule in enumerate(spec.rules["planner"], 1):
        spec.set_rule("scout", index, **rule.model_dump())
    spec.connect("evaluator", "scout", when="test_roles:even").save(tmp_path / "two.yaml")
    session = tiny.session(tmp_path, server.url, graph=str(tmp_path / "two.yaml"), turns=3, history="run")
    planned: list[Event] = []
    while len(planned) < 3 and (step := session.step()):  # what comes of the third case tells nothing more
        planned += [step] if step.role == "planner" else []
    assert [step.node for step in planned] == ["scout", "planner", "scout"], session.summary["reason"]
    assert len({step.plan["case"] for step in planned if step.plan["action"] == "apply"}) == 3
    ahead = [step for step in session.timeline if step.route["to"] in ("planner", "scout")]
    assert all(any(item["kind"] == "case" for item in step.history) for step in ahead)
    assert set(tally(session.graph, session.timeline).runs) >= {"scout", "planner"}


def reader(state: RunState, deps: Deps) -> Update:
    return {"fault": {"kind": "", "detail": str(len(state.history))}}


def test_the_linter_notes_a_function_that_reads_a_history_that_it_does_not_ask_for() -> None:
    (note,) = losses(GraphSpec.parse(GRAPH % ("reader", "")))
    assert note.line == 5 and "node 'second'" in note.what and "declares no kinds of history" in note.what
    assert not losses(GraphSpec.parse(GRAPH % ("reader", ", recalls: []")))
    assert not losses(GraphSpec.parse(GRAPH % ("silent", "")))


@declares(role="planer", recalls="cases")  # type: ignore[arg-type]
def mistyped(state: RunState, deps: Deps) -> Update:
    return {}


@declares(role="planer")  # type: ignore[arg-type]
def no_role(state: RunState, deps: Deps) -> Update:
    return {}


@pytest.mark.parametrize(
    ("function", "what"),
    [("mistyped", "no kind 'c'; there are cases"), ("no_role", "no role 'planer' .did you mean 'planner'")],
)
def test_a_node_that_declares_what_there_is_not_is_refused(function: str, what: str) -> None:
    with pytest.raises(GraphError, match=f"node 'second': {function}: .*{what}"):
        GraphSpec.parse(GRAPH % (function, ""))


def test_the_linter_notes_what_a_doubled_node_goes_without(tmp_path: Path) -> None:
    spec = GraphSpec.load("budgetml")
    spec.add_node(
        "scout", run="planner", prompt="planner", ladder=("recall", "small"), recalls=("highlights",)
    )
    spec.connect("scout", "coder")
    at = next(i for i, rule in enumerate(spec.rules["evaluator"], 1) if rule.when == "case_left")
    spec.set_rule("evaluator", at, when="case_left", to="scout")
    spec.save(tmp_path / "two.yaml")
    told = CliRunner().invoke(app, ["graph", "lint", str(tmp_path / "two.yaml")])
    line = next(n for n, text in enumerate(spec.dump().splitlines(), 1) if text.startswith("  scout: {"))
    assert told.exit_code == 0, told.output
    notes = [text for text in told.output.splitlines() if "note:" in text]
    assert len(notes) == 2 and all(f"two.yaml:{line}:3: note: node 'scout'" in note for note in notes)
    assert (
        "never gets to small" in told.output and "planner asks for cases, ideas, similar too" in told.output
    )
