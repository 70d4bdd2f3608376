"""The files of a bench: its plan, a folder a run, and the table of all."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from budgetmlagent.bench.found import CELLS, RUNS
from budgetmlagent.bench.page import page
from budgetmlagent.bench.plan import Cell, Plan, cell_of, checked
from budgetmlagent.bench.summary import starved
from budgetmlagent.bench.worker import AGAIN, ROOM, ROW, RUN, keep_spent, spent
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.place import existing
from budgetmlagent.records.summary import read_summary
from memory.files import SMALL, read_plain, write_whole
from memory.state import NANO

PLAN = "plan.json"
CSV, JSON, PAGE = "results.csv", "results.json", "report.html"
REST = 20.0  # times as long as a table took to be written, the next one waits
FIRST = (
    "cell",
    "task",
    "graph",
    "task_folder",
    "graph_file",
    "models_file",
    "seed",
    "status",
    "reason",
    "success",
    "gain_pct",
    "usd",
    "seconds",
)


def refuse_another(folder: Path, *, go_on: bool) -> None:
    """Raise UsageError where a bench lies there, and it is not said to go on with it."""
    if exists(folder) and not go_on:
        raise UsageError(
            f"--out {folder}: a bench lies there; `--continue` goes on with it, or name another folder"
        )


def begin(folder: Path, plan: Plan, *, go_on: bool) -> None:
    """Keep the plan. Raises UsageError as `refuse_another`."""
    refuse_another(folder, go_on=go_on)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PLAN, plan.model_dump_json(indent=1).encode())


def kept(folder: Path) -> Plan:
    """Return the plan of a bench. Raises UsageError where there is none."""
    path = folder / PLAN
    try:
        return checked(json.loads(read_plain(path, SMALL)), str(path))
    except (OSError, ValueError):
        raise UsageError(f"--out {folder}: no bench lies there ({PLAN} is missing or damaged)") from None


def exists(folder: Path) -> bool:
    """Whether a bench lies there, damaged or not."""
    return (folder / PLAN).exists()


def ended(
    folder: Path, cells: Iterable[Cell], damaged: Callable[[Path, str], None]
) -> dict[Cell, dict[str, Any]]:
    """Return the rows of those runs of a bench that have ended; `damaged` hears of a file that is no row, and why."""
    found = {}
    for cell in cells:
        path = folder / CELLS / cell.name / ROW
        try:
            with suppress(FileNotFoundError):
                found[cell] = cell_of(cell) | _gone_on(folder, path, _row(path))
        except (OSError, ValueError, RecursionError) as error:
            damaged(path, " ".join(str(error).split())[:100])
    return found


def _row(path: Path) -> dict[str, Any]:
    """Read a row. Raises OSError and ValueError for what is none."""
    row = json.loads(read_plain(path, SMALL))
    if not (isinstance(row, dict) and all(isinstance(row.get(name), str) for name in ("status", "reason"))):
        raise ValueError("it lacks what every row has")
    for name in NUMBERS:
        if not isinstance(row.get(name), int | float | None):
            raise ValueError(f"{name} is no number")
    return row


def _gone_on(folder: Path, path: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as its run is by now: `budgetml resume` may have gone on with it since the row was written."""
    where = _begun(folder, path.with_name(RUN)) or row.get("run_dir")  # a bench may have been moved
    summary = Path(str(where)) / "run.json"
    with suppress(OSError, UnavailableError):
        if where and summary.stat().st_mtime_ns > path.stat().st_mtime_ns:
            told = read_summary(summary)
            more = {"run_dir": str(where), "usd": told["usd"] + spent(path.parent)}
            again = {AGAIN: row.get(AGAIN, True)} if told["status"] == "failed" else {}
            room = {ROOM: row[ROOM]} if ROOM in row else {}
            return told | more | again | room
    return dict(row)


def _begun(folder: Path, mark: Path) -> str:
    """Return the folder of the run that a cell's process began; "" where it began none."""
    with suppress(OSError, ValueError):
        return str(folder.resolve() / RUNS / read_plain(mark, SMALL).decode())
    return ""


def tried_again(folder: Path, cells: Iterable[Cell], rows: dict[Cell, dict[str, Any]]) -> None:
    """Take out the rows of runs that failed for want of an answer, of a store or of their process, or were stopped: these go on.

    So do runs whose rows are damaged. Those that were starved, and for which more is left now, are begun anew.
    """
    ledger = existing(folder / RUNS)
    left = ledger.project_left() if ledger else None
    for cell in [cell for cell, row in rows.items() if starved(row) and _is_more(left, row)]:
        place = folder / CELLS / cell.name
        keep_spent(place, rows.pop(cell).get("usd") or 0.0)
        (place / RUN).unlink(missing_ok=True)
        (place / ROW).unlink()
    for cell in [cell for cell, row in rows.items() if _goes_on(row)]:
        place, usd = folder / CELLS / cell.name, rows.pop(cell).get("usd")
        if usd is not None and not (place / RUN).exists():  # of a run that is here, the ledger knows it
            keep_spent(place, usd)
        (place / ROW).unlink(missing_ok=True)
    for path in (folder / CELLS / cell.name / ROW for cell in cells if cell not in rows):
        try:
            _row(path)
        except FileNotFoundError:
            continue
        except (ValueError, RecursionError):
            path.replace(path.with_suffix(".damaged"))


def _is_more(left: int | None, row: Mapping[str, Any]) -> bool:
    """Whether all runs may spend more now, in nano-dollars, than when a run that was starved had ended; None is no limit."""
    return left is None or left > round(row.get(ROOM, 0.0) * NANO)


def _goes_on(row: Mapping[str, Any]) -> bool:
    """Whether a run is gone on with; of a row of an older version it is not known, and tried."""
    return row["status"] == "stopped" or (row["status"] == "failed" and bool(row.get(AGAIN, True)))


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
    write_whole(folder / PAGE, page(rows, folder).encode())


NUMBERS = (
    "success", "gain_pct", "usd", "seconds", "private_baseline", "private_best", "baseline", "best", "tokens_in", "tokens_out",
    "expert_calls", "turns", "project_left",
)  # fmt: skip


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
