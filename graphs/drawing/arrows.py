"""Which arrows a picture of a graph has, what each is about, and which rules are told at their box instead."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from graphs.contract import roles_of
from graphs.drawing.overlay import Tally
from graphs.model import END, Graph, Rule

Look = Literal["usual", "expert", "up", "end", "other", "fault"]
FAULTS = frozenset({"missed", "faulted"})  # predicates of rules about faults


class Arrow(NamedTuple):
    """All rules of `source` that lead to `target`, look alike and move the same role up, each with its number."""

    source: str
    target: str
    look: Look
    rules: Sequence[tuple[str, Rule]]  # none: it was taken under another graph
    fired: Mapping[str, int] = MappingProxyType({})  # by the text of each rule, how often in a run
    taken: int = 0  # how often a run went there
    forks: bool = True  # False where it is the only way on: then there is nothing to say on it
    told: bool = False  # in words at the box of `source`, not drawn


def order(spec: Graph) -> list[str]:
    """Return the nodes as they are met from the start: the layout puts what comes first on top."""
    met = [spec.start]
    for name in met:  # grows while it is walked
        met += [rule.to for rule in spec.rules.get(name, ()) if rule.to not in met]
    return [name for name in dict.fromkeys([*met, *spec.nodes]) if name in spec.nodes]


def usual(spec: Graph) -> set[tuple[str, str]]:
    """Return the way that a run goes where nothing special holds: from the start by each node's last rule."""
    way, node = set[tuple[str, str]](), spec.start
    while spec.rules.get(node) and (step := (node, spec.rules[node][-1].to)) not in way:
        way.add(step)
        node = step[1]
    return way


def arrows(spec: Graph, sums: Tally | None, detail: bool) -> list[Arrow]:
    """Return the arrows of a picture; with the sums of a run, how often each was taken, and what it took beside them.

    Without `detail` a node's own rules about faults are told at its box, and those that nodes share (`faults`) are left out,
    until a run has taken them. What leads a node to itself is always told at its box.
    """
    experts = {name for name, role in _roles(spec).items() if role == "expert"}
    found = [arrow for name in order(spec) for arrow in _from(spec, name, experts, sums, detail)]
    return found + (_elsewhere(spec, sums, found, experts) if sums else [])


def _shared(spec: Graph, name: str) -> list[tuple[str, Rule]]:
    """Return those of `faults` that a node has: what it says itself in the same words is its own rule's."""
    own, fork = spec.rules.get(name, []), spec.fork(name)
    faults = [(int(keys[1]), rule) for keys, rule in fork if keys[0] == "faults" and rule not in own]
    return [(f"fault {index + 1}.", rule) for index, rule in faults]


def _roles(spec: Graph) -> dict[str, str]:
    """Return the nodes' roles; where a function is not installed, a node is what it is called."""
    try:
        return {name: name for name in spec.nodes} | roles_of(spec)
    except LookupError:
        return {name: name for name in spec.nodes}


def _from(spec: Graph, name: str, experts: set[str], sums: Tally | None, detail: bool) -> Iterator[Arrow]:
    own, way = spec.rules.get(name, []), usual(spec)
    count = {str(rule): sums.rules[name, str(rule)] for rule in spec.rules_of(name)} if sums else {}
    rules = [(f"{i}.", rule) for i, rule in enumerate(own, 1)]
    rules += [
        (number, rule)
        for number, rule in _shared(spec, name)
        if (detail or count.get(str(rule))) and (not rule.up or len(spec.nodes[name].ladder) > 1)
    ]
    placed = [(number, rule, _look(name, number, rule, experts, way)) for number, rule in rules]
    ways = dict.fromkeys((rule.to, look, rule.up) for _, rule, look in placed)
    # What ends the run comes last, behind the usual way: so the layout finds places for their labels that lie on no other arrow.
    for target, look, up in sorted(ways, key=lambda way: (way[0] == END, way[1] == "usual")):
        these = [
            (number, rule) for number, rule, kind in placed if (rule.to, kind, rule.up) == (target, look, up)
        ]
        fired = {str(rule): count.get(str(rule), 0) for _, rule in these}
        taken = sum(fired.values())
        told = target == name or (look == "fault" and not detail and not taken)
        only = len(own) == len(these) == 1 and str(own[0]) == f"otherwise → {target}" and target != name
        yield Arrow(name, target, look, these, fired, taken, forks=not only, told=told)


def looks(spec: Graph) -> dict[str, list[Look]]:
    """Return how the rules of each node are drawn, in the order in which they are tried."""
    experts, way = {name for name, role in _roles(spec).items() if role == "expert"}, usual(spec)
    return {
        node: [
            _look(node, "fault" if keys[0] == "faults" else "", rule, experts, way)
            for keys, rule in spec.fork(node)
        ]
        for node in spec.nodes
    }


def _look(name: str, number: str, rule: Rule, experts: set[str], way: set[tuple[str, str]]) -> Look:
    if rule.to in experts and rule.to != name:
        return "expert"
    if rule.up:
        return "up"
    if rule.when in FAULTS or number.startswith("fault"):
        return "fault"
    return "end" if rule.to == END else "usual" if (name, rule.to) in way else "other"


def _elsewhere(spec: Graph, sums: Tally, drawn: Sequence[Arrow], experts: set[str]) -> list[Arrow]:
    """Return what a run took under another graph, before its own was edited."""
    known = Counter[tuple[str, str]]()
    for arrow in drawn:
        known[arrow.source, arrow.target] += arrow.taken
    return [
        Arrow(*way, _unknown(way, sums, experts), (), {}, count - known[way], told=way[0] == way[1])
        for way, count in sums.edges.items()
        if way[0] in spec.nodes and (way[1] == END or way[1] in spec.nodes) and count > known[way]
    ]


def _unknown(way: tuple[str, str], sums: Tally, experts: set[str]) -> Look:
    return "other" if way not in sums.escalated else "expert" if way[1] in experts else "up"
