"""One cap, many processes and threads, a provider full of faults, and SIGKILL: what the ledger says stays true."""

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from drill import NOT_BILLED, SPAWN, UNKNOWN, BusyServer, answer, drill, name_of, spend, turn

from budgetmlagent.money.ledger import Ledger
from memory.state import NANO


@pytest.mark.parametrize(
    ("processes", "threads", "calls"), [(2, 8, 200), pytest.param(8, 64, 10_000, marks=pytest.mark.soak)]
)
def test_a_cap_holds_and_the_ledger_is_the_servers_count_to_the_nano_dollar(
    tmp_path: Path, processes: int, threads: int, calls: int
) -> None:
    told = drill(tmp_path, processes, threads, calls)
    print(told)
    assert 0.95 * told.cap < told.most <= told.cap and told.samples > 10 and told.wrong == 0
    assert told.settled == told.served > 0
    assert told.faults["refused"] > 0 and sum(told.faults.values()) == calls
    # Each request has its entry and each entry its request; those of unknown outcome, and no others, are still reserved.
    faults = {entry.id: turn(entry.key.split("/")[1]).fault for entry in told.entries}
    assert {entry.id for entry in told.open} == {id for id, fault in faults.items() if fault in UNKNOWN}
    assert all(entry.nano == 0 for entry in told.entries if faults[entry.id] in NOT_BILLED)
    assert told.requests == {entry.key.split("/")[1]: 1 for entry in told.entries}


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_a_process_killed_while_calling_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, kills: int
) -> None:
    names, chance = [f"call-{n}" for n in range(60 * kills)], random.Random(kills)
    book = Ledger(tmp_path / "ledger.sqlite")
    book.open_run("r", NANO)
    with BusyServer(respond=answer) as server:
        for _ in range(kills):
            paid = {entry.key.split("/")[1] for entry in book.calls("r") if entry.text is not None}
            before = len(server.requests)
            process = SPAWN.Process(target=spend, args=(server.url, tmp_path, names, 8))
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
