"""The ledger's Postgres database: its tables, one connection a process, transactions that survive a restart of the server.

They are what `database.py` has in a file. One row, which says the version, is the lock that every transaction holds from
its start: so no two machines look at a cap at once. Where the connection breaks before a transaction was committed, it
is done again; where it breaks while that was asked for, it is looked up whether its number stands among the writers. (The
server's own number of a transaction would not do: after a crash it is given again.)
"""

import atexit
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from budgetmlagent import postgres
from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.database import RECORDED, SUMMED, Books
from budgetmlagent.postgres import Address, LostError, patiently

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
WHAT = "ledger"
VERSION = 1
OPENING = 10.0  # seconds that a server which is asked for the first time may be away
SETTING_UP = 0x6275646765746D6C  # the lock of those who make the tables
TABLES = """
CREATE SCHEMA IF NOT EXISTS budgetml;
CREATE TABLE IF NOT EXISTS budgetml.ledger (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS budgetml.runs (run TEXT PRIMARY KEY, cap BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS budgetml.calls (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, number INTEGER NOT NULL, run TEXT NOT NULL, step INTEGER NOT NULL,
    node TEXT NOT NULL, model TEXT NOT NULL, served TEXT NOT NULL, price TEXT NOT NULL, prompt TEXT NOT NULL,
    bytes BIGINT NOT NULL, reserved BIGINT NOT NULL CHECK (reserved >= 0), settled BIGINT CHECK (settled >= 0),
    tokens_in BIGINT NOT NULL DEFAULT 0, tokens_out BIGINT NOT NULL DEFAULT 0, cached BIGINT NOT NULL DEFAULT 0,
    request TEXT NOT NULL DEFAULT '', reply TEXT NOT NULL DEFAULT '', text TEXT, finish TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '', created DOUBLE PRECISION NOT NULL, closed DOUBLE PRECISION,
    answered TEXT NOT NULL DEFAULT '', thought BIGINT NOT NULL DEFAULT 0, thought_nano BIGINT NOT NULL DEFAULT 0,
    rowid BIGINT GENERATED ALWAYS AS IDENTITY, UNIQUE (key, number));
CREATE TABLE IF NOT EXISTS budgetml.forks (
    run TEXT PRIMARY KEY, origin TEXT NOT NULL, root TEXT NOT NULL, born DOUBLE PRECISION NOT NULL);
CREATE INDEX IF NOT EXISTS calls_of_run ON budgetml.calls (run);
CREATE INDEX IF NOT EXISTS calls_of_prompt ON budgetml.calls (prompt);
CREATE INDEX IF NOT EXISTS tokens_per_byte ON budgetml.calls (served, price, (1.0 * tokens_in / bytes))
    WHERE tokens_in > 0 AND bytes > 0;
CREATE TABLE IF NOT EXISTS budgetml.sums (
    root TEXT NOT NULL, node TEXT NOT NULL, nano BIGINT NOT NULL, PRIMARY KEY (root, node));
"""
# A call that is entered, changed or taken back changes the sums of the project, its run and its node.
TRIGGER = f"""
CREATE OR REPLACE FUNCTION budgetml.summed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry budgetml.calls;
    change BIGINT := 0;
    top TEXT;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        entry := OLD;
        change := - coalesce(OLD.settled, OLD.reserved);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        entry := NEW;
        change := change + coalesce(NEW.settled, NEW.reserved);
    END IF;
    top := coalesce((SELECT root FROM budgetml.forks WHERE run = entry.run), entry.run);
    INSERT INTO budgetml.sums VALUES
        ('', '', CASE WHEN entry.price = '{RECORDED}' THEN 0 ELSE change END), (top, '', change), (top, entry.node, change)
    ON CONFLICT (root, node) DO UPDATE SET nano = sums.nano + excluded.nano;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS summed ON budgetml.calls;
CREATE TRIGGER summed AFTER INSERT OR UPDATE OR DELETE ON budgetml.calls
    FOR EACH ROW EXECUTE FUNCTION budgetml.summed();
INSERT INTO budgetml.ledger SELECT {VERSION} WHERE NOT EXISTS (SELECT 1 FROM budgetml.ledger);
"""  # noqa: S608
# Not by `to_regclass`: its answer is remembered, and the one from before a lock was waited for would be given after it.
MADE = """
SELECT ARRAY(SELECT tablename::text FROM pg_tables WHERE schemaname = 'budgetml') AS tables,
    current_setting('server_encoding') AS encoding
"""
# Each connection that has written, and the number of its last transaction: what was committed can be told from what was not.
WRITERS = """
CREATE TABLE IF NOT EXISTS budgetml.writers (
    writer TEXT PRIMARY KEY, number BIGINT NOT NULL, written TIMESTAMPTZ NOT NULL);
"""
GONE = "DELETE FROM budgetml.writers WHERE written < now() - interval '1 day'"
HOLD = "SELECT version FROM budgetml.ledger FOR UPDATE"
BEGUN = f"""
WITH held AS ({HOLD}) INSERT INTO budgetml.writers SELECT %s, %s, now() FROM held
ON CONFLICT (writer) DO UPDATE SET number = excluded.number, written = excluded.written
"""  # noqa: S608
ENDED = "SELECT 1 FROM budgetml.writers WHERE writer = %s AND number >= %s"
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"


class Server:
    """The database, for any number of threads, processes and machines at once."""

    DAY = "to_char(to_timestamp(created) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"  # of a call, in UTC

    def __init__(self, place: Address) -> None:
        """Open it, or make its tables. Raises UnavailableError where it cannot be used."""
        self.place = place
        self._turn = threading.Lock()
        self._db: psycopg.Connection[Any] | None = None
        self._process = 0
        self._writer, self._number = "", 0  # of the connection, and its last transaction
        try:
            patiently(lambda: self._tried(_set_up), OPENING)
        except BaseException:
            self.close()
            raise

    @classmethod
    def at(cls, place: Address) -> "Server":
        """Return the one of this process: however often a ledger is opened, it has one connection."""
        return _opened(place, os.getpid())

    def read(self, work: Callable[[Books], T]) -> T:
        """Return what `work` reads."""
        return patiently(lambda: self._tried(lambda db: work(Session(db))))

    def write(self, work: Callable[[Books], T]) -> T:
        """Do `work` in a transaction that nobody else writes in from its start to its end, here or elsewhere.

        It is done once, whatever becomes of the connection; raises UnavailableError where that cannot be said.
        """
        return patiently(lambda: self._tried(lambda db: self._in_transaction(db, work)))

    def now(self, db: Books) -> float:
        """Seconds since the epoch, by the server's clock: machines differ in theirs."""
        return float(db.execute(CLOCK).fetchone()["now"])

    def remake(self) -> None:
        """Make the sums anew from the calls."""
        self.write(lambda db: [db.execute(part) for part in SUMMED.split(";") if part.strip()])

    def _tried(self, work: "Callable[[psycopg.Connection[Any]], T]") -> T:
        """Do `work` with this process' connection. Raises LostError where it broke, and nothing has happened."""
        import psycopg

        with self._turn:
            try:
                return work(self._connected())
            except psycopg.IntegrityError:
                raise  # a wrong use of the ledger, not a fault of its database
            except psycopg.Error as error:
                told = postgres.fault(WHAT, self.place, error)
                if self._db is None or self._db.closed:
                    raise LostError(told) from error
                raise UnavailableError(told) from error

    def _in_transaction(self, db: "psycopg.Connection[Any]", work: Callable[[Books], T]) -> T:
        import psycopg

        self._number += 1
        transaction = (self._writer, self._number)
        try:
            db.execute("BEGIN")
            if not db.execute(BEGUN, transaction).rowcount:  # nothing would be held
                raise UnavailableError(f"{WHAT} {self.place}: budgetml.ledger is empty; {LOOK}")
            if self._number == 1:
                db.execute(GONE)
            result = work(Session(db))
        except BaseException:
            with suppress(psycopg.Error):
                db.execute("ROLLBACK")
            raise
        try:
            db.execute("COMMIT")
        except psycopg.OperationalError as error:
            if not db.closed:
                raise
            if not patiently(lambda: self._committed(transaction)):
                raise LostError(postgres.fault(WHAT, self.place, error)) from error
        return result

    def _committed(self, transaction: tuple[str, int]) -> bool:
        """Look up whether a transaction was committed whose end was not heard of. Raises LostError: that is not known yet."""
        import psycopg

        db = self._connected()
        try:
            with db.transaction():
                db.execute(HOLD)  # who has not noticed yet that nobody listens still has it
                return db.execute(ENDED, transaction).fetchone() is not None
        except psycopg.OperationalError as error:
            if db.closed:
                raise LostError(postgres.fault(WHAT, self.place, error)) from error
            raise

    def _connected(self) -> "psycopg.Connection[Any]":
        """This process' connection; a new one where that is gone, or was left in the middle of a transaction."""
        from psycopg.pq import TransactionStatus

        if self._db is not None and self._process != os.getpid():
            _OTHERS.append(self._db)  # of the process that this one was forked from, which goes on with it
            self._db = None
        if self._db is not None and self._db.info.transaction_status != TransactionStatus.IDLE:
            self._db.close()
        if self._db is None or self._db.closed:
            self._db, self._process = postgres.connect(self.place, WHAT), os.getpid()
            self._writer, self._number = uuid4().hex, 0
            self._db.execute("SELECT set_config('search_path', 'budgetml', false)")
        return self._db

    def close(self) -> None:
        """End the connection; the next use opens another."""
        if self._db is not None and self._process == os.getpid():
            self._db.close()


class Session:
    """The connection as statements see it that are written for both databases."""

    def __init__(self, db: "psycopg.Connection[Any]") -> None:
        self._db = db

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Do one statement and return its cursor."""
        if isinstance(parameters, dict):
            return self._db.execute(
                _translated(sql), {name: _text(each) for name, each in parameters.items()}
            )
        return self._db.execute(_translated(sql), [_text(each) for each in parameters])


@lru_cache(maxsize=256)
def _translated(sql: str) -> bytes:
    """Return a statement with its `?` and `:name` as psycopg writes them."""
    return re.sub(r"(?<!:):([a-z_]+)", r"%(\1)s", sql.replace("?", "%s")).encode()


def _text(value: Any) -> Any:
    """Return a parameter without the one character that Postgres keeps in no text; the reply's artifact has it."""
    return value.replace("\0", "\N{SYMBOL FOR NULL}") if isinstance(value, str) else value


def _set_up(db: "psycopg.Connection[Any]") -> None:
    """Make the tables where there are none. Raises UnavailableError where they are newer than this program."""
    name, found = db.info.dbname, _found(db)
    if found["encoding"] != "UTF8":
        raise UnavailableError(
            f"{WHAT} in database {name}: its encoding is {found['encoding']}, which cannot hold every reply: make one with"
            " createdb --encoding UTF8 --template template0"
        )
    if not {"ledger", "writers"} <= set(found["tables"]):
        with db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (SETTING_UP,))
            # Who made them meanwhile may have begun to write: made again, they would be locked under it.
            if "ledger" not in _found(db)["tables"]:
                db.execute((TABLES + TRIGGER).encode())
            db.execute(WRITERS)  # which ledgers of earlier versions lack
    row = db.execute("SELECT version FROM budgetml.ledger").fetchone()
    if row is None or row["version"] > VERSION:
        raise UnavailableError(
            f"{WHAT} in database {name}: a newer version of budgetml made it; update this one"
        )


def _found(db: "psycopg.Connection[Any]") -> dict[str, Any]:
    """Return whether there are tables, and the encoding."""
    row: dict[str, Any] | None = db.execute(MADE).fetchone()
    assert row is not None
    return row


@cache
def _opened(place: Address, _process: int) -> Server:
    server = Server(place)
    atexit.register(server.close)
    return server


_OTHERS: "list[psycopg.Connection[Any]]" = []
