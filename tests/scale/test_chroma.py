"""A Chroma server that is killed and started again while many runs merge what they learned: all of it arrives, once."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import free_port
from ways import Way

from memory.items import StoreError
from memory.merge import merge_pending
from memory.shared import Place, Shared
from tests.test_history import Run
from tests.test_memory_server import CHROMA, repair

pytestmark = pytest.mark.scale
RUNS = 12


class Chroma:
    """A server at a port of its own, whose folder outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.start()

    def start(self) -> None:
        command = [CHROMA, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("chroma does not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Chroma]:
    made = Chroma(tmp_path / "chroma")
    yield made
    made.kill()


def test_what_runs_learned_arrives_once_whenever_the_server_was_killed(
    tmp_path: Path, server: Chroma
) -> None:
    way = Way(server.port, b"POST ", at=0, then=server.kill)
    runs, url = tmp_path / "runs", f"http://127.0.0.1:{way.own}"
    place = Place(runs / "history", url)
    made = [Run(runs, f"run-{n}") for n in range(RUNS)]
    for number, run in enumerate(made):
        run.history.shared = place
        run.history.remember(repair(what=f"w{number}", text=f"E: w{number}"))

    def merged(run: Run) -> bool:
        try:
            run.history.close_and_merge()
        except StoreError:
            return False
        return True

    assert merged(made[0])
    way.at = way.seen + way.seen // 2  # in the middle of some run's merge
    first = [merged(run) for run in made[1:6]]
    assert way.broken and not all(first), "the positive control: some met no server"
    server.start()
    first += [merged(run) for run in made[6:]]
    merge_pending(runs, place)
    assert merge_pending(runs, place) == 0
    with Shared(place) as store:
        found = sorted(item["what"] for _, item in store.iterate())
    way.close()
    assert found == sorted(f"w{n}" for n in range(RUNS))
