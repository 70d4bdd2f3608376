"""Cures for the errors of scikit-learn, LightGBM, pandas and numpy, each known by its message."""

import ast
import re

from nodes.craft.estimators import (
    NATIVE,
    WRAPPERS,
    around,
    constructors,
    imports,
    inside,
    kind,
    maker,
    makers_at,
    wrapped,
)
from nodes.craft.fingerprint import Failure
from nodes.craft.repairs import Cure, Match, Rule, cured
from nodes.craft.source import Edit, Source, at_line, name_of

ENCODER = (
    'make_pipeline(make_column_transformer((OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), '
    'make_column_selector(dtype_exclude="number")), remainder="passthrough"), '
)


def _makers(source: Source, error: Failure) -> list[ast.Call]:
    """Return the estimators at the failing line; where a loop or a parameter hides them, all models."""
    found = makers_at(source, error.line)
    if not found and re.search(r"\.(fit|predict|score|transform)|cross_val", error.code):
        return constructors(source.tree)
    return found


def _predictors(source: Source, error: Failure) -> list[ast.Call]:
    """Return the models at the failing line: the last step of a pipeline, a whole search."""
    found: list[ast.Call] = []
    for made in _makers(source, error):
        if name_of(made).endswith("SearchCV"):
            found.append(made)
            continue
        inner = constructors(made)
        for name in (n for n in ast.walk(made) if isinstance(n, ast.Name)):
            if (other := maker(source, name)) is not None:
                inner += constructors(other)
        found += [call for call in inner if call not in found]
    return found


def _one_column(source: Source, error: Failure, match: Match) -> Cure | None:
    """Fit one model for each column of the target."""
    classes = "MultiOutputClassifier" if "label binarization" in match[0] else "OneVsRestClassifier"
    renamed = [c.func for c in source.calls() if name_of(c) == "OneVsRestClassifier"]
    if classes == "MultiOutputClassifier" and renamed:
        edits = [source.replace(func, classes) for func in renamed]
        return cured(source, edits + imports(source, [classes]), f"took {classes} for OneVsRestClassifier")
    edits, used = [], set[str]()
    for call in _predictors(source, error):
        names = {kind(name_of(c)) for c in constructors(call)}
        wrapper = classes if "classifier" in names else "MultiOutputRegressor" if "regressor" in names else ""
        if wrapper and name_of(call) not in NATIVE and not inside(source, call, WRAPPERS):
            edits += wrapped(source, [call], f"{wrapper}(", ")")
            used.add(wrapper)
    wrappers = " and ".join(sorted(used))
    return cured(source, edits, f"wrapped the model in {wrappers}, as the target has several columns")


def _several_columns(source: Source, _error: Failure, _match: Match) -> Cure | None:
    """Take the model out of a wrapper for several columns, as the target has one."""
    names = ("MultiOutputRegressor", "MultiOutputClassifier")
    calls = [c for c in source.calls() if name_of(c) in names and len(c.args) == 1]
    edits = [source.replace(call, source.code(call.args[0])) for call in calls]
    return cured(source, edits, "took the model out of its wrapper, as the target has one column")


def _centred(source: Source, _error: Failure, match: Match) -> Cure | None:
    option = f"with_{match[1]}"
    name = "StandardScaler" if option == "with_mean" else "RobustScaler"
    calls = [c for c in source.calls() if name_of(c) == name]
    edits = [edit for call in calls for edit in source.set_keyword(call, option, "False")]
    return cured(source, edits, f"set {option}=False in {name}, as a sparse matrix cannot be centred")


def _no_decision(source: Source, error: Failure, _match: Match) -> Cure | None:
    """Take `predict_proba` where the model has no `decision_function`."""
    parents = {child: node for node in ast.walk(source.tree) for child in ast.iter_child_nodes(node)}
    edits: list[Edit] = []
    for call, start, end in _methods(source, error, "decision_function"):
        edits.append((start, end, "predict_proba"))
        parent = parents.get(call)
        # A binary decision is one column; where a row's largest is looked for, all columns are meant.
        largest = isinstance(parent, ast.Attribute) and parent.attr == "argmax"
        if not largest and not isinstance(parent, ast.Subscript):
            after = source.span(call)[1]
            edits.append((after, after, "[:, 1]"))
    return cured(source, edits, "took predict_proba for decision_function, which the model does not have")


def _no_probability(source: Source, error: Failure, _match: Match) -> Cure | None:
    """Take `decision_function` for `predict_proba(...)[:, 1]`, else calibrate the model, which gives it both."""
    calls = _methods(source, error, "predict_proba")
    columns = [n for n in ast.walk(source.tree) if isinstance(n, ast.Subscript)]
    columns = [column for column in columns if source.code(column.slice) == ":, 1"]
    edits: list[Edit] = []
    for call, start, end in calls:
        for column in (c for c in columns if c.value is call):
            edits += [(start, end, "decision_function"), (source.span(call)[1], source.span(column)[1], "")]
    if len(edits) == 2 * len(calls):
        return cured(source, edits, "took decision_function for predict_proba, which the model does not have")
    models = [m for m in _predictors(source, error) if kind(name_of(m)) == "classifier"]
    models = [m for m in models if not inside(source, m, ["CalibratedClassifierCV"])]
    edits = wrapped(source, models, "CalibratedClassifierCV(", ")")
    return cured(source, edits, "wrapped the model in CalibratedClassifierCV, as it has no predict_proba")


def _methods(source: Source, error: Failure, name: str) -> list[tuple[ast.Call, int, int]]:
    """Return the calls of method `name` at the failing line, else everywhere, with the span of its name."""
    calls = [c for c in source.calls() if name_of(c) == name and isinstance(c.func, ast.Attribute)]
    here = [c for c in calls if at_line(c, error.line)] or calls
    return [(c, source.span(c.func)[1] - len(name), source.span(c.func)[1]) for c in here]


def _wrap(before: str, sign: str, what: str) -> Rule:
    """Return the rule that puts a first step before the estimators at the failing line, unless `sign` is there."""

    def rule(source: Source, error: Failure, _match: Match) -> Cure | None:
        makers = [m for m in _makers(source, error) if sign not in source.code(m)]
        makers = [m for m in makers if not any(sign in source.code(c) for c in around(source, m))]
        return cured(source, wrapped(source, makers, before, ")"), what)

    return rule


def _unseen_columns(source: Source, error: Failure, _match: Match) -> Cure | None:
    """Predict with the columns that the model was fitted on, where only other columns are too many."""
    if "yet now missing" in error.detail:
        return None
    edits: list[Edit] = []
    for call in (c for c in source.calls() if at_line(c, error.line) and isinstance(c.func, ast.Attribute)):
        if name_of(call).startswith(("predict", "decision")) and len(call.args) == 1:
            assert isinstance(call.func, ast.Attribute)
            model, table = source.code(call.func.value), call.args[0]
            if isinstance(table, ast.Name) and model.isidentifier():
                edits.append(source.replace(table, f"{table.id}[{model}.feature_names_in_]"))
    return cured(source, edits, "predicted with the columns that the model was fitted on")


def _no_table(source: Source, error: Failure, match: Match) -> Cure | None:
    """Drop `.values` and the like from what is an array already."""
    nodes = [n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and n.attr == match[1]]
    nodes = [n for n in nodes if at_line(n, error.line)]
    if len(nodes) != 1:
        return None
    whole = next((c for c in source.calls() if c.func is nodes[0]), nodes[0])
    edit = source.replace(whole, source.code(nodes[0].value))
    return cured(source, [edit], f"dropped .{match[1]} of an array")


def _append(source: Source, error: Failure, _match: Match) -> Cure | None:
    """Put `pd.concat` in place of `DataFrame.append`, which pandas 2 took away."""
    edits: list[Edit] = []
    for call in (c for c in source.calls() if at_line(c, error.line)):
        match call:
            case ast.Call(args=[ast.Dict()]):
                pass  # a list may be meant
            case ast.Call(func=ast.Attribute(value=table, attr="append"), args=[rows]):
                options = "".join(f", {source.code(k)}" for k in call.keywords)
                tables = f"{source.code(table)}, {source.code(rows)}"
                edits.append(source.replace(call, f"pd.concat([{tables}]{options})"))
    if edits:
        edits += source.importing("pd", "import pandas as pd")
    return cured(source, edits, "took pd.concat for DataFrame.append")


RULES: tuple[tuple[str, Rule], ...] = (
    (
        r"y should be a 1d array.*\(\d+, \d+\)|label cannot have multiple columns|label binarization",
        _one_column,
    ),
    (r"y must have at least two dimensions for multi-output", _several_columns),
    (r"Cannot center sparse matrices.*with_(mean|centering)", _centred),
    (r"has no attribute 'decision_function'", _no_decision),
    (r"has no attribute 'predict_proba'", _no_probability),
    (
        r"Input (X )?contains NaN",
        _wrap(
            'make_pipeline(SimpleImputer(strategy="median"), ',
            "SimpleImputer",
            "filled gaps by a SimpleImputer",
        ),
    ),
    (
        r"could not convert string to float|pandas dtypes must be int, float or bool",
        _wrap(ENCODER, "OrdinalEncoder", "encoded the columns of strings by an OrdinalEncoder"),
    ),
    (
        r"special JSON characters in feature name",
        _wrap(
            'make_pipeline(FunctionTransformer(lambda table: table.set_axis(range(table.shape[1]), axis="columns")), ',
            "set_axis",
            "renamed the columns to numbers, as LightGBM refuses some characters",
        ),
    ),
    (
        r"Sparse data was passed.* but dense data is required",
        _wrap(
            "make_pipeline(TruncatedSVD(100, random_state=0), ",
            "TruncatedSVD",
            "reduced the sparse matrix to 100 dense columns",
        ),
    ),
    (r"feature names should match those that were passed", _unseen_columns),
    (r"'numpy.ndarray' object has no attribute '(values|to_numpy|toarray|todense)'", _no_table),
    (r"'(?:DataFrame|Series)' object has no attribute 'append'", _append),
)
