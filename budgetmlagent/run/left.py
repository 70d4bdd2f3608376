"""How a run is left: what is written of it where it stops, and at its end what its best is worth on the private answers."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from budgetmlagent import disk
from budgetmlagent.errors import InterruptedRunError, RunFailedError, UnavailableError, UsageError
from budgetmlagent.models.approval import in_words
from budgetmlagent.records import archive, hints, shown, summary, unknown
from budgetmlagent.records.rundir import read_json
from budgetmlagent.run import order
from budgetmlagent.run import until as stopping
from budgetmlagent.run.held import Held
from nodes.deps import OUTAGES

NAMED = 5  # changes that are named


class Left(Held):
    """A run that is gone on with, and how it is left: at its end, at a question, by a person or by a fault."""

    @contextmanager
    def _archived(self, *, steps: bool = False) -> Iterator[None]:
        """Have the archive get what is left of the run; after single steps, once it has ended."""
        try:
            yield
        finally:
            if not steps or self.done:
                archive.keep(self.folder.root.parent)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Write down how the run was left where it does not come to its end."""
        try:
            with disk.clear():
                yield
        except KeyboardInterrupt:
            root = self.folder.root
            resume, opened = hints.command("resume", root), hints.opened(root)
            self._conclude("stopped", f"interrupted; `{resume}` goes on")
            raise InterruptedRunError(stopping.stopped(self), opened=opened, resume=resume) from None
        except (RunFailedError, UnavailableError) as error:
            # On a full disk the checkpoints alone say how far it came.
            with suppress(UnavailableError, OSError):
                self._conclude("failed", str(error))
            raise

    def _pinned(self) -> None:
        """Raise UsageError where the task is another than when the run began: scores of both cannot be compared."""
        if verdict := self.engine.parts.changed:
            said = self._changed(verdict["changed"])
            self._conclude("stopped", said, integrity=verdict)
            raise UsageError(said)

    def _changed(self, found: Sequence[str]) -> str:
        named = ", ".join(found[:NAMED]) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
        again = hints.command("resume", self.folder.root, "--remeasure")
        return (
            f"run {self.run_id}: the task {self.task.root} was changed since the run began: {named}; put it back, or measure"
            f" the starter and the best again with `{again}`"
        )

    def _stand(self) -> dict[str, Any]:
        """Write what is to be seen of the run where it stands, at its end with the private scores."""
        if question := self.question:
            resume = hints.command("resume", self.folder.root, "--approve yes|no")
            answer = f"`{resume}` or approve() answers"
            return self._conclude("stopped", f"waits for your word: {in_words(question)} {answer}")
        return self._finish() if self.done else self._conclude("stopped", summary.UNFINISHED)

    def _finish(self) -> dict[str, Any]:
        """Score the best on the private answers, unless it has been before, and write what is left behind."""
        record = self.record
        values, detail = record.values, record.values.get("fault", {}).get("detail", "no score")
        if not values.get("best"):
            raise RunFailedError(f"the starter {self.task.root / 'env' / 'train.py'} fails: {detail}")
        if self._was_let_down and summary.nothing_came(record):
            root, budget = self.folder.root, values.get("task", {}).get("budget", self.config.budget)
            told = [detail, unknown.of_run(record.calls, root)]
            again = unknown.resumed(record.calls, budget, root)
            raise UnavailableError(f"{'; '.join(filter(None, told))}; then `{again}`")
        known = summary.final_of(self.folder, values)
        final = self.engine.parts.final(values, known)
        self.folder.write("final.json", final or {"attempt": values["best"]["attempt"]})
        shown.keep(record, order.specs_of(self.config))
        unscored = "" if final else "; the private score of this best is not in the recording"
        return self._conclude("finished", f"{summary.ending(record)}{unscored}")

    def _conclude(self, status: str, reason: str, **more: Any) -> dict[str, Any]:
        seconds = round(self._seconds, 1)
        self.folder.write("ended.json", {"status": status, "reason": reason, "seconds": seconds, **more})
        return summary.write(self.record)

    @property
    def _was_let_down(self) -> bool:
        """Whether the newest step had no reply because a provider is out."""
        return self.state.fault.get("kind") in OUTAGES

    @property
    def _ended(self) -> dict[str, Any]:
        """How the run was left when it was gone on with last; empty before."""
        return read_json(self.folder.root / "ended.json")

    @property
    def _seconds(self) -> float:
        """Seconds that the run took, this process' until now included."""
        return float(self._ended.get("seconds", 0.0) + time.monotonic() - self._began)

    def _seconds_left(self) -> float:
        """Seconds that the run may still take."""
        return math.inf if self.config.minutes is None else 60 * self.config.minutes - self._seconds
