"""The drill on a cluster: eight workers on two Ray nodes spend one cap, are killed, and a node is stopped and started again.

    python tests/drill_nodes.py [--threads 64] [--calls 10000] [--kills 8] > tests/benchmarks/money_nodes.txt

The ledger is a database of a Postgres server of the drill's own; calls, cap and provider are those of `drill.py`.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from drill import DELIVERED, NOT_BILLED, SPAWN, UNKNOWN, BusyServer, answer, name_of, spec, spend, turn, watch
from raylets import add, raylets

from budgetmlagent.money.ledger import Entry, Ledger
from budgetmlagent.money.prices import price_of
from budgetmlagent.money.usage import Tokens
from budgetmlagent.postgres import Address
from memory.locks import locked
from memory.state import NANO

WORKERS, NODES = 8, 2
EACH = WORKERS // NODES
PATIENCE = 120.0  # seconds for a worker whose node is gone to notice that


@dataclass(frozen=True)
class Work:
    """What the workers do: each a share of the calls, at the provider's `url`, in the ledger at `place`."""

    url: str
    place: Address
    folder: Path
    threads: int
    calls: int

    def names(self, number: int) -> list[str]:
        """Return the calls of a share."""
        return [f"call-{n}" for n in range(number, self.calls, WORKERS)]

    def noted(self, number: int) -> Path:
        """The file in which each worker that begins a share notes its node and process."""
        return self.folder / f"share-{number}.jsonl"


def share(work: Work, number: int) -> Counter[str]:
    """Make the calls of a share, as a worker: no two do at once, as with runs, for one that was lost may end late."""
    import ray

    with locked(work.folder / f"share-{number}", PATIENCE):
        with work.noted(number).open("a") as file:
            file.write(json.dumps([ray.get_runtime_context().get_node_id(), os.getpid()]) + "\n")
        return spend(work.url, work.place, work.folder, work.names(number), work.threads)


class Crew:
    """The workers, as many on each node of a cluster; a share whose worker is lost is begun again at its node."""

    def __init__(self, cluster: Any, work: Work) -> None:
        import ray

        self.ray, self.cluster, self.work = ray, cluster, work
        self.nodes = list(cluster.worker_nodes)
        self.seen = [node.node_id for node in self.nodes]
        self.faults, self.lost, self.killed = Counter[str](), 0, 0
        self.begun, self.running = Counter[int](), dict[Any, int]()
        for number in range(WORKERS):
            self._begin(number)

    def _begin(self, number: int) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(self.nodes[number // EACH].node_id, soft=False)
        worker = self.ray.remote(share).options(num_cpus=1, max_retries=0, scheduling_strategy=there)
        self.running[worker.remote(self.work, number)] = number
        self.begun[number] += 1

    def look(self) -> None:
        """Take what has ended, and begin again what was lost."""
        for each in self.ray.wait(list(self.running), timeout=0.02)[0]:
            number = self.running.pop(each)
            try:
                self.faults += self.ray.get(each)
            except self.ray.exceptions.RayError:
                self.lost += 1
                self._begin(number)

    def places(self, number: int) -> list[tuple[str, int]]:
        """Return the node and process of each worker that began a share."""
        path = self.work.noted(number)
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def calling(self) -> list[int]:
        """The shares whose worker calls; of one that was lost, the next has to start first."""
        return sorted(n for n in self.running.values() if len(self.places(n)) == self.begun[n])

    def ready(self) -> bool:
        """Whether every share has a worker that calls, or has had one."""
        return all(map(self.places, range(WORKERS))) and bool(self.calling)

    def kill(self, chance: random.Random) -> None:
        """Kill a worker."""
        os.kill(self.places(chance.choice(self.calling))[-1][1], signal.SIGKILL)
        self.killed += 1

    def restart(self) -> None:
        """Stop the last node as a power cut does, with all its workers, and start one in its place."""
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)
        self.nodes.append(add(self.cluster, EACH))
        self.seen.append(self.nodes[-1].node_id)


@dataclass(frozen=True)
class Told:
    """What came of it. Sums in nano-dollars."""

    cap: int
    seconds: float
    crew: Crew
    watched: tuple[
        int, int, int
    ]  # samples, the most that was ever held, samples in which calls and sums differ
    entries: list[Entry]
    charged: dict[str, list[int]]  # by the name of the call, for each request, what the provider counted

    def by_name(self, state: str) -> dict[str, list[Entry]]:
        """Return the entries in a state, by the names of their calls."""
        found = defaultdict[str, list[Entry]](list)
        for entry in self.entries:
            if entry.state == state:
                found[entry.key.split("/")[1]].append(entry)
        return found

    def nano(self, state: str) -> int:
        """What the ledger has in a state."""
        return sum(entry.nano for entry in self.entries if entry.state == state)

    @property
    def heard(self) -> int:
        """What the provider counted for the replies that the ledger says are paid."""
        return sum(self.charged[name][0] for name, found in self.by_name("settled").items() if _paid(found))

    @property
    def most(self) -> int:
        """The most that was ever held, from each moment at which, by the ledger's own entries, that changed."""
        reserved = [(entry.created, entry.reserved) for entry in self.entries]
        settled = [(entry.closed, entry.nano - entry.reserved) for entry in self.entries if entry.closed]
        held = [0]
        for _, change in sorted(reserved + settled):
            held.append(held[-1] + change)
        return max(held)

    def __str__(self) -> str:
        """Say it in lines."""
        sent, crew = sum(map(len, self.charged.values())), self.crew
        charged = sum(map(sum, self.charged.values()))
        samples, most, wrong = self.watched
        return (
            f"{sum(crew.faults.values())} calls asked for, {sent} sent, {crew.faults['refused']} refused,"
            f" {self.seconds:.0f} s ({sent / self.seconds:.0f} requests/s)\n"
            f"{crew.killed} workers killed, a node stopped and started again: {crew.lost} shares lost and begun again\n"
            f"cap                       ${self.cap / NANO:.9f}\n"
            f"most ever held            ${self.most / NANO:.9f} by all entries;"
            f" ${most / NANO:.9f} in {samples} samples, {wrong} of them inconsistent\n"
            f"settled by the ledger     ${self.nano('settled') / NANO:.9f}\n"
            f"the same, by the provider ${self.heard / NANO:.9f} of ${charged / NANO:.9f} that it counted in all\n"
            f"still reserved            ${self.nano('reserved') / NANO:.9f}"
            f" for {sum(map(len, self.by_name('reserved').values()))} calls of unknown outcome\n"
        )


def _paid(entries: list[Entry]) -> int:
    """Return how many of these brought a reply."""
    return sum(entry.text is not None for entry in entries)


@contextmanager
def watched(place: Address) -> Iterator[Any]:
    """Have a process sample what the ledger holds; what is given tells it, afterwards."""
    stop, seen = SPAWN.Event(), SPAWN.Queue()
    observer = SPAWN.Process(target=watch, args=(place, stop, seen))
    observer.start()
    try:
        yield seen
    finally:
        stop.set()
        observer.join()


def drill(folder: Path, place: Address, cluster: Any, threads: int, calls: int, kills: int) -> Told:
    """Make `calls` calls from the workers on the nodes of a cluster, which are killed and stopped on the way."""
    import ray

    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
    cap, book, chance = NANO * calls // 10_000, Ledger(place), random.Random(calls)
    book.open_run("r", cap)
    with BusyServer(respond=answer) as server, watched(place) as seen:
        crew = Crew(cluster, Work(server.url, place, folder, threads, calls))
        ways = [*[partial(crew.kill, chance)] * kills, crew.restart]
        started = time.monotonic()
        while crew.running:
            crew.look()
            done = crew.killed + len(crew.seen) - NODES
            # The cap ends it after three of ten calls or more: what those who are killed had reserved stays.
            due = len(server.requests) >= calls * (done + 1) // (4 * len(ways) + 4)
            if due and done < len(ways) and crew.ready():
                ways[done]()
        seconds = time.monotonic() - started
    price, charged = price_of(spec(server.url)), defaultdict[str, list[int]](list)
    for request in server.requests:
        charged[name_of(request.body)].append(price.cost(Tokens(*request.billed)) if request.billed else 0)
    return Told(cap, seconds, crew, seen.get(), book.calls("r"), charged)


def check(told: Told, threads: int, calls: int, kills: int) -> None:
    """Assert that the cap held at every moment, and that each call's entries are what the provider counted, to the nano-dollar."""
    crew, (samples, most, wrong) = told.crew, told.watched
    first = Counter(crew.places(number)[0][0] for number in range(WORKERS))
    assert first == dict.fromkeys(crew.seen[:NODES], EACH), "as many workers began on each node"
    assert {node for number in range(WORKERS) for node, _ in crew.places(number)} == set(crew.seen)
    assert crew.killed == kills and crew.lost >= kills + 1, "the positive control: workers were lost"
    assert 0.95 * told.cap < told.most <= told.cap and most <= told.cap and samples > 10 and wrong == 0
    assert crew.faults["refused"] > 0 and sum(crew.faults.values()) == calls
    assert told.nano("settled") == told.heard > 0
    settled, left = told.by_name("settled"), told.by_name("reserved")
    for name in settled | left | told.charged:
        counted, fault = told.charged[name], turn(name).fault
        assert _paid(settled[name]) <= 1, "nothing is paid twice"
        assert len(counted) <= len(settled[name]) + len(left[name]), "no request without its entry"
        if fault in DELIVERED:
            assert [entry.nano for entry in settled[name]] == counted[:1][: len(settled[name])]
        assert fault not in UNKNOWN or not settled[name]
        assert fault not in NOT_BILLED or not any(entry.nano for entry in settled[name])
        unheard = len(counted) - len(settled[name])
        assert unheard <= len(left[name]) and all(
            entry.nano >= max(counted, default=0) for entry in left[name]
        )
    killed = sum(len(found) for name, found in left.items() if turn(name).fault not in UNKNOWN)
    assert 0 < killed <= crew.lost * threads, (
        "what was reserved by those who were killed stays, and nothing else"
    )


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=8)
    chosen = parser.parse_args()
    import servers

    place = Address(servers.postgres(*servers.DURABLE).database())
    print(
        f"python {' '.join(sys.argv)}: {WORKERS} workers of {chosen.threads} threads on {NODES} nodes",
        flush=True,
    )
    # What Ray has to say of those who were killed is not what is kept.
    with (
        redirect_stdout(sys.stderr),
        tempfile.TemporaryDirectory() as folder,
        raylets(NODES, EACH) as cluster,
    ):
        told = drill(Path(folder), place, cluster, chosen.threads, chosen.calls, chosen.kills)
        check(told, chosen.threads, chosen.calls, chosen.kills)
    print(told, end="")


if __name__ == "__main__":
    main()
