"""Checkpoints as a tree: the way to where a run stands, and new branches that share it up to a point.

Each branch is a thread of its own in LangGraph's checkpointer, which begins with copies of the checkpoints behind its
first step: so steps keep their numbers, and what was abandoned stays where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict  # pydantic checks no other before Python 3.12

from budgetmlagent.errors import UnavailableError
from memory.state import RunState

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
    from pydantic import TypeAdapter


FIELDS = frozenset(f.name for f in fields(RunState))


class Decided(TypedDict):
    """What the route of a finished step always has."""

    to: str
    rule: str
    saw: dict[str, Any]
    passed: list[dict[str, Any]]


@dataclass(frozen=True)
class Point:
    """One checkpoint: the state after a step."""

    step: int
    values: dict[str, Any]
    config: dict[str, Any]  # LangGraph's, to go on from here
    loop: bool  # whether a node's step made it; else it is an input or an edit
    graph: str | None  # artifact id of the graph that it was decided under
    start: str  # that graph's first node
    tasks: frozenset[str]  # LangGraph's ids of the tasks that ran from here

    @property
    def next(self) -> str:
        """The node that runs after this point; END where none does."""
        return str(self.values.get("route", {}).get("to", self.start))


def thread(name: str, checkpoint: str | None = None) -> dict[str, Any]:
    """Return LangGraph's configuration of a thread, at a checkpoint or at its newest."""
    at = {"checkpoint_id": checkpoint} if checkpoint else {}
    return {"configurable": {"thread_id": name, "checkpoint_ns": "", **at}}


def names(saver: "BaseCheckpointSaver[Any]") -> list[str]:
    """Return the branches, the one that was gone on with last first."""
    return list(dict.fromkeys(str(t.config["configurable"]["thread_id"]) for t in saver.list(None)))


def newest(saver: "BaseCheckpointSaver[Any]", default: str) -> str:
    """Return the branch that was gone on with last; `default` before there is any."""
    found = next(iter(saver.list(None, limit=1)), None)
    return str(found.config["configurable"]["thread_id"]) if found else default


def way(saver: "BaseCheckpointSaver[Any]", name: str, at: str | None = None) -> "list[CheckpointTuple]":
    """Return the checkpoints of branch `name` that lead to `at` (default: its newest), oldest first."""
    every = list(saver.list(thread(name)))  # type: ignore[arg-type]
    by_id = {t.config["configurable"]["checkpoint_id"]: t for t in every}
    here = by_id[at] if at else every[0] if every else None
    path = []
    while here is not None:
        path.append(here)
        parent = here.parent_config
        here = by_id.get(parent["configurable"]["checkpoint_id"]) if parent else None
    return path[::-1]


def tip(saver: "BaseCheckpointSaver[Any]", name: str) -> "list[CheckpointTuple]":
    """Return the newest checkpoint of branch `name`; none where it has none."""
    found = saver.get_tuple(thread(name))  # type: ignore[arg-type]
    return [found] if found else []


def points(path: "Sequence[CheckpointTuple]") -> list[Point]:
    """Return what is to be known of each checkpoint. Raises UnavailableError where one is no state of a run."""
    return [_point(t) for t in path]


def _point(t: "CheckpointTuple") -> Point:
    metadata = dict(t.metadata)
    try:
        step, loop = int(metadata["step"]), metadata["source"] == "loop"  # type: ignore[call-overload]
        values = {k: v for k, v in t.checkpoint["channel_values"].items() if k in FIELDS}
        _shape().validate_python(values)
        if loop and step > 0:
            _decided().validate_python(values["route"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = " ".join(str(error).split())[:120]
        name = t.config["configurable"]["checkpoint_id"]
        raise UnavailableError(
            f"checkpoint {name} is damaged ({what}); put checkpoints.sqlite back from a copy"
        ) from None
    return Point(
        step=step,
        values=values,
        config=dict(t.config),
        loop=loop,
        graph=metadata.get("graph"),  # type: ignore[arg-type]
        start=str(metadata.get("start", "")),
        tasks=frozenset(write[0] for write in t.pending_writes or ()),
    )


@cache
def _shape() -> "TypeAdapter[RunState]":
    from pydantic import TypeAdapter

    return TypeAdapter(RunState)


@cache
def _decided() -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(Decided)


def ran_last(path: Sequence[Point]) -> str:
    """Return the node that ran last; "" where none has."""
    steps = [i for i, point in enumerate(path) if point.loop and point.step > 0]
    return path[steps[-1] - 1].next if steps else ""


def last_step(saver: "BaseCheckpointSaver[Any]", name: str) -> list[Point]:
    """Return the newest checkpoint of branch `name` and the one before it, the older one first."""
    after = saver.get_tuple(thread(name))  # type: ignore[arg-type]
    assert after and after.parent_config, "a step has a state before it and one after it"
    before = saver.get_tuple(after.parent_config)
    assert before
    return points([before, after])


def question(saver: "BaseCheckpointSaver[Any]", name: str) -> dict[str, Any] | None:
    """Return what branch `name` waits to be told, by LangGraph's interrupt; None where it waits for nothing."""
    found = saver.get_tuple(thread(name))  # type: ignore[arg-type]
    writes = {channel: value for _, channel, value in (found.pending_writes or ())} if found else {}
    if "__interrupt__" not in writes or "__resume__" in writes:
        return None
    return dict(writes["__interrupt__"][0].value)


def split(
    path: "Sequence[CheckpointTuple]",
    target: "BaseCheckpointSaver[Any]",
    run: str,
) -> str:
    """Begin a branch of `run` in `target` with copies of `path`, and return its name."""
    taken = names(target)
    name = next(n for i in count(1) if (n := run if i == 1 else f"{run}#{i}") not in taken)
    for i, t in enumerate(path):
        parent = t.parent_config["configurable"]["checkpoint_id"] if t.parent_config else None
        here = target.put(thread(name, parent), t.checkpoint, t.metadata, t.checkpoint["channel_versions"])  # type: ignore[arg-type]
        if i < len(path) - 1:  # what ran from the last point is what the new branch leaves behind
            for task in dict.fromkeys(write[0] for write in t.pending_writes or ()):
                target.put_writes(here, [w[1:] for w in t.pending_writes or () if w[0] == task], task)
    return name
