"""A studio that was killed and begun again, and a run that was killed: both are shown as they are."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent.studio import host, watch
from budgetmlagent.studio.answers import Answers
from budgetmlagent.studio.place import Place

ROOT = Path(__file__).parents[1]


@contextmanager
def studio(folder):
    """Start a studio in a folder; yield its process and what asks it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "budgetmlagent", "studio", "--no-open"],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    address, _, token = process.stdout.readline().strip().partition("#")

    def ask(name, **body):
        headers = {"X-Studio-Token": token, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}api/{name}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    with process:
        try:
            yield process, ask
        finally:
            process.terminate()


def until(holds):
    end = time.monotonic() + 120
    while not (found := holds()):
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.05)
    return found


@pytest.mark.soak
def test_a_killed_studio_begun_again_shows_the_run_as_it_is_and_a_killed_run_dead(tmp_path):
    held = threading.Event()
    with FaultServer(respond=lambda body: held.wait(120) and tiny.team(body)) as server:
        run = tiny.session(tmp_path, server.url, budget=1.0, turns=1).run_id
        with studio(tmp_path) as (process, ask):
            ask("drive", run=run, action="run", at=0, once="a")
            asked = until(lambda: ask("run", run=run)["live"]["flight"])
            before = ask("run", run=run)
            process.kill()
        with studio(tmp_path) as (_, ask):
            after = ask("run", run=run)
            assert after["live"] == before["live"] | {"ours": False} and after["live"]["flight"] == asked
            assert (after["steps"], after["graph"], after["money"]) == (
                before["steps"],
                before["graph"],
                before["money"],
            )
            held.set()
            until(lambda: ask("run", run=run)["live"]["stands"] == "finished")
            assert len(ask("run", run=run)["steps"]) > len(before["steps"])

            held.clear()
            other = tiny.session(tmp_path, server.url, budget=1.0, turns=1).run_id
            ask("drive", run=other, action="run", at=0, once="b")
            told = until(lambda: (live := ask("run", run=other)["live"])["flight"] and live)
            answers = Answers(Place(tmp_path, tmp_path / "runs"))
            seq = answers.watcher.since(0)["seq"]
            os.kill(told["pid"], signal.SIGKILL)
            until(lambda: not running(told["pid"]))
            time.sleep(watch.OFTEN)
            changed = answers.watcher.since(seq)["changed"]  # at the first look
            assert {"what": "run", "name": other, "said": ""} in changed
            rows = {row["run_id"]: row["stands"] for row in ask("runs")["runs"]}
            assert rows == {run: "finished", other: "dead"}
            reserved = ask("run", run=other)["money"]["reserved"]
            assert reserved == told["flight"]["usd_reserved"] > 0, "nobody knows what it cost"
    assert watch.OFTEN + host.OFTEN < 2


def running(pid):
    """Whether a process still computes: one that has ended, and that its parent has not asked about, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
