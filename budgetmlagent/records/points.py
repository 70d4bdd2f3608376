"""Checkpoints as points on a run's way: the state after each step, checked as it is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from typing_extensions import TypedDict  # pydantic checks no other before Python 3.12

from budgetmlagent.errors import UnavailableError
from memory.files import check_depth
from memory.state import RunState

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple
    from pydantic import TypeAdapter

T = TypeVar("T")
FIELDS = frozenset(f.name for f in fields(RunState))


class Decided(TypedDict):
    """What the route of a finished step always has."""

    to: str
    rule: str
    saw: dict[str, Any]
    passed: list[dict[str, Any]]


class Question(TypedDict):
    """What `budgetmlagent.models.approval` asks a person before money is spent."""

    step: int
    node: str
    model: str
    usd: float
    left_usd: float


class OfGraph(TypedDict, total=False):
    """What a checkpoint's metadata may say of the graph."""

    graph: str | None


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
    ts: str = field(default="", compare=False)  # when it was made: ISO 8601, UTC

    @property
    def next(self) -> str:
        """The node that runs after this point; END where none does."""
        return str(self.values.get("route", {}).get("to", self.start))


def point(t: "CheckpointTuple") -> Point:
    """Return what is to be known of a checkpoint. Raises UnavailableError where it is no state of a run."""
    metadata = dict(t.metadata)
    try:
        step, loop = int(metadata["step"]), metadata["source"] == "loop"  # type: ignore[call-overload]
        graph = checked(OfGraph, metadata).get("graph")
        values = {k: v for k, v in t.checkpoint["channel_values"].items() if k in FIELDS}
        check_depth(values)
        checked(RunState, values)
        if loop and step > 0:
            checked(Decided, values["route"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = " ".join(str(error).split())[:120]
        name = str(t.config["configurable"]["checkpoint_id"])[:80]
        raise UnavailableError(
            f"checkpoint {name} is damaged ({what}); put checkpoints.sqlite back from a copy"
        ) from None
    return Point(
        step=step,
        values=values,
        config=dict(t.config),
        loop=loop,
        graph=graph,
        start=str(metadata.get("start", "")),
        tasks=frozenset(write[0] for write in t.pending_writes or ()),
        ts=str(t.checkpoint.get("ts", "")),
    )


def asked(written: Any) -> dict[str, Any]:
    """Return the question in what LangGraph wrote to wait by. Raises UnavailableError where it is none."""
    try:
        (interrupt,) = written
        return dict(_adapter(Question).validate_python(interrupt.value, strict=True))
    except (TypeError, ValueError, AttributeError) as error:
        what = " ".join(str(error).split())[:120]
        raise UnavailableError(
            f"the run waits for a word, but not by a question of budgetml's ({what}); put checkpoints.sqlite back from a copy"
        ) from None


def checked(shape: type[T], value: Any) -> T:
    """Return `value`, which has this shape. Raises ValueError where it has not."""
    _adapter(shape).validate_python(value)  # type: ignore[arg-type]  # a class can be hashed
    return cast("T", value)


@cache
def _adapter(shape: type) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


def ran_last(path: Sequence[Point]) -> str:
    """Return the node that ran last; "" where none has."""
    steps = [i for i, point in enumerate(path) if point.loop and point.step > 0]
    return path[steps[-1] - 1].next if steps else ""
