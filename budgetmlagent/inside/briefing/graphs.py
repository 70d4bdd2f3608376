"""Tasks on graphs: one large graph whose nodes carry labels, or many small ones with pointers to predict."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import forms, pointers
from .files import TEXT
from .given import Given
from .parts import LABEL, indices, numbers
from .reading import quote
from .stock import ID, Array
from .writing import Writing, writing

EDGES = re.compile(
    r"(?i)edge|adj|graph|link|cit(es|ation)|network|follow|friend|neighb|relation|connect|row_?col|coauthor"
)


NODE = re.compile(r"(?i)node|id|vertex|index|paper|user")


@dataclass(frozen=True)
class Edges:
    """The edges: `code` makes `adjacency` of `nodes`; `largest` is the largest number of a node."""

    code: str  # an expression: rows of two numbers, two rows of numbers, or a square matrix
    form: str  # pairs | rows | square
    largest: int
    named: bool
    array: Array | None  # None where a table or a text holds them


def describe(given: Given) -> dict[str, Any]:
    """`graph`: code that loads the adjacency, X, the known nodes with y, the test nodes; the metric; the submission.

    Or `pointers`, see that module. Empty where the data are no graph.
    """
    held = given.files.arrays
    if given.rows < 2:
        return {}
    if held and (found := pointers.describe(held, given)):
        return found
    for edges in candidates(given):
        found = nodes(edges, held, given.files.columns, given)
        if found:
            return found
    return {}


def candidates(given: Given) -> list[Edges]:
    """What may be the edges, the likeliest first."""
    found = []
    for array in given.files.arrays:
        shape, named = array.shape, bool(EDGES.search(array.key or array.file) or EDGES.search(array.file))
        if len(shape) != 2 or not all(shape):
            continue
        if shape[0] == shape[1] and (array.sparse or named):
            found.append(Edges(array.code, "square", shape[0] - 1, named, array))
        elif array.whole and 2 in shape and max(shape) > 10 and int(np.min(array.value)) >= 0:
            form = "pairs" if shape[1] == 2 else "rows"
            found.append(Edges(array.code, form, int(np.max(array.value)), named, array))
    for name, frame, reader in given.files.frames:
        whole = [column for column in frame.columns if frame[column].dtype.kind in "iu"]
        if EDGES.search(name) and len(whole) >= 2 and len(frame.columns) <= 4:
            pair = f"[{', '.join(quote(str(column)) for column in whole[:2])}]"
            code, largest = f"{reader}[{pair}].to_numpy()", int(frame[whole[:2]].max().max())
            found.append(Edges(code, "pairs", largest, True, None))
    for name, path in given.files.ending((".txt", ".edgelist", ".edges"), TEXT):
        if EDGES.search(path.name):
            found += listed(path, name)
    return sorted(found, key=lambda edges: not edges.named)


def listed(path: Path, name: str) -> list[Edges]:
    """The edges of a text with two numbers a line, [] where it is no such text."""
    with path.open(encoding="utf-8", errors="replace") as file:
        mark = ', delimiter=","' if "," in file.readline() else ""
    try:
        pairs = np.loadtxt(path, dtype=int, delimiter="," if mark else None, usecols=(0, 1), ndmin=2)
    except ValueError:
        return []
    code = f"np.loadtxt({quote(name)}, dtype=int{mark}, usecols=(0, 1))"
    return [Edges(code, "pairs", int(pairs.max()), True, None)] if len(pairs) else []


def nodes(edges: Edges, held: list[Array], tables: list[Array], given: Given) -> dict[str, Any]:
    """The briefing of node labels, {} where labels or test nodes cannot be found."""
    rest = [array for array in held if array is not edges.array]
    features = [
        a for a in rest if len(a.shape) == 2 and a.shape[0] > edges.largest and not LABEL.match(a.base)
        and a.value.dtype.kind in "iufb" and a.shape[1] > 1
    ]  # fmt: skip
    X = max(features, key=lambda a: (a.shape[0] == (edges.largest + 1), a.shape[1]), default=None)
    count = edges.largest + 1
    if X is not None:
        count = X.shape[0]
    elif edges.form != "square":
        count = max([count, *(a.shape[0] for a in rest if LABEL.match(a.base) and a.shape)])
    known = labelled(count, [a for a in rest if a is not X], tables, given)
    if known is None:
        return {}
    lines, y, test, valid = known
    written = writing(given, [Array("", "test", test, "test"), *tables])
    if written is None or written.shape[0] != given.rows:
        return {}
    target = forms.target(y, written, given.metric["name"])
    if target is None or target["predicts"] == "mask":
        return {}
    inputs = f"X = {X.code if X is not None else None}"
    load = [f"edges = {edges.code}", *adjacency(edges, count), inputs, *lines, *target.pop("lines")]
    graph = {
        "load": "\n".join(load), "write": written.code, "nodes": count, "known": len(y), "valid": valid,
        "features": X.shape[1] if X is not None else 0, **target,
    }  # fmt: skip
    kinds = ["graph", "graph_features" if X is not None else "graph_bare", str(graph["task"])]
    return {"kinds": kinds, "graph": graph, "summary": summary(graph, edges, X, written)}


def adjacency(edges: Edges, count: int) -> list[str]:
    """Lines that make the symmetric `adjacency`, without loops, of `edges`."""
    matrix = "sp.csr_matrix(edges).astype(np.float32)"
    if edges.form != "square":
        number, a, b = ("len(edges)", "edges[:, 0]", "edges[:, 1]")
        if edges.form == "rows":
            number, a, b = ("edges.shape[1]", "edges[0]", "edges[1]")
        matrix = f"sp.csr_matrix((np.ones({number}, np.float32), ({a}, {b})), shape=({count}, {count}))"
    return [
        f"adjacency = {matrix}",
        "adjacency = adjacency.maximum(adjacency.T)",
        "adjacency = (adjacency - sp.diags(adjacency.diagonal())).tocsr()",
    ]


def labelled(
    count: int, held: list[Array], tables: list[Array], given: Given
) -> tuple[list[str], Any, Any, bool] | None:
    """Lines that make `known`, `y`, `test` (and `valid`, places in `known`); the values of y and test; None if unknown."""
    everything = [*held, *tables]
    test = indices(held, count, "test") or table_nodes(tables, count, "test")
    if test is None or len(test[1]) != given.rows:
        return None
    train, valid = indices(held, count, "train"), indices(held, count, "valid")
    labels = [a for a in everything if a.value.dtype != bool and not ID.search(a.name)]
    whole = next((a for a in labels if a.shape[:1] == (count,) and LABEL.match(a.base)), None)
    if whole is None:
        train = train or table_nodes(tables, count, "train")
        part = [
            a for a in everything
            if train and a.shape[:1] == train[1].shape and a.role != "test" and not ID.search(a.name) and a.code != train[0]
        ]  # fmt: skip
        if train is None or not part:
            return None
        y = min(part, key=lambda a: not LABEL.match(a.base))
        return [f"test = {test[0]}", f"known = {train[0]}", f"y = {y.code}"], y.value, test[1], False
    if train is None:
        gaps = whole.value.dtype.kind == "f"
        mask = ~np.isnan(whole.value) if gaps else whole.value >= 0
        seen = f"~np.isnan({whole.code})" if gaps else f"{whole.code} >= 0"
        value = np.setdiff1d(np.flatnonzero(mask), test[1])
        train = (f"np.setdiff1d(np.flatnonzero({seen}), test)", value)
    lines, rows = [f"known = {train[0]}"], train[1]
    if valid:
        rows = np.concatenate([train[1], valid[1]])
        lines = [f"train, held = {train[0]}, {valid[0]}", "known = np.concatenate([train, held])"]
        lines += ["valid = np.arange(len(train), len(known))"]
    return [f"test = {test[0]}", *lines, f"y = {whole.code}[known]"], whole.value[rows], test[1], bool(valid)


def table_nodes(tables: list[Array], count: int, role: str) -> tuple[str, Any] | None:
    """The nodes of one role in a column of a table."""
    named = [a for a in tables if a.role == role and NODE.search(a.name)]
    return next(((a.code, a.value) for a in named if numbers(a, count)), None)


def summary(graph: dict[str, Any], edges: Edges, X: Array | None, written: Writing) -> str:
    """The graph in a few lines of English."""
    inputs = f"features {X.code}, {X.shape[1]} columns" if X is not None else "no features of the nodes"
    return (
        f"A graph of {graph['nodes']} nodes, edges from {edges.code}; {inputs}. {graph['known']} nodes have a known "
        f"label; the test nodes are predicted ({graph['predicts']}) and written by: {written.code}"
    )
