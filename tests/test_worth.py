"""What is worth it: the predicates that weigh gains and money at their borders, and the rules of budgetml that use them."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.contract import roles_of
from graphs.policy import PREDICATES, decide
from graphs.registry import load_predicate
from graphs.spec import GraphSpec
from graphs.worth import balked, beyond, pays, vain, within
from memory import ways
from memory.state import RunState

BUDGETML = GraphSpec.load("budgetml")
CHEAP, DEAR = 1_000_000, 20_000_000  # nano-dollars of a usual call
WEAK = {"free": False, "lines": 20, "call": 0}
ABLE = {"free": True, "lines": 300, "call": CHEAP}
LARGE = {"free": True, "lines": 300, "call": DEAR}
TWO_ABLE, WEAK_AND_LARGE = {"small": ABLE, "large": LARGE}, {"small": WEAK, "large": LARGE}
WRITES_NOTHING = {"small": WEAK | {"lines": 0}, "large": LARGE}
TWO_WEAK = {"small": WEAK, "large": {"free": False, "lines": 40, "call": DEAR}}
WRITES = {"small": WEAK, "large": {"free": False, "lines": 60, "call": DEAR}}
WEAK_HAD = {
    "models": WEAK_AND_LARGE,
    "counts": {"recalled": 3},
    "plan": {"by": "recall", "case": "c", "action": "apply", "wrote": "memory"},
}
DOLLAR = 1_000_000_000


def state(models=TWO_ABLE, score=0.5, gains=(), of="small", counts=None, task=None, **changes):
    way = {of: {"tries": len(gains), "spent": 0, "gains": list(gains)}} if gains else {}
    task = {"direction": "max", "budget": 3 * DOLLAR, "turns": 8, "baseline": 0.5, "models": models} | (
        task or {}
    )
    made = {
        "task": task, "turn": 2, "head": "b", "best": {"attempt": "a", "score": score, "lines": 50},
        "plan": {"action": "draft", "by": "small", "wrote": "small"}, "rungs": {"planner": 1},
        "counts": {"ways": way, "planned": 1} | (counts or {}),
    }  # fmt: skip
    return RunState(**made | changes)


def to(node, **changes):
    found = decide(
        node, BUDGETML.rules_of(node), state(**changes), BUDGETML.ladders, load_predicate, roles_of(BUDGETML)
    )
    return found.route["rule"].split()[0], found.route["to"], found.state


def asked(seen, **more):
    return pays(seen, model="large", turn=0.1, goal=10, met=0.005, **more)


# -- what a try is likely to bring


@pytest.mark.parametrize(
    ("skill", "lines", "gains", "hope"),
    [
        (ABLE, 500, [], 10.0),
        (ABLE, 500, [0.0, 0.0], 2.5),
        (ABLE, 500, [30.0], 20.0),
        (WEAK, 40, [], 2.0),  # it can copy what is twice as long as what it writes
        (WEAK, 41, [], 0.5),
        (WEAK, 41, [0.0], 0.25),
        (WEAK | {"edits": True}, 41, [], 2.0),  # of a longer one it can change what it is to
    ],
)
def test_each_try_moves_what_is_believed_halfway_to_its_gain(skill, lines, gains, hope):
    seen = state({"m": skill}, gains=gains, of="m", best={"score": 0.5, "lines": lines})
    assert ways.hope(seen, "m") == hope and ways.hope(seen, "nobody") == 0.0


@given(st.lists(st.floats(0, 1e6), max_size=30))
def test_hope_stays_between_what_was_believed_and_what_was_gained(gains):
    counts = {}
    for gain in gains:
        counts = ways.counted(counts, "m", gain, spent=7)
    seen = state({"m": ABLE}, counts=counts)
    assert 0 <= ways.hope(seen, "m") <= min(ways.MOST, max([10.0, *gains])) + 0.01
    assert ways.cost(seen, "m") == (7 if gains else CHEAP)
    assert len(counts.get("ways", {}).get("m", {"gains": []})["gains"]) <= ways.NEWEST


@pytest.mark.parametrize(
    ("skill", "tries", "gain", "hope"),
    [
        (ABLE, 0, 0.0, 10.0),
        (ABLE, 1, 0.0, 7.5),  # one try makes no belief
        (ABLE, 30, 0.0, 0.909),
        (WEAK, 3, 8.0, 4.25),
    ],
)
def test_what_tries_brought_in_other_runs_is_believed_before_the_first_one_here(skill, tries, gain, hope):
    known = {"known": {"tries": tries, "gain": gain, "spent": 7}} if tries else {}
    seen = state({"m": skill | known, "n": ABLE})
    assert ways.hope(seen, "m") == hope and ways.hope(seen, "n") == 10.0
    assert ways.cost(seen, "m") == (7 if tries else skill["call"]) and ways.cost(seen, "n") == CHEAP
    assert ways.tries_known(seen) == ({"m": tries} if tries else {})
    here = {"ways": {"m": {"tries": 2, "spent": 10, "gains": [0.0]}}}
    tried = state({"m": skill | known}, counts=here)
    assert ways.cost(tried, "m") == 5 and ways.hope(tried, "m") == pytest.approx(hope / 2, abs=1e-3)


def test_where_the_dear_one_brought_nothing_in_other_runs_it_is_not_asked_and_why_tells_of_it():
    known = {"known": {"tries": 20, "gain": 0.0, "spent": 2 * DEAR}}
    models = {"small": ABLE, "large": LARGE | known}
    seen = state(models, gains=[0.0])
    assert asked(state(gains=[0.0])).holds and not asked(seen).holds
    assert asked(seen).saw["tries_elsewhere"] == {"large": 20}
    assert "tries_elsewhere" not in asked(state()).saw
    weak = {"small": WEAK | {"known": {"tries": 9, "gain": 20.0, "spent": 0}}}
    verdict = vain(state(weak, score=0.6), model="small", below=1, reached=10)
    assert not verdict.holds and verdict.saw["tries_elsewhere"] == 9


def test_a_try_is_counted_to_the_dearest_model_that_took_part():
    assert ways.dearest(state(), ("small", "large")) == "large"
    assert ways.dearest(state(), ("recall", "memory", "small")) == "small"
    assert ways.dearest(state(), ("recall", "memory")) == ""


# -- the predicates


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, False),  # the cheap one is as likely to help
        ({"gains": [0.0]}, True),  # its first draft failed, and the money is there
        ({"gains": [0.0], "task": {"budget": 50_000_000}}, False),  # little money: another cheap try
        (
            {"gains": 4 * [0.0], "task": {"budget": 50_000_000}},
            False,
        ),  # what the cheap one looks for in vain is hard to find
        ({"gains": 7 * [0.0], "task": {"budget": 50_000_000}}, True),
        ({"gains": [0.0], "spent": 3 * DOLLAR - DEAR + 1}, False),  # it cannot be paid for
        ({"gains": [0.0, 0.0], "of": "large"}, False),
        ({"gains": [0.0], "counts": {"lifelines": 5}}, True),  # without `lifelines` they do not matter
        (
            {"gains": 4 * [0.0], "of": "large", "counts": {"failed": 4}},
            False,
        ),  # it has tried, though no rule with `lifelines` led to it
        ({"gains": [0.0], "models": TWO_WEAK}, False),  # the dear one does not plan freely
        ({"models": WEAK_AND_LARGE}, True),  # before the weak one is asked at all
        ({"models": {"large": LARGE}}, False),  # nobody is cheaper
        ({"models": {}}, False),
    ],
)
def test_the_dear_one_is_asked_where_it_is_worth_more_for_its_money(changes, holds):
    assert asked(state(**changes)).holds is holds


def test_pays_tells_the_numbers_and_heeds_fault_goal_and_lifelines():
    failed = state(gains=[0.0])
    saw = asked(failed).saw
    assert saw["hopes"] == {"small": 5.0, "large": 7.5} and (saw["left"], saw["gain"]) == (3.0, 0.0)
    assert saw["prices"] == {"small": 0.051, "large": 0.07}
    assert not asked(failed, after="noop").holds
    assert asked(dataclasses.replace(failed, fault={"kind": "noop"}), after="noop").holds
    assert asked(state(gains=[0.0], score=0.549)).holds
    met = state(gains=[0.0], score=0.55)  # what is had weighs more than what may come
    assert not asked(met).holds and asked(met).saw["prices"]["small"] == 0.0035
    assert asked(state(gains=5 * [0.0], score=0.55)).holds
    assert not pays(state(gains=5 * [0.0], score=0.55), model="large", turn=0.1, goal=10).holds
    assert pays(state(gains=5 * [0.0], score=0.549), model="large", turn=0.1, goal=10).holds
    assert not asked(failed, unless="small").holds
    advised = state(gains=[0.0], fault={"kind": "noop"}, plan={"action": "expert"})
    assert asked(advised).holds and not asked(advised, after="noop").holds  # its own advice came to it
    assert not asked(state(gains=[0.0], counts={"ideas": 1})).holds  # some advice is left
    assert asked(state(WEAK_AND_LARGE), unless="small").holds
    for used, holds in ((4, True), (5, False)):
        assert asked(state(gains=[0.0], counts={"lifelines": used}), lifelines=5).holds is holds


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({"models": TWO_WEAK, "score": 0.55}, True),  # it can only move a number of so long a script
        ({"models": TWO_WEAK, "score": 0.549}, False),  # the goal is not met
        ({"models": TWO_WEAK, "score": 0.55, "counts": {"ideas": 1}}, False),
        ({"score": 0.55}, False),
        ({"score": 0.55, "gains": [0.0] * 8}, False),  # a capable one goes on
        ({"models": WEAK_AND_LARGE, "score": 0.55, "gains": [0.0] * 8}, False),  # or another one does
        ({"models": WRITES, "score": 0.55, "gains": [0.0] * 8}, False),  # as long as money and turns last
        ({"models": WRITES, "score": 0.55, "gains": [0.0] * 8, "of": "large"}, False),
        ({"models": WRITES, "score": 0.55, "task": {"aim": "success"}}, True),  # success is had
        ({"models": WEAK_AND_LARGE, "score": 0.55, "gains": [0.0] * 2, "task": {"aim": "success"}}, True),
        ({"models": TWO_ABLE, "score": 0.55, "task": {"aim": "success"}}, False),
        ({"models": TWO_WEAK, "score": 0.55, "gains": [40.0, *5 * [0.0]]}, True),
        ({"models": TWO_WEAK, "score": 0.55, "gains": [40.0, *4 * [0.0]]}, False),  # it has brought much
        ({"models": {}, "score": 0.55}, False),  # of an older run nothing is known
    ],
)
def test_the_end_is_near_where_the_goal_is_met_and_little_is_to_be_hoped_for(changes, holds):
    assert vain(state(**changes), model="small", below=1, reached=10).holds is holds


@pytest.mark.parametrize("models", [TWO_ABLE, WEAK_AND_LARGE, TWO_WEAK])
def test_nobody_is_asked_to_beat_what_cannot_be_beaten(models):
    top = {"models": models, "score": 1.0, "gains": [0.0]}
    assert not pays(state(**top, task={"perfect": 1.0}), model="large", turn=0.1, goal=200, met=1.0).holds
    assert vain(state(**top, task={"perfect": 1.0}), model="small", below=1, reached=200).holds
    assert not vain(state(**top, task={"perfect": 0.0}), model="small", below=1, reached=200).holds
    assert not vain(state(**top), model="small", below=1, reached=200).holds
    case = {
        "case": "c",
        "by": "recall",
        "action": "apply",
    }  # memory is not used up: what is as good may be likelier
    assert not vain(state(**top, task={"perfect": 1.0}, plan=case), model="small", below=1, reached=200).holds
    rule, where, _ = to("evaluator", **top, task={"perfect": 1.0}, counts={"failed": 9})
    assert (rule, where) == ("vain", "END")


def test_the_dear_one_is_not_asked_where_a_cheap_try_could_not_be_kept_either():
    paid = {"models": WEAK_AND_LARGE, "score": 0.5, "gains": [0.0]}
    assert asked(state(**paid)).holds and not asked(state(**paid, task={"perfect": 0.5})).holds


@pytest.mark.parametrize(
    ("models", "action", "too_much", "easy"),
    [
        (WEAK_AND_LARGE, "idea", True, False),
        (WEAK_AND_LARGE, "improve", False, True),
        (TWO_ABLE, "idea", False, True),
        (TWO_WEAK, "idea", False, False),  # neither rule moves it: as before
        ({}, "idea", False, False),
        (WRITES_NOTHING, "improve", True, False),
        (WRITES_NOTHING, "debug", True, False),
        (WRITES_NOTHING, "tune", False, True),  # by code
        (WRITES_NOTHING, "apply", False, True),
        ({"small": WEAK | {"lines": 0}, "large": WEAK}, "improve", True, False),  # which writes so much
        ({"small": WEAK | {"lines": 0, "edits": True}, "large": LARGE}, "improve", False, True),
        (TWO_WEAK, "improve", False, False),
    ],
)
def test_an_idea_that_is_too_much_for_the_coder_is_lent_the_dear_one(models, action, too_much, easy):
    seen = state(models, plan={"action": action})
    assert beyond(seen, model="large", than="small").holds is too_much
    assert within(seen, model="large", than="small").holds is easy


@pytest.mark.parametrize(
    ("skill", "lines", "too_much"),
    [
        (WEAK, 60, False),
        (WEAK, 61, True),
        (WEAK | {"edits": True}, 450, False),
        (ABLE, 450, False),
    ],
)
def test_a_script_is_too_long_for_who_neither_writes_nor_edits_so_much(skill, lines, too_much):
    models = {"small": skill, "large": {"free": False, "lines": 150, "call": DEAR}}
    seen = state(models, plan={"action": "improve"}, best={"score": 0.5, "lines": lines})
    assert beyond(seen, model="large", than="small").holds is too_much
    assert not beyond(seen, model="nobody", than="small").holds


def test_balked_counts_ideas_that_came_to_nothing():
    assert not balked(state(counts={"idea_failed": 1, "recalled": 1}), model="large", times=2).holds
    assert balked(state(counts={"idea_failed": 2, "recalled": 1}), model="large", times=2).holds
    assert not balked(
        state(counts={"idea_failed": 2, "recalled": 1}, plan={"action": "tune"}), model="large", times=2
    ).holds
    assert not balked(state(TWO_WEAK, counts={"idea_failed": 2, "recalled": 1}), model="large", times=2).holds
    assert not balked(
        state(counts={"idea_failed": 2, "recalled": 1}, score=0.6), model="large", times=2, goal=10
    ).holds
    assert not balked(
        state(counts={"idea_failed": 2, "recalled": 1}), model="large", times=2, after="noop"
    ).holds


@pytest.mark.parametrize(
    ("action", "fault", "holds"),
    [("idea", "crash", True), ("expert", "noop", True), ("draft", "crash", False), ("idea", "", False)],
)
def test_beyond_the_goal_only_an_idea_that_is_paid_for_is_carried_out_by_a_dearer_coder(action, fault, holds):
    seen = state(
        counts={"idea_failed": 2},
        plan={"action": action},
        score=0.6,
        fault={"kind": fault} if fault else {},
    )
    assert balked(seen, model="large", times=2, goal=10).holds is holds


def test_the_coder_moves_up_for_a_paid_idea_where_the_goal_is_met():
    crash = {"fault": {"kind": "crash"}, "counts": {"idea_failed": 3, "repairs": 2}, "score": 0.6}
    rule, target, after = to("evaluator", plan={"action": "expert", "by": "large"}, **crash)
    assert (rule, target, after.rungs["coder"]) == ("balked", "coder", 1)
    assert to("evaluator", plan={"action": "draft", "by": "small"}, **crash)[:2] == ("otherwise", "planner")


def test_memory_has_a_share_of_the_turns_where_a_capable_model_stands_by():
    case = {"action": "apply", "by": "recall", "case": "c"}
    had = PREDICATES["had_turns"]
    assert not had(state(counts={"recalled": 2}, plan=case), share=0.3, model="small").holds
    assert had(state(counts={"recalled": 3}, plan=case), share=0.3, model="small").holds
    assert not had(state(TWO_WEAK, counts={"recalled": 8}, plan=case), share=0.3, model="small").holds
    assert not had(state(counts={"recalled": 3}), share=0.3, model="small").holds  # a model's own turn
    left = PREDICATES["case_left"]
    for models, cases, holds in ((WEAK_AND_LARGE, 2, True), (WEAK_AND_LARGE, 3, False), (TWO_WEAK, 8, True)):
        seen = state(models, counts={"recalled": cases}, plan=case)
        assert left(seen, until=0.3, unless="large").holds is holds and left(seen).holds


@pytest.mark.parametrize(("kind", "holds"), [("time", True), ("memory", True), ("crash", False), ("", False)])
def test_a_script_that_went_over_a_limit_is_made_cheaper_once(kind, holds):
    over = PREDICATES["overran"]
    assert over(state(fault={"kind": kind}), repairs=1).holds is holds
    assert not over(state(fault={"kind": kind}, counts={"repairs": 1}), repairs=1).holds
    assert not over(state(TWO_WEAK, fault={"kind": kind}), repairs=1).holds
    assert not over(state(fault={"kind": kind}, plan={"wrote": "memory"}), repairs=1).holds


# -- the rules


@pytest.mark.parametrize(
    ("changes", "rule", "target"),
    [
        ({"score": 0.56, "task": {"aim": "success"}}, "reached", "END"),
        ({"score": 0.559, "task": {"aim": "success"}}, "otherwise", "planner"),
        ({"score": 0.9}, "otherwise", "planner"),  # the aim is the best
        (
            {"counts": {"recalled": 1}, "plan": {"by": "recall", "case": "c", "action": "apply"}},
            "had_turns",
            "planner",
        ),
        (
            {
                "counts": {"recalled": 1},
                "plan": {"by": "recall", "case": "c", "action": "apply"},
                "task": {"turns": 20},
            },
            "case_left",
            "planner",
        ),
        (WEAK_HAD | {"score": 0.7}, "pays", "expert"),  # memory has had its turns: the dear one is worth more
        (
            WEAK_HAD | {"score": 0.7, "task": {"budget": 100}},
            "otherwise",
            "planner",
        ),  # and if not, the next case
        ({"fault": {"kind": "time"}}, "overran", "coder"),
        ({"gains": [0.0]}, "pays", "expert"),  # the cheap model's first draft has failed
        ({"gains": [0.0], "score": 0.6}, "otherwise", "planner"),  # the goal is met: money weighs more
        ({"gains": 8 * [0.0], "score": 0.6}, "otherwise", "planner"),  # a capable one goes on
        ({"score": 0.6, "counts": {"failed_since_expert": 5}}, "otherwise", "planner"),
        ({"score": 0.6, "counts": {"failed_since_expert": 6}}, "stuck", "expert"),
        (WEAK_HAD | {"score": 0.7, "plan": {"action": "tune", "by": "small"}}, "pays", "expert"),
        ({"models": TWO_WEAK, "score": 0.6}, "vain", "END"),
        ({"models": WRITES, "score": 0.6, "gains": 8 * [0.0]}, "otherwise", "planner"),
        ({"models": TWO_WEAK, "gains": [0.0]}, "otherwise", "planner"),
    ],
)
def test_the_evaluator_spends_what_brings_most(changes, rule, target):
    assert to("evaluator", **changes)[:2] == (rule, target)


def test_advice_is_carried_out_before_anybody_is_asked_again_and_by_a_dearer_coder_where_it_came_to_nothing():
    way = {"small": {"tries": 1, "spent": 0, "gains": [0.0]}}
    idea = {"action": "idea", "by": "recall", "wrote": "small"}
    assert to("evaluator", counts={"ideas": 1, "ways": way}, plan=idea)[:2] == ("idea_left", "planner")
    rule, target, after = to("evaluator", counts={"ideas": 1, "idea_failed": 2, "ways": way}, plan=idea)
    assert (rule, target, after.rungs["coder"]) == (
        "balked",
        "coder",
        1,
    ) and "idea_failed" not in after.counts
    rule, target, after = to("coder", fault={"kind": "noop"}, counts={"idea_failed": 1}, plan=idea)
    assert (rule, target, after.rungs["coder"]) == ("balked", "coder", 1)
    rule, target, _ = to("coder", fault={"kind": "noop"}, counts={"idea_failed": 1}, plan={"action": "tune"})
    assert target != "coder"


def test_after_the_expert_s_ideas_a_capable_planner_is_next():
    gone = {"fault": {"kind": "nothing_recalled"}, "rungs": {}}
    assert to("planner", gains=[0.0], **gone)[:2] == ("nothing_recalled", "planner")


def test_where_memory_has_done_its_part_the_dear_one_is_asked_before_a_weak_one():
    gone = {"fault": {"kind": "nothing_recalled"}, "rungs": {}, "counts": {"recalled": 2, "planned": 0}}
    assert to("planner", models=WEAK_AND_LARGE, **gone)[:2] == ("pays", "expert")
    assert to("planner", **gone)[:2] == ("nothing_recalled", "planner")
    more = to("planner", models=WEAK_AND_LARGE, score=0.6, **gone)
    assert more[:2] == ("pays", "expert")  # there is more to be had
    assert to("planner", models=TWO_WEAK, **gone)[:2] == ("nothing_recalled", "planner")
    done = to("planner", models=TWO_WEAK, score=0.6, **gone)
    assert done[:2] == ("vain", "END")  # memory has done the work


def test_an_expert_who_has_nothing_new_is_not_asked_again_before_the_next_attempt():
    """Its answer takes no turn: else all lifelines would be gone for the same question."""
    gone = {"models": WEAK_AND_LARGE, "fault": {"kind": "nothing_recalled"}, "rungs": {}}
    gone |= {"counts": {"recalled": 2, "planned": 0}, "notes": {"adviser": {"in_vain": "b"}}}
    assert to("planner", head="b", **gone)[:2] == ("nothing_recalled", "planner")
    assert to("planner", head="c", **gone)[:2] == ("pays", "expert")
    assert asked(state(gains=[0.0], notes=gone["notes"])).saw["asked_in_vain"]
    assert "asked_in_vain" not in asked(state(gains=[0.0], notes={"adviser": "in_vain"})).saw


@pytest.mark.parametrize("models", [WEAK_AND_LARGE, TWO_ABLE])
@pytest.mark.parametrize("budget", [DOLLAR, DOLLAR // 20])
def test_where_memory_knows_nothing_a_draft_comes_first_and_then_the_expert(models, budget):
    """Before a draft nobody dear is asked; after it and its repairs, the expert before anything else that is dear."""
    task = {"budget": budget}
    nothing = {"fault": {"kind": "nothing_recalled"}, "rungs": {}, "counts": {"planned": 0}}
    assert to("planner", models=models, task=task, **nothing)[:2] == ("nothing_recalled", "planner")
    crash = {"fault": {"kind": "crash"}, "models": models, "task": task}
    tries = {"failed": 1, "idea_failed": 1, "repairs": 0}
    assert to("evaluator", counts=tries, **crash)[:2] == ("crashed", "coder")
    tries = {"failed": 3, "idea_failed": 3, "repairs": 2}
    rule, where, after = to("evaluator", counts=tries, **crash)
    assert (rule, where, after.counts["lifelines"]) == ("pays", "expert", 1)
    for changes in (
        {"counts": tries | {"lifelines": 1}},
        {"counts": tries | {"recalled": 1}},
        {"task": {"history": "off"}},
    ):
        rule, where, after = to("evaluator", **crash | {"counts": tries, "gains": 3 * [0.0]} | changes)
        assert (rule, after.rungs["coder"]) == (
            "balked",
            1,
        )  # as where memory has helped, or somebody was asked
    assert to("evaluator", counts=tries, models=TWO_WEAK, fault={"kind": "crash"})[1] == "planner"


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"plan": {"action": "draft", "by": "small"}}, True),
        ({"plan": {"action": "improve", "by": "small"}}, True),
        ({"plan": {"action": "tune", "by": "small"}}, False),  # nobody wrote a script
        ({"plan": {"action": "apply", "by": "small"}}, False),
        ({"counts": {"failed": 1, "ideas": 0}}, False),  # memory knew an idea, and it is used up
    ],
)
def test_only_a_script_that_a_model_planned_without_memory_s_help_is_a_first_draft(changes, first):
    seen = state(**{"gains": [0.0], "counts": {"failed": 1}, "task": {"budget": DOLLAR // 20}} | changes)
    assert asked(seen).holds is first and asked(seen).saw.get("first_draft", False) is first


@pytest.mark.parametrize(
    ("failed", "repairs", "holds"),
    [(2, 2, False), (3, 2, False), (4, 2, True), (2, 0, True), (6, 0, True)],
)
def test_where_nobody_gave_advice_after_the_first_draft_the_coder_moves_up_at_the_next(
    failed, repairs, holds
):
    """A graph may have no expert, or no money for one."""
    seen = state(counts={"failed": failed, "idea_failed": failed, "repairs": repairs})
    assert balked(seen, model="large", times=2, goal=10).holds is holds
    assert asked(seen).saw.get("first_draft", False) is not holds


def test_an_idea_of_memory_s_is_a_turn_that_it_has_had():
    gone = {"models": WEAK_AND_LARGE, "fault": {"kind": "nothing_recalled"}, "rungs": {}}
    assert to("planner", counts={"planned": 0, "ideas": 0}, **gone)[:2] == ("pays", "expert")
    assert to("planner", counts={"planned": 0}, **gone)[:2] == ("nothing_recalled", "planner")


@pytest.mark.parametrize(
    ("kind", "misses", "expert"),
    [
        ("unparsable", 1, False),
        ("unparsable", 2, True),
        ("noop", 1, True),
        ("busy", 2, False),
        ("", 0, False),
    ],
)
def test_a_first_draft_that_is_no_script_leads_to_the_expert_too(kind, misses, expert):
    fault = {"kind": kind} if kind else {}
    for models in (WEAK_AND_LARGE, TWO_ABLE):
        found = to("coder", models=models, fault=fault, counts={"misses": misses, "idea_failed": 1})
        assert (found[1] == "expert") is expert


def test_the_dear_coder_is_lent_for_one_plan():
    idea, change = {"action": "expert", "by": "large"}, {"action": "improve", "by": "small"}
    rule, target, after = to("expert", models=WEAK_AND_LARGE, plan=idea)
    assert (rule, target, after.rungs) == ("beyond", "coder", {"planner": 0, "coder": 1})
    assert to("expert", plan=idea)[2].rungs == {"planner": 0}  # a capable coder carries it out itself
    rule, _, after = to("planner", models=WEAK_AND_LARGE, plan=change, rungs={"planner": 1, "coder": 1})
    assert (rule, after.rungs["coder"]) == ("within", 0)
    rule, _, after = to("planner", models=TWO_WEAK, plan=change, rungs={"planner": 1, "coder": 1})
    assert (rule, after.rungs["coder"]) == ("otherwise", 1)


def test_a_look_is_no_attempt():
    assert to("executor", plan={"action": "look", "by": "small"})[1] == "planner"
    assert to("executor")[1] == "evaluator"
