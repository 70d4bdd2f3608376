"""The ledger's lines of one run as plain JSON values, and their sums."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.money.ledger import Ledger
from memory.state import NANO


def calls_of(ledger: Ledger | Path, run: str) -> list[dict[str, Any]]:
    """Return every request of `run` in order; `usd_nano` is its price, or its reservation while that is unknown."""
    book = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
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
        for entry in book.calls(run)
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
