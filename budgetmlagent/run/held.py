"""A run that is gone on with: no two processes do so at once, and from a stranger's nothing is taken but by the person's word."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from budgetmlagent import disk
from budgetmlagent.errors import UsageError
from budgetmlagent.records import archive, live
from budgetmlagent.records.owner import is_own
from budgetmlagent.run import stranger
from budgetmlagent.run.engine import Engine
from budgetmlagent.run.stranger import Word
from budgetmlagent.run.view import RunView
from budgetmlagent.sandbox.workspace import remove


class Held(RunView):
    """A run, and how it is held while it is gone on with."""

    engine: Engine
    _said = Word()  # by the person, for this run
    _is_mine = False  # whether its config is the person's word
    _unwritten = False  # whether that is still to be written

    @contextmanager
    def _running(self, cap: int | None = None) -> Iterator[None]:
        """Hold the run; `cap` is the new total that it is given, in nano-dollars."""
        lock = FileLock(self.folder.lock, is_singleton=True)
        with disk.clear():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise UsageError(f"run {self.run_id} is running in another process") from None
            self._began = time.monotonic()
            try:
                live.take(self.folder)
                self.make_mine(cap)
                archive.going_on(self.folder)
                if self._unwritten:
                    if not is_own(self.folder.root):
                        remove(self.folder.work)  # a link or a pipe there would be read as what a script left
                    self.folder.keep(self.config)
                    self._unwritten = False
                    self._tell_the_rules(self.ledger.cap(self.run_id))
                if not self.folder.summary.exists():
                    self.folder.write("run.json", self.summary)
                yield
                self.engine.rest()
            except BaseException:
                self.engine.renew()
                raise
            finally:
                with suppress(OSError):
                    live.leave(self.folder)
                lock.release()

    def make_mine(self, cap: int | None = None) -> None:
        """Have the person's word in the run's config, as whatever goes on with the run does; nothing is started.

        `cap` is as of `stranger.config_for`, which says what is raised.
        """
        if not self._is_mine:
            self.config, self._unwritten = stranger.config_for(self, self._said, cap)
            self._is_mine = True

    def _tell_the_rules(self, cap: int) -> None:
        if self.state.task.get("budget", cap) != cap:
            self.engine.limit(budget=cap)
