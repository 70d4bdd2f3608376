"""Where the runs of a bench are made: on the machines of a Ray cluster, each as a task with its cores, memory and GPUs.

Needs the extra `ray`. Where all machines see the bench's folder, runs are made in it, and one that is lost with its machine goes
on elsewhere from its stores. Else a run travels as a parcel and comes back when it has ended; one that is lost is
begun again, with what it may have spent taken off its budget (`trip.py`).
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from budgetmlagent.bench.here import OWN_GB
from budgetmlagent.bench.parcel import packed
from budgetmlagent.bench.plan import Needs, cards
from budgetmlagent.bench.remote import Job, Seen, Told, look, work
from budgetmlagent.bench.trip import Trip, luggage
from budgetmlagent.bench.worker import LOG, REQUEST, STEP
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.embedded.lent import LENT
from budgetmlagent.tasks.folder import load_task
from memory.files import write_whole

PROBE_SECONDS, KNOCK = 120.0, 10.0
LOST_SECONDS = 60.0  # for which a machine that is gone may still be listed
LOST, STOPPED = -9, -15
SAID = "ray.log"


class Cluster:
    """A cluster for the bench in `folder`."""

    def __init__(self, address: str, folder: Path, keys: Mapping[str, str]) -> None:
        """`keys`: the models' keys, and what settings say, by the names of their variables, which the runs are given.

        Raises UsageError without the extra, or where a machine has another version of this package; UnavailableError
        where no cluster answers.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise UsageError("--ray needs ray: run `pip install 'budgetmlagent[ray]'`") from None
        self._ray, self.folder = ray, folder.resolve()
        try:
            _knock(address)
            ray.init(address, log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
        except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise UnavailableError(
                f"--ray {address}: no cluster answers there ({' '.join(str(error).split())[:150]});"
                " start one with `ray start --head`"
            ) from None
        self._environment = dict(keys) | {
            name: value
            for name, value in os.environ.items()
            if name.startswith("BUDGETML_") and name not in (LENT, "BUDGETML_CACHE")
        }
        self._parcels: dict[tuple[Any, ...], Any] = {}
        self.shared = all(each.shared for each in self._seen())

    @contextmanager
    def alone(self) -> "Iterator[Cluster]":
        """Keep what Ray says of lost nodes and workers, on standard output, in a file of the bench meanwhile, and leave the cluster."""
        with (self.folder / SAID).open("a") as file, redirect_stdout(file):
            try:
                yield self
            finally:
                self._ray.shutdown()

    def _seen(self) -> list[Seen]:
        """Look at every machine. Raises UsageError for one with another version."""
        from budgetmlagent import __version__

        self.folder.mkdir(parents=True, exist_ok=True)
        token, secret = self.folder / ".seen", secrets.token_hex(8)
        token.write_text(secret)
        try:
            seen = self._look(str(token), secret)
        except self._ray.exceptions.RayError as error:
            said = " ".join(str(error).split())[-200:]
            raise UnavailableError(
                f"--ray: a machine cannot run this package; install it there: {said}"
            ) from None
        finally:
            token.unlink(missing_ok=True)
        for each in seen:
            if each.version != __version__:
                raise UsageError(
                    f"--ray: {each.host} has budgetmlagent {each.version}, here is {__version__}: install the same"
                )
        return seen

    def _look(self, token: str, secret: str) -> list[Seen]:
        """Have each machine look; again where one was lost a moment ago, which Ray lists until it has missed it. Raises RayError."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        probe, ends = self._ray.remote(look), time.monotonic() + LOST_SECONDS
        while True:
            found = [
                probe.options(
                    num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                ).remote(token, secret)
                for node in self._nodes()
            ]
            try:
                seen: list[Seen] = self._ray.get(found, timeout=PROBE_SECONDS)
            except self._ray.exceptions.TaskUnschedulableError:
                if time.monotonic() > ends:
                    raise
                time.sleep(1)
            else:
                return seen

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def at_once(self, needs: Needs) -> int:
        """Return how many runs the machines take at once, each reckoned as the hungriest.

        Raises UnavailableError where no machine has what that one needs.
        """
        wanted = _resources(needs.memory_gb, needs.gpus)
        rooms = [
            int(min(node["Resources"].get(name, 0.0) // amount for name, amount in wanted.items() if amount))
            for node in self._nodes()
        ]
        if not sum(rooms):
            told = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items() if amount)
            raise UnavailableError(f"--ray: no machine of the cluster has what a run needs: {told}")
        return sum(rooms)

    def begin(self, folder: Path) -> "Task":
        """Give the run that the folder of a cell asks for to a machine that has room for it, now or later."""
        asked = json.loads((folder / REQUEST).read_text())
        task = load_task(asked["task"])
        needed = _resources(task.memory_gb, cards(task.gpu))
        options = {"num_cpus": needed["CPU"], "memory": needed["memory"], "num_gpus": needed["GPU"]}
        remote = self._ray.remote(work).options(
            max_retries=0,
            num_returns="streaming",
            _generator_backpressure_num_objects=1,  # what it tells has been taken before it goes on
            **options,
        )
        if self.shared:
            return Task(self._ray, remote.remote(Job(str(folder), self._environment), None), folder, None)
        trip = Trip(folder, Path(asked["runs_dir"]))
        files, request = luggage(asked)
        told = remote.remote(Job("", self._environment, request, trip.spent), self._parcel(files))
        return Task(self._ray, told, folder, trip)

    def _parcel(self, files: Mapping[str, Path]) -> Any:
        """Return the files that a run needs, packed once for all that need the same."""
        if (key := tuple(files.items())) not in self._parcels:
            self._parcels[key] = self._ray.put(packed(files))
        return self._parcels[key]


class Task:
    """A run on a machine of the cluster, or waiting for one (`here.Work`)."""

    def __init__(self, ray: Any, told: Any, folder: Path, trip: Trip | None) -> None:
        self._ray, self._told, self._folder, self._trip = ray, told, folder, trip

    def wait(self, seconds: float) -> int | None:
        """Return the status of its process once it has ended, or that it was lost; None after so many seconds."""
        ready, _ = self._ray.wait([self._told], timeout=seconds)
        if not ready:
            return None
        try:
            told: Told = self._ray.get(next(self._told))
        except self._ray.exceptions.TaskCancelledError:
            return STOPPED
        except self._ray.exceptions.LocalRayletDiedError:
            raise UnavailableError(
                "--ray: the cluster's node on this machine has ended; once there is a cluster again, `--continue` goes on"
            ) from None
        except (self._ray.exceptions.RayError, StopIteration) as error:
            self._is_lost(error)
            return LOST
        if told.step:
            write_whole(self._folder / STEP, told.step.encode())
        if self._trip:
            self._trip.heard(told)
        return told.status

    def stop(self) -> None:
        """Let it end in order."""
        self._ray.cancel(self._told, force=False)

    def kill(self) -> None:
        """End it at once."""
        self._ray.cancel(self._told, force=True)

    def _is_lost(self, error: BaseException) -> None:
        with (self._folder / LOG).open("a") as log:
            log.write(f"lost: {type(error).__name__}: {' '.join(str(error).split())[:500]}\n")


def _resources(memory_gb: float, gpus: int) -> dict[str, float]:
    return {"CPU": 1, "memory": int((memory_gb + OWN_GB) * 1e9), "GPU": gpus}


def _knock(address: str) -> None:
    """Raise OSError or ValueError where nobody listens: Ray itself would go on asking for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host:  # else it is a word of Ray's, such as "auto"
        socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()
