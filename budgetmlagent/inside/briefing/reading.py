"""The task's tables as data frames, each with the expression by which a script reads it."""

import ast
import csv
import json
from pathlib import Path
from typing import Any

PLAIN = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
BYTES = 400_000_000  # larger files are not read: the briefing would use up the sandbox's memory
OPTIONS = (
    "sep", "delimiter", "header", "names", "encoding", "index_col", "skiprows", "comment", "decimal", "thousands",
    "na_values", "quotechar", "compression", "lines",
)  # fmt: skip


def quote(name: Any) -> str:
    """A column or file name as a Python literal, in double quotes."""
    return json.dumps(name, ensure_ascii=False) if isinstance(name, str) else repr(name)


def calls(starter: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """How the starter reads tables: file name -> (function, its literal options)."""
    try:
        tree = ast.parse(starter)
    except SyntaxError:
        return {}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        first = node.args[0]
        if node.func.attr not in ("read_csv", "read_table", "read_json") or not isinstance(
            first, ast.Constant
        ):
            continue
        options = {}
        for word in node.keywords:
            if word.arg in OPTIONS:
                try:
                    options[word.arg] = ast.literal_eval(word.value)
                except ValueError:
                    continue
        found[str(first.value)] = (node.func.attr, options)
    return found


def separator(path: Path) -> str:
    """The character between the fields of a plain table, judged by its first line."""
    import gzip

    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as file:
        line = file.readline(100_000)
    fields = {mark: len(next(csv.reader([line], delimiter=mark), [])) for mark in ",;\t|"}
    return max(",;\t|", key=lambda mark: (fields[mark], -",;\t|".index(mark)))


def frames(folder: Path, files: list[dict[str, Any]], starter: str) -> dict[str, tuple[Any, str]]:
    """Every readable table below `folder`: name -> (data frame, expression that reads it)."""
    import pandas as pd

    used = calls(starter)
    tables = {}
    for file in files:
        name, path = file["name"], folder / file["name"]
        how = used.get(name) or guess(path)
        if how is None or file["bytes"] > BYTES:
            continue
        function, options = how
        try:
            frame = getattr(pd, function)(path, **options)
        except (ValueError, OSError, LookupError, TypeError):
            continue  # what pandas cannot read is no table; the other modules may know the file
        if isinstance(frame, pd.DataFrame) and frame.shape[0] and frame.shape[1] and flat(frame):
            words = "".join(f", {key}={quote(value)}" for key, value in options.items())
            tables[name] = (frame, f"pd.{function}({quote(name)}{words})")
    return tables


def guess(path: Path) -> tuple[str, dict[str, Any]] | None:
    """The reader for a file that the starter does not read by pandas, None where it is no table."""
    name = path.name.lower()
    if name.endswith(PLAIN):
        mark = separator(path)
        return "read_csv", ({} if mark == "," else {"sep": mark})
    if name.endswith((".jsonl", ".ndjson")):
        return "read_json", {"lines": True}
    if name.endswith(".json") and path.stat().st_size < BYTES:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(200).lstrip().replace(" ", "").replace("\n", "")
        return ("read_json", {}) if start.startswith("[{") else None
    return None


def flat(frame: Any) -> bool:
    """Whether all cells are plain values: nested lists and dictionaries are no table."""
    objects = [column for column, kind in frame.dtypes.items() if str(kind) == "object"]
    return not any(
        frame[column].head(200).map(lambda v: isinstance(v, list | dict)).any() for column in objects
    )
