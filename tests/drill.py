"""The drill: many processes and threads spend one cap at the fault server, faults included, while a process watches.

    python tests/drill.py [--processes 8] [--threads 64] [--calls 10000] > tests/benchmarks/money_soak.txt
    python tests/drill.py --postgres > tests/benchmarks/money_postgres.txt

With `--postgres` the ledger is a database of a server of the drill's own. `--threads` are of each process. The cap is $1 for 10,000 calls and in proportion for fewer; it does not pay for all of them.
"""

import argparse
import multiprocessing
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_server import FaultServer, Turn

from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.money.ledger import Account, Answer, Call, Entry, Ledger, Reservation
from budgetmlagent.money.prices import price_of
from budgetmlagent.money.usage import Tokens
from budgetmlagent.postgres import Address
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.deps import Here

Place = Path | Address
SPAWN = multiprocessing.get_context("spawn")
ROOM = 64  # output tokens asked for
NODES = ("planner", "coder", "expert")
DELIVERED = ("", "length")  # turns whose reply and usage arrive
NOT_BILLED = ("400", "429")
UNKNOWN = ("500", "reset_after", "hang", "empty", "invalid_json", "no_choices", "error_body")


class BusyServer(FaultServer):
    """Lets as many connections wait as there are threads."""

    request_queue_size = 1024


def turn(name: str) -> Turn:
    """Return what the server does with the call of this name: a fault for 15 of 100."""
    chance = random.Random(name)
    fault = chance.choice(["", *DELIVERED, *NOT_BILLED, *UNKNOWN]) if chance.random() < 0.2 else ""
    return Turn(
        "word " * chance.randrange(1, 40), fault, cached=chance.randrange(40), delay=chance.random() / 10
    )


def answer(body: dict[str, Any]) -> Turn:
    """Respond to a request by the name of its call."""
    return turn(name_of(body))


def name_of(body: dict[str, Any]) -> str:
    """Return the name of the call that a request is of."""
    return str(body["messages"][-1]["content"].split()[0])


def spec(url: str) -> ModelSpec:
    """Return the one model that all processes ask."""
    price = {"input": 0.8, "cached": 0.2, "output": 1.6}
    return ModelSpec(name="small", base_url=url, model="any-name", price=price)  # type: ignore[arg-type]


def spend(url: str, place: Place, folder: Path, names: list[str], threads: int) -> Counter[str]:
    """Make the calls of these names, as a process does; return how often each fault (or "") came back."""
    models = ModelClient({"small": spec(url)}, Account(Ledger(place), "r"), Artifacts(folder / "a"))

    def ask(name: str) -> str:
        here = Here(node=NODES[len(name) % 3], model="small", step=1, call=name)
        text = f"{name} " + "some text that is to be read, " * random.Random(name).randrange(5, 15)
        return models.ask(here, [{"role": "user", "content": text}], max_tokens=ROOM).fault

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(ask, names))


def watch(place: Place, stop: Any, seen: Any) -> None:
    """Sample what the ledger holds, by its calls and by its sums, until told to stop."""
    samples = most = 0
    wrong = 0
    held = "SELECT (SELECT coalesce(sum(coalesce(settled, reserved)), 0) FROM calls), coalesce(sum(nano), 0) FROM sums"
    with closing(connected(place)) as db:
        while not stop.is_set() or not samples:
            calls, sums = map(int, db.execute(f"{held} WHERE root = 'r' AND node = ''").fetchone())
            samples, most, wrong = samples + 1, max(most, calls), wrong + (calls != sums)
            time.sleep(0.002)
    seen.put((samples, most, wrong))


def connected(place: Place) -> Any:
    """Return a connection that looks at a ledger from outside."""
    if isinstance(place, Path):
        return sqlite3.connect(place, timeout=60)
    import psycopg

    return psycopg.connect(place.url, autocommit=True, options="-c search_path=budgetml")


@dataclass(frozen=True)
class Outcome:
    """What came of a drill. Sums in nano-dollars."""

    cap: int
    seconds: float
    faults: Counter[str]
    samples: int
    most: int  # the largest sum that was ever seen
    wrong: int  # samples in which the calls and the sums differ
    entries: list[Entry]
    requests: Counter[str]  # by the name of the call
    served: int  # what the server counted for the replies that it delivered

    @property
    def settled(self) -> int:
        """What the ledger says was paid."""
        return sum(entry.nano for entry in self.entries if entry.state == "settled")

    @property
    def open(self) -> list[Entry]:
        """The calls whose outcome is unknown."""
        return [entry for entry in self.entries if entry.state == "reserved"]

    def __str__(self) -> str:
        """Say it in lines."""
        kept, sent = sum(entry.nano for entry in self.open), sum(self.requests.values())
        return (
            f"{sum(self.faults.values())} calls asked for, {sent} sent, {self.faults['refused']} refused,"
            f" {self.seconds:.0f} s ({sent / self.seconds:.0f} requests/s)\n"
            f"cap                       ${self.cap / NANO:.9f}\n"
            f"most ever held            ${self.most / NANO:.9f} in {self.samples} samples, {self.wrong} of them inconsistent\n"
            f"settled by the ledger     ${self.settled / NANO:.9f}\n"
            f"served, says the server   ${self.served / NANO:.9f}\n"
            f"still reserved            ${kept / NANO:.9f} for {len(self.open)} calls of unknown outcome\n"
        )


def drill(
    folder: Path, place: Place, processes: int, threads: int, calls: int, *, watched: bool = True
) -> Outcome:
    """Make `calls` calls from `processes` processes of `threads` threads each, on one cap in the ledger at `place`.

    Without being `watched` its samples are none: a watcher has no patience with a server that is away.
    """
    cap = NANO * calls // 10_000
    book = Ledger(place)
    book.open_run("r", cap)
    stop, seen = SPAWN.Event(), SPAWN.Queue()
    observer = SPAWN.Process(target=watch, args=(place, stop, seen))
    if watched:
        observer.start()
    names = [f"call-{n}" for n in range(calls)]
    with BusyServer(respond=answer) as server:
        started = time.monotonic()
        with SPAWN.Pool(processes) as pool:
            work = [(server.url, place, folder, names[n::processes], threads) for n in range(processes)]
            faults = sum(pool.starmap(spend, work), Counter[str]())
        seconds = time.monotonic() - started
    stop.set()
    samples, most, wrong = seen.get() if watched else (0, 0, 0)
    if watched:
        observer.join()
    price = price_of(spec(server.url))
    told = [(name_of(request.body), request.billed) for request in server.requests]
    served = sum(
        price.cost(Tokens(*billed)) for name, billed in told if billed and turn(name).fault in DELIVERED
    )
    requests = Counter(name for name, _ in told)
    return Outcome(cap, seconds, faults, samples, most, wrong, book.calls("r"), requests, served)


def check(told: Outcome, calls: int) -> None:
    """Assert that the cap held and that the ledger is what the server counted, to the nano-dollar."""
    assert 0.95 * told.cap < told.most <= told.cap and told.samples > 10 and told.wrong == 0
    assert told.settled == told.served > 0
    assert told.faults["refused"] > 0 and sum(told.faults.values()) == calls
    # Each request has its entry and each entry its request; those of unknown outcome, and no others, are still reserved.
    faults = {entry.id: turn(entry.key.split("/")[1]).fault for entry in told.entries}
    assert {entry.id for entry in told.open} == {id for id, fault in faults.items() if fault in UNKNOWN}
    assert all(entry.nano == 0 for entry in told.entries if faults[entry.id] in NOT_BILLED)
    assert told.requests == {entry.key.split("/")[1]: 1 for entry in told.entries}


def killed(folder: Path, place: Place, kills: int) -> None:
    """Kill a process that calls, again and again, and assert that nothing was lost or paid for twice."""
    names, chance = [f"call-{n}" for n in range(60 * kills)], random.Random(kills)
    book = Ledger(place)
    book.open_run("r", NANO)
    with BusyServer(respond=answer) as server:
        for _ in range(kills):
            paid = {entry.key.split("/")[1] for entry in book.calls("r") if entry.text is not None}
            before = len(server.requests)
            process = SPAWN.Process(target=spend, args=(server.url, place, folder, names, 8))
            process.start()
            until = before + chance.randrange(5, 40)
            while len(server.requests) < until:
                assert process.is_alive()
                time.sleep(0.001)
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            time.sleep(0.2)  # what had arrived is answered
            entries = book.calls("r")
            tries = [name_of(request.body) for request in server.requests]
            written = Counter(entry.key.split("/")[1] for entry in entries)
            assert Counter(tries) <= written  # a kill between reserving and sending leaves one more
            assert not paid & set(tries[before:])
            assert book.spent("r") == sum(entry.nano for entry in entries) <= NANO
            assert all(entry.nano == entry.reserved > 0 for entry in entries if entry.state == "reserved")


def buy(place: Place, names: list[str], threads: int) -> None:
    """Reserve and settle, without any model."""
    book = Ledger(place)

    def one(name: str) -> None:
        made = Call(
            key=f"r/{name}/coder", run="r", step=1, node="coder", model="m", served="m", price="p", bytes=300
        )
        room = book.reserve(made, 1000)
        assert isinstance(room, Reservation)
        book.settle(room.id, 500, Answer(text="word " * 200, tokens_in=80, tokens_out=200))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, names))


def alone(place: Place, processes: int, threads: int, calls: int) -> float:
    """Return the seconds that the ledger alone takes for as many calls."""
    names = [f"call-{n}" for n in range(calls)]
    Ledger(place).open_run("r", NANO)
    with SPAWN.Pool(processes) as pool:
        pool.starmap(buy, [(place, [f"warm-{n}"], 1) for n in range(processes)])  # the imports
        started = time.monotonic()
        pool.starmap(buy, [(place, names[n::processes], threads) for n in range(processes)])
        return time.monotonic() - started


def places(folder: Path, postgres: bool) -> tuple[Place, Place]:
    """Return the places of two ledgers."""
    if not postgres:
        return folder / "ledger.sqlite", folder / "alone.sqlite"
    import servers

    server = servers.postgres(*servers.DURABLE)
    return Address(server.database()), Address(server.database())


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--postgres", action="store_true")
    chosen = parser.parse_args()
    sizes = (chosen.processes, chosen.threads, chosen.calls)
    print(f"python {' '.join(sys.argv)}: {sizes[0]} processes of {sizes[1]} threads")
    with tempfile.TemporaryDirectory() as folder:
        first, second = places(Path(folder), chosen.postgres)
        print(drill(Path(folder), first, *sizes), end="", flush=True)
        print(
            f"the ledger alone          {alone(second, *sizes):.1f} s for as many reservations and settlements"
        )


if __name__ == "__main__":
    main()
