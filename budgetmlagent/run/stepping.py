"""A run that can be changed: gone back to, given another graph or more of a limit, edited by hand."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from budgetmlagent import disk
from budgetmlagent.errors import UsageError
from budgetmlagent.records import branches
from budgetmlagent.records.branches import Point
from budgetmlagent.records.rundir import read_json
from budgetmlagent.run.view import RunView
from memory.state import RunState
from nodes.deps import OUTAGES

if TYPE_CHECKING:
    from budgetmlagent.run.wiring import Parts
    from graphs.spec import GraphSpec

UNDONE = ("refused", "no_turn", *OUTAGES)  # the faults of a step that did nothing
STEPS_A_TURN = 40  # recursion limit per turn: far above any turn's real length, far below for ever


class EditableRun(RunView):
    """A run with the parts that it needs to be changed; `Session` runs it."""

    @cached_property
    def parts(self) -> "Parts":
        """The run's dependencies, made when it is first gone on with: looking needs none of them."""
        from budgetmlagent.run import wiring

        return wiring.build(
            self.config, self.folder, self.task, self._graph, self.artifacts, self.ledger, self._seconds_left
        )

    def _seconds_left(self) -> float:
        """Seconds that the run may still take."""
        if self.config.minutes is None:
            return math.inf
        return 60 * self.config.minutes - self._seconds

    @property
    def _ended(self) -> dict[str, Any]:
        """How the run was left when it was gone on with last; empty before."""
        return read_json(self.folder.root / "ended.json")

    @property
    def _seconds(self) -> float:
        """Seconds that the run took, this process' until now included."""
        return float(self._ended.get("seconds", 0.0) + time.monotonic() - self._began)

    @cached_property
    def _compiled(self) -> Any:
        from budgetmlagent.run.order import load_graph
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
        from budgetmlagent.run.order import checked_for

        self.config = checked_for(spec, self.config)
        with self._running():
            self._graph = spec.model_copy(deep=True)
            self.folder.write_bytes(self.folder.graph.name, self._graph.dump().encode())
            self.folder.write("config.json", self.config.as_json())
            self._depart()

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

    def extend(
        self, budget: float | None = None, turns: int | None = None, minutes: float | None = None
    ) -> None:
        """Give the run a new total of `budget` dollars, of `turns` or of `minutes`; what a limit ended is taken again."""
        from budgetmlagent.run.order import nano

        if budget is not None:
            self.ledger.set_cap(self.run_id, nano("--budget", budget))
        changes = {"turns": turns, "minutes": minutes}
        if given := {name: value for name, value in changes.items() if value is not None}:
            self.config = replace(self.config, **given)  # type: ignore[arg-type]
            self.folder.write("config.json", self.config.as_json())
        path = self._path
        if len(path) < 3:
            return  # nothing has been decided yet: the limits are read at the first step
        limits = {"budget": self.ledger.cap(self.run_id), "turns": self.config.turns}
        edit: dict[str, Any] = {"task": path[-1].values.get("task", {}) | limits}
        # A step that a limit or its provider let do nothing is taken again; any other is decided again.
        if self.done and path[-1].values.get("fault", {}).get("kind") in UNDONE:
            self._depart()
            self._retake(edit)
        elif self.done:
            self._edit(edit)
        else:
            self._depart()
            self._write(path[-1], edit, as_node=branches.ran_last(path))

    def _retake(self, edit: dict[str, Any]) -> None:
        """Go on from before the newest step, so that it is taken again."""
        path = self._path
        self._write(path[-2], edit, as_node=branches.ran_last(path[:-1]))

    def _edit(self, edit: dict[str, Any]) -> None:
        """Change the state by hand where the run stands, and let the rules decide again."""
        self._depart()
        self._redecide(edit)

    def _redecide(self, edit: dict[str, Any]) -> None:
        """Take the newest decision again, in the state as edited and under the graph as it is."""
        from langgraph.graph import START

        from budgetmlagent.run.order import load_graph
        from graphs.compile import redecide

        path = self._path
        here, node = path[-1], branches.ran_last(path)
        if node:
            state = RunState(**here.values)
            edit = redecide(load_graph(self._graph), node, state, edit, self.parts.deps, here.step)
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
