"""One cap in a database, many processes and threads, faults, kills and restarts of the server: what the ledger says stays true."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from drill import UNKNOWN, check, connected, drill, killed, turn
from servers import DURABLE, Postgres

from budgetmlagent.postgres import Address

pytestmark = pytest.mark.scale
SIZES = pytest.mark.parametrize(
    ("processes", "threads", "calls"), [(4, 8, 300), pytest.param(8, 64, 10_000, marks=pytest.mark.soak)]
)


@pytest.fixture
def server() -> Iterator[Postgres]:
    made = Postgres(*DURABLE)
    yield made
    made.close()


@SIZES
def test_a_cap_holds_and_the_ledger_is_the_servers_count_to_the_nano_dollar(
    tmp_path: Path, server: Postgres, processes: int, threads: int, calls: int
) -> None:
    told = drill(tmp_path, Address(server.database()), processes, threads, calls)
    print(told)
    check(told, calls)


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_a_process_killed_while_calling_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, server: Postgres, kills: int
) -> None:
    killed(tmp_path, Address(server.database()), kills)


def entered(place: Address) -> int:
    """Return how many calls the ledger has; 0 where it has not been made."""
    with suppress(psycopg.Error), closing(connected(place)) as db:
        return int(db.execute("SELECT count(*) FROM calls").fetchone()[0])
    return 0


@contextmanager
def restarted(server: Postgres, place: Address, every: int) -> Iterator[list[str]]:
    """Stop and start the server after each `every` calls, in order and as a power cut does; what was done is told."""
    done, told = threading.Event(), list[str]()

    def restart() -> None:
        while not done.wait(0.05):
            if entered(place) >= every * (len(told) + 1):
                told.append("immediate" if len(told) % 2 else "fast")
                server.stop(told[-1])
                server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield told
    finally:
        done.set()
        thread.join()


@SIZES
def test_a_server_that_restarts_loses_nothing_and_nothing_is_paid_twice(
    tmp_path: Path, server: Postgres, processes: int, threads: int, calls: int
) -> None:
    place = Address(server.database())
    with restarted(server, place, calls // 10) as restarts:
        told = drill(tmp_path, place, processes, threads, calls, watched=False)
    print(told, restarts)
    assert restarts, "the positive control: it restarted"
    assert told.settled == told.served > 0
    faults = {entry.id: turn(entry.key.split("/")[1]).fault for entry in told.entries}
    assert {entry.id for entry in told.open} == {id for id, fault in faults.items() if fault in UNKNOWN}
    assert told.requests == {entry.key.split("/")[1]: 1 for entry in told.entries}
    assert sum(entry.nano for entry in told.entries) <= told.cap
