"""A run as an object: step it, run it, look at it. LangGraph's checkpoints underneath, nothing beside them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from budgetmlagent import disk
from budgetmlagent.errors import RunFailedError, UnavailableError, UsageError
from budgetmlagent.models.approval import in_words
from budgetmlagent.records import branches, events, rundir, summary
from budgetmlagent.records.events import Event
from budgetmlagent.run.stepping import EditableRun
from nodes.deps import OUTAGES

if TYPE_CHECKING:
    from graphs.spec import GraphSpec

OnStep = Callable[[Event], None]
Until = str | int | Callable[[Event], bool]
UNFINISHED = "not finished"


class Session(EditableRun):
    """One run of one task.

    `Session("digits")` makes a run (nothing is executed yet), `Session.open(run)` goes on with one.
    `budget` in dollars, `turns` in decisions of the planner, `history` one of off, run, all. `project_budget` is what all
    runs of `runs_dir` may spend together, from now on; by itself there is no such cap. `approve`, one of expert, up, all,
    says which calls that may cost more than `above` dollars wait for a word (`question`, `approve()`); `minutes` is the
    time that the run may take.
    Raises UsageError for what the caller got wrong and UnavailableError for what the machine lacks.
    """

    def __init__(
        self,
        task: str,
        graph: "str | GraphSpec" = "budgetml",
        models: str | Path | None = None,
        budget: float = 0.25,
        turns: int = 12,
        seed: int = 0,
        history: str = "all",
        runs_dir: str | Path = "runs",
        *,
        unsafe: bool = False,
        direction: str | None = None,
        project_budget: float | None = None,
        approve: str = "",
        above: float = 0.0,
        minutes: float | None = None,
    ) -> None:
        from budgetmlagent.run.order import nano, plan

        project = None if project_budget is None else nano("--project-budget", project_budget)
        order = plan(
            task, graph, models, budget, turns, seed, history,
            unsafe=unsafe, direction=direction, approve=approve, above=above, minutes=minutes,
        )  # fmt: skip
        run = rundir.create(Path(runs_dir).resolve(), order.config, order.spec.dump())
        self._begin(run, order.config, order.spec)
        if project is not None:
            self.ledger.set_project_cap(project)

    def fork(
        self,
        *,
        replies: str = "live",
        graph: "GraphSpec | None" = None,
        budget: float | None = None,
        turns: int | None = None,
        **changes: Any,
    ) -> "Session":
        """Return a new run that shares this one's history up to where it stands; this one stays as it is.

        `changes` are fields of the state; of a field that is a mapping only the keys given change. The rules then decide
        again. With replies="recorded" a request that this run has paid for costs nothing; with "live" each is sent, and
        what that may cost at most is said beforehand. Both runs share one budget: money never rewinds.
        Raises UsageError for an unknown field.
        """
        from budgetmlagent.run import forking
        from graphs.policy import undo

        edit = forking.checked(changes, undo(self.state), self.artifacts)
        path = branches.way(self._saver, self._branch, self._at)
        run, config = forking.begin(self.folder, self.config, self.task.name, path, replies)
        fork = type(self).__new__(type(self))
        fork._begin(run, config, self.graph)
        if graph is not None:
            fork.graph = graph
        if budget is not None or turns is not None:
            fork.extend(budget, turns)
        if edit:
            with fork._running():
                fork._edit(edit)
        if replies == "live" and not config.replay:
            print(f"fork {fork.run_id}: going on may cost ${fork.left_usd:.4f} at most", file=sys.stderr)
        return fork

    # -- going on

    def step(self) -> Event | None:
        """Run one node; return its event, None where the run has ended or waits for a word."""
        with self._running(), self._told(), disk.clear():
            event = next(self._events(), None)
            if event or self._ended.get("status") != "finished":
                self._stand()
            return event

    def run(self, until: Until | None = None, on_step: OnStep | None = None) -> dict[str, Any]:
        """Run to the end and return the summary; a KeyboardInterrupt leaves a run that can be resumed.

        `until` stops it after a step: a node's name (the next time that it has run), a step's number, or a function of
        the event that says whether to stop.
        """
        with self._running(), self._told(), disk.clear():
            for event in self._events():
                if on_step:
                    on_step(event)
                if until is not None and _reached(until, event):
                    break
            return self._stand()

    def approve(self, word: bool = True) -> Self:
        """Answer the call that waits for a person's word; `run` or `step` goes on with it.

        A call that is declined is routed by the rules of the graph, like any other fault. Raises UsageError where
        nothing waits, and for what is neither True nor False: "no" is no word to spend money on.
        """
        if not isinstance(word, bool):
            raise UsageError(f"approve({word!r}): True or False is needed")
        if not self.question:
            raise UsageError(f"run {self.run_id}: nothing waits for a word; next is {self.next}")
        self.word = word
        return self

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Write down how the run was left where it does not come to its end."""
        try:
            yield
        except KeyboardInterrupt:
            self._conclude("stopped", "interrupted; `budgetml resume` goes on")
            raise
        except (RunFailedError, UnavailableError) as error:
            # On a full disk the checkpoints alone say how far it came.
            with suppress(UnavailableError, OSError):
                self._conclude("failed", str(error))
            raise

    def _events(self) -> Iterator[Event]:
        """Run node after node, yielding each step's event after its checkpoint is written."""
        from langgraph.types import Command

        self._depart()
        if not self.done and self._ended.get("status") == "finished":  # of an end that is gone on from
            self.folder.write("ended.json", self._ended | {"status": "stopped", "reason": UNFINISHED})
        asked, word = self.question, self.word
        self.word = None
        if asked and word is None:
            return
        if (
            self.done
            and self._path[-1].values.get("fault", {}).get("kind") in OUTAGES
            and self._ended.get("status") == "failed"
        ):
            self._retake({})  # whoever goes on with a run that its provider let fail has mended that
        path = self._path
        self.folder.write_bytes("events.jsonl", events.as_file(events.timeline(path, self.calls)))
        edits = events.newest_edits(path)
        start: Any = Command(resume=word) if asked else None if path else {"turn": 0}
        stood = max(0, path[-1].step) if path else 0  # step 0 is the input's, no node's
        # Not the updates: that of a step whose writes a killed process had saved comes before its checkpoint is made.
        for made in self._compiled.stream(start, self._thread, stream_mode="checkpoints", durability="sync"):
            about = made["metadata"]
            if about["source"] != "loop" or about["step"] <= stood:
                continue  # what the run goes on from
            before, after = branches.last_step(self._saver, self._branch)
            event = events.event(before, after, self.calls, edits)
            edits = []
            with (self.folder.root / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(events.as_line(event))
            yield event

    def _stand(self) -> dict[str, Any]:
        """Write what is to be seen of the run where it stands, at its end with the private scores."""
        if question := self.question:
            answer = f"`budgetml resume {self.run_id} --approve yes|no` or approve() answers"
            return self._conclude("stopped", f"waits for your word: {in_words(question)} {answer}")
        return self._finish() if self.done else self._conclude("stopped", UNFINISHED)

    def _finish(self) -> dict[str, Any]:
        """Score the best on the private answers, unless it has been before, and write what is left behind."""
        values = self._path[-1].values
        if not values.get("best"):
            detail = values.get("fault", {}).get("detail", "no score")
            raise RunFailedError(f"the starter {self.task.root / 'env' / 'train.py'} fails: {detail}")
        if values.get("fault", {}).get("kind") in OUTAGES and summary.nothing_came(self.record):
            raise UnavailableError(f"{values['fault']['detail']}; then `budgetml resume {self.run_id}`")
        self.folder.write("final.json", self.parts.final(values, summary.final_of(self.folder, values)))
        return self._conclude("finished", summary.reason(values))

    def _conclude(self, status: str, reason: str) -> dict[str, Any]:
        ended = {"status": status, "reason": reason, "seconds": round(self._seconds, 1)}
        self.folder.write("ended.json", ended)
        return summary.write(self.record)


def _reached(until: Until, event: Event) -> bool:
    return until(event) if callable(until) else until in (event.node, event.step)
