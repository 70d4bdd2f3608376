"""A run as an object: step it, run it, look at it. LangGraph's checkpoints underneath, nothing beside them."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from budgetmlagent import branches, disk, events, rundir, summary
from budgetmlagent.branches import Point
from budgetmlagent.errors import RunFailedError, UnavailableError, UsageError
from budgetmlagent.events import Event
from budgetmlagent.view import RunView
from memory.state import NANO, RunState

if TYPE_CHECKING:
    from budgetmlagent.wiring import Parts
    from graphs.spec import GraphSpec

OnStep = Callable[[Event], None]
Until = str | int | Callable[[Event], bool]
STEPS_A_TURN = 40  # recursion limit per turn: far above any turn's real length, far below for ever


class Session(RunView):
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

    @cached_property
    def parts(self) -> "Parts":
        """The run's dependencies, made when it is first gone on with: looking needs none of them."""
        from budgetmlagent import wiring

        return wiring.build(self.config, self.folder, self.task, self._graph, self.artifacts, self.ledger)

    @cached_property
    def _compiled(self) -> Any:
        from budgetmlagent.order import load_graph
        from graphs.compile import compile_graph

        return compile_graph(load_graph(self._graph), self.parts.deps, self._saver)

    @property
    def _thread(self) -> Any:
        """LangGraph's configuration; each checkpoint is marked with the graph that it was decided under."""
        graph = self.artifacts.put(self._graph.dump())
        return branches.thread(self._branch) | {
            "recursion_limit": STEPS_A_TURN * (self.config.turns + 2),
            "metadata": {"graph": graph, "start": self._graph.start},
        }

    @property
    def graph(self) -> "GraphSpec":
        """The graph, as a copy: edit it and assign it to go on under the edited one, in the middle of a run too."""
        return self._graph.model_copy(deep=True)

    @graph.setter
    def graph(self, spec: "GraphSpec") -> None:
        from budgetmlagent.order import checked_for

        self.config = checked_for(spec, self.config)
        with self._running():
            self._graph = spec.model_copy(deep=True)
            self.folder.graph.write_text(self._graph.dump(), encoding="utf-8")
            self.folder.write("config.json", self.config.as_json())
            self._depart()

    # -- going back

    def goto(self, step: int) -> Self:
        """Stand after `step` (0: before the first node) and return the session.

        Nothing is lost: going on from here begins a new branch. What was paid for is not paid again there while the
        requests stay the same, and money that was spent stays spent.
        """
        points = branches.points(branches.way(self._saver, self._branch))
        here = next((point for point in points if point.loop and point.step == step), None)
        if here is None:
            steps = ", ".join(str(point.step) for point in points if point.loop) or "none yet"
            raise UsageError(f"goto({step}): run {self.run_id} has no such step; it has {steps}")
        self._at = here.config["configurable"]["checkpoint_id"]
        return self

    def back(self, n: int = 1) -> Self:
        """Go back `n` steps and return the session."""
        steps = [0, *(event.step for event in self.timeline)]
        if not 0 <= n < len(steps):
            raise UsageError(f"back({n}): run {self.run_id} stands after {len(steps) - 1} steps")
        return self.goto(steps[-1 - n]) if len(steps) > 1 else self

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
        from budgetmlagent import forking
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
        """Run one node; return its event, None where the run has ended."""
        with self._running(), self._told(), disk.clear():
            event = next(self._events(), None)
            if event:
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

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Write down how the run was left where it does not come to its end."""
        try:
            yield
        except KeyboardInterrupt:
            self._conclude("stopped", "interrupted; `budgetml resume` goes on")
            raise
        except RunFailedError as error:
            self._conclude("failed", str(error))
            raise
        except UnavailableError as error:
            with suppress(
                UnavailableError, OSError
            ):  # on a full disk the checkpoints alone say how far it came
                self._conclude("stopped", str(error))
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
        edit: dict[str, Any] = {"task": path[-1].values.get("task", {}) | limits}
        # A step that did nothing for want of money or turns is taken again; any other is decided again.
        if self.done and path[-1].values.get("fault", {}).get("kind") in ("refused", "no_turn"):
            self._depart()
            self._write(path[-2], edit, as_node=branches.ran_last(path[:-1]))
        elif self.done:
            self._edit(edit)
        else:
            self._depart()
            self._write(path[-1], edit, as_node=branches.ran_last(path))

    def _edit(self, edit: dict[str, Any]) -> None:
        """Change the state by hand where the run stands, and let the rules decide again."""
        self._depart()
        self._redecide(edit)

    def _redecide(self, edit: dict[str, Any]) -> None:
        """Take the newest decision again, in the state as edited and under the graph as it is."""
        from langgraph.graph import START

        from graphs.compile import redecide

        path = self._path
        here, node = path[-1], branches.ran_last(path)
        if node:
            state = RunState(**here.values)
            edit = redecide(self._graph, node, state, edit, self.parts.deps, here.step)
        self._write(here, edit, as_node=node or START)

    def _write(self, here: Point, edit: dict[str, Any], as_node: str) -> None:
        config = branches.thread(self._branch, here.config["configurable"]["checkpoint_id"])
        self._compiled.update_state(config | {"metadata": self._thread["metadata"]}, edit, as_node=as_node)

    def _depart(self) -> None:
        """Begin a branch where the run was gone back to; decide again what another graph has decided."""
        path = branches.way(self._saver, self._branch, self._at)
        if self._at and len(path) < len(branches.way(self._saver, self._branch)):
            self._branch = branches.split(path, self._saver, self.run_id)
        self._at = None
        points = self._path
        if not points or points[-1].graph in (None, self._thread["metadata"]["graph"]):
            return
        node = branches.ran_last(points)
        if node in self._graph.nodes:
            self._redecide({})
        elif points[-1].next not in self._graph.nodes:
            raise UsageError(
                f"neither {node!r}, which ran last, nor {points[-1].next!r}, which would run next, is in the graph now:"
                " go back to a step of another node first"
            )

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Hold the run: no two processes go on with it at once."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder.lock, is_singleton=True)
        with disk.clear():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise UsageError(f"run {self.run_id} is running in another process") from None
            self._began = time.monotonic()
            try:
                if not self.folder.summary.exists():
                    self.folder.write("run.json", self.summary)
                yield
            finally:
                try:
                    self._let_go()
                finally:
                    lock.release()

    def _let_go(self) -> None:
        """Close the parts; they are made anew when the run is gone on with."""
        parts = self.__dict__.pop("parts", None)
        self.__dict__.pop("_compiled", None)
        if parts:
            parts.close()

    def _events(self) -> Iterator[Event]:
        """Run node after node, yielding each step's event after its checkpoint is written."""
        self._depart()
        path = self._path
        events.write(self.folder.root / "events.jsonl", events.timeline(path, self.calls))
        edits = events.newest_edits(path)
        start: dict[str, Any] | None = None if path else {"turn": 0}
        for _ in self._compiled.stream(start, self._thread, stream_mode="updates", durability="sync"):
            before, after = branches.last_step(self._saver, self._branch)
            event = events.event(before, after, self.calls, edits)
            edits = []
            with (self.folder.root / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(events.as_line(event))
            yield event

    def _stand(self) -> dict[str, Any]:
        """Write what is to be seen of the run where it stands, at its end with the private scores."""
        return self._finish() if self.done else self._conclude("stopped", "not finished")

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


def _reached(until: Until, event: Event) -> bool:
    return until(event) if callable(until) else until in (event.node, event.step)
