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
UNREACHED = 2.0  # of any for a host that cannot be reached: seldom does that pass
TOLD = 1.0  # seconds; a shorter wait goes unsaid


@dataclass
class Waits:
    """The earliest time at which each host may be asked again."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    every: float = 60.0  # seconds between two lines about a model that is still thinking
    _busy: dict[str, int] = field(default_factory=dict)  # busy answers in a row
    _until: dict[str, float] = field(default_factory=dict)
    _why: dict[str, str] = field(default_factory=dict)  # what is said of a wait
    # By thread: the model that is asked, and since when.
    _asked: dict[int, tuple[str, float]] = field(default_factory=dict)

    def before(self, host: str) -> None:
        """Wait until `host` may be asked; an interrupt ends the wait."""
        seconds = self._until.pop(host, 0.0) - self.now()
        if seconds >= TOLD:
            why = self._why.get(host, "is busy")
            print(f"{host} {why}: waiting {seconds:.0f} s before the next request", file=sys.stderr)
        if seconds > 0:
            self.sleep(seconds)

    def busy(self, host: str, after: float | None) -> None:
        """Note a busy answer: the next request waits for `after` seconds, else twice as long as the last one did."""
        why = (
            f"is busy and asks to wait {after:.0f} s" if after is not None and after > LONGEST else "is busy"
        )
        count = self._busy.get(host, 0)
        self._busy[host] = count + 1
        # Jitter: several runs that a host turned away together do not come back together.
        doubled = FIRST * 2.0 ** min(count, 16) * random.uniform(0.75, 1.25)
        self._wait(host, why, min(doubled if after is None else after, LONGEST))

    def unreached(self, host: str) -> None:
        """Note that there is no connection to `host`: the next request waits for seconds at most."""
        self._wait(host, "cannot be reached", random.uniform(1.5 * TOLD, UNREACHED))

    def _wait(self, host: str, why: str, seconds: float) -> None:
        self._why[host], self._until[host] = why, self.now() + seconds

    def answered(self, host: str) -> None:
        """Note an answer that was not busy: waiting begins anew."""
        self._busy.pop(host, None)

    @contextmanager
    def asking(self, model: str) -> Iterator[None]:
        """Note that `model` is being asked; where no terminal shows it, say every minute that it still is."""
        thread, asked, done = threading.get_ident(), (model, self.now()), threading.Event()
        self._asked[thread] = asked
        if not sys.stderr.isatty():
            threading.Thread(target=self._tell, args=(asked, done), daemon=True).start()
        try:
            yield
        finally:
            done.set()
            del self._asked[thread]

    def _tell(self, asked: tuple[str, float], done: threading.Event) -> None:
        while not done.wait(self.every):
            print(self._said(*asked), file=sys.stderr)

    def standing(self) -> str:
        """Say which models are being waited for and how long, e.g. "large is thinking, 1:10"; "" where none is."""
        return ", ".join(self._said(*asked) for asked in list(self._asked.values()))

    def _said(self, model: str, since: float) -> str:
        minutes, seconds = divmod(int(self.now() - since), 60)
        return f"{model} is thinking, {minutes}:{seconds:02d}"


@dataclass(frozen=True)
class Patience:
    """How long a client waits: for a host that was busy, and for a reply."""

    waits: Waits = field(default_factory=Waits)
    shortened: Callable[[float], float] = lambda seconds: (
        seconds
    )  # a reply's fits into what is left of the run's
