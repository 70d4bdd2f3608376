"""What kind of task a target makes, and the metrics that fit it."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing.metrics import BY_NAME
from budgetmlagent.tasks.taskfile import nearest
from memory.scores import rises

Kind = Literal["binary", "multiclass", "regression"]
FEW_VALUES = 20  # whole numbers with more different values are quantities, with fewer they are labels
ROWS_A_LABEL = 4  # on average; where there are fewer, texts are names and no labels
IMBALANCE = 0.8  # share of the most frequent label above which accuracy says little
TAIL = 5  # times the median: where one value in twenty is larger, relative errors count


@dataclass(frozen=True)
class Metric:
    """A metric that a new task can have, as its files name it."""

    name: str
    words: str
    direction: Literal["max", "min"]
    kinds: tuple[Kind, ...]
    function: str  # of sklearn.metrics

    @property
    def higher(self) -> bool:
        """Whether a higher value is the better one."""
        return rises(self.direction)


def _offered(name: str, words: str, shown: str = "") -> Metric:
    """The metric called `name` in the briefing's table, `shown` or the same in a task's files."""
    known = BY_NAME[name]
    kinds: tuple[Kind, ...] = ("binary", "multiclass") if "class" in known.fits else ("binary",)
    if "value" in known.fits:
        kinds = ("regression",)
    return Metric(shown or name, words, known.best, kinds, known.function)


METRICS = {
    metric.name: metric
    for metric in (
        _offered("accuracy", "the share of rows whose label is right"),
        _offered("balanced_accuracy", "the share of right rows of each label, averaged"),
        _offered("f1_macro", "the F1 score of each label, averaged"),
        _offered("auc", "the area under the ROC curve", shown="roc_auc"),
        _offered("rmse", "the root mean squared error"),
        _offered("mae", "the mean absolute error"),
        _offered("rmsle", "the root mean squared error of the logarithms of 1 + value"),
        _offered("r2", "the share of the variance that is explained"),
    )
}


def fitting(kind: Kind) -> list[str]:
    """Names of the metrics for a kind of task."""
    return [name for name, metric in METRICS.items() if kind in metric.kinds]


def choose(target: str, values: "pd.Series[Any]", wanted: str | None, said: str = "") -> tuple[Kind, Metric]:
    """The kind of task that the target's `values` (none is missing) make, and its metric: `wanted`, or a guess.

    Whole numbers may be labels or quantities: `said`, a classification or a regression, decides, or else a wanted metric.
    Raises UsageError.
    """
    if wanted is not None and wanted not in METRICS:
        hint = nearest(wanted, list(METRICS))
        raise UsageError(f"--metric {wanted}: unknown; {hint}Known are {', '.join(METRICS)}")
    metric = METRICS[wanted] if wanted else None
    kind = _kind(target, values, metric, said)
    if metric is None:
        return kind, METRICS[_guess(kind, values)]
    if kind not in metric.kinds:
        what = {"binary": "two labels", "multiclass": f"{values.nunique()} labels", "regression": "numbers"}
        raise UsageError(
            f"--metric {metric.name}: does not fit {target!r}, which holds {what[kind]}; choose {', '.join(fitting(kind))}"
        )
    if metric.name == "rmsle" and values.min() < 0:
        raise UsageError(
            f"--metric rmsle: {target!r} has negative values, down to {values.min():g}; take rmse"
        )
    return kind, metric


def _kind(target: str, values: "pd.Series[Any]", wanted: Metric | None, said: str) -> Kind:
    distinct = values.nunique()
    regression = "regression" in wanted.kinds if wanted else distinct > FEW_VALUES
    if said:
        regression = said == "regression"
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric:
        if values.abs().max() == float("inf"):
            raise UsageError(f"--target {target!r}: has infinite values; take these rows out")
        whole = bool((values == values.round()).all())
        if regression or (not whole and not said):
            return "regression"
    elif said == "regression":
        odd = values[pd.to_numeric(values, errors="coerce").isna()]
        raise UsageError(
            f"--kind regression: {target!r} holds {odd.iloc[0] if len(odd) else values.iloc[0]!r}, which is no number"
        )
    elif distinct > FEW_VALUES:
        odd = values[pd.to_numeric(values, errors="coerce").isna()]
        if len(odd) < 0.1 * len(values):
            raise UsageError(
                f"--target {target!r}: {len(odd)} of {len(values)} values are no numbers, e.g. {odd.iloc[0]!r}; "
                f"correct or empty them"
            )
    if distinct * ROWS_A_LABEL > len(values):
        raise UsageError(
            f"--target {target!r}: {distinct} different values in {len(values)} rows are too many for labels"
            + (f"; choose {', '.join(fitting('regression'))}" if numeric else _unread(values))
        )
    return "binary" if distinct == 2 else "multiclass"


def _unread(values: "pd.Series[Any]") -> str:
    """What to do about a target of many different texts, with the first one that is no number."""
    odd = next((value for value in values if pd.isna(pd.to_numeric(value, errors="coerce"))), values.iloc[0])
    digits = any(letter.isdigit() for letter in str(odd))
    what = "write each value as one number, such as 1190.5, or " if digits else ""
    return f", and {odd!r} is no number: {what}predict another column"


def _guess(kind: Kind, values: "pd.Series[Any]") -> str:
    """Accuracy and rmse, unless one label or a few large values would rule them."""
    if kind == "regression":
        return "rmsle" if values.min() >= 0 and values.quantile(0.95) > TAIL * values.median() else "rmse"
    if values.value_counts(normalize=True).max() <= IMBALANCE:
        return "accuracy"
    return "roc_auc" if kind == "binary" else "f1_macro"
