"""What a node says of itself: its role in the team, and the kinds of history that it wants before it runs.

A graph may call a node anything and have two of a kind: whatever treats a role in its own way goes by what stands here.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from memory.state import Kind

Role = Literal["planner", "coder", "executor", "evaluator", "expert", ""]
Node = TypeVar("Node", bound=Callable[..., Any])


def declares(*, role: Role = "", recalls: tuple[Kind, ...] = ()) -> Callable[[Node], Node]:
    """Mark a node function: `@declares(recalls=("cases", "attempts"))`.

    Before each of its steps the history supplies `recalls`, in that order, as `state.history`; a graph's file may
    override it (`recalls: [cases, attempts]`). `role` is for a function that stands in for one of the shipped five: the
    expert's calls are those that `--approve expert` asks about, and the way to it is told as an escalation.
    """

    def mark(function: Node) -> Node:
        function.__declares__ = (role, recalls)  # type: ignore[attr-defined]
        return function

    return mark


def role_of(function: Any) -> str:
    """Return the role that a node function declares; "" for none."""
    return str(getattr(function, "__declares__", ("", ()))[0])


def recalls_of(function: Any) -> tuple[str, ...]:
    """Return the kinds of history that a node function declares; none for one that says nothing."""
    return tuple(getattr(function, "__declares__", ("", ()))[1])
