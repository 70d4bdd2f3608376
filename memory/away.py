"""A memory's server that is away is waited for, for as long as a restart takes."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from memory.items import StoreError

OPENING, PATIENCE = 10.0, 60.0  # seconds that it may be away: asked for the first time, and once it was there
PAUSE = 0.5  # seconds before another try


class Placed(Protocol):
    """What is at a server."""

    @property
    def place(self) -> str:
        """The server's address."""
        ...


S = TypeVar("S", bound=Placed)
P = ParamSpec("P")
T = TypeVar("T")
_MET: set[str] = set()  # servers that have answered this process


class AwayError(StoreError):
    """The server is not there now; it may be starting again."""


def is_away(error: BaseException) -> bool:
    """Say whether that was the way to the server, or its end; Chroma's client wraps what its first request meets."""
    import httpx

    broken = (httpx.TransportError, ConnectionError, TimeoutError)
    return isinstance(error, broken) or isinstance(error.__cause__, broken)


def patient(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Have a method done again while its server is away: whatever it asks there, twice is once."""

    @wraps(method)
    def done(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        until = time.monotonic() + (PATIENCE if self.place in _MET else OPENING)
        while True:
            try:
                result = method(self, *args, **kwargs)
            except AwayError:
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE)
            else:
                _MET.add(self.place)
                return result

    return done
