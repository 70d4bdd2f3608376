"""The ledger's lines of one run as plain JSON values, and their sums."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import Ledger
from memory.state import NANO


def calls_of(ledger: Ledger | Path, run: str) -> list[dict[str, Any]]:
    """Return every request of `run` in order; `usd_nano` is its price, or its reservation while that is unknown.

    Raises UnavailableError where a line of the ledger is damaged.
    """
    book = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
    entries = book.calls(run)
    for entry in entries:
        sums = (entry.nano, entry.tokens_in, entry.tokens_out, entry.cached, entry.step)
        if (
            not all(isinstance(n, int) for n in sums)
            or not isinstance(entry.key, str)
            or "/" not in entry.key
        ):
            raise UnavailableError(f"ledger {book.path}: the line of call {entry.id!r} is damaged; {LOOK}")
    return [
        {
            "id": entry.id,
            "task": entry.key.split("/")[1],  # LangGraph's id of the step's task
            "step": entry.step,
            "node": entry.node,
            "model": entry.model,
            "served": entry.served,
            "price": entry.price,
            "usd": entry.nano / NANO,
            "usd_nano": entry.nano,
            "tokens_in": entry.tokens_in,
            "tokens_out": entry.tokens_out,
            "cached": entry.cached,
            "state": entry.state,
            "prompt": entry.prompt or None,
            "reply": entry.reply or None,
            "note": entry.note,
        }
        for entry in entries
    ]


@dataclass(frozen=True)
class Cost:
    """What a run cost: dollars, and the requests that they were spent on."""

    usd_settled: float
    usd_reserved: float  # of calls whose outcome is unknown
    usd: float  # both
    calls: list[dict[str, Any]]


def cost_of(ledger: Ledger | Path, run: str) -> Cost:
    """Sum a run's requests; the sums are made in nano-dollars."""
    calls = calls_of(ledger, run)
    settled = sum(c["usd_nano"] for c in calls if c["state"] == "settled")
    reserved = sum(c["usd_nano"] for c in calls if c["state"] == "reserved")
    return Cost(settled / NANO, reserved / NANO, (settled + reserved) / NANO, calls)
