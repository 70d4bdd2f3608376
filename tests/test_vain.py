"""What cannot help is not on the list of a model that plans freely; one that chooses from a list keeps the list that it had."""

import json

import pytest
from test_dossier import FREE, asked, parts

from budgetmlagent import testing
from nodes.able import Able
from nodes.planner import planner

CHOICE = json.dumps({"action": "finish", "case": "", "change": "", "attempts": [], "instruction": ""})
EDIT = {
    "kind": "case", "name": "edit_boosting", "title": "Boosted trees in its place", "kinds": [],
    "edit": {"op": "exchange_estimator", "classifier": "HistGradientBoostingClassifier(random_state=0)"},
}  # fmt: skip
LINEAR = "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(max_iter=200)\n"
TREES = "from lightgbm import LGBMClassifier\nm = LGBMClassifier()\n"


def made(turn, script, score, action="draft", instruction="", before=0.5, status="discard"):
    plan = {"action": action, "instruction": instruction}
    failed = {"status": "crash", "fault": "crash"} if score is None else {"status": status}
    return {"script": script, "turn": turn, "score": score, "score_before": before, "plan": plan} | failed


def menu(*attempts, can=FREE):
    """What a planner is offered after the starter, a linear model, and these attempts."""
    state, deps = parts(CHOICE, can=can, prompt="planner.free" if can.is_free else "planner")
    name = deps.artifacts.put_json(EDIT)
    recalled = [{"id": name, "kind": "case", "similarity": 1.0, "source": "cases/edit_boosting"}]
    first = made(0, LINEAR, 0.5, "baseline", status="keep")
    whole = testing.state(
        deps.artifacts, first, *attempts, task=dict(state.task), turn=len(attempts), history=recalled
    )
    planner(whole, deps)
    return asked(deps)


@pytest.mark.parametrize(
    ("attempts", "offered"),
    [
        ([], True),
        ([made(1, TREES, 0.4)], False),  # boosted trees have lost
        ([made(1, TREES, 0.6, status="keep")], False),  # or are the best
        ([made(1, TREES, None)], True),  # nobody knows
        ([made(1, "m = RandomForestClassifier()\n", 0.4)], True),
    ],
)
def test_an_estimator_of_a_family_that_has_a_score_is_not_offered_for_the_starter_s(attempts, offered):
    assert ("edit_boosting" in menu(*attempts)) is offered
    assert "edit_boosting" in menu(*attempts, can=Able())
