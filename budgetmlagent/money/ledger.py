"""The ledger: what was promised and what was paid, for all runs, in one SQLite file or one Postgres database.

It lies outside the checkpoints, because a fork, a replay or a retry must never give money back. A call is reserved at
its worst case before it is sent and settled at its true price after; whatever happens between, the reservation stays.
Three caps are looked at in the transaction that reserves: the run's (with its forks), the project's (all runs of the
ledger) and, where it has one, the role's. A settled call keeps its reply, so a step that is repeated is not paid twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money import paid, rows
from budgetmlagent.money.carried import Forked, Lines, enter
from budgetmlagent.money.database import RECORDED, Books, Database
from budgetmlagent.money.entries import Answer, By, Call, Cap, Entry, Refused, Reservation, Total
from budgetmlagent.money.paid import PAID
from budgetmlagent.money.server import Server
from budgetmlagent.postgres import Address
from memory.state import NANO

__all__ = [
    "PAID", "RECORDED", "Account", "Answer", "By", "Call", "Entry", "Ledger", "Refused", "Reservation", "Total",
]  # fmt: skip

# Tokens per byte: no tokenizer does better on average, so a lower count is a wrong one.
SMALLEST_RATIO = 1 / 8
SEEN_AT_LEAST = 3  # calls of a model before its tokens per byte are believed
# What a total adds up; a reply that was used again is no request.
SUMS = {
    "calls": f"CASE WHEN price = '{PAID}' THEN 0 ELSE 1 END",
    "settled": "coalesce(settled, 0)",
    "reserved": "CASE WHEN settled IS NULL THEN reserved ELSE 0 END",
} | {name: name for name in ("tokens_in", "cached", "tokens_out", "thought", "thought_nano")}
P = ParamSpec("P")
T = TypeVar("T")


def reads(method: Callable[Concatenate["Ledger", Books, P], T]) -> Callable[Concatenate["Ledger", P], T]:
    """Give a method the ledger to read in. Every fault of the database is one UnavailableError."""

    @wraps(method)
    def done(self: "Ledger", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._db.read(lambda db: method(self, db, *args, **kwargs))

    return done


def writes(method: Callable[Concatenate["Ledger", Books, P], T]) -> Callable[Concatenate["Ledger", P], T]:
    """Have a method done in one transaction that holds the ledger from its start, so that check and entry are one.

    What was not committed may be done again, so it changes nothing else.
    """

    @wraps(method)
    def done(self: "Ledger", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._db.write(lambda db: method(self, db, *args, **kwargs))

    return done


class Ledger:
    """The money of all runs. Any number of threads, processes and, where `place` is a server, machines may use it at once."""

    def __init__(self, place: Path | Address) -> None:
        """Open the ledger, or make it. Raises UnavailableError where the file, its folder or the server cannot be used."""
        self.place = place
        self._db = Server.at(place) if isinstance(place, Address) else Database(place)
        # Hears, before a request is sent, what its run has spent with it: who is far away and has another ledger.
        self.witness: Callable[[int], None] | None = None

    # -- caps

    @writes
    def open_run(self, db: Books, run: str, cap: int) -> None:
        """Enter a run with its cap in nano-dollars; a run that is entered already keeps the cap it has.

        Raises UsageError for a run without a name: by that all runs together are known.
        """
        if run == rows.PROJECT:
            raise UsageError(f"ledger {self.place}: a run without a name cannot be gone on with")
        db.execute("INSERT INTO runs VALUES (?, ?) ON CONFLICT DO NOTHING", (run, cap))

    @writes
    def open_fork(self, db: Books, run: str, origin: str) -> None:
        """Enter a fork. It has no money of its own: it shares the caps of the run that it comes from."""
        row = (run, origin, rows.root(db, origin), self._db.now(db))
        db.execute("INSERT INTO forks VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

    @writes
    def set_cap(self, db: Books, run: str, cap: int) -> None:
        """Give a run, with its forks, a new total. Raises UsageError for an unknown run."""
        if not db.execute("UPDATE runs SET cap = ? WHERE run = ?", (cap, rows.root(db, run))).rowcount:
            raise UsageError(f"ledger {self.place} has no run {run!r}")

    def take_over(self, run: str, cap: int) -> None:
        """Give a run of somebody else's, with its forks, this cap in nano-dollars; what it has spent stays spent.

        Raises UnavailableError where the file cannot be relied on.
        """
        self._db.remake()
        self._db.write(lambda db: rows.set_cap(db, rows.root(db, run), cap))

    @writes
    def set_project_cap(self, db: Books, cap: int) -> None:
        """Give all runs together a total in nano-dollars, those to come and what was spent already included."""
        rows.set_cap(db, rows.PROJECT, cap)

    @reads
    def cap(self, db: Books, run: str) -> int:
        """The run's total in nano-dollars. Raises UsageError for an unknown run."""
        return self._cap(db, run)

    @reads
    def project_cap(self, db: Books) -> int | None:
        """The total of all runs in nano-dollars; None where none was set."""
        return rows.project_cap(db)

    @reads
    def spent(self, db: Books, run: str) -> int:
        """Nano-dollars of a run, with its forks: settled calls plus reservations of unknown outcome."""
        return rows.summed(db, rows.root(db, run))

    def project_spent(self) -> int:
        """Nano-dollars of all runs; what is replayed costs no one."""
        return self.spent(rows.PROJECT)

    def project_left(self) -> int | None:
        """Nano-dollars that all runs together may still spend; None where there is no limit."""
        cap = self.project_cap()
        return None if cap is None else cap - self.project_spent()

    @reads
    def left(self, db: Books, run: str, node: str = "", role_cap: int | None = None) -> int:
        """Nano-dollars that the run may still spend, by its own cap and the project's; with `role_cap`, that its node may."""
        return min(self._rooms(db, run, node, role_cap))[0]

    def _cap(self, db: Books, run: str) -> int:
        row = db.execute("SELECT cap FROM runs WHERE run = ?", (rows.root(db, run),)).fetchone()
        if row is None:
            raise UsageError(f"ledger {self.place} has no run {run!r}")
        if not isinstance(row["cap"], int):
            raise UnavailableError(f"ledger {self.place}: the line of run {run!r} is damaged; {LOOK}")
        return row["cap"]

    def _rooms(self, db: Books, run: str, node: str, role_cap: int | None) -> list[tuple[int, Cap]]:
        """What the caps of a run, of the project and of a node in the run and its forks leave; None: the node has none."""
        rooms: list[tuple[int, Cap]] = [(self._cap(db, run) - rows.summed(db, rows.root(db, run)), "run")]
        if (cap := rows.project_cap(db)) is not None:
            rooms.append((cap - rows.summed(db, rows.PROJECT), "project"))
        if role_cap is not None:
            rooms.append((role_cap - rows.summed(db, rows.root(db, run), node), "node"))
        return rooms

    # -- calls

    def reserve(self, call: Call, worst: int, role_cap: int | None = None) -> Reservation | Refused:
        """Enter `worst` nano-dollars for a request if every cap allows it, and number the try.

        `role_cap` is what the call's node may spend in its run and the run's forks; None: no cap of its own.
        """
        room = self._entered(call, worst, role_cap)
        if self.witness and isinstance(room, Reservation):
            self.witness(self.spent(call.run))
        return room

    @writes
    def _entered(self, db: Books, call: Call, worst: int, role_cap: int | None) -> Reservation | Refused:
        rooms = self._rooms(db, call.run, call.node, role_cap)
        left, cap = min(room for room in rooms if room[1] != "project" or call.price != RECORDED)
        if worst > left:
            return Refused(worst, left, cap)
        return Reservation(rows.enter(db, call, self._db.now(db), reserved=worst), worst)

    @writes
    def settle(self, db: Books, id: str, nano: int, answer: Answer) -> None:
        """Enter the true price of a call together with its reply, whatever was reserved; a higher one is noted."""
        row = asdict(answer) | {"settled": nano, "closed": self._db.now(db)}
        update = f"UPDATE calls SET {', '.join(f'{name} = :{name}' for name in row)} WHERE id = :id"  # noqa: S608
        reserved = rows.reserved(db, id)
        if nano > reserved:
            above = f"${(nano - reserved) / NANO:.9f} above the reservation"
            row["note"] = f"{answer.note}; {above}" if answer.note else above
        db.execute(update, row | {"id": id})

    @writes
    def release(self, db: Books, id: str) -> None:
        """Take back a reservation whose request certainly was never sent."""
        rows.reserved(db, id)
        db.execute("DELETE FROM calls WHERE id = ?", (id,))

    @reads
    def stored(self, db: Books, call: Call) -> Entry | None:
        """The reply that this step already has to the same prompt from the same model, if there is one."""
        return paid.of_step(db, call)

    def again(self, call: Call, origins: Sequence[str]) -> Entry | None:
        """A reply that was paid for already: on another branch of this run at the same step, or by one of `origins`.

        Of several equal requests of `origins` the one at the nearest step counts. Using it is entered at no price.
        """
        if found := self._paid(call, origins):
            self._used(call, found)
        return found

    @reads
    def _paid(self, db: Books, call: Call, origins: Sequence[str]) -> Entry | None:
        return paid.of_others(db, call, origins)

    @writes
    def _used(self, db: Books, call: Call, found: Entry) -> None:
        paid.use(db, call, found, self._db.now(db))

    @reads
    def ratio(self, db: Books, call: Call) -> float:
        """Input tokens per byte of the call's model, a fifth above the largest seen; 1.0 before three were seen."""
        seen = (
            "SELECT 1.0 * tokens_in / bytes AS ratio FROM calls WHERE served = ? AND price = ? AND tokens_in > 0 AND bytes > 0"
            " ORDER BY 1.0 * tokens_in / bytes DESC LIMIT ?"
        )
        largest = [float(row["ratio"]) for row in db.execute(seen, (call.served, call.price, SEEN_AT_LEAST))]
        return min(1.0, max(SMALLEST_RATIO, largest[0] * 1.2)) if len(largest) == SEEN_AT_LEAST else 1.0

    # -- carried to another ledger

    @reads
    def carried(self, db: Books, run: str) -> Lines:
        """All that is entered of a run, with what it shares with those that it comes from."""
        parts, chosen = self._parts(db, run), "SELECT run, origin, root, born FROM forks WHERE run = ?"
        forks = [Forked(**row) for name, _ in parts for row in db.execute(chosen, (name,))]
        return Lines(run, self._cap(db, run), forks, rows.made(db, parts))

    @writes
    def bring(self, db: Books, lines: Lines) -> None:
        """Enter what another ledger has of a run; what is known here already stays as it is."""
        enter(db, lines)

    # -- views

    @reads
    def calls(self, db: Books, run: str) -> list[Entry]:
        """All requests of a run in the order in which they were reserved.

        Those of a fork begin with the ones that its origin had made before it was forked.
        """
        return rows.made(db, self._parts(db, run))

    @reads
    def totals(self, db: Books, by: By, run: str | None = None) -> list[Total]:
        """Sums by node, model, day (UTC) or run: of all requests but replayed ones, or of those of `calls(run)`."""
        parts = [] if run is None else self._parts(db, run)
        where = " OR ".join(["run = ? AND created < ?"] * len(parts)) or f"price <> '{RECORDED}'"
        sums = ", ".join(f"CAST(sum({what}) AS BIGINT) AS {name}" for name, what in SUMS.items())
        select = (
            f"SELECT {self._db.DAY if by == 'day' else by} AS name, {sums} FROM calls WHERE {where}"  # noqa: S608
            " GROUP BY name ORDER BY min(created)"
        )
        return [Total(**row) for row in db.execute(select, tuple(x for part in parts for x in part))]

    def _parts(self, db: Books, run: str) -> list[tuple[str, float]]:
        """The runs whose requests are told as those of `run`, the first one first, each with the time until when."""
        parts = [(run, float("inf"))]
        while fork := db.execute("SELECT origin, born FROM forks WHERE run = ?", (parts[0][0],)).fetchone():
            if fork["origin"] in dict(parts):
                raise UnavailableError(f"ledger {self.place}: run {run} is a fork of itself; {LOOK}")
            parts.insert(0, (fork["origin"], fork["born"]))
        return parts


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
