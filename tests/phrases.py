"""Make `nodes/craft/phrases.txt` and `names.txt`: what the libraries say in their errors, and what they call things.

    python tests/phrases.py

Phrases come from what is raised in the libraries' sources and from the texts of what is compiled; where a value is put in,
a new phrase begins.
"""

import ast
import builtins
import errno
import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import scipy.sparse
import sklearn.metrics
from sklearn.utils import all_estimators

from nodes.craft.told import WORD

FOLDER = Path(__file__).parent.parent / "nodes" / "craft"
SOURCES = (
    "sklearn",
    "pandas/core",
    "pandas/io",
    "numpy",
    "scipy/sparse",
    "scipy/linalg",
    "lightgbm",
    "joblib",
)
STANDARD = (
    "json",
    "csv.py",
    "pickle.py",
    "zipfile.py",
    "gzip.py",
    "random.py",
    "statistics.py",
    "multiprocessing",
    "concurrent",
)
COMPILED = ("pandas/_libs/pandas_parser*", "numpy/_core/_multiarray_umath*", "lightgbm/lib/*")
# Of compiled sources whose texts lie one behind another.
OTHERS = (
    "Error tokenizing data C error",
    "Unknown datetime string format unable to parse",
    "Unable to parse string",
)
SKIPPED = re.compile(r"/tests?/|/testing/|conftest|/f2py/|/distutils/|/_vendored/|/externals/|_tester")
MESSAGE = re.compile(r"msg|message|err|reason", re.IGNORECASE)
HOLE = re.compile(r"%[-#0 +.\d]*(?:zd|[a-zA-Z])|\{[^{}]*\}|[^\x20-\x7e]|\n")
PRINTED = re.compile(rb"(?<=\0)[\x20-\x7e]{8,160}(?=\0)")
SAID = re.compile(r"[a-zA-Z'(].*[a-z]{2,} .*[a-z]{2,}|%.*[a-z]{2,}.*%")
LONGEST = 25  # words of a phrase


def raised(source: Path) -> Iterator[str]:
    """Yield the texts that a source raises, or gives a name like `msg`."""
    for node in ast.walk(ast.parse(source.read_text("utf-8", "replace"))):
        named = isinstance(node, ast.Assign) and MESSAGE.search(ast.unparse(node.targets[0]))
        if isinstance(node, ast.Raise) or named or _formatted(node):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            yield from (constant.value for constant in inner)


def _formatted(node: ast.AST) -> bool:
    return isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr)


def printed(binary: Path) -> Iterator[str]:
    """Yield the texts of a compiled file that look like sentences."""
    for found in PRINTED.findall(binary.read_bytes()):
        text = found.decode("ascii")
        if SAID.search(text) and "--" not in text and not text.rstrip().endswith("\\"):
            yield text


def phrases() -> list[str]:
    """Return every phrase once, as words with single blanks between."""
    packages, standard = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))
    places = [packages / name for name in SOURCES] + [standard / name for name in STANDARD]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))]
    texts = [text for file in files if not SKIPPED.search(str(file)) for text in raised(file)]
    library = Path(sys.base_prefix, "lib", sysconfig.get_config_var("LDLIBRARY"))
    binaries = [library, *(file for name in COMPILED for file in packages.glob(name))]
    texts += [text for binary in binaries for text in printed(binary)]
    texts += [*OTHERS, *(os.strerror(number) for number in errno.errorcode)]
    parts = {" ".join(WORD.findall(part)[:LONGEST]) for text in texts for part in HOLE.split(text)}
    return sorted(part for part in parts if re.search("[a-zA-Z]{2}", part))


def names() -> list[str]:
    """Return what the libraries call their classes, functions, methods, parameters and options."""
    estimators = [kind for _, kind in all_estimators()] + [getattr(lightgbm, n) for n in lightgbm.__all__]
    things: list[Any] = [np, pd, np.linalg, np.random, scipy.sparse, pd.errors, builtins, *estimators]
    things += [
        pd.DataFrame,
        pd.Series,
        pd.Index,
        np.ndarray,
        scipy.sparse.csr_matrix,
        str,
        list,
        dict,
        float,
        int,
    ]
    found = {name for thing in things for name in dir(thing)} | {kind.__name__ for kind in estimators}
    for kind in estimators:
        found |= inspect.signature(kind).parameters.keys()
    functions = vars(sklearn.metrics).values()
    for told in [getattr(k, "_parameter_constraints", {}) for k in estimators] + [
        getattr(f, "_skl_parameter_constraints", {}) for f in functions
    ]:
        found |= {w for allowed in told.values() for one in allowed for w in re.findall(r"'(\w+)'", str(one))}
    kinds = {"binary", "multiclass", "multilabel", "multioutput", "continuous", "indicator", "unknown"}
    errors = kinds | {
        "NotFittedError",
        "InvalidParameterError",
        "LightGBMError",
        "LinAlgError",
        "UFuncTypeError",
        "JSONDecodeError",
    }
    modules = {"sklearn", "numpy", "pandas", "scipy", "lightgbm", "csr_matrix", "ndarray"}
    return sorted(name for name in found | errors | modules if len(name) > 1 and not name.startswith("_"))


if __name__ == "__main__":
    (FOLDER / "phrases.txt").write_text("\n".join(phrases()) + "\n", "utf-8")
    (FOLDER / "names.txt").write_text("\n".join(names()) + "\n", "utf-8")
