"""A run's graph at work: it runs nodes, takes what was edited by hand, and lets the rules decide again."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from budgetmlagent.errors import UsageError
from budgetmlagent.records import events
from budgetmlagent.records.events import Event
from budgetmlagent.records.points import Point, ran_last
from budgetmlagent.run import wiring
from budgetmlagent.run.order import load_graph
from memory.state import RunState
from nodes.deps import OUTAGES

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

UNDONE = ("refused", "no_turn", *OUTAGES)  # the faults of a step that did nothing
STEPS_A_TURN = 40  # recursion limit per turn: far above any turn's real length, far below for ever


class Engine:
    """Goes on with `run` from where it stands. Whoever uses it holds the run's lock, and lets it rest before letting go.

    `seconds_left` tells what the run may still take.
    """

    def __init__(self, run: "RunView", seconds_left: Callable[[], float]) -> None:
        self._run, self._seconds_left = run, seconds_left

    @cached_property
    def parts(self) -> wiring.Parts:
        """The run's dependencies, made when they are first needed, and anew after `renew`."""
        run = self._run
        return wiring.build(
            run.config, run.folder, run.task, run.spec, run.artifacts, run.ledger, self._seconds_left
        )

    @cached_property
    def _compiled(self) -> Any:
        from graphs.compile import compile_graph

        return compile_graph(
            load_graph(self._run.spec, to_run=True), self.parts.deps, self._run.branches.saver
        )

    def rest(self) -> None:
        """Let go of what other processes may wait for; the parts stay for when the run is gone on with."""
        if parts := self.__dict__.get("parts"):
            parts.close()

    def renew(self) -> None:
        """Have the parts made anew: for another graph or other limits, and after an interruption in a step."""
        self.__dict__.pop("_compiled", None)
        if parts := self.__dict__.pop("parts", None):
            parts.close()

    def events(self, start: Any) -> Iterator[Event]:
        """Run node after node, yielding each step's event after its checkpoint is written.

        `start` is LangGraph's input: the first state, a command, or None to go on.
        """
        branches = self._run.branches
        path = branches.path
        edits = events.newest_edits(path)
        stood = max(0, path[-1].step) if path else 0  # step 0 is the input's, no node's
        thread = branches.thread | {
            "recursion_limit": STEPS_A_TURN * (self._run.config.turns + 2),
            "metadata": self._marks,
        }
        # Not the updates: that of a step whose writes a killed process had saved comes before its checkpoint is made.
        for made in self._compiled.stream(start, thread, stream_mode="checkpoints", durability="sync"):
            about = made["metadata"]
            if about["source"] != "loop" or about["step"] <= stood:
                continue  # what the run goes on from
            yield events.event(*branches.last_step, self._run.calls, edits)
            edits = []

    def depart(self) -> None:
        """Begin a branch where the run was gone back to; decide again what another graph has decided."""
        run = self._run
        run.branches.depart()
        path = run.branches.path
        if not path or path[-1].graph in (None, self._marks["graph"]):
            return
        node = ran_last(path)
        if node in run.spec.nodes:
            self._redecide({})
        elif path[-1].next not in run.spec.nodes:
            raise UsageError(
                f"neither {node!r}, which ran last, nor {path[-1].next!r}, which would run next, is in the graph now:"
                " go back to a step of another node first"
            )

    def edit(self, edit: dict[str, Any]) -> None:
        """Change the state by hand where the run stands, and let the rules decide again."""
        self.depart()
        self._redecide(edit)

    def retake(self, edit: dict[str, Any]) -> None:
        """Change the state as it was before the newest step, so that the step is taken again."""
        self.depart()
        path = self._run.branches.path
        self._write(path[-2], edit, as_node=ran_last(path[:-1]))

    def limit(self, **limits: int) -> None:
        """Give the state new limits: a step that did nothing for want of more is taken again, the end is decided again."""
        path = self._run.branches.path
        if len(path) < 3:
            return  # nothing has been decided yet: the limits are read at the first step
        values = path[-1].values
        edit = {"task": values.get("task", {}) | limits}
        if not self._run.done:
            self.depart()
            path = self._run.branches.path
            self._write(path[-1], edit, as_node=ran_last(path))
        elif values.get("fault", {}).get("kind") in UNDONE:
            self.retake(edit)
        else:
            self.edit(edit)

    def _redecide(self, edit: dict[str, Any]) -> None:
        """Take the newest decision again, in the state as edited and under the graph as it is."""
        from langgraph.graph import START

        from graphs.compile import redecide

        path = self._run.branches.path
        here, node = path[-1], ran_last(path)
        if node:
            state = RunState(**here.values)
            edit = redecide(load_graph(self._run.spec, to_run=True), node, state, edit, self.parts.deps)
        self._write(here, edit, as_node=node or START)

    def _write(self, here: Point, edit: dict[str, Any], as_node: str) -> None:
        self._compiled.update_state(here.config | {"metadata": self._marks}, edit, as_node=as_node)

    @property
    def _marks(self) -> dict[str, Any]:
        """What each checkpoint is marked with: the graph that it was decided under."""
        spec = self._run.spec
        return {"graph": self._run.artifacts.put(spec.dump()), "start": spec.start}
