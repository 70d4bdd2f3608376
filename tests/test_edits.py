"""Each edit on real starters: the edited script runs, and is another program."""

from pathlib import Path

import pytest
from forked import run

from nodes.craft.edits import apply_edit
from nodes.craft.scripts import parse, same

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


FIB = """import math
STEPS = 3
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def total(a, b):
    s = 0
    for i in range(a):
        s += i * STEPS + math.sqrt(b)
    return s
print(fib(21), [total(i % 3, 2.0) for i in range(10)], total(3, 2))
"""


def test_pure_functions_are_memoised(tmp_path: Path) -> None:
    script = apply_edit(FIB, {"op": "memoise"}, {})
    assert script is not None and script.count("@lru_cache") == 2
    assert run(script, tmp_path) == run(FIB, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total(3, 2)", "total([3], 2)"),  # an argument that cannot be hashed
        ("total(3, 2)", "total(input(), 2)"),
        ("total(3, 2)", "list(map(total, [1], [2]))"),  # called out of sight
        ("total(3, 2)", "total(a=3, b=2)"),
        ("    return s", "    print(s)\n    return s"),  # an effect
        ("    return s", "    return [s]"),  # a result that the caller may change
        ("    s = 0", "    global STEPS\n    s = 0"),
        ("STEPS = 3", "STEPS = 3\nSTEPS = 4"),
        ("STEPS = 3", "STEPS = []"),
        ("def total(a, b)", "def total(a, b=1)"),
        ("import math", "import math\nmath = open('x')"),
        ("    s = 0", "    s = 0\n    b[0] = 1"),
        ("STEPS = 3", "STEPS = 3\nglobals()['STEPS'] = 4"),
        ("STEPS = 3", "STEPS = 3\nfor STEPS in range(3): pass"),
    ],
)
def test_functions_that_are_not_certainly_pure_are_left_alone(old: str, new: str) -> None:
    assert old in FIB
    script = apply_edit(FIB.replace(old, new), {"op": "memoise"}, {})
    assert script is None or (script.count("@lru_cache") == 1 and "typed=True)\ndef fib" in script)


def test_constants_are_hoisted(tmp_path: Path) -> None:
    starter = (
        "import math\nimport numpy as np\nD = 64\nk = 2\n\n\ndef f(x):\n    for i in range(3):\n"
        "        for j in range(2):\n            x += i / np.sqrt(D * 2) + math.sqrt(k) + math.log(i + 1)  # scaled\n"
        "    return x\n\n\nfor k in range(3):\n    print(f(k))\n"
    )
    script = apply_edit(starter, {"op": "hoist"}, {})
    assert script is not None
    assert (
        "    _hoisted_0 = np.sqrt(D * 2)\n    for i in" in script
        and "math.sqrt(k)" in script
        and "# scaled" in script
    )
    assert run(script, tmp_path) == run(starter, tmp_path)
    assert apply_edit(starter.replace("D = 64", "D = -64"), {"op": "hoist"}, {}) is None
