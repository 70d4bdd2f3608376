"""The static check and the index of names."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent.sandbox import names, static
from budgetmlagent.sandbox.cages.bubblewrap import Bubblewrap
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.process.probe import probe
from nodes.deps import Finding


def found(script: str, env: Path = Path("/nonexistent")) -> list[tuple[int, str, str]]:
    return [(f.line, f.rule, f.name) for f in static.check(script, interpreter(None), env)]


CERTAIN = {
    "print(undefined)": (1, "unresolved-reference", "undefined"),
    "import numpi": (1, "unresolved-import", "numpi"),
    "from sklearn.linear_model import RandomForestClassifier": (
        1,
        "unresolved-import",
        "RandomForestClassifier",
    ),
    "import numpy as np\nx = np.float(3)": (2, "unresolved-attribute", "float"),
    "import lightgbm as lgb\nlgb.LightGBMClassifier()": (2, "unresolved-attribute", "LightGBMClassifier"),
}


@pytest.mark.parametrize("script", CERTAIN)
def test_certain_failures_are_found(script: str) -> None:
    assert found(script) == [CERTAIN[script]]
    # It is certain: the script itself fails.
    assert subprocess.run([sys.executable, "-c", script], check=False, capture_output=True).returncode == 1


UNCERTAIN = (
    "import pandas as pd\nd = pd.DataFrame({'a': [1]})\nd.no_such_column",  # only known when it runs
    "try:\n    import xgboost\nexcept ImportError:\n    xgboost = None",
    "import scipy\nscipy.special.expit",
    "import sklearn\nsklearn.ensemble",
    "x: int = 'not an int'",
    "import nothing_of_this_kind  # ty: ignore",
    "from scipy.linalg.lapack import dpotrf, dpotri",  # of a compiled module, all of whose names another takes
    "from scipy.linalg import lapack\nlapack.dpotrf",
)


@pytest.mark.parametrize("script", UNCERTAIN)
def test_what_may_work_is_let_through(script: str) -> None:
    assert found(script) == []


def test_a_module_beside_the_script_is_known(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("WORD = 1")
    assert found("from helper import WORD", tmp_path) == []
    assert found("from helper import WORLD", tmp_path) == [(1, "unresolved-import", "WORLD")]


@pytest.mark.parametrize("script", ["def f(:", "x = (1\ny = 2", "print('a\0b')", "(" * 5000, "`" * 3])
def test_syntax_is_found_without_a_checker(script: str) -> None:
    assert [rule for _, rule, _ in found(script)] == ["invalid-syntax"]


def test_findings_come_in_order() -> None:
    script = "import numpy as np\n" + "".join(f"print(u{i})\n" for i in range(30))
    lines = [line for line, _, _ in found(script)]
    assert lines == sorted(lines)
    assert len(lines) == 30


def test_nothing_is_executed(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert found(f"import helper\nopen({str(tmp_path / 'ran')!r}, 'w')", tmp_path) == []
    assert not (tmp_path / "ran").exists()


@settings(max_examples=12, deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_findings_or_none(script: str) -> None:
    assert all(
        isinstance(finding, Finding)
        for finding in static.check(script, interpreter(None), Path("/nonexistent"))
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return dict(names.index(probe(), interpreter(None)))


HOMES = {
    "RandomForestClassifier": "sklearn.ensemble",
    "train_test_split": "sklearn.model_selection",
    "TfidfVectorizer": "sklearn.feature_extraction.text",
    "mean_squared_error": "sklearn.metrics",
    "LGBMClassifier": "lightgbm",
    "DataFrame": "pandas",
    "read_csv": "pandas",
    "log1p": "numpy",
    "norm": "numpy.linalg",
    "csr_matrix": "scipy.sparse",
    "svds": "scipy.sparse.linalg",
    "linkage": "scipy.cluster.hierarchy",
    "defaultdict": "collections",
    "Path": "pathlib",
    "Any": "typing",
}


def test_names_are_those_of_public_modules(index: dict[str, str]) -> None:
    assert {name: index.get(name) for name in HOMES} == HOMES
    assert [module for module in index.values() if "._" in module or module.startswith("_")] == []
    assert "HalvingGridSearchCV" not in index, "it cannot be imported as it stands"


def test_names_can_be_imported_from_there(index: dict[str, str]) -> None:
    chosen = sorted(index)[:: len(index) // 60]
    code = "\n".join(f"from {index[name]} import {name}" for name in chosen)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_names_that_are_known_are_not_looked_for_again(index: dict[str, str], tmp_path: Path) -> None:
    nowhere = Bubblewrap(tmp_path / "bwrap")  # nothing can be started in it
    assert names.index(nowhere, interpreter(None)) == index


@pytest.mark.parametrize(("size", "held"), [(64, True), (900, False)])
def test_the_checker_is_started_with_a_limit_of_memory(size: int, held: bool) -> None:
    program = [sys.executable, "-c", f"bytearray({size} << 20)"]
    assert (
        subprocess.run([*static.limited(), *program], check=False, capture_output=True).returncode == 0
    ) == held
    assert subprocess.run(program, check=False).returncode == 0
