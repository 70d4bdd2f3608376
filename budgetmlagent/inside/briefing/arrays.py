"""Tasks whose data are arrays: images, masks, signals, matrices of features."""

import re
from typing import Any

from . import forms, parts, pointers
from .given import Given
from .stock import Array
from .writing import Writing, writing


def describe(given: Given) -> dict[str, Any]:
    """`arrays`: code that loads X, y and X_test, what they are, the metric as code, code that writes `prediction`.

    Empty where the inputs, the labels and the submission do not fit together.
    """
    held, rows = given.files.arrays, given.rows
    if not held or rows < 2:
        return {}
    tables = given.files.columns
    found = parts.find(held, tables, rows)
    if found is None:
        return {}
    written = writing(given, [*found.ids, *tables])
    if written is None or written.shape[0] != rows:
        return {}
    target = forms.target(found.y, written, given.metric["name"])
    if target is None:
        return {}
    form = forms.form(found.X, given.text)
    if target["predicts"] == "mask" and (form["form"] != "image" or pointers.describe(held, given)):
        return {}
    load = "\n".join([*found.load, *form.pop("lines"), *target.pop("lines")])
    arrays = {
        "load": load,
        "write": written.code,
        "valid": found.valid,
        "rows": len(found.y),
        "test_rows": rows,
    }
    arrays |= form | target
    arrays["imports"] = imports(load, written.code, str(arrays["score"]))
    kinds = ["arrays", str(arrays["form"]), str(arrays["task"])]
    if arrays["task"] == "segmentation":
        kinds = ["arrays", "segmentation", str(arrays["pixels"])]
    return {"kinds": kinds, "arrays": arrays, "summary": summary(held, found, arrays, written)}


def summary(held: list[Array], found: parts.Parts, arrays: dict[str, Any], written: Writing) -> str:
    """The arrays in a few lines of English."""
    lines = [f"{a.file}{f'[{a.key}]' if a.key else ''}: {describe_array(a, found)}" for a in held[:16]]
    what = {"mask": "a value for each pixel", "class": "the class of each row", "value": "numbers"}
    predicted = what.get(str(arrays["predicts"]), str(arrays["predicts"]))
    lines.append(
        f"The inputs are of the form {arrays['form']}; {arrays['rows']} rows for training, {arrays['test_rows']} for "
        f"the test. To be predicted: {predicted}, shape {list(written.shape)}, written by: {written.code}"
    )
    return "\n".join(lines)


def describe_array(array: Array, found: parts.Parts) -> str:
    """Shape, type and role of one array."""
    role = "used" if array.code in found.used else "not used"
    text = f"shape {list(array.shape)}, {array.value.dtype}, {array.role or 'data'}, {role}"
    return re.sub(r"\s+", " ", text)


def imports(*codes: str) -> str:
    """The import lines that `codes` need, NumPy always among them."""
    text = "\n".join(codes)
    standard = [f"import {name}" for name in ("json", "re") if re.search(rf"(?<![\w.]){name}\.", text)]
    others = ["import numpy as np"]
    others += ["import pandas as pd"] * bool(re.search(r"(?<![\w.])pd\.", text))
    others += ["import scipy.sparse as sp"] * bool(re.search(r"(?<![\w.])sp\.", text))
    return "\n".join([*standard, *[""] * bool(standard), *others])
