"""Changes of one number: which are offered, and that making one changes that number alone."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.craft.scripts import same
from nodes.craft.tuning import changes, outline, places, scaled, tune

SCRIPT = """\
from sklearn.svm import SVC  # a comment
boosted = LGBMClassifier(n_estimators=250, learning_rate=0.08, random_state=0, subsample=0.8, verbose=-1)
a, b = SVC(C=3.0, gamma="scale"), svm.SVC(C=1, probability=True)
smooth(C=5)
"""


def test_the_numbers_of_models_are_found_and_nothing_else():
    assert [place.name for place in places(SCRIPT)] == [
        "LGBMClassifier.n_estimators", "LGBMClassifier.learning_rate", "LGBMClassifier.subsample", "SVC.C", "SVC.C#2",
    ]  # fmt: skip


def test_the_most_promising_come_first_and_the_tried_are_left_out():
    offered = changes(SCRIPT)
    assert offered[:2] == ["LGBMClassifier.n_estimators = 500", "LGBMClassifier.learning_rate = 0.04"]
    assert "SVC.C#2 = 4" in offered and "SVC.C#2 = 1" not in offered
    assert offered[0] not in changes(SCRIPT, [offered[0]])


@pytest.mark.parametrize("change", changes(SCRIPT))
def test_a_change_changes_one_number_alone(change):
    changed = tune(SCRIPT, change)
    assert changed and not same(changed, SCRIPT) and "# a comment" in changed
    name, _, value = change.partition(" = ")
    before, after = ({p.name: p.value for p in places(text)} for text in (SCRIPT, changed))
    assert after == before | {name: ast.literal_eval(value)}


def test_what_is_not_there_cannot_be_changed():
    assert tune(SCRIPT, "Ridge.alpha = 2") is None and tune("not python (", "SVC.C = 1") is None
    assert changes("x = 1\n") == changes("not python (") == []


@pytest.mark.parametrize(
    ("value", "factor", "parameter", "new"),
    [(3, 0.5, "max_depth", 2), (1, 0.5, "min_df", 1), (0.8, 2, "max_features", 1.0), (2.0, 4, "C", 8.0)],
)
def test_values_stay_sensible(value, factor, parameter, new):
    assert scaled(value, factor, parameter) == new and type(scaled(value, factor, parameter)) is type(new)


def test_an_outline_names_the_models():
    assert "LGBMClassifier(n_estimators=250" in outline(SCRIPT) and "smooth" not in outline(SCRIPT)


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_is_borne(script, change):
    changes(script)
    outline(script)
    assert tune(script, change) is None
