"""The ledger's server and the way to it: what breaks is done again and never twice, and no password is shown."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from servers import Postgres, free_port, postgres
from ways import Way

from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import Answer, Call, Ledger, Refused, Reservation
from budgetmlagent.money.report import cost_of
from budgetmlagent.money.server import SETTING_UP, TABLES, TRIGGER, Server
from budgetmlagent.postgres import Address
from budgetmlagent.upkeep.shared import of_ledger

pytestmark = pytest.mark.scale


def call(name: str = "a", run: str = "r") -> Call:
    return Call(key=f"{run}/{name}/coder", run=run, step=1, node="coder", model="m", served="m", price="p")


@pytest.fixture
def way() -> Iterator[Callable[..., Way]]:
    made: list[Way] = []
    yield lambda word, arrives: made.append(Way(postgres().port, word, arrives=arrives)) or made[-1]
    for each in made:
        each.close()


@pytest.fixture
def url() -> str:
    return postgres().database()


def through(url: str, way: Way) -> Address:
    return Address(url.replace(f":{postgres().port}/", f":{way.own}/") + "?sslmode=disable")


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("word", [b"COMMIT", b"BEGIN", b"INSERT INTO calls"])
def test_what_breaks_is_done_once(url: str, way: Callable[..., Way], word: bytes, arrives: bool) -> None:
    straight = Ledger(Address(url))
    straight.open_run("r", 100)
    breaking = way(word, arrives)
    book = Ledger(through(url, breaking))
    book.left("r")
    room = book.reserve(call(), 60)
    assert breaking.broken == 1, "the positive control: the way broke"
    assert isinstance(room, Reservation) and room.id == "r/a/coder/1"
    assert [entry.id for entry in straight.calls("r")] == [room.id]
    assert isinstance(book.reserve(call("b"), 41), Refused)
    book.settle(room.id, 7, Answer(text="x"))
    assert straight.spent("r") == 7


def test_a_settlement_whose_end_was_not_heard_is_not_done_again(url: str, way: Callable[..., Way]) -> None:
    straight = Ledger(Address(url))
    straight.open_run("r", 100)
    room = straight.reserve(call(), 60)
    assert isinstance(room, Reservation)
    breaking = way(b"COMMIT", True)
    Ledger(through(url, breaking)).settle(
        room.id, 7, Answer(text="x")
    )  # again, it would be no open reservation
    assert (breaking.broken, straight.spent("r")) == (1, 7)


def test_what_ended_is_asked_until_it_is_known(url: str, way: Callable[..., Way]) -> None:
    straight = Ledger(Address(url))
    straight.open_run("r", 100)
    room = straight.reserve(call(), 60)
    assert isinstance(room, Reservation)
    first = way(b"COMMIT", True)
    again = Way(first.own, b"FROM budgetml.writers WHERE writer")
    Ledger(through(url, again)).settle(room.id, 7, Answer(text="x"))
    again.close()
    assert (first.broken, again.broken, straight.spent("r")) == (1, 1, 7)


def test_a_transaction_that_a_crash_undid_is_done_again_though_its_number_is_given_to_another() -> None:
    server = Postgres()
    try:
        place = Address(server.database())
        straight = Ledger(place)
        straight.open_run("r", 100)

        def crash() -> None:
            server.stop("immediate")
            server.start()
            straight.reserve(call("other"), 1)

        breaking = Way(server.port, b"COMMIT", at=2, then=crash)
        book = Ledger(
            Address(place.url.replace(f":{server.port}/", f":{breaking.own}/") + "?sslmode=disable")
        )
        book.reserve(call("first"), 1)
        room = book.reserve(call(), 60)
        breaking.close()
        assert breaking.broken == 1 and isinstance(room, Reservation)
        assert {entry.id: entry.reserved for entry in straight.calls("r")} == {
            "r/first/coder/1": 1, "r/other/coder/1": 1, room.id: 60
        }  # fmt: skip
    finally:
        server.close()


def test_who_has_long_not_written_is_forgotten(url: str) -> None:
    Ledger(Address(url)).open_run("r", 100)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("UPDATE budgetml.writers SET written = now() - interval '2 days'")
        Ledger(Address(url + "?application_name=other")).open_run("s", 100)
        kept = db.execute("SELECT written > now() - interval '1 day' FROM budgetml.writers").fetchall()
    assert kept == [(True,)]


def test_a_ledger_of_an_earlier_version_gets_what_it_lacks_while_others_write(url: str) -> None:
    with psycopg.connect(url) as db:
        db.execute((TABLES + TRIGGER).encode())
        db.commit()
        db.execute("LOCK TABLE budgetml.calls IN ROW EXCLUSIVE MODE")
        book = Ledger(Address(url))
        book.open_run("r", 100)
        assert book.left("r") == 100


def test_who_stands_still_in_a_transaction_loses_the_ledger_to_others(url: str) -> None:
    setting = "SELECT current_setting('idle_in_transaction_session_timeout') AS still, current_setting('lock_timeout') AS wait"
    Ledger(Address(url))
    found = Server.at(Address(url)).read(lambda db: db.execute(setting).fetchone())
    assert found == {
        "still": "30s",
        "wait": "1min",
    }  # a machine that is gone holds it for less long than others wait


def test_a_server_that_restarts_is_waited_for(url: str) -> None:
    server = Postgres()
    try:
        book = Ledger(Address(server.database()))
        book.open_run("r", 100)
        server.stop()
        again = threading.Timer(0.5, server.start)
        again.start()
        assert isinstance(book.reserve(call(), 1), Reservation)
        again.join()
        server.stop("immediate")
        again = threading.Timer(0.5, server.start)
        again.start()
        assert book.spent("r") == 1
        again.join()
    finally:
        server.close()


def test_who_waited_for_those_who_made_the_tables_takes_no_lock_under_who_writes(url: str) -> None:
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(url) as first, ThreadPoolExecutor(1) as pool:
        first.execute("SELECT pg_advisory_lock(%s)", (SETTING_UP,))
        late = pool.submit(Ledger, Address(url))
        while not first.execute(waits).fetchone()[0]:
            time.sleep(0.01)
        first.execute((TABLES + TRIGGER).encode())
        first.commit()
        first.execute("LOCK TABLE budgetml.calls IN ROW EXCLUSIVE MODE")
        first.execute("SELECT pg_advisory_unlock(%s)", (SETTING_UP,))
        try:
            late.result(20)
        finally:
            first.rollback()


def test_a_process_that_was_forked_has_a_connection_of_its_own(url: str) -> None:
    book = Ledger(Address(url))
    book.open_run("r", 100)
    if not (child := os.fork()):
        os._exit(0 if isinstance(book.reserve(call(), 30), Reservation) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert book.spent("r") == 30 and isinstance(book.reserve(call("b"), 71), Refused)


def test_a_text_may_hold_whatever_a_model_says(url: str) -> None:
    book = Ledger(Address(url))
    book.open_run("r", 100)
    room = book.reserve(call(), 1)
    assert isinstance(room, Reservation)
    book.settle(room.id, 1, Answer(text="a\0b 'c' %s ? :name \\ ✓ 𝒳"))
    assert [entry.text for entry in book.calls("r")] == ["a␀b 'c' %s ? :name \\ ✓ 𝒳"]
    assert cost_of(book, "r").usd_settled == 1e-9


def test_faults_are_one_line_without_the_password(url: str) -> None:
    server, word = postgres(), "s3cret-word"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE USER u{server.port} PASSWORD '{word}'")
        name = db.info.dbname
    weak = f"postgresql://u{server.port}:{word}@127.0.0.1:{server.port}/{name}"
    other = server.database("SQL_ASCII")
    for bad, said in (
        (weak, "GRANT CREATE ON DATABASE"),
        (weak.replace(word, f"{word}x"), "check its user and password"),
        (weak + "x", "make the database"),
        (other, "createdb --encoding UTF8"),
    ):
        with pytest.raises(UnavailableError, match=said) as caught:
            Ledger(Address(bad))
        assert (
            "\n" not in str(caught.value)
            and word not in str(caught.value)
            and server.password not in str(caught.value)
        )


def test_a_newer_ledger_is_refused(url: str) -> None:
    Ledger(Address(url)).open_run("r", 100)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("UPDATE budgetml.ledger SET version = 99")
    with pytest.raises(UnavailableError, match="a newer version of budgetml made it"):
        Ledger(Address(url + "?application_name=other"))


def test_nobody_there_is_said() -> None:
    found = of_ledger(Address(f"postgresql://u:word@127.0.0.1:{free_port()}/d"))
    assert (
        not found["ok"]
        and "is it running, and can it be reached" in found["detail"]
        and "word" not in found["detail"]
    )
