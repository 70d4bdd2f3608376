"""Tasks whose data are arrays: images, masks, signals, matrices of features."""

import re
from pathlib import Path
from typing import Any

from . import forms, parts, stock
from .given import Given
from .writing import Writing, writing


def describe(folder: Path, context: dict[str, Any]) -> dict[str, Any]:
    """`arrays`: code that loads X, y and X_test, what they are, the metric as code, code that writes `prediction`.

    Empty where the inputs, the labels and the submission do not fit together.
    """
    given = Given.of(context)
    held = stock.arrays(folder, given.name)
    rows = given.rows
    if not held or rows < 2:
        return {}
    tables = stock.columns(folder, given.name)
    found = parts.find(held, tables, rows)
    if found is None:
        return {}
    written = writing(given, [*found.ids, *tables])
    if written is None or written.shape[0] != rows:
        return {}
    target = forms.target(found.y, written, given.metric)
    if target is None:
        return {}
    form = forms.form(found.X, given.text)
    if target["predicts"] == "mask" and form["form"] != "image":
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
    arrays["imports"] = stock.imports(load, written.code, str(arrays["score"]))
    kinds = ["arrays", str(arrays["form"]), str(arrays["task"])]
    kinds = [kind for kind in kinds if kind]
    if arrays["task"] == "segmentation":
        kinds = ["arrays", "segmentation", str(arrays["pixels"])]
    return {"kinds": kinds, "arrays": arrays, "summary": summary(held, found, arrays, written)}


def summary(held: list[stock.Array], found: parts.Parts, arrays: dict[str, Any], written: Writing) -> str:
    """The arrays in a few lines of English."""
    lines = [f"{a.file}{f'[{a.key}]' if a.key else ''}: {describe_array(a, found)}" for a in held[:16]]
    what = {"mask": "a value for each pixel", "class": "the class of each row", "value": "numbers"}
    predicted = what.get(str(arrays["predicts"]), str(arrays["predicts"]))
    lines.append(
        f"The inputs are of the form {arrays['form']}; {arrays['rows']} rows for training, {arrays['test_rows']} for "
        f"the test. To be predicted: {predicted}, shape {list(written.shape)}, written by: {written.code}"
    )
    return "\n".join(lines)


def describe_array(array: stock.Array, found: parts.Parts) -> str:
    """Shape, type and role of one array."""
    role = "used" if array.code in found.used else "not used"
    return re.sub(
        r"\s+", " ", f"shape {list(array.shape)}, {array.value.dtype}, {array.role or 'data'}, {role}"
    )
