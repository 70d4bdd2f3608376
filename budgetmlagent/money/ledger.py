"""The ledger: what was promised and what was paid, for all runs, in one SQLite file.

It lies outside the checkpoints, because a fork, a replay or a retry must never give money back. A call is reserved at
its worst case before it is sent and settled at its true price after; whatever happens between, the reservation stays.
Three caps are looked at in the transaction that reserves: the run's (with its forks), the project's (all runs of the
file) and, where it has one, the role's. A settled call keeps its reply, so a step that is repeated is not paid twice.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.database import RECORDED, Database
from budgetmlagent.money.entries import Answer, By, Call, Cap, Entry, Refused, Reservation, Total
from memory.state import NANO

__all__ = [
    "PAID", "RECORDED", "Account", "Answer", "By", "Call", "Entry", "Ledger", "Refused", "Reservation", "Total",
]  # fmt: skip

# Tokens per byte: no tokenizer does better on average, so a lower count is a wrong one.
SMALLEST_RATIO = 1 / 8
SEEN_AT_LEAST = 3  # calls of a model before its tokens per byte are believed
PROJECT = ""  # where a run's name stands for all runs
PAID = "already paid"  # the price of a reply that an earlier request brought
GROUPS: dict[By, str] = {"node": "node", "model": "model", "day": "date(created, 'unixepoch')", "run": "run"}
# By name: while a run is underway, a newer program may give the file columns that this one does not know.
ENTRY = ", ".join(field.name for field in fields(Entry))


class Ledger:
    """The money of all runs. Any number of threads and processes may use the file at once."""

    def __init__(self, path: Path) -> None:
        """Open the ledger, or make it. Raises UnavailableError where the file or its folder cannot be used."""
        self.path = path
        self._db = Database(path)

    # -- caps

    def open_run(self, run: str, cap: int) -> None:
        """Enter a run with its cap in nano-dollars; a run that is entered already keeps the cap it has.

        Raises UsageError for a run without a name: by that all runs together are known.
        """
        if run == PROJECT:
            raise UsageError(f"ledger {self.path}: a run without a name cannot be gone on with")
        with self._db.writing() as db:
            db.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (run, cap))

    def open_fork(self, run: str, origin: str) -> None:
        """Enter a fork. It has no money of its own: it shares the caps of the run that it comes from."""
        with self._db.writing() as db:
            row = (run, origin, _root(db, origin), time.time())
            db.execute("INSERT OR IGNORE INTO forks VALUES (?, ?, ?, ?)", row)

    def set_cap(self, run: str, cap: int) -> None:
        """Give a run, with its forks, a new total. Raises UsageError for an unknown run."""
        with self._db.writing() as db:
            if not db.execute("UPDATE runs SET cap = ? WHERE run = ?", (cap, _root(db, run))).rowcount:
                raise UsageError(f"ledger {self.path} has no run {run!r}")

    def take_over(self, run: str, cap: int) -> None:
        """Give a run of somebody else's, with its forks, this cap in nano-dollars; what it has spent stays spent.

        Raises UnavailableError where the file cannot be relied on.
        """
        self._db.remake()
        with self._db.writing() as db:
            db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (_root(db, run), cap))

    def set_project_cap(self, cap: int) -> None:
        """Give all runs together a total in nano-dollars, those to come and what was spent already included."""
        with self._db.writing() as db:
            db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (PROJECT, cap))

    def cap(self, run: str) -> int:
        """The run's total in nano-dollars. Raises UsageError for an unknown run."""
        with self._db.reading() as db:
            return self._cap(db, run)

    def project_cap(self) -> int | None:
        """The total of all runs in nano-dollars; None where none was set."""
        with self._db.reading() as db:
            return _project_cap(db)

    def spent(self, run: str) -> int:
        """Nano-dollars of a run, with its forks: settled calls plus reservations of unknown outcome."""
        with self._db.reading() as db:
            return _sum(db, _root(db, run))

    def project_spent(self) -> int:
        """Nano-dollars of all runs; what is replayed costs no one."""
        return self.spent(PROJECT)

    def left(self, run: str, node: str = "", role_cap: int | None = None) -> int:
        """Nano-dollars that the run may still spend, by its own cap and the project's; with `role_cap`, that its node may."""
        with self._db.reading() as db:
            return min(self._rooms(db, run, node, role_cap))[0]

    def _cap(self, db: sqlite3.Connection, run: str) -> int:
        row = db.execute("SELECT cap FROM runs WHERE run = ?", (_root(db, run),)).fetchone()
        if row is None:
            raise UsageError(f"ledger {self.path} has no run {run!r}")
        if not isinstance(row["cap"], int):
            raise UnavailableError(f"ledger {self.path}: the line of run {run!r} is damaged; {LOOK}")
        return row["cap"]

    def _rooms(
        self, db: sqlite3.Connection, run: str, node: str, role_cap: int | None
    ) -> list[tuple[int, Cap]]:
        """What the caps of a run, of the project and of a node in the run and its forks leave; None: the node has none."""
        rooms: list[tuple[int, Cap]] = [(self._cap(db, run) - _sum(db, _root(db, run)), "run")]
        if (cap := _project_cap(db)) is not None:
            rooms.append((cap - _sum(db, PROJECT), "project"))
        if role_cap is not None:
            rooms.append((role_cap - _sum(db, _root(db, run), node), "role"))
        return rooms

    # -- calls

    def reserve(self, call: Call, worst: int, role_cap: int | None = None) -> Reservation | Refused:
        """Enter `worst` nano-dollars for a request if every cap allows it, and number the try.

        `role_cap` is what the call's node may spend in its run and the run's forks; None: no cap of its own.
        """
        with self._db.writing() as db:
            rooms = self._rooms(db, call.run, call.node, role_cap)
            left, cap = min(room for room in rooms if room[1] != "project" or call.price != RECORDED)
            if worst > left:
                return Refused(worst, left, cap)
            return Reservation(_enter(db, call, reserved=worst), worst)

    def settle(self, id: str, nano: int, answer: Answer) -> None:
        """Enter the true price of a call together with its reply, whatever was reserved; a higher one is noted."""
        row = asdict(answer) | {"settled": nano, "closed": time.time()}
        update = f"UPDATE calls SET {', '.join(f'{name} = :{name}' for name in row)} WHERE id = :id"  # noqa: S608
        with self._db.writing() as db:
            reserved = _reserved(db, id)
            if nano > reserved:
                above = f"${(nano - reserved) / NANO:.9f} above the reservation"
                row["note"] = f"{answer.note}; {above}" if answer.note else above
            db.execute(update, row | {"id": id})

    def release(self, id: str) -> None:
        """Take back a reservation whose request certainly was never sent."""
        with self._db.writing() as db:
            _reserved(db, id)
            db.execute("DELETE FROM calls WHERE id = ?", (id,))

    def stored(self, call: Call) -> Entry | None:
        """The reply that this step already has to the same prompt from the same model, if there is one."""
        select = f"SELECT {ENTRY} FROM calls WHERE key = ? AND served = ? AND prompt = ? AND text IS NOT NULL"  # noqa: S608
        with self._db.reading() as db:
            row = db.execute(select + " ORDER BY number", (call.key, call.served, call.prompt)).fetchone()
        return Entry(**row) if row else None

    def again(self, call: Call, origins: Sequence[str]) -> Entry | None:
        """A reply that was paid for already: on another branch of this run at the same step, or by one of `origins`.

        Of several equal requests of `origins` the one at the nearest step counts. Using it is entered at no price.
        """
        select = (
            f"SELECT {ENTRY} FROM calls WHERE node = ? AND served = ? AND prompt = ? AND text IS NOT NULL AND key <> ?"  # noqa: S608
            f" AND (run = ? AND step = ? OR run IN ({', '.join('?' * len(origins))}))"
            " ORDER BY abs(step - ?), created LIMIT 1"
        )
        same = (call.node, call.served, call.prompt, call.key, call.run, call.step, *origins, call.step)
        with self._db.reading() as db:
            row = db.execute(select, same).fetchone()
        if row is None:
            return None
        paid = Entry(**row)
        same_reply = ("text", "finish", "reply", "request", "answered")
        said = {name: getattr(paid, name) for name in same_reply}
        note = f"{PAID}: {paid.id}"
        with self._db.writing() as db:
            _enter(
                db, replace(call, price=PAID), reserved=0, settled=0, closed=time.time(), note=note, **said
            )
        return paid

    def ratio(self, call: Call) -> float:
        """Input tokens per byte of the call's model, a fifth above the largest seen; 1.0 before three were seen."""
        seen = (
            "SELECT 1.0 * tokens_in / bytes FROM calls WHERE served = ? AND price = ? AND tokens_in > 0 AND bytes > 0"
            " ORDER BY 1.0 * tokens_in / bytes DESC LIMIT ?"
        )
        with self._db.reading() as db:
            largest = [row[0] for row in db.execute(seen, (call.served, call.price, SEEN_AT_LEAST))]
        return min(1.0, max(SMALLEST_RATIO, largest[0] * 1.2)) if len(largest) == SEEN_AT_LEAST else 1.0

    # -- views

    def calls(self, run: str) -> list[Entry]:
        """All requests of a run in the order in which they were reserved.

        Those of a fork begin with the ones that its origin had made before it was forked.
        """
        select = f"SELECT {ENTRY} FROM calls WHERE run = ? AND created < ? ORDER BY created, rowid"  # noqa: S608
        with self._db.reading() as db:
            return [Entry(**row) for part in _parts(db, run) for row in db.execute(select, part)]

    def totals(self, by: By, run: str | None = None) -> list[Total]:
        """Sums by node, model, day (UTC) or run: of all requests but replayed ones, or of those of `calls(run)`."""
        with self._db.reading() as db:
            parts = [] if run is None else _parts(db, run)
            where = " OR ".join(["run = ? AND created < ?"] * len(parts)) or f"price <> '{RECORDED}'"
            select = (
                f"SELECT {GROUPS[by]} name, sum(price <> ?) calls, coalesce(sum(settled), 0) settled,"  # noqa: S608
                " sum(CASE WHEN settled IS NULL THEN reserved ELSE 0 END) reserved, sum(tokens_in) tokens_in,"
                " sum(cached) cached, sum(tokens_out) tokens_out, sum(thought) thought, sum(thought_nano) thought_nano"
                f" FROM calls WHERE {where}"
                " GROUP BY name ORDER BY min(created)"
            )
            return [Total(**row) for row in db.execute(select, (PAID, *(x for part in parts for x in part)))]


@dataclass(frozen=True)
class Account:
    """A run's money in the ledger, and the replies that were paid for already."""

    ledger: Ledger
    run: str
    origins: Sequence[str] = ()  # runs whose replies are used again where a request is the same

    def spent(self) -> int:
        """Nano-dollars of the run: settled calls plus reservations of unknown outcome."""
        return self.ledger.spent(self.run)

    def paid(self, call: Call) -> Entry | None:
        """Return the same call where it was paid for: of this step when it was begun before, or of an origin."""
        return self.ledger.stored(call) or self.ledger.again(call, self.origins)


def _enter(db: sqlite3.Connection, call: Call, **more: object) -> str:
    """Enter a request as the next try of its step and return its id."""
    taken = "SELECT coalesce(max(number), 0) FROM calls WHERE key = ?"
    number = db.execute(taken, (call.key,)).fetchone()[0] + 1
    row = asdict(call) | {"id": f"{call.key}/{number}", "number": number, "created": time.time()} | more
    db.execute(f"INSERT INTO calls ({', '.join(row)}) VALUES (:{', :'.join(row)})", row)  # noqa: S608
    return str(row["id"])


def _reserved(db: sqlite3.Connection, id: str) -> int:
    row = db.execute("SELECT reserved FROM calls WHERE id = ? AND settled IS NULL", (id,)).fetchone()
    if row is None:
        raise KeyError(f"no open reservation {id!r}")
    return int(row["reserved"])


def _root(db: sqlite3.Connection, run: str) -> str:
    """The run whose caps `run` shares: its own, unless it is a fork."""
    row = db.execute("SELECT root FROM forks WHERE run = ?", (run,)).fetchone()
    return str(row["root"]) if row else run


def _parts(db: sqlite3.Connection, run: str) -> list[tuple[str, float]]:
    """The runs whose requests are told as those of `run`, the first one first, each with the time until when."""
    parts = [(run, float("inf"))]
    while fork := db.execute("SELECT origin, born FROM forks WHERE run = ?", (parts[0][0],)).fetchone():
        if fork["origin"] in dict(parts):
            raise sqlite3.DatabaseError(f"run {run} is a fork of itself")
        parts.insert(0, (fork["origin"], fork["born"]))
    return parts


def _project_cap(db: sqlite3.Connection) -> int | None:
    row = db.execute("SELECT cap FROM runs WHERE run = ?", (PROJECT,)).fetchone()
    return int(row["cap"]) if row else None


def _sum(db: sqlite3.Connection, root: str, node: str = "") -> int:
    """Nano-dollars of the project, of a run with its forks, or of a node of theirs."""
    row = db.execute("SELECT nano FROM sums WHERE root = ? AND node = ?", (root, node)).fetchone()
    return int(row["nano"]) if row else 0
