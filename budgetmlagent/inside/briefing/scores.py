"""The task's metric as the code of a function `score(y, prediction)`, for scripts about data that is no table."""

from .metrics import BY_NAME, judging

DEFAULT = {
    "class": "accuracy", "probability": "auc", "probabilities": "log_loss", "value": "rmse", "labels": "f1_macro",
}  # fmt: skip


def scoring(name: str, predicts: str, binary: bool = True) -> dict[str, str]:
    """`metric`, the one called `name` or one that fits instead, its `score` as code, and `best`: max or min.

    `predicts` is what the submission holds: class, probability (of the positive class), probabilities (one column a
    class), value, or labels (several 0/1 columns).
    """
    known = BY_NAME.get(name)
    if name == "f1" and (predicts == "labels" or (predicts == "class" and not binary)):
        known = BY_NAME["f1_macro"]
    elif known is None or name not in judging(predicts) or not (known.call or known.body):
        known = BY_NAME[DEFAULT[predicts]]
    score = {"metric": known.name, "best": known.best}
    if known.body:
        return score | {"score": function(known.body)}
    call = known.call
    if known.name == "auc" and predicts == "probability":
        call = "roc_auc_score(y, prediction)"
    return score | {"score": function(call), "score_import": f"from sklearn.metrics import {known.function}"}


def mask_scoring(name: str, pixels: str) -> dict[str, str]:
    """The same for masks, (images, height, width), of `pixels` pixel_binary, pixel_class or pixel_value.

    It is the overlap of each image, averaged, or the share of right pixels; for values, how far off these are.
    """
    if pixels == "pixel_value":
        name, error = "mae" if name == "mae" else "rmse", "y - prediction"
        body = f"np.mean(np.abs({error}))" if name == "mae" else f"np.sqrt(np.mean(({error}) ** 2))"
        return {"metric": name, "best": "min", "score": function(body)}
    if name in ("f1", "f1_macro"):
        name = "dice"
    if name not in judging("mask"):
        return {"metric": "accuracy", "best": "max", "score": function("np.mean(y == prediction)")}
    pairs = "((y == k, prediction == k) for k in np.unique(y))"
    if pixels == "pixel_binary":
        pairs = "zip(y > 0, prediction > 0)"
    body = f"np.mean([{BY_NAME[name].body} for a, b in {pairs}])"
    return {"metric": name, "best": "max", "score": function(body)}


def function(body: str) -> str:
    """A function `score` that returns `body`."""
    return f"def score(y, prediction):\n    return {body}"
