"""Runs the cells of a bench, some at once, each in a process of its own that is started again where it is lost."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from budgetmlagent.bench.plan import Cell, cell_of
from budgetmlagent.bench.worker import REQUEST, ROW, STEP
from budgetmlagent.run.request import Request
from memory.files import write_whole

Row = dict[str, Any]
Told = Callable[[str, str], None]  # a cell's name, and what it does now; "" when it has ended
TRIES = 3  # processes of one run that may end without a row
MEMORY = 3 << 30  # bytes that a run is reckoned with: its scripts' 2 GB and its own
LOOK = 1.0  # seconds between two looks at how far a run is
GRACE = 30.0  # seconds that a run has to end in order


def at_once(*, embedded: bool) -> int:
    """Return how many runs this machine takes at once: by its cores and memory; one where models run on its cores, too."""
    return (
        1 if embedded else max(1, min(len(os.sched_getaffinity(0)), psutil.virtual_memory().total // MEMORY))
    )


class Runner:
    """Runs cells below `folder`, `jobs` at once. `told` hears, from other threads, what each run does now."""

    def __init__(self, folder: Path, jobs: int, told: Told) -> None:
        self.folder, self.jobs, self.told = folder, jobs, told
        self._stopped = threading.Event()
        self._children = set[subprocess.Popen[bytes]]()
        self._lock = threading.Lock()

    def run(self, asked: Mapping[Cell, Request]) -> Iterator[tuple[Cell, Row]]:
        """Yield each cell with its row as it ends; one that has a row already is not run again.

        An interrupt ends the runs in order: they can be gone on with.
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                running = {pool.submit(self._row, cell, one): cell for cell, one in asked.items()}
                yield from _as_they_end(running)
            except BaseException:
                self._stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _stop(self) -> None:
        self._stopped.set()
        with self._lock:
            for child in self._children:
                child.terminate()

    def _row(self, cell: Cell, asked: Request) -> Row:
        place = self.folder / cell.name
        row = place / ROW
        if not row.exists():
            place.mkdir(parents=True, exist_ok=True)
            write_whole(place / REQUEST, json.dumps(asdict(asked)).encode())
            self._worked(cell, place)
        said: Row = json.loads(row.read_text())
        return cell_of(cell) | said

    def _worked(self, cell: Cell, place: Path) -> None:
        """Start processes until one has written the row; write that none could, after so many."""
        for _ in range(TRIES):
            status = self._process(cell, place)
            if (place / ROW).exists() or self._stopped.is_set():
                return
        why = f"its process ended {TRIES} times before the run did, at last with {_in_words(status)}; see {place / 'log'}"
        write_whole(place / ROW, json.dumps({"status": "failed", "reason": why}).encode())

    def _process(self, cell: Cell, place: Path) -> int:
        command = [sys.executable, "-P", "-m", "budgetmlagent.bench.worker", str(place)]
        with (place / "log").open("ab") as log, self._lock:
            if self._stopped.is_set():
                return 0
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
            self._children.add(child)
        try:
            while True:
                self.told(cell.name, _now(place))
                try:
                    return child.wait(GRACE if self._stopped.is_set() else LOOK)
                except subprocess.TimeoutExpired:
                    if self._stopped.is_set():
                        child.kill()
        finally:
            self.told(cell.name, "")
            with self._lock:
                self._children.discard(child)
            if child.stdin:
                child.stdin.close()


def _as_they_end(running: Mapping["Future[Row]", Cell]) -> Iterator[tuple[Cell, Row]]:
    left = set(running)
    while left:
        ended, left = wait(left, timeout=LOOK, return_when=FIRST_COMPLETED)
        for future in ended:
            yield running[future], future.result()


def _now(place: Path) -> str:
    """Return how far a run is: its turn and node."""
    try:
        return (place / STEP).read_text()
    except OSError:
        return "begins"


def _in_words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"


def by_order(rows: Mapping[Cell, Row], cells: Sequence[Cell]) -> list[Row]:
    """Return the rows that are there in the order of the plan."""
    return [rows[cell] for cell in cells if cell in rows]
