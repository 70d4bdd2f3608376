"""The ledger: what was promised and what was paid, for all runs, in one SQLite file.

It lies outside the checkpoints, because a fork, a replay or a retry must never give money back. A call is reserved at
its worst case before it is sent and settled at its true price after; whatever happens between, the reservation stays.
Amounts are integers of nano-dollars. A settled call keeps its reply, so a step that is repeated is not paid twice.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock

from budgetmlagent.disk import DATABASE_ERRORS, remedy
from budgetmlagent.errors import UnavailableError, UsageError

BUSY_SECONDS = 30.0
SMALLEST_RATIO = (
    1 / 8
)  # tokens per byte: no tokenizer does better on average, so a lower count is a wrong one
SEEN_AT_LEAST = 3  # calls of a model before its tokens per byte are believed
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, cap INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, number INTEGER NOT NULL, run TEXT NOT NULL, step INTEGER NOT NULL,
    node TEXT NOT NULL, model TEXT NOT NULL, served TEXT NOT NULL, price TEXT NOT NULL, prompt TEXT NOT NULL,
    bytes INTEGER NOT NULL, reserved INTEGER NOT NULL, settled INTEGER,
    tokens_in INTEGER NOT NULL DEFAULT 0, tokens_out INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0,
    request TEXT NOT NULL DEFAULT '', reply TEXT NOT NULL DEFAULT '', text TEXT, finish TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '', created REAL NOT NULL, closed REAL, UNIQUE (key, number));
CREATE INDEX IF NOT EXISTS calls_of_run ON calls (run);
CREATE TABLE IF NOT EXISTS forks (run TEXT PRIMARY KEY, origin TEXT NOT NULL, root TEXT NOT NULL, born REAL NOT NULL);
"""
FAMILY = "SELECT :root UNION SELECT run FROM forks WHERE root = :root"  # the runs that share one cap
PAID = "already paid"  # the price of a reply that an earlier request brought


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that is about to be sent. `key` is the identity of its step; each try gets the id `key/number`."""

    key: str
    run: str
    step: int
    node: str
    model: str  # its name in models.yaml
    served: str  # its name at its host
    price: str  # id of the price
    prompt: str = ""  # artifact id
    bytes: int = 0  # of the prompt's text


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `text` is None where the provider gave an error instead of a reply."""

    text: str | None = None
    finish: str = ""
    reply: str = ""  # artifact id of the text
    request: str = ""  # the provider's id of the request
    tokens_in: int = 0  # cached ones included
    tokens_out: int = 0
    cached: int = 0
    note: str = ""  # one sentence, where the entry needs one


@dataclass(frozen=True, kw_only=True)
class Entry(Call, Answer):
    """One call in the ledger. Amounts in nano-dollars, times in seconds since the epoch."""

    id: str
    number: int
    reserved: int
    settled: int | None
    created: float
    closed: float | None

    @property
    def state(self) -> str:
        """Either "settled" or "reserved"."""
        return "reserved" if self.settled is None else "settled"

    @property
    def nano(self) -> int:
        """What the call counts for: its true price, or its reservation while that is unknown."""
        return self.reserved if self.settled is None else self.settled


@dataclass(frozen=True)
class Reservation:
    """Room for one request: to be settled, or released where nothing was sent."""

    id: str
    worst: int


@dataclass(frozen=True)
class Refused:
    """The request does not fit: `worst` was needed and `remaining` was left."""

    worst: int
    remaining: int


@dataclass(frozen=True)
class Total:
    """The calls of one node to one model."""

    node: str
    model: str
    calls: int
    nano: int
    tokens_in: int
    tokens_out: int
    cached: int


class Ledger:
    """The money of all runs. Any number of threads and processes may use the file at once."""

    def __init__(self, path: Path) -> None:
        """Open the ledger, or make it. Raises UnavailableError where the file or its folder cannot be used."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite does not wait for its turn where two processes make a new file a WAL at once: it fails.
            with FileLock(path.with_suffix(".lock")), self._open() as db:
                db.execute("PRAGMA journal_mode=WAL")
                db.executescript(SCHEMA)
        except OSError as error:
            raise UnavailableError(f"ledger {path}: {error.strerror}; choose another --runs-dir") from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one operation. Every fault of the file is one typed error with its path."""
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                yield db
        except sqlite3.IntegrityError:
            raise  # a wrong use of the ledger, not a fault of its file
        except DATABASE_ERRORS as error:
            raise UnavailableError(f"ledger {self.path}: {error}; {remedy(error)}") from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start, so that check and entry are one."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def open_run(self, run: str, cap: int) -> None:
        """Enter a run with its cap in nano-dollars; a run that is entered already keeps the cap it has."""
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (run, cap))

    def open_fork(self, run: str, origin: str) -> None:
        """Enter a fork. It has no money of its own: it shares the cap of the run that it comes from."""
        with self._write() as db:
            row = (run, origin, _root(db, origin), time.time())
            db.execute("INSERT OR IGNORE INTO forks VALUES (?, ?, ?, ?)", row)

    def set_cap(self, run: str, cap: int) -> None:
        """Give a run, with its forks, a new total. Raises UsageError for an unknown run."""
        with self._write() as db:
            if not db.execute("UPDATE runs SET cap = ? WHERE run = ?", (cap, _root(db, run))).rowcount:
                raise UsageError(f"ledger {self.path} has no run {run!r}")

    def cap(self, run: str) -> int:
        """The run's total in nano-dollars. Raises UsageError for an unknown run."""
        with self._open() as db:
            return self._cap(db, run)

    def _cap(self, db: sqlite3.Connection, run: str) -> int:
        row = db.execute("SELECT cap FROM runs WHERE run = ?", (_root(db, run),)).fetchone()
        if row is None:
            raise UsageError(f"ledger {self.path} has no run {run!r}")
        return int(row["cap"])

    def spent(self, run: str) -> int:
        """Nano-dollars of a run with all that shares its cap: settled calls plus reservations of unknown outcome."""
        with self._open() as db:
            return _spent(db, run)

    def reserve(self, call: Call, worst: int) -> Reservation | Refused:
        """Enter `worst` nano-dollars for a request if the run's cap allows it, and number the try."""
        with self._write() as db:
            remaining = self._cap(db, call.run) - _spent(db, call.run)
            if worst > remaining:
                return Refused(worst, remaining)
            return Reservation(_enter(db, call, reserved=worst), worst)

    def settle(self, id: str, nano: int, answer: Answer) -> None:
        """Enter the true price of a call together with its reply, whatever was reserved."""
        row = asdict(answer) | {"settled": nano, "closed": time.time()}
        update = f"UPDATE calls SET {', '.join(f'{name} = :{name}' for name in row)}"  # noqa: S608
        with self._write() as db:
            if not db.execute(update + " WHERE id = :id AND settled IS NULL", row | {"id": id}).rowcount:
                raise KeyError(f"no open reservation {id!r}")

    def release(self, id: str) -> None:
        """Take back a reservation whose request certainly was never sent."""
        with self._write() as db:
            if not db.execute("DELETE FROM calls WHERE id = ? AND settled IS NULL", (id,)).rowcount:
                raise KeyError(f"no open reservation {id!r}")

    def stored(self, call: Call) -> Entry | None:
        """The reply that this step already has to the same prompt from the same model, if there is one."""
        select = "SELECT * FROM calls WHERE key = ? AND served = ? AND prompt = ? AND text IS NOT NULL"
        with self._open() as db:
            row = db.execute(select + " ORDER BY number", (call.key, call.served, call.prompt)).fetchone()
        return Entry(**row) if row else None

    def again(self, call: Call, origins: Sequence[str]) -> Entry | None:
        """A reply that was paid for already: on another branch of this run at the same step, or by one of `origins`.

        Of several equal requests of `origins` the one at the nearest step counts. Using it is entered at no price.
        """
        select = (
            "SELECT * FROM calls WHERE node = ? AND served = ? AND prompt = ? AND text IS NOT NULL AND key <> ?"  # noqa: S608
            f" AND (run = ? AND step = ? OR run IN ({', '.join('?' * len(origins))}))"
            " ORDER BY abs(step - ?), created LIMIT 1"
        )
        same = (call.node, call.served, call.prompt, call.key, call.run, call.step, *origins, call.step)
        with self._write() as db:
            row = db.execute(select, same).fetchone()
            if row is None:
                return None
            paid = Entry(**row)
            said = {"text": paid.text, "finish": paid.finish, "reply": paid.reply, "request": paid.request}
            note = f"{PAID}: {paid.id}"
            _enter(
                db, replace(call, price=PAID), reserved=0, settled=0, closed=time.time(), note=note, **said
            )
            return paid

    def calls(self, run: str) -> list[Entry]:
        """All requests of a run in the order in which they were reserved.

        Those of a fork begin with what the run that it comes from had spent when it was made.
        """
        select = "SELECT * FROM calls WHERE run = ? AND created < ? ORDER BY created, rowid"
        found: list[Entry] = []
        until = float("inf")
        with self._open() as db:
            while run:
                found = [Entry(**row) for row in db.execute(select, (run, until))] + found
                fork = db.execute("SELECT origin, born FROM forks WHERE run = ?", (run,)).fetchone()
                run, until = (fork["origin"], fork["born"]) if fork else ("", until)
        return found

    def totals(self, run: str) -> list[Total]:
        """Sums of a run by node and model."""
        select = (
            "SELECT node, model, count(*) calls, sum(coalesce(settled, reserved)) nano, sum(tokens_in) tokens_in,"
            " sum(tokens_out) tokens_out, sum(cached) cached FROM calls WHERE run = ? GROUP BY node, model"
        )
        with self._open() as db:
            return [Total(**row) for row in db.execute(select, (run,)).fetchall()]

    def ratio(self, served: str) -> float:
        """Input tokens per byte of `served`, a fifth above the largest seen; 1.0 before three calls were seen."""
        seen = "SELECT count(*), max(1.0 * tokens_in / bytes) FROM calls WHERE served = ?"
        with self._open() as db:
            count, largest = db.execute(seen + " AND tokens_in > 0 AND bytes > 0", (served,)).fetchone()
        return min(1.0, max(SMALLEST_RATIO, largest * 1.2)) if count >= SEEN_AT_LEAST else 1.0


def _enter(db: sqlite3.Connection, call: Call, **more: object) -> str:
    """Enter a request as the next try of its step and return its id."""
    taken = "SELECT coalesce(max(number), 0) FROM calls WHERE key = ?"
    number = db.execute(taken, (call.key,)).fetchone()[0] + 1
    row = asdict(call) | {"id": f"{call.key}/{number}", "number": number, "created": time.time()} | more
    db.execute(f"INSERT INTO calls ({', '.join(row)}) VALUES (:{', :'.join(row)})", row)  # noqa: S608
    return str(row["id"])


def _root(db: sqlite3.Connection, run: str) -> str:
    """The run whose cap `run` shares: its own, unless it is a fork."""
    row = db.execute("SELECT root FROM forks WHERE run = ?", (run,)).fetchone()
    return str(row["root"]) if row else run


def _spent(db: sqlite3.Connection, run: str) -> int:
    select = f"SELECT coalesce(sum(coalesce(settled, reserved)), 0) FROM calls WHERE run IN ({FAMILY})"  # noqa: S608
    return int(db.execute(select, {"root": _root(db, run)}).fetchone()[0])
