"""A bench on two Ray nodes in whose middle a worker, a node, Postgres and Chroma are killed: nothing is lost, nothing is done twice."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny
from fault_server import FaultServer, Turn
from raylets import add, raylets
from servers import DURABLE, Chroma, Postgres
from test_cluster import LOOPBACK, OWN, kill_a_ray_worker, makes_a_run

from budgetmlagent.models.config import load_models
from budgetmlagent.money.ledger import Entry, Ledger
from budgetmlagent.money.prices import price_of
from budgetmlagent.money.usage import Tokens
from budgetmlagent.postgres import Address
from budgetmlagent.upkeep import doctor
from memory.merge import SHARED
from memory.shared import Place, Shared

pytestmark = [
    pytest.mark.scale,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.allow_hosts(LOOPBACK + OWN),
]
TURNS, CALLS = 3, 6  # of a planner and a coder in each turn
CORES = 2  # of a node
FIRST = 1_000  # tokens of the first request
LONGEST = 1_200  # seconds of a bench


class Team(FaultServer):
    """Takes its time, and counts for each request tokens that no other has: by them it is known in the ledger."""

    def __init__(self) -> None:
        self.met = 0
        super().__init__(respond=self.answer)

    def answer(self, body: dict[str, Any]) -> Turn:
        turn = tiny.team(body)
        turn.tokens_in, turn.delay = FIRST + self.met, 0.5
        self.met += 1
        return turn


@dataclass(frozen=True)
class World:
    """What the machines share, and what they are."""

    folder: Path
    nodes: Any
    team: Team
    postgres: Postgres
    chroma: Chroma
    database: str

    @property
    def bench(self) -> Path:
        return self.folder / "bench"

    @property
    def runs(self) -> Path:
        return self.bench / "runs"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "BUDGETML_LEDGER": self.database, "BUDGETML_CHECKPOINTS": self.database, "BUDGETML_MEMORY": self.chroma.url,
            "BUDGETML_CACHE": str(self.folder / "person"),
        }  # fmt: skip

    def begin(self, runs: int) -> "subprocess.Popen[str]":
        """Start the bench, as a person does."""
        words = [
            "bench", "--tasks", tiny.task(self.folder), "--graphs", "single_agent", "--models", tiny.models(self.folder, self.team.url),
            "--seeds", ",".join(map(str, range(runs))), "--turns", TURNS, "--history", "all", "--out", self.bench,
            "--ray", self.nodes.address, "--jobs", 2 * CORES,
        ]  # fmt: skip
        with (self.folder / "said").open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "budgetmlagent", *map(str, words)],
                stdout=said,
                stderr=said,
                env=os.environ | self.settings,
            )

    def busy(self) -> Any:
        """Return a node on which a run is made; None where none is."""
        for node in self.nodes.worker_nodes:
            with suppress(psutil.Error):
                raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
                if any(makes_a_run(each, self.bench) for each in raylet.children(recursive=True)):
                    return node
        return None


def kill_a_worker(world: World) -> None:
    kill_a_ray_worker(world.bench)


def stop_a_node(world: World) -> None:
    """Stop a node in the middle of its runs, and start another in its place."""
    while (node := world.busy()) is None:
        time.sleep(0.05)
    world.nodes.remove_node(node, allow_graceful=False)
    add(world.nodes, CORES)


def cut_the_power_of_postgres(world: World) -> None:
    world.postgres.stop("immediate")
    time.sleep(2)
    world.postgres.start()


def kill_chroma(world: World) -> None:
    world.chroma.kill()
    time.sleep(3)
    world.chroma.start()


EVENTS: list[Callable[[World], None]] = [kill_a_worker, kill_chroma, stop_a_node, cut_the_power_of_postgres]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))  # of the nodes, too
    with ExitStack() as stack:
        postgres = Postgres(*DURABLE)
        stack.callback(postgres.close)
        chroma = Chroma(tmp_path / "chroma")
        stack.callback(chroma.kill)
        team = stack.enter_context(Team())
        nodes = stack.enter_context(raylets(2, CORES))
        yield World(tmp_path, nodes, team, postgres, chroma, postgres.database())


def broken(world: World, bench: "subprocess.Popen[str]", runs: int) -> list[str]:
    """Let each event happen in the middle of the bench, and wait for its end; what happened is told."""
    told = list[str]()
    until = time.monotonic() + LONGEST
    while bench.poll() is None:
        assert time.monotonic() < until, (world.folder / "said").read_text()
        if len(told) < len(EVENTS) and world.team.met >= runs * CALLS * (len(told) + 1) // (len(EVENTS) + 2):
            EVENTS[len(told)](world)
            told.append(EVENTS[len(told)].__name__)
        time.sleep(0.05)
    return told


@pytest.mark.parametrize("runs", [4, pytest.param(16, marks=pytest.mark.soak)])
def test_every_run_ends_once_and_nothing_is_lost_or_paid_twice(
    world: World, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = world.begin(runs)
    try:
        happened = broken(world, bench, runs)
    finally:
        bench.kill()
    said = (world.folder / "said").read_text()
    assert happened == [event.__name__ for event in EVENTS], "the positive control: all of it happened"
    assert bench.returncode == 0, said
    for name, value in world.settings.items():
        monkeypatch.setenv(name, value)
    rows = json.loads((world.bench / "results.json").read_text())
    logs = "".join(path.read_text() for path in world.bench.glob("cells/*/log"))
    assert logs.count("lost: ") >= 2, "the positive control: runs were lost"
    ended_once(world, rows, runs)
    told = paid_once(world, rows)
    remembered_once(world, rows)
    print(f"{runs} runs, {told}; {logs.count('lost: ')} processes lost")


def ended_once(world: World, rows: list[dict[str, Any]], runs: int) -> None:
    """Each run has one row and one folder, has ended, and is whole."""
    assert [(row["seed"], row["status"], row["turns"]) for row in rows] == [
        (seed, "finished", TURNS) for seed in range(runs)
    ], rows
    assert sorted(row["run_id"] for row in rows) == sorted(path.name for path in world.runs.glob("tiny-*"))
    for row in rows:
        wrong = [each for each in doctor.of_run(row["run_id"], world.runs, rebuild=False) if not each["ok"]]
        assert not wrong, wrong


def paid_once(world: World, rows: list[dict[str, Any]]) -> str:
    """Each reply is entered once at what the provider counted for it; of each request that nobody heard the end, a reservation stays."""
    prices = {spec.model: price_of(spec) for spec in load_models(world.folder / "models.yaml").values()}
    charged = {
        request.billed[0]: prices[request.body["model"]].cost(Tokens(*request.billed))
        for request in world.team.requests
        if request.billed
    }
    assert len(charged) == len(world.team.requests)
    book = Ledger(Address(world.database))
    entries = {row["run_id"]: book.calls(row["run_id"]) for row in rows}
    settled = [entry for found in entries.values() for entry in found if entry.settled is not None]
    kept = [entry for found in entries.values() for entry in found if entry.settled is None]
    for found in entries.values():
        replies = Counter(entry.key for entry in found if entry.text is not None)
        assert len(replies) == CALLS and set(replies.values()) == {1}, replies
    known = {entry.tokens_in: entry.nano for entry in settled}
    assert len(known) == len(settled) and known.items() <= charged.items()
    unheard = [nano for number, nano in charged.items() if number not in known]
    assert len(unheard) <= len(kept) and sum(unheard) <= sum(entry.nano for entry in kept)
    assert round(sum(row["usd"] for row in rows) * 1e9) == sum(_nano(found) for found in entries.values())
    return f"{len(charged)} requests, {len(settled)} settled, {len(unheard)} unheard of, {len(kept)} still reserved"


def _nano(entries: list[Entry]) -> int:
    return sum(entry.nano for entry in entries)


def remembered_once(world: World, rows: list[dict[str, Any]]) -> None:
    """The memory has each attempt of each run, once."""
    with Shared(Place(world.runs / SHARED, world.chroma.url)) as memory:
        attempts = Counter((item["run"], item["step"]) for _, item in memory.iterate("attempt"))
    assert set(attempts.values()) == {1}
    assert Counter(run for run, _ in attempts) == {row["run_id"]: TURNS for row in rows}
