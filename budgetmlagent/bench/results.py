"""The files of a bench: its plan, a folder a run, and the table of all."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from budgetmlagent.bench.page import page
from budgetmlagent.bench.plan import Cell, Plan, cell_of, checked
from budgetmlagent.bench.worker import ROW
from budgetmlagent.errors import UsageError
from memory.files import SMALL, read_plain, write_whole

PLAN, CELLS, RUNS = "plan.json", "cells", "runs"
CSV, JSON, PAGE = "results.csv", "results.json", "report.html"
REST = 20.0  # times as long as a table took to be written, the next one waits
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


def ended(folder: Path, cells: Iterable[Cell]) -> dict[Cell, dict[str, Any]]:
    """Return the rows of those runs of a bench that have ended."""
    found = {}
    for cell in cells:
        with suppress(FileNotFoundError):
            found[cell] = cell_of(cell) | json.loads(read_plain(folder / CELLS / cell.name / ROW, SMALL))
    return found


class Table:
    """The table of a bench under way: written anew as runs end, as long as that takes a small part of the time alone."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._next = folder, 0.0

    def keep(self, rows: Callable[[], Sequence[dict[str, Any]]], *, ended: bool = False) -> None:
        """Write the rows where it is time for it, and in any case once the bench has `ended`."""
        began = time.monotonic()
        if ended or began >= self._next:
            write(self.folder, rows())
            self._next = time.monotonic() + REST * (time.monotonic() - began)


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
