"""A Chroma server that is killed and started again while many runs merge what they learned: all of it arrives, once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Chroma, free_port
from ways import Way

from memory.items import StoreError
from memory.merge import merge_pending
from memory.shared import Place, Shared
from tests.test_history import Run
from tests.test_memory_server import repair

pytestmark = pytest.mark.scale
RUNS = 12


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Chroma]:
    made = Chroma(tmp_path / "chroma")
    yield made
    made.kill()


def learned(runs: Path, count: int) -> list[Run]:
    made = [Run(runs, f"run-{n}") for n in range(count)]
    for number, run in enumerate(made):
        run.history.remember(repair(what=f"w{number}", text=f"E: w{number}"))
    return made


def arrived(place: Place, count: int) -> bool:
    with Shared(place) as store:
        return sorted(item["what"] for _, item in store.iterate()) == sorted(f"w{n}" for n in range(count))


def test_what_runs_learned_arrives_once_whenever_the_server_is_killed_and_started_again(
    tmp_path: Path, server: Chroma
) -> None:
    again = threading.Timer(1.0, server.start)

    def restart() -> None:
        server.kill()
        again.start()

    way = Way(server.port, b"POST ", at=0, then=restart)
    place = Place(tmp_path / "runs" / "history", f"http://127.0.0.1:{way.own}")
    made = learned(tmp_path / "runs", RUNS)
    for number, run in enumerate(made):
        run.history.own.shared = place
        if number == 1:
            way.at = way.seen + way.seen // 2  # in the middle of some run's merge
        run.history.close_and_merge()
    again.join()
    assert way.broken, "the positive control: it was killed"
    assert merge_pending(tmp_path / "runs", place) == 0 and arrived(place, RUNS)
    way.close()


def test_what_a_run_learned_while_nobody_was_there_arrives_later(tmp_path: Path, server: Chroma) -> None:
    (run,) = learned(tmp_path / "runs", 1)
    run.history.own.shared = Place(tmp_path / "runs" / "history", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreError, match="does not answer"):
        run.history.close_and_merge()
    place = Place(tmp_path / "runs" / "history", server.url)
    assert merge_pending(tmp_path / "runs", place) == 1 and arrived(place, 1)
