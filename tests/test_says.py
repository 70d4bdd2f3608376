"""What a script says for its attempt: what it left out for lack of time, in its own plain words, and its own validation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dossier import STARTER, asked, parts
from test_told import Says

from budgetmlagent import testing
from memory.attempts import Attempt
from nodes.coder import coder
from nodes.craft.dossier import dossier
from nodes.craft.says import LONGEST, says, skipped, validation
from nodes.deps import Execution, Score
from nodes.evaluator import evaluator

SCRIPT = (
    "print('skipped: second seed and the blend, for lack of time')\n"
    "print(f'skipped: fold {k} of {model}, for lack of time')\nprint('lgbm out of time, stopping after round')\n"
)


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("validation accuracy 0.9\nskipped: second seed and the blend, for lack of time\n", "second seed and the blend"),
        ("skipped: fold 3 of lgbm, for lack of time\nrmse 0.2", "fold 3 of lgbm"),
        ("lgbm out of time, stopping after round 7", "lgbm out of time, stopping after round 7"),
        ("skipped: second seed, for lack of time\n" * 5, "second seed"),
        ("skipped: fold 1 of lgbm, for lack of time\nskipped: second seed, for lack of time", "fold 1 of lgbm; second seed"),
        ("skipped: Smith 48151623, for lack of time", "..."),
        ("time 3 s\nskipped 3 rows\n1.0", ""),
        ("the timeless skipper", ""),
        ("", ""),
        ("skipped x for time " * 40, ""),  # of a line that long it says something else
    ],
)  # fmt: skip
def test_what_was_left_out_is_told_in_words_of_the_script(output, what):
    assert skipped(output, SCRIPT, (STARTER,)) == what


@given(st.text(max_size=80), st.integers(10**6, 10**9))
def test_no_line_of_it_is_long_or_tells_a_cell(words, cell):
    said = skipped(f"skipped: {words} {cell}, for lack of time\n" * 3, SCRIPT, (STARTER,))
    assert len(said) <= LONGEST and str(cell) not in said and "\n" not in said


@pytest.mark.parametrize("left_out", [False, True])
def test_the_attempt_tells_it_and_its_idea_counts_as_untried(left_out):
    state, deps = parts(node="evaluator")
    output = "skipped: second seed, for lack of time\n" if left_out else "all of it\n"
    output = deps.artifacts.put(output + "validation accuracy 0.61234\n")
    ran = Execution(deps.artifacts.put(SCRIPT), 0, 9.0, output, alone=2.0)
    plan = {"action": "idea", "instruction": "use two seeds", "case": "", "by": "m"}
    best = {"attempt": Attempt.read(deps.artifacts, state.head).parent, "score": 0.6}
    run = {"execution": deps.artifacts.put_json(ran.as_json())}
    state = replace(state, turn=3, run=run, plan=plan, best=best, fault={})
    update = evaluator(state, replace(deps, scorer=Says(Score(0.55))))
    made = Attempt.read(deps.artifacts, update["head"])
    said = says(made, deps.artifacts, (STARTER,))
    assert said == ("0.612", "second seed" if left_out else "", 2.0)
    assert says(replace(made, reported=True), deps.artifacts).validation == ""  # the score is that number
    assert says(replace(made, execution=""), deps.artifacts) == ("", "", 0.0)
    kinds = [item["kind"] for item in deps.history.kept]
    assert kinds.count("idea") == (not left_out) and "attempt" in kinds


@pytest.mark.parametrize(
    ("part", "why"),
    [(1.01, "it went over its limit of time"), (0.5, "the run's own time was over before its limit of time")],
)
def test_a_script_that_the_end_of_the_run_cut_is_not_told_of_a_limit_that_it_kept(part, why):
    state, deps = parts(node="evaluator")
    seconds = part * deps.task.seconds
    ran = Execution(deps.artifacts.put(SCRIPT), None, seconds, deps.artifacts.put(""), killed="time")
    state = replace(state, turn=3, run={"execution": deps.artifacts.put_json(ran.as_json())}, fault={})
    assert evaluator(state, deps)["fault"]["detail"].startswith(
        f"the script was stopped: {why} (10 s); let it do less"
    )


@pytest.mark.parametrize(
    ("output", "number"),
    [
        ("fold 1 validation rmse 0.51234\nvalidation rmse 0.41234\nwrote it\n", "0.412"),
        ("validation mae ridge 4.5678", "4.57"),
        ("OOF AUC=0.9", "0.9"),
        ("CV accuracy: 93.25 +- 0.4", "93.2"),
        ("validation took 3.25 s", ""),
        ("train rmse 0.41234", ""),
        ("validation id 48151623.5", ""),
        ("valid name error 48151623.5", ""),  # too many digits for a measure
        ("validation accuracy 1", ""),
        ("x" * 400 + " validation rmse 0.4", ""),
        ("", ""),
    ],
)
def test_the_validation_score_is_the_last_measure_that_a_script_says_of_its_validation(
    output: str, number: str
) -> None:
    assert validation(output, "print('validation mae ridge', 1)") == number


def test_it_is_told_with_the_attempts():
    state, deps = parts()
    output = deps.artifacts.put("validation accuracy 0.61234\nskipped: second seed, for lack of time\n")
    ran = Execution(deps.artifacts.put(SCRIPT), 0, 9.0, output).as_json()
    made = {
        "script": SCRIPT, "turn": 1, "score": 0.55, "score_before": 0.6, "status": "discard",
        "plan": {"action": "improve", "instruction": "use two seeds"}, "execution": deps.artifacts.put_json(ran),
    }  # fmt: skip
    state = testing.state(deps.artifacts, made, task=dict(state.task), turn=1)
    line = (
        "attempt 1, improve: use two seeds - discarded, score 0.55 (its validation 0.612), the best was 0.6;"
        " left out for lack of time: second seed"
    )
    assert dossier(state, deps).tried == dossier(state, deps, 9_000).tried == (line,)


@pytest.mark.parametrize(
    ("reported", "told"), [(True, "The starter prints its score so: validation accuracy 0.5\n"), (False, "")]
)
def test_the_coder_is_told_by_which_words_a_score_is_read_that_is_a_script_s_own(reported, told):
    state, deps = parts("```python\nprint(9)\n```", node="coder")
    output = deps.artifacts.put("read 48151623 rows\nvalidation accuracy 0.5\n")
    ran = Execution(deps.artifacts.put(STARTER), 0, 1.0, output)
    first = {"script": STARTER, "turn": 0, "score": 0.5, "plan": {"action": "baseline"}, "reported": reported}
    first["execution"] = deps.artifacts.put_json(ran.as_json())
    plan = {"action": "draft", "instruction": "x", "case": "", "by": "m"}
    state = testing.state(deps.artifacts, first, task=dict(state.task), plan=plan)
    coder(state, deps)
    prompt = asked(deps)
    assert (
        told in prompt
        and ("The starter prints its score so" in prompt) is reported
        and "48151623" not in prompt
    )
