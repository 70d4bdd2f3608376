"""Cures for a name that a script uses but does not bind.

The order matters. A definition that the case or the starter holds goes before any import, since the libraries export
a `train` and a `t` too. Nearest-name guesses at variables do harm and are left out.
"""

import ast
import builtins
import sys
from collections.abc import Mapping, Sequence

from nodes.craft.repairs import Cure, cured
from nodes.craft.source import Edit, Source, free

ALIASES = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "lgb": "import lightgbm as lgb",
    "sp": "import scipy.sparse as sp",
    "sparse": "from scipy import sparse",
    "stats": "from scipy import stats",
    "defaultdict": "from collections import defaultdict",
    "Counter": "from collections import Counter",
    "Path": "from pathlib import Path",
    "partial": "from functools import partial",
    "lru_cache": "from functools import lru_cache",
    "tqdm": "from tqdm import tqdm",
}
LIBRARIES = ("numpy", "pandas", "sklearn", "scipy", "lightgbm", "joblib")
# Names that models write for another. Boosting libraries that are not installed are close to LightGBM's.
MISNAMED = {
    "LightGBMClassifier": "LGBMClassifier",
    "LightGBMRegressor": "LGBMRegressor",
    "LGBClassifier": "LGBMClassifier",
    "LGBRegressor": "LGBMRegressor",
    "LGBMRegression": "LGBMRegressor",
    "XGBClassifier": "LGBMClassifier",
    "XGBRegressor": "LGBMRegressor",
    "LightGBM": "LGBMClassifier",
    "RandomForestRegression": "RandomForestRegressor",
    "RandomForest": "RandomForestClassifier",
    "RidgeRegression": "Ridge",
    "RidgeRegressor": "Ridge",
    "LassoRegression": "Lasso",
    "LogisticClassifier": "LogisticRegression",
    "LogisticRegressionClassifier": "LogisticRegression",
    "LinearRegressor": "LinearRegression",
    "SVMClassifier": "SVC",
    "LinearSVM": "LinearSVC",
    "SVRegressor": "SVR",
    "KNNClassifier": "KNeighborsClassifier",
    "KNNRegressor": "KNeighborsRegressor",
    "KNeighborClassifier": "KNeighborsClassifier",
    "ExtraTreeRegression": "ExtraTreesRegressor",
    "HistGradientBoostClassifier": "HistGradientBoostingClassifier",
    "HistGradientBoostRegressor": "HistGradientBoostingRegressor",
    "GradientBoostClassifier": "GradientBoostingClassifier",
    "GradientBoostRegressor": "GradientBoostingRegressor",
    "MultiOutputRegression": "MultiOutputRegressor",
    "MultiOutputClassification": "MultiOutputClassifier",
    "TfidfVectoriser": "TfidfVectorizer",
}
MOST_COPIED = 12  # statements that one definition may bring with it; one that needs more is not copied


def cure_name(source: Source, name: str, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Define `name`, which the script uses but does not bind; None where nothing certain applies."""
    if name in source.bound or hasattr(builtins, name) or name not in free(source.text):
        return None
    for text in sources:
        if (other := Source.of(text)) and name in other.bound and (cure := _copied(source, other, name)):
            return cure
    return _imported(source, name, names) or _renamed(source, name, names)


def meant(name: str, names: Mapping[str, str]) -> str:
    """Return the public name that is meant by a misspelt class name, "" where that is not certain."""
    if MISNAMED.get(name, "") in names:
        return MISNAMED[name]
    alike = [n for n in names if n.lower() == name.lower()] if name[:1].isupper() else []
    return alike[0] if len(alike) == 1 and alike[0] != name else ""


def uses(source: Source, name: str, text: str) -> list[Edit]:
    """Return the edits that put `text` in place of every use of `name`."""
    nodes = (n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and n.id == name)
    return [source.replace(node, text) for node in nodes]


def importing(source: Source, name: str, names: Mapping[str, str]) -> list[Edit]:
    """Return the edit that imports the public name `name`; none where the script binds it."""
    return source.importing(name, f"from {names[name]} import {name}")


def _copied(source: Source, other: Source, name: str) -> Cure | None:
    """Copy the definition of `name` from `other`, with all it depends on, to above its first use."""
    body = source.tree.body
    users = [i for i, statement in enumerate(body) if name in free(source.code(statement))]
    chain = _chain(other, name, set(source.bound))
    twin = _same_file(source, other.tree.body[other.bound[name]])
    if twin:
        text, needs, done = f"{name} = {twin}", {twin}, f"took {twin} for {name}, as both hold the same file"
    elif chain:
        values = [s for s in chain if not isinstance(s, ast.FunctionDef | ast.Import | ast.ImportFrom)]
        text, done = "\n".join(map(other.code, chain)), f"copied the lost definition of {name}"
        needs = {n for s in values for n in free(other.code(s))} & set(source.bound)
    else:
        return None
    place = max([users[0], *(source.bound[n] + 1 for n in needs)])
    # A function's body may come before what it uses; a statement at the top level may not.
    late = any(i < place and not isinstance(body[i], ast.FunctionDef) for i in users)
    return None if late or place >= len(body) else cured(source, [source.above(body[place], text)], done)


def _chain(other: Source, name: str, have: set[str]) -> list[ast.stmt] | None:
    """Return the statements of `other` that define `name` and what it needs beyond `have`, in their order."""
    wanted, taken = [name], set[int]()
    while wanted:
        current = wanted.pop()
        if current not in other.bound or len(taken) > MOST_COPIED:
            return None
        index = other.bound[current]
        statement = other.tree.body[index]
        if index not in taken:
            taken.add(index)
            needs = free(other.code(statement)) - have
            wanted += [n for n in needs if not hasattr(builtins, n)]
    return [other.tree.body[i] for i in sorted(taken)]


def _same_file(source: Source, definition: ast.stmt) -> str:
    """Return the script's own variable that holds the file which `definition` reads, "" where there is none."""
    wanted = _file_read(definition)
    for statement in source.tree.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if wanted and isinstance(target, ast.Name) and _file_read(statement) == wanted:
            return target.id
    return ""


def _file_read(statement: ast.stmt) -> tuple[str, str] | None:
    """Return reader and file of `x = pd.read_csv("train.csv")`, None for anything else."""
    match statement:
        case ast.Assign(
            targets=[ast.Name()],
            value=ast.Call(func=ast.Attribute(attr=reader), args=[ast.Constant(value=str() as file), *_]),
        ) if "." in file:
            return reader, file
    return None


def _imported(source: Source, name: str, names: Mapping[str, str]) -> Cure | None:
    """Import `name`: the alias table, modules by their own name, then the index of public names."""
    if name in ALIASES:
        line = ALIASES[name]
    elif name in sys.stdlib_module_names or name in LIBRARIES:
        line = f"import {name}"
    elif name in names and _plausible(source, name):
        line = f"from {names[name]} import {name}"
    else:
        return None
    return cured(source, [source.import_(line)], f"added {line!r}")


def _plausible(source: Source, name: str) -> bool:
    """Tell whether `name` is used like a library's class or function: `train["x"]` means no `lightgbm.train`."""
    if name[:1].isupper():
        return True
    parents = [n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute | ast.Subscript)]
    based = any(isinstance(n.value, ast.Name) and n.value.id == name for n in parents)
    called = any(isinstance(call.func, ast.Name) and call.func.id == name for call in source.calls())
    return len(name) > 2 and not based and (called or "_" in name)


def _renamed(source: Source, name: str, names: Mapping[str, str]) -> Cure | None:
    """Put the public name that is meant in place of a misspelt one, and import it."""
    right = meant(name, names)
    if not right:
        return None
    edits = [*uses(source, name, right), *importing(source, right, names)]
    return cured(source, edits, f"took {right} for {name}")
