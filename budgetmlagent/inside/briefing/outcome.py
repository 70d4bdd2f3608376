"""The baseline's own submission: the one certain example of the format that the scorer reads."""

import json
import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .reading import UNREADABLE, is_named
from .stock import archive

TABLES = (".csv", ".tsv", ".csv.gz")
ENDINGS = (*TABLES, ".npy", ".npz", ".json", ".jsonl", ".txt")


def find(folder: Path, given: Container[str]) -> Path | None:
    """The submission among the files that the baseline left in `folder`, None where there is none."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path for path in files if path.name.lower().endswith(ENDINGS)]
    files = [path for path in files if path.relative_to(folder).as_posix() not in given] or files
    named = [path for path in files if re.search("submission|predict|answer", path.name.lower())]
    return next(iter(named or files), None)


def read(path: Path) -> Any:
    """A data frame, an array, a dictionary of arrays, the value of a JSON file, or a text; None where it is broken."""
    name = path.name.lower()
    try:
        if name.endswith(TABLES):
            return submitted(path, separator(path))
        if name.endswith(".npy"):
            return np.load(path, allow_pickle=False)
        if name.endswith(".npz"):
            return archive(path)
        text = path.read_text(encoding="utf-8", errors="strict" if name.endswith(".json") else "replace")
        return json.loads(text) if name.endswith(".json") else text
    except UNREADABLE:
        return None  # an empty or broken file is no example of anything


def separator(path: Path) -> str:
    """What stands between the cells of a submission."""
    return "\t" if ".tsv" in path.name.lower() else ","


def submitted(path: Path, separator: str) -> Any:
    """A submission; a label that pandas takes for a missing value is a label there, and zeros in front stay."""
    frame = pd.read_csv(path, sep=separator)
    words = [c for c in frame.columns if pd.api.types.is_string_dtype(frame[c]) and frame[c].isna().any()]
    whole = [c for c in frame.columns if frame[c].dtype.kind in "iu"]
    if words or whole:
        texts = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[""])
        words += [c for c in whole if texts[c].str.fullmatch(r"0\d+").any()]
        frame[words] = texts[words]
    return frame


def describe(folder: Path, path: Path, value: Any) -> dict[str, Any]:
    """`file`, and of what it holds: rows; columns, types and ranges of a table, or how many without names; shapes of arrays."""
    told: dict[str, Any] = {"file": path.relative_to(folder).as_posix()}
    if value is None:
        return told
    if isinstance(value, pd.DataFrame):
        named = is_named(path, separator(path))
        # Its first row holds values, which nobody may take for names.
        return told | (table(value) if named else {"rows": len(value) + 1, "nameless": value.shape[1]})
    if path.suffix.lower() in (".npy", ".npz"):
        arrays = {"": value} if isinstance(value, np.ndarray) else value
        shapes = {key: {"shape": list(a.shape), "dtype": str(a.dtype)} for key, a in arrays.items()}
        return told | {"arrays": shapes, "rows": max((len(a) for a in arrays.values() if a.ndim), default=0)}
    if path.suffix.lower() == ".json":
        keys = list(value)[:20] if isinstance(value, dict) else []
        rows = len(value) if hasattr(value, "__len__") else 1
        return told | {"json": type(value).__name__, "keys": keys, "rows": rows}
    return told | {"lines": len(value.splitlines())}


def table(frame: Any) -> dict[str, Any]:
    """Columns, number of rows, types and ranges of a submission table."""
    ranges = {}
    for column in frame.columns:
        values = frame[column].dropna()
        if pd.api.types.is_numeric_dtype(values) and len(values):
            ranges[str(column)] = [float(values.min()), float(values.max())]
    return {
        "columns": [str(column) for column in frame.columns],
        "rows": len(frame),
        "dtypes": {str(column): str(kind) for column, kind in frame.dtypes.items()},
        "ranges": ranges,
    }
