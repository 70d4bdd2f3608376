"""The metrics whose better direction is known, and how people write their names. A name not known here says nothing."""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

Direction = Literal["max", "min"]
# fmt: off
# Metric: (other ways to write it, which way is better). Case, spaces, "_" and "-" do not count: `RootMeanSquaredError`.
# Where the briefing's table (`inside/briefing/metrics.py`, which must import nothing of ours) has a metric, its name is
# the same here.
KNOWN: dict[str, tuple[tuple[str, ...], Direction]] = {
    "rmse": (("root mean squared error", "root mean square error", "rms error"), "min"),
    "rmsle": (
        ("root mean squared log error", "root mean squared logarithmic error", "root mean square log error",
         "root mean square logarithmic error"),
        "min",
    ),
    "rmspe": (("root mean squared percentage error", "root mean square percentage error"), "min"),
    "nrmse": (("normalized root mean squared error", "normalised root mean squared error"), "min"),
    "mse": (("mean squared error", "mean square error", "squared error", "l2 loss"), "min"),
    "msle": (("mean squared log error", "mean squared logarithmic error"), "min"),
    "mae": (("mean absolute error", "mean absolute deviation", "absolute error", "l1 loss"), "min"),
    "medae": (("median absolute error", "mdae"), "min"),
    "mape": (("mean absolute percentage error", "mean absolute percent error", "percentage error"), "min"),
    "smape": (("symmetric mean absolute percentage error", "symmetric mape"), "min"),
    "wape": (("wmape", "weighted absolute percentage error"), "min"),
    "mase": (("mean absolute scaled error",), "min"),
    "max_error": (("maximum error",), "min"),
    "pinball": (("pinball loss", "mean pinball loss", "quantile loss"), "min"),
    "crps": (("continuous ranked probability score",), "min"),
    "deviance": (("poisson deviance", "gamma deviance", "tweedie deviance"), "min"),
    "log_loss": (
        ("cross entropy", "cross entropy loss", "binary cross entropy", "categorical cross entropy", "bce", "nll",
         "nll loss", "negative log likelihood", "neg log likelihood", "multi class log loss"),
        "min",
    ),
    "brier": (("brier score", "brier score loss", "brier loss"), "min"),
    "hinge": (("hinge loss",), "min"),
    "hamming": (("hamming loss",), "min"),
    "error": (
        ("error rate", "classification error", "misclassification", "misclassification rate",
         "misclassification error", "zero one loss", "0 1 loss"),
        "min",
    ),
    "loss": ((), "min"),
    "eer": (("equal error rate",), "min"),
    "perplexity": (("ppl",), "min"),
    "bits": (
        ("bits per character", "bits per char", "bits per byte", "bits per token", "bits per dimension", "bpc", "bpb"),
        "min",
    ),
    "wer": (("word error rate",), "min"),
    "cer": (("character error rate",), "min"),
    "edit_distance": (("levenshtein", "levenshtein distance"), "min"),
    "hausdorff": (("hausdorff distance",), "min"),
    "fid": (("frechet inception distance",), "min"),
    "lpips": ((), "min"),
    "kl_divergence": (("kullback leibler", "kullback leibler divergence", "kld"), "min"),
    "wasserstein": (("wasserstein distance",), "min"),
    "davies_bouldin": (("davies bouldin index",), "min"),
    "regret": ((), "min"),
    "cost": ((), "min"),
    "seconds": (
        ("secs", "milliseconds", "time", "runtime", "duration", "latency", "inference time", "execution time"),
        "min",
    ),
    "accuracy": (("acc", "exact match", "exact match ratio", "subset accuracy"), "max"),
    "balanced_accuracy": (("balanced acc", "bacc"), "max"),
    "f1": (("f1 measure", "f score", "f measure"), "max"),
    "f1_macro": (("macro f1", "macro averaged f1", "macro average f1", "macro f score"), "max"),
    "f1_micro": (("micro f1", "micro averaged f1", "micro average f1", "micro f score"), "max"),
    "f1_weighted": (("weighted f1", "weighted averaged f1", "weighted average f1"), "max"),
    "f1_samples": (("samples f1", "sample averaged f1"), "max"),
    "f_beta": (("f2", "f0.5", "f 0.5"), "max"),
    "precision": (("positive predictive value", "ppv"), "max"),
    "recall": (("sensitivity", "true positive rate", "tpr"), "max"),
    "specificity": (("true negative rate", "tnr"), "max"),
    "auc": (
        ("roc auc", "auc roc", "auroc", "roc", "area under the roc curve", "area under roc curve",
         "area under the curve", "area under the receiver operating characteristic curve"),
        "max",
    ),
    "average_precision": (("ap", "pr auc", "auc pr", "auprc", "area under the precision recall curve"), "max"),
    "map_at_k": (("map", "mean average precision"), "max"),
    "recall_at_k": (("hit rate", "hits"), "max"),
    "ndcg": (("dcg", "normalized discounted cumulative gain", "normalised discounted cumulative gain"), "max"),
    "mrr": (("mean reciprocal rank", "reciprocal rank"), "max"),
    "gini": (("gini coefficient", "normalized gini"), "max"),
    "kappa": (("cohen kappa", "cohens kappa", "cohen's kappa"), "max"),
    "qwk": (("quadratic weighted kappa", "quadratic kappa", "weighted kappa", "quadratic weighted cohen kappa"), "max"),
    "mcc": (("matthews correlation", "matthews correlation coefficient", "matthews corrcoef"), "max"),
    "r2": (("r squared", "r^2", "r²", "coefficient of determination"), "max"),
    "explained_variance": ((), "max"),
    "nse": (("nash sutcliffe", "nash sutcliffe efficiency"), "max"),
    "pearson": (("pearson r", "pearson correlation", "pearson correlation coefficient", "correlation"), "max"),
    "spearman": (("spearman rho", "spearman correlation", "spearman rank correlation", "rank correlation"), "max"),
    "kendall": (("kendall tau", "kendalls tau", "kendall's tau"), "max"),
    "concordance": (("c index", "concordance index"), "max"),
    "iou": (("miou", "jaccard", "jaccard index", "jaccard similarity", "intersection over union"), "max"),
    "dice": (("dice coefficient", "dice similarity", "dice similarity coefficient"), "max"),
    "psnr": (("peak signal to noise ratio",), "max"),
    "ssim": (("structural similarity", "structural similarity index"), "max"),
    "inception": (("inception score",), "max"),
    "bleu": (("sacrebleu", "bleu 4"), "max"),
    "rouge": (("rouge 1", "rouge 2", "rouge l"), "max"),
    "meteor": ((), "max"),
    "chrf": (("chrf++",), "max"),
    "cider": ((), "max"),
    "log_likelihood": (("likelihood",), "max"),
    "elbo": (("evidence lower bound",), "max"),
    "silhouette": (("silhouette coefficient",), "max"),
    "rand": (("adjusted rand index", "rand index", "ari"), "max"),
    "nmi": (("normalized mutual information", "adjusted mutual information", "mutual information", "ami"), "max"),
    "v_measure": ((), "max"),
    "throughput": ((), "max"),
    "speedup": ((), "max"),
    "reward": ((), "max"),
    "win_rate": ((), "max"),
}
# fmt: on
# Metrics that go up to 1, and those down to 0: what is scored so cannot be beaten. Of the others nothing is known.
TO_ONE = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "f1",
        "f1_macro",
        "f1_micro",
        "f1_weighted",
        "f1_samples",
        "f_beta",
        "precision",
        "recall",
        "specificity",
        "auc",
        "average_precision",
        "map_at_k",
        "recall_at_k",
        "ndcg",
        "mrr",
        "gini",
        "kappa",
        "qwk",
        "mcc",
        "r2",
        "explained_variance",
        "nse",
        "pearson",
        "spearman",
        "kendall",
        "concordance",
        "iou",
        "dice",
        "ssim",
    }
)  # fmt: skip
TO_ZERO = frozenset({
    "rmse", "rmsle", "rmspe", "nrmse", "mse", "msle", "mae", "medae", "mape", "smape", "wape", "mase", "max_error", "pinball",
    "crps", "log_loss", "brier", "hinge", "hamming", "error", "eer", "wer", "cer", "edit_distance",
})  # fmt: skip
# Words that ordinary sentences hold too: as a mention in passing they name no metric.
ORDINARY = {
    "error",
    "loss",
    "time",
    "hits",
    "map",
    "ap",
    "acc",
    "recall",
    "precision",
    "cost",
    "meteor",
    "cider",
    "rand",
    "roc",
    "duration",
    "regret",
    "reward",
}  # fmt: skip
# Words around a name that leave its direction as it is.
AROUND = {
    "mean", "average", "averaged", "avg", "overall", "total", "final", "global", "the", "score", "scores",
    "metric", "value", "sklearn", "torchmetrics", "test", "testing", "valid", "validation", "val", "held", "out",
    "holdout", "heldout", "cv", "cross", "validated", "oof", "public", "private", "hidden", "log", "normalized",
    "normalised", "adjusted", "relative", "scaled", "best", "macro", "micro", "weighted", "samples", "binary",
    "multiclass", "column", "columnwise", "wise", "per", "class", "row",
}  # fmt: skip
LONGEST = 100  # characters of a name
# What may follow a name: "RMSE (kWh)", "mae in minutes". In brackets it must not turn the name round: "rmse (negated)".
AFTER = re.compile(
    r"\s*\((?!.*(?:neg|inv|minus|higher|lower)).*\)$|[\s_]+(?:in|of|on|over|for|per)[\s_].*$", re.IGNORECASE
)
NEGATED = {"neg", "negative", "negated", "minus"}


@dataclass(frozen=True)
class Named:
    """A metric that a name means: its name in KNOWN, and which way of what was named is better."""

    name: str
    direction: Direction


def named(text: str) -> Named | None:
    """The known metric that is called `text`, None where that says nothing: `RMSE`, `neg_rmse`, `mean NDCG@10`.

    A negated metric has the other direction.
    """
    if len(text) > LONGEST:
        return None
    short = AFTER.sub("", text)
    return _named(_words(text)) or (None if short.lower() in ORDINARY else _named(_words(short)))


def perfect(name: str, direction: Direction) -> float | None:
    """Return the score that nothing beats of the metric called `name`; None where none is known, as of a negated one."""
    found = named(name)
    if found is None or found.direction != direction:
        return None
    bound = {"max": (TO_ONE, 1.0), "min": (TO_ZERO, 0.0)}[direction]
    return bound[1] if found.name in bound[0] else None


def turned(metric: Named) -> Named:
    """The same metric negated."""
    return replace(metric, direction="min" if metric.direction == "max" else "max")


def mentioned(text: str) -> set[str]:
    """The names in KNOWN of all metrics that `text` mentions, but for words that mean other things too."""
    return {
        found.name
        for match in _written().finditer(re.sub(r"\s+", " ", text))
        if match.group().lower() not in ORDINARY and (found := named(match.group()))
    }


def _words(text: str) -> tuple[str, ...]:
    """A name in words, without how many ranks are looked at."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", text.strip())
    text = re.sub(r"@\s*\w+|\bat (k|\d+)\b|\btop[\s_-]*(k|\d+)(?=[\s_-])", " ", text.lower())
    words = (word.strip("()[]{}:,;`'\"*") for word in re.split(r"[\s_-]+", re.sub(r"^-", "minus ", text)))
    return tuple(word for word in words if word)


def _named(words: tuple[str, ...]) -> Named | None:
    """Look the words up, then without what may stand around a metric's name."""
    if not words:
        return None
    if found := _table().get(_squeezed("".join(words))):
        return found
    if words[0] in NEGATED:
        inner = _named(words[1:])
        return inner and turned(inner)
    if words[-1] in AROUND and (found := _named(words[:-1])):
        return found
    return _named(words[1:]) if words[0] in AROUND else None


@cache
def _table() -> dict[str, Named]:
    """Every way to write a metric, squeezed."""
    return {
        _squeezed(written): Named(name, direction)
        for name, (others, direction) in KNOWN.items()
        for written in (name, *others)
    }


@cache
def _written() -> re.Pattern[str]:
    """An expression that finds every way to write a metric, the longest first."""
    every = sorted(
        {written for name, (others, _) in KNOWN.items() for written in (name, *others)}, key=len, reverse=True
    )
    either = "|".join(r"[\s_-]*".join(map(re.escape, re.split(r"[ _]", written))) for written in every)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])", re.IGNORECASE)


def _squeezed(written: str) -> str:
    """A name as all ways to write it have it in common."""
    return re.sub(r"[\s_'’-]", "", written.lower())
