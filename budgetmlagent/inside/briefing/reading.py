"""How one table is read: by the starter's own call where it has one, else as its first line suggests."""

import ast
import csv
import gzip
import json
import zipfile
import zlib
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from .header import names_columns
from .script import tree_of

PLAIN = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
MARKS = ",;\t|"
SAMPLE = 300  # rows by which it is told whether the first one names the columns
# What people and programs write where there is no value, in small letters.
MISSING = (
    "", "?", "na", "n/a", "null", "none", "-", "nan", "unknown", "--", "---", "–", "—", ".", "..", "...", ":", "<na>", "n.a.", "n.d.", "k.a.",
    "#n/a", "#div/0!", "#value!", "#ref!", "#num!", "#null!", "#name?", "missing", "not available",
)  # fmt: skip
OPTIONS = (
    "sep", "delimiter", "header", "names", "encoding", "skiprows", "comment", "decimal", "thousands",
    "na_values", "keep_default_na", "quotechar", "compression", "lines",
)  # fmt: skip
# What files raise that are damaged, or not what their names say.
UNREADABLE = (ValueError, OSError, LookupError, TypeError, EOFError, zlib.error, zipfile.BadZipFile)


def quote(name: Any) -> str:
    """A column or file name as a Python literal, in double quotes; also a dictionary of them."""
    if isinstance(name, dict):
        return "{" + ", ".join(f"{quote(key)}: {quote(value)}" for key, value in name.items()) + "}"
    return json.dumps(name, ensure_ascii=False) if isinstance(name, str) else repr(name)


def calls(starter: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """How the starter reads tables: file name -> (function of pandas, its literal options)."""
    tree = tree_of(starter)
    if tree is None:
        return {}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="read_csv" | "read_table" | "read_json" as function),
                args=[ast.Constant(value=name), *_],
            ):
                found[str(name)] = (function, literals(node.keywords))
    return found


def literals(words: list[ast.keyword]) -> dict[str, Any]:
    """The options that are written out and matter for what is read."""
    options = {}
    for word in words:
        if word.arg in OPTIONS:
            with suppress(ValueError):
                options[word.arg] = ast.literal_eval(word.value)
        if word.arg == "dtype" and (texts := as_text(word.value)):
            options["dtype"] = texts
    return options


def as_text(kinds: ast.expr) -> dict[str, str]:
    """The columns that a dictionary names one by one as texts, of which zeros in front stay."""
    pairs = zip(kinds.keys, kinds.values, strict=True) if isinstance(kinds, ast.Dict) else ()
    return {
        name.value: "str"
        for name, kind in pairs
        if isinstance(name, ast.Constant)
        and isinstance(name.value, str)
        and isinstance(kind, ast.Name)
        and kind.id == "str"
    }


def table(path: Path, name: str, how: tuple[str, dict[str, Any]] | None) -> tuple[Any, str] | None:
    """The data frame in a file and the expression that reads it; `how` the starter does. None where it is no table."""
    import pandas as pd  # not above: `new task` reads tables with this module too, and first says that pandas is missing

    try:
        how = how or guess(path)
        if how is None:
            return None
        function, options = how
        frame = getattr(pd, function)(path, **options)
    except UNREADABLE:
        return None  # it may hold sentences or anything else
    if not isinstance(frame, pd.DataFrame) or frame.empty or not flat(frame):
        return None
    words = "".join(f", {key}={quote(value)}" for key, value in options.items())
    return frame, f"pd.{function}({quote(name)}{words})"


def guess(path: Path) -> tuple[str, dict[str, Any]] | None:
    """The function of pandas and its options for a file that the starter does not read, None where it is no table."""
    name = path.name.lower()
    if name.endswith(PLAIN):
        with opened(path) as file:
            mark = separator(name, file.readline(100_000))
        options: dict[str, Any] = {} if mark == "," else {"sep": mark}
        return "read_csv", options if is_named(path, mark) else options | {"header": None}
    if name.endswith((".jsonl", ".ndjson")):
        return "read_json", {"lines": True}
    if name.endswith(".json"):
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(200).lstrip().replace(" ", "").replace("\n", "")
        return ("read_json", {}) if start.startswith("[{") else None
    return None


def opened(path: Path) -> IO[str]:
    """A plain table's text, which may be compressed."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    return opener(path, "rt", encoding="utf-8", errors="replace")


def is_named(path: Path, mark: str) -> bool:
    """Whether the first row of a plain table names its columns; one that has values there has its columns called by their places."""
    try:
        with opened(path) as file:
            rows = [row for row in islice(csv.reader(file, delimiter=mark), SAMPLE) if row]
    except csv.Error:  # a cell too long for it
        return True
    return len({len(row) for row in rows}) != 1 or names_columns(rows)


def separator(name: str, line: str) -> str:
    """The character between the cells of a plain table, judged by its name and first line."""
    if ".tsv" in name.lower():
        return "\t"
    return max(MARKS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def flat(frame: Any) -> bool:
    """Whether all cells are plain values: nested lists and dictionaries are no table."""
    heads = (frame[column].head(200) for column, kind in frame.dtypes.items() if str(kind) == "object")
    return not any(head.map(lambda v: isinstance(v, list | dict)).any() for head in heads)
