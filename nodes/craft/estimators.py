"""What is known of scikit-learn's and LightGBM's estimators: where they live, their kind, how they are wrapped."""

import ast
from collections.abc import Collection, Iterable, Sequence

from nodes.craft.source import Edit, Source, at_line, is_within, name_of

_MODULES = {
    "sklearn.linear_model": "LogisticRegression LogisticRegressionCV RidgeClassifier RidgeClassifierCV SGDClassifier "
    "Perceptron PassiveAggressiveClassifier LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV "
    "BayesianRidge HuberRegressor SGDRegressor PoissonRegressor QuantileRegressor Lars LassoLars TheilSenRegressor",
    "sklearn.tree": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    "sklearn.ensemble": "RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor "
    "GradientBoostingClassifier GradientBoostingRegressor HistGradientBoostingClassifier "
    "HistGradientBoostingRegressor AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor "
    "VotingClassifier VotingRegressor StackingClassifier StackingRegressor",
    "sklearn.svm": "SVC NuSVC LinearSVC SVR NuSVR LinearSVR",
    "sklearn.neighbors": "KNeighborsClassifier KNeighborsRegressor NearestCentroid",
    "sklearn.naive_bayes": "GaussianNB MultinomialNB ComplementNB BernoulliNB",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.neural_network": "MLPClassifier MLPRegressor",
    "sklearn.gaussian_process": "GaussianProcessClassifier GaussianProcessRegressor",
    "sklearn.kernel_ridge": "KernelRidge",
    "sklearn.dummy": "DummyClassifier DummyRegressor",
    "sklearn.calibration": "CalibratedClassifierCV",
    "sklearn.multioutput": "MultiOutputClassifier MultiOutputRegressor",
    "sklearn.multiclass": "OneVsRestClassifier",
    "sklearn.compose": "TransformedTargetRegressor make_column_transformer make_column_selector",
    "sklearn.pipeline": "make_pipeline",
    "sklearn.impute": "SimpleImputer",
    "sklearn.decomposition": "TruncatedSVD",
    "sklearn.preprocessing": "FunctionTransformer OrdinalEncoder StandardScaler",
    "sklearn.metrics": "root_mean_squared_error",
    "lightgbm": "LGBMClassifier LGBMRegressor",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODULE = {name: module for module, names in _MODULES.items() for name in _words(names)}
WRAPPERS = _words(
    "MultiOutputClassifier MultiOutputRegressor OneVsRestClassifier TransformedTargetRegressor "
    "CalibratedClassifierCV"
)
_CLASSIFIERS = _words(
    "LogisticRegression LogisticRegressionCV RidgeClassifierCV Perceptron SVC NuSVC LinearSVC NearestCentroid "
    "GaussianNB MultinomialNB ComplementNB BernoulliNB LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis"
)
_REGRESSORS = _words(
    "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV BayesianRidge Lars LassoLars SVR NuSVR "
    "LinearSVR KernelRidge"
)
# These fit targets of several columns themselves, faster and often better than one model a column.
NATIVE = _words(
    "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor RandomForestClassifier "
    "RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor KNeighborsClassifier KNeighborsRegressor "
    "MLPRegressor LinearRegression Ridge RidgeCV Lasso ElasticNet KernelRidge DummyClassifier DummyRegressor"
)


def kind(name: str) -> str:
    """Return "classifier", "regressor", or "" for the name of anything else."""
    if name in WRAPPERS or name not in MODULE:
        return ""
    if name in _CLASSIFIERS or name.endswith("Classifier"):
        return "classifier"
    return "regressor" if name in _REGRESSORS or name.endswith("Regressor") else ""


def constructors(root: ast.AST) -> list[ast.Call]:
    """Return the calls below `root` that make a model; what makes the parts of a model belongs to it."""
    found: list[ast.Call] = []
    pending = [root]
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Call) and kind(name_of(node)):
            found.append(node)
        else:
            pending += ast.iter_child_nodes(node)
    return found


def around(source: Source, call: ast.Call) -> list[ast.Call]:
    """Return the calls that `call` is a part of."""
    return [c for c in source.calls() if c is not call and is_within(call, c)]


def inside(source: Source, call: ast.Call, names: Collection[str]) -> bool:
    """Tell whether `call` is a part of a call to one of `names`."""
    return any(name_of(outer) in names for outer in around(source, call))


def makers_at(source: Source, line: int) -> list[ast.Call]:
    """Return the calls that made the estimators, pipelines and transformers which the statement at `line` uses.

    For `m.fit(X, y)` that is the right-hand side of `m = Ridge(...)`.
    """
    covering = [n for n in ast.walk(source.tree) if isinstance(n, ast.stmt) and at_line(n, line)]
    if not covering:
        return []
    statement = min(covering, key=lambda s: ((s.end_lineno or s.lineno) - s.lineno, -s.col_offset))
    found: list[ast.Call] = []
    for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
        receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        for candidate in [*call.args[:1], *receiver]:
            made = maker(source, candidate)
            if made is not None and made not in found:
                found.append(made)
    return found


def maker(source: Source, node: ast.expr, steps: int = 20) -> ast.Call | None:
    """Return the call that made the estimator which `node` evaluates to, None where that cannot be told in so many `steps`."""
    if not steps:  # two names may be each other's
        return None
    if isinstance(node, ast.Call):
        name = name_of(node)
        if isinstance(node.func, ast.Attribute) and (name == "fit" or name.startswith("set_")):
            return maker(source, node.func.value, steps - 1)
        return node if name in _imported(source) or kind(name) else None
    if isinstance(node, ast.Name):
        for statement in ast.walk(source.tree):
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                targets = [t.id for t in statement.targets if isinstance(t, ast.Name)]
                if node.id in targets and name_of(statement.value) != node.id:
                    return maker(source, statement.value, steps - 1)
    return None


def _imported(source: Source) -> set[str]:
    """Return the classes, and makers of pipelines, that the script imports from the libraries of estimators."""
    return {
        alias.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").partition(".")[0] in ("sklearn", "lightgbm")
        for alias in node.names
        if alias.name[0].isupper() or alias.name.startswith("make_")
    }


def imports(source: Source, names: Iterable[str]) -> list[Edit]:
    """Return the imports of those known `names` that the script does not bind yet."""
    missing = sorted(set(names) & set(MODULE) - set(source.bound))
    return [source.import_(f"from {MODULE[name]} import {name}") for name in missing]


def names_in(expression: str) -> list[str]:
    """Return the names used in an expression such as "make_pipeline(Ridge())"; [] where it does not parse."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def wrapped(source: Source, calls: Sequence[ast.Call], before: str, after: str) -> list[Edit]:
    """Put `before` and `after` around each of `calls`, with the imports that they need."""
    edits = [source.replace(call, before + source.code(call) + after) for call in calls]
    used = names_in(before + "None" + after)
    return [*edits, *imports(source, used)] if edits else []
