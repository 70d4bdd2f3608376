"""A run at one moment: it may go on while it is read, and what is told of it must fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from budgetmlagent.money.database import RECORDED
from budgetmlagent.money.ledger import PAID
from budgetmlagent.records import events, summary
from budgetmlagent.records.events import Event
from budgetmlagent.records.points import Point
from budgetmlagent.run.view import RunView
from memory.state import NANO, RunState


@dataclass(frozen=True)
class Snapshot:
    """A run, with the way to where it stood and its calls at the time."""

    view: RunView
    path: Sequence[Point]
    calls: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, view: RunView) -> "Snapshot":
        """Take it: each store is read once, the calls last, as a step's calls are entered before its checkpoint."""
        path = view.branches.path
        return cls(view, path, view.calls)

    @cached_property
    def timeline(self) -> list[Event]:
        """One event a step, oldest first."""
        return list(events.timeline(self.path, self.calls))

    @cached_property
    def steps(self) -> list[tuple[Event, Point, bool]]:
        """Each step's event, the point after it, and whether a recording, or an earlier call, answered it."""
        prices = {call["task"]: call["price"] for call in self.calls}
        ends = [(before, after) for before, after in pairwise(self.path) if after.loop and after.step > 0]
        return [
            (event, after, any(prices.get(task) in (PAID, RECORDED) for task in before.tasks))
            for event, (before, after) in zip(self.timeline, ends, strict=True)
        ]

    @property
    def state(self) -> RunState:
        """The state after the newest step."""
        return RunState(**self.path[-1].values) if self.path else RunState()

    @property
    def next(self) -> str:
        """The node that runs next; "END" where the run has come to its end."""
        return self.path[-1].next if self.path else self.view.spec.start

    @property
    def at(self) -> int:
        """The step after which the run stands; 0 before the first."""
        return max((point.step for point in self.path if point.loop), default=0)

    @property
    def usd(self) -> float:
        """What the run has cost."""
        return float(sum(call["usd_nano"] for call in self.calls) / NANO)

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object of the contract."""
        view, values = self.view, self.path[-1].values if self.path else {}
        return summary.build(
            summary.Record(
                view.config, view.folder, view.task, view.artifacts, self.calls, values, self.timeline
            )
        )
