"""Other users of the machine can neither read the ledger and the memory nor hold their locks."""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.database import Database
from budgetmlagent.money.ledger import Ledger
from memory.locks import keep_to_oneself, locked
from memory.store import Store

OPENS = "import sys\nfor name in sys.argv[1:]:\n    try: open(name).close(); print(name)\n    except OSError: pass"


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_the_ledger_its_files_and_its_lock_are_their_owners_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.open_run("r", 1)
    names = {f"ledger.{end}" for end in ("sqlite", "sqlite-wal", "sqlite-shm", "lock")}
    assert modes(tmp_path) == dict.fromkeys(names, 0o600)


def test_files_of_ours_that_others_could_read_are_taken_from_them(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.sqlite").open_run("r", 1)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    assert Ledger(tmp_path / "ledger.sqlite").cap("r") == 1
    assert set(modes(tmp_path).values()) == {0o600}
    store = Store(tmp_path / "history")
    store.folder.mkdir(mode=0o755)
    with store.hold():
        assert store.folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to("ledger.lock")
    (tmp_path / "ledger.lock").chmod(0o644)
    keep_to_oneself(tmp_path / "link")
    assert (tmp_path / "ledger.lock").stat().st_mode & 0o777 == 0o644


def test_a_lock_that_somebody_keeps_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with open(tmp_path / "ledger.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = r"ledger .*: another process holds ledger\.lock; wait for it to end, or end it"
        with pytest.raises(UnavailableError, match=said):
            Database(path, patience=0.1)
    assert Ledger(path).project_cap() is None
    with pytest.raises(TimeoutError), locked(tmp_path / "a.lock"), locked(tmp_path / "a.lock", 0):
        pass


def test_a_ledger_is_opened_a_second_time_without_losing_the_locks_of_the_first(tmp_path: Path) -> None:
    """To close a database's file in this process would undo SQLite's locks on it."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    other = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try: db.execute('BEGIN IMMEDIATE'); print('taken')\n"
        "except sqlite3.OperationalError: print('held')"
    )
    with closing(sqlite3.connect(ledger.place, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        for path in tmp_path.iterdir():
            path.chmod(0o644)
            keep_to_oneself(path)
        told = subprocess.run(
            [sys.executable, "-I", "-c", other, ledger.place], check=True, capture_output=True, text=True
        )
    assert told.stdout == "held\n"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs another user")
def test_another_user_opens_none_of_them(tmp_path: Path) -> None:
    place = Path("/proc/self/cwd")  # whatever leads there may be closed to him
    Ledger(tmp_path / "ledger.sqlite").open_run("r", 1)
    with Store(tmp_path / "history").hold():
        pass
    tmp_path.chmod(0o755)
    names = ["ledger.sqlite", "ledger.sqlite-wal", "ledger.lock", "history/lock"]
    child = [
        "setpriv",
        "--reuid=61234",
        "--regid=61234",
        "--clear-groups",
        "/usr/bin/python3",
        "-I",
        "-c",
        OPENS,
    ]
    command = [*child, *(str(place / name) for name in names)]
    if not Path("/usr/bin/python3").exists():
        pytest.skip("needs a Python that another user can start")
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == ""
    for name in names:
        (tmp_path / name).chmod(0o644)
    (tmp_path / "history").chmod(0o755)
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(told.stdout.split()) == len(names)  # without the guard
