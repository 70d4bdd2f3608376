"""The gate: which recorded decisions an edited graph would take otherwise, told without a model."""

import json
from pathlib import Path

import pytest
from test_recordings import RECORDINGS, replay

from budgetmlagent.cli import call
from graphs.contract import roles_of
from graphs.policy import decide
from graphs.registry import load_predicate
from graphs.retake import changed
from graphs.spec import GraphSpec
from memory.state import RunState

GRAPH = GraphSpec.load("budgetml")
TASK = {"direction": "max", "turns": 12, "baseline": 0.5}
PLAN = {"action": "improve", "by": "small"}


def decided(node: str, **state: object) -> RunState:
    """A state as the step of `node` leaves it in the checkpoint."""
    before = RunState(task=TASK, plan=PLAN, turn=3, head="b", best={"attempt": "a", "score": 0.52}, **state)
    return decide(node, GRAPH.rules_of(node), before, GRAPH.ladders, load_predicate, roles_of(GRAPH)).state


DECISIONS = [
    (
        2,
        "evaluator",
        decided("evaluator", rungs={"planner": 1}, counts={"failed_since_expert": 3}),
    ),  # the planner
    (
        5,
        "evaluator",
        decided("evaluator", rungs={"planner": 1}, counts={"failed_since_expert": 4}),
    ),  # the expert
    (6, "expert", decided("expert", rungs={"planner": 1}, counts={"lifelines": 1})),
    (
        9,
        "evaluator",
        decided("evaluator", rungs={"planner": 1}, counts={"failed_since_expert": 9, "lifelines": 1}),
    ),
    (11, "planner", decided("planner", fault={"kind": "nothing_recalled"}, counts={"misses": 1})),  # moves up
]


def place(node: str, when: str) -> int:
    """Where the first rule with this predicate stands among a node's."""
    return next(i for i, rule in enumerate(GRAPH.rules[node], 1) if rule.when == when)


def edited(**rule: object) -> GraphSpec:
    graph = GRAPH.model_copy(deep=True)
    return graph.set_rule(
        "evaluator",
        place("evaluator", "stuck"),
        **{"when": "stuck", "since": "expert", "lifelines": 5, "goal": 10, "to": "expert", **rule},
    )


def steps(graph: GraphSpec) -> list[int]:
    return [change.step for change in changed(graph, DECISIONS)]


def test_nothing_changes_under_the_same_graph_or_an_equal_policy():
    assert steps(GRAPH) == []
    assert steps(GRAPH.model_copy(deep=True).connect("expert", "coder", when="improved")) == []
    # Another rule's text, but the same decision with the same effects.
    assert steps(edited(attempts=4, goal=11)) == []


@pytest.mark.parametrize(("attempts", "expected"), [(3, [2]), (4, []), (5, [5]), (10, [5])])
def test_a_threshold_changes_exactly_the_decisions_between_its_values(attempts, expected):
    assert steps(edited(attempts=attempts)) == expected


def test_a_change_tells_both_decisions():
    (change,) = changed(edited(attempts=5), DECISIONS)
    assert (change.step, change.node) == (5, "evaluator")
    assert change.before.to == "expert" and change.before.rule.startswith("stuck attempts=4")
    assert change.before.saw["failed"] == 4
    assert change.after and (change.after.to, change.after.rule) == ("planner", "otherwise → planner")
    assert str(change).startswith("step 5, evaluator: stuck attempts=4") and str(change).endswith(
        "becomes otherwise → planner"
    )


def test_other_effects_are_a_change_though_the_target_is_the_same():
    assert steps(edited(attempts=4, lifelines=0)) == [5, 9]  # no lifeline is used up
    graph = GRAPH.model_copy(deep=True)
    assert steps(
        graph.set_rule("planner", place("planner", "nothing_recalled"), when="nothing_recalled", to="planner")
    ) == [11]  # no move up


def test_a_node_that_is_not_in_the_graph_any_more_is_a_change():
    changes = changed(GRAPH.model_copy(deep=True).remove_node("expert"), DECISIONS)
    assert [change.step for change in changes] == [5, 6, 9]
    assert changes[1].after is None and "not in the graph any more" in str(changes[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    session = replay(RECORDINGS[0], tmp_path_factory.mktemp("runs"))
    session.run()
    return session.folder.root


def test_the_command_tells_what_changes_in_a_run_and_returns_1(run, tmp_path, capsys):
    same = ["graph", "gate", str(run / "graph.yaml"), run.name, "--runs-dir", str(run.parent)]
    assert call(same) == 0
    summary = json.loads((run / "run.json").read_text())
    assert capsys.readouterr().out == f"0 of {summary['steps']} decisions change under budgetml\n"
    path = tmp_path / "eager.yaml"
    GraphSpec.load(run / "graph.yaml").set_rule("evaluator", 9, to="END").remove_rule("evaluator", 4).save(
        path
    )
    assert call(["graph", "gate", str(path), str(run), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["decisions"] == summary["steps"] and told["changes"]
    assert {change["node"] for change in told["changes"]} == {"evaluator"}
    assert all(
        change["before"]["to"] == "planner" and change["after"]["to"] == "END" for change in told["changes"]
    )
    assert call(["graph", "gate", str(path), str(run), str(run)]) == 1  # the same run is judged once
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": step")[0] for line in lines[:-1]] == [run.name] * len(told["changes"])
    assert lines[-1] == f"{len(lines) - 1} of {summary['steps']} decisions change under budgetml"
    assert call(["graph", "gate", str(path), "nowhere", "--runs-dir", str(run.parent)]) == 2


def test_diff_tells_the_differences_of_two_graphs(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    edited(attempts=5).save(path)
    assert call(["graph", "diff", "budgetml", str(path)]) == 1
    assert capsys.readouterr().out.startswith(
        f"~ rule evaluator {place('evaluator', 'stuck')}: stuck attempts=4"
    )
    assert call(["graph", "diff", "budgetml", str(path), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert call(["graph", "diff", "budgetml", "budgetml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
