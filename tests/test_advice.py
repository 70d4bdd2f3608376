"""Advice is an asset: an expert's answer is ideas, each kept, tried one by one, found again, and never paid for twice."""

import json
import re
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from typer.testing import CliRunner

from budgetmlagent import GraphSpec, Session
from budgetmlagent.cli.app import app
from memory.ideas import SUNK

ADVICE = """Diagnosis: the sign of x is ignored.

1. **What**: write label one for every row. Why: x may lean to one side. Gain: small.
2. Compare x with zero and write the result, in the line that writes the rows. Gain: large.
3. Compare x with ten in the line that writes the rows. Gain: unknown.
"""
ONES = tiny.STARTER.replace(
    "{row['id']},0", "{row['id']},{1 - int(float(row['x']) > -99) + int(float(row['x']) > 15)}"
)
TENS = tiny.STARTER.replace("{row['id']},0", "{row['id']},{int(float(row['x']) > 10)}")
SCRIPTS = {"for every row": ONES, "with zero": tiny.GOOD, "with ten": TENS}


class Team:
    """A planner that only wants to see another seed, an expert with three ideas, and a coder that does what it is told."""

    def __init__(self) -> None:
        self.advised = ADVICE
        self.instructions: list[str] = []

    def __call__(self, body: dict) -> Turn:
        system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
        if "response_format" in body or "JSON" in system:
            plan = {"action": "improve", "case": "", "change": "", "instruction": "print a number more"}
            return Turn(json.dumps(plan), tokens_in=100, tokens_out=20)
        if "senior" in system:
            return Turn(self.advised, tokens_in=80, tokens_out=90)
        self.instructions.append(asked.split("with this change: ")[-1].splitlines()[0])
        script = next((SCRIPTS[words] for words in SCRIPTS if words in self.instructions[-1]), None)
        script = script or tiny.STARTER + f"print({len(self.instructions)})\n"
        return Turn(f"```python\n{script}```\n", tokens_in=200, tokens_out=90)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("advice")


@pytest.fixture(scope="module")
def team():
    return Team()


@pytest.fixture(scope="module")
def server(team):
    with FaultServer(respond=team) as server:
        yield server


@pytest.fixture(scope="module")
def graph(place: Path) -> str:
    """The shipped graph without its bank's cases, with an expert that is asked after one attempt that brought nothing."""
    spec = GraphSpec.load("budgetml")
    spec.set_node("planner", recalls=("ideas", "highlights"))
    at = next(i for i, rule in enumerate(spec.rules["evaluator"], 1) if rule.when == "stuck")
    spec.set_rule("evaluator", at, when="stuck", attempts=1, since="expert", lifelines=1, to="expert")
    spec.save(place / "advised.yaml")
    return str(place / "advised.yaml")


@pytest.fixture(scope="module")
def first(place, server, graph) -> Session:
    """A run that asks the expert once, tries two of its three ideas, and is remembered."""
    session = tiny.session(place, server.url, graph=graph, turns=2, history="all")
    session.run()
    return session


def plans(session: Session) -> list[tuple[str, str, str]]:
    """Each attempt's action, who chose it, and the idea that it is, by its number in the advice."""
    told = [(e.plan["action"], e.plan["by"], e.plan["instruction"]) for e in session.timeline if e.attempt]
    numbers = {words: str(i) for i, words in enumerate(("for every row", "with zero", "with ten"), start=1)}
    return [
        (action, by, next((n for words, n in numbers.items() if words in said), ""))
        for action, by, said in told
    ]


def test_one_answer_is_tried_idea_by_idea(first, team):
    assert plans(first) == [
        ("baseline", "", ""), ("improve", "small", ""), ("expert", "large", "1"), ("idea", "recall", "2"),
    ]  # fmt: skip
    assert first.summary["expert_calls"] == 1 and first.summary["best"] == 1.0
    chosen = next(e for e in first.timeline if e.plan.get("action") == "idea")
    assert (chosen.node, chosen.calls, chosen.usd) == ("planner", 0, 0), (
        "nobody was asked for the second idea"
    )
    # What a model wrote is quoted where another one reads it.
    assert [said[:9] for said in team.instructions[:3]] == ["print a n", '"What: wr', '"Compare ']
    assert first.state.counts["ideas"] == 1


def test_a_second_run_begins_with_what_helped_and_asks_no_expert(first, place, server, graph):
    again = tiny.session(place, server.url, graph=graph, turns=2, history="all")
    again.run()
    # The idea that helped, then the one that nobody has tried; the first, which did not help, is not tried again.
    assert plans(again) == [("baseline", "", ""), ("idea", "recall", "2"), ("idea", "recall", "3")]
    assert again.summary["expert_calls"] == 0 and again.summary["best"] == 1.0
    assert next(e.score for e in again.timeline if e.turn == 1 and e.attempt) == 1.0, "at its first turn"
    offered = {i["what"][:9]: i for i in again.history(3) if i["kind"] == "idea"}
    assert {one["status"] for one in offered["What: wri"]["tries"]} == {"discard"} and offered["What: wri"][
        "rank"
    ] == SUNK
    assert offered["Compare x"]["source"].startswith(f"{first.run_id}/")
    # Control: with nothing remembered the same run began with a model's plan, and paid for the expert.
    assert plans(first)[1] == ("improve", "small", "") and first.summary["expert_calls"] == 1


def test_where_an_idea_comes_from_is_told(first, place):
    step = next(e.step for e in first.timeline if e.plan.get("action") == "idea")
    asked = next(e for e in first.timeline if e.role == "expert")
    place_of = f"said by large at step {asked.step} of run {first.run_id} (task tiny), in an answer for ${asked.usd:.4f}"
    runner, runs = CliRunner(), ["--runs-dir", str(place / "runs")]
    why = runner.invoke(app, ["why", first.run_id, str(step), *runs]).output
    assert f"the idea: {place_of}; not tried yet" in why
    assert (
        f"at step {asked.step} of this run"
        in runner.invoke(app, ["why", first.run_id, str(asked.step), *runs]).output
    )
    assert json.loads(runner.invoke(app, ["why", first.run_id, str(step), *runs, "--json"]).output)[
        "idea"
    ].startswith("said by")
    assert place_of in runner.invoke(app, ["show", first.run_id, *runs]).output
    assert place_of in first._repr_mimebundle_()["text/html"]
    export = runner.invoke(app, ["export", first.run_id, "--out", str(place / "page"), *runs])
    assert export.exit_code == 0, export.output
    assert place_of in (place / "page" / "index.html").read_text()
    listed = runner.invoke(app, ["memory", "list", "--kind", "idea", *runs]).output
    assert listed.count("Compare x with ten") >= 1
    doctor = runner.invoke(app, ["doctor", first.run_id, *runs])
    assert doctor.exit_code == 0, doctor.output


def test_a_replay_tries_the_same_ideas(first, place, graph):
    again = Session(
        str(place / "tiny"),
        graph,
        f"replay:{first.folder.root}",
        first.config.budget / 1e9,
        2,
        0,
        "all",
        place / "r",
    )
    again.run()
    assert plans(again) == plans(first)
    assert [e.recall_key for e in again.timeline] == [e.recall_key for e in first.timeline]


def test_a_task_like_it_is_offered_the_idea_too(first, tmp_path, place, server, graph):
    task = tiny.task(tmp_path, name="sibling")
    for file in task.rglob("*.*"):
        file.write_text(re.sub(r"\bx\b", "width", file.read_text()))
    sibling = Session(
        str(task), graph, str(place / "models.yaml"), turns=1, history="all", runs_dir=place / "runs"
    )
    sibling.run()
    assert plans(sibling)[1] == ("idea", "recall", "2") and sibling.summary["expert_calls"] == 0
