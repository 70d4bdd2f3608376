"""Each cure: a script that really fails, and runs after it."""

from pathlib import Path

import pytest
from forked import run
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.craft.repairs.cures import cure_runtime, cure_static
from nodes.craft.scripts import parse
from nodes.deps import Finding

NAMES = {
    "RandomForestClassifier": "sklearn.ensemble",
    "RandomForestRegressor": "sklearn.ensemble",
    "LogisticRegression": "sklearn.linear_model",
    "Ridge": "sklearn.linear_model",
    "LGBMClassifier": "lightgbm",
    "LGBMRegressor": "lightgbm",
    "train": "lightgbm",
    "t": "scipy.stats",
    "TfidfVectorizer": "sklearn.feature_extraction.text",
    "f1_score": "sklearn.metrics",
    "train_test_split": "sklearn.model_selection",
    "StandardScaler": "sklearn.preprocessing",
}
DATA = "import numpy as np\nX = np.random.RandomState(0).rand(60, 3)\ny = (X[:, 0] > .5).astype(int)\nY = np.c_[y, 1 - y, y]\n"
FRAME = DATA + "import pandas as pd\nd = pd.DataFrame(X, columns=['a', 'b', 'c'])\n"


def heal(script: str, folder: Path, sources: tuple[str, ...] = (), most: int = 4) -> tuple[str, list[str]]:
    """Run and cure until the script runs, as the executor does."""
    done: list[str] = []
    for _ in range(most):
        status, output = run(script, folder)
        if status == 0:
            return script, done
        script, more = cure_runtime(script, output[-4000:], NAMES, sources)
        assert more, f"not cured: {output[-600:]}\n{script}"
        done += more
    status, output = run(script, folder)
    assert status == 0, f"{done}: {output[-600:]}\n{script}"
    return script, done


CASES = {
    "alias": ("print(np.zeros(3))\n", "import numpy as np"),
    "module": ("# says hello\nprint(json.dumps(1))\n", "# says hello\nprint"),
    "index": (
        DATA + "m = RandomForestClassifier(n_estimators=2).fit(X, y)\n",
        "from sklearn.ensemble import RandomFor",
    ),
    "wrong module": (
        "from sklearn.ensemble import LogisticRegression, RandomForestClassifier as R\nprint(R, LogisticRegression)\n",
        "from sklearn.ensemble import RandomForestClassifier as R\nfrom sklearn.linear_model import LogisticRegression\n",
    ),
    "misnamed": (
        "from lightgbm import LightGBMClassifier\nm = LightGBMClassifier()\n",
        "from lightgbm import LGBMClassifier\nm = LGBMClassifier()\n",
    ),
    "not installed": (
        "import xgboost as xgb\nfrom xgboost import XGBRegressor\nm = XGBRegressor(max_depth=3)\n",
        "LGBM",
    ),
    "letter case": ("v = TfIdfVectorizer()\n", "v = TfidfVectorizer()"),
    "no such name, unused": (
        "from sklearn.metrics import accuracy, f1_score\nprint(f1_score)\n",
        "import f1_score",
    ),
    "wrong attribute": (
        "import sklearn.linear_model as lm\nm = lm.RandomForestClassifier()\n",
        "m = RandomForestClassifier()",
    ),
    "np.float": ("import numpy as np\nx = np.zeros(2).astype(np.float)\n", "astype(float)"),
    "unexpected": (
        DATA
        + "from sklearn.linear_model import Ridge\nm = Ridge(alpha=1, depth=3, copy_X=True)  # why\nRidge(1, depth=2)\n",
        "Ridge(alpha=1, copy_X=True)  # why",
    ),
    "only argument": (
        "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(multi_class='auto')\n",
        "LogisticRegression()",
    ),
    "fit": (
        DATA + "from lightgbm import LGBMClassifier\n"
        "LGBMClassifier(n_estimators=2, verbose=-1).fit(X, y, early_stopping_rounds=5, verbose=False)\n",
        ".fit(X, y)",
    ),
    "squared": (
        DATA
        + "from sklearn.metrics import mean_squared_error\nprint(mean_squared_error(y, y, squared=False))\n",
        "root_mean_squared_error(y, y)",
    ),
    "sparse": (
        "from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(sparse=False)\n",
        "sparse_output=False",
    ),
    "fillna": (FRAME + "e = d.fillna(method='ffill').a\n", "d.ffill().a"),
    "value": (DATA + "from sklearn.svm import SVC\nSVC(kernel='RBF').fit(X, y)\n", "SVC(kernel='rbf')"),
    "old value": (
        DATA
        + "from sklearn.ensemble import RandomForestRegressor\nRandomForestRegressor(3, criterion='mse').fit(X, y)\n",
        "'squared_error'",
    ),
    "number": (
        DATA + "from sklearn.ensemble import RandomForestClassifier\n"
        "RandomForestClassifier(n_estimators=10.0, min_samples_split=1, max_features=1.5).fit(X, y)\n",
        "n_estimators=10, min_samples_split=2",
    ),
    "grid": (
        DATA + "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge\n"
        "GridSearchCV(Ridge(), {'alpha': [1, 2], 'depth': [3]}).fit(X, y)\n",
        "{'alpha': [1, 2]}",
    ),
    "average": (
        DATA + "from sklearn.metrics import f1_score\nprint(f1_score([0, 1, 2], [0, 1, 2]))\n",
        'average="macro"',
    ),
    "penalty": (
        DATA
        + "from sklearn.linear_model import LogisticRegression\nLogisticRegression(penalty='l1').fit(X, y)\n",
        'solver="saga"',
    ),
    "columns, regressor": (
        DATA
        + "from sklearn.ensemble import GradientBoostingRegressor\nm = GradientBoostingRegressor(n_estimators=2)\n"
        "m.fit(X, Y)\nassert m.predict(X).shape == (60, 3)\n",
        "m = MultiOutputRegressor(GradientBoostingRegressor(n_estimators=2))",
    ),
    "columns, classifier": (
        DATA + "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression().fit(X, Y)\n"
        "assert m.predict_proba(X).shape == (60, 3)\n",
        "OneVsRestClassifier(LogisticRegression()).fit",
    ),
    "columns of classes": (
        DATA + "from sklearn.svm import SVC\nmodel = SVC()\nmodel.fit(X, np.c_[y, y + (X[:, 1] > .5)])\n",
        "MultiOutputClassifier(SVC())",
    ),
    "columns, lightgbm, pipeline": (
        FRAME + "from lightgbm import LGBMRegressor\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "m = make_pipeline(StandardScaler(), LGBMRegressor(n_estimators=2, verbose=-1))\nm.fit(d, pd.DataFrame(Y))\n",
        "make_pipeline(StandardScaler(), MultiOutputRegressor(LGBM",
    ),
    "columns, cross validation": (
        DATA + "from sklearn.svm import SVR\nfrom sklearn.model_selection import cross_val_score\n"
        "m = SVR()\nprint(cross_val_score(m, X, Y, error_score='raise'))\n",
        "MultiOutputRegressor(SVR())",
    ),
    "columns, loop": (
        DATA + "from sklearn.svm import SVR\nfrom sklearn.linear_model import Ridge\n"
        "for name, m in {'a': SVR(), 'b': Ridge()}.items():\n    m.fit(X, Y)\n",
        "{'a': MultiOutputRegressor(SVR()), 'b': Ridge()}",
    ),
    "one column": (
        DATA
        + "from sklearn.linear_model import Ridge\nfrom sklearn.multioutput import MultiOutputRegressor\n"
        "MultiOutputRegressor(Ridge()).fit(X, y)\n",
        "\nRidge().fit(X, y)",
    ),
    "centred": (
        DATA + "from scipy import sparse\nfrom sklearn.preprocessing import StandardScaler\n"
        "StandardScaler(with_std=True).fit_transform(sparse.csr_matrix(X))\n",
        "StandardScaler(with_std=True, with_mean=False)",
    ),
    "decision_function": (
        DATA
        + "from sklearn.ensemble import RandomForestClassifier\nm = RandomForestClassifier(3).fit(X, y)\n"
        "assert m.decision_function(X).shape == (60,)\n",
        "m.predict_proba(X)[:, 1].shape",
    ),
    "probability column": (
        DATA
        + "from sklearn.svm import LinearSVC\nm = LinearSVC().fit(X, y)\nassert m.predict_proba(X)[:, 1].shape == (60,)\n",
        "m.decision_function(X).shape",
    ),
    "probabilities": (
        DATA
        + "from sklearn.svm import SVC\nm = SVC()\nm.fit(X, y)\nassert m.predict_proba(X).shape == (60, 2)\n",
        "m = CalibratedClassifierCV(SVC())",
    ),
    "gaps": (
        DATA
        + "from sklearn.linear_model import Ridge\nX[3, 1] = np.nan\nm = Ridge(alpha=2)\nm.fit(X, y)\nm.predict(X)\n",
        'm = make_pipeline(SimpleImputer(strategy="median"), Ridge(alpha=2))',
    ),
    "strings": (
        FRAME + "from sklearn.ensemble import RandomForestClassifier\nd['s'] = ['u', 'v'] * 30\n"
        "m = RandomForestClassifier(3).fit(d, y)\nm.predict(d)\n",
        "OrdinalEncoder",
    ),
    "strings, lightgbm": (
        FRAME + "import lightgbm as lgb\nd['s'] = ['u', 'v'] * 30\n"
        "m = lgb.LGBMClassifier(n_estimators=2, verbose=-1)\nm.fit(d, y)\nm.predict(d)\n",
        "OrdinalEncoder",
    ),
    "column names": (
        FRAME + "from lightgbm import LGBMRegressor\nd.columns = ['a,b', 'b:', 'c[]']\n"
        "m = LGBMRegressor(n_estimators=2, verbose=-1).fit(d, y)\nm.predict(d)\n",
        "set_axis",
    ),
    "dense": (
        "from sklearn.feature_extraction.text import TfidfVectorizer\n"
        "from sklearn.ensemble import HistGradientBoostingClassifier\n"
        "X = TfidfVectorizer().fit_transform([f'w{i % 7} w{i % 11} v{i} u{i}' for i in range(120)])\n"
        "m = HistGradientBoostingClassifier(max_iter=2)\nm.fit(X, [i % 2 for i in range(120)])\n",
        "TruncatedSVD",
    ),
    "unseen column": (
        FRAME
        + "from sklearn.linear_model import Ridge\nm = Ridge().fit(d, y)\ntest = d.assign(id=1)\nm.predict(test)\n",
        "m.predict(test[m.feature_names_in_])",
    ),
    "array": (DATA + "Z = X.values + 1  # plus one\n", "Z = X + 1  # plus one"),
    "append": (FRAME + "d = d.append(d, ignore_index=True)\n", "pd.concat([d, d], ignore_index=True)"),
}


@pytest.mark.parametrize("case", CASES)
def test_script_runs_after_cure(case: str, tmp_path: Path) -> None:
    script, expected = CASES[case]
    cured, done = heal(script, tmp_path)
    assert done, "the script did not fail"
    assert expected in cured


STARTER = """import pandas as pd
from sklearn.linear_model import Ridge
WIDTH = 3
d = pd.read_csv("train.csv")
t = pd.read_csv("test.csv")
def scale(x):
    return x / WIDTH
def feats(frame):
    return scale(frame[["a"]])
X = feats(d)
m = Ridge().fit(X, d.y)
print(m.predict(feats(t)))
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        # A function, with what it depends on: here another function and a constant.
        (STARTER.replace(STARTER[STARTER.index("WIDTH") : STARTER.index("d =")], "").replace(
            STARTER[STARTER.index("def scale") : STARTER.index("X =")], ""), "WIDTH = 3\ndef scale(x):"),
        # A variable that the libraries export too is copied, not imported.
        (STARTER.replace('t = pd.read_csv("test.csv")\n', ""), 't = pd.read_csv("test.csv")\n'),
        # The script's own variable for the same file.
        (STARTER.replace('d = pd.read_csv("train.csv")', 'train = pd.read_csv("train.csv")'), "d = train\n"),
        # A constant that a function above uses.
        (STARTER.replace("WIDTH = 3\n", ""), "WIDTH = 3\ndef scale"),
        # The import of a module that nobody has, of a function that the starter defines.
        (STARTER.replace("def feats(frame):\n    return scale(frame[[\"a\"]])\n", "from tools import feats\n"), "def feats"),
    ],
)  # fmt: skip
def test_lost_definition_is_copied_from_the_sources(script: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,y\n1,2\n2,3\n3,5\n")
    (tmp_path / "test.csv").write_text("a\n1\n2\n")
    cured, done = heal(script, tmp_path, ("# another case\nprint(1)\n", STARTER))
    assert expected in cured and done
    assert "lightgbm" not in cured and "scipy" not in cured


def test_static_findings_are_cured_all_at_once(tmp_path: Path) -> None:
    script = DATA.partition("\n")[2] + (
        "from sklearn.ensemble import LogisticRegression\nimport nowhere\n"
        "m = RandomForestClassifier(3, depth=2).fit(X, y)\nprint(f1_score(y, m.predict(X)), LogisticRegression)\n"
    )
    findings = [
        Finding(1, "unresolved-reference", "np", "Name `np` used when not defined"),
        Finding(3, "unresolved-reference", "np", "Name `np` used when not defined"),
        Finding(4, "unresolved-import", "", "Module `sklearn.ensemble` has no member `LogisticRegression`"),
        Finding(5, "unresolved-import", "nowhere", "Cannot resolve imported module `nowhere`"),
        Finding(6, "unresolved-reference", "RandomForestClassifier", ""),
        Finding(6, "unknown-argument", "", "Argument `depth` does not match any known parameter of `RandomForestClassifier.__init__`"),
        Finding(7, "unresolved-reference", "f1_score", ""),
        Finding(7, "unresolved-reference", "gone", ""),
    ]  # fmt: skip
    cured, done = cure_static(script, findings, NAMES, [])
    assert len(done) == 6
    assert "nowhere" not in cured and "from sklearn.linear_model import LogisticRegression" in cured
    assert run(cured, tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print(train['x'])\n", "NameError: name 'train' is not defined"),  # no lightgbm.train
        ("print(t)\n", "NameError: name 't' is not defined"),
        ("print(sin_x)\n", "NameError: name 'sin_x' is not defined"),
        ("def f():\n    return y\ny = f()\n", "NameError: name 'y' is not defined"),
        ("x = [1].values\n", "AttributeError: 'list' object has no attribute 'values'"),
        ("X = d['a'].astype(float)\n", "ValueError: could not convert string to float: 'x'"),
        ("f(a=1)\n", "TypeError: g() got an unexpected keyword argument 'b'"),
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("x = (1\n", "SyntaxError: '(' was never closed"),
    ],
)
def test_what_is_not_certain_is_left_alone(script: str, message: str) -> None:
    tail = (
        f'Traceback (most recent call last):\n  File "train.py", line 1, in <module>\n    {script}{message}\n'
    )
    assert cure_runtime(script, tail, NAMES, ["print(2)\n", "not python ("]) == (script, [])


def test_formatting_and_comments_stay() -> None:
    script = "# head\nimport os  # é\n\nx = np.zeros( (2,3) )   # odd  spacing\n\n\nprint( Ridge( ) )"
    findings = [Finding(4, "", "np", ""), Finding(7, "", "Ridge", "")]
    cured, done = cure_static(script, findings, NAMES, [])
    lines = [line for line in cured.split("\n") if not line.startswith(("import numpy", "from sklearn"))]
    assert len(done) == 2 and "\n".join(lines) == script


MESSAGES = st.sampled_from(
    [
        "NameError: name 'np' is not defined",
        "NameError: name 'a' is not defined",
        "ImportError: cannot import name 'Ridge' from 'a' (/x)",
        "ModuleNotFoundError: No module named 'a'",
        "AttributeError: module 'a' has no attribute 'Ridge'",
        "TypeError: a() got an unexpected keyword argument 'b'",
        "InvalidParameterError: The 'b' parameter of a must be an int in the range [1, inf). Got 0.5 instead.",
        "ValueError: y should be a 1d array, got an array of shape (5, 2) instead.",
        "ValueError: Input X contains NaN.",
        "AttributeError: 'a' object has no attribute 'predict_proba'",
        "AttributeError: 'a' object has no attribute 'decision_function'",
        "AttributeError: 'numpy.ndarray' object has no attribute 'values'",
    ]
)
PIECES = st.sampled_from(
    ["a", "b", "Ridge", "np", "=", "(", ")", ".", ",", ":", "\n", "\n    ", "import", "from", "def", "fit", "values", "é", "'", ";", "a = Ridge(b=1)\n", "a.fit(b)\n", "a(b=1, c=2)", "from a import Ridge, b\n", "import a; x = 1\n", "if a:\n  ", "a.predict_proba(b)"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PIECES, max_size=25).map("".join), MESSAGES | st.text(), st.integers(0, 6), st.text(max_size=30)
)
def test_cures_never_raise_nor_break_a_script(script: str, message: str, line: int, source: str) -> None:
    tail = (
        f'Traceback (most recent call last):\n  File "train.py", line {line}, in f\n    a.fit(b)\n{message}\n'
    )
    sources = [source, "def a():\n    return b\nb = Ridge(np)\n"]
    findings = [
        Finding(line, "argument", "b", message),
        Finding(line, "module", "a", f"Module `a` has no `Ridge` {message}"),
    ]
    for cured, done in (
        cure_runtime(script, tail, NAMES, sources),
        cure_static(script, findings, NAMES, sources),
    ):
        assert bool(done) == (cured != script)
        if parse(script):
            assert parse(cured)
