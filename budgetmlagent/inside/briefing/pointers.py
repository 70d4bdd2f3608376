"""Many small graphs (or lists), of several sizes: for each pair of nodes, or each node, a pointer or a value."""

import re
from typing import Any

import numpy as np

from . import forms
from .given import Given
from .stock import Array
from .writing import writing

SIZE = re.compile(r"[_ ]?n?\d+$")
ALIKE = 0.3  # correlation of neighbours, from which they are those of a picture


def describe(held: list[Array], given: Given) -> dict[str, Any]:
    """`pointers`: code that makes `instances`, a list of (inputs, answer), and `tests`, a list of inputs. {} if none.

    The inputs of an instance are a list of arrays whose first axis, and second where they are matrices, are its nodes.
    """
    written = writing(given, []) if "arrays" in given.submission else None
    if written is None or len(written.shape) not in (2, 3):
        return {}
    size = written.shape[1]
    tests = [a for a in held if a.role == "test" and a.shape[:2] == (given.rows, size)]
    tests = [a for a in tests if a.value.dtype.kind in "iufb"]
    if len(written.shape) == 3 and written.shape[2] != size:
        return {}
    matrices = [a for a in tests if len(a.shape) == 3 and a.shape[2] == size]
    groups = grouped([a for a in held if a.role != "test"], tests, written.shape, given)
    if not matrices or not groups or any(picture(a.value) for a in matrices):
        return {}
    answers = [answer for _, answer in groups]
    values = {int(v) for a in answers for v in np.unique(a.value)}
    whole = all(a.whole or a.value.dtype == bool for a in answers)
    pointing = whole and all(int(a.value.max()) < a.shape[1] for a in answers) and len(values) > 2
    if not whole or size < 2:
        return {}
    form = "pairs" if len(written.shape) == 3 else "nodes"
    instances = "instances = []\n" + "\n".join(
        f"instances += [(inputs, answer) for *inputs, answer in zip({', '.join(a.code for a in inputs)}, {answer.code})]"
        for inputs, answer in groups
    )
    order = [SIZE.sub("", a.name) for a in groups[0][0]]
    named = {a.name: a for a in tests}
    chosen = [named.get(name, tests[min(i, len(tests) - 1)]) for i, name in enumerate(order)]
    load = f"{instances}\ntests = list(zip({', '.join(a.code for a in chosen)}))"
    facts = {
        "load": load, "write": written.code, "form": form, "size": size, "pointing": pointing,
        "values": sorted(values)[:50], "count": sum(a.shape[0] for _, a in groups), "metric": "accuracy", "best": "max",
    }  # fmt: skip
    sizes = sorted({a.shape[1] for a in answers})
    text = (
        f"{facts['count']} instances of sizes {sizes} for training, {given.rows} of size {size} for the test; for each "
        f"{'pair of nodes' if form == 'pairs' else 'node'} {'a pointer to a node' if pointing else 'a class'} is predicted."
    )
    kinds = ["pointers", f"pointer_{form}", "pointing" if pointing else "labelling"]
    return {"kinds": kinds, "pointers": facts, "summary": text}


def picture(matrices: Any) -> bool:
    """Whether square matrices are pictures: neighbours in a row and in a column are alike, and no matrix is symmetric.

    Of a matrix that says how far nodes are from each other, in the order of a line, the first may hold as well.
    """
    some = np.asarray(matrices[:30], dtype=float)
    if np.array_equal(some, some.transpose(0, 2, 1)):
        return False
    flat = some.reshape(len(some), -1)
    return min(forms.smooth(flat), forms.smooth(flat, some.shape[2])) > ALIKE


def grouped(
    train: list[Array], tests: list[Array], shape: tuple[int, ...], given: Given
) -> list[tuple[list[Array], Array]]:
    """The training arrays as (inputs, answer), one group a size."""
    names = {SIZE.sub("", a.name) for a in tests}
    inputs = [a for a in train if SIZE.sub("", a.name) in names and len(a.shape) >= 2]
    outputs = [a for a in train if SIZE.sub("", a.name) not in names and len(a.shape) == len(shape)]
    outputs = [a for a in outputs if len(set(a.shape[1:])) == 1]
    wanted = next(iter(given.submission.get("arrays") or {}), "")
    outputs = [a for a in outputs if SIZE.sub("", a.name) == wanted] or outputs
    groups = []
    for answer in outputs:
        same = [a for a in inputs if a.shape[:2] == answer.shape[:2] and ending(a) == ending(answer)]
        if same:
            groups.append((same, answer))
    return groups


def ending(array: Array) -> str:
    """The size at the end of an array's name."""
    found = SIZE.search(array.name)
    return found[0] if found else ""
