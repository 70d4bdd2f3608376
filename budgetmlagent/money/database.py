"""The ledger's SQLite file: its tables, one connection a thread, transactions, one typed error for all its faults.

`calls`, `runs` and `forks` are the truth. `sums` follows from them, kept by triggers in the same transactions: without
it each reservation would add up all calls that were ever made.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from budgetmlagent.disk import DATABASE_ERRORS, remedy
from budgetmlagent.errors import UnavailableError
from memory.locks import MODE, PATIENCE, keep_to_oneself, locked
from memory.tables import only_tables

VERSION = 4
NEWER = "a newer version of budgetml made it; update this one, or choose another --runs-dir"
BUSY_SECONDS = 60.0
# The price of a call that is replayed: money of its own run's ledger, but nobody's dollars.
RECORDED = "recorded"
TABLES = """
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, cap INTEGER NOT NULL);  -- the run '' is the whole project
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, number INTEGER NOT NULL, run TEXT NOT NULL, step INTEGER NOT NULL,
    node TEXT NOT NULL, model TEXT NOT NULL, served TEXT NOT NULL, price TEXT NOT NULL, prompt TEXT NOT NULL,
    bytes INTEGER NOT NULL, reserved INTEGER NOT NULL, settled INTEGER,
    tokens_in INTEGER NOT NULL DEFAULT 0, tokens_out INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0,
    request TEXT NOT NULL DEFAULT '', reply TEXT NOT NULL DEFAULT '', text TEXT, finish TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '', created REAL NOT NULL, closed REAL,
    answered TEXT NOT NULL DEFAULT '', thought INTEGER NOT NULL DEFAULT 0, thought_nano INTEGER NOT NULL DEFAULT 0,
    UNIQUE (key, number));
CREATE TABLE IF NOT EXISTS forks (run TEXT PRIMARY KEY, origin TEXT NOT NULL, root TEXT NOT NULL, born REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_of_run ON calls (run);
CREATE INDEX IF NOT EXISTS calls_of_prompt ON calls (prompt);
CREATE INDEX IF NOT EXISTS tokens_per_byte ON calls (served, price, 1.0 * tokens_in / bytes)
    WHERE tokens_in > 0 AND bytes > 0;
-- Of the project (root '', node ''), of each run with its forks (node ''), and of each of their nodes.
CREATE TABLE IF NOT EXISTS sums (
    root TEXT NOT NULL, node TEXT NOT NULL, nano INTEGER NOT NULL, PRIMARY KEY (root, node)) WITHOUT ROWID;
"""
# As both databases understand it.
SUMMED = f"""
DELETE FROM sums;
WITH worth AS (
    SELECT coalesce(root, calls.run) AS root, node, coalesce(settled, reserved) AS nano, price
    FROM calls LEFT JOIN forks ON forks.run = calls.run)
INSERT INTO sums SELECT root, node, sum(nano) FROM (
    SELECT '' AS root, '' AS node, nano FROM worth WHERE price <> '{RECORDED}' UNION ALL
    SELECT root, '', nano FROM worth UNION ALL SELECT root, node, nano FROM worth) AS parts
GROUP BY root, node;
"""  # noqa: S608


def _trigger(event: str, row: str, change: str) -> str:
    root = f"coalesce((SELECT root FROM forks WHERE run = {row}.run), {row}.run)"  # noqa: S608
    return f"""
CREATE TRIGGER IF NOT EXISTS sum_at_{event} AFTER {event} ON calls BEGIN
    INSERT INTO sums VALUES ('', '', iif({row}.price = '{RECORDED}', 0, {change})), ({root}, '', {change}), ({root}, {row}.node, {change})
    ON CONFLICT DO UPDATE SET nano = nano + excluded.nano;
END;"""  # noqa: S608


NEW, OLD = "coalesce(NEW.settled, NEW.reserved)", "coalesce(OLD.settled, OLD.reserved)"
TRIGGERS = (
    _trigger("insert", "NEW", NEW)
    + _trigger("update", "NEW", f"{NEW} - {OLD}")
    + _trigger("delete", "OLD", f"-{OLD}")
)


KEPT = ("runs", "calls", "forks")  # the truth; all else in the file follows from it
DECLARED = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
T = TypeVar("T")


class Books(Protocol):
    """An open database, as what is done in it sees it: parameters are `?` or `:name`, columns of rows are read by name."""

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Do one statement and return its cursor."""


class Database:
    """The file, for any number of threads and processes at once."""

    DAY = "date(created, 'unixepoch')"  # of a call, in UTC

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        """Open the file, or make it, for this user alone; wait for others who do so for `patience` seconds.

        Raises UnavailableError where it or its folder cannot be used, is a link or newer.
        """
        self.path = path
        self._thread = threading.local()
        self._turn = threading.Lock()
        lock = path.with_suffix(".lock")
        beside = [path.with_name(f"{path.name}-{end}") for end in ("wal", "shm", "journal")]
        for file in (path, lock, *beside):
            if file.is_symlink():  # opening writes, and a stranger's link leads to a file of ours
                raise UnavailableError(f"{file}: is a symbolic link; put what it leads to in its place")
            if file.exists() and not file.is_file():
                raise UnavailableError(
                    f"{file}: is no plain file; put the ledger there, or take another --runs-dir"
                )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite does not wait for its turn where two processes make a new file a WAL at once: it fails.
            with locked(lock, patience):
                with suppress(FileExistsError):  # SQLite gives the files beside it the same mode
                    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))
                for file in (path, *beside):
                    keep_to_oneself(file)
                self._set_up()
        except OSError as error:
            raise UnavailableError(f"ledger {path}: {error.strerror}; choose another --runs-dir") from None

    def _set_up(self) -> None:
        with self.reading() as db:
            only_tables(db, statements())
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                raise UnavailableError(f"ledger {self.path}: {NEWER}")
            db.execute("PRAGMA journal_mode=WAL")
            if found < VERSION:
                _rebuild(db)
            _only_ours(db)

    def remake(self) -> None:
        """Make anew what follows from the calls, in a file that somebody else may have written.

        His sums are not kept. Raises UnavailableError as opening it does.
        """
        with self._turn, self.reading() as db:
            _rebuild(db)
            _only_ours(db)

    def read(self, work: Callable[[Books], T]) -> T:
        """Return what `work` reads. Every fault of the file is one typed error with its path."""
        with self.reading() as db:
            return work(db)

    def write(self, work: Callable[[Books], T]) -> T:
        """Do `work` in a transaction that nobody else writes in from its start to its end."""
        with self.writing() as db:
            return work(db)

    def now(self, _: Books) -> float:
        """Seconds since the epoch, by the clock that all entries have."""
        return time.time()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection. Every fault of the file is one typed error with its path."""
        try:
            yield self._connection()
        except sqlite3.IntegrityError:
            raise  # a wrong use of the ledger, not a fault of its file
        except DATABASE_ERRORS as error:
            self._thread.__dict__.clear()
            raise UnavailableError(f"ledger {self.path}: {error}; {remedy(error)}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start, so that check and entry are one.

        The threads of a process queue for it: SQLite alone lets those that wait sleep, and the lucky one goes on.
        """
        with self._turn, self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _connection(self) -> sqlite3.Connection:
        own = self._thread
        if getattr(own, "process", None) != os.getpid():  # SQLite does not allow a connection across a fork
            own.db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
            own.db.row_factory = sqlite3.Row
            own.db.execute("PRAGMA synchronous=FULL")  # what is committed outlives a power cut
            own.file, own.process = self._file(), os.getpid()
        elif own.file != self._file():
            raise sqlite3.DatabaseError("it was moved away or replaced while in use")
        db: sqlite3.Connection = own.db
        return db

    def _file(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_dev, found.st_ino


@cache
def statements() -> frozenset[str]:
    """What a ledger's tables, indexes and triggers were made by, in the words in which SQLite keeps it."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES + TRIGGERS)
        return frozenset(row[0] for row in db.execute(DECLARED))


def _rebuild(db: sqlite3.Connection) -> None:
    """Make a ledger's tables as they are made now, from the rows of those that are there, and what follows from them.

    They may be older ones, none at all, or a stranger's, who declared what becomes of the rows that are written.
    """
    drops, moved = [], []
    for kind, name in db.execute("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL").fetchall():
        if kind != "table":
            drops.append(f"""DROP {kind} "{name.replace('"', '""')}";""")
        elif name in KEPT:
            there = [row["name"] for row in db.execute("SELECT * FROM pragma_table_info(?)", (name,))]
            columns = ", ".join(column for column in _declared()[name] if column in there)
            drops.append(f"ALTER TABLE {name} RENAME TO was_{name};")
            moved.append(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM was_{name} ORDER BY rowid; DROP TABLE was_{name};")  # noqa: S608 # fmt: skip
    made = f"{''.join(drops)}DROP TABLE IF EXISTS sums;{TABLES}{''.join(moved)}{TRIGGERS}{SUMMED}PRAGMA user_version = {VERSION};"
    try:
        db.executescript(f"BEGIN IMMEDIATE;{made}COMMIT;")
    except sqlite3.IntegrityError as error:
        raise sqlite3.DatabaseError(f"its rows contradict each other ({error})") from None


def _only_ours(db: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError for what budgetml never declares or writes in a ledger: it could undo the caps."""
    if {row[0] for row in db.execute(DECLARED)} != statements():
        raise sqlite3.DatabaseError("its tables and triggers are none of budgetml's")
    _only_typed(db)
    for column, table in (("reserved", "calls"), ("settled", "calls"), ("nano", "sums")):
        if db.execute(f"SELECT 1 FROM {table} WHERE {column} < 0 LIMIT 1").fetchone():  # noqa: S608
            raise sqlite3.DatabaseError("it has calls that gave money back; do not go on with it")


@cache
def _declared() -> dict[str, dict[str, tuple[str, ...]]]:
    """What each column of each table may hold: SQLite itself takes any type in any column."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1]: (row[2].lower(), *(() if row[3] or row[5] else ("null",))) for row in db.execute(f"PRAGMA table_info({name})")} for name in names}  # fmt: skip


def _only_typed(db: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError where a table holds a value of another type than it declares here."""
    for table, columns in _declared().items():
        wrong = " OR ".join(
            f"typeof({name}) NOT IN ({', '.join(map(repr, kinds))})" for name, kinds in columns.items()
        )
        if db.execute(f"SELECT 1 FROM {table} WHERE {wrong} LIMIT 1").fetchone():  # noqa: S608
            raise sqlite3.DatabaseError(f"{table} holds a value of a wrong type")
