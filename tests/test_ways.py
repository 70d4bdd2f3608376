"""What a model that plans freely may do: its actions, the attempts that it builds on, looks into the data."""

import dataclasses
import json

import pytest

from budgetmlagent import testing
from nodes.able import Able
from nodes.coder import coder
from nodes.craft.freely import ACTIONS, LONGEST, LOOKS, offered
from nodes.craft.ideas import sketched
from nodes.craft.looks import Look, looked, printed
from nodes.craft.scripts import ast_key
from nodes.deps import Execution, Here, Reply
from nodes.evaluator import evaluator
from nodes.executor import executor
from nodes.expert import expert
from nodes.planner import planner

FREE = Able(plans="free", lines=300, edits=True, window=32_768)
STARTER = "print('validation accuracy', 0.5)\n"
CASE = {
    "kind": "case", "name": "doubling", "title": "Print it twice", "text": "", "edit": None, "shared": {},
    "template": "print('validation accuracy', {{ number }})\n",
}  # fmt: skip


class Ran:
    """A sandbox in which a script has printed `said`."""

    def __init__(self, artifacts, said="", **ended):
        self.artifacts, self.said, self.ended, self.scripts = artifacts, said, {"exit": 0, **ended}, []

    def run(self, here, script):
        self.scripts.append(script)
        name = self.artifacts.put(script)
        return Execution(
            script=name, seconds=1.0, output=self.artifacts.put(self.said), tail=self.said, **self.ended
        )


def deps(artifacts, *replies, node="planner", model="small", ladder=("recall", "small", "large"), **parts):
    here = Here(node=node, prompt=node, model=model, ladder=ladder, step=4, call="c")
    models = testing.ScriptedModels(*replies, can=FREE)
    task = testing.Task(starter=STARTER, looks=parts.pop("looks", False))
    history = testing.MemoryHistory(artifacts)
    return testing.deps(models=models, artifacts=artifacts, task=task, here=here, history=history, **parts)


def tried(turn, score, status="keep", action="draft", **more):
    script = f"print({turn}, {score})\n"
    plan = {"action": action, "instruction": f"do {turn}", "by": "small", "wrote": "small"}
    return {
        "script": script,
        "ast": ast_key(script),
        "turn": turn,
        "score": score,
        "status": status,
        "plan": plan,
    } | more


def state(artifacts, *attempts, **changes):
    facts = artifacts.put_json({"number": 7, "summary": "A table.", "kinds": []})
    models = {
        "small": {"free": True, "lines": 300, "call": 1},
        "large": {"free": True, "lines": 300, "call": 9},
    }
    task = {"turns": 9, "briefing": facts, "direction": "max", "baseline": 0.5, "models": models}
    baseline = tried(0, 0.5, action="baseline") | {"script": STARTER}
    return testing.state(artifacts, baseline, *attempts, **{"task": task, "turn": 3} | changes)


@pytest.fixture
def artifacts():
    return testing.MemoryArtifacts()


def say(**choice):
    return json.dumps({"action": "", "case": "", "change": "", "attempts": [], "instruction": ""} | choice)


FAILED = tried(2, None, "crash", fault="time", problem="it went over its limit of time")


@pytest.mark.parametrize(
    ("attempts", "changes", "more"),
    [
        ((), {}, set()),
        ((FAILED,), {}, {"debug"}),
        ((tried(1, 0.6),), {}, set()),
        ((tried(1, 0.6), tried(3, 0.55, "discard")), {}, {"combine"}),
        ((), {"counts": {"failed": 1}}, {"expert"}),
    ],
)
def test_what_is_on_offer_follows_what_was_tried(artifacts, attempts, changes, more):
    seen = offered(state(artifacts, *attempts, **changes), deps(artifacts), cases=False)
    assert set(seen) == {"draft", "improve", "finish"} | more


def test_a_repaired_script_needs_no_debugging_and_the_dearest_no_expert(artifacts):
    mended = tried(2, 0.55, "discard", script="print(5)\n")
    assert "debug" not in offered(state(artifacts, FAILED, mended), deps(artifacts), cases=False)
    dear, stuck = deps(artifacts, model="large"), state(artifacts, counts={"failed": 9})
    assert "expert" not in offered(stuck, dear, cases=False)
    alone = deps(artifacts, model="large", ladder=("large",))
    assert "expert" not in offered(stuck, alone, cases=False)


def test_what_was_mended_since_is_not_offered_again(artifacts):
    of = {"of": [state(artifacts, FAILED).head]}
    for score, status, offers in ((0.7, "keep", False), (0.4, "discard", False), (None, "crash", True)):
        debugged = tried(3, score, status, action="debug")
        seen = state(artifacts, FAILED, debugged | {"plan": debugged["plan"] | of})
        assert ("debug" in offered(seen, deps(artifacts), cases=False)) is offers


def test_the_schema_and_what_is_taken_agree(artifacts):
    asked = deps(artifacts, say(action="draft", instruction="x" * 9000))
    update = planner(state(artifacts, tried(1, 0.6)), asked)
    (request,) = asked.models.asked
    never = {"look"}  # rows may not be told to a model elsewhere
    assert request["schema"]["properties"]["action"]["enum"] == [a for a in ACTIONS if a not in never]
    assert (
        request["schema"]["properties"]["instruction"]["maxLength"]
        == LONGEST
        == len(update["plan"]["instruction"])
    )
    assert update["plan"]["action"] == "draft" and update["turn"] == 4
    assert "draft, improve, finish" in request["messages"][1]["content"]


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ({"action": "debug"}, [2]),
        ({"action": "debug", "attempts": [2]}, [2]),
        ({"action": "debug", "attempts": 2}, [2]),  # some name one attempt by its bare number
        ({"action": "debug", "attempts": None}, [2]),
        ({"action": "combine"}, [3, 1]),  # the best two
        ({"action": "combine", "attempts": [4, 1]}, [4, 1]),
        ({"action": "combine", "attempts": [4]}, [4, 3]),  # with the best other
    ],
)
def test_a_plan_names_the_attempts_that_it_builds_on(artifacts, choice, chosen):
    attempts = (tried(1, 0.6), FAILED, tried(3, 0.7), tried(4, 0.55, "discard"))
    update = planner(state(artifacts, *attempts), deps(artifacts, say(**choice)))
    assert [artifacts.json(name)["turn"] for name in update["plan"]["of"]] == chosen
    assert update["plan"]["instruction"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"action": "debug", "attempts": [1]}, "debug takes those that failed: 2"),
        ({"action": "combine", "attempts": [2, 1]}, "that scored: 1, 3"),
        ({"action": "draft"}, "the instruction is empty: say what to draft"),
        ({"action": "combine", "attempts": ["first"]}, "that scored: 1, 3"),
        ({"action": "look", "instruction": "count"}, "not one of"),  # rows may not be shown
    ],
)
def test_what_cannot_be_done_is_a_fault_and_no_turn(artifacts, choice, said):
    attempts = (tried(1, 0.6), FAILED, tried(3, 0.7))
    update = planner(state(artifacts, *attempts), deps(artifacts, say(**choice)))
    assert (
        update["fault"]["kind"] == "unparsable" and said in update["fault"]["detail"] and "turn" not in update
    )


def test_a_look_is_told_to_the_team_and_takes_no_turn(artifacts):
    asked = deps(artifacts, say(action="look", instruction="how many days?"), looks=True)
    seen = state(artifacts)
    chosen = planner(seen, asked)
    assert chosen["turn"] == 3 and chosen["counts"]["looks"] == 1 and not chosen["counts"].get("planned")
    seen = dataclasses.replace(seen, **chosen)
    wrote = coder(seen, deps(artifacts, "```python\nprint('31 days')\n```", node="coder"))
    seen = dataclasses.replace(seen, **wrote)
    ran = executor(seen, deps(artifacts, node="executor", sandbox=Ran(artifacts, "31 days\n")))
    seen = dataclasses.replace(seen, **ran)
    assert looked(seen, artifacts) == [Look("look 1", "how many days?", "31 days", seen.script)]
    assert evaluator(seen, deps(artifacts, node="evaluator")) == {
        "fault": {}
    }  # nothing to judge, in any graph
    full = dataclasses.replace(seen, counts={"looks": LOOKS})
    assert "look" not in offered(full, deps(artifacts, looks=True), cases=False)


SEEN = "def parts():\n    return 1\n\nprint(parts())\n" + "# a line\n" * 60
BLOCK = "<<<<<<< SEARCH\nprint(parts())\n=======\nprint(2 * parts())\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("choice", "base", "beside"),
    [
        ({"action": "improve", "attempts": ["look 1"]}, "of attempt 1", "The script of look 1, of which may be copied"),
        ({"action": "improve", "attempts": [1, "Look 1"]}, "of attempt 1", "The script of look 1, of which may be copied"),
        ({"action": "draft", "attempts": ["look 1"]}, "of attempt 1", "The script of look 1, of which may be copied"),
        ({"action": "look", "attempts": ["look 1"]}, "The script that is to be changed, of look 1 (the best", ""),
    ],
)  # fmt: skip
def test_the_script_of_a_look_can_be_built_on(artifacts, choice, base, beside):
    note = {"asked": "x", "said": artifacts.put("1"), "script": artifacts.put(SEEN)}
    seen = state(artifacts, tried(1, 0.6), notes={"executor": {"looks": [note]}})
    chosen = planner(seen, deps(artifacts, say(instruction="add it", **choice), looks=True))
    assert chosen["plan"]["look"] == note["script"] and not chosen["fault"]
    look = choice["action"] == "look"  # by blocks, as its script is long; the others copy of it
    made = (
        SEEN.replace("(parts", "(2 * parts")
        if look
        else "def parts():\n    return 1\n\nprint(parts(), 0.7)\n"
    )
    asked = deps(artifacts, BLOCK if look else f"```python\n{made}```", node="coder")
    asked = dataclasses.replace(asked, here=dataclasses.replace(asked.here, prompt="coder.free"))
    wrote = coder(dataclasses.replace(seen, **chosen), asked)
    prompt = asked.models.asked[0]["messages"][-1]["content"]
    assert (
        base in prompt
        and "return 1\n" in prompt
        and (beside in prompt if beside else "may be copied" not in prompt)
    )
    assert artifacts.text(wrote["script"]) == made


@pytest.mark.parametrize(
    "choice", [{"action": "improve", "attempts": ["look 2"]}, {"action": "debug", "attempts": ["look 1"]}]
)
def test_a_look_that_is_not_there_or_cannot_be_meant_is_refused(artifacts, choice):
    note = {"asked": "x", "said": artifacts.put("1"), "script": artifacts.put(SEEN)}
    seen = state(artifacts, tried(1, 0.6), FAILED, notes={"executor": {"looks": [note]}})
    update = planner(seen, deps(artifacts, say(instruction="x", **choice), looks=True))
    assert choice["attempts"][0] in update["fault"]["detail"] and "plan" not in update


def test_a_look_that_fails_says_so_and_is_no_crash(artifacts):
    seen = state(artifacts, plan={"action": "look", "instruction": "x"}, script=artifacts.put("1/0\n"))
    tail = "Traceback (most recent call last)\nZeroDivisionError: division by zero\n"
    ran = executor(seen, deps(artifacts, node="executor", sandbox=Ran(artifacts, tail, exit=1)))
    assert not ran["fault"] and ran["run"]["error"] == ""
    assert "division by zero" in looked(dataclasses.replace(seen, **ran), artifacts)[0].said


@pytest.mark.parametrize(
    ("tail", "killed", "said"),
    [
        ("", "", "(it printed nothing)"),
        ("", "time", "(stopped: it went over its limit of time)"),
        ("a" * 1900 + "b" * 1000, "", "a" * 1900 + "b" * 64 + "\n(cut here: 2,900 characters in all)"),
        (f"b\n{'a' * 2100}\nc\n", "", f"b\n{'a' * 1993}...\nc"),  # its last line is told, too
        ("a" * 190 + "\n" + "b" * 1900 + "\nc", "", "a" * 190 + "\n" + "b" * 1804 + "...\nc"),
        (
            ("a" * 250 + "\n") * 12,
            "",
            f"{('a' * 250 + chr(10)) * 12}"[:1964] + "\n(cut here: 3,011 characters in all)",
        ),
    ],
)
def test_what_a_look_prints_is_capped(tail, killed, said):
    assert printed(Execution(script="s", exit=0, seconds=1.0, output="o", tail=tail, killed=killed)) == said


def test_looks_that_a_stranger_noted_are_read_with_care(artifacts):
    odd = {"a": {"looks": 3}, "b": {"looks": ["x", {"asked": 1, "said": "../../x"}, {}]}, "c": 5}
    assert looked(state(artifacts, notes=odd), artifacts) == []


def test_after_a_look_what_is_kept_says_that_the_data_stay(artifacts):
    notes = {"executor": {"looks": [{"asked": "x", "said": artifacts.put("y")}]}}
    for given, data in ((notes, "stays"), ({}, None)):
        asked = deps(artifacts, "1. Use more trees.", node="expert", model="large", ladder=("large",))
        expert(state(artifacts, notes=given), asked)
        assert asked.history.kept[0].get("data") == data


def test_a_case_that_gave_no_script_takes_no_turn(artifacts):
    history = [
        {"id": artifacts.put_json(CASE | {"name": name}), "kind": "case", "similarity": 1.0, "source": "x"}
        for name in ("first", "second")
    ]
    seen = state(artifacts, history=history)
    chosen = planner(seen, deps(artifacts, model=""))
    assert (chosen["turn"], chosen["counts"]["recalled"]) == (4, 1)
    seen = dataclasses.replace(seen, **chosen | {"fault": {"kind": "unrenderable"}, "turn": 9})
    again = planner(seen, deps(artifacts, model=""))  # also where that was the last turn
    assert (again["turn"], again["counts"]["recalled"]) == (9, 1) and again["plan"]["case"] == history[1][
        "id"
    ]
    crashed = dataclasses.replace(seen, fault={"kind": "crash"})
    assert planner(crashed, deps(artifacts, model=""))["fault"]["kind"] == "no_turn"


# -- the expert's ideas with a sketch of code

ANSWER = """1. Boost the trees: because.
   ```python
   m = Boost(300)
   for i in range(2):
       1. + 2
   ```
   Gains 5%.
2. **Average** both.
```
p = (a + b) / 2
```
3. No code.
"""


def test_an_idea_keeps_its_sketch():
    assert sketched(ANSWER) == [
        ("Boost the trees: because. Gains 5%.", "m = Boost(300)\nfor i in range(2):\n    1. + 2"),
        ("Average both.", "p = (a + b) / 2"),
        ("No code.", ""),
    ]
    assert sketched(ANSWER, whole=False) == sketched(ANSWER)[:2]
    assert sketched("```python\nx = 1\n```") == []


def test_the_sketch_goes_to_the_coder_now_and_from_memory(artifacts):
    update = expert(
        state(artifacts), asked := deps(artifacts, ANSWER, node="expert", model="large", ladder=("large",))
    )
    assert (
        artifacts.text(update["plan"]["sketch"]).startswith("m = Boost(300)")
        and update["counts"]["ideas"] == 2
    )
    second = asked.history.kept[1]
    assert second["what"] == "Average both." and second["sketch"] == "p = (a + b) / 2"
    item = artifacts.put_json(second | {"rank": 0, "tries": []})
    history = [{"id": item, "kind": "idea", "similarity": 1.0, "source": "x"}]
    plan = planner(state(artifacts, history=history), deps(artifacts, model=""))["plan"]
    assert plan["action"] == "idea" and artifacts.text(plan["sketch"]) == "p = (a + b) / 2"


def test_the_expert_counts_a_turn_where_the_planner_had_nothing_to_choose(artifacts):
    """Else what it says at the very start would run as the baseline."""
    for kind, turn in (("nothing_recalled", 1), ("", 0)):
        asked = deps(artifacts, ANSWER, node="expert", model="large", ladder=("large",))
        assert expert(state(artifacts, turn=0, fault={"kind": kind} if kind else {}), asked)["turn"] == turn


# -- what a try has brought


def again(artifacts):
    """A coder that gives the starter back."""
    return deps(artifacts, f"```python\n{STARTER}```", node="coder", ladder=("small", "large"))


def test_a_reply_without_a_new_script_is_a_try_that_brought_nothing(artifacts):
    said = state(artifacts, plan={"action": "expert", "instruction": "x", "by": "large"})
    update = coder(said, again(artifacts))
    assert update["fault"]["kind"] == "noop"
    assert update["counts"]["ways"]["large"]["gains"] == [0.0] and update["counts"]["idea_failed"] == 1
    own = coder(
        state(artifacts, plan={"action": "draft", "instruction": "x", "by": "small"}), again(artifacts)
    )
    assert list(own["counts"]["ways"]) == ["small"]
    busy = deps(artifacts, Reply(fault="busy", detail="later"), node="coder", ladder=("small", "large"))
    assert (
        "ways" not in coder(state(artifacts, plan={"action": "improve", "instruction": "x"}), busy)["counts"]
    )
