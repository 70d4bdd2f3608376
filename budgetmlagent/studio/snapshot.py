"""A run at one moment: it may go on while it is read, and what is told of it must fit together.

A checkpoint never changes, so of a run that was read before only what is new is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile
from typing import Any

from budgetmlagent.money.database import RECORDED
from budgetmlagent.money.ledger import PAID
from budgetmlagent.records import events, summary
from budgetmlagent.records.events import Event
from budgetmlagent.records.points import Point
from budgetmlagent.run.view import RunView
from budgetmlagent.studio.replies import StepRow
from budgetmlagent.studio.rows import step_row
from memory.state import NANO, RunState

FEW = 20  # points that are read one by one; for more it is quicker to read all


@dataclass(frozen=True)
class Step:
    """A step: its event, the point after it, its row."""

    event: Event
    after: Point
    row: StepRow


@dataclass(frozen=True)
class Read:
    """What was read of a run; it holds no file open, and can be kept for the next time."""

    graph: str = ""  # the graph's text, which the rows' words come from
    ids: Sequence[str] = ()  # of the checkpoints on the way
    path: Sequence[Point] = ()
    steps: Sequence[Step] = ()


@dataclass(frozen=True)
class Snapshot:
    """A run, with the way to where it stood and its calls at the time."""

    view: RunView
    calls: Sequence[Mapping[str, Any]]
    read: Read

    @classmethod
    def of(cls, view: RunView, before: Read | None = None) -> "Snapshot":
        """Take it; `before` was read earlier. A step's calls are entered before its checkpoint, so they are read last."""
        graph = view.spec.dump()
        if before is None or before.graph != graph:
            before = Read()
        ids = [mark.id for mark in view.branches.saver.way(view.branches.branch)]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before.ids, ids, strict=False)))
        kept = max(0, same - 1)  # from the newest one on: what ran from it is written later
        if len(ids) - kept > FEW:
            path = view.branches.path
            ids = [str(point.config["configurable"]["checkpoint_id"]) for point in path]
            path = [*before.path[:kept], *path[kept:]]
        else:
            path = [*before.path[:kept], *view.branches.points(ids[kept:])]
        calls = view.calls
        base = max((i for i, point in enumerate(path[:kept]) if point.loop), default=0)
        known = [step for step in before.steps if step.after.step <= path[base].step] if base else []
        steps = [*known, *_steps(view, path[base:], calls)]
        return cls(view, calls, Read(graph, ids, path, steps))

    @property
    def path(self) -> Sequence[Point]:
        """The points on the way to where it stands, oldest first."""
        return self.read.path

    @property
    def steps(self) -> Sequence[Step]:
        """The steps, oldest first."""
        return self.read.steps

    @property
    def timeline(self) -> list[Event]:
        """One event a step, oldest first."""
        return [step.event for step in self.steps]

    @property
    def state(self) -> RunState:
        """The state after the newest step."""
        return RunState(**self.path[-1].values) if self.path else RunState()

    @property
    def next(self) -> str:
        """The node that runs next; "END" where the run has come to its end."""
        return self.path[-1].next if self.path else self.view.spec.start

    @cached_property
    def at(self) -> int:
        """The step after which the run stands; 0 before the first."""
        return max((point.step for point in self.path if point.loop), default=0)

    @property
    def usd(self) -> float:
        """What the run has cost."""
        return float(sum(call["usd_nano"] for call in self.calls) / NANO)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The JSON object of the contract."""
        view, values = self.view, self.path[-1].values if self.path else {}
        return summary.build(
            summary.Record(
                view.config, view.folder, view.task, view.artifacts, self.calls, values, self.timeline
            )
        )


def _steps(view: RunView, path: Sequence[Point], calls: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Return the steps on a stretch of the way that begins with the end of one."""
    prices = {call["task"]: call["price"] for call in calls}
    ends = [(before, after) for before, after in pairwise(path) if after.loop and after.step > 0]
    told = []
    for event, (before, after) in zip(events.timeline(path, calls), ends, strict=True):
        served = any(prices.get(task) in (PAID, RECORDED) for task in before.tasks)
        told.append(Step(event, after, step_row(view, event, after.ts, served)))
    return told
