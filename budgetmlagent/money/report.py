"""The ledger's lines of one run as plain JSON values."""

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
