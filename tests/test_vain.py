"""What cannot help is not on the list of a model that plans freely; one that chooses from a list keeps the list that it had."""

import json

import pytest
from test_dossier import FREE, asked, parts

from budgetmlagent import testing
from nodes.able import Able
from nodes.craft.vain import without_vain_changes
from nodes.planner import planner

CHOICE = json.dumps({"action": "finish", "case": "", "change": "", "attempts": [], "instruction": ""})
EDIT = {
    "kind": "case", "name": "edit_boosting", "title": "Boosted trees in its place", "kinds": [],
    "edit": {"op": "exchange_estimator", "classifier": "HistGradientBoostingClassifier(random_state=0)"},
}  # fmt: skip
LINEAR = "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(max_iter=200)\n"
TREES = "from lightgbm import LGBMClassifier\nm = LGBMClassifier()\n"
DEAD = "def old():\n    return step()\n\n\ndef step():\n    return SVC(C=1.0)\n\n\ndef new():\n    return Ridge(alpha=1.0)\n\n\nnew()\n"


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


def test_a_cap_that_made_no_difference_is_not_offered_again():
    raised = made(1, LINEAR.replace("200", "400"), 0.5, "tune", "LogisticRegression.max_iter = 400")
    assert "LogisticRegression.max_iter = 100" in menu()
    assert "LogisticRegression.max_iter = " not in menu(raised).partition("Changes of one number")[2]
    assert "LogisticRegression.max_iter = 100" in menu(raised | {"score": 0.51})
    assert "LogisticRegression.max_iter = 100" in menu(raised, can=Able())
    slower = made(2, LINEAR.replace("200", "200, C=0.1"), 0.6, "improve", status="keep")
    assert "LogisticRegression.max_iter = 100" in menu(raised, slower)  # of another script it may


def test_what_is_called_by_its_name_in_a_string_is_called():
    called = DEAD.replace("\nnew()", "\nfor name in ('old', 'new'):\n    globals()[name]()")
    assert without_vain_changes(["SVC.C = 4.0"], called, []) == ["SVC.C = 4.0"]


def test_a_number_in_what_is_never_called_is_not_offered():
    changes = ["SVC.C = 4.0", "Ridge.alpha = 4.0"]
    assert without_vain_changes(changes, DEAD, []) == ["Ridge.alpha = 4.0"]
    assert without_vain_changes(changes, DEAD.replace("\nnew()", "\nold()\nnew()"), []) == changes
    assert without_vain_changes(changes, DEAD.replace("def old", "@task\ndef old"), []) == changes
    assert without_vain_changes(changes, "def f(:", []) == changes
