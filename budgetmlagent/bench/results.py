"""The files of a bench: its plan, a folder a run, and the table of all."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.bench.page import page
from budgetmlagent.bench.plan import Plan, checked
from budgetmlagent.errors import UsageError
from memory.files import SMALL, read_plain, write_whole

PLAN, CELLS, RUNS = "plan.json", "cells", "runs"
CSV, JSON, PAGE = "results.csv", "results.json", "report.html"
FIRST = (
    "cell",
    "task",
    "graph",
    "models_file",
    "seed",
    "status",
    "reason",
    "success",
    "gain_pct",
    "usd",
    "seconds",
)


def begin(folder: Path, plan: Plan, *, go_on: bool) -> None:
    """Keep the plan. Raises UsageError where another bench lies there, or one that it is not said to go on with."""
    path = folder / PLAN
    if path.exists() and not go_on:
        raise UsageError(
            f"--out {folder}: a bench lies there; `--continue` goes on with it, or name another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, plan.model_dump_json(indent=1).encode())


def kept(folder: Path) -> Plan:
    """Return the plan of a bench. Raises UsageError where there is none."""
    path = folder / PLAN
    try:
        return checked(json.loads(read_plain(path, SMALL)), str(path))
    except (OSError, ValueError):
        raise UsageError(f"--out {folder}: no bench lies there ({PLAN} is missing or damaged)") from None


def write(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the table, as CSV, as JSON and as a page, each whole: a field that is an object or a list is JSON in the CSV."""
    fields = list(dict.fromkeys([*FIRST, *(name for row in rows for name in row)]))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, fields)
    table.writeheader()
    for row in rows:
        table.writerow({name: _cell(row.get(name)) for name in fields})
    write_whole(folder / CSV, text.getvalue().encode())
    write_whole(folder / JSON, json.dumps(list(rows), indent=1).encode())
    write_whole(folder / PAGE, page(rows).encode())


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
