"""Recorded decisions taken again under an edited graph: which of them would be others now. No model is asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphs.contract import roles_of
from graphs.model import Graph
from graphs.policy import decide, undo
from graphs.registry import load_predicate
from memory.state import Route, RunState


@dataclass(frozen=True)
class Taken:
    """A decision: the rule as text, and what it led to."""

    rule: str
    to: str
    saw: dict[str, Any]
    up: str = ""
    down: str = ""

    def __str__(self) -> str:
        """Render it as the rule's text, which says where it leads."""
        return self.rule


@dataclass(frozen=True)
class Change:
    """A decision that would be another one; `after` is None where the node is not in the graph any more."""

    step: int
    node: str
    before: Taken
    after: Taken | None

    def __str__(self) -> str:
        """Render it as a line."""
        after = self.after or "the node is not in the graph any more"
        return f"step {self.step}, {self.node}: {self.before} becomes {after}"


def changed(spec: Graph, decisions: Iterable[tuple[int, str, RunState]]) -> list[Change]:
    """Return the decisions that `spec` would take otherwise: to another node, or with other effects on rungs and counts.

    `decisions` are steps: number, node, and the state after the step as it was checkpointed. Each is judged by itself:
    a changed one would have led to other states than those recorded behind it. `spec` has no findings.
    """
    found, roles = [], roles_of(spec)
    for step, node, state in decisions:
        before = _taken(state.route)
        if node not in spec.nodes:
            found.append(Change(step, node, before, None))
            continue
        route, after = decide(node, spec.rules_of(node), undo(state), spec.ladders, load_predicate, roles)
        if (route["to"], after.rungs, after.counts) != (before.to, state.rungs, state.counts):
            found.append(Change(step, node, before, _taken(route)))
    return found


def _taken(route: Route) -> Taken:
    return Taken(route["rule"], route["to"], route["saw"], route.get("up", ""), route.get("down", ""))
