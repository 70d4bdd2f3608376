"""Each edit on real starters: the edited script runs, and is another program."""

import time
from pathlib import Path

import pytest
from forked import run

from nodes.craft.edits import apply_edit
from nodes.craft.estimators import makers_at
from nodes.craft.scripts import parse, same
from nodes.craft.source import Source

TABLE = '''"""Starter."""
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression

d = pd.DataFrame(np.random.RandomState(0).rand(80, 3), columns=["a", "b", "c"])  # the table
y = (d.a > 0.5).astype(int)
m = LogisticRegression(
    max_iter=100,  # few
).fit(d, y)
print("accuracy", m.score(d, y))
'''
COLUMNS = """import numpy as np
from sklearn.linear_model import LinearRegression
X = np.random.RandomState(0).rand(80, 3)
m = LinearRegression().fit(X, X[:, :2])
assert m.predict(X).shape == (80, 2) and (m.predict(X) > -1).all()
"""
LABELS = """import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
X = np.random.RandomState(0).rand(80, 3)
m = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3))
m.fit(X, (X > 0.5).astype(int))
assert m.predict(X).shape == (80, 3)
"""
ONE_BY_ONE = """import numpy as np
from sklearn.linear_model import Ridge
X = np.random.RandomState(0).rand(80, 3)
for j in range(2):
    model = Ridge()
    model.fit(X, X[:, j])
"""
EXCHANGE = {
    "op": "exchange_estimator",
    "classifier": "HistGradientBoostingClassifier(max_iter=5, random_state=0)",
    "regressor": "HistGradientBoostingRegressor(max_iter=5, random_state=0)",
}
FOREST = {
    "op": "exchange_estimator",
    "classifier": "ExtraTreesClassifier(n_estimators=5)",
    "regressor": "ExtraTreesRegressor(5)",
}
LOG = {"op": "transform_target", "function": "log1p"}
SEVERAL = {"kinds": ["multi_output"]}
MANY = {"kinds": ["multi_output", "multi_label"]}


@pytest.mark.parametrize(
    ("starter", "edit", "briefing", "expected"),
    [
        (TABLE, EXCHANGE, {}, "m = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(d, y)"),
        (COLUMNS, EXCHANGE, SEVERAL, "MultiOutputRegressor(HistGradient"),
        (COLUMNS, FOREST, SEVERAL, "m = ExtraTreesRegressor(5).fit"),
        (COLUMNS, LOG, SEVERAL, "TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1)"),
        (COLUMNS, LOG | {"function": "sqrt"}, SEVERAL, "inverse_func=np.square"),
        (LABELS, EXCHANGE, MANY, "make_pipeline(StandardScaler(), OneVsRestClassifier(HistGradient"),
        (ONE_BY_ONE, EXCHANGE, SEVERAL, "    model = HistGradientBoostingRegressor("),
    ],
)  # fmt: skip
def test_edited_starter_runs(
    starter: str, edit: dict[str, object], briefing: dict[str, object], expected: str, tmp_path: Path
) -> None:
    script = apply_edit(starter, edit, briefing)
    assert script is not None and expected in script and not same(script, starter)
    status, output = run(script, tmp_path)
    assert status == 0, f"{output[-800:]}\n{script}"


@pytest.mark.parametrize(
    ("starter", "edit"),
    [
        ("x = (", EXCHANGE),
        ("print(1)\n", EXCHANGE),
        ("from sklearn.preprocessing import StandardScaler\nStandardScaler()\n", EXCHANGE),
        (TABLE, LOG),  # a classifier
        (TABLE, {"op": "exchange_estimator", "regressor": "Ridge()"}),
        (TABLE, {"op": "exchange_estimator", "classifier": "NobodyKnowsClassifier()"}),
        (TABLE, {"op": "exchange_estimator", "classifier": "not python ("}),
        (TABLE, {"op": "exchange_estimator", "classifier": "LogisticRegression(max_iter=100)"}),  # the same
        (TABLE, {"op": "transform_target", "function": "exp"}),
        (TABLE, {"op": "unknown"}),
        (TABLE, {}),
    ],
)
def test_edit_that_does_not_apply_is_none(starter: str, edit: dict[str, object]) -> None:
    assert apply_edit(starter, edit, {}) is None


def test_edit_keeps_the_rest() -> None:
    script = apply_edit(TABLE, EXCHANGE, {})
    assert script is not None and parse(script)
    assert script.startswith('"""Starter."""\nimport numpy as np, pandas as pd\n') and "# the table" in script


def test_a_script_of_thousands_of_models_is_soon_done_with() -> None:
    edit = {"op": "exchange_estimator", "regressor": "Ridge()"}
    many = "m = Lasso()\n" * 3500
    started = time.process_time()
    assert apply_edit(many, edit, {"kinds": ["multi_label"]}) is None
    assert apply_edit(many, {"op": "transform_target"}, {}) is None
    assert apply_edit("m = Lasso()\n" + "f(g(1))\n" * 3000, edit, {"kinds": ["multi_label"]})
    assert time.process_time() - started < 6


def test_names_that_are_each_others_have_no_maker() -> None:
    source = Source.of("a = b.fit()\nb = a.fit()\na.fit(1)\n")
    assert source and makers_at(source, 3) == []
