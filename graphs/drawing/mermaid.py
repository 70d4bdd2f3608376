"""The graph as Mermaid text: what the code runs is what is drawn, because both are the spec."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from graphs.drawing.arrows import Arrow, arrows, leads, order
from graphs.drawing.overlay import BEFORE, LINE, TEXT, Tally, dollars, tally, times
from graphs.model import AGAIN, END, RECALL, Graph
from graphs.words import said

Events = Iterable[Mapping[str, Any]]
# The curve: with its usual one Mermaid moves labels off the places that the layout found for them; they overlap.
LOOK: dict[str, Any] = {
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
        "nodeSpacing": 80,
        "rankSpacing": 110,
        "padding": 10,
        "wrappingWidth": 400,
    },
}
CLASSES = {
    "asks": "fill:#ddf4ff,stroke:#0969da,color:#1f2328",  # may ask a model
    "never": "fill:#ffffff,stroke:#afb8c1,color:#6e7781,stroke-dasharray:4",
    "now": "fill:#fff8c5,stroke:#1f2328,color:#1f2328,stroke-width:3px",
    "legend": "fill:#ffffff,stroke:#d0d7de,color:#1f2328,text-align:left",
    **{kind: f"fill:#ffffff,stroke:none,color:{colour}" for kind, colour in TEXT.items()},  # a loop's rules
}
ROW = LOOK | {"flowchart": LOOK["flowchart"] | {"curve": "monotoneX", "nodeSpacing": 20, "rankSpacing": 24}}
HEAD = f"flowchart TD\n%%{{init: {json.dumps(LOOK)}}}%%"
SHORT = f"flowchart LR\n%%{{init: {json.dumps(ROW)}}}%%"  # in a row, which takes less of a page
RESERVED = {
    "START", "FINISH", "LEGEND", "end", "graph", "flowchart", "subgraph", "style", "linkStyle", "class", "classDef", "click",
    "href", "call", "default", "interpolate",
}  # fmt: skip
ELSEWHERE = "under another graph"
NARROW, WIDE = 24, 44  # characters of a line on an arrow and on a loop: no wider, or they lie on other arrows
TIGHT = 18  # of one in a row of nodes, that the whole fits a page
TITLE = "%% arrow "  # what a comment begins with that says all of the arrow below it; `picture.svg` shows it


def mermaid(
    spec: Graph, events: Events | None = None, current: str = "", *, detail: bool = False, brief: bool = False
) -> str:
    """Return the flowchart: ladders on the nodes, and on each arrow the rules in words, with their order.

    The usual way is thick, what calls dearer help is in a colour of its own, and rules about faults are one grey arrow, with
    `detail` each. With `events`, those of a run, its path is drawn on it: counts, dollars, the arrows taken. `current` is
    the node that runs next, END where the run is over. `brief` leaves out what the run has not met.
    """
    sums = None if events is None else tally(spec, events)
    drawn, names = arrows(spec, sums, detail), order(spec)
    if brief and sums:
        drawn, names = _met(spec, drawn, current)
    lines = [_node(spec, name, sums, current) for name in names]
    lines += [f"START([start]) --> {_id(spec.start)}"]
    lines += [line for arrow in drawn for line in _arrow(arrow, sums, current, brief)]
    stubs = [] if brief or detail else [name for name in names if leads(spec, name)]
    lines += [_stub(spec, name) for name in stubs]
    lines += (
        [] if brief else [_legend({_kind(arrow, sums) for arrow in drawn} | ({"fault"} if stubs else set()))]
    )
    used = {name: style for name, style in CLASSES.items() if any(f":::{name}" in line for line in lines)}
    lines += [f"classDef {name} {style}" for name, style in used.items()]
    lines += _styles(drawn, sums, spec.start, len(stubs))
    return "".join(f"{line}\n" for line in (SHORT if brief else HEAD, *(f"  {line}" for line in lines)))


def _met(spec: Graph, drawn: Sequence[Arrow], current: str) -> tuple[list[Arrow], list[str]]:
    """Return the arrows that a run took, and the usual way; and their nodes."""
    kept = [arrow for arrow in drawn if arrow.taken or arrow.look == "usual"]
    ends = {name for arrow in kept for name in (arrow.source, arrow.target)} | {current, spec.start}
    return kept, [name for name in order(spec) if name in ends]


def _kind(arrow: Arrow, sums: Tally | None) -> str:
    """Return what an arrow looks like: its look, on the picture of a run whether it was taken."""
    if not sums:
        return arrow.look
    return "idle" if not arrow.taken else "dearer" if arrow.look == "dearer" else "taken"


def _arrow(arrow: Arrow, sums: Tally | None, current: str, brief: bool) -> Iterator[str]:
    source, there = _id(arrow.source), _id(arrow.target)
    if arrow.target == END:
        there = "FINISH([end])" + (":::now" if current == END else "")
    label, line = _label(arrow, brief), "-.->" if arrow.look == "fault" else "-->"
    rules = "; ".join(f"{number} {rule}" for number, rule in arrow.rules) or ELSEWHERE
    yield TITLE + _text(f"{arrow.source} → {arrow.target}: {rules}")
    if arrow.source == arrow.target:
        # Mermaid lays a loop over what is beside it; through a node that is only its text it finds a place.
        again = f"{source}-again-{arrow.look}"
        yield f'{source} {line[:-1]}{"" if line == "-.->" else "-"} {again}["{label}"]:::{_kind(arrow, sums)} {line} {there}'
    else:
        yield f'{source} {line}|"{label}"| {there}' if label else f"{source} {line} {there}"


def _label(arrow: Arrow, brief: bool) -> str:
    if not arrow.rules:
        return f"{ELSEWHERE}{times(arrow.taken)}"
    if not arrow.forks:
        return times(arrow.taken).strip()
    lines = []
    for number, rule in arrow.rules:
        count = arrow.fired.get(str(rule), 0)
        # A space that does not break: Mermaid of 2025 refuses what looks to Markdown like a numbered list.
        width = TIGHT if brief else WIDE if arrow.source == arrow.target else NARROW
        told = wrap(f"{number}\u00a0{said(rule)}{times(count)}", width)
        if count or not brief:
            lines += [f"<b>{_text(line)}</b>" if count else _text(line) for line in told]
    return "<br/>".join(lines)


def _stub(spec: Graph, name: str) -> str:
    """Return the one grey arrow of a node that tells where its rules about faults lead."""
    told = {name: AGAIN, END: "end"}
    where = _text(", ".join(told.get(to, to) for to in leads(spec, name)))
    return f'{_id(name)} -.-> {_id(name)}-faults["<small>on a fault: {where}</small>"]:::fault'


def _node(spec: Graph, name: str, sums: Tally | None, current: str) -> str:
    ladder, kind = spec.nodes[name].ladder, ""
    lines = [f"<b>{'▶ ' if name == current else ''}{_text(name)}</b>"]
    if ladder:
        rungs = (f"{rung}{times(sums.rungs[name, rung]) if sums else ''}" for rung in ladder)
        lines.append(f"<small>{_text(' ↑ '.join(rungs) + _cap(spec, name))}</small>")
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


LEGEND = {
    "usual": "━━ thick: the usual way",
    "taken": "━━ blue: the way that the run took",
    "dearer": "━━ orange: dearer help, a role moves up ↑ or the expert",
    "other": "── thin: another way",
    "idle": "── grey: not taken",
    "fault": "┄┄ dotted: a model is busy, or its answer of no use",
}


def _legend(kinds: set[str]) -> str:
    """Return a node that says what the arrows' looks mean, of those that there are."""
    told = [
        f"<span style='color:{TEXT[kind]}'>{words}</span>" for kind, words in LEGEND.items() if kind in kinds
    ]
    return f'LEGEND["{"<br/>".join([*told, "of the rules that leave a node the first that holds wins"])}"]:::legend'


def _styles(drawn: Sequence[Arrow], sums: Tally | None, start: str, stubs: int) -> Iterator[str]:
    """Yield a linkStyle a look; links are numbered in the order of the lines, a loop is two."""
    begun = "usual" if sums is None else "taken" if sums.edges[BEFORE, start] else "idle"
    links = [_style(begun, int(begun == "taken"))]
    for arrow in drawn:
        links += [_style(_kind(arrow, sums), arrow.taken)] * (2 if arrow.source == arrow.target else 1)
    links += [_style("fault", 0)] * stubs
    for style in dict.fromkeys(links):
        yield f"linkStyle {','.join(str(i) for i, link in enumerate(links) if link == style)} {style}"


def _style(kind: str, taken: int) -> str:
    """Return how an arrow is drawn; on the picture of a run the wider the more often it was taken."""
    width = {"usual": 4, "dearer": 2}.get(kind, 1)
    if taken and kind != "usual":
        width = min(2 + taken.bit_length() // 2, 5)
    return f"stroke:{LINE[kind]},stroke-width:{width}px,color:{TEXT[kind]}"


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
        told = f"{int(index) + 1}. {rule}{times(sums.rules[name, str(rule)])}"
        if part == "rules":
            yield f"  {told}"
        elif sums.rules[name, str(rule)]:
            yield f"    {told}"
