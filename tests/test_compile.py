"""The compiled step: what it refuses, what one checkpoint holds, and that the drawing is what runs."""

import sqlite3
from typing import TypedDict

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from budgetmlagent import testing
from graphs.contract import NodeContractError, declared_fields
from graphs.registry import load_node
from graphs.spec import GraphError, GraphSpec, shipped
from memory.state import Fault, Plan, RunState, Shared
from nodes.deps import Deps
from nodes.notes import NOTE_BYTES

GRAPH = """\
name: two
start: first
nodes:
  first: {{run: '{first}', ladder: [recall, small]}}
  second: {{run: 'test_compile:second'}}
rules:
  first:
    - {{when: wants, action: again, up: first, to: first}}
    - {{when: out_of_budget, to: END}}
    - {{to: second}}
  second:
    - {{to: END}}
"""


class Update(TypedDict, total=False):
    turn: Shared[int]
    plan: Shared[Plan]
    fault: Shared[Fault]
    counts: Shared[dict[str, int]]
    notes: dict[str, object]


def first(state: RunState, deps: Deps) -> Update:
    return {"turn": state.turn + 1, "plan": {"action": "again"}, "counts": {"asked": len(deps.here.model)}}


def second(state: RunState, deps: Deps) -> Update:
    return {"fault": {"kind": "seen", "detail": repr((deps.here.node, deps.here.step, state.history))}}


def undeclared(state: RunState, deps: Deps) -> Update:
    return {"head": "x"}  # type: ignore[typeddict-unknown-key]


def mutating(state: RunState, deps: Deps) -> Update:
    state.counts["leak"] = 1
    state.rungs["first"] = 1
    return {"turn": state.turn + 1, "plan": {"action": "on"}}


def verbose(state: RunState, deps: Deps) -> Update:
    return {"notes": {"first": "x" * NOTE_BYTES}}


def unannotated(state, deps):
    return {}


class Nothing:
    """The two parts that the step itself uses: nothing was spent, and one item is recalled for each node."""

    def spent(self) -> int:
        return 7

    def recall(self, node, kinds, state):
        return [{"id": f"{node}{state.turn}", "kind": "case", "similarity": 1.0, "source": "test"}]


DEPS = testing.deps(models=Nothing(), history=Nothing())


def run(function: str, tmp_path):
    graph = GraphSpec.parse(GRAPH.format(first=f"test_compile:{function}"))
    with sqlite3.connect(tmp_path / "c.sqlite", check_same_thread=False) as db:
        saver = SqliteSaver(db)
        config = {"configurable": {"thread_id": "t"}}
        end = graph.compile(DEPS, saver).invoke({"turn": 0}, config)
        return end, list(saver.list(config))


def test_one_step_is_one_checkpoint_with_decision_recall_and_money(tmp_path):
    end, checkpoints = run("first", tmp_path)
    assert [t.metadata["step"] for t in checkpoints] == [3, 2, 1, 0, -1]
    one = checkpoints[2].checkpoint["channel_values"]
    assert one["route"]["to"] == "first" and one["route"]["up"] == "first" and one["rungs"] == {"first": 1}
    assert one["spent"] == 7 and one["history"][0]["id"] == "first1"
    # On the rung "recall" the node is given no model, on the next one it is; at the top the rule is passed over.
    assert one["counts"]["asked"] == 0
    two = checkpoints[1].checkpoint["channel_values"]
    assert two["counts"]["asked"] == len("small") and two["route"]["to"] == "second"
    assert two["route"]["passed"][0]["saw"]["top_rung"] == "first"
    assert "second2" in end["fault"]["detail"] and end["history"] == []


def test_a_mutation_of_the_state_does_not_leak(tmp_path):
    end, _ = run("mutating", tmp_path)
    assert end["counts"] == {} and end["rungs"] == {} and end["turn"] == 1


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("undeclared", r"node 'first' wrote \['head'\] but declares only"),
        ("verbose", "keeps 2050 bytes of notes"),
    ],
)
def test_a_node_that_breaks_its_contract_is_refused(tmp_path, function, words):
    with pytest.raises(NodeContractError, match=words):
        run(function, tmp_path)


def test_a_graph_with_findings_is_not_compiled():
    graph = GraphSpec.parse(GRAPH.format(first="test_compile:unannotated"), check=False)
    with pytest.raises(GraphError, match="annotate its return"):
        graph.compile(DEPS)


@pytest.mark.parametrize("name", shipped())
def test_the_compiled_edges_are_the_rules_targets(name):
    graph = GraphSpec.load(name)
    drawn = graph.compile(DEPS).get_graph()
    edges = {
        (e.source, "END" if e.target == "__end__" else e.target)
        for e in drawn.edges
        if e.source != "__start__"
    }
    assert edges == {(node, rule.to) for node in graph.nodes for rule in graph.rules_of(node)}


def test_every_node_of_ours_declares_what_it_writes():
    for node in GraphSpec.load("budgetml").nodes.values():
        assert "fault" in declared_fields(load_node(node.run))
