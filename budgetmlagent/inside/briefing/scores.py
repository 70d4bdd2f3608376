"""The task's metric as the code of a function `score(y, prediction)`, for scripts about data that is no table."""

from typing import Any

SKLEARN = {
    "accuracy": "accuracy_score(y, prediction)",
    "balanced_accuracy": "balanced_accuracy_score(y, prediction)",
    "auc": 'roc_auc_score(y, prediction, multi_class="ovr")',
    "average_precision": "average_precision_score(y, prediction)",
    "log_loss": "log_loss(y, prediction)",
    "brier": "brier_score_loss(y, prediction)",
    "f1": "f1_score(y, prediction)",
    "f1_macro": 'f1_score(y, prediction, average="macro")',
    "f1_micro": 'f1_score(y, prediction, average="micro")',
    "f1_weighted": 'f1_score(y, prediction, average="weighted")',
    "f1_samples": 'f1_score(y, prediction, average="samples")',
    "qwk": 'cohen_kappa_score(y, prediction, weights="quadratic")',
    "kappa": "cohen_kappa_score(y, prediction)",
    "mcc": "matthews_corrcoef(y, prediction)",
    "rmse": "root_mean_squared_error(y, prediction)",
    "mse": "mean_squared_error(y, prediction)",
    "mae": "mean_absolute_error(y, prediction)",
    "medae": "median_absolute_error(y, prediction)",
    "r2": "r2_score(y, prediction)",
}
PLAIN = {
    "rmsle": "np.sqrt(np.mean((np.log1p(np.maximum(y, 0)) - np.log1p(np.maximum(prediction, 0))) ** 2))",
    "mape": "np.mean(np.abs(y - prediction) / np.maximum(np.abs(y), 1e-9)) * 100",
    "smape": "np.mean(200 * np.abs(y - prediction) / np.maximum(np.abs(y) + np.abs(prediction), 1e-9))",
    "pearson": "np.corrcoef(np.ravel(y), np.ravel(prediction))[0, 1]",
}
OVERLAP = {
    "dice": "2 * (a & b).sum() / (a.sum() + b.sum() + 1e-6)",
    "iou": "((a & b).sum() + 1e-6) / ((a | b).sum() + 1e-6)",
}
# Which metrics can judge what: a loss of probabilities cannot judge labels.
FITS = {
    "class": {
        "accuracy",
        "balanced_accuracy",
        "f1",
        "f1_macro",
        "f1_micro",
        "f1_weighted",
        "qwk",
        "kappa",
        "mcc",
    },
    "probability": {"auc", "average_precision", "log_loss", "brier"},
    "probabilities": {"log_loss", "auc"},
    "value": {"rmse", "mse", "mae", "medae", "r2", *PLAIN},
    "labels": {"accuracy", "f1_macro", "f1_micro", "f1_weighted", "f1_samples"},
}
DEFAULT = {
    "class": "accuracy", "probability": "auc", "probabilities": "log_loss", "value": "rmse", "labels": "f1_macro",
}  # fmt: skip
LOSSES = {"log_loss", "brier", "rmse", "mse", "mae", "medae", "rmsle", "mape", "smape"}


def scoring(metric: dict[str, Any], predicts: str, binary: bool = True) -> dict[str, str]:
    """The metric's `name`, its `score` as code, and `best`: max or min, whichever is better.

    `predicts` is what the submission holds: class, probability (of the positive class), probabilities (one column a
    class), value, or labels (several 0/1 columns).
    """
    name = str(metric.get("name") or "")
    if name not in FITS[predicts] or (name == "f1" and not binary):
        name = "f1_macro" if name == "f1" and predicts in ("class", "labels") else DEFAULT[predicts]
    best = "min" if name in LOSSES else "max"
    if name in PLAIN:
        return {"metric": name, "best": best, "score": function(PLAIN[name])}
    call = SKLEARN[name]
    if name == "auc" and predicts == "probability":
        call = "roc_auc_score(y, prediction)"
    imported = f"from sklearn.metrics import {call.partition('(')[0]}"
    return {"metric": name, "best": best, "score": function(call), "score_import": imported}


def mask_scoring(metric: dict[str, Any], binary: bool) -> dict[str, str]:
    """The same for masks, (images, height, width): the overlap of each image, averaged, or the share of right pixels."""
    name = str(metric.get("name") or "")
    if name in ("f1", "f1_macro"):
        name = "dice"
    if name in OVERLAP and binary:
        body = f"np.mean([{OVERLAP[name]} for a, b in zip(y > 0, prediction > 0)])"
    elif name in OVERLAP:
        share = f"np.mean([{OVERLAP[name]} for a, b in ((y == k, prediction == k) for k in np.unique(y))])"
        body = share
    else:
        name, body = "accuracy", "np.mean(y == prediction)"
    return {"metric": name, "best": "max", "score": function(body)}


def function(body: str) -> str:
    """A function `score` that returns `body`."""
    return f"def score(y, prediction):\n    return {body}"
