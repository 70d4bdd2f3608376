"""The data briefing: one look at a task's files, by code, printed as one JSON object.

Runs alone in a sandbox, with the interpreter of the task's scripts: `python -I FOLDER --env DIR --submission DIR
--meta FILE.json`. It imports nothing of the application; numpy and pandas are all that it needs.

Each module named in MODULES has `describe(given: Given) -> dict`, a partial briefing. What the modules return is merged:
lists are joined, dictionaries are merged, summaries are joined by a line break.
"""

import argparse
import importlib.util
import json
import math
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PACKAGE = "briefing"
MODULES = ("tables", "arrays", "graphs", "sequences", "code", "contents", "machine")
# What the data may be found to be; a script that is timed is of the kind "speed" instead.
SUBJECTS = {"table", "arrays", "graph", "pointers", "language", "tagging", "series"}
UNKNOWN = "The kind of the task is not known."
# What odd data raises.
ODD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError, MemoryError)
LISTED = 200  # files
ENDINGS = {
    ".csv": "table", ".tsv": "table", ".gz": "compressed", ".jsonl": "lines of JSON", ".json": "JSON",
    ".npz": "arrays", ".npy": "array", ".txt": "text", ".py": "script", ".md": "text", ".bin": "binary",
}  # fmt: skip


def load(name: str) -> Any:
    """Import a neighbour by its file: the folder is no installed package here, and `code` is also a standard module."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACKAGE, HERE / "__init__.py", submodule_search_locations=[str(HERE)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[PACKAGE])
    return importlib.import_module(f"{PACKAGE}.{name}")


def merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Join two partial briefings; where two plain values meet, the later one holds."""
    merged = dict(left)
    for key, value in right.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            merged[key] = old + [item for item in value if item not in old]
        elif key == "summary" and old and value:
            merged[key] = f"{old}\n{value}"
        else:
            merged[key] = value
    return merged


def listing(paths: dict[str, Path]) -> list[dict[str, Any]]:
    """The first files: name, bytes and what the ending says it is."""
    return [
        {"name": name, "bytes": path.stat().st_size, "what": ENDINGS.get(path.suffix.lower(), "other")}
        for name, path in list(paths.items())[:LISTED]
    ]


def brief(folder: Path, submission: Path, meta: dict[str, Any]) -> dict[str, Any]:
    """The whole briefing of the task in `folder`, whose baseline left its files in `submission`.

    Where `meta` has what a reader told of the tables, and that does not hold: {untrue}, a sentence.
    """
    given, untrue = load("given").Given.of(folder, submission, meta), load("told").UntrueError
    briefing: dict[str, Any] = {
        "kinds": [], "files": listing(given.files.paths), "metric": given.metric, "direction": given.metric["direction"],
        "submission": given.submission, "summary": "", "samples": [],
    }  # fmt: skip
    try:
        parts = [described(name, given) for name in MODULES]
    except untrue as error:
        return {"untrue": str(error)}
    for part in parts:
        briefing = merge(briefing, beside(part) if any(map(recorded, parts)) else part)
    if not SUBJECTS & briefing.keys() and "speed" not in briefing["kinds"]:
        briefing = merge(briefing, {"kinds": ["unknown"], "summary": UNKNOWN})
    if meta.get("data") != "samples":
        briefing["samples"] = []
    if meta.get("data") not in ("samples", "stays"):  # of the latter no model is elsewhere
        briefing["rows"] = []
    return briefing


def recorded(part: dict[str, Any]) -> bool:
    """Whether a partial briefing tells of pictures or signals."""
    return part.get("arrays", {}).get("form") in ("image", "signal")


def beside(part: dict[str, Any]) -> dict[str, Any]:
    """What is left to say of tables beside pictures or signals: they name these, and say little that could be learned."""
    return {"kinds": ["csv"], "summary": part["summary"].partition("\n")[0]} if "table" in part else part


def described(name: str, given: Any) -> dict[str, Any]:
    """What one module says. Data that it cannot read must not silence the others: that is said as a problem."""
    try:
        return dict(load(name).describe(given))
    except ODD as error:
        return {"problems": [f"{name}: {type(error).__name__}: {error}"[:300]]}


def plain(value: Any) -> Any:
    """NumPy scalars and paths as plain JSON values, infinities and NaN as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def main() -> None:
    """Read the arguments and print the briefing."""
    parser = argparse.ArgumentParser(description="Describe a task's data as JSON.")
    parser.add_argument("--env", type=Path, required=True, help="folder of the data and the starter")
    parser.add_argument("--submission", type=Path, required=True, help="folder of the baseline's submission")
    parser.add_argument(
        "--meta", type=Path, required=True, help="JSON: name, text, metric, direction, starter, data, told"
    )
    options = parser.parse_args()
    meta = json.loads(options.meta.read_text(encoding="utf-8"))
    print(json.dumps(plain(brief(options.env, options.submission, meta)), ensure_ascii=False))


if __name__ == "__main__":
    main()
