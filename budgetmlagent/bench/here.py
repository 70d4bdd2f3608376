"""Where the runs of a bench are made: on this machine, each in a process of its own; `cluster.py` has the other way."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from budgetmlagent.bench import rooms
from budgetmlagent.bench.plan import Needs
from budgetmlagent.models.embedded.weights import path_of

OWN_GB = 1.0  # of memory that a run takes itself, beside its scripts
CONTEXT_GB = 0.5  # that a request at once takes of an embedded model


class Work(Protocol):
    """A process that makes a run, somewhere."""

    def wait(self, seconds: float) -> int | None:
        """Return its exit status, negative for a signal, once it has ended; None after so many seconds."""
        ...

    def stop(self) -> None:
        """Let it end in order: its run can be gone on with."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Place(Protocol):
    """Where runs are made."""

    def begin(self, folder: Path) -> Work:
        """Start a process that makes, or goes on with, the run that the folder of a cell asks for."""
        ...


class Here:
    """This machine. `lent` says to the runs what their environment has beside the person's."""

    def __init__(self, lent: Mapping[str, str]) -> None:
        self._environment = os.environ | dict(lent)

    def begin(self, folder: Path) -> "Child":
        """Start the process; it ends with this one."""
        return Child(folder, self._environment)


class Child:
    """A process of this machine that makes the run of a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "budgetmlagent.bench.worker", str(folder)]
        with (folder / "log").open("ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=environment
            )  # fmt: skip

    def wait(self, seconds: float) -> int | None:
        """Return its exit status once it has ended; None after so many seconds."""
        try:
            status = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        if self._child.stdin:
            self._child.stdin.close()
        return status

    def stop(self) -> None:
        """Let it end in order."""
        self._child.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()


def at_once(needs: Needs) -> int:
    """Return how many runs this machine takes at once: by the cores and the memory that are free for them; one where they want GPUs.

    Which run has which card nobody says here; a cluster does.
    """
    if needs.gpus:
        return 1
    weights = [path_of(spec.model) for spec in needs.embedded]
    models = sum(path.stat().st_size for path in weights if path.exists())
    each = needs.memory_gb + OWN_GB + CONTEXT_GB * len(weights)
    return max(1, min(rooms.cores(), int((rooms.memory() - models) / (each * 1e9))))
