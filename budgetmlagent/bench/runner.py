"""Runs the cells of a bench, some at once, each by a process that is started again, here or elsewhere, where it is lost."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from budgetmlagent.bench.here import Place, Work
from budgetmlagent.bench.plan import Cell, cell_of
from budgetmlagent.bench.worker import AGAIN, REQUEST, ROW, SPENT, STEP, spent
from budgetmlagent.run.request import Request
from memory.files import write_whole

Row = dict[str, Any]


class Step(NamedTuple):
    """How far a run is."""

    turn: int
    node: str  # at which it is; "" before the first
    usd: float  # what it has spent


Told = Callable[[str, Step | None], None]  # a cell's name, and how far it is; None when it has ended
TRIES = 3  # processes of one run that may end without a row
LOOK = 1.0  # seconds between two looks at how far a run is
GRACE = 30.0  # seconds that a run has to end in order


class Runner:
    """Runs cells below `folder`, `jobs` at once, in a place. `told` hears, from other threads, what each run does now."""

    def __init__(self, folder: Path, jobs: int, told: Told, place: Place) -> None:
        self.folder, self.jobs, self.told, self.place = folder, jobs, told, place
        self._stopped = threading.Event()
        self._lock = threading.Lock()  # nothing is begun while all is stopped

    def run(self, asked: Mapping[Cell, Request]) -> Iterator[tuple[Cell, Row]]:
        """Yield each cell with its row as it ends; one that has a row already is not run again.

        An interrupt ends the runs in order: they can be gone on with.
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                running = {pool.submit(self._row, cell, one): cell for cell, one in asked.items()}
                yield from _as_they_end(running)
            except BaseException:
                with self._lock:
                    self._stopped.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _row(self, cell: Cell, asked: Request) -> Row:
        folder = self.folder / cell.name
        row = folder / ROW
        if not row.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / REQUEST, json.dumps(asdict(asked)).encode())
            self._worked(cell, folder)
        said: Row = json.loads(row.read_text())
        return cell_of(cell) | said

    def _worked(self, cell: Cell, folder: Path) -> None:
        """Start processes until one has written the row; write that none could, after so many."""
        status = 0
        for _ in range(TRIES):
            with self._lock:
                work = None if self._stopped.is_set() else self.place.begin(folder)
            if work:
                status = self._ended(work, cell, folder)
            if (folder / ROW).exists() or self._stopped.is_set():
                return
        why = f"its process ended {TRIES} times before the run did, at last with {_in_words(status)}; see {folder / 'log'}"
        row: Row = {"status": "failed", "reason": why, AGAIN: True}
        if (folder / SPENT).exists():
            row["usd"] = spent(folder)
        write_whole(folder / ROW, json.dumps(row).encode())

    def _ended(self, work: Work, cell: Cell, folder: Path) -> int:
        """Wait for a process, telling how far it is, and stop it where all is stopped."""
        until = None
        try:
            while True:
                self.told(cell.name, _now(folder))
                if (status := work.wait(LOOK)) is not None:
                    return status
                if self._stopped.is_set() and until is None:
                    work.stop()
                    until = time.monotonic() + GRACE
                if until and time.monotonic() > until:
                    work.kill()
        finally:
            self.told(cell.name, None)


def _as_they_end(running: Mapping["Future[Row]", Cell]) -> Iterator[tuple[Cell, Row]]:
    left = set(running)
    while left:
        ended, left = wait(left, timeout=LOOK, return_when=FIRST_COMPLETED)
        for future in ended:
            yield running[future], future.result()


def _now(folder: Path) -> Step:
    try:
        return Step(**json.loads((folder / STEP).read_text()))
    except OSError:
        return Step(0, "", 0.0)


def _in_words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
