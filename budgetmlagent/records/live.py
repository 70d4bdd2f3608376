"""Whether somebody goes on with a run now, or did and was killed: which process, and since when.

Whoever holds a run's lock leaves a note in its folder, and takes it away in the end: a note whose process is gone says that it was
killed. The lock itself is not asked: whoever tried it would keep out a process that is about to take it.
"""

import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from budgetmlagent.records.rundir import RunDir, read_json

NOTE, PAUSE = "running.json", "pause"  # files in the run's folder
NEAR = 2.0  # seconds by which a process' start, as the system tells it, may move: clocks are set
Stands = Literal["new", "underway", "dead", "stopped", "failed", "finished"]


@dataclass(frozen=True)
class Holder:
    """The process that goes on with a run, or did."""

    pid: int
    began: float  # when the process did, seconds since the epoch: another one may have its number now
    since: float  # when it took the run
    host: str

    @property
    def here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether it is still there; of another machine's nobody can tell, and it is believed."""
        if not self.here:
            return True
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.began) < NEAR
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except (psutil.Error, ValueError, OverflowError):  # a stranger's number may be none
            return False


def take(run: RunDir) -> None:
    """Note that this process goes on with the run; a pause that was asked for before is over."""
    (run.root / PAUSE).unlink(missing_ok=True)
    me = psutil.Process()
    run.write(NOTE, asdict(Holder(me.pid, me.create_time(), time.time(), platform.node())))


def leave(run: RunDir) -> None:
    """Take the note away."""
    for name in (NOTE, PAUSE):
        (run.root / name).unlink(missing_ok=True)


def holder(run: RunDir) -> Holder | None:
    """Return who goes on with the run, or was killed doing so; None for a run that was left in order.

    Raises UnavailableError where the note is damaged.
    """
    note = read_json(run.root / NOTE)
    return Holder(**{name: note[name] for name in ("pid", "began", "since", "host")}) if note else None


def stands(run: RunDir) -> Stands:
    """Say how the run stands. Raises UnavailableError where its files are damaged."""
    held = holder(run)
    if held:
        return "underway" if held.alive else "dead"
    status = read_json(run.root / "ended.json").get("status")
    return status if status in ("stopped", "failed", "finished") else "new"


def ask_to_pause(run: RunDir) -> None:
    """Ask whoever goes on with the run to stop after the step that runs now."""
    (run.root / PAUSE).touch()


def pausing(folder: Path) -> bool:
    """Whether a pause was asked for."""
    return (folder / PAUSE).exists()
