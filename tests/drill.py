"""The drill: many processes and threads spend one cap at the fault server, faults included, while a process watches.

    python tests/drill.py [--processes 8] [--threads 64] [--calls 10000] > tests/benchmarks/money_soak.txt

`--threads` are of each process. The cap is $1 for 10,000 calls and in proportion for fewer; it does not pay for all of them.
"""

import argparse
import multiprocessing
import random
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
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.deps import Here

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


def spend(url: str, folder: Path, names: list[str], threads: int) -> Counter[str]:
    """Make the calls of these names, as a process does; return how often each fault (or "") came back."""
    model = spec(url)
    account = Account(Ledger(folder / "ledger.sqlite"), "r")
    models = ModelClient({"small": model}, account, Artifacts(folder / "a"))

    def ask(name: str) -> str:
        here = Here(node=NODES[len(name) % 3], model="small", step=1, call=name)
        text = f"{name} " + "some text that is to be read, " * random.Random(name).randrange(5, 15)
        return models.ask(here, [{"role": "user", "content": text}], max_tokens=ROOM).fault

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(ask, names))


def watch(path: Path, stop: Any, seen: Any) -> None:
    """Sample what the ledger holds, by its calls and by its sums, until told to stop."""
    samples = most = 0
    wrong = 0
    held = "SELECT (SELECT coalesce(sum(coalesce(settled, reserved)), 0) FROM calls), coalesce(sum(nano), 0) FROM sums"
    with closing(sqlite3.connect(path, timeout=60)) as db:
        while not stop.is_set() or not samples:
            calls, sums = db.execute(f"{held} WHERE root = 'r' AND node = ''").fetchone()
            samples, most, wrong = samples + 1, max(most, calls), wrong + (calls != sums)
            time.sleep(0.002)
    seen.put((samples, most, wrong))


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


def drill(folder: Path, processes: int, threads: int, calls: int) -> Outcome:
    """Make `calls` calls from `processes` processes of `threads` threads each, on one cap."""
    path, cap = folder / "ledger.sqlite", NANO * calls // 10_000
    book = Ledger(path)
    book.open_run("r", cap)
    stop, seen = SPAWN.Event(), SPAWN.Queue()
    observer = SPAWN.Process(target=watch, args=(path, stop, seen))
    observer.start()
    names = [f"call-{n}" for n in range(calls)]
    with BusyServer(respond=answer) as server:
        started = time.monotonic()
        with SPAWN.Pool(processes) as pool:
            work = [(server.url, folder, names[n::processes], threads) for n in range(processes)]
            faults = sum(pool.starmap(spend, work), Counter[str]())
        seconds = time.monotonic() - started
    stop.set()
    samples, most, wrong = seen.get()
    observer.join()
    price = price_of(spec(server.url))
    told = [(name_of(request.body), request.billed) for request in server.requests]
    served = sum(
        price.cost(Tokens(*billed)) for name, billed in told if billed and turn(name).fault in DELIVERED
    )
    requests = Counter(name for name, _ in told)
    return Outcome(cap, seconds, faults, samples, most, wrong, book.calls("r"), requests, served)


def buy(path: Path, names: list[str], threads: int) -> None:
    """Reserve and settle, without any model."""
    book = Ledger(path)

    def one(name: str) -> None:
        made = Call(
            key=f"r/{name}/coder", run="r", step=1, node="coder", model="m", served="m", price="p", bytes=300
        )
        room = book.reserve(made, 1000)
        assert isinstance(room, Reservation)
        book.settle(room.id, 500, Answer(text="word " * 200, tokens_in=80, tokens_out=200))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, names))


def alone(folder: Path, processes: int, threads: int, calls: int) -> float:
    """Return the seconds that the ledger alone takes for as many calls."""
    path, names = folder / "alone.sqlite", [f"call-{n}" for n in range(calls)]
    Ledger(path).open_run("r", NANO)
    with SPAWN.Pool(processes) as pool:
        pool.starmap(buy, [(path, [f"warm-{n}"], 1) for n in range(processes)])  # the imports
        started = time.monotonic()
        pool.starmap(buy, [(path, names[n::processes], threads) for n in range(processes)])
        return time.monotonic() - started


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=10_000)
    chosen = parser.parse_args()
    sizes = (chosen.processes, chosen.threads, chosen.calls)
    print(f"python {' '.join(sys.argv)}: {sizes[0]} processes of {sizes[1]} threads")
    with tempfile.TemporaryDirectory() as folder:
        print(drill(Path(folder), *sizes), end="", flush=True)
        print(
            f"the ledger alone          {alone(Path(folder), *sizes):.1f} s for as many reservations and settlements"
        )


if __name__ == "__main__":
    main()
