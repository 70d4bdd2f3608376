"""A graph as policy cards: a node is a card, its rules are rows in the order in which they are tried."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from budgetmlagent.studio.replies import Card, Edge, FindingRow, GraphView, RuleRow
from graphs.contract import roles_of
from graphs.drawing.arrows import Look, looks, order
from graphs.drawing.overlay import Tally, tally
from graphs.finding import Finding, Keys
from graphs.model import Graph, Rule
from graphs.words import said

RULES = ("rules", "faults")


def cards(
    spec: Graph,
    events: Sequence[Mapping[str, Any]] = (),
    rungs: Mapping[str, int] | None = None,
    findings: Sequence[FindingRow] = (),
    positions: Mapping[str, list[float]] | None = None,
) -> GraphView:
    """Return a graph, with what the events of a run add up to and the rungs on which its nodes stand."""
    sums = tally(spec, events)
    try:
        roles = roles_of(spec)
    except LookupError:  # a function that is not installed: its node is what it is called
        roles = {}
    drawn = looks(spec)
    made = [
        _card(spec, name, drawn[name], sums, roles.get(name, ""), rungs or {}, findings)
        for name in order(spec)
    ]
    shared = [_row(("faults", i), rule, "fault", sums, "", findings) for i, rule in enumerate(spec.faults)]
    edges = [
        Edge(source=source, to=to, count=count, dearer=(source, to) in sums.escalated)
        for (source, to), count in sums.edges.items()
    ]
    return GraphView(
        name=spec.name,
        start=spec.start,
        cards=made,
        faults=shared,
        edges=edges,
        positions=dict(positions or {}),
    )


def _card(
    spec: Graph,
    name: str,
    drawn: Sequence[Look],
    sums: Tally,
    role: str,
    rungs: Mapping[str, int],
    findings: Sequence[FindingRow],
) -> Card:
    node = spec.nodes[name]
    own = ([*keys] for keys in (("nodes", name), ("rules", name)))
    stands = node.ladder[min(rungs.get(name, 0), len(node.ladder) - 1)] if node.ladder else ""
    return Card(
        name=name,
        run=node.run,
        role=role or name,
        prompt=node.prompt,
        ladder=list(node.ladder),
        budget=node.budget,
        recalls=None if node.recalls is None else list(node.recalls),
        start=name == spec.start,
        rules=[
            _row(keys, rule, look, sums, name, findings)
            for (keys, rule), look in zip(spec.fork(name), drawn, strict=True)
        ],
        findings=[
            found
            for keys in own
            for found in findings
            if found["keys"][:2] == keys and len(found["keys"]) < 3
        ]
        + [found for found in findings if found["keys"][:2] == ["nodes", name] and len(found["keys"]) > 2],
        runs=sums.runs[name],
        usd=sums.usd.get(name, 0.0),
        rungs={rung: count for (of, rung), count in sums.rungs.items() if of == name},
        rung=stands,
    )


def _row(
    keys: Keys, rule: Rule, look: Look, sums: Tally, node: str, findings: Sequence[FindingRow]
) -> RuleRow:
    number = int(keys[-1]) + 1
    return RuleRow(
        keys=list(keys),
        number=f"fault {number}" if keys[0] == "faults" else str(number),
        shared=keys[0] == "faults",
        when=rule.when,
        arguments=rule.arguments,
        up=rule.up,
        down=rule.down,
        to=rule.to,
        text=str(rule),
        words=said(rule),
        look=look,
        fired=sums.rules[node, str(rule)],
        usd=sums.rules_usd.get((node, str(rule)), 0.0),
        findings=[found for found in findings if tuple(found["keys"][: len(keys)]) == keys],
    )


def rows_of(findings: Iterable[Finding], *, note: bool = False) -> list[FindingRow]:
    """Return findings as the page has them; a `note` keeps no graph from running."""
    return [
        FindingRow(
            keys=list(found.keys),
            line=found.line,
            column=found.column,
            kind=found.kind,
            what=found.what,
            note=note,
        )
        for found in findings
    ]
