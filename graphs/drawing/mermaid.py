"""The graph as Mermaid text: what the code runs is what is drawn, because both are the spec."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphs.drawing.arrows import Arrow, arrows, order
from graphs.drawing.labels import ELSEWHERE, WIDE, label, most, rules, text, told
from graphs.drawing.overlay import BEFORE, DASHES, LINE, TEXT, Tally, dollars, tally, times
from graphs.model import AGAIN, END, RECALL, Graph

Events = Iterable[Mapping[str, Any]]
# The curve: with its usual one Mermaid moves labels off the places that the layout found for them; they overlap.
LOOK: dict[str, Any] = {
    "theme": "base",
    "themeCSS": "background:#ffffff!important;",  # its ink is dark, whatever the page around it is
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
        "nodeSpacing": 60,
        "rankSpacing": 90,
        "padding": 10,
        "wrappingWidth": 400,
    },
}
CLASSES = {
    "asks": "fill:#ddf4ff,stroke:#0969da,color:#1f2328",  # may ask a model
    "never": "fill:#ffffff,stroke:#afb8c1,color:#6e7781,stroke-dasharray:4",
    "now": "fill:#fff8c5,stroke:#1f2328,color:#1f2328,stroke-width:3px",
    "code": "fill:#f6f8fa,stroke:#57606a,color:#1f2328",
    "stop": "fill:#1f2328,stroke:#1f2328,color:#ffffff",
    "key": "fill:#ffffff,stroke:#d0d7de,color:#1f2328",
}
# Of the space between two ranks a label leaves half on either side: enough to see its arrow begin, and the arrow's head.
ROW = LOOK | {"flowchart": LOOK["flowchart"] | {"curve": "monotoneX", "nodeSpacing": 20, "rankSpacing": 44}}
HEAD = f"flowchart TD\n%%{{init: {json.dumps(LOOK)}}}%%"
SHORT = f"flowchart LR\n%%{{init: {json.dumps(ROW)}}}%%"  # in a row, which takes less of a page
RESERVED = {
    "START", "FINISH", "LEGEND", "end", "graph", "flowchart", "subgraph", "style", "linkStyle", "class", "classDef", "click",
    "href", "call", "default", "interpolate",
}  # fmt: skip
TITLE = "%% arrow "  # what a comment begins with that says all of the arrow below it; `picture.svg` shows it


def mermaid(
    spec: Graph, events: Events | None = None, current: str = "", *, detail: bool = False, brief: bool = False
) -> str:
    """Return the flowchart: ladders on the nodes, and on each arrow the rules in words, with their order.

    The usual way is thick; what asks the expert, what moves a role up and what ends the run have a look of their own. What leads
    back to the node, and its rules about faults, are words in its box; with `detail` each rule about faults is drawn. With
    `events`, those of a run, its path is drawn on it: counts, dollars, the arrows taken. `current` is the node that runs
    next, END where the run is over. `brief` leaves out what the run has not met.
    """
    sums = None if events is None else tally(spec, events)
    found, names = arrows(spec, sums, detail), order(spec)
    if brief and sums:
        found, names = _met(spec, found, current)
    drawn = [arrow for arrow in found if not arrow.told]
    lines = [_node(spec, name, found, sums, current, brief) for name in names]
    lines += [f"START([start]) --> {_id(spec.start)}"]
    lines += [line for arrow in drawn for line in _arrow(spec, arrow, current, brief)]
    kinds = [kind for kind in KEY if any(_kind(arrow, sums) == kind for arrow in drawn)]
    if not brief:
        lines += [*_key(spec, kinds), _order(spec, detail)]
    used = {name: style for name, style in CLASSES.items() if any(f":::{name}" in line for line in lines)}
    lines += [f"classDef {name} {style}" for name, style in used.items()]
    lines += _styles(drawn, sums, spec.start, [] if brief else kinds)
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
    return "idle" if not arrow.taken else arrow.look if arrow.look in ("expert", "up") else "taken"


def _arrow(spec: Graph, arrow: Arrow, current: str, brief: bool) -> Iterator[str]:
    source, there, line = _id(arrow.source), _id(arrow.target), _line(arrow.look)
    if arrow.target == END:
        there = "FINISH([end]):::" + ("now" if current == END else "stop")
    said = label(spec, arrow, brief)
    title = "; ".join(f"{number} {rule}" for number, rule in arrow.rules) or ELSEWHERE
    yield TITLE + text(f"{arrow.source} → {arrow.target}: {title}")
    yield f'{source} {line}|"{said}"| {there}' if said else f"{source} {line} {there}"


def _node(
    spec: Graph, name: str, found: Sequence[Arrow], sums: Tally | None, current: str, brief: bool
) -> str:
    ladder, kind = spec.nodes[name].ladder, ""
    lines = [f"<b>{'▶ ' if name == current else ''}{text(name)}</b>"]
    if ladder:
        rungs = (f"{rung}{times(sums.rungs[name, rung]) if sums else ''}" for rung in ladder)
        lines.append(f"<small>{text(' ↑ '.join(rungs) + _cap(spec, name))}</small>")
    if (limit := most(spec)) and limit[0] == name:
        lines.append(f"<small>at most {text(limit[1])} questions in all</small>")
    if sums and sums.runs[name]:
        lines.append(sums.told(name))
    lines += told(spec, [arrow for arrow in found if arrow.told and arrow.source == name], brief)
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


KEY = {
    "usual": "the usual way",
    "taken": "the way that the run took",
    "expert": "asks the expert",
    "up": "a role moves up ↑",
    "other": "another way",
    "idle": "not taken",
    "end": "ends the run",
    "fault": "on a fault: a model is busy, or its answer of no use",
}
ORDER = (
    "The rules of a box are tried in the order of their",
    "numbers: the first that holds is taken.",
)


def _key(spec: Graph, kinds: Sequence[str]) -> Iterator[str]:
    """Yield a little graph that shows what the looks of arrows and boxes mean."""
    blue = any(rung != RECALL for node in spec.nodes.values() for rung in node.ladder)
    yield 'subgraph LEGEND["<b>how to read this</b>"]'
    yield "direction TB"
    yield f'key-box("{"blue: asks a model" if blue else "a box"}"){":::asks" if blue else ""}'
    for kind in kinds:
        yield f'key-box {_line(kind)}|"{KEY[kind]}"| key-code("grey: plain code, no model"):::code'
    yield "end"
    yield "LEGEND:::key"


def _order(spec: Graph, detail: bool) -> str:
    """Return a box that says in which order rules are tried, and without `detail` the rules about faults that nodes share."""
    lines = [*ORDER]
    if any(rule.to in (name, AGAIN) for name in spec.nodes for rule in spec.rules_of(name)):
        lines.append("“again”: the same box once more")
    if any(len(ladder) > 1 for ladder in spec.ladders.values()):
        lines.append("“↑”: from then on the next, dearer model is asked")
    if any(RECALL in node.ladder for node in spec.nodes.values()):
        lines.append(f"“{RECALL}”: from memory, without a model")
    if spec.faults and not detail:
        heads = {
            name: [keys for keys, _ in spec.fork(name)].index(("faults", 0)) + 1 for name in spec.ladders
        }
        where = ", ".join(f"{head} of {name}" for name, head in heads.items())
        shared = [(f"{i}.", rule) for i, rule in enumerate(spec.faults, 1)]
        lines += ["<b>On a fault</b>", f"before rule {text(where)}:"]
        lines += rules(spec, Arrow(AGAIN, "", "fault", shared, told=True), False, WIDE)
    return f'key-order["{"<br/>".join(lines)}"]:::key'


def _line(kind: str) -> str:
    return {"fault": "-.->", "end": "--x"}.get(kind, "-->")


def _styles(drawn: Sequence[Arrow], sums: Tally | None, start: str, key: Sequence[str]) -> Iterator[str]:
    """Yield a linkStyle a look; links are numbered in the order of the lines."""
    begun = "usual" if sums is None else "taken" if sums.edges[BEFORE, start] else "idle"
    links = [_style(begun, int(begun == "taken"))]
    links += [_style(_kind(arrow, sums), arrow.taken) for arrow in drawn]
    links += [_style(kind, 0) for kind in key]
    for style in dict.fromkeys(links):
        yield f"linkStyle {','.join(str(i) for i, link in enumerate(links) if link == style)} {style}"


def _style(kind: str, taken: int) -> str:
    """Return how an arrow is drawn; on the picture of a run the wider the more often it was taken."""
    width = {"usual": 4, "expert": 2, "up": 2, "taken": 2}.get(kind, 1)
    if taken and kind != "usual":
        width = min(2 + taken.bit_length() // 2, 5)
    dashes = f",stroke-dasharray:{DASHES[kind]}" if kind in DASHES else ""
    return f"stroke:{LINE[kind]},stroke-width:{width}px,color:{TEXT[kind]}{dashes}"


def _id(name: str) -> str:
    """Return a name that Mermaid takes for a node's; its own words and other characters would break the text."""
    if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) and name not in RESERVED:
        return name
    return "n_" + re.sub(r"\W", lambda m: f"_{ord(m[0]):x}_", name, flags=re.ASCII)


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
