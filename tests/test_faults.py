"""`faults`: rules that every node with a ladder has, between the rules about faults that its own list begins with and the rest."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compile import DEPS
from test_spec import specs

from graphs.diff import differences
from graphs.model import ABOUT_FAULTS, AGAIN
from graphs.policy import PREDICATES, decide, given_up
from graphs.registry import load_predicate
from graphs.retake import changed
from graphs.spec import GraphError, GraphSpec
from memory.state import RunState

RECORDINGS = (Path(__file__).parent / "recordings").rglob("graph.yaml")
RECORDED = sorted(path for path in RECORDINGS if "\nfaults:" not in path.read_text())
BASE = RunState(task={"budget": 10, "turns": 12, "direction": "max"}, turn=3, rungs={"planner": 1})
TEXT = """\
name: g
start: a   # the first
nodes:
  a: {run: planner, prompt: planner, ladder: [small, large]}
  b: {run: executor}
rules:
  a:
    - {when: missed, times: 3, up: a, to: a}   # own, first
    - {when: wants, action: finish, to: END}
    - {when: missed, times: 9, to: b}   # too late
    - {to: b}
  b:
    - {when: out_of_turns, to: END}
    - {to: a}
# what goes wrong
faults:
  - {when: given_up, times: 4, down: again, to: b}   # no more
  # once more
  - {when: missed, to: again}
# that is all
"""


def graph(text: str = TEXT) -> GraphSpec:
    return GraphSpec.parse(text, check=False)


def told(spec: GraphSpec, node: str) -> list[str]:
    return [str(rule) for rule in spec.rules_of(node)]


def go(spec: GraphSpec, node: str, kind: str, misses: int = 1, **changes: object):
    state = dataclasses.replace(BASE, fault={"kind": kind}, counts={"misses": misses}, **changes)
    return decide(node, spec.rules_of(node), state, spec.ladders, load_predicate)


def test_they_stand_between_the_own_rules_about_faults_and_the_rest():
    assert told(graph(), "a") == [
        "missed times=3 ↑a → a",
        "given_up times=4 ↓a → b",
        "missed → a",
        "wants action=finish → END",
        "missed times=9 → b",
        "otherwise → b",
    ]
    assert told(graph(), "b") == ["out_of_turns → END", "otherwise → a"]
    assert [keys for keys, _ in graph().fork("a")][:3] == [("rules", "a", 0), ("faults", 0), ("faults", 1)]


def test_the_order_decides():
    spec = graph()
    assert (
        go(spec, "a", "unparsable", 3).route["up"] == "a"
    )  # its own, though `missed` of the faults holds too
    finish = {"plan": {"action": "finish"}}
    assert go(spec, "a", "unparsable", **finish).route["to"] == "a"  # a fault, before the rest
    assert go(spec, "a", "", 0, **finish).route["to"] == "END"
    assert go(spec, "a", "refused", rungs={"a": 1}).state.rungs == {"a": 0}
    assert go(spec, "a", "busy", 4, rungs={"a": 1}).route["rule"] == "given_up times=4 ↓a → b"
    spec.set_fault(1, when="missed", to=AGAIN).set_fault(2, when="given_up", times=4, down=AGAIN, to="b")
    assert go(spec, "a", "busy", 4, rungs={"a": 1}).route["rule"] == "missed → a"


@settings(max_examples=100, deadline=None)
@given(specs)
def test_in_any_graph_a_node_has_its_own_rules_and_with_a_ladder_the_faults_in_one_place(spec):
    for node in {*spec.nodes, *spec.rules}:
        own, fork = spec.rules.get(node, []), spec.fork(node)
        assert [rule for (part, *_), rule in fork if part == "rules"] == own
        shared = [(keys, rule) for keys, rule in fork if keys[0] == "faults"]
        if node not in spec.nodes or not spec.nodes[node].ladder:
            assert not shared
            continue
        assert [rule for _, rule in shared] == [rule.at(node) for rule in spec.faults]
        before = next((i for i, (keys, _) in enumerate(fork) if keys[0] == "faults"), 0)
        assert all(rule.when in ABOUT_FAULTS for _, rule in fork[:before])
        after = fork[before + len(shared) :]
        assert all(keys[0] == "rules" for keys, _ in after)
        assert not shared or not after or after[0][1].when not in ABOUT_FAULTS


plain = st.text(st.characters(categories=["L", "Nd"], include_characters="_-. "), min_size=1, max_size=12)


BUDGETML = GraphSpec.load("budgetml")


@settings(max_examples=20, deadline=None)
@given(plain.filter(lambda name: name not in ("END", "START", "again", "__end__", "__start__")))
def test_an_added_node_of_any_name_has_them_with_a_ladder_and_not_without(name):
    spec = BUDGETML.model_copy(deep=True)
    if name in spec.nodes:
        return
    spec.insert(name, after="executor", run="expert", prompt="expert", ladder=["small"])
    assert told(spec, name) == [*(str(rule.at(name)) for rule in spec.faults), "otherwise → evaluator"]
    assert spec.findings() == []
    assert go(spec, name, "unparsable").route["rule"] == f"missed → {name}"
    assert go(spec, name, "declined").route["to"] == "planner"
    bare = BUDGETML.model_copy(deep=True).insert(name, after="executor", run="executor")
    assert told(bare, name) == ["otherwise → evaluator"]


def test_the_compiled_graph_has_their_edges():
    spec = GraphSpec.load("budgetml").insert(
        "critic", after="evaluator", run="expert", ladder=["small"], prompt="expert"
    )
    edges = {(e.source, e.target) for e in spec.compile(DEPS).get_graph().edges}
    assert {("critic", "critic"), ("critic", "planner"), ("critic", "__end__")} <= edges
    assert ("executor", "executor") not in edges


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_a_graph_of_before_has_the_rules_that_it_had(path):
    spec = GraphSpec.load(path, check=False)  # some have a node of a notebook
    assert spec.faults == [] and "faults" not in spec.dump()
    assert all(spec.rules_of(node) == spec.rules[node] for node in spec.nodes)


@pytest.mark.parametrize(
    ("kind", "misses", "holds"),
    [
        ("refused", 1, True),
        ("declined", 1, True),
        ("busy", 3, False),
        ("busy", 4, True),
        ("unparsable", 4, True),
        ("no_turn", 9, False),  # nobody was asked
        ("", 9, False),
    ],
)
def test_a_model_is_given_up_when_refused_declined_or_asked_in_vain(kind, misses, holds):
    state = dataclasses.replace(BASE, fault={"kind": kind} if kind else {}, counts={"misses": misses})
    assert given_up(state, times=4) == (holds, {"fault": kind, "misses": misses})


def test_what_is_about_faults_are_predicates():
    assert set(PREDICATES) >= ABOUT_FAULTS


# -- edited

EDITS = [
    (
        lambda g: g.set_fault(1, when="given_up", times=5, to="END"),
        ["-  - {when: given_up, times: 4, down: again, to: b}   # no more", "+  - {when: given_up, times: 5, to: END}   # no more"],
    ),
    (lambda g: g.set_fault(3, when="faulted", kind="noop", to="b"), ["+  - {when: faulted, kind: noop, to: b}"]),
    (lambda g: g.remove_fault(2), ["-  - {when: missed, to: again}"]),
    (
        lambda g: g.remove_fault(2).remove_fault(1),
        ["-faults:", "+faults: []", "-  - {when: given_up, times: 4, down: again, to: b}   # no more", "-  - {when: missed, to: again}"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "lines"), EDITS)
def test_an_edit_keeps_what_it_does_not_concern(edit, lines):
    spec = edit(graph())
    before, after = TEXT.splitlines(), spec.dump().splitlines()
    changes = [f"-{line}" for line in before if line not in after]
    changes += [f"+{line}" for line in after if line not in before]
    gone = [line for line in changes if line.strip("-+ ").startswith("#")]
    assert sorted(set(changes) - set(gone)) == sorted(lines) and len(gone) <= (lines[0] == "-faults:")
    assert graph(spec.dump()) == spec == edit(GraphSpec.model_validate(graph().model_dump()))


def test_the_first_fault_of_a_graph_is_written_at_its_end():
    spec = GraphSpec.load("recall")
    text = spec.dump()
    assert (
        spec.set_fault(1, when="given_up", times=2, to="END").dump()
        == f"{text}faults:\n  - {{when: given_up, times: 2, to: END}}\n"
    )
    flow = graph("{name: t, start: a, nodes: {a: {run: executor}}, rules: {a: [{to: END}]}}")
    assert (
        flow.set_fault(1, when="missed", to="again").dump().endswith("faults: [{when: missed, to: again}]}")
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda g: g.set_fault(6, when="missed", to="END"), "'faults' has no number 6: they are 1 to 2"),
        (lambda g: g.remove_fault(3), "'faults' has no number 3"),
        (lambda g: GraphSpec.load("recall").remove_fault(1), "'faults' has no number 1: it has none"),
        (lambda g: g.set_fault(1, when="missed", to="agian"), r"unknown node 'agian' \(did you mean 'again'"),
        (lambda g: g.set_fault(1, when="missed"), "fault 1: to: field required"),
        (lambda g: g.set_rule("a", 1, when="missed", to="again"), "unknown node 'again'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(edit, words):
    spec = graph()
    with pytest.raises(GraphError, match=words) as error:
        edit(spec)
    assert "\n" not in str(error.value) and spec.dump() == TEXT


def test_a_node_that_is_taken_out_is_led_past_by_faults_too():
    spec = graph(TEXT.replace("down: again", "down: a")).remove_node("b")
    assert [str(rule) for rule in spec.faults] == ["given_up times=4 ↓a → a", "missed → again"]
    spec = graph(TEXT.replace("down: again", "down: a")).add_node("c", run="executor").remove_node("a")
    assert [str(rule) for rule in spec.faults] == ["given_up times=4 → b", "missed → again"]
    mine = GraphSpec.load("budgetml").remove_node("expert")
    assert mine.findings() == [] and mine.faults == GraphSpec.load("budgetml").faults


def test_faults_changed_by_hand_are_not_lost_silently():
    spec = graph()
    spec.faults.pop()
    with pytest.raises(GraphError, match="`faults` was changed by hand"):
        spec.dump()


def test_a_difference_and_a_changed_decision_are_told():
    spec = graph()
    assert differences(
        graph(), spec.set_fault(2, when="missed", to="b").set_fault(3, when="faulted", kind="x", to="a")
    ) == [
        "~ fault 2: missed → again becomes missed → b",
        "+ fault 3: faulted kind=x → a",
    ]
    decision = go(graph(), "a", "unparsable")
    (change,) = changed(spec, [(7, "a", decision.state)])
    assert str(change) == "step 7, a: missed → a becomes missed → b"
    assert changed(graph(), [(7, "a", decision.state)]) == []
