"""Executions that outlive whoever asked for them: started, found again, or known to be lost.

An execution has a folder under a name that is the same when its step is repeated after a crash; in it, each try has a
folder of its own. A result that is there is used; a live runner is waited for; one that died without a result is lost,
and the execution is tried anew.
"""

import itertools
import os
import select
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.runner import claim, read_result, runner_of, write_job
from budgetmlagent.sandbox.process.standby import Standby
from budgetmlagent.sandbox.process.watchdog import Outcome
from budgetmlagent.sandbox.workspace import remove

MOST_LOST = 3  # tries; after that something kills each of them, and going on would be for ever
Prepare = Callable[[Path], Job]  # fills an empty workspace and says what to run in it


@dataclass(frozen=True)
class Ended:
    """How an execution ended, where it left its files, and how many tries before it were lost."""

    outcome: Outcome
    workspace: Path
    lost: int


def execute(folder: Path, cage: Cage, prepare: Prepare, standby: Standby | None = None) -> Ended:
    """Run what `prepare` says to its end, or go on with what was begun in `folder`; all its processes are dead then.

    `standby` may have a runner that waits. An interrupt stops it. Raises UnavailableError where the sandbox does not start,
    or each runner is killed.
    """
    lost = 0
    for number in itertools.count():
        place = folder / str(number)
        if place.exists() and _is_nobodys(place):
            continue  # whoever asked was killed before a runner had begun
        child = None if place.exists() else _begin(place, cage, prepare, standby or Standby())
        _wait(place, child)
        try:
            outcome = read_result(place)
        except UnavailableError:
            remove(folder)
            raise
        if outcome is not None:
            return Ended(outcome, place / "workspace", lost)
        lost += 1
        if lost > MOST_LOST:
            break
    word = (place / "errors").read_text("utf-8", "replace").strip().rpartition("\n")[2] or "it left no word"
    remove(folder)
    raise UnavailableError(
        f"sandbox: the runner of a script was killed {lost} times before the script had ended: {word}"
    )


def _is_nobodys(place: Path) -> bool:
    """Tell whether no runner has begun here. If one is still to come, it will find that it is too late."""
    return not (place / "job.json").exists() or claim(place, {}) or (place / "run.json").read_text() == "{}"


def _begin(place: Path, cage: Cage, prepare: Prepare, standby: Standby) -> "subprocess.Popen[bytes]":
    """Start a runner that belongs to nobody."""
    workspace = place / "workspace"
    workspace.mkdir(0o700, parents=True)
    job = prepare(workspace)
    # The walk for what is to be hidden is made once here, not in each runner.
    write_job(place, cage, replace(job, masks=job.masked()))
    return standby.run(place)


def _wait(place: Path, child: "subprocess.Popen[bytes] | None") -> None:
    """Wait until the runner has ended; an interrupt ends it, and the sandbox with it."""
    ended = False
    try:
        if child is not None:
            child.wait()
        elif runner := runner_of(place):
            _until_dead(runner)
        ended = True
    finally:
        if not ended:
            _stop(place, child)


def _until_dead(runner: psutil.Process) -> None:
    try:
        handle = os.pidfd_open(runner.pid)
    except ProcessLookupError:
        return
    try:
        if runner.is_running():  # it is the runner that was opened, not its successor under the same number
            select.select([handle], [], [])
    finally:
        os.close(handle)


def _stop(place: Path, child: "subprocess.Popen[bytes] | None") -> None:
    if child is not None:
        child.kill()
        child.wait()
    elif runner := runner_of(place):
        runner.kill()
        _until_dead(runner)
    remove(place)
