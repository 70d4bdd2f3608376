"""A run as an object: step it, run it, look at it, go back, edit it, fork it."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from budgetmlagent.errors import UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.records import events, live, summary
from budgetmlagent.records.events import Event
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.run import edits, forking, options, order
from budgetmlagent.run import until as stopping
from budgetmlagent.run.engine import Engine
from budgetmlagent.run.left import Left
from budgetmlagent.run.remeasure import remeasured
from budgetmlagent.run.request import Request
from budgetmlagent.run.shown import Summary
from budgetmlagent.run.stranger import Word
from budgetmlagent.run.until import Until
from budgetmlagent.run.watch import watching
from budgetmlagent.sandbox.workspace import remove
from budgetmlagent.wording import counted
from graphs.policy import undo
from graphs.spec import GraphSpec
from memory.state import NANO


class Session(Left):
    """One run of one task, to look at and to go on with.

    `Session("digits")` begins a run (nothing is executed yet), `Session.open(run)` goes on with one, and so does a
    `RunDir` in the place of the task. The options are those of `budgetmlagent.run.request.Request`.
    Raises UsageError for what the caller got wrong and UnavailableError for what the machine lacks.
    """

    def __init__(
        self,
        task: str | RunDir,
        graph: str | Path | GraphSpec | None = Request.graph,
        models: str | Path | None = Request.models,
        budget: float | None = Request.budget,
        turns: int | None = Request.turns,
        seed: int | None = Request.seed,
        history: str | None = Request.history,
        runs_dir: str | Path = Request.runs_dir,
        *,
        unsafe: bool = Request.unsafe,
        direction: str | None = Request.direction,
        project_budget: float | None = Request.project_budget,
        approve: str = Request.approve,
        above: float = Request.above,
        minutes: float | None = Request.minutes,
        aim: str | None = Request.aim,
        trust: bool = Request.trust,
    ) -> None:
        if not isinstance(task, RunDir):
            task = order.begin(
                Request(
                    task, graph, models, budget, turns, seed, history, runs_dir, unsafe=unsafe, direction=direction,
                    project_budget=project_budget, approve=approve, above=above, minutes=minutes, aim=aim, trust=trust,
                )
            )  # fmt: skip
        super().__init__(task)
        if not self.config.fork:  # which shares the money of the run that it comes from
            self.ledger.open_run(self.run_id, self.config.budget)
        self.engine = Engine(self, self._seconds_left)
        self._began = time.monotonic()

    @classmethod
    def open(
        cls,
        run: str | Path,
        runs_dir: str | Path = Request.runs_dir,
        *,
        models: str | Path | None = None,
        unsafe: bool = False,
        trust: bool = False,
    ) -> Self:
        """Open a run by id or path, to look at and to go on with.

        A run that was not begun here goes on under what is said here and in `extend`, as `resume` does: asked are the models
        of your `models`, in a sandbox unless `unsafe`. Raises what `RunView.open` raises.
        """
        session = super().open(run, runs_dir)
        session._said = Word(models, unsafe, trust)
        return session

    # -- going on

    def step(self) -> Event | None:
        """Run one node; return its event, None where the run has ended or waits for a word."""
        with self._archived(steps=True), self._running(), self._told():
            event = next(self._events(), None)
            if event or self._ended.get("status") != "finished":
                self._stand()
            return event

    def run(self, until: Until | None = None, on_step: Callable[[Event], None] | None = None) -> Summary:
        """Run to the end and return the summary; a KeyboardInterrupt leaves a run that can be resumed.

        `until` stops it after a step: a node's name (the next time that it has run), the number of a step to come, or a
        function of the event that says whether to stop. `on_step` is called after each; in a notebook, without one, a line
        a step is shown while the cell runs. Raises UsageError for another `until`, before anything runs.
        """
        ends = stopping.ends(self, until)
        with self._archived(), self._running(), self._told():
            on_step = on_step or watching(self)
            for event in self._events():
                if on_step:
                    on_step(event)
                if ends(event) or live.pausing(self.folder.root):
                    break
            return Summary(self._stand())

    def approve(self, word: bool = True) -> Self:
        """Answer the call that waits for a person's word; `run` or `step` goes on with it.

        A call that is declined is routed by the rules of the graph, like any other fault. Raises UsageError where
        nothing waits, and for what is neither True nor False: "no" is no word to spend money on.
        """
        if not isinstance(word, bool):
            raise UsageError(f"approve({word!r}): True or False is needed")
        if not self.question:
            raise UsageError(f"run {self.run_id}: nothing waits for a word; next is {self.next}")
        self._word = word
        return self

    def _events(self) -> Iterator[Event]:
        """Run node after node, yielding each step's event once it stands in events.jsonl."""
        from langgraph.types import Command

        self._pinned()
        self.engine.depart()
        if not self.done and self._ended.get("status") == "finished":  # the run had ended, and was given more
            self.folder.write("ended.json", self._ended | {"status": "stopped", "reason": summary.UNFINISHED})
        asked, word = self.question, self._word
        self._word = None
        if asked and word is None:
            return
        if self.done and self._was_let_down and self._ended.get("status") == "failed":
            self.engine.retake({})  # whoever goes on has mended what the provider lacked
        path = self.branches.path
        self.folder.write_bytes("events.jsonl", events.as_file(events.timeline(path, self.calls)))
        for event in self.engine.events(Command(resume=word) if asked else None if path else {"turn": 0}):
            with (self.folder.root / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(events.as_line(event))
            yield event

    # -- going back, editing, forking

    def goto(self, step: int) -> Self:
        """Stand after `step` (0: before the first node) and return the session.

        Nothing is lost: going on from here begins a new branch. What was paid for is not paid again there while the
        requests stay the same, and money that was spent stays spent.
        """
        self.branches.goto(step)
        return self

    def back(self, n: int = 1) -> Self:
        """Take the `n` newest steps back and return the session; what was changed by hand just before them stays."""
        taken = self.timeline
        if not isinstance(n, int) or not 0 <= n <= len(taken):
            stands = f"run {self.run_id} stands after {counted(len(taken), 'step')}"
            raise UsageError(f"back({n!r}): {stands}: 0 to {len(taken)} is needed")
        if n:
            self.branches.before(taken[-n].step)
        return self

    def stay(self) -> Self:
        """Make where it was gone back to the place where the run stands, for whoever opens it next; return the session."""
        with self._running():
            stood = self.branches.branch
            self.engine.depart()
            if self.branches.branch != stood:
                self.engine.edit({})  # a run stands on the branch that has the newest point
                self.folder.write_bytes("events.jsonl", events.as_file(self.timeline))
                self._conclude("stopped", summary.UNFINISHED)
        return self

    @property
    def graph(self) -> GraphSpec:
        """The graph, as a copy: edit it and assign it to go on under the edited one, in the middle of a run too."""
        return super().graph

    @graph.setter
    def graph(self, spec: GraphSpec) -> None:
        with self._running():
            spec, self.config = order.checked_for(spec, self.config)
            self.spec = spec.model_copy(deep=True)
            self.folder.write_bytes(self.folder.graph.name, self.spec.dump().encode())
            self.folder.keep(self.config)
            self.engine.renew()
            self.engine.depart()

    def extend(
        self, budget: float | None = None, turns: int | None = None, minutes: float | None = None
    ) -> None:
        """Give the run a new total of `budget` dollars, of `turns` or of `minutes`; what a limit ended is taken again."""
        cap = None if budget is None else options.nano("budget", budget)
        changes = {
            "turns": None if turns is None else options.whole("turns", turns),
            "minutes": None if minutes is None else options.minutes(minutes),
        }
        with self._running(cap):
            if cap is not None:
                self.ledger.set_cap(self.run_id, cap)
            if given := {name: value for name, value in changes.items() if value is not None}:
                self.config = replace(self.config, **given)  # type: ignore[arg-type]
                self.folder.keep(self.config)
                self.engine.renew()
            self.engine.limit(budget=self.ledger.cap(self.run_id), turns=self.config.turns)
            self.folder.write("run.json", self.summary)  # a run that has ended does not go on to write it

    def fork(
        self,
        *,
        replies: str = "live",
        graph: GraphSpec | None = None,
        budget: float | None = None,
        turns: int | None = None,
        **changes: Any,
    ) -> "Session":
        """Return a new run that shares this one's history up to where it stands; this one stays as it is.

        `changes` are fields of the state; of a field that is a mapping only the keys given change. The rules then decide
        again. With replies="recorded" a request that this run has paid for costs nothing; with "live" each is sent, and
        what that may cost at most is said beforehand. Both runs share one budget: money never rewinds.
        A case may be given by its name: `plan={"case": "table_forest"}`. A change that the coming node would overwrite, or that
        nothing follows, is told. They are judged by `graph` where one is given. Raises UsageError for an unknown field or key of one, and for a value that none can have.
        """
        cases = self._cases() if edits.names_case(changes) else {}
        spec = self.spec if graph is None else order.load_graph(graph)
        edit = edits.checked(changes, undo(self.state), spec, self.artifacts, cases)
        if edit and not self.branches.path:
            raise UsageError(
                f"fork({next(iter(changes))}=…): run {self.run_id} has taken no step, so there is no state to change;"
                " run(until=1) first, or give it turns=… or budget=…"
            )
        self.make_mine(None if budget is None else options.nano("budget", budget))
        if verdict := self.engine.parts.changed:
            raise UsageError(self._changed(verdict["changed"]))
        fork = type(self)(forking.begin(self, replies))
        if graph is not None:
            fork.graph = graph
        if budget is not None or turns is not None:
            fork.extend(budget, turns)
        if edit:
            with fork._running():
                fork.engine.edit(edit)
        told = edits.lost(changes, fork.spec, fork.next, fork.state)
        if edit and fork.done:
            told.append(
                "the run has come to its end here, so nothing follows; to change a step, go back before it: goto(STEP)"
            )
        if replies == "live" and not self.config.replay:
            most = max(0, self.ledger.left(fork.run_id)) / NANO
            told += [f"going on may cost ${most:.4f} at most"]
        for line in told:
            print(visible(f"fork {fork.run_id}: {line}"), file=sys.stderr)
        return fork

    def _cases(self) -> dict[str, dict[str, Any]]:
        """The cases that a node was supplied with on the way to where the run stands, by name, as far as they can be read."""
        items = [item for point in self.branches.path for item in point.values.get("history", [])]
        return edits.named(items, self.artifacts)

    def remeasure(self) -> Self:
        """Measure the starter and the best again on the task as it is now, and begin anew from what they are worth.

        Raises RunFailedError where the starter fails, and UnavailableError where the sandbox does not start.
        """
        with self._running(), self._told():
            remove(self.folder.work)  # what was scored before, too
            self.folder.sealed.unlink(missing_ok=True)
            self.engine.renew()
            self.engine.edit(remeasured(undo(self.state), self.engine.parts.deps))
        return self
