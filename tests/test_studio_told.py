"""What the page is told in words, in looks and in dollars: as the cards, the picture and the ledger have it."""

import json
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent.records import steps
from budgetmlagent.studio.answers import Answers
from budgetmlagent.studio.cards import cards
from budgetmlagent.studio.catalogue import first_sentence
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.rows import worded
from graphs.drawing.arrows import looks
from graphs.files import SHIPPED
from graphs.spec import GraphSpec

SHIPPED_TEXT = (SHIPPED / "budgetml.yaml").read_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Answers of a studio, and a run of two turns under a graph of nobody else's that has cost money and was left at step 6."""
    folder = tmp_path_factory.mktemp("told").resolve()
    (folder / "own.yaml").write_text(SHIPPED_TEXT.replace("name: budgetml", "name: odd name"))
    with FaultServer(respond=tiny.team) as server:
        run = tiny.session(folder, server.url, graph=str(folder / "own.yaml"), budget=1.0)
        run.run(until=6)
        (folder / "own.yaml").unlink()
        answers = Answers(Place(folder, folder / "runs"))
        yield answers, run
        answers.driver.close()


def ask(answers, name, **body):
    return answers.answer(name, json.dumps(body).encode())


def test_a_run_s_own_graph_is_opened_judged_on_the_run_and_saved_as_a_copy(world):
    answers, run = world
    name, text = f"run:{run.run_id}", run.folder.graph.read_text()
    status, read = ask(answers, "graph", graph=name)
    assert (status, read["text"], read["read_only"]) == (200, text, True)
    assert read["view"]["name"] == "odd name" and read["code"]["command"].endswith(f"{run.run_id}/graph.yaml")
    same = ask(answers, "edit", graph=name, text=text, runs=[run.run_id])[1]
    assert same["gate"] == {"decisions": 6, "changes": [], "error": ""}
    edits = [
        {
            "do": "insert_rule",
            "node": "executor",
            "index": 1,
            "rule": {"when": "wants", "action": "improve", "to": "planner"},
        }
    ]
    other = ask(answers, "edit", graph=name, text=text, operations=edits, before=text, runs=[run.run_id])[1]
    assert [(change["run"], change["node"]) for change in other["gate"]["changes"]] == [
        (run.run_id, "executor")
    ], other
    for path in (f"runs/{run.run_id}/graph.yaml", name):
        assert ask(answers, "save", path=path, text=other["text"], hash=read["hash"])[0] == 400
    assert ask(answers, "save", path="copy.yaml", text=other["text"])[0] == 200
    assert run.folder.graph.read_text() == text
    assert ask(answers, "prompt", prompt="planner", graph=name)[1]["copy"] == "planner.md"
    assert ask(answers, "layout", graph=name, positions={"planner": [1.0, 2.0]})[1] == {"kept": False}


@pytest.mark.parametrize("name", ["run:", "run:nothing", "run:../runs", "run:/etc", "run:\0"])
def test_the_graph_of_no_run_is_one_line(world, name):
    status, reply = ask(world[0], "graph", graph=name)
    assert status == 400 and "run" in reply["error"] and "\n" not in reply["error"]


def test_what_is_offered_says_what_it_is(world):
    offered = ask(world[0], "catalogue")[1]
    tasks = {each["name"]: each["says"] for each in offered["tasks"]}
    assert (
        tasks["digits"] == "Recognise handwritten digits." and tasks["tiny"] == "Tell whether x is positive."
    )
    graphs = {each["name"]: each["says"] for each in offered["graphs"]}
    assert graphs["recall"].startswith("Memory alone") and graphs["paper"].endswith("starts cheap again.")


@pytest.mark.parametrize(
    "text, first",
    [
        ("Sort 3.5 million rows. Quickly.", "Sort 3.5 million rows."),
        ("# Digits\n\nRecognise them.", "Digits"),
        ("Which?\nThat one.", "Which?"),
        ("one line\nand another\n\n- a list", "one line and another"),
        ("", ""),
        ("x" * 1000, "x" * 300),
    ],
)
def test_the_first_sentence_is_that_of_the_first_paragraph(text, first):
    assert first_sentence(text) == first


def test_money_by_rule_and_a_refusal_are_told_as_the_cards_have_them(world):
    answers, run = world
    told = ask(answers, "run", run=run.run_id)[1]
    said = {
        (card["name"], f"{row['words']} → {row['to']}")
        for card in told["graph"]["cards"]
        for row in card["rules"]
    }
    parts = told["money"]["by_rule"]
    assert parts and {(part["node"], part["name"]) for part in parts} <= said
    rule = GraphSpec.parse(SHIPPED_TEXT).rules["planner"][0]
    assert str(rule) not in worded(run.spec, "planner", str(rule)) and f"→ {rule.to}" in worded(
        run.spec, "planner", str(rule)
    )
    assert (
        worded(run.spec, "planner", "gone → END") == worded(run.spec, "nobody", "gone → END") == "gone → END"
    )


def test_what_a_rule_saw_can_be_read():
    saw = {
        "gain": 12.3456789,
        "n": 1234567,
        "fault": "a → b",
        "none": None,
        "hopes": {"small": 5.0, "large": 1e-7},
    }
    assert (
        steps.saw(saw)
        == 'gain = 12.346, n = 1234567, fault = "a → b", none = none, hopes = {small: 5, large: 1e-07}'
    )
    assert steps.saw({"by": ["coder", 0.123456], "met": True}) == 'by = ["coder", 0.12346], met = true'
    assert steps.saw({}) == "nothing"


def test_the_page_has_the_looks_of_the_picture():
    spec = GraphSpec.load("budgetml")
    told = {card["name"]: [row["look"] for row in card["rules"]] for card in cards(spec)["cards"]}
    assert told == looks(spec)
    assert {look for row in told.values() for look in row} == {
        "usual",
        "expert",
        "up",
        "end",
        "other",
        "fault",
    }
    styles = (Path(__file__).parents[1] / "ui" / "src" / "styles" / "graph.css").read_text()
    assert all(f".row.{look} " in styles for look in ("usual", "expert", "up", "end", "fault"))


def test_a_step_says_what_is_left_as_its_most_and_what_it_usually_is(world):
    answers, run = world
    for step in range(3):
        order = {"run": run.run_id, "action": "step", "at": run.branches.step}
        price = ask(answers, "price", drive=order)[1]
        ladder = run.spec.nodes[run.next].ladder
        if ladder and ladder[min(run.state.rungs.get(run.next, 0), len(ladder) - 1)] != "recall":
            assert (
                price["usd"] == price["left"] > price["about"] > 0
                and "prompt of usual length" in price["words"]
            )
        else:
            assert (price["usd"], price["about"]) == (0.0, None)
        before = run.cost.usd
        if run.done or not run.step():
            break
        assert run.cost.usd - before <= price["usd"], f"step {step} cost more than was said"


def test_a_step_costs_no_more_than_its_node_s_own_budget_leaves(world):
    answers, run = world
    text, spent = run.spec.dump(), sum(call["usd"] for call in run.calls if call["node"] == "planner")
    run.goto(
        next(
            event["step"] for event in run.timeline if event["route"]["to"] == "planner" and event["step"] > 2
        )
    )
    spec = GraphSpec.parse(text).set_node("planner", budget=spent + 0.003, ladder=["small", "large"])
    run.graph = spec
    order = {"run": run.run_id, "action": "step", "at": run.branches.step}
    price = ask(answers, "price", drive=order)[1]
    assert price["usd"] == pytest.approx(0.003) and price["left"] > 0.5
    assert "what is left of planner's own budget" in price["words"]


@pytest.mark.parametrize(
    "seen", [{"spent": 249_998_000, "budget": 250_000_000}, {"spent": 0.249998, "budget": 0.25}]
)
def test_what_a_run_of_an_earlier_version_has_spent_is_said_in_dollars(seen):
    assert steps.saw(seen | {"fault": "refused"}) == 'spent = 0.25, budget = 0.25, fault = "refused"'
    assert steps.saw({"budget": 250_000_000}) == "budget = 250000000"  # another predicate's own


def test_why_a_run_has_ended_is_told_of_one_that_an_edited_graph_ends_too(tmp_path):
    stricter = SHIPPED_TEXT.replace(
        "{when: reached, percent: 12, aim: success, to: END}", "{when: reached, percent: 1, to: END}"
    )
    answers = Answers(Place(tmp_path, tmp_path / "runs"))
    with FaultServer(respond=tiny.team) as server:
        run = tiny.session(tmp_path, server.url, budget=1.0, turns=2)

        def told():
            reply = ask(answers, "run", run=run.run_id)[1]
            return reply["next"], reply["ended"]

        run.run(until=7)
        assert told() == ("planner", "")
        run.graph = GraphSpec.parse(stricter, "stricter")
        assert told() == ("END", "the graph as it is now ends it here")
        run.run()
        assert told() == ("END", "the aim is met")
    answers.driver.close()
