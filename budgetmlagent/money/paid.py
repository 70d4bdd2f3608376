"""Replies that were paid for once, and so are not again. In a transaction of `ledger.py`, in either database."""

from collections.abc import Sequence
from dataclasses import replace

from budgetmlagent.money import rows
from budgetmlagent.money.database import Books
from budgetmlagent.money.entries import Call, Entry

PAID = "already paid"  # the price of a reply that an earlier request brought
SAME = (
    "text",
    "finish",
    "reply",
    "request",
    "answered",
)  # what a request has of the reply that it uses again


def of_step(db: Books, call: Call) -> Entry | None:
    """The reply that the call's step has to the same prompt from the same model, if there is one."""
    where = "key = ? AND served = ? AND prompt = ? AND text IS NOT NULL ORDER BY number LIMIT 1"
    return next(iter(rows.entries(db, where, (call.key, call.served, call.prompt))), None)


def of_others(db: Books, call: Call, origins: Sequence[str]) -> Entry | None:
    """The reply to the same request on another branch of the run at the same step, or by one of `origins` at the nearest step."""
    where = (
        "node = ? AND served = ? AND prompt = ? AND text IS NOT NULL AND key <> ?"
        f" AND (run = ? AND step = ? OR run IN ({', '.join(['?'] * len(origins)) or 'NULL'}))"
        " ORDER BY abs(step - ?), created LIMIT 1"
    )
    same = (call.node, call.served, call.prompt, call.key, call.run, call.step, *origins, call.step)
    return next(iter(rows.entries(db, where, same)), None)


def use(db: Books, call: Call, paid: Entry, now: float) -> None:
    """Enter at no price that a call uses this reply."""
    said = {name: getattr(paid, name) for name in SAME}
    note = f"{PAID}: {paid.id}"
    rows.enter(db, replace(call, price=PAID), now, reserved=0, settled=0, closed=now, note=note, **said)
