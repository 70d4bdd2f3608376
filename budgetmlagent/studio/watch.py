"""What is otherwise than before: one look at the runs folder for all who wait, as runs begun in a terminal or a cell are live too."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from typing_extensions import TypedDict

from budgetmlagent.errors import BudgetMLError
from budgetmlagent.money.place import LEDGER
from budgetmlagent.records import live, rundir
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.studio.place import Place

FILES = (
    "events.jsonl", "checkpoints.sqlite", "checkpoints.sqlite-wal", "run.json", "ended.json", "graph.yaml", "config.json",
    live.NOTE, live.PAUSE,
)  # fmt: skip
OFTEN = 0.15  # seconds between two looks
KEPT = 2000  # of the newest changes
Stamp = tuple[int, int]


class Changed(TypedDict):
    """Something that is otherwise than before."""

    what: Literal[
        "runs", "run", "graph", "error", "all"
    ]  # all: the studio was begun anew, ask for everything
    name: str  # of a run or graph; "" of the list
    said: str  # of an error: one line


class Changes(TypedDict):
    """What is newer than what was asked for."""

    seq: int
    changed: list[Changed]


@dataclass(frozen=True)
class Seen:
    """A run as it was seen: what its files are like, and whether its process is there."""

    files: tuple[Stamp, ...]
    stands: str


class Watcher:
    """Numbers what changes. The numbers of another process, begun before, are lower than all of this one's."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.seq = self._first = int(time.time() * 1000)
        self._lock = threading.Lock()
        self._runs, self._graphs = dict[str, Seen](), dict[str, tuple[Path, Stamp]]()
        self._log = list[tuple[int, Changed]]()
        self._looked = 0.0
        self._look()
        self._log.clear()
        self._first = self.seq

    def since(self, seq: int) -> Changes:
        """Return what is newer than `seq`; of another process' number, that all may be."""
        with self._lock:
            if time.monotonic() - self._looked > OFTEN:
                self._look()
            lost = seq < self._first or seq > self.seq or (self._log and seq < self._log[0][0] - 1)
            if lost:
                return Changes(seq=self.seq, changed=[Changed(what="all", name="", said="")] if seq else [])
            newer = {(c["what"], c["name"], c["said"]): c for number, c in self._log if number > seq}
            return Changes(seq=self.seq, changed=list(newer.values()))

    def tell(self, run: str, said: str) -> None:
        """Say that something went wrong in a run."""
        with self._lock:
            self._note(Changed(what="error", name=run, said=said))

    def watch_graph(self, name: str, path: Path) -> None:
        """Watch a graph's file, as somebody looks at it."""
        with self._lock:
            self._graphs.setdefault(name, (path, _stamp(path)))

    def _note(self, changed: Changed) -> None:
        self.seq += 1
        self._log.append((self.seq, changed))
        del self._log[:-KEPT]

    def _look(self) -> None:
        runs = {run.run_id: run for run in rundir.all_runs(self.place.runs_dir)}
        ledger = (_stamp(self.place.runs_dir / LEDGER), _stamp(self.place.runs_dir / f"{LEDGER}-wal"))
        found = {name: _seen(run, ledger) for name, run in runs.items()}
        if found != self._runs:
            for name in [name for name in found | self._runs if found.get(name) != self._runs.get(name)]:
                self._note(Changed(what="run", name=name, said=""))
            self._note(Changed(what="runs", name="", said=""))
            self._runs = found
        for name, (path, stamp) in self._graphs.items():
            if (now := _stamp(path)) != stamp:
                self._graphs[name] = (path, now)
                self._note(Changed(what="graph", name=name, said=""))
        self._looked = time.monotonic()


def _seen(run: RunDir, ledger: tuple[Stamp, ...]) -> Seen:
    files = tuple(_stamp(run.root / name) for name in FILES)
    if files[FILES.index(live.NOTE)] == (0, 0):
        return Seen(files, "")
    try:
        return Seen((*files, *ledger), live.stands(run))
    except BudgetMLError as error:
        return Seen(files, str(error))


def _stamp(path: Path) -> Stamp:
    """Return when a file was changed and how long it is; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
