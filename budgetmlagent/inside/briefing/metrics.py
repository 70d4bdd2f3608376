"""The metrics that are known: how tasks name each, which way is better, what it judges, and its code."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric. Code of it compares `y` with `prediction`, arrays of one shape."""

    name: str
    pattern: str  # how tasks write it, in small letters
    best: Literal["max", "min"] = "max"
    # What it can judge: class (a label a row), labels (several 0/1 columns), probability (of the positive class),
    # probabilities (one column a class), value (a number), order (classes that are predicted as numbers too), mask.
    fits: tuple[str, ...] = ()
    call: str = ""  # an expression of scikit-learn's metrics
    body: str = ""  # an expression of NumPy, taken where there is one; for masks: of two masks `a` and `b`

    @property
    def function(self) -> str:
        """The function of scikit-learn's metrics, "" where it has none."""
        return self.call.partition("(")[0]


CLASS, LABELS = ("class",), ("class", "labels")
PROBABILITY, PROBABILITIES = ("probability",), ("probability", "probabilities")
VALUE, MASK = ("value",), ("mask",)
# Order matters: the first pattern that is found wins, so the special stand before the general.
METRICS = (
    Metric("rmsle", r"rmsle|root[ -]mean[ -]squared?[ -]log", "min", VALUE, "root_mean_squared_log_error(y, prediction)",
           "np.sqrt(np.mean((np.log1p(np.maximum(y, 0)) - np.log1p(np.maximum(prediction, 0))) ** 2))"),
    Metric("log_loss", r"log[ _-]?loss|cross[ _-]?entropy|logloss|neg(ative)? log[ -]likelihood", "min", PROBABILITIES,
           "log_loss(y, prediction)"),
    Metric("brier", r"brier", "min", PROBABILITY, "brier_score_loss(y, prediction)"),
    Metric("auc", r"\b(roc|auc|auroc)\b|roc[ _-]?auc|area under the (roc )?curve", "max", PROBABILITIES,
           'roc_auc_score(y, prediction, multi_class="ovr")'),
    Metric("average_precision", r"average[ _-]precision|\bpr[ _-]?auc\b", "max", PROBABILITY,
           "average_precision_score(y, prediction)"),
    Metric("qwk", r"quadratic[ _-]weighted|\bqwk\b|weighted[ _-]kappa", "max", (*CLASS, "order"),
           'cohen_kappa_score(y, prediction, weights="quadratic")'),
    Metric("kappa", r"kappa", "max", CLASS, "cohen_kappa_score(y, prediction)"),
    Metric("mcc", r"matthews|\bmcc\b", "max", CLASS, "matthews_corrcoef(y, prediction)"),
    Metric("balanced_accuracy", r"balanced[ _-]acc", "max", CLASS, "balanced_accuracy_score(y, prediction)"),
    Metric("f1_macro",
           r"macro[ _-]*(averaged? )?f1|f1[ _-]*(score)?[ _-]*\(?macro|macro[ _-]*(averaged? )?f[ -]?score",
           "max", LABELS, 'f1_score(y, prediction, average="macro")'),
    Metric("f1_micro", r"micro[ _-]*(averaged? )?f1|f1[ _-]*(score)?[ _-]*\(?micro", "max", LABELS,
           'f1_score(y, prediction, average="micro")'),
    Metric("f1_weighted", r"weighted[ _-]*(averaged? )?f1|f1[ _-]*(score)?[ _-]*\(?weighted", "max", LABELS,
           'f1_score(y, prediction, average="weighted")'),
    Metric("f1_samples", r"samples?[ _-]*(averaged? )?f1|f1[ _-]*(score)?[ _-]*\(?samples", "max", ("labels",),
           'f1_score(y, prediction, average="samples")'),
    Metric("f1", r"\bf[_-]?1(\b|_)|f1[ _-]?score|f-score|f-measure", "max", CLASS, "f1_score(y, prediction)"),
    Metric("smape", r"smape|symmetric[ -]mean[ -]absolute[ -]percent", "min", VALUE,
           body="np.mean(200 * np.abs(y - prediction) / np.maximum(np.abs(y) + np.abs(prediction), 1e-9))"),
    Metric("mape", r"\bmape\b|mean[ _-]absolute[ _-]percentage", "min", VALUE,
           body="np.mean(np.abs(y - prediction) / np.maximum(np.abs(y), 1e-9)) * 100"),
    Metric("rmse", r"\brmse\b|root[ _-]mean[ _-]squared?|rms error", "min", VALUE, "root_mean_squared_error(y, prediction)"),
    Metric("mse", r"\bmse\b|mean[ _-]squared?[ _-]error", "min", VALUE, "mean_squared_error(y, prediction)"),
    Metric("medae", r"medae|median[ _-]absolute", "min", VALUE, "median_absolute_error(y, prediction)"),
    Metric("mae", r"\bmae\b|mean[ _-]absolute[ _-](error|deviation)", "min", VALUE, "mean_absolute_error(y, prediction)"),
    Metric("r2", r"\br\^?2\b|r2[ _-]?score|\br²|coefficient of determination", "max", VALUE, "r2_score(y, prediction)"),
    Metric("spearman", r"spearman|rank correlation", "max", VALUE),
    Metric("pearson", r"pearson|correlation", "max", VALUE, body="np.corrcoef(np.ravel(y), np.ravel(prediction))[0, 1]"),
    Metric("dice", r"\bdice\b", "max", MASK, body="2 * (a & b).sum() / (a.sum() + b.sum() + 1e-6)"),
    Metric("iou", r"\biou\b|jaccard|intersection over union", "max", MASK,
           body="((a & b).sum() + 1e-6) / ((a | b).sum() + 1e-6)"),
    Metric("ndcg", r"\bndcg"),
    Metric("recall_at_k", r"recall[ _]?@|recall at|hit[ _-]?rate|hits?@"),
    Metric("map_at_k", r"\bmap@|mean average precision"),
    Metric("mrr", r"\bmrr\b|reciprocal rank"),
    Metric("bits", r"bits?[ _/-]*(per)?[ _/-]*(char|byte)|\bbpc\b|perplexity", "min"),
    Metric("accuracy", r"accurac|\bacc\b|error rate|misclassif", "max", LABELS, "accuracy_score(y, prediction)"),
    Metric("seconds", r"seconds|latency|runtime|speed", "min"),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}


def judging(*what: str) -> set[str]:
    """The names of the metrics that can judge one of `what`, as said at `Metric.fits`."""
    return {metric.name for metric in METRICS if set(what) & set(metric.fits)}
