"""A run laid over its graph: how often each node ran, each edge was taken, each rule fired, and what it cost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphs.model import RECALL, Graph
from memory.state import escalates

# After Okabe and Ito, and Tol: told apart with any kind of colour vision, and by how light they are; lines contrast at least
# 3:1 with white, text 4.5:1. The width of a line, and its dashes, say the same once more.
LINE = {
    "usual": "#1f2328", "other": "#6e7781", "end": "#1f2328", "fault": "#6e7781",  # of a graph
    "taken": "#0072b2", "idle": "#8c959f",  # of a run on it
    "expert": "#d55e00", "up": "#882255",  # of both
}  # fmt: skip
TEXT = LINE | {"other": "#1f2328", "expert": "#a84300", "fault": "#57606a", "idle": "#57606a"}
DASHES = {"up": "8 4", "end": "12 3 2 3", "fault": "2 3"}
BEFORE = ""  # the "node" that leads to the first one


@dataclass(frozen=True)
class Tally:
    """What the events of a run add up to."""

    runs: Counter[str] = field(default_factory=Counter)  # by node
    usd: dict[str, float] = field(default_factory=dict)  # by node
    rungs: Counter[tuple[str, str]] = field(default_factory=Counter)  # by node and rung of its ladder
    edges: Counter[tuple[str, str]] = field(default_factory=Counter)  # by node and target
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)  # by node and the rule's text
    # by node and the text of the rule that led there: what the steps cost that came of it
    rules_usd: dict[tuple[str, str], float] = field(default_factory=dict)
    escalated: set[tuple[str, str]] = field(default_factory=set)  # edges on which dearer help was called

    def told(self, node: str) -> str:
        """Return how often a node ran and what for: `×12 · $0.0150`."""
        return f"×{self.runs[node]} · {dollars(self.usd[node])}"


def tally(spec: Graph, events: Iterable[Mapping[str, Any]]) -> Tally:
    """Add up the events of a run; `spec` says which rung of its ladder a node stood on."""
    sums, told = Tally(), list(events)
    for event, after in zip(told, [*told[1:], {}], strict=False):
        node, route = event["node"], _taken(event, after)
        edge = (node, route.get("to", ""))
        sums.runs[node] += 1
        sums.usd[node] = sums.usd.get(node, 0.0) + event.get("usd", 0.0)
        sums.edges[edge] += 1
        rule = (node, route.get("rule", ""))
        sums.rules[rule] += 1
        sums.rules_usd[rule] = sums.rules_usd.get(rule, 0.0) + after.get("usd", 0.0)
        if rung := event.get("model") or _recalled(spec, node, event.get("rung", 0)):
            sums.rungs[node, rung] += 1
        if escalates(route):
            sums.escalated.add(edge)
    if told:
        sums.edges[BEFORE, told[0]["node"]] = 1
    return sums


def _taken(event: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the route that was gone: where the state or the graph was edited, the rules decided again."""
    edited = [edit["route"] for edit in after.get("edits", ()) if edit.get("route")]
    route: Mapping[str, Any] = edited[-1] if edited else event.get("route", {})
    return route


def _recalled(spec: Graph, node: str, rung: int) -> str:
    ladder = spec.nodes[node].ladder if node in spec.nodes else ()
    return RECALL if ladder[rung : rung + 1] == (RECALL,) else ""


def times(count: int) -> str:
    """Return ` ×12`; nothing where it never happened."""
    return f" ×{count}" if count else ""


def dollars(usd: float) -> str:
    """Return dollars with four digits behind the point, more where those would all be 0."""
    return "$0" if usd == 0 else f"${usd:.4f}" if usd >= 0.0001 else f"${usd:.7f}"
