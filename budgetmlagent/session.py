"""A run as an object: step it, run it, look at it. LangGraph's checkpoints underneath, nothing beside them."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from budgetmlagent import events, rundir, summary
from budgetmlagent.errors import RunFailedError, UnavailableError, UsageError
from budgetmlagent.events import Event, Point
from budgetmlagent.rundir import RunConfig, RunDir
from memory.state import NANO, RunState

if TYPE_CHECKING:
    from budgetmlagent.money.report import Cost
    from budgetmlagent.wiring import Parts
    from graphs.spec import GraphSpec

OnStep = Callable[[Event], None]
STEPS_A_TURN = 40  # recursion limit per turn: far above any turn's real length, far below for ever


class Session:
    """One run of one task.

    `Session("digits")` makes a run (nothing is executed yet), `Session.open(run)` goes on with one.
    `budget` in dollars, `turns` in decisions of the planner, `history` one of off, run, all.
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
    ) -> None:
        from budgetmlagent.order import plan

        order = plan(task, graph, models, budget, turns, seed, history, unsafe=unsafe, direction=direction)
        run = rundir.create(Path(runs_dir).resolve(), order.config, order.spec.dump())
        self._begin(run, order.config, order.spec)

    @classmethod
    def open(cls, run: str | Path, runs_dir: str | Path = "runs") -> Self:
        """Open a run by id or path, to look at it or to go on with it."""
        from budgetmlagent.order import load_graph

        found = rundir.find(run, Path(runs_dir))
        self = cls.__new__(cls)
        self._begin(found, found.config(), load_graph(str(found.graph)))
        return self

    def _begin(self, run: RunDir, config: RunConfig, spec: "GraphSpec") -> None:
        from langgraph.checkpoint.sqlite import SqliteSaver

        from budgetmlagent.money.ledger import Ledger
        from budgetmlagent.tasks.folder import load_task
        from memory.artifacts import Artifacts

        self.folder, self.config, self.graph = run, config, spec
        self.task = load_task(config.task, direction=config.direction)
        self.artifacts = Artifacts(run.artifacts)
        self.ledger = Ledger(run.ledger)
        self.ledger.open_run(config.run_id, config.budget)
        self._saver = SqliteSaver(sqlite3.connect(run.checkpoints, check_same_thread=False))
        self._thread: Any = {
            "configurable": {"thread_id": config.run_id, "checkpoint_ns": ""},
            "recursion_limit": STEPS_A_TURN * (config.turns + 2),
        }
        self._began = time.monotonic()

    @cached_property
    def parts(self) -> "Parts":
        """The run's dependencies, made when it is first gone on with: looking needs none of them."""
        from budgetmlagent import wiring

        return wiring.build(self.config, self.folder, self.task, self.graph, self.artifacts, self.ledger)

    @cached_property
    def _compiled(self) -> Any:
        from graphs.compile import compile_graph

        return compile_graph(self.graph, self.parts.deps, self._saver)

    # -- looking

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.config.run_id

    @property
    def _path(self) -> list[Point]:
        return events.branch(self._saver.list(self._thread))

    @property
    def done(self) -> bool:
        """Whether the run has come to its end."""
        from graphs.policy import END

        path = self._path
        return bool(path) and events.node_of(path[-1], self.graph.start) == END

    @property
    def state(self) -> RunState:
        """The state after the newest step."""
        path = self._path
        return RunState(**path[-1].values) if path else RunState()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every request to a model: the ledger's lines of this run."""
        from budgetmlagent.money.report import calls_of

        return calls_of(self.ledger, self.run_id)

    @property
    def cost(self) -> "Cost":
        """What the run cost so far: `.usd`, `.usd_settled`, `.usd_reserved` and `.calls`."""
        from budgetmlagent.money.report import cost_of

        return cost_of(self.ledger, self.run_id)

    @property
    def timeline(self) -> list[Event]:
        """One event a step, oldest first."""
        return list(events.timeline(self._path, self.calls, self.graph.start))

    @property
    def record(self) -> summary.Record:
        """The run's three stores, read."""
        path, calls = self._path, self.calls
        timeline = list(events.timeline(path, calls, self.graph.start))
        values = path[-1].values if path else {}
        return summary.Record(self.config, self.folder, self.task, self.artifacts, calls, values, timeline)

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object of the contract, as it stands now."""
        return summary.build(self.record)

    def why(self, step: int | None = None) -> Event:
        """Return the event of `step` (default: the newest), whose route says rule, values and rules passed over."""
        timeline = self.timeline
        found = [e for e in timeline if step is None or e["step"] == step]
        if not found:
            last = timeline[-1]["step"] if timeline else 0
            raise UsageError(f"run {self.run_id} has no step {step}; its steps are 1 to {last}")
        return found[-1]

    # -- going on

    def step(self) -> Event | None:
        """Run one node; return its event, None where the run has ended."""
        with self._running():
            return next(self._events(), None)

    def run(self, on_step: OnStep | None = None) -> dict[str, Any]:
        """Run to the end and return the summary; a KeyboardInterrupt leaves a run that can be resumed."""
        with self._running():
            try:
                for event in self._events():
                    if on_step:
                        on_step(event)
                return self._finish()
            except KeyboardInterrupt:
                self._conclude("stopped", "interrupted; `budgetml resume` goes on")
                raise
            except RunFailedError as error:
                self._conclude("failed", str(error))
                raise

    def extend(self, budget: float | None = None, turns: int | None = None) -> None:
        """Give the run a new total of `budget` dollars or of `turns`; a step that a limit ended is taken again."""
        if budget is not None and not 0 <= budget < 1e6:
            raise UsageError(f"--budget {budget}: a number of dollars, 0 or more, is needed")
        if budget is not None:
            self.ledger.set_cap(self.run_id, round(budget * NANO))
        if turns is not None:
            self.config = replace(self.config, turns=turns)
            self.folder.write("config.json", self.config.as_json())
        path = self._path
        if len(path) < 3:
            return  # nothing has been decided yet: the limits are read at the first step
        limits = {"budget": self.ledger.cap(self.run_id), "turns": self.config.turns}
        # A step that did nothing for want of money or turns is taken again; any other is decided again.
        taken = path[-1].values.get("fault", {}).get("kind") in ("refused", "no_turn")
        here, before = (path[-2], path[-3]) if self.done and taken else (path[-1], path[-2])
        node = events.node_of(before, self.graph.start)
        edit: dict[str, Any] = {"task": here.values.get("task", {}) | limits}
        if self.done and not taken:
            from graphs.compile import settle

            state = RunState(**(here.values | edit))
            edit |= settle(self.graph, node, state, self.parts.deps, here.step)
        self._compiled.update_state(here.config, edit, as_node=node)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Hold the run: no two processes go on with it at once."""
        from filelock import FileLock, Timeout

        from memory.store import StoreError

        lock = FileLock(self.folder.lock, is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"run {self.run_id} is running in another process") from None
        self._began = time.monotonic()
        try:
            if not self.folder.summary.exists():
                self.folder.write("run.json", self.summary)
            yield
        except StoreError as error:
            raise UnavailableError(str(error)) from None
        finally:
            if "parts" in self.__dict__:
                self.parts.close()
                del self.__dict__["parts"]
                self.__dict__.pop("_compiled", None)
            lock.release()

    def _events(self) -> Iterator[Event]:
        """Run node after node, yielding each step's event after its checkpoint is written."""
        path = self._path
        events.write(self.folder.root / "events.jsonl", self.timeline)
        start: dict[str, Any] | None = None if path else {"turn": 0}
        before = path[-1].values if path else {}
        for update in self._compiled.stream(start, self._thread, stream_mode="updates", durability="sync"):
            node, changes = next(iter(update.items()))
            newest = self._saver.get_tuple(self._thread)
            step = int(newest.metadata.get("step", 0)) if newest else 0
            values = before | changes
            made = [c for c in self.calls if c["step"] == step]
            event = events.project(node, step, values, made, before)
            with (self.folder.root / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(events.as_line(event))
            before = values
            yield event

    def _finish(self) -> dict[str, Any]:
        """Score the best on the private answers, once, and write what is left behind."""
        values = self._path[-1].values
        if not values.get("best"):
            detail = values.get("fault", {}).get("detail", "no score")
            raise RunFailedError(f"the starter {self.task.root / 'env' / 'train.py'} fails: {detail}")
        self.folder.write("final.json", self.parts.final(values))
        return self._conclude("finished", summary.reason(values))

    def _conclude(self, status: str, reason: str) -> dict[str, Any]:
        before = summary.read_json(self.folder.root / "ended.json").get("seconds", 0.0)
        seconds = round(before + time.monotonic() - self._began, 1)
        self.folder.write("ended.json", {"status": status, "reason": reason, "seconds": seconds})
        return summary.write(self.record)
