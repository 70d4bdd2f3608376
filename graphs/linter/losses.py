"""What a node that was renamed, doubled or given other history goes without. The graph runs all the same."""

from collections.abc import Iterator

from graphs.contract import supplied_history
from graphs.finding import Finding, Problem
from graphs.model import Graph
from graphs.registry import load_node
from nodes.declares import recalls_of


def losses(spec: Graph) -> list[Finding]:
    """Return what the nodes of a graph without findings go without: rungs no rule leads to, history not supplied."""
    found = [Finding(*spec.place(*keys), kind, what) for keys, kind, what in _losses(spec)]
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _losses(spec: Graph) -> Iterator[Problem]:
    raised = {rule.up for name in spec.nodes for rule in spec.rules_of(name)}
    for name, node in spec.nodes.items():
        if len(node.ladder) > 1 and name not in raised:
            out = ", ".join(node.ladder[1:])
            what = f"no rule moves it up, so it never gets to {out}: add `up: {name}` to a rule, or shorten its ladder"
            yield ("nodes", name), "unused-rung", f"node {name!r}: {what}"
        wanted = recalls_of(load_node(node.run))
        if missing := [kind for kind in wanted if kind not in supplied_history(node)]:
            what = f"recalls: {node.run} asks for {', '.join(missing)} too, which it does not get"
            yield ("nodes", name), "lost-recall", f"node {name!r}: {what}"
