"""Single lines of the ledger, read and entered: in a transaction of `ledger.py`, in either database. Amounts in nano-dollars."""

from collections.abc import Sequence
from dataclasses import asdict, fields

from budgetmlagent.money.database import Books
from budgetmlagent.money.entries import Call, Entry

PROJECT = ""  # where a run's name stands for all runs
# By name: while a run is underway, a newer program may give the file columns that this one does not know.
COLUMNS = [field.name for field in fields(Entry)]


def set_cap(db: Books, run: str, cap: int) -> None:
    """Give a run, or the project, a total."""
    db.execute(
        "INSERT INTO runs VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET cap = excluded.cap", (run, cap)
    )


def enter(db: Books, call: Call, now: float, **more: object) -> str:
    """Enter a request as the next try of its step and return its id."""
    taken = "SELECT coalesce(max(number), 0) AS number FROM calls WHERE key = ?"
    number = db.execute(taken, (call.key,)).fetchone()["number"] + 1
    row = asdict(call) | {"id": f"{call.key}/{number}", "number": number, "created": now} | more
    db.execute(f"INSERT INTO calls ({', '.join(row)}) VALUES (:{', :'.join(row)})", row)  # noqa: S608
    return str(row["id"])


def entries(db: Books, where: str, values: Sequence[object]) -> list[Entry]:
    """Return the requests that `where` asks for, in the order that it says."""
    select = f"SELECT {', '.join(COLUMNS)} FROM calls WHERE {where}"  # noqa: S608
    return [Entry(**row) for row in db.execute(select, values)]


def made(db: Books, parts: Sequence[tuple[str, float]]) -> list[Entry]:
    """Return the requests of each of these runs until a time, in the order in which they were reserved."""
    until = "run = ? AND created < ? ORDER BY created, rowid"
    return [entry for part in parts for entry in entries(db, until, part)]


def reserved(db: Books, id: str) -> int:
    """What an open reservation holds. Raises KeyError for any other id."""
    row = db.execute("SELECT reserved FROM calls WHERE id = ? AND settled IS NULL", (id,)).fetchone()
    if row is None:
        raise KeyError(f"no open reservation {id!r}")
    return int(row["reserved"])


def root(db: Books, run: str) -> str:
    """The run whose caps `run` shares: its own, unless it is a fork."""
    row = db.execute("SELECT root FROM forks WHERE run = ?", (run,)).fetchone()
    return str(row["root"]) if row else run


def project_cap(db: Books) -> int | None:
    """The project's total; None where none was set."""
    row = db.execute("SELECT cap FROM runs WHERE run = ?", (PROJECT,)).fetchone()
    return int(row["cap"]) if row else None


def summed(db: Books, root: str, node: str = "") -> int:
    """Nano-dollars of the project, of a run with its forks, or of a node of theirs."""
    row = db.execute("SELECT nano FROM sums WHERE root = ? AND node = ?", (root, node)).fetchone()
    return int(row["nano"]) if row else 0
