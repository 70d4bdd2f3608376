"""The policy: each predicate at its borders, the order of rules, and the effects of the one that fires."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.contract import roles_of
from graphs.policy import PREDICATES, decide, gain_percent, undo
from graphs.registry import load_predicate
from graphs.spec import GraphSpec, shipped
from memory.scores import percent_better
from memory.state import RunState
from nodes.deps import REPLY_FAULTS

BUDGETML = GraphSpec.load("budgetml")
BASE = RunState(
    task={"name": "t", "direction": "max", "budget": 10, "turns": 12, "baseline": 0.5},
    turn=3,
    head="b",
    best={"attempt": "a", "score": 0.52},
    rungs={"planner": 1},
    plan={"action": "improve", "by": "small"},
)


def go(node: str, spec: GraphSpec = BUDGETML, **changes: object):
    state = dataclasses.replace(BASE, **changes)
    return decide(node, spec.rules_of(node), state, spec.ladders, load_predicate, roles_of(spec))


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"best": {}, "turn": 0, "fault": {"kind": "crash"}}, "END"),  # the starter failed
        ({"turn": 12}, "END"),
        ({"turn": 11}, "planner"),
        ({"best": {"attempt": "b", "score": 0.6}}, "planner"),  # improved
        (
            {"plan": {"action": "apply", "by": "recall"}, "fault": {"kind": "crash"}},
            "planner",
        ),  # a case is left: no model repairs
        ({"fault": {"kind": "crash"}}, "coder"),
        ({"fault": {"kind": "crash"}, "counts": {"repairs": 1}}, "coder"),
        ({"fault": {"kind": "crash"}, "counts": {"repairs": 2}}, "planner"),
        ({"fault": {"kind": "crash"}, "run": {"known": True}}, "planner"),
        ({"fault": {"kind": "time"}}, "planner"),
        (
            {"plan": {"action": "idea", "by": "recall"}, "fault": {"kind": "crash"}},
            "coder",
        ),  # a model's script
        (
            {"counts": {"failed_since_expert": 4, "ideas": 1}},
            "planner",
        ),  # advice that is paid for comes first
        ({"counts": {"failed_since_expert": 3}}, "planner"),
        ({"counts": {"failed_since_expert": 4}}, "expert"),
        ({"counts": {"failed_since_expert": 4, "lifelines": 5}}, "planner"),
        # The goal is met (10% of .5): the expert waits for twice as long.
        ({"counts": {"failed_since_expert": 5}, "best": {"attempt": "a", "score": 0.55}}, "planner"),
        ({"counts": {"failed_since_expert": 6}, "best": {"attempt": "a", "score": 0.55}}, "expert"),
    ],
)
def test_evaluator_of_budgetml(changes, target):
    assert go("evaluator", **changes).route["to"] == target


@pytest.mark.parametrize(
    ("changes", "target", "up"),
    [
        ({"rungs": {}, "fault": {"kind": "nothing_recalled"}}, "planner", "planner"),
        ({"fault": {"kind": "refused"}}, "END", None),
        ({"fault": {"kind": "unparsable"}, "counts": {"misses": 1}}, "planner", None),
        ({"fault": {"kind": "unparsable"}, "counts": {"misses": 3}}, "planner", "planner"),
        ({"fault": {"kind": "provider"}, "counts": {"misses": 3}, "rungs": {"planner": 2}}, "planner", None),
        ({"fault": {"kind": "provider"}, "counts": {"misses": 4}, "rungs": {"planner": 2}}, "END", None),
        ({"fault": {"kind": "denied"}, "counts": {"misses": 1}}, "END", None),
        ({"fault": {"kind": "busy"}, "counts": {"misses": 2}}, "planner", None),
        ({"fault": {"kind": "busy"}, "counts": {"misses": 3}}, "planner", "planner"),
        ({"fault": {"kind": "rejected"}, "counts": {"misses": 3}}, "planner", "planner"),
        ({"fault": {"kind": "rejected"}, "counts": {"misses": 4}, "rungs": {"planner": 2}}, "END", None),
        ({"turn": 7, "counts": {"planned": 6}}, "coder", None),  # half of the turns, and not more
        ({"turn": 7, "counts": {"planned": 7}}, "END", None),  # no script has run
        ({"turn": 7, "counts": {"planned": 7, "ran": 1}}, "coder", None),
        ({"turn": 9, "counts": {"planned": 3}, "spent": 9}, "coder", None),  # too early to tell
        ({"turn": 9, "counts": {"planned": 4}, "spent": 5}, "coder", None),
        ({"turn": 9, "counts": {"planned": 4}, "spent": 6}, "END", None),
        ({"plan": {"action": "expert"}}, "expert", None),
        ({"plan": {"action": "expert"}, "counts": {"lifelines": 5}}, "coder", None),
        ({"plan": {"action": "finish"}}, "END", None),
        ({"plan": {"action": "improve"}}, "coder", None),
    ],
)
def test_planner_of_budgetml(changes, target, up):
    route = go("planner", **changes).route
    assert (route["to"], route.get("up")) == (target, up)


@pytest.mark.parametrize(
    ("node", "kind", "misses", "target"),
    [
        ("coder", "busy", 3, "coder"),
        ("coder", "busy", 4, "planner"),
        ("coder", "provider", 1, "coder"),
        ("coder", "provider", 2, "planner"),
        ("coder", "rejected", 1, "planner"),
        ("coder", "denied", 1, "END"),
        ("expert", "busy", 3, "expert"),
        ("expert", "busy", 4, "planner"),
        ("expert", "thought", 1, "expert"),  # with more room
        ("expert", "thought", 2, "planner"),
        ("expert", "unparsable", 1, "planner"),  # it would be paid for twice
        ("expert", "denied", 1, "planner"),  # the team goes on without
        ("expert", "", 0, "coder"),
    ],
)
def test_faults_of_a_provider_at_coder_and_expert_of_budgetml(node, kind, misses, target):
    route, after = go(node, fault={"kind": kind} if kind else {}, counts={"misses": misses})
    assert route["to"] == target
    assert after.counts["misses"] == (misses if target == node else 0)


@pytest.mark.parametrize("graph", ["budgetml", "paper", "single_agent"])
@pytest.mark.parametrize("node", ["planner", "coder"])
def test_a_model_that_will_never_answer_ends_every_graph(graph, node):
    assert go(node, GraphSpec.load(graph), fault={"kind": "denied"}, rungs={}).route["to"] == "END"


def test_effects_begin_counts_anew_and_use_up_lifelines():
    counts = {"failed": 6, "failed_since_expert": 4, "failed_since_up": 6, "misses": 3, "lifelines": 1}
    after = go("evaluator", counts=counts).state
    assert after.counts == counts | {"failed_since_expert": 0, "lifelines": 2, "misses": 0}
    moved = go("planner", counts=counts, fault={"kind": "unparsable"}).state
    assert moved.rungs["planner"] == 2
    assert moved.counts == counts | {"failed_since_up": 0, "misses": 0, "same_action": 0, "improve_failed": 0}


def test_the_coder_moves_up_where_the_goal_is_far_and_help_was_in_vain():
    counts = {"failed_since_expert": 3, "failed_since_up": 5}
    assert "up" not in go("evaluator", counts=counts).route
    counts["failed_since_up"] = 6
    decision = go("evaluator", counts=counts)
    assert (decision.route["to"], decision.route["up"], decision.state.rungs["coder"]) == (
        "planner",
        "coder",
        1,
    )
    assert (
        "up" not in go("evaluator", counts=counts, best={"attempt": "a", "score": 0.55}).route
    )  # the goal is met
    assert "up" not in go("evaluator", counts=counts, rungs={"planner": 1, "coder": 1}).route  # no rung above


def test_down_stops_at_the_lowest_rung():
    assert go("evaluator", best={"attempt": "b", "score": 1.0}, rungs={"coder": 1}).state.rungs["coder"] == 0
    route = go("evaluator", best={"attempt": "b", "score": 1.0}, rungs={"coder": 0}).route
    assert route["to"] == "planner" and "down" not in route


@given(
    st.sampled_from(["evaluator", "planner", "coder", "expert"]),
    st.dictionaries(st.sampled_from(["failed", "misses", "lifelines", "failed_since_up"]), st.integers(0, 9)),
    st.integers(0, 2),
    st.sampled_from(["", "nothing_recalled", "crash", "unparsable", "refused"]),
)
def test_a_decision_can_be_taken_back_and_taken_again(node, counts, rung, fault):
    changes = {"counts": counts, "rungs": {"planner": rung}, "fault": {"kind": fault}, "route": {}}
    before, decision = dataclasses.replace(BASE, **changes), go(node, **changes)
    back = undo(decision.state)
    assert (back.rungs, back.counts, back.route) == (before.rungs, before.counts, {})
    assert (
        decide(node, BUDGETML.rules_of(node), back, BUDGETML.ladders, load_predicate, roles_of(BUDGETML))
        == decision
    )


def test_the_route_tells_rule_values_and_what_was_passed_over():
    route = go("evaluator", counts={"failed_since_expert": 4}).route
    assert route["rule"].startswith("stuck attempts=4") and route["rule"].endswith("→ expert")
    assert route["saw"] == {"failed": 4, "since": "expert", "lifelines": 0, "gain": 4.0}
    assert [p["rule"].split()[0] for p in route["passed"]] == [
        "baseline_failed", "average_left", "averaged", "out_of_turns", "reached", "had_turns", "improved", "case_left", "crashed", "overran", "balked",
        "idea_left", "pays", "pays", "vain",
    ]  # fmt: skip


def test_what_a_rule_saw_of_money_is_dollars():
    state = dataclasses.replace(BASE, task={"budget": 250_000_000}, spent=100_000)
    assert PREDICATES["out_of_budget"](state).saw == {"spent": 0.0001, "budget": 0.25, "fault": ""}


def test_paper_shares_lifelines_between_cascade_and_planner():
    paper = GraphSpec.load("paper")
    miss = {"fault": {"kind": "unparsable"}, "rungs": {}}
    assert go("planner", paper, **miss, counts={"misses": 3, "lifelines": 4}).route.get("up") == "planner"
    assert go("planner", paper, **miss, counts={"misses": 3, "lifelines": 5}).route.get("up") is None
    again = {"plan": {"action": "improve"}, "rungs": {}}
    assert go("planner", paper, **again, counts={"same_action": 2}).route["to"] == "coder"
    assert go("planner", paper, **again, counts={"same_action": 3}).route.get("up") == "planner"


@pytest.mark.parametrize("direction, base, best, percent", [
    ("max", 0.5, 0.55, 10.0), ("min", 2.0, 1.5, 25.0), ("max", -1.0, -0.5, 50.0), ("min", 0.0, 1.0, -100.0),
    ("max", None, 1.0, None),
])  # fmt: skip
def test_percent_better(direction, base, best, percent):
    assert percent_better(base, best, direction) == percent
    state = dataclasses.replace(BASE, task={"direction": direction, "baseline": base}, best={"score": best})
    assert gain_percent(state) == percent


@settings(deadline=None)  # the first look at a graph reads its file
@given(
    node=st.sampled_from(list(BUDGETML.nodes)),
    graph=st.sampled_from(shipped()),
    turn=st.integers(0, 20),
    kind=st.sampled_from(["", "crash", "unparsable", "nothing_recalled", "time", "noop", *REPLY_FAULTS]),
    action=st.sampled_from(["", "apply", "improve", "expert", "finish"]),
    rungs=st.dictionaries(st.sampled_from(["planner", "coder"]), st.integers(0, 2)),
    counts=st.dictionaries(
        st.sampled_from(["failed", "failed_since_expert", "misses", "repairs", "lifelines", "same_action"]),
        st.integers(0, 9),
    ),
)
def test_some_rule_always_holds_and_no_role_leaves_its_ladder(node, graph, turn, kind, action, rungs, counts):
    spec = GraphSpec.load(graph)
    if node not in spec.nodes:
        return
    rungs = {role: min(rung, len(spec.ladders.get(role, ("",))) - 1) for role, rung in rungs.items()}
    decision = go(
        node, spec, turn=turn, fault={"kind": kind}, plan={"action": action}, rungs=rungs, counts=counts
    )
    assert decision.route["to"] in {*spec.nodes, "END"}
    assert all(0 <= rung < len(spec.ladders.get(role, ("",))) for role, rung in decision.state.rungs.items())


def test_predicates_change_nothing():
    before = dataclasses.asdict(BASE)
    arguments = {
        "reached": {"percent": 1},
        "crashed": {"repairs": 1},
        "stuck": {"attempts": 1},
        "wants": {"action": "x"},
    }
    arguments |= {
        "hopeless": {"share": 0.5},
        "repeated": {"times": 1},
        "faulted": {"kind": "x"},
        "given_up": {"times": 4},
        "had_turns": {"share": 0.3, "model": "small"},
        "overran": {"repairs": 1},
        "pays": {"model": "large", "turn": 0.1, "goal": 10, "met": 0.005},
        "vain": {"model": "small", "below": 1, "reached": 10},
        "balked": {"model": "large", "times": 1},
    }
    arguments |= {name: {"model": "large", "than": "small"} for name in ("beyond", "within")}
    for name, predicate in PREDICATES.items():
        predicate(BASE, **arguments.get(name, {}))
    assert dataclasses.asdict(BASE) == before


def test_what_is_behind_an_idea_is_tried_by_the_free_rung():
    after = go("expert", rungs={"planner": 2}, counts={"ideas": 2}, plan={"action": "expert"})
    assert (after.route["to"], after.state.rungs["planner"]) == ("coder", 1)
    tried = go("evaluator", rungs=after.state.rungs, counts={"ideas": 2}, plan={"action": "expert"})
    assert (tried.route["to"], tried.state.rungs["planner"]) == ("planner", 0)
    assert tried.route["rule"].startswith("idea_left") and tried.route["saw"] == {"ideas": 2}
    assert not go("evaluator", counts={"ideas": 0}).route["rule"].startswith("idea_left")
