"""What capable models are told: all of it is true, bounded and the same in a replay; weak ones are told what they always were."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prompts
from budgetmlagent import testing
from graphs.compile import _here
from graphs.model import NodeSpec
from memory import attempts as records
from memory.attempts import Attempt
from nodes.able import Able
from nodes.coder import coder
from nodes.craft.dossier import ASKED, SKELETON, dossier
from nodes.craft.doubts import doubts
from nodes.craft.looks import Look, looks_told, needed
from nodes.craft.output import pace, ran
from nodes.craft.room import at_least, for_ideas, for_plan, for_script
from nodes.craft.tried import ROOM, scores, tried
from nodes.deps import Execution, Here
from nodes.expert import expert
from nodes.planner import planner

FREE = Able(plans="free", lines=300, edits=True, window=32_768)
STARTER = "import csv\nprint('validation accuracy', 0.5)\n"
SCRIPT = "import csv\n\ndef fit(rows):\n    return rows[9]\n\nprint('validation accuracy', 0.61)\nfit([1])\n"
TAIL = (
    "validation accuracy 0.61\nhidden cell 48151623\nTraceback (most recent call last):\n"
    '  File "/work/train.py", line 7, in <module>\n    fit([1])\n  File "/work/train.py", line 4, in fit\n    return rows[9]\n'
    '  File "/work/train.py", line 2, in secret\n    a line that is not there\nIndexError: list index out of range\n'
)
FACTS = {
    "summary": "Tables: train.csv 9x3.", "kinds": ["csv", "unknown"], "contents": ["train.csv: 9 rows, 3 columns: id int64"],
    "submission": {"file": "submission.csv", "rows": 4, "columns": ["id", "y"], "dtypes": {"id": "int64", "y": "float64"}},
    "machine": {"python": "3.11.7", "libraries": ["numpy 2.4.6"], "cores": 2, "gpu": False, "network": False},
    "rows": ["train.csv: 48151623,0"], "metric": {"name": "f1_macro", "direction": "max"},
}  # fmt: skip


def execution(artifacts, **changes):
    record = {
        "script": artifacts.put(SCRIPT),
        "exit": 1,
        "seconds": 4.2,
        "output": "",
        "tail": TAIL,
    } | changes
    return Execution.of(record)


def parts(*replies, rows=False, node="planner", prompt="", can=FREE, **facts):
    artifacts = testing.MemoryArtifacts()
    task = testing.Task(
        starter=STARTER, allowed={"time": "10 s", "memory": "2 GB", "processes": "64"}, rows=rows
    )
    here = Here(node=node, prompt=prompt or f"{node}.free", model="m", ladder=("m",), step=4)
    history = testing.MemoryHistory(artifacts)
    deps = testing.deps(
        models=testing.ScriptedModels(*replies, can=can),
        artifacts=artifacts,
        task=task,
        here=here,
        history=history,
    )
    ran_ = artifacts.put_json(execution(artifacts).as_json())
    attempts = [
        {"script": STARTER, "turn": 0, "score": 0.5, "plan": {"action": "baseline"}},
        {"script": STARTER + "x = 1\n", "turn": 1, "score": 0.6, "score_before": 0.5, "plan": {"action": "improve", "instruction": "add x"}},
        {"script": SCRIPT, "turn": 2, "status": "crash", "fault": "crash", "problem": "IndexError: list index out of range", "execution": ran_, "plan": {"action": "draft", "instruction": "fit anew"}},
    ]  # fmt: skip
    told = {
        "task": {"turns": 9, "briefing": artifacts.put_json(FACTS | facts), "direction": "max"},
        "turn": 2,
    }
    return testing.state(artifacts, *attempts, **told), deps


def asked(deps):
    return "\n".join(message["content"] for message in deps.models.asked[-1]["messages"])


def test_the_planner_is_told_all_that_it_needs_for_the_best_script():
    state, deps = parts(json.dumps({"action": "improve", "case": "", "change": "", "instruction": "more"}))
    planner(state, deps)
    prompt = asked(deps)
    for line in (
        "train.csv: 9 rows, 3 columns: id int64",
        "submission.csv (4 rows; columns id int64, y float64)",
        "10 s, 2 GB of memory, 2 CPU cores, no GPU, no network",
        "Installed: Python 3.11.7, numpy 2.4.6.",
        "Not sure: what kind of task this is",
        "Not sure: that the metric is f1_macro: it was guessed.",
        "x = 1\n",  # the best script, whole
        "- attempt 1, improve: add x - kept, the new best, score 0.6",
        "- attempt 2, draft: fit anew - crash: IndexError: list index out of range",
        "0.5 (the starter) -> 0.6 (attempt 1)",
        "It took about 40% of its time limit (4 s).",
        "by way of line 7: fit([1])\nIt failed at line 4, in fit: return rows[9]",
    ):
        assert line in prompt, line
    assert "not there" not in prompt and "secret" not in prompt  # a place that the script has made up
    assert "48151623" not in prompt
    assert deps.models.asked[0]["max_tokens"] == for_plan(FREE) > for_plan(Able()) == 200


def test_a_planner_is_told_while_nobody_has_drafted_a_solution():
    state, deps = parts()
    assert dossier(state, deps).drafted  # the newest attempt is a draft
    before = replace(state, head=Attempt.read(deps.artifacts, state.head).parent)
    assert not dossier(before, deps).drafted
    for one, told in ((state, False), (before, True)):
        _, deps_again = parts(json.dumps({"action": "finish", "case": "", "change": "", "instruction": ""}))
        planner(one, replace(deps_again, artifacts=deps.artifacts))
        assert ("None was drafted yet" in asked(deps_again)) == told


def test_an_outline_begins_with_what_the_script_was_asked_for():
    long = "".join(f"def part_{n}(x):\n    return x + {n}\n\n\n" for n in range(900))
    state, deps = parts(json.dumps({"action": "finish", "case": "", "change": "", "instruction": ""}))
    best = deps.artifacts.json(state.best["attempt"])
    plan = {"action": "improve", "instruction": "weigh each row " + "by its age " * 90}
    state.best["attempt"] = deps.artifacts.put_json(best | {"script": deps.artifacts.put(long), "plan": plan})
    planner(state, deps)
    outline = asked(deps).partition("```python\n")[2].partition("```")[0]
    assert (
        outline.startswith("# Asked for: weigh each row by its age by its age")
        and "def part_0(x):" in outline
    )
    assert len(outline.partition("\n")[0]) == len("# Asked for: ") + ASKED and len(outline) <= SKELETON + 1


def test_what_the_best_script_was_asked_for_is_said_once():
    long = "".join(f"def part_{n}(x):\n    return x + {n}\n\n\n" for n in range(900))
    for script, line in (
        (long, "- attempt 1, improve: what its outline says that was asked for - kept"),
        (STARTER + "x = 1\n", "- attempt 1, improve: weigh each row - kept"),
    ):
        state, deps = parts(json.dumps({"action": "finish", "case": "", "change": "", "instruction": ""}))
        plan = {"action": "improve", "instruction": "weigh each row"}
        made = {
            "script": script,
            "turn": 1,
            "score": 0.6,
            "score_before": 0.5,
            "status": "keep",
            "plan": plan,
        }
        planner(testing.state(deps.artifacts, made, task=dict(state.task), turn=1), deps)
        assert line in asked(deps) and asked(deps).count("weigh each row") == 1


def looks_of(*said):
    return [
        Look(f"look {n + 1}", f"what is in part {n}? " + "Say it. " * 40, text) for n, text in enumerate(said)
    ]


def test_of_each_look_both_ends_are_told_where_room_is_scarce():
    looks = looks_of(*("\n".join(f"part {n} line {i}" for i in range(120)) for n in range(3)))
    whole = looks_told(looks)
    newest = len(whole[2])
    assert looks_told(looks, 10_000) == whole and needed(looks) == (newest, newest + 2 * 400)
    told = looks_told(looks, newest + 2 * 400)
    assert told[2] == whole[2] and max(map(len, told[:2])) <= 400
    for look, n in [*zip(told, range(2), strict=False), (looks_told(looks, newest)[2], 2)]:
        assert f"what is in part {n}?" in look and f"part {n} line 0\n" in look and look.endswith("line 119")
    assert len(looks_told(looks_of("z" * 3000), 400)[0]) == 400
    few = looks_told(looks, 700)
    assert few[0] == "(Earlier looks that have no room here: 1.)" and len(few) == 3
    assert looks_told([], 0) == () and needed([]) == (0, 0) and needed(looks_of("a", "b")) == (726, 726)


@given(st.lists(st.text(max_size=2000), max_size=3), st.integers(0, 7000))
def test_looks_take_no_more_room_than_there_is(said, room):
    told = looks_told(looks_of(*said), room)
    assert sum(len(look) for look in told if not look.startswith("(Earlier looks")) <= room


def test_columns_that_the_summary_does_not_count_are_named():
    table = {"drop": ["id", "p0", *(f"q{n}" for n in range(9))], "id": "id"}
    state, deps = parts(table=table)
    assert (
        "\nNot counted there, as they are constant or only name the rows (10): p0, q0, q1, q2, q3, q4, q5, q6 and 2 more.\n"
        in (dossier(state, deps).data)
    )
    for counted in ({"drop": ["id"], "id": "id"}, {}):
        state, deps = parts(table=counted)
        assert "Not counted" not in dossier(state, deps).data


def test_a_look_starts_from_the_attempt_that_it_names_else_from_the_best():
    for names, score, other, shown in (
        (["1"], 0.3, "keep", "x = 1"),
        ([], 0.3, "keep", "x = 2"),
        ([], 0.9, "discard", "x = 0"),  # the starter is the best
    ):
        choice = {"action": "look", "case": "", "attempts": names, "instruction": "compare both"}
        state, deps = parts(json.dumps(choice), "```python\nprint(3)\n```")
        deps.task.looks = True
        made = [
            {"script": f"x = {n}\n", "turn": n, "score": each, "status": status, "plan": {"action": "draft"}}
            for n, (each, status) in enumerate(((score, "keep"), (0.4, "discard"), (0.5, other)))
        ]
        state = testing.state(deps.artifacts, *made, task=dict(state.task), turn=2)
        update = planner(state, deps)
        here = replace(deps.here, node="coder", prompt="coder.free")
        coder(replace(state, plan=update["plan"]), replace(deps, here=here))
        assert f"```python\n{shown}\n```" in asked(deps) and "which writes no file" in asked(deps)


def test_rows_and_outputs_are_shown_as_they_are_only_where_the_data_may_be_shown():
    for rows in (False, True):
        state, deps = parts("1. Use trees.", node="expert", rows=rows)
        expert(state, deps)
        assert ("First rows of train.csv" in asked(deps)) is rows
        assert ("hidden cell 48151623" in asked(deps)) is rows


def test_the_stable_part_of_a_prompt_comes_before_what_changes():
    state, deps = parts("1. Use trees.", node="expert")
    expert(state, deps)
    prompt = asked(deps).partition("The task: ")[2]
    places = [
        prompt.index(part)
        for part in ("The data", "Installed", "```python", "Tried so far", "The newest script, of")
    ]
    assert places == sorted(places)


def test_a_capable_coder_has_room_for_a_whole_script_and_a_weak_one_what_it_had():
    base = "x = 1\n" * 500
    assert for_script(FREE, base) == 4000 + 2 * len(base) // 2.5
    assert for_script(Able(), base) == 600 + len(base) // 2
    assert for_script(FREE, "", draft=True) >= 8000
    assert (
        at_least(FREE, base, whole=True) == round(len(base) / 3.3)
        and at_least(FREE, base, whole=False) == 300
    )
    assert at_least(Able(), base, whole=True) == 0
    assert for_script(replace(FREE, window=4096), base) == 2048
    assert for_ideas(FREE) > for_ideas(Able()) == 400


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            {"action": "draft", "instruction": "use trees"},
            "Write a whole new script by this approach: use trees",
        ),
        ({"action": "improve", "instruction": "use trees"}, "Make this change: use trees"),
        ({"action": "look", "instruction": "count words"}, "a look into the data, which writes no file"),
        ({"action": "expert", "instruction": "use trees"}, 'Make this change: "use trees"'),
    ],
)
def test_a_capable_coder_is_asked_by_what_the_plan_says(plan, said):
    state, deps = parts("```python\nprint(3)\n```", node="coder")
    coder(replace(state, plan=plan), deps)
    assert said in asked(deps) and "Installed: Python" in asked(deps) and "- attempt 2, draft" in asked(deps)
    assert "uses only numpy" not in asked(deps)


def test_attempts_that_the_plan_names_are_what_the_coder_starts_from():
    state, deps = parts("```python\nprint(3)\n```", "```python\nprint(4)\n```", node="coder")
    debug = {"action": "debug", "instruction": "read fewer rows", "of": [state.head]}
    coder(replace(state, plan=debug), deps)
    prompt = asked(deps)
    assert (
        "The script that failed, of attempt 2 (no score); it took about 40% of its time limit" in prompt
        and "rows[9]" in prompt
    )
    assert "It failed: IndexError" in prompt and "Repair it: read fewer rows" in prompt
    both = {"action": "combine", "instruction": "average", "of": [state.best["attempt"], state.head]}
    coder(replace(state, plan=both), deps)
    assert (
        "The other script, of attempt 2 (no score)" in asked(deps)
        and "x = 1" in asked(deps)
        and "rows[9]" in asked(deps)
    )


def test_an_edit_that_does_not_fit_is_a_fault_that_the_next_question_tells():
    edit = "<<<<<<< SEARCH\nnowhere\n=======\nx = 2\n>>>>>>> REPLACE\n"
    state, deps = parts(edit, edit.replace("nowhere", "x = 1"), node="coder")
    state = replace(state, plan={"action": "improve", "instruction": "two"})
    update = coder(state, deps)
    assert update["fault"]["kind"] == "unparsable" and "'nowhere'" in update["fault"]["detail"]
    update = coder(replace(state, fault=update["fault"]), deps)
    assert "could not be used: what block 1 searches for" in asked(deps)
    assert f"<reply>\n{edit.strip()}\n</reply>" in asked(deps)
    assert deps.artifacts.text(update["script"]) == STARTER + "x = 2\n"


def test_of_a_long_reply_that_was_refused_is_shown_what_has_room_and_a_weak_model_is_shown_none():
    long = "<<<<<<< SEARCH\nnowhere\n=======\n" + "x = 2\n" * 12_000 + ">>>>>>> REPLACE\n"
    for can, most in (
        (replace(FREE, window=200_000), 24_000),
        (replace(FREE, window=8_192), 2_048),
        (Able(), 0),
    ):
        state, deps = parts(long, "```python\nprint(3)\n```", node="coder", can=can, prompt="coder.free")
        state = replace(state, plan={"action": "improve", "instruction": "two"})
        fault = coder(state, deps)["fault"]
        assert ("reply" in fault) is bool(most)
        coder(replace(state, fault=fault), deps)
        shown = asked(deps).partition("<reply>\n")[2].partition("\n</reply>")[0]
        assert len(shown) == most and shown.endswith("(cut here)" if most else "")


def test_a_reply_that_was_cut_off_is_told_to_the_one_who_is_asked_again():
    cut = {"kind": "truncated", "detail": "the reply was cut off at its limit"}
    state, deps = parts("```python\nprint(3)\n```", node="coder")
    coder(replace(state, plan={"action": "improve", "instruction": "two"}, fault=cut), deps)
    assert "Your last reply could not be used: the reply was cut off at its limit" in asked(deps)


def test_what_the_summary_and_the_contents_both_say_is_told_once():
    state, deps = parts(
        summary="Tables: train.csv 9x3.\ntrain.npz[X]: shape [9, 3], float64, train, used\nA class each."
    )
    assert "as code has read it: A class each.\n- train.csv: 9 rows" in dossier(state, deps).data
    state, deps = parts(summary="Tables: train.csv 9x3.", contents=[])
    assert "as code has read it: Tables: train.csv 9x3." in dossier(state, deps).data


def test_what_a_profile_says_changes_what_is_asked():
    long = STARTER + "".join(f"x{i} = {i}\n" for i in range(70))
    for lines, whole, edit in ((300, True, True), (60, False, True)):
        state, deps = parts("```python\nprint(3)\n```", node="coder", can=replace(FREE, lines=lines))
        head = deps.artifacts.put_json(
            {
                "script": deps.artifacts.put(long),
                "plan": {"action": "improve"},
                "status": "keep",
                "score": 0.7,
            }
        )
        best = {"attempt": head, "score": 0.7}
        coder(replace(state, best=best, head=head, plan={"action": "improve", "instruction": "y"}), deps)
        assert ("one complete script" in asked(deps)) is whole
        assert ("<<<<<<< SEARCH" in asked(deps)) is edit


@pytest.mark.parametrize("name", ["planner", "coder", "expert"])
def test_a_variant_is_taken_for_models_that_plan_freely_and_no_other(name, tmp_path, monkeypatch):
    # `form` and `mend` are for all who edit.
    new = {
        "dossier",
        "mode",
        "whose",
        "other",
        "others",
        "limits",
        "letters",
        "sketch",
        "pace",
        "ran",
        "refused",
    }
    assert not new & prompts.needs(name)  # what weak models read holds nothing of it
    assert prompts.variant(name, "free") == f"{name}.free"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.md").write_text("## user\nhello")
    config = {"metadata": {"langgraph_step": 1}, "configurable": {"__pregel_task_id": "x"}}

    def shown(prompt, can):
        deps = testing.deps(models=testing.ScriptedModels(can=can))
        node = NodeSpec(run=name, prompt=prompt, ladder=("recall", "small"))
        state = testing.state(testing.MemoryArtifacts(), rungs={name: 1})
        return _here(name, node, name, state, config, deps).prompt

    assert [shown(name, can) for can in (Able(), FREE)] == [name, f"{name}.free"]
    assert [shown("mine.md", can) for can in (Able(), FREE)] == ["mine.md", "mine.md"]
    (tmp_path / "mine.free.md").write_text("## user\nhello, you can do more")
    assert [shown("mine.md", can) for can in (Able(), FREE)] == ["mine.md", "mine.free.md"]
    assert prompts.variant("no package:mine.md", "free") == prompts.variant("a\0b.md", "free") == ""
    assert name in prompts.shipped() and f"{name}.free" not in prompts.shipped()


def attempt(turn, **changes):
    plan = {"action": "improve", "instruction": f"way {turn} " + "word " * 60}
    return Attempt(
        **{"script": "", "plan": plan, "status": "discard", "score": 0.5, "score_before": 0.6, "turn": turn}
        | changes
    )


def test_no_attempt_falls_out_because_others_were_kept():
    timed = {
        "status": "crash",
        "score": None,
        "fault": "time",
        "problem": "the script went over its limit of time (60 s)",
    }
    made = [
        attempt(1, **timed),
        attempt(2, **timed),
        *(attempt(i, status="keep", score=0.6 + i / 100) for i in range(3, 9)),
    ]
    lines = tried(made)
    assert len(lines) == 8 and all("time" in line for line in lines[:2])
    assert "0.6 (the starter)" not in scores(made) and scores(made).endswith("0.68 (attempt 8)")


@given(st.integers(0, 60))
def test_what_was_tried_takes_as_little_room_at_turn_sixty_as_at_turn_five(turns):
    lines = tried([attempt(turn, status="crash" if turn % 3 else "discard") for turn in range(1, turns + 1)])
    assert sum(map(len, lines)) <= ROOM
    if turns:
        assert lines[-1].startswith(f"attempt {turns}, improve: way {turns}")
        assert lines[0].startswith(("attempt 1:", "attempt 1,", "attempts 1,"))  # what was first is told, too


def test_a_share_of_the_time_is_told_coarsely():
    artifacts = testing.MemoryArtifacts()
    told = {s: pace(execution(artifacts, seconds=s), 60) for s in (0.0, 2.9, 3.1, 26.0, 60.0)}
    assert list(told.values()) == [
        "less than 5% of its time limit", "less than 5% of its time limit", "about 10% of its time limit (6 s)",
        "about 40% of its time limit (24 s)", "about 100% of its time limit (60 s)",
    ]  # fmt: skip
    assert pace(execution(artifacts, killed="time", exit=None), 60) == "all of its time limit"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": 54.0, "alone": 12.0}, "about 90% of its time limit (54 s), as others used the machine: alone about 20% (12 s)"),
        ({"seconds": 54.0, "alone": 1.0}, "about 90% of its time limit (54 s), as others used the machine: alone less than 5%"),
        ({"seconds": 60.0, "alone": 20.0, "killed": "time", "exit": None},
         "all of its time limit, as others used the machine: what it did takes about 30% (18 s) alone"),
        ({"seconds": 7.2, "alone": 5.0}, "about 10% of its time limit (6 s)"),  # no difference that matters
        ({"seconds": 54.0, "alone": 48.0}, "about 90% of its time limit (54 s)"),  # as much as a look may miss
        ({"seconds": 54.0, "alone": 0.0}, "about 90% of its time limit (54 s)"),  # it is not known
        ({"seconds": 2.0, "alone": 0.5}, "less than 5% of its time limit"),
    ],
)  # fmt: skip
def test_a_script_that_others_slowed_down_is_told_with_what_it_would_have_taken_alone(changes, said):
    assert pace(execution(testing.MemoryArtifacts(), **changes), 60) == said


@given(st.text(max_size=200))
def test_any_output_is_told_in_few_words_and_never_a_number_of_the_data(printed):
    artifacts = testing.MemoryArtifacts()
    tail = f"{printed}\n48151623 7.3921\n"
    told = ran(execution(artifacts, tail=tail, exit=0), SCRIPT, (STARTER,), rows=False, limit=60)
    assert len(told) <= 700 and "48151623" not in told and "7.3921" not in told
    shown = ran(execution(artifacts, tail=tail * 900, exit=0), SCRIPT, (STARTER,), rows=True, limit=60)
    assert len(shown) <= 1000


def test_of_a_long_output_the_first_lines_are_shown_too_where_they_are_known():
    artifacts, lines = testing.MemoryArtifacts(), [f"epoch {i} of 90: all is well" for i in range(90)]
    printed = "\n".join(["read 1,200 rows", *lines, "accuracy 0.93"])
    shown = ran(execution(artifacts, tail=printed, exit=0), SCRIPT, (), rows=True, limit=60)
    assert (
        "read 1,200 rows\nepoch 0 " in shown and shown.endswith("accuracy 0.93") and "epoch 40 " not in shown
    )
    assert shown.count("(cut here)") == 1
    end = ran(
        execution(artifacts, tail=(printed * 2)[-records.TAIL :], exit=0), SCRIPT, (), rows=True, limit=60
    )
    assert (
        "(cut here)" in end and end.index("(cut here)") < end.index("epoch") and end.endswith("accuracy 0.93")
    )
    short = ran(execution(artifacts, tail="a\nb\n", exit=0), SCRIPT, (), rows=True, limit=60)
    assert short.endswith("it printed: a\nb")


@pytest.mark.parametrize("rows", [True, False])
def test_a_traceback_of_a_script_that_ended_well_hides_nothing_that_it_measured(
    rows: bool,
) -> None:
    frames = "".join(
        f'  File "pool.py", line {n}, in close\n    self.close()\n    ~~~~^^\n' for n in range(40)
    )
    tail = (
        f"accuracy 0.75\nTraceback (most recent call last):\n{frames}OSError: [Errno 9] Bad file descriptor\n"
    )
    told = ran(
        execution(testing.MemoryArtifacts(), tail=tail, exit=0),
        "print('accuracy', a)\n",
        (),
        rows=rows,
        limit=60,
    )
    assert "accuracy 0.75" in told and "OSError" in told and "pool.py" not in told


@pytest.mark.parametrize(
    ("facts", "text", "doubt"),
    [
        ({"kinds": ["unknown"]}, "x", "what kind of task"),
        ({"problems": ["tables: KeyError: 'secretword'"]}, "x", "could not be read"),
        ({"metric": {"name": "f1_macro"}}, "Find the best.", "f1_macro"),
        ({"metric": {"name": "f1_macro"}}, "Scored by macro-averaged F1.", ""),
        ({"metric": {"name": "rmse"}}, "Scored by the root-mean squared error.", ""),
        ({"metric": {"name": "rmse"}}, "Scored by the mean absolute error.", "rmse"),
        (
            {"table": {"problem": "classification", "classes": 544, "rows_train": 3000}},
            "Predict the level.",
            "544",
        ),
        (
            {"table": {"problem": "classification", "classes": 9, "rows_train": 3000}},
            "Predict; RMSE counts.",
            "numbers",
        ),
        ({"arrays": {"task": "regression"}}, "Classify the images.", "classes"),
        (
            {"table": {"problem": "classification", "classes": 9, "rows_train": 3000}},
            "Classify; accuracy.",
            "",
        ),
        (
            {"graph": {"task": "classification", "classes": 7, "known": 140}, "metric": {"name": "accuracy"}},
            "accuracy",
            "",
        ),
        ({}, "", ""),
    ],
)
def test_what_is_not_sure_is_said_to_be_so(facts, text, doubt):
    found = doubts(facts, text, "score")
    assert bool(found) is bool(doubt) and doubt in " ".join(found)
    assert "secretword" not in " ".join(found)


def test_a_run_without_a_briefing_and_without_attempts_has_an_empty_dossier():
    _, deps = parts()
    told = dossier(testing.state(deps.artifacts), deps)
    assert told.tried == () and told.last == told.pace == "" and told.script == STARTER.strip()
    assert told.machine.startswith("Each run of a script may use 10 s")
