"""Asking again beside a run, as the rules of its graph do: where the endpoint is busy, or the reply was all thought.

The wait before a busy endpoint is asked again is the client's, as in runs (`waiting.py`).
"""

from collections.abc import Callable
from typing import TypeVar

TRIES = 4  # requests in a row to a busy endpoint, as the shipped graphs' `given_up` has it

T = TypeVar("T")


def patiently(ask: Callable[[], T], fault: Callable[[T], str]) -> T:
    """Return what `ask` brought in the end; `fault` tells the kind of fault of one reply, "" for none.

    Where busy replies left no money for another try, that is the last of them: it says what is wrong.
    """
    left, busy = {"busy": TRIES, "thought": 2}, list[T]()
    while True:
        reply = ask()
        kind = fault(reply)
        if kind == "refused" and busy:
            return busy[-1]
        if kind == "busy":
            busy.append(reply)
        left[kind] = left.get(kind, 1) - 1
        if not left[kind]:
            return reply
