"""The ledger's lines of one run as text, to look at what it cost beside another ledger."""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from budgetmlagent.errors import UnavailableError
from budgetmlagent.money import rows
from budgetmlagent.money.database import Books
from budgetmlagent.money.entries import Entry

MOST = 1 << 62
Amount = Annotated[int, Field(ge=0, lt=MOST)]


@dataclass(frozen=True)
class Forked:
    """That a run was made of another one."""

    run: str
    origin: str
    root: str
    born: float


@dataclass(frozen=True)
class Lines:
    """All that a ledger has of a run, and of the runs that it comes from."""

    run: str
    cap: Amount  # of the run that it comes from at first, which all its forks share
    forks: list[Forked]
    calls: list[Entry]

    @property
    def runs(self) -> set[str]:
        """The run, and those that it comes from."""
        return {self.run, *(fork.origin for fork in self.forks)}


@cache
def _shape() -> TypeAdapter[Lines]:
    """What a run's lines hold: to make it takes longer than to read them."""
    return TypeAdapter(Lines)


def as_text(lines: Lines) -> bytes:
    """Return them as JSON."""
    return _shape().dump_json(lines)


def of_text(text: bytes, run: str) -> Lines:
    """Return the lines of `run`. Raises UnavailableError for what is none: somebody else may have written it."""
    try:
        lines = _shape().validate_json(text, strict=True)
    except ValidationError as error:
        raise UnavailableError(
            f"the ledger's lines of run {run}: damaged ({error.errors()[0]['msg']})"
        ) from None
    chain, at = [run], {fork.run: fork for fork in lines.forks}
    while (fork := at.get(chain[-1])) and fork.origin not in chain:
        chain.append(fork.origin)
    whole = set(chain) == lines.runs and len(chain) == len(lines.forks) + 1 and rows.PROJECT not in chain
    rooted = all(fork.root == chain[-1] for fork in lines.forks)
    amounts = [
        value for call in lines.calls for value in asdict(call).values() if isinstance(value, int | float)
    ]
    paid = all(0 <= value < MOST for value in amounts) and sum(call.reserved for call in lines.calls) < MOST
    once = len({(call.key, call.number) for call in lines.calls}) == len(lines.calls)
    if not (whole and rooted and paid and once and {call.run for call in lines.calls} <= lines.runs):
        raise UnavailableError(f"the ledger's lines of run {run}: they are of other runs, or give money back")
    return lines


def enter(db: Books, lines: Lines) -> None:
    """Enter what is not known here. Of another run than its own, nothing is changed that is known already."""
    known = {run for run in lines.runs - {lines.run} if _is_known(db, run)}
    for fork in lines.forks:
        if fork.run not in known:
            db.execute(
                "INSERT INTO forks VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", tuple(asdict(fork).values())
            )
    root = rows.root(db, lines.run)
    db.execute("INSERT INTO runs VALUES (?, ?) ON CONFLICT DO NOTHING", (root, lines.cap))
    insert = f"INSERT INTO calls ({', '.join(rows.COLUMNS)}) VALUES (:{', :'.join(rows.COLUMNS)})"  # noqa: S608
    for call in (call for call in lines.calls if call.run not in known):
        db.execute(
            f"{insert} ON CONFLICT (id) DO UPDATE SET {_NEWER} WHERE calls.settled IS NULL", asdict(call)
        )


_NEWER = ", ".join(f"{name} = excluded.{name}" for name in rows.COLUMNS if name != "id")


def _is_known(db: Books, run: str) -> bool:
    known = "SELECT run FROM runs WHERE run = ? UNION SELECT run FROM forks WHERE run = ?"
    return db.execute(known, (run, run)).fetchone() is not None
