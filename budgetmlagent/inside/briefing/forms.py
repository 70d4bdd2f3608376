"""What inputs and labels are: images, signals or a matrix; classes, values, several labels or masks."""

import math
import re
from typing import Any

import numpy as np

from .metrics import judging
from .scores import mask_scoring, scoring
from .writing import Writing

IMAGES = r"(?i)\b(images?|pictures?|photos?|pixels?|scans?|digits?|handwrit\w+)\b"
SIGNALS = r"(?i)\b(signals?|sensors?|time series|accelero\w+|audio|ecg|eeg|waveforms?|recordings?|spectr\w+|sampled at)\b"


def form(X: Any, text: str) -> dict[str, Any]:
    """`form` (image, signal, matrix, sparse) of the inputs, `lines` of code that bring them into its standard shape.

    The shapes: image (rows, height, width, channels), signal (rows, channels, steps), matrix (rows, columns).
    """
    if hasattr(X, "tocsr"):
        return {"form": "sparse", "lines": [], "columns": X.shape[1]}
    if X.ndim == 4:
        n, a, b, c = X.shape
        first = a in (1, 3, 4) and c not in (1, 3, 4)
        return image((n, b, c, a), ".transpose(0, 2, 3, 1)") if first else image(X.shape)
    if X.ndim == 3:
        return three(X, text)
    if X.ndim == 2:
        if side := square(X, text):
            change = f".reshape(-1, {', '.join(map(str, side))})"
            return image((len(X), *side), change) | {"columns": X.shape[1]}
        if X.shape[1] >= 24 and X.dtype.kind in "iuf" and (smooth(X) > 0.7 or re.search(SIGNALS, text)):
            return signal((len(X), 1, X.shape[1]), "[:, None, :]")
    flat = ["X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)"] if X.ndim != 2 else []
    return {"form": "matrix", "lines": flat, "columns": math.prod(X.shape[1:])}


def three(X: Any, text: str) -> dict[str, Any]:
    """Whether (rows, a, b) are grey images or signals of several channels."""
    a, b = X.shape[1:]
    pictures = bool(re.search(IMAGES, text)) and not re.search(SIGNALS, text)
    square = max(a, b) <= 3 * min(a, b) and (a == b or X.dtype.name == "uint8")
    if min(a, b) >= 6 and (pictures or square):
        return image((*X.shape, 1), "[..., None]")
    return signal((len(X), b, a), ".transpose(0, 2, 1)") if a >= b else signal(X.shape)


def image(shape: tuple[int, ...], change: str = "") -> dict[str, Any]:
    """Images that have `shape` (rows, height, width, channels) after the `change`."""
    _, height, width, channels = shape
    return {"form": "image", "lines": both(change), "height": height, "width": width, "channels": channels}


def signal(shape: tuple[int, ...], change: str = "") -> dict[str, Any]:
    """Signals that have `shape` (rows, channels, steps) after the `change`."""
    return {"form": "signal", "lines": both(change), "channels": shape[1], "steps": shape[2]}


def both(change: str) -> list[str]:
    """The line that changes the inputs of both parts."""
    return [f"X, X_test = X{change}, X_test{change}"] if change else []


def square(X: Any, text: str) -> tuple[int, int, int] | None:
    """(height, width, channels) where the columns are the pixels of square images, None where they are not."""
    for channels in (1, 3):
        side = round((X.shape[1] / channels) ** 0.5)
        if side >= 6 and side * side * channels == X.shape[1] and X.dtype.kind in "iuf":
            if channels == 3 and not re.search(IMAGES, text):
                continue
            # Neighbours in a row and in a column of an image are alike; in a table or a signal not both.
            across, down = smooth(X, channels), smooth(X, side * channels)
            if min(across, down) > 0.4 and (re.search(IMAGES, text) or X.dtype.kind in "iu"):
                return side, side, channels
    return None


def smooth(X: Any, step: int = 1) -> float:
    """The mean correlation between values that lie `step` columns apart in a row."""
    rows = np.asarray(X[: min(len(X), 300)], dtype=float)
    rows = np.nan_to_num(rows - rows.mean(1, keepdims=True))
    a, b = rows[:, :-step], rows[:, step:]
    power = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return float(np.mean((a * b).sum(1) / np.maximum(power, 1e-12)))


def target(y: Any, written: Writing, metric: str) -> dict[str, Any] | None:
    """What is to be predicted: its `task`, `predicts`, the metric's code, and code that turns it into a matrix and back.

    `target` is code that makes a matrix `T` (rows, outputs) of y; `decide` turns such a matrix of predictions into what
    the submission holds.
    """
    y = np.asarray(y)
    if y.ndim >= 3:
        return masks(y, written, metric)
    lines = []
    if y.ndim == 2 and y.shape[1] == 1:
        y, lines = y.ravel(), ["y = y.ravel()"]
    if y.ndim == 1:
        found = classes(y, written, metric) or values(y, written, metric)
    else:
        found = several(y, written, metric)
    return {**found, "lines": lines} if found else None


def several(y: Any, written: Writing, metric: str) -> dict[str, Any] | None:
    """The description of several labels or values a row, None where the submission has not as many."""
    if written.shape[1:] != y.shape[1:]:
        return None
    flags = y.dtype.kind in "iub" and set(np.unique(y)) | set(np.unique(written.values)) <= {0, 1}
    task, predicts = ("multi_label", "labels") if flags else ("multi_output", "value")
    back = "(P > 0.5).astype(int)" if flags else "P"
    decide = f"T = y.astype(float)\n\n\ndef decide(P):\n    return {back}"
    return {"task": task, "predicts": predicts, "decide": decide, **scoring(metric, predicts)}


def classes(y: Any, written: Writing, metric: str) -> dict[str, Any] | None:
    """The description of classes, None where y holds no classes or the submission something else."""
    distinct = np.unique(y.astype(str)) if y.dtype.kind in "OUSb" else np.unique(y)
    if y.dtype.kind == "f" and not (np.all(distinct == np.round(distinct)) and len(distinct) <= 20):
        return None
    if len(distinct) > max(20, len(y) // 5) and y.dtype.kind != "U":
        return None
    known = {str(value) for value in y.tolist()}
    if written.shape[1:] == (len(distinct),):
        predicts, shares = "probabilities", "P / P.sum(1, keepdims=True)"
        # Columns named after classes may stand in another order than the sorted one.
        if set(written.names) == known and list(written.names) != sorted(known):
            shares = f"({shares})[:, {[sorted(known).index(name) for name in written.names]}]"
        back = f"P = np.clip(P, 0.003, None)\n    return {shares}"
    elif len(written.shape) > 1 and written.shape[1:] != (1,):
        return None
    elif {str(value) for value in np.ravel(written.values).tolist()} <= known | {f"{v}.0" for v in known}:
        predicts, back = "class", "return classes[P.argmax(1)]"
        if metric in judging("value"):
            return None
    elif len(distinct) == 2 and np.all((written.values >= 0) & (written.values <= 1)):
        predicts, back = "probability", "return np.clip(P[:, 1], 0.003, 0.997)"
    else:
        return None
    decide = (
        "classes, number = np.unique(y, return_inverse=True)\nT = np.eye(len(classes))[number]\n\n\n"
        f"def decide(P):\n    {back}"
    )
    facts = {"task": "classification", "predicts": predicts, "classes": len(distinct), "decide": decide}
    return {**facts, **scoring(metric, predicts, len(distinct) == 2)}


def values(y: Any, written: Writing, metric: str) -> dict[str, Any] | None:
    """The description of one number a row."""
    if y.dtype.kind not in "iuf" or len(written.shape) > 2 or written.shape[1:] not in ((), (1,)):
        return None
    shape = "P[:, 0]" if len(written.shape) == 1 else "P[:, :1]"
    decide = f"T = y.astype(float).reshape(-1, 1)\n\n\ndef decide(P):\n    return {shape}"
    facts = {"task": "regression", "predicts": "value", "decide": decide}
    return {**facts, **scoring(metric, "value")}


def masks(y: Any, written: Writing, metric: str) -> dict[str, Any] | None:
    """The description of masks (images, height, width), one value a pixel."""
    extra = y.ndim == 4 and y.shape[3] == 1
    if (y.ndim == 4 and not extra) or len(written.shape) < 3:
        return None
    distinct = np.unique(y)
    whole = y.dtype.kind in "iub" or (len(distinct) <= 20 and np.all(distinct == np.round(distinct)))
    pixels = "pixel_value" if not whole else "pixel_binary" if len(distinct) == 2 else "pixel_class"
    facts: dict[str, Any] = {"task": "segmentation", "predicts": "mask", "pixels": pixels, "decide": ""}
    facts["lines"] = ["y = y[..., 0]"] if extra else []
    if written.shape[-1] == 1 and len(written.shape) == 4:
        facts["expand"] = True
    if whole:
        facts["top"] = distinct.max().item()
    return facts | mask_scoring(metric, pixels)
