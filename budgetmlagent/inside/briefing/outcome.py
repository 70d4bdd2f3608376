"""The baseline's own submission: the one certain example of the format that the scorer reads."""

import json
import zipfile
from pathlib import Path
from typing import Any

TABLES = (".csv", ".tsv", ".csv.gz")
ENDINGS = (*TABLES, ".npy", ".npz", ".json", ".jsonl", ".txt")


def describe(_folder: Path, context: dict[str, Any]) -> dict[str, Any]:
    """`submission`: file, columns, rows, dtypes, ranges of a table; arrays with shapes and types of the others."""
    given = {file["name"] for file in context["files"]}
    folder: Path = context["submission_folder"]
    files = [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.lower().endswith(ENDINGS)
    ]
    files = [path for path in files if path.relative_to(folder).as_posix() not in given] or files
    named = [
        path
        for path in files
        if any(word in path.name.lower() for word in ("submission", "predict", "answer"))
    ]
    for path in (named or files)[:1]:
        try:
            found = contents(path)
        except (ValueError, OSError, zipfile.BadZipFile):
            found = {}  # an empty or broken file is no example of anything
        return {"submission": {"file": path.relative_to(folder).as_posix(), **found}}
    return {"submission": {}}


def contents(path: Path) -> dict[str, Any]:
    """What stands in one submission file; {} where it is of no known form."""
    import numpy as np

    name = path.name.lower()
    if name.endswith(TABLES):
        return table(path)
    if name.endswith(".npy"):
        array = np.load(path, allow_pickle=False)
        return {"arrays": {"": {"shape": list(array.shape), "dtype": str(array.dtype)}}, "rows": len(array)}
    if name.endswith(".npz"):
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        shapes = {
            key: {"shape": list(value.shape), "dtype": str(value.dtype)} for key, value in arrays.items()
        }
        return {"arrays": shapes, "rows": max((len(v) for v in arrays.values() if v.ndim), default=0)}
    if name.endswith(".json"):
        value = json.loads(path.read_text(encoding="utf-8"))
        keys = list(value)[:20] if isinstance(value, dict) else []
        return {
            "json": type(value).__name__,
            "keys": keys,
            "rows": len(value) if hasattr(value, "__len__") else 1,
        }
    return {"lines": len(path.read_text(encoding="utf-8", errors="replace").splitlines())}


def table(path: Path) -> dict[str, Any]:
    """Columns, number of rows, types and ranges of a submission table."""
    import pandas as pd

    frame = pd.read_csv(path, sep="\t" if ".tsv" in path.name.lower() else ",")
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
