"""How large a difference is chance: what code knows of it is told to all three roles, and so is that it knows nothing."""

from dataclasses import replace

import pytest
from test_dossier import STARTER, asked, parts

from budgetmlagent import testing
from memory.attempts import Score, sampled
from nodes.coder import coder
from nodes.expert import expert
from nodes.planner import planner

ANSWERS = {
    planner: '{"action": "finish", "case": "", "change": "", "instruction": ""}',
    coder: "```python\nprint(9)\n```",
    expert: "1. Use trees.",
}
OFF = [0.6 + i / 100 for i in range(-15, 16)]  # 31 resamples, whose standard deviation is 0.091


def told(node, *changes, samples=(), paired=True, rows=0, metric="accuracy"):
    """What a role is told after the starter and attempts with these `changes`, of which the first is the best."""
    state, deps = parts(ANSWERS[node], node=node.__name__)
    deps.task.metric = metric
    score = Score(samples=tuple(samples), paired=paired, rows=rows)
    kept = deps.artifacts.put_json(sampled(score)) if samples else ""
    first = {"script": STARTER, "turn": 0, "score": 0.6, "plan": {"action": "baseline"}, "samples": kept}
    attempts = [
        {"script": f"{STARTER}{n}\n", "turn": n, "score": 0.5, "score_before": 0.6, "status": "discard",
         "plan": {"action": "improve", "instruction": f"way {n}"}} | each
        for n, each in enumerate(changes[1:], 1)
    ]  # fmt: skip
    made = testing.state(
        deps.artifacts, first | changes[0], *attempts, task=dict(state.task), turn=len(attempts)
    )
    node(replace(made, plan={"action": "improve", "instruction": "more", "case": "", "by": "m"}), deps)
    return asked(deps)


@pytest.mark.parametrize("node", ANSWERS, ids=lambda node: node.__name__)
def test_each_role_is_told_what_differences_are_chance(node):
    noises = [{"gain": -0.1, "noise": noise} for noise in (0.021, 0.5, 0.034, 0.04)]  # the first one is old
    assert "Differences below about 0.03 are chance." in told(node, {}, *noises, samples=OFF)
    assert "chance is not known, as scripts report their scores themselves: of few" in told(
        node, {"reported": True}
    )


def test_two_scripts_that_answer_alike_say_nothing_of_chance():
    noises = [{"gain": 0.0, "noise": noise} for noise in (0.034, 3e-17)]
    assert "Differences below about 0.03 are chance." in told(planner, {}, *noises, samples=OFF)


def test_before_a_gain_has_shown_its_noise_that_of_the_score_is_told():
    assert "By chance a score is off by about 0.09; two scripts differ by less" in told(
        planner, {}, samples=OFF
    )
    assert "Differences below about 0.02 are chance." in told(planner, {}, samples=OFF[5:25], paired=False)
    assert "How large a difference is chance is not known." in told(planner, {})


@pytest.mark.parametrize("changes", [{"score": None}, {}])
def test_nothing_is_told_where_there_is_no_score_or_no_chance_in_it(changes):
    assert "chance is not known" not in (prompt := told(planner, changes, samples=[0.6] * 30))
    assert "are chance." not in prompt and "By chance" not in prompt


@pytest.mark.parametrize(
    ("score", "rows", "metric", "said"),
    [
        (
            0.6,
            1000,
            "accuracy",
            "A score is made of 1,000 hidden rows: one row more or less is 0.001. By chance",
        ),
        (
            0.333333,
            3,
            "error rate",
            "A score is made of 3 hidden rows: one row more or less is 0.33. By chance",
        ),
        (
            0.6004,
            1000,
            "accuracy",
            "A score is made of 1,000 hidden rows. By chance",
        ),  # no share of rows, by its value
        (60.0, 1000, "accuracy", "A score is made of 1,000 hidden rows. By chance"),  # in percent
        (0.6, 1000, "balanced_accuracy", "A score is made of 1,000 hidden rows. By chance"),
        (0.6, 1, "rmse", "A score is made of 1 hidden row. By chance"),
    ],
)
@pytest.mark.parametrize("node", ANSWERS, ids=lambda node: node.__name__)
def test_of_how_many_rows_a_score_is_made_is_said_and_what_one_is_worth(node, score, rows, metric, said):
    assert said in told(node, {"score": score}, samples=OFF, rows=rows, metric=metric)
    assert "A score is made of" not in told(node, {}, samples=OFF)
