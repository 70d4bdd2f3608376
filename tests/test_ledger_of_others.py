"""A ledger that somebody else wrote: nothing that it declares, and no odd value in it, moves a cap."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import Call, Ledger, Refused, Reservation

IGNORING = (
    "CREATE TABLE less AS SELECT * FROM runs; DROP TABLE runs;"
    "CREATE TABLE runs (run TEXT PRIMARY KEY ON CONFLICT IGNORE, cap INTEGER NOT NULL);"
    "INSERT INTO runs SELECT * FROM less; DROP TABLE less"
)
FORGETS = "DROP TRIGGER sum_at_insert"


def call(step: int) -> Call:
    return Call(key=f"r/{step}/coder", run="r", step=step, node="coder", model="m", served="m", price="p")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.open_run("r", 10)
    ledger.reserve(call(0), 1)
    return ledger.place


def altered(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (FORGETS, "none of budgetml's"),
        ("CREATE TRIGGER more AFTER UPDATE ON calls BEGIN UPDATE sums SET nano = 0; END", "holds a trigger"),
        (IGNORING, "none of budgetml's"),
        ("CREATE TABLE more (a)", "none of budgetml's"),
        ("CREATE UNIQUE INDEX more ON calls (run)", "none of budgetml's"),
        ("INSERT INTO forks VALUES ('r', 'r', x'41', 0)", "a value of a wrong type"),
        ("INSERT INTO runs VALUES (NULL, 1000)", "a value of a wrong type"),
        ("UPDATE sums SET nano = -1000 WHERE root = ''", "gave money back"),
        ("UPDATE calls SET settled = -1000", "gave money back"),
        ("UPDATE calls SET reserved = -1000", "gave money back"),
        ("CREATE TABLE was_calls (a); PRAGMA user_version = 1", "already exists|already another table"),
        (f"DROP TABLE runs; CREATE TABLE runs (run, cap); INSERT INTO runs VALUES ('r', NULL); {FORGETS}; PRAGMA user_version = 1", "contradict each other"),
    ],
)  # fmt: skip
def test_a_ledger_that_budgetml_would_not_have_written_is_refused(path: Path, script: str, said: str) -> None:
    altered(path, script)
    with pytest.raises(UnavailableError, match=f"ledger .*{said}"):
        Ledger(path)


def test_without_the_guard_a_cap_would_be_passed(path: Path) -> None:
    """The positive control: the file is altered behind a ledger that is open."""
    ledger = Ledger(path)
    altered(path, FORGETS)
    assert all(isinstance(ledger.reserve(call(step), 9), Reservation) for step in range(1, 4))
    with pytest.raises(UnavailableError):
        Ledger(path)


@pytest.mark.parametrize("script", [FORGETS, IGNORING, "CREATE UNIQUE INDEX more ON calls (run)"])
def test_the_tables_of_an_older_ledger_are_made_anew(path: Path, script: str) -> None:
    altered(path, f"{script}; PRAGMA user_version = 3")
    ledger = Ledger(path)
    assert (ledger.spent("r"), ledger.cap("r")) == (1, 10)
    assert isinstance(ledger.reserve(call(1), 9), Reservation)
    assert isinstance(ledger.reserve(call(2), 1), Refused)
    assert [entry.step for entry in Ledger(path).calls("r")] == [0, 1]
