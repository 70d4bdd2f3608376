"""The graph as Mermaid text: what the code runs is what is drawn, because both are the spec."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graphs.drawing.overlay import BEFORE, TEXT, Tally, dollars, tally, times
from graphs.model import AGAIN, END, RECALL, Graph, Rule

Events = Iterable[Mapping[str, Any]]
# The curve: with its usual one Mermaid moves labels off the places that the layout found for them; they overlap.
LOOK = {
    "theme": "base",
    "themeVariables": {
        "fontSize": "14px",
        "primaryColor": "#f6f8fa",
        "primaryTextColor": "#1f2328",
        "primaryBorderColor": "#57606a",
        "lineColor": "#6e7781",
        "edgeLabelBackground": "#ffffff",
    },
    "flowchart": {
        "curve": "monotoneY",
        "nodeSpacing": 30,
        "rankSpacing": 30,
        "padding": 10,
        "wrappingWidth": 400,
    },
}
CLASSES = {
    "asks": "fill:#ddf4ff,stroke:#0969da,color:#1f2328",  # may ask a model
    "never": "fill:#ffffff,stroke:#afb8c1,color:#6e7781,stroke-dasharray:4",
    "now": "fill:#fff8c5,stroke:#1f2328,color:#1f2328,stroke-width:3px",
    **{kind: f"fill:#ffffff,stroke:none,color:{colour}" for kind, colour in TEXT.items()},  # a loop's rules
}
HEAD = f"flowchart TD\n%%{{init: {json.dumps(LOOK)}}}%%"
RESERVED = {
    "START", "FINISH", "end", "graph", "flowchart", "subgraph", "style", "linkStyle", "class", "classDef", "click",
    "href", "call", "default", "interpolate",
}  # fmt: skip


class Edge(NamedTuple):
    """One arrow: all rules of `source` that lead to `target`, each with its number or that it is a fault's."""

    source: str
    target: str
    rules: Sequence[tuple[str, Rule]]
    decides: bool  # False where it is the only way on: then there is nothing to say on it


def mermaid(spec: Graph, events: Events | None = None, current: str = "") -> str:
    """Return the flowchart: ladders on the nodes, rules with their order and rung moves on the edges.

    Where `faults` lead is a line in each node that has them. With `events`, those of a run, its path is drawn on it:
    counts, dollars, the edges taken, those of faults too, and in another colour those on which it escalated. `current`
    is the node that runs next, END where the run is over.
    """
    sums = None if events is None else tally(spec, events)
    edges = [*_edges(spec, sums)]
    if sums:
        edges += _elsewhere(spec, sums, edges)
    lines = [_node(spec, name, sums, current) for name in _order(spec)]
    lines += [f"START([start]) --> {_id(spec.start)}"]
    lines += [_arrow(edge, sums, current) for edge in edges]
    used = {name: style for name, style in CLASSES.items() if any(f":::{name}" in line for line in lines)}
    lines += [f"classDef {name} {style}" for name, style in used.items()]
    if sums:
        lines += _styles(edges, sums, spec.start)
    return "".join(f"{line}\n" for line in (HEAD, *(f"  {line}" for line in lines)))


def _order(spec: Graph) -> list[str]:
    """Return the nodes as they are met from the start: the layout puts what comes first on top."""
    met = [spec.start]
    for name in met:  # grows while it is walked
        met += [rule.to for rule in spec.rules.get(name, ()) if rule.to not in met]
    return [name for name in dict.fromkeys([*met, *spec.nodes]) if name in spec.nodes]


def _edges(spec: Graph, sums: Tally | None) -> Iterator[Edge]:
    for name in _order(spec):
        own = spec.rules.get(name, [])
        rules = [(f"{i}.", rule) for i, rule in enumerate(own, 1)]
        rules += [("fault:", rule) for rule in _faults(spec, name) if _fired(sums, name, rule)]
        for target in dict.fromkeys(rule.to for _, rule in rules):
            leading = [(number, rule) for number, rule in rules if rule.to == target]
            only = len(own) == len(leading) == 1 and str(own[0]) == f"otherwise → {target}" and target != name
            yield Edge(name, target, leading, decides=not only)


def _faults(spec: Graph, name: str) -> list[Rule]:
    """Return those of `faults` that a node has: what it says itself in the same words is its own rule's."""
    own = spec.rules.get(name, [])
    return [rule for (part, *_), rule in spec.fork(name) if part == "faults" and rule not in own]


def _fired(sums: Tally | None, name: str, rule: Rule) -> int:
    return sums.rules[name, str(rule)] if sums else 0


def _elsewhere(spec: Graph, sums: Tally, drawn: Sequence[Edge]) -> list[Edge]:
    """Return the edges that a run took under another graph, before its own was edited."""
    ways = [(node, to) for node, to in sums.edges if node in spec.nodes and (to == END or to in spec.nodes)]
    known = {(edge.source, edge.target) for edge in drawn}
    return [Edge(*way, (), decides=True) for way in ways if way not in known]


def _arrow(edge: Edge, sums: Tally | None, current: str) -> str:
    source, there = _id(edge.source), _id(edge.target)
    if edge.target == END:
        there = "FINISH([end])" + (":::now" if current == END else "")
    label = _label(edge, sums)
    if not label:
        return f"{source} --> {there}"
    if edge.source == edge.target:
        # Mermaid lays a loop over what is beside it; through a node that is only its text it finds a place.
        kind = sums.kind((edge.source, edge.target)) if sums else "plain"
        return f'{source} --- {source}-again["{label}"]:::{kind} --> {there}'
    return f'{source} -->|"{label}"| {there}'


def _label(edge: Edge, sums: Tally | None) -> str:
    taken = sums.edges[edge.source, edge.target] if sums else 0
    if not edge.decides:
        return times(taken).strip()
    lines = [] if edge.rules else ["under another graph"]
    for number, rule in edge.rules:
        count = _fired(sums, edge.source, rule)
        # A space that does not break: Mermaid of 2025 refuses what looks to Markdown like a numbered list.
        line = f"{number}\u00a0" + _text(f"{str(rule).rpartition(' → ')[0]}{times(count)}")
        lines.append(f"<b>{line}</b>" if count else line)
        if count == taken:
            taken = 0  # the rule's count says it all
    return "<br/>".join([times(taken).strip(), *lines] if taken else lines)


def _node(spec: Graph, name: str, sums: Tally | None, current: str) -> str:
    ladder, kind = spec.nodes[name].ladder, ""
    lines = [f"<b>{'▶ ' if name == current else ''}{_text(name)}</b>"]
    if ladder:
        rungs = (f"{rung}{times(sums.rungs[name, rung]) if sums else ''}" for rung in ladder)
        lines.append(f"<small>{_text(' ↑ '.join(rungs) + _cap(spec, name))}</small>")
    told = {name: AGAIN, END: "end"}
    if leads := dict.fromkeys(told.get(rule.to, rule.to) for rule in _faults(spec, name)):
        lines.append(f"<small>faults → {_text(', '.join(leads))}</small>")
    if sums and sums.runs[name]:
        lines.append(sums.told(name))
    if name == current:
        kind = ":::now"
    elif sums and not sums.runs[name]:
        kind = ":::never"
    elif any(rung != RECALL for rung in ladder):
        kind = ":::asks"
    return f'{_id(name)}("{"<br/>".join(lines)}"){kind}'


def _cap(spec: Graph, name: str) -> str:
    budget = spec.nodes[name].budget
    return "" if budget is None else f" ≤ {dollars(budget)}"


def _styles(edges: Sequence[Edge], sums: Tally, start: str) -> Iterator[str]:
    """Yield a linkStyle a look; links are numbered in the order of the lines, a loop is two."""
    links = [sums.style((BEFORE, start))]
    for edge in edges:
        links += [sums.style((edge.source, edge.target))] * (2 if edge.source == edge.target else 1)
    for style in dict.fromkeys(links):
        yield f"linkStyle {','.join(str(i) for i, link in enumerate(links) if link == style)} {style}"


def _id(name: str) -> str:
    """Return a name that Mermaid takes for a node's; its own words and other characters would break the text."""
    if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) and name not in RESERVED:
        return name
    return "n_" + re.sub(r"\W", lambda m: f"_{ord(m[0]):x}_", name, flags=re.ASCII)


def _text(text: str) -> str:
    """Return text as Mermaid's entities have it: a name or an argument must not become markup."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"[\"<>&#`$\\]|%(?=%)", lambda m: f"#{ord(m[0])};", " ".join(plain.split()))


def outline(spec: Graph, events: Events | None = None, current: str = "") -> str:
    """Return the policy as text for a terminal: each node, its ladder, its rules in order; counts of a run.

    `faults` stand at its end, once; a node's rules say where they come among its own.
    """
    sums = tally(spec, events or ())
    lines = [f"{spec.name}: starts at {spec.start}"]
    for name, node in spec.nodes.items():
        ladder = f"  [{' ↑ '.join(node.ladder)}{_cap(spec, name)}]" if node.ladder else ""
        ran = f"  {sums.told(name)}" if sums.runs[name] else ""
        lines += ["", f"{'▶ ' if name == current else ''}{name}{ladder}{ran}", *_listed(spec, name, sums)]
    if spec.faults:
        lines += ["", "faults of every node with a ladder"]
        lines += [f"  {i}. {rule}" for i, rule in enumerate(spec.faults, 1)]
    return "".join(f"{line}\n" for line in lines)


def _listed(spec: Graph, name: str, sums: Tally) -> Iterator[str]:
    for (part, *_, index), rule in spec.fork(name):
        if part == "faults" and index == 0:
            yield "  the faults below"
        told = f"{int(index) + 1}. {rule}{times(_fired(sums, name, rule))}"
        if part == "rules":
            yield f"  {told}"
        elif _fired(sums, name, rule):
            yield f"    {told}"
