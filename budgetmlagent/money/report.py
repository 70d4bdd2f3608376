"""The ledger's lines and sums as plain JSON values: of one run, or of all runs of a project."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import By, Entry, Ledger
from budgetmlagent.postgres import Address
from memory.state import NANO


def calls_of(ledger: Ledger | Path | Address, run: str) -> list[dict[str, Any]]:
    """Return every request of `run` in order; `usd_nano` is its price, or its reservation while that is unknown.

    Raises UnavailableError where a line of the ledger is damaged.
    """
    book = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
    entries = book.calls(run)
    for entry in entries:
        sums = (entry.nano, entry.tokens_in, entry.tokens_out, entry.cached, entry.step)
        whole = all(isinstance(n, int) for n in sums) and isinstance(entry.created, float | int)
        if not (whole and isinstance(entry.key, str) and "/" in entry.key):
            raise UnavailableError(f"ledger {book.place}: the line of call {entry.id!r} is damaged; {LOOK}")
    return [_call(entry) for entry in entries]


def _call(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "run": entry.run,
        "task": entry.key.split("/")[1],  # LangGraph's id of the step's task
        "step": entry.step,
        "node": entry.node,
        "model": entry.model,
        "served": entry.served,
        "answered": entry.answered,  # "" where no reply came, or a recorded one
        "price": entry.price,
        "usd": entry.nano / NANO,
        "usd_nano": entry.nano,
        "tokens_in": entry.tokens_in,
        "tokens_out": entry.tokens_out,
        "cached": entry.cached,
        "thought": entry.thought,
        "usd_thought": entry.thought_nano / NANO,
        "state": entry.state,
        "try": entry.number,
        "request": entry.request,  # the provider's id
        "prompt": entry.prompt or None,
        "reply": entry.reply or None,
        "note": entry.note,
        "created": entry.created,  # seconds since the epoch
        "closed": entry.closed,  # None while its outcome is unknown
        "usd_worst": entry.reserved / NANO,  # what was reserved for it
    }


@dataclass(frozen=True)
class Cost:
    """What a run cost: dollars, and the requests that they were spent on."""

    usd_settled: float
    usd_reserved: float  # of calls whose outcome is unknown
    usd: float  # both
    calls: list[dict[str, Any]]


def cost_of(ledger: Ledger | Path | Address, run: str) -> Cost:
    """Sum a run's requests; the sums are made in nano-dollars."""
    calls = calls_of(ledger, run)
    settled = sum(c["usd_nano"] for c in calls if c["state"] == "settled")
    reserved = sum(c["usd_nano"] for c in calls if c["state"] == "reserved")
    return Cost(settled / NANO, reserved / NANO, (settled + reserved) / NANO, calls)


def table(ledger: Ledger, by: By, run: str | None = None) -> list[dict[str, Any]]:
    """Return the sums by node, model, day (UTC) or run, a row each: of one run, or of all."""
    return [
        {
            by: total.name,
            "calls": total.calls,
            "usd": (total.settled + total.reserved) / NANO,
            "usd_settled": total.settled / NANO,
            "usd_reserved": total.reserved / NANO,
            "tokens_in": total.tokens_in,
            "cached": total.cached,
            "tokens_out": total.tokens_out,
            "thought": total.thought,
            "usd_thought": total.thought_nano / NANO,
        }
        for total in ledger.totals(by, run)
    ]


def project_of(ledger: Ledger) -> dict[str, Any]:
    """Return what all runs cost together, their cap and what it leaves; None for both where there is no cap."""
    totals, cap = ledger.totals("run"), ledger.project_cap()
    settled, reserved = sum(total.settled for total in totals), sum(total.reserved for total in totals)
    return {
        "usd": (settled + reserved) / NANO,
        "usd_settled": settled / NANO,
        "usd_reserved": reserved / NANO,
        "cap_usd": None if cap is None else cap / NANO,
        "left_usd": None if cap is None else (cap - settled - reserved) / NANO,
    }


def project_left(ledger: Ledger | None, cap: int | None = None) -> int | None:
    """Nano-dollars that a project's cap leaves, or that `cap` would; None without one. There need be no ledger yet."""
    if ledger is None:
        return cap
    cap = ledger.project_cap() if cap is None else cap
    return None if cap is None else cap - ledger.project_spent()
