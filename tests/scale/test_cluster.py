"""Runs on two raylets of this machine: as a table, with a worker killed, with a machine lost, and as parcels."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from socket import AF_INET, AF_INET6

import psutil
import pytest
import tiny
from fault_server import FaultServer, Turn
from raylets import add, raylets
from servers import DURABLE, postgres

from budgetmlagent.bench.cluster import Cluster
from budgetmlagent.bench.plan import Needs, Plan, cells, request
from budgetmlagent.bench.runner import Runner
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.report import calls_of
from budgetmlagent.postgres import Address
from memory.state import NANO

# Ray takes an address of the machine's network for its nodes, where there is one.
LOOPBACK = ["127.0.0.1", "::1"]
OWN = [
    a.address for found in psutil.net_if_addrs().values() for a in found if a.family in (AF_INET, AF_INET6)
]
pytestmark = [
    pytest.mark.scale,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.allow_hosts(LOOPBACK + OWN),
]
CAP = NANO * 3 // 100  # nano-dollars; less than three runs cost
CALLS = 4  # of two turns of a planner and a coder


class Team(FaultServer):
    """Answers no more once a run in `folder` has stepped, until something was done to the runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.done = folder, threading.Event()
        super().__init__(respond=self.answer)

    def answer(self, body: dict) -> Turn:
        if stepped(self.folder):
            self.done.wait(600)
        return tiny.team(body)


def stepped(folder: Path) -> bool:
    """Whether a run of the bench is in the middle."""
    return bool(list(folder.glob("cells/*/step")))


@pytest.fixture(scope="module")
def nodes() -> Iterator[object]:
    """A head without cores and two raylets with one each."""
    with raylets(2) as found:
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Team]:
    with Team(tmp_path / "bench") as server:
        yield server


def asked_for(folder: Path, server: Team, seeds: list[int]) -> dict:
    plan = Plan(
        tasks=[str(tiny.task(folder))], graphs=["single_agent"], models=[str(tiny.models(folder, server.url))],
        seeds=seeds, turns=2, history="off",
    )  # fmt: skip
    return {cell: request(plan, cell, folder / "bench" / "runs") for cell in cells(plan)}


def makes_a_run(process: psutil.Process, folder: Path) -> bool:
    """Whether it is a process of a run in `folder`, or one that it has forked and that is no other program yet."""
    words = process.cmdline()
    return "budgetmlagent.bench.worker" in words and any(Path(word).is_relative_to(folder) for word in words)


def killed_a_ray_worker(folder: Path) -> bool:
    """Kill what started a process of our nodes that makes a run; where runs travel, `folder` is that of temporary files, where others' may be."""
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            starter = each.parent()
            if starter and makes_a_run(each, folder) and not makes_a_run(starter, folder):
                starter.kill()
                return True
    return False


def kill_a_ray_worker(folder: Path) -> None:
    """The same, as soon as there is one."""
    until = time.monotonic() + 60
    while not killed_a_ray_worker(folder) and time.monotonic() < until:
        time.sleep(0.05)


def when_one_has_stepped(server: Team, then: Callable[[], None]) -> threading.Thread:
    """Do something once a run is in the middle, and have the others go on."""

    def wait() -> None:
        until = time.monotonic() + 600
        while not stepped(server.folder) and time.monotonic() < until:
            time.sleep(0.05)
        then()
        server.done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def ended_once(folder: Path, rows: list[dict], runs: int) -> None:
    """Every run is there once, ended in order, and has paid for each of its requests once."""
    assert [row["status"] for row in rows] == ["finished"] * runs, rows
    assert len(list((folder / "runs").glob("tiny-*"))) == runs
    for row in rows:
        calls = calls_of(folder / "runs" / "ledger.sqlite", row["run_id"])
        assert len([call for call in calls if call["reply"]]) == CALLS


def test_a_run_whose_worker_is_killed_goes_on_from_its_stores(nodes, server, tmp_path):
    asked, folder = asked_for(tmp_path, server, [0, 1]), tmp_path / "bench"
    cluster = Cluster(nodes.address, folder, {})
    assert cluster.shared and cluster.at_once(Needs((), 1.0, 0)) == 2

    killed = when_one_has_stepped(server, lambda: kill_a_ray_worker(folder))
    rows = [row for _, row in Runner(folder / "cells", 2, lambda *_: None, cluster).run(asked)]
    killed.join()
    ended_once(folder, rows, 2)
    assert any("lost: " in path.read_text() for path in folder.glob("cells/*/log"))


def test_runs_of_a_machine_that_is_lost_go_on_at_another(nodes, server, tmp_path):
    asked, folder = asked_for(tmp_path, server, [0, 1]), tmp_path / "bench"
    cluster = Cluster(nodes.address, folder, {})
    extra = nodes.list_all_nodes()[-1]
    lost = when_one_has_stepped(server, lambda: nodes.remove_node(extra, allow_graceful=False))
    rows = [row for _, row in Runner(folder / "cells", 2, lambda *_: None, cluster).run(asked)]
    lost.join()
    add(nodes)
    ended_once(folder, rows, 2)


def test_runs_travel_where_no_folder_is_shared_and_come_back(nodes, server, tmp_path):
    asked, folder = asked_for(tmp_path, server, [0]), tmp_path / "bench"
    cluster = Cluster(nodes.address, folder, {})
    cluster.shared = False
    place = Path(tempfile.gettempdir())
    killed = when_one_has_stepped(server, lambda: kill_a_ray_worker(place))
    ((cell, row),) = Runner(folder / "cells", 2, lambda *_: None, cluster).run(asked)
    killed.join()
    assert row["status"] == "finished" and row["usd"] > 0
    assert "lost: " in (folder / "cells" / cell.name / "log").read_text()
    run = Path(row["run_dir"])
    assert (
        run == folder / "cells" / cell.name / "runs" / row["run_id"] and (run / "best" / "train.py").exists()
    )
    assert len([c for c in calls_of(run.parent / "ledger.sqlite", row["run_id"]) if c["reply"]]) == CALLS
    assert not (folder / "runs").exists()


def test_runs_that_travel_keep_one_cap_in_a_ledger_on_a_server(nodes, server, tmp_path, monkeypatch):
    database, folder = postgres(*DURABLE).database(), tmp_path / "bench"
    monkeypatch.setenv("BUDGETML_LEDGER", database)
    book = Ledger(Address(database))
    book.set_project_cap(CAP)
    cluster = Cluster(nodes.address, folder, {})
    cluster.shared = False
    server.done.set()
    asked = asked_for(tmp_path, server, [0, 1, 2])
    rows = [row for _, row in Runner(folder / "cells", 2, lambda *_: None, cluster).run(asked)]
    assert [row["status"] for row in rows] == ["finished"] * 3
    assert any("left of the budget of the project" in row["reason"] for row in rows), "the positive control"
    spent = sum(entry.nano for row in rows for entry in book.calls(row["run_id"]))
    assert 0 < spent == book.project_spent() <= CAP


def test_a_bench_whose_own_node_ends_says_so_in_a_line_and_goes_on_elsewhere(tmp_path):
    folder = tmp_path / "bench"
    with FaultServer(respond=slow) as server, raylets(1) as nodes:
        asked = ["--tasks", str(tiny.task(tmp_path)), "--models", str(tiny.models(tmp_path, server.url)), "--graphs", "single_agent"]  # fmt: skip
        limits = ["--turns", "2", "--history", "off", "--json", "--out", str(folder)]
        bench = begun([*asked, *limits, "--ray", nodes.address])
        while not stepped(folder):
            time.sleep(0.05)
        nodes.head_node.all_processes["raylet"][0].process.kill()
        out, said = bench.communicate(timeout=300)
        line = said.decode().splitlines()[-1]
        assert (bench.returncode, out) == (3, b"") and line.startswith("budgetml: --ray: the cluster"), said
        assert "(raylet)" not in said.decode() and "(raylet)" in (folder / "ray.log").read_text()
        server.respond = tiny.team
        again = begun(["--continue", "--out", str(folder), "--json"])
        (row,) = json.loads(again.communicate(timeout=300)[0])["rows"]
    assert row["status"] == "finished" and len(list((folder / "runs").glob("tiny-*"))) == 1


def slow(body: dict) -> Turn:
    """Answers so late that the run is still in the middle when it is looked for."""
    turn = tiny.team(body)
    turn.delay = 8.0
    return turn


def begun(words: list[str]) -> "subprocess.Popen[bytes]":
    """Start a bench as a person does."""
    command = [sys.executable, "-m", "budgetmlagent", "bench", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_what_no_machine_has_is_said_before_anything_waits_for_it(nodes, tmp_path):
    cluster = Cluster(nodes.address, tmp_path, {})
    with pytest.raises(
        UnavailableError, match=r"no machine of the cluster has what a run needs: 1 CPU, .* 2 GPU"
    ):
        cluster.at_once(Needs((), 1.0, 2))


def test_an_address_where_no_cluster_is(tmp_path):
    import ray

    ray.shutdown()
    with pytest.raises(UnavailableError, match=r"--ray 127.0.0.1:9: no cluster answers there"):
        Cluster("127.0.0.1:9", tmp_path, {})
