"""Runs that travel to machines with a ledger of their own: a budget holds over all tries, wherever they are made."""

import json
from pathlib import Path

import pytest
import tiny
import workers
from fault_server import FaultServer, Turn

from budgetmlagent.bench.here import Here
from budgetmlagent.bench.parcel import packed
from budgetmlagent.bench.plan import Plan, cells, request
from budgetmlagent.bench.remote import Job, work
from budgetmlagent.bench.runner import Runner
from budgetmlagent.bench.trip import Trip, luggage
from budgetmlagent.bench.worker import spent
from budgetmlagent.money.ledger import Ledger
from memory.state import NANO

BUDGET = 1.0


class Elsewhere:
    """A machine that sees nothing of ours, without Ray between; of its first try is heard no more once its process is gone, where it is `lost`."""

    def __init__(self, *, lost: bool) -> None:
        self.lost = lost

    def begin(self, folder: Path) -> "Away":
        lost, self.lost = self.lost, False
        return Away(folder, lost=lost)


class Away:
    """A try there (`here.Work`)."""

    def __init__(self, folder: Path, *, lost: bool) -> None:
        asked = json.loads((folder / "request.json").read_text())
        self.trip = Trip(folder, Path(asked["runs_dir"]))
        files, inside = luggage(asked)
        self.told = work(Job("", {}, inside, self.trip.spent), packed(files))
        self.lost = lost

    def wait(self, seconds: float) -> int | None:
        told = next(self.told)
        if self.lost and told.status is not None:
            return -9
        self.trip.heard(told)
        return told.status

    def stop(self) -> None:
        self.told.close()

    kill = stop


class Deadly(FaultServer):
    """Whoever sends the second request is gone before it is answered."""

    def __init__(self) -> None:
        super().__init__(respond=self.answer)

    def answer(self, body: dict) -> Turn:
        if len(self.requests) == 2:
            workers.kill()
        return tiny.team(body)


@pytest.fixture
def server():
    with Deadly() as server:
        yield server


def asked_for(folder: Path, server: FaultServer, budget: float = BUDGET) -> dict:
    """One run of a dear model."""
    if not (folder / "tiny").exists():
        tiny.task(folder)
    models = tiny.models(folder, server.url)
    models.write_text(models.read_text().replace("input: 10, output: 30", "input: 80, output: 240"))
    plan = Plan(
        tasks=[str(folder / "tiny")], graphs=["single_agent"], models=[str(models)], turns=1, history="off", budget=budget
    )  # fmt: skip
    return {cell: request(plan, cell, folder / "bench" / "runs") for cell in cells(plan)}


class FirstThen:
    """Two places, one after the other."""

    def __init__(self, *places: object) -> None:
        self.places = list(places)

    def begin(self, folder: Path) -> object:
        return (self.places.pop(0) if len(self.places) > 1 else self.places[0]).begin(folder)


@pytest.mark.parametrize(("lost", "then"), [(True, "here"), (False, "there")])
def test_what_a_lost_try_may_have_spent_is_no_longer_there_for_the_next(lost, then, server, tmp_path):
    asked, folder, there = asked_for(tmp_path, server), tmp_path / "bench", Elsewhere(lost=lost)
    (cell,) = asked
    place = there if then == "there" else FirstThen(there, Here({}))
    ((_, row),) = Runner(folder / "cells", 1, lambda *_: None, place).run(asked)
    before = spent(folder / "cells" / cell.name)
    dollars = [
        (80 * tokens + 240 * out) / 1e6 for tokens, _, out in (each.billed for each in server.requests)
    ]
    assert (
        len(dollars) == 4 and sum(dollars[:2]) < before < BUDGET
    )  # the worst case of the second, whose price nobody heard
    ledger = Ledger(Path(row["run_dir"]).parent / "ledger.sqlite")
    assert ledger.cap(row["run_id"]) == round((BUDGET - before) * NANO)
    assert (row["status"], row["usd"]) == ("finished", pytest.approx(before + sum(dollars[2:])))
    assert row["usd"] <= BUDGET
