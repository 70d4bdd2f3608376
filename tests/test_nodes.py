"""Planner, coder and expert: a state in, an update out, at most one question to the scripted model."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent import testing
from nodes.able import Able
from nodes.coder import coder
from nodes.craft.choice import Choice, parse
from nodes.craft.scripts import ast_key
from nodes.craft.told import told
from nodes.deps import Here, Reply
from nodes.expert import expert
from nodes.planner import planner

STARTER = "import csv\nprint('validation accuracy', 0.5)\n"
CASE = {
    "kind": "case", "name": "doubling", "title": "Print it twice", "text": "", "edit": None, "shared": {},
    "template": "print('validation accuracy', {{ number }})\n",
}  # fmt: skip


@pytest.fixture
def artifacts():
    return testing.MemoryArtifacts()


def deps(artifacts, *replies, model="small", node="planner", ladder=("recall", "small", "large")):
    here = Here(node=node, prompt=node, model=model, ladder=ladder, step=4, call="c")
    models, task = testing.ScriptedModels(*replies), testing.Task(starter=STARTER)
    history = testing.MemoryHistory(artifacts)
    return testing.deps(models=models, artifacts=artifacts, task=task, here=here, history=history)


def state(artifacts, **changes):
    briefing = artifacts.put_json({"number": 7, "summary": "A table.", "kinds": []})
    task = {"turns": 9, "briefing": briefing, "direction": "max"}
    attempt = {
        "script": STARTER,
        "turn": 0,
        "ast": ast_key(STARTER),
        "plan": {"action": "baseline"},
        "score": 0.5,
    }
    return testing.state(artifacts, attempt, **{"task": task, "turn": 2} | changes)


def offered(artifacts, *cases):
    return [{"id": artifacts.put_json(c), "kind": c["kind"], "similarity": 1.0, "source": "x"} for c in cases]


def test_the_free_rung_takes_the_first_case_without_a_model(artifacts):
    history = offered(artifacts, CASE, CASE | {"name": "other"})
    given_ = state(artifacts, history=history)
    free = deps(artifacts, model="")
    update = planner(given_, free)
    assert update["plan"]["case"] == history[0]["id"] and update["turn"] == 3 and not free.models.asked
    second = planner(dataclasses.replace(given_, notes=update["notes"]), free)
    assert second["plan"]["case"] == history[1]["id"]
    none = planner(dataclasses.replace(given_, notes=second["notes"]), free)
    assert none["fault"]["kind"] == "nothing_recalled" and "turn" not in none


def test_an_edit_is_offered_only_while_it_changes_something(artifacts):
    nothing = CASE | {"name": "hoist", "template": "", "edit": {"op": "hoist"}}
    boosted = {"op": "exchange_estimator", "classifier": "GaussianNB()"}
    history = offered(artifacts, nothing, CASE | {"name": "nb", "edit": boosted | {"of": "starter"}}, CASE)
    update = planner(state(artifacts, history=history), deps(artifacts, model=""))
    assert update["plan"]["case"] == history[2]["id"]
    free = deps(artifacts, model="")
    free.task.starter = "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression()\n"
    assert planner(state(artifacts, history=history), free)["plan"]["case"] == history[1]["id"]
    done = coder(
        state(artifacts, plan={"action": "apply", "case": history[0]["id"]}), deps(artifacts, node="coder")
    )
    assert done["fault"]["kind"] == "noop" and "'hoist' finds nothing to change" in done["fault"]["detail"]


def test_no_turn_is_left(artifacts):
    asked = deps(artifacts)
    assert planner(state(artifacts, turn=9), asked)["fault"]["kind"] == "no_turn" and not asked.models.asked


def test_a_model_picks_from_the_menu(artifacts):
    history = offered(artifacts, CASE)
    asked = deps(artifacts, json.dumps({"action": "apply", "case": "doubling", "instruction": ""}))
    update = planner(state(artifacts, history=history), asked)
    assert update["plan"] == {
        "action": "apply", "instruction": "Print it twice", "case": history[0]["id"], "by": "small",
    }  # fmt: skip
    schema = asked.models.asked[0]["schema"]
    assert schema["properties"]["case"]["enum"] == ["doubling", ""]
    assert "doubling: Print it twice" in asked.models.asked[0]["messages"][1]["content"]


@pytest.mark.parametrize(
    ("failed", "actions"),
    [(0, ["improve"]), (5, ["improve"]), (6, ["improve", "expert"]), (8, ["improve", "expert", "finish"])],
)
def test_ways_out_are_offered_to_one_that_has_tried(artifacts, failed, actions):
    asked = deps(artifacts, json.dumps({"action": "improve", "case": "", "instruction": "do x"}))
    planner(state(artifacts, counts={"failed": failed}), asked)
    assert asked.models.asked[0]["schema"]["properties"]["action"]["enum"] == actions


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("no idea", "unparsable"),
        ('{"action": "dance"}', "unparsable"),
        ('{"action": "improve", "instruction": " "}', "unparsable"),
        ('{"action": "apply", "case": "nothing"}', "unparsable"),
        (Reply(fault="refused", detail="no money"), "refused"),
        (Reply('{"action": "improve"', "truncated", "cut off"), "truncated"),
    ],
)
def test_a_reply_that_cannot_be_used_is_a_fault_and_no_turn(artifacts, reply, kind):
    update = planner(state(artifacts, history=offered(artifacts, CASE)), deps(artifacts, reply))
    assert update["fault"]["kind"] == kind and update["counts"]["misses"] == 1 and "turn" not in update


def test_the_coder_renders_a_case_without_a_model(artifacts):
    (item,) = offered(artifacts, CASE)
    asked = deps(artifacts, node="coder")
    update = coder(state(artifacts, plan={"action": "apply", "case": item["id"]}), asked)
    assert artifacts.text(update["script"]).strip() == "print('validation accuracy', 7)"
    assert update["plan"]["wrote"] == "memory" and not asked.models.asked


def test_a_case_that_cannot_be_rendered_is_a_fault(artifacts):
    (item,) = offered(artifacts, CASE | {"template": "{{ missing.name }}"})
    update = coder(
        state(artifacts, plan={"action": "apply", "case": item["id"]}), deps(artifacts, node="coder")
    )
    assert update["fault"]["kind"] == "unrenderable" and "doubling" in update["fault"]["detail"]


def long(artifacts, lines, **changes):
    """A state whose best script has so many lines, none of a number that can be changed."""
    given_ = state(artifacts, **changes)
    script = artifacts.put("print('x')\n" * lines)
    best = artifacts.put_json(artifacts.json(given_.head) | {"script": script})
    return dataclasses.replace(given_, head=best, script=script, best={"attempt": best, "score": 0.5})


def test_a_script_too_long_for_the_model_is_no_choice_and_without_another_nobody_is_asked(artifacts):
    say = json.dumps({"action": "apply", "case": "doubling", "instruction": ""})
    for lines, actions in ((60, ["apply", "improve"]), (61, ["apply"])):
        asked = deps(artifacts, say)
        planner(long(artifacts, lines, history=offered(artifacts, CASE)), asked)
        assert asked.models.asked[0]["schema"]["properties"]["action"]["enum"] == actions
    asked = deps(artifacts)
    update = planner(long(artifacts, 61, plan={"action": "tune"}), asked)
    assert update["fault"]["kind"] == "nothing_recalled" and update["plan"] == {} and "turn" not in update
    assert "small neither writes nor edits a script of 61 lines" in update["fault"]["detail"]
    for can in (Able(lines=0), Able(lines=0, edits=True)):
        asked = deps(artifacts, json.dumps({"action": "improve", "case": "", "instruction": "do x"}))
        asked.models.can = can
        assert ("plan" in planner(long(artifacts, 5), asked)) and len(asked.models.asked) == can.edits


class SmallEdits(testing.ScriptedModels):
    """Of two models that choose from a list, the small one edits and the large one neither edits nor writes."""

    def able(self, model):
        return Able(lines=0, edits=model == "small")


@pytest.mark.parametrize(
    ("writers", "asks"), [((), 0), (("small", "large"), 1), (("large",), 0), (("small",), 1)]
)
def test_a_change_is_asked_for_where_the_coder_can_make_it_though_the_planner_cannot(
    artifacts, writers, asks
):
    asked = deps(artifacts, model="large")
    models = SmallEdits(json.dumps({"action": "improve", "case": "", "instruction": "do x"}))
    here = dataclasses.replace(asked.here, writers=writers)
    planner(long(artifacts, 5), dataclasses.replace(asked, models=models, here=here))
    assert len(models.asked) == asks


@pytest.mark.parametrize("fault", [{}, {"kind": "crash", "detail": "NameError: nothing"}])
def test_who_neither_writes_nor_edits_a_script_is_not_asked_for_it(artifacts, fault):
    asked = deps(artifacts, node="coder")
    update = coder(long(artifacts, 61, plan={"action": "improve", "instruction": "x"}, fault=fault), asked)
    assert (
        update["fault"]["kind"] == "rejected"
        and "neither writes nor edits a script of 61" in update["fault"]["detail"]
    )
    assert update["counts"]["misses"] == 1 and "ways" not in update["counts"]


BLOCK = "<<<<<<< SEARCH\nprint('validation accuracy', 0.5)\n=======\nprint('validation accuracy', 1)\n>>>>>>> REPLACE"


@pytest.mark.parametrize(("lines", "whole"), [(1, False), (2, True)])
def test_a_model_of_the_menu_that_edits_is_asked_for_blocks_of_what_is_longer_than_it_writes(
    artifacts, lines, whole
):
    given_ = state(artifacts, plan={"action": "improve", "instruction": "rewrite it: print 1", "by": "small"})
    asked = deps(artifacts, "```python\nx = 1\n```" if whole else BLOCK, node="coder")
    asked.models.can = Able(lines=lines, edits=True)
    update = coder(given_, asked)
    system, text = (message["content"] for message in asked.models.asked[0]["messages"])
    assert ("one complete script" in system) is whole and ("search/replace" in system) is not whole
    assert ("complete" in text) is whole and ("<<<<<<< SEARCH" in text) is not whole
    made = "x = 1\n" if whole else STARTER.replace("0.5", "1")
    assert artifacts.text(update["script"]).strip() == made.strip()


def test_a_model_that_edits_hears_what_was_wrong_with_its_blocks_and_may_write_what_it_can(artifacts):
    given_ = state(artifacts, plan={"action": "improve", "instruction": "print 1", "by": "small"})
    asked = deps(artifacts, BLOCK.replace("0.5", "0.7"), BLOCK, node="coder")
    asked.models.can = Able(lines=1, edits=True)
    wrong = coder(given_, asked)["fault"]
    assert wrong["kind"] == "unparsable"
    again = dataclasses.replace(given_, fault=wrong)
    assert "script" in coder(again, asked)
    assert (
        f"could not be used: {wrong['detail']}" in (text := asked.models.asked[1]["messages"][1]["content"])
        and "Make this change of this script: print 1" in text
    )
    either = deps(artifacts, BLOCK.replace("SEARCH\n", "SEARCH\nx\n"), node="coder")
    either.models.can = Able(lines=100, edits=True)
    coder(long(artifacts, 61, plan=given_.plan), either)
    assert "Where most of the script changes" in either.models.asked[0]["messages"][1]["content"]


def test_the_coder_changes_the_best_script(artifacts):
    asked = deps(artifacts, "```python\nprint('validation accuracy', 1)\n```", node="coder")
    update = coder(state(artifacts, plan={"action": "improve", "instruction": "print 1"}), asked)
    assert "accuracy', 1" in artifacts.text(update["script"]) and update["plan"]["wrote"] == "small"
    prompt = asked.models.asked[0]["messages"][1]["content"]
    assert STARTER in prompt and prompt.rstrip().endswith("with this change: print 1")
    assert "schema" not in asked.models.asked[0]


def test_a_reply_without_a_change_is_asked_for_otherwise(artifacts):
    same = f"```python\n# a comment\n{STARTER}```"
    given_ = state(artifacts, plan={"action": "improve", "instruction": "print 1"})
    update = coder(given_, deps(artifacts, same, node="coder"))
    assert update["fault"]["kind"] == "noop"
    again = deps(artifacts, same, node="coder")
    coder(dataclasses.replace(given_, fault=update["fault"]), again)
    assert "without the change" in again.models.asked[0]["messages"][1]["content"]


def test_a_crash_is_repaired_from_the_newest_script(artifacts):
    broken = artifacts.put("print(nothing)\n")
    given_ = state(
        artifacts,
        history=offered(artifacts, {"kind": "repair", "what": "print something that is there"}),
        script=broken,
        fault={"kind": "crash", "detail": "NameError: nothing"},
        counts={"repairs": 1},
    )
    asked = deps(artifacts, "```python\nprint('mended')\n```", node="coder")
    update = coder(given_, asked)
    prompt = asked.models.asked[0]["messages"][1]["content"]
    assert "cured before: print something that is there" in prompt
    assert "print(nothing)" in prompt and "NameError: nothing" in prompt
    assert update["counts"]["repairs"] == 2


def test_the_expert_gives_words_that_become_the_plan(artifacts):
    asked = deps(artifacts, "Diagnosis: weak.\nPlan: use more.", node="expert", model="large")
    update = expert(state(artifacts), asked)
    assert (
        update["plan"]["action"] == "expert"
        and update["plan"]["instruction"] == "Diagnosis: weak. Plan: use more."
    )
    assert artifacts.text(update["advice"]).startswith("Diagnosis") and "schema" not in asked.models.asked[0]
    refused = expert(
        state(artifacts), deps(artifacts, Reply(fault="refused", detail="no"), node="expert", model="large")
    )
    assert refused["fault"]["kind"] == "refused" and "plan" not in refused


@given(
    st.text(max_size=300) | st.builds(lambda a, b: f"{a}{{{b}", st.text(max_size=20), st.text(max_size=200))
)
def test_any_reply_is_parsed_or_refused(text):
    value = parse(text)
    assert isinstance(value, str | Choice)


def test_prompts_of_a_role_share_their_beginning(artifacts):
    plan = {"action": "improve", "instruction": "print 1"}
    first, second = (deps(artifacts, "```python\nx = 1\n```", node="coder") for _ in range(2))
    coder(state(artifacts, plan=plan), first)
    coder(state(artifacts, plan=plan | {"instruction": "print 2"}), second)
    one, two = (d.models.asked[0]["messages"] for d in (first, second))
    assert one[0] == two[0]
    shared = len([1 for a, b in zip(one[1]["content"], two[1]["content"], strict=False) if a == b])
    assert shared > 0.95 * len(one[1]["content"])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "ValueError: could not convert string to float: 'Jane Doe'",
            "ValueError: could not convert string to float: '...'",
        ),
        ("KeyError: 'price'", "KeyError: 'price'"),
        ("The 'metric' parameter of SVC must be 'Jane'", "The 'metric' parameter of SVC must be '...'"),
        ("'Series' object has no attribute 'foo'", "'Series' object has no attribute 'foo'"),
        ("no quotes", "no ..."),
    ],
)
def test_an_error_says_nothing_of_the_data(line, shown):
    assert told(line, "y = train['price'].foo") == shown


def test_a_number_is_changed_by_code_where_a_model_points_at_it(artifacts):
    script = "model = SVC(C=1.0)\nprint('validation accuracy', 0.5)\n"
    given_ = state(artifacts)
    best = artifacts.put_json(artifacts.json(given_.head) | {"script": artifacts.put(script)})
    given_ = dataclasses.replace(given_, head=best, best={"attempt": best, "score": 0.5})
    reply = {"action": "tune", "case": "", "change": "SVC.C = 4.0", "instruction": ""}
    asked = deps(artifacts, json.dumps(reply))
    plan = planner(given_, asked)["plan"]
    assert (plan["action"], plan["instruction"], plan["by"]) == ("tune", "SVC.C = 4.0", "small")
    assert "- SVC.C = 0.25" in asked.models.asked[0]["messages"][1]["content"]
    update = coder(dataclasses.replace(given_, plan=plan), deps(artifacts, node="coder"))
    assert "SVC(C=4.0)" in artifacts.text(update["script"]) and update["plan"]["wrote"] == "small"
    # With the history off the planner has no such means: it is a plain agent.
    plain = deps(
        artifacts, json.dumps({"action": "improve", "case": "", "change": "", "instruction": "do x"})
    )
    planner(dataclasses.replace(given_, task=given_.task | {"history": "off"}), plain)
    assert plain.models.asked[0]["schema"]["properties"]["action"]["enum"] == ["improve"]


def test_rewriting_in_vain_is_not_offered_again_where_other_means_are_left(artifacts):
    history = offered(artifacts, CASE)
    asked = deps(
        artifacts, json.dumps({"action": "apply", "case": "doubling", "change": "", "instruction": ""})
    )
    planner(state(artifacts, history=history, counts={"improve_failed": 2}), asked)
    assert asked.models.asked[0]["schema"]["properties"]["action"]["enum"] == ["apply"]
