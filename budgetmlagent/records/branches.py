"""A run's checkpoints as a tree: the way to where the run stands, and new branches that share it up to a point.

Each branch is a thread of its own in LangGraph's checkpointer, which begins with copies of the checkpoints behind its
first step: so steps keep their numbers, and what was abandoned stays where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from budgetmlagent.errors import UsageError
from budgetmlagent.records.points import Point, asked, point

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

    from budgetmlagent.records.checkpoints import Saver


@dataclass(frozen=True)
class Branch:
    """A branch by name: how far it goes, and after which step it parts from the one that it has most in common with."""

    name: str
    last: int
    split: int  # 0 of the first one


class Branches:
    """The branches of `run`, and where the run stands: at the newest checkpoint of one, or where it was gone back to."""

    def __init__(self, saver: "Saver", run: str) -> None:
        """Stand at the end of the branch that was gone on with last."""
        self.saver, self._run = saver, run
        self._branch = next(iter(saver.threads()), run)
        self._back: str | None = None  # the checkpoint that was gone back to

    @property
    def thread(self) -> Any:
        """LangGraph's configuration of the branch that the run stands on."""
        return _thread(self._branch)

    @property
    def way(self) -> "list[CheckpointTuple]":
        """The checkpoints that lead to where the run stands, oldest first."""
        return self._way(self._branch, self._back)

    @property
    def path(self) -> list[Point]:
        """The same, as points. Raises UnavailableError where one is no state of a run, as all that returns points does."""
        return [point(t) for t in self.way]

    @property
    def ways(self) -> list[list[Point]]:
        """The points of every branch, oldest first; the newest branch comes first."""
        return [[point(t) for t in self._way(name)] for name in self.saver.threads()]

    @property
    def branch(self) -> str:
        """The name of the branch that the run stands on."""
        return self._branch

    @property
    def named(self) -> list[Branch]:
        """Every branch, the one that was gone on with last first; what the checkpoints hold is not read."""
        ways = {name: self.saver.way(name) for name in self.saver.threads()}
        older, found = list[set[str]](), list[Branch]()
        for name in sorted(
            ways, key=lambda name: (len(name), name)
        ):  # RUN, RUN#2, …: in the order in which they were made
            way, ids = ways[name], {mark.id for mark in ways[name]}
            shared = max((ids & other for other in older), key=len, default=set())
            split = max((mark.step for mark in way if mark.id in shared and mark.loop), default=0)
            found.append(
                Branch(name, max((mark.step for mark in way if mark.loop), default=0), max(split, 0))
            )
            older.append(ids)
        order = list(ways)
        return sorted(found, key=lambda branch: order.index(branch.name))

    def around(self, step: int, branch: str = "") -> list[Point]:
        """Return the points from the step before `step` of a branch (default: where the run stands) to it; no other is read.

        Edits by hand lie between them. Raises UsageError where there is no such branch or step.
        """
        name = branch or self._branch
        if name not in (there := self.saver.threads()):
            raise UsageError(
                f"run {self._run} has no branch {name!r}; it has {', '.join(there) or 'none yet'}"
            )
        way = self.saver.way(name)
        at = next((i for i, mark in enumerate(way) if mark.loop and mark.step == step and step > 0), None)
        if at is None:
            steps = [mark.step for mark in way if mark.loop and mark.step > 0]
            raise UsageError(f"run {self._run} has no step {step}; its steps are {spanned(steps)}")
        begin = max((i for i, mark in enumerate(way[:at]) if mark.loop), default=0)
        return self.points([mark.id for mark in way[begin : at + 1]], name)

    def points(self, ids: Sequence[str], branch: str = "") -> list[Point]:
        """Return the points of these checkpoints of a branch (default: where the run stands); no other is read."""
        found = (self.saver.get_tuple(_thread(branch or self._branch, id)) for id in ids)
        return [point(each) for each in found if each]

    @property
    def newest(self) -> Point | None:
        """The newest point of the branch, wherever the run was gone back to."""
        found = self.saver.get_tuple(self.thread)
        return point(found) if found else None

    @property
    def step(self) -> int:
        """The number of the step after which the run stands; 0 before the first."""
        return max((point.step for point in self.path if point.loop), default=0)

    @property
    def last_step(self) -> tuple[Point, Point]:
        """The newest point of the branch and the one before it, the older one first."""
        after = self.saver.get_tuple(self.thread)
        assert after and after.parent_config, "a step has a state before it and one after it"
        before = self.saver.get_tuple(after.parent_config)
        assert before
        return point(before), point(after)

    @property
    def question(self) -> dict[str, Any] | None:
        """What the run waits to be told, by LangGraph's interrupt; None where it waits for nothing.

        Raises UnavailableError where what is asked is no question of ours.
        """
        found = None if self._back else self.saver.get_tuple(self.thread)
        writes = {channel: value for _, channel, value in (found.pending_writes or ())} if found else {}
        if "__interrupt__" not in writes or "__resume__" in writes:
            return None
        return asked(writes["__interrupt__"])

    def goto(self, step: int) -> None:
        """Stand after `step` of the branch. Raises UsageError where it has no such step."""
        steps = {at.step: at for at in map(point, self._way(self._branch)) if at.loop}
        if step not in steps:
            raise UsageError(
                f"goto({step}): run {self._run} has no such step; its steps are {spanned(list(steps))}"
            )
        self._back = steps[step].config["configurable"]["checkpoint_id"]

    def before(self, step: int) -> None:
        """Stand where `step` of the branch, which it has, was still to come: behind what was changed by hand before it."""
        way = self._way(self._branch)
        at = next(i for i, each in enumerate(map(point, way)) if each.loop and each.step == step)
        self._back = way[at - 1].config["configurable"]["checkpoint_id"]

    def depart(self) -> None:
        """Begin a new branch where the run was gone back to, if it was."""
        way = self.way
        if self._back and len(way) < len(self._way(self._branch)):
            self._branch = self.begin(way)
        self._back = None

    def begin(self, way: "Sequence[CheckpointTuple]") -> str:
        """Begin a branch with copies of `way`, another run's perhaps, and return its name."""
        taken = self.saver.threads()
        names = (self._run if i == 1 else f"{self._run}#{i}" for i in count(1))
        name = next(n for n in names if n not in taken)
        for i, t in enumerate(way):
            parent = t.parent_config["configurable"]["checkpoint_id"] if t.parent_config else None
            versions = t.checkpoint["channel_versions"]
            here = self.saver.put(_thread(name, parent), t.checkpoint, t.metadata, versions)
            if i < len(way) - 1:  # what ran from the last point is what the new branch leaves behind
                for task in dict.fromkeys(write[0] for write in t.pending_writes or ()):
                    self.saver.put_writes(here, [w[1:] for w in t.pending_writes or () if w[0] == task], task)
        return name

    def _way(self, branch: str, at: str | None = None) -> "list[CheckpointTuple]":
        """Return the checkpoints of a branch that lead to `at` (default: its newest), oldest first."""
        every = list(self.saver.list(_thread(branch)))
        by_id = {t.config["configurable"]["checkpoint_id"]: t for t in every}
        here = by_id[at] if at else every[0] if every else None
        way = []
        while here is not None:
            way.append(here)
            parent = here.parent_config
            here = by_id.get(parent["configurable"]["checkpoint_id"]) if parent else None
        return way[::-1]


def spanned(steps: Sequence[int]) -> str:
    """Say which steps there are: they follow one another."""
    if len(steps) < 2:
        return str(steps[0]) if steps else "none yet"
    return f"{min(steps)} to {max(steps)}"


def _thread(name: str, checkpoint: str | None = None) -> Any:
    """Return LangGraph's configuration of a branch, at a checkpoint or at its newest."""
    at = {"checkpoint_id": checkpoint} if checkpoint else {}
    return {"configurable": {"thread_id": name, "checkpoint_ns": "", **at}}
