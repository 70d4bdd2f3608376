"""When a host that was busy may be asked again, and what is being waited for.

A new try is a step of the graph; what the client does is to wait before it sends one. A wait is no part of the state.
"""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FIRST, LONGEST = 1.0, 60.0  # seconds: of the first wait, and of any
EVERY = 60.0  # seconds between two lines about a model that is still thinking
TOLD = 1.0  # seconds; a shorter wait goes unsaid


@dataclass
class Waits:
    """The earliest time at which each host may be asked again."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _busy: dict[str, int] = field(default_factory=dict)  # busy answers in a row
    _until: dict[str, float] = field(default_factory=dict)
    _asked: tuple[str, float] | None = None  # the model that is being asked, and since when

    def before(self, host: str) -> None:
        """Wait until `host` may be asked; an interrupt ends the wait."""
        seconds = self._until.pop(host, 0.0) - self.now()
        if seconds >= TOLD:
            print(f"{host} is busy: waiting {seconds:.0f} s before the next request", file=sys.stderr)
        if seconds > 0:
            self.sleep(seconds)

    def busy(self, host: str, after: float | None) -> None:
        """Note a busy answer: the next request waits for `after` seconds, else twice as long as the last one did."""
        count = self._busy.get(host, 0)
        self._busy[host] = count + 1
        # Jitter: several runs that a host turned away together do not come back together.
        doubled = FIRST * 2.0 ** min(count, 16) * random.uniform(0.75, 1.25)
        self._until[host] = self.now() + min(doubled if after is None else after, LONGEST)

    def answered(self, host: str) -> None:
        """Note an answer that was not busy: waiting begins anew."""
        self._busy.pop(host, None)

    @contextmanager
    def asking(self, model: str) -> Iterator[None]:
        """Note that `model` is being asked; where no terminal shows it, say every minute that it still is."""
        self._asked, done = (model, self.now()), threading.Event()
        if not sys.stderr.isatty():
            threading.Thread(target=self._tell, args=(done,), daemon=True).start()
        try:
            yield
        finally:
            done.set()
            self._asked = None

    def _tell(self, done: threading.Event) -> None:
        while not done.wait(EVERY):
            print(self.standing(), file=sys.stderr)

    def standing(self) -> str:
        """Say which model is being waited for and how long, e.g. "large is thinking, 1:10"; "" where none is."""
        if (asked := self._asked) is None:
            return ""
        minutes, seconds = divmod(int(self.now() - asked[1]), 60)
        return f"{asked[0]} is thinking, {minutes}:{seconds:02d}"


@dataclass(frozen=True)
class Patience:
    """How long a client waits: for a host that was busy, and for a reply."""

    waits: Waits = field(default_factory=Waits)
    shortened: Callable[[float], float] = lambda seconds: (
        seconds
    )  # a reply's fits into what is left of the run's
