"""What capable models are asked in a whole run, request by request, as it was sent: all of it is there, and nothing is said twice or half."""

import json
import os
from dataclasses import replace
from functools import cache

import pytest
import tiny
from fault_server import FaultServer, Turn
from test_dossier import FREE, parts

from budgetmlagent import testing
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Limits
from memory.attempts import Attempt
from nodes.able import Able
from nodes.coder import coder
from nodes.craft.looks import with_look
from nodes.craft.says import Says
from nodes.craft.skeleton import skeleton
from nodes.craft.tried import outcome, tried
from nodes.deps import Here
from nodes.planner import planner

MODELS = """\
models:
  small: {{base_url: {url}, model: small-able, price: {{input: 0.15, output: 0.6}}}}
  large: {{base_url: {url}, model: large-able, price: {{input: 2.5, output: 10}}}}
"""


def script(bound, *more):
    """A script that is right on part of the rows: 1 where x is beyond the bound."""
    return tiny.GOOD.replace("> 0)", f"> {bound})") + "".join(f"{line}\n" for line in more)


CRASH = script(1, "print('soon ' * 3)", "total = [1][5]")
LOOK = "for i in range(2000):\n    print('row', i)\nprint('the end')\n"
LONG_IDEA = "Compare x with zero, " + "and weigh each side by what it holds, " * 40 + "and END with the mean."
# What the planner chooses, and what is written for it.
TURNS = [
    ({"action": "draft", "instruction": "guess by nine"}, script(9, "print('nine')")),
    ({"action": "look", "instruction": "what is in the rows"}, LOOK),
    ({"action": "improve", "instruction": "guess by twelve, x" + "y" * 6500}, script(12, "print('twelve')")),
    ({"action": "draft", "instruction": "guess by one"}, CRASH),
    ({"action": "expert", "instruction": "what is left"}, ""),
    ({"action": "combine", "attempts": ["1", 2], "instruction": "average"}, script(11, "print('both')")),
    ({"action": "finish", "instruction": ""}, ""),
]


class Team:
    """Models that follow `TURNS`; `asked` keeps each request as (role, text of it)."""

    def __init__(self):
        self.asked, self.turn, self.written = [], -1, 0

    def __call__(self, body):
        system, text = body["messages"][0]["content"], body["messages"][-1]["content"]
        role = "planner" if "response_format" in body else "expert" if "senior" in system else "coder"
        self.asked.append((role, f"{system}\n{text}", body))
        if role == "planner":
            self.turn += 1
            plan = {"case": "", "change": "", "attempts": [], **TURNS[min(self.turn, len(TURNS) - 1)][0]}
            return Turn(json.dumps(plan), tokens_in=1000, tokens_out=50)
        if role == "expert":
            return Turn(
                f"1. {LONG_IDEA}\n```python\nsketched = 1\n```\n2. Other.", tokens_in=1500, tokens_out=100
            )
        if LONG_IDEA in text:
            return Turn(f"```python\n{script(13, 'print(13)')}```\n", tokens_in=1200, tokens_out=300)
        return Turn(f"```python\n{TURNS[max(0, self.turn)][1]}```\n", tokens_in=1200, tokens_out=300)


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    place, team = tmp_path_factory.mktemp("requests"), Team()
    with FaultServer(respond=team) as server:
        tiny.task(place)
        (place / "able.yaml").write_text(MODELS.format(url=server.url))
        options = {"models": place / "able.yaml", "budget": 3, "turns": 5, "aim": "best"}
        session = tiny.session(place, server.url, **options)
        session.run()
    return team


def asked(team, role, nth):
    return [text for who, text, _ in team.asked if who == role][nth]


def asked_for(team, words):
    """The requests to the coder that end with what was asked for."""
    return [text for who, text, _ in team.asked if who == "coder" and words in text.rpartition("```\n")[2]]


def test_what_is_on_offer_is_what_is_described(team):
    first, later = asked(team, "planner", 0), asked(team, "planner", 4)
    assert "- combine:" not in first and "- debug:" not in first and "- apply:" not in first
    assert "- combine: make one script of two that scored" in later and "- debug: repair a script" in later
    assert "% of the money" not in "".join(text for _, text, _ in team.asked)
    assert "takes no turn (3 left)" in first and "takes no turn (2 left)" in later
    assert "where the team is stuck, for about $0.0" in later
    assert " of $3.00 is spent" in later and "is spent" not in first
    for role, text, body in team.asked:
        if role == "planner":
            schema = body["response_format"]["json_schema"]["schema"]["properties"]
            offered = [
                line[2:].partition(":")[0]
                for line in text.rpartition("Choose among:")[2].splitlines()
                if line.startswith("- ")
            ]
            assert offered == [name for name in schema["action"]["enum"] if name in offered]
            assert ", ".join(f'"{name}"' for name in schema) + "}" in text
            assert (
                f"at most {schema['instruction']['maxLength']:,} characters: what is beyond is cut off"
                in text
            )


def test_what_a_provider_reads_first_changes_in_no_turn_of_the_planner(team):
    asked = [body for role, _, body in team.asked if role == "planner"]
    required = asked[0]["response_format"]["json_schema"]["schema"]["required"]
    assert len(asked) > 4 and "case" in required and "change" not in required
    assert all(body["response_format"] == asked[0]["response_format"] for body in asked)
    assert all(body["messages"][0] == asked[0]["messages"][0] for body in asked)


def test_a_coder_is_told_first_what_it_is_always_told_whatever_is_asked_of_it(team):
    asked = [body["messages"] for role, _, body in team.asked if role == "coder"]
    assert len(asked) > 5 and len({system["content"] for system, _ in asked}) == 1
    known = asked[0][1]["content"].partition("The best script so far")[0].rstrip()
    assert "OpenMP threads" in known and all(text["content"].startswith(known) for _, text in asked)


def test_an_instruction_that_is_too_long_is_cut_and_says_so(team):
    (request,) = asked_for(team, "Make this change: guess by twelve")
    assert "y" * 5900 in request and "(cut here: an instruction has at most 6,000 characters)" in request


def test_a_look_is_told_its_limit_and_shown_from_its_beginning(team):
    (request,) = asked_for(team, "Write a script for a look into the data")
    assert "in at most 2,000 characters (what is beyond is lost)" in request
    assert "writes no file" in request and "has the time limit of any run" in request
    assert "cross-validation" in " ".join(asked(team, "planner", 1).rpartition("- look:")[2].split())
    for role, text, _ in team.asked[4:]:
        assert "row 0\nrow 1\n" in text and "row 200\n" in text and "the end" not in text, role
        assert "(cut here: 16,897 characters in all)" in text


def test_two_scripts_are_told_apart_and_blocks_have_one_base(team):
    (request,) = asked_for(team, "Make one script of the two")
    base, _, rest = request.partition("The other script, of attempt 2 (score 0.65)")
    assert "The base, of attempt 1 (score 0.75); it took less than 5% of its time limit:" in base
    assert "print('nine')" in base.partition("The base, of")[2] and "print('twelve')" in rest
    assert "When the base ran:" in rest and "The best script so far" not in request


def test_a_coder_is_told_what_its_base_printed_and_how_that_which_it_repairs_ended(team):
    (changed,) = asked_for(team, "Make this change: guess by twelve")
    assert "When the script above ran:" in changed and "validation accuracy 0.5; nine" in changed
    (repair,) = asked_for(team, "Repair it, and keep what")
    assert "The script that failed, of attempt 3 (no score)" in repair
    assert "soon soon soon\nIt failed at line 8: total = [1][5]" in repair


def test_a_whole_idea_and_its_sketch_reach_the_one_who_writes_it(team):
    request = next(text for role, text, _ in team.asked if role == "coder" and "sketched = 1" in text)
    assert f'Make this change: "{LONG_IDEA}"' in request
    assert len(LONG_IDEA) > 1400


def test_whoever_says_what_to_do_is_told_whose_code_the_coder_sees(team):
    requests = {role: " ".join(text.split()) for role, text, _ in team.asked}
    assert (
        'the programmer is shown the best script, or those that "attempts" names, and no other\'s code'
        in requests["planner"]
    )
    assert (
        "is shown the best script, and neither the other ideas nor the code of any other attempt"
        in requests["expert"]
    )


def test_an_attempt_has_a_name_of_its_own_in_its_turn(team):
    last = team.asked[-1][1]
    assert "- attempt 3, draft: guess by one - crash: IndexError" in last
    assert "- attempt 4, expert: Compare x" in last and "- discarded, score " in last


def test_the_machine_and_its_limits_are_told_once(team):
    for role, text, _ in team.asked:
        assert "20 s, 1 GB of memory" in text and "imports included" in text and "OpenMP threads" in text, (
            role
        )
        assert text.count("two thirds") == 1 and "plan for half" not in text


# -- a single request of one role


def told(deps):
    return "\n".join(message["content"] for message in deps.models.asked[-1]["messages"])


def chose(**choice):
    return json.dumps(
        {"action": "improve", "case": "", "change": "", "attempts": [], "instruction": "more"} | choice
    )


LONG = (
    '"""Parts, blended\nby their sum."""\n'
    "import numpy as np\nfrom lightgbm import LGBMRegressor\nDEPTHS = [3, 5]\nrow = 1\n"
    + "".join(
        f"def part_{i}(rows, depth={i}):\n    kept = rows[{i}]\n    model = LGBMRegressor(n_estimators={i})\n    return model.fit(kept, depth)\n"
        for i in range(90)
    )
    + "blend = sum(part.predict() for part in parts)\n"
)


@cache
def long_run(turns, script=LONG, text="Tell whether x is positive.", *, reported=False):
    """A planner's request at a turn of a run with a long script, looks and long instructions."""
    artifacts = testing.MemoryArtifacts()
    way = "add the mean of each group, smoothed by 20 rows, and its ratio to the whole; " * 9
    attempts = [
        {"reported": reported, "script": f"{script}# {turn}\n", "turn": turn, "score": 0.6 + turn / 1000, "score_before": 0.6,
         "status": "keep" if turn % 5 == 0 else "discard", "plan": {"action": "improve" if turn else "baseline", "instruction": way}}
        for turn in range(turns)
    ]  # fmt: skip
    looks = [{"asked": f"look {i}", "said": artifacts.put(f"seen {i} " + "z" * 1900)} for i in range(3)]
    here = Here(node="planner", prompt="planner.free", model="m", ladder=("m",), step=4)
    task = testing.Task(starter="print(1)\n", text=text, allowed={"time": "10 s"})
    deps = testing.deps(
        models=testing.ScriptedModels(chose(), can=FREE), artifacts=artifacts, task=task, here=here,
        history=testing.MemoryHistory(artifacts),
    )  # fmt: skip
    known = {
        "task": {"turns": turns + 9, "direction": "max"},
        "turn": turns - 1,
        "notes": {"executor": {"looks": looks}},
    }
    planner(testing.state(artifacts, *attempts, **known), deps)
    return told(deps)


def test_a_planner_with_looks_and_a_long_script_is_asked_with_as_much_at_turn_thirty_as_at_turn_three():
    sizes = {turn: len(long_run(turn).encode()) / 3 for turn in (3, 30)}
    assert max(sizes.values()) <= 3500 and sizes[30] <= 1.1 * sizes[3]


@pytest.mark.parametrize("turn", [1, 30])
def test_of_a_task_s_long_text_a_planner_is_told_the_beginning(turn):
    """The programmer is told all of it."""
    text = "".join(f"Column {n} is the price of day {n}. " for n in range(400))
    prompt = long_run(turn, text=text)
    assert len(prompt.encode()) / 3 <= 3500 and text not in prompt
    assert text[:1900] in prompt and "(cut here: the programmer is told all of it)" in prompt
    assert (
        "print(1)" in prompt or "def part_3(rows, depth=3):" in prompt
    )  # what is needed beside it has its room


def test_what_a_look_was_asked_is_told_whole_up_to_its_length():
    state = testing.state(testing.MemoryArtifacts(), turn=1)
    for asked, kept in (("x" * 400, "x" * 400), ("x" * 401, "x" * 397 + "...")):
        assert with_look(state, "executor", asked, "said", "script")["looks"][-1]["asked"] == kept


def test_a_script_that_is_shown_whole_comes_first_and_an_outline_says_what_decides():
    outlined = long_run(30)
    assert (
        "its outline, as it is too long to be shown here" in outlined
        and "# (here the outline leaves lines out)" in outlined
    )
    for line in (
        "import numpy as np",
        "# Parts, blended by their sum.",
        "DEPTHS = [3, 5]",
        "row = 1",
        "def part_3(rows, depth=3):",
        "model = LGBMRegressor(n_estimators=3)",
        "return model.fit(kept, depth)",
        "def part_89(rows, depth=89):",
        "blend = sum(part.predict() for part in parts)",
    ):
        assert line in outlined
    assert "kept = rows[3]" not in outlined and "def part_45" not in outlined
    scarce = long_run(30, text="A long story. " * 90)
    assert "look 1\nseen 1 zzz" in scarce and "look 2\nseen 2 " + "z" * 1900 in scarce
    whole = long_run(30, script=LONG[:3900].rpartition("def ")[0])
    assert "outline" not in whole and "kept = rows[3]" in whole
    looks = [whole.index(f"Look {n + 1} into the data: look {n}\nseen {n} zzz") for n in range(3)]
    assert looks[1] - looks[0] == looks[2] - looks[1] == 402  # of the newest one there is much more
    assert whole.count("(cut here) ...") == 3 and "z" * 800 in whole[looks[2] :]


def test_whose_word_a_score_is_is_said():
    assert "is scored on hidden rows" in long_run(3)
    said = " ".join(long_run(3, reported=True).split())
    assert "its score is the validation score that it prints" in said and "hidden rows" not in said


def test_a_line_of_what_was_tried_is_told_in_its_length_or_counted():
    lines = [line for line in long_run(30).splitlines() if line.startswith("- attempt")]
    assert lines[0].startswith("- attempts 1, 2, 3, 4, ... 26 (26): add the mean of each group")
    assert lines[0].endswith(" - 0.601 to 0.626, 5 kept")
    assert len(lines) >= 3 and all("add the mean of each group" in line for line in lines[1:])
    assert "score 0.629, the best was 0.6" in lines[-1]


def test_a_text_of_a_task_that_is_very_long_leaves_room_for_the_rest():
    asked = long_run(30, text="A long story. " * 900)
    assert "def part_0" in asked and "- attempt 29, improve" in asked


def test_an_attempt_without_a_score_says_why():
    plan = {"action": "improve", "instruction": "x"}
    made = {"script": "", "plan": plan, "score": None, "status": "discard", "turn": 1}
    assert outcome(Attempt(**made)) == (
        "discard: no score, though it ran: it printed none in the words in which the starter prints its own"
    )
    odd = Attempt(
        **made
        | {"score": 0.4, "score_before": 0.5, "fault": "suspect", "problem": "all answers are the same"}
    )
    assert outcome(odd) == "discarded, score 0.4, the best was 0.5; all answers are the same"
    noisy = Attempt(
        **made | {"score": 0.52, "score_before": 0.5, "status": "retest", "gain": 0.02, "noise": 0.03}
    )
    assert outcome(noisy) == "not kept, score 0.52, the best was 0.5; +4% is within the noise of ±6%"
    behind = replace(noisy, score=0.49, status="discard", gain=-0.01)
    assert outcome(behind) == "a tie, within the noise, score 0.49, the best was 0.5"
    assert outcome(replace(behind, gain=-0.04)).startswith("discarded, ")


def test_what_an_attempt_left_out_for_lack_of_time_is_no_failure_of_its_idea():
    plan = {"action": "improve", "instruction": "x"}
    made = {"script": "", "plan": plan, "score": 0.4, "score_before": 0.5, "status": "discard", "turn": 1}
    part, left_out = Attempt(**made, id="p"), Says(skipped="second seed")
    assert (
        outcome(part, left_out)
        == "discarded, score 0.4, the best was 0.5; left out for lack of time: second seed"
    )
    kept = outcome(replace(part, status="keep"), left_out)
    assert kept.endswith("score 0.4; left out for lack of time: second seed")
    assert outcome(part, Says("0.61")) == "discarded, score 0.4 (its validation 0.61), the best was 0.5"
    old = tried([part, *(Attempt(**made | {"turn": turn}) for turn in range(2, 7))], said={"p": left_out})
    assert "discarded, in part untried, score 0.4" in old[0] and "untried" not in old[1]
    stopped = Attempt(**made | {"score": None, "fault": "time", "problem": "it was stopped", "seconds": 60.0})
    busy = outcome(stopped, Says(alone=20.0))
    assert (
        busy == "time, as others used the machine (what it did takes about 30% of it alone): it was stopped"
    )
    assert outcome(stopped, Says(alone=50.0)) == outcome(stopped) == "time: it was stopped"


def test_a_gain_within_the_noise_can_be_built_on():
    state, deps = parts(chose(attempts=["2"], instruction="more of it"), "```python\nprint(9)\n```")
    near = {
        "script": "print('near')\n",
        "turn": 2,
        "score": 0.61,
        "score_before": 0.6,
        "status": "retest",
        "plan": {"action": "draft", "instruction": "n"},
    }
    best = {
        "script": "print('best')\n",
        "turn": 1,
        "score": 0.6,
        "status": "keep",
        "plan": {"action": "draft", "instruction": "b"},
    }
    state = testing.state(deps.artifacts, best, near, task=dict(state.task), turn=2)
    update = planner(state, deps)
    here = replace(deps.here, node="coder", prompt="coder.free")
    coder(replace(state, plan=update["plan"]), replace(deps, here=here))
    assert "The script that is to be changed, of attempt 2 (score 0.61) (the best score is 0.6):" in told(
        deps
    )
    assert "print('near')" in told(deps) and "print('best')" not in told(deps)


@pytest.mark.parametrize(
    ("action", "instruction", "whole"),
    [
        ("improve", "Use more trees.", False),
        ("improve", "Rewrite it around one loop.", True),
        ("combine", "Start over from both.", True),
        ("draft", "Use trees.", True),
        ("debug", "rewrite what failed", False),
    ],
)
def test_a_long_script_is_written_whole_where_the_plan_says_so(action, instruction, whole):
    state, deps = parts("```python\nprint(9)\n```", node="coder", can=replace(FREE, lines=60))
    long = {"script": LONG, "turn": 1, "score": 0.6, "status": "keep", "plan": {"action": "draft"}}
    state = testing.state(
        deps.artifacts, long, task=dict(state.task), plan={"action": action, "instruction": instruction}
    )
    coder(state, deps)
    assert ("one complete script" in told(deps)) is whole and ("<<<<<<< SEARCH" in told(deps)) is not whole
    room = 4000 + round(2 * len(LONG) / 2.5)
    assert deps.models.asked[-1]["max_tokens"] == min(room, FREE.window // 2)


def test_an_idea_is_chosen_by_a_name_that_no_turn_has_and_goes_over_whole():
    what = "Compare x with zero. " * 60
    idea = {"kind": "idea", "what": what.strip(), "sketch": "y = x > 0", "tries": [], "rank": 0}
    state, deps = parts(chose(instruction="Idea A."), "```python\nprint(9)\n```")
    name = deps.artifacts.put_json(idea)
    state = replace(state, history=[{"id": name, "kind": "idea", "similarity": 1.0, "source": "x"}])
    update = planner(state, deps)
    assert '- idea A: "Compare x with zero.' in told(deps)
    assert update["plan"]["action"] == "idea" and update["plan"]["idea"] == name
    here = replace(deps.here, node="coder", prompt="coder.free")
    coder(replace(state, plan=update["plan"]), replace(deps, here=here))
    assert what.strip() in told(deps) and "y = x > 0" in told(deps)


def test_what_is_not_recognised_is_said_so_and_a_mean_length_is_no_fixed_one():
    facts = {
        "summary": "The kind of the task is not known.",
        "contents": ["train.csv: 9 rows; word str of 14 characters"],
    }
    state, deps = parts(chose(), **facts)
    planner(state, deps)
    assert "task is not known" not in told(
        deps
    ) and "not recognised from the files; see the task's text" in told(deps)
    assert "word str of about 14 characters" in told(deps)


def test_who_plans_freely_is_offered_no_change_of_a_number_but_who_chooses_from_a_list_is():
    first = {
        "script": "m = SVC(C=1.0)\n",
        "turn": 1,
        "score": 0.6,
        "status": "keep",
        "plan": {"action": "draft"},
    }
    for prompt, can, offered in (
        ("planner.free", FREE, False),
        ("planner", FREE, False),
        ("planner", Able(), True),
    ):
        state, deps = parts(chose(action="tune", change="SVC.C = 4.0"), prompt=prompt, can=can)
        update = planner(testing.state(deps.artifacts, first, task=dict(state.task), turn=1), deps)
        assert ("SVC.C = 4.0" in told(deps)) is offered
        assert (update["fault"] == {}) is offered


def test_the_threads_that_are_told_are_those_that_the_sandbox_sets(tmp_path):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    state, deps = parts(chose(), machine={"python": "3", "libraries": [], "cores": cores})
    planner(state, deps)
    set_ = Job(interpreter(None), [], tmp_path, Limits(seconds=1)).environment("/", isolated=True)
    threads = (
        f"BLAS threads: {set_['OPENBLAS_NUM_THREADS']} (OpenBLAS); OpenMP threads: {set_['OMP_NUM_THREADS']}."
    )
    assert threads in told(deps)


HELPERS = "".join(
    f'def step_{i}(rows, weight={i}):\n    """Weigh the rows of part {i}.\n\n    All of them.\n    """\n'
    + f"    kept = rows[{i}] * weight\n    for row in kept:\n        row.append(load(row))\n    return kept\n\n\n"
    for i in range(12)
)
BLENDED = (
    'import numpy as np\nFOLDS, SEED = 5, 7\nRATES: list[float] = [0.1, 0.2]\nlower = 3\n\n\n' + HELPERS
    + "class Net(Base):\n    def forward(self, x):\n        return x\n\n\n"
    + "def main():\n    parts = [step_1(1)]\n    weights = 0.3, 0.7\n"
    + "    # by what each is worth\n    total = sum(w * p for w, p in zip(weights, parts))\n    print('rmse', total)\n\n\n"
)  # fmt: skip


@pytest.mark.parametrize("most", [800, 2000, 100_000])
@pytest.mark.parametrize("call", ["if __name__ == '__main__':\n    sys.exit(main())\n", "main()\n"])
def test_an_outline_keeps_constants_signatures_and_the_end(call, most):
    outline = skeleton(BLENDED + call, most)
    assert len(outline) <= most and ("# (here the outline leaves lines out)" in outline) is (most < 1000)
    for line in (
        "FOLDS, SEED = 5, 7", "RATES: list[float] = [0.1, 0.2]", "lower = 3", "def step_0(rows, weight=0):", "def main():", "class Net(Base):",
        "    total = sum(w * p for w, p in zip(weights, parts))\n    print('rmse', total)",
    ):  # fmt: skip
        assert line in outline
    if most >= 2000:
        assert "def step_0(rows, weight=0):  # Weigh the rows of part 0." in outline
        assert "    def forward(self, x):" in outline and "# by what each is worth" in outline


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("params = {'rate': 0.1, 'rounds': -400}", "params = {'rate': 0.1, 'rounds': -400}"),
        ("params = dict(rate=2 * 0.1, kinds=['a'])", "params = dict(rate=2 * 0.1, kinds=['a'])"),
        ("a, b = 1, 'x'", "a, b = 1, 'x'"),
        (f"names = {['long'] * 90}", f"names = {['long'] * 90}"[:117] + "..."),
        ("rates = np.logspace(-3, 3, 7)", "rates = np.logspace(-3, 3, 7)"),
        ("sizes = range(rows)", ""),
        ("class Config:\n    rate = 0.1", "class Config:\n    rate = 0.1"),
        ("found = []", ""),
        ("best = None", ""),
        ("total = rows + 1", ""),
        ("rows[0] = 1", ""),
        ("total += 1", ""),
        ("def f():\n    inner = 3", "def f():"),
    ],
)
def test_an_outline_tells_the_settings_that_a_script_writes_out(line, told):
    assert skeleton(f"{line}\n\n\ndef g(x):\n    return x\n", 800).splitlines() == [
        *told.splitlines(),
        "def g(x):",
    ]


def test_many_short_settings_are_told_rather_than_few_long_ones():
    settings = "".join(f"kinds_{n} = {['long'] * 20}\nrate_{n} = 0.{n}\n" for n in range(6))
    outline = skeleton(settings + HELPERS + HELPERS, 2300)
    assert all(f"rate_{n} = 0.{n}\n" in outline and f"kinds_{n} = ['long'" in outline for n in range(6))


def test_what_makes_a_model_takes_no_room_of_the_settings():
    models = "".join(f"part_{n} = Model({n})\n" for n in range(60))
    assert "\nrate = 0.1\n" in skeleton(f"{models}rate = 0.1\n{models}def f(x):\n    return x\n", 800)


def test_an_outline_can_leave_out_what_is_known_and_says_where_it_cuts():
    changed = BLENDED.replace("return kept", "return kept.fit(rows)").replace(
        "FOLDS, SEED = 5", "FOLDS, SEED = 9"
    )
    added = skeleton(changed, 200, BLENDED)
    assert added.startswith("FOLDS, SEED = 9, 7\n") and "    return kept.fit(rows)" in added
    assert "def step_0" not in added and "# (here the outline leaves lines out)" in added
    assert skeleton(BLENDED, 200, BLENDED) == ""
    # Where an end is shorter, what stands before it moves into the room for the end.
    shorter = BLENDED.replace("    weights = 0.3, 0.7\n", "")
    assert skeleton(f"{shorter}main()\n", 800, f"{BLENDED}main()\n") == ""


def test_the_newest_script_is_outlined_where_it_is_not_the_best_and_there_is_room():
    state, deps = parts(chose(), chose())
    planner(state, deps)
    newest = (
        told(deps)
        .partition("Of its outline, what the best script has not:\n```python\n")[2]
        .partition("\n```")[0]
    )
    assert newest.splitlines() == ["def fit(rows):", "print('validation accuracy', 0.61)", "fit([1])"]
    head = deps.artifacts.json(state.head)["parent"]
    planner(replace(state, head=head), deps)
    assert "Of its outline" not in told(deps)  # the newest is the best


def test_an_outline_of_what_does_not_parse_or_only_defines_is_what_there_is():
    assert skeleton("def f(:\n" * 9, 60) == "def f(:\ndef f(:\n# (here the outline leaves lines out)"
    assert skeleton("def f(x):\n    return x\n", 60) == "def f(x):"
    assert skeleton("if here:\n    x = 1\n", 600) == "    x = 1"
    assert skeleton("", 60) == ""
