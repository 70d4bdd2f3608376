"""Which arrows a picture of a graph has: the usual way, dearer help, the rest, and of faults those that a run met."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from graphs.contract import roles_of
from graphs.drawing.overlay import Tally
from graphs.model import END, Graph, Rule

Look = Literal["usual", "dearer", "other", "fault"]
FOLDED = frozenset({"missed", "faulted"})  # predicates about what is only told as "on a fault"


class Arrow(NamedTuple):
    """All rules of `source` that lead to `target` and look alike, each with its number."""

    source: str
    target: str
    look: Look
    rules: Sequence[tuple[str, Rule]]  # none: it was taken under another graph
    fired: Mapping[str, int] = MappingProxyType({})  # by the text of each rule, how often in a run
    taken: int = 0  # how often a run went there
    forks: bool = True  # False where it is the only way on: then there is nothing to say on it


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

    Without `detail` rules about faults are left out until a run has gone there: `leads` tells where they lead.
    """
    experts = {name for name, role in _roles(spec).items() if role == "expert"}
    found = [arrow for name in order(spec) for arrow in _from(spec, name, experts, sums, detail)]
    return found + (_elsewhere(spec, sums, found) if sums else [])


def leads(spec: Graph, name: str) -> list[str]:
    """Return where a node's rules about faults lead."""
    rules = [rule for _, rule in spec.fork(name)]
    faults = [rule.to for rule in rules if rule.when in FOLDED and not rule.up]
    return list(dict.fromkeys(faults + [rule.to for _, rule in _shared(spec, name) if not rule.up]))


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
    rules = [(f"{i}.", rule) for i, rule in enumerate(own, 1)]
    placed = [(number, rule, _look(name, rule, rule.when in FOLDED, experts, way)) for number, rule in rules]
    for number, rule in _shared(spec, name):
        if not rule.up or len(spec.nodes[name].ladder) > 1:
            placed.append((number, rule, _look(name, rule, True, experts, way)))
    ways = dict.fromkeys((rule.to, look) for _, rule, look in placed)
    # What ends the run comes last: so the layout finds a place for its label that lies on no other arrow.
    for target, look in sorted(ways, key=lambda way: way[0] == END):
        these = [(number, rule) for number, rule, kind in placed if (rule.to, kind) == (target, look)]
        fired = {str(rule): sums.rules[name, str(rule)] for _, rule in these} if sums else {}
        taken = sum(fired.values())
        if look == "fault" and not detail and not taken:
            continue
        only = len(own) == len(these) == 1 and str(own[0]) == f"otherwise → {target}" and target != name
        yield Arrow(name, target, look, these, fired, taken, forks=not only)


def looks(spec: Graph) -> dict[str, list[Look]]:
    """Return how the rules of each node are drawn, in the order in which they are tried."""
    experts, way = {name for name, role in _roles(spec).items() if role == "expert"}, usual(spec)
    return {
        node: [
            _look(node, rule, keys[0] == "faults" or rule.when in FOLDED, experts, way)
            for keys, rule in spec.fork(node)
        ]
        for node in spec.nodes
    }


def _look(name: str, rule: Rule, fault: bool, experts: set[str], way: set[tuple[str, str]]) -> Look:
    if rule.up or (rule.to in experts and rule.to != name):
        return "dearer"
    if fault:
        return "fault"
    return "usual" if (name, rule.to) in way else "other"


def _elsewhere(spec: Graph, sums: Tally, drawn: Sequence[Arrow]) -> list[Arrow]:
    """Return what a run took under another graph, before its own was edited."""
    known = Counter[tuple[str, str]]()
    for arrow in drawn:
        known[arrow.source, arrow.target] += arrow.taken
    return [
        Arrow(*way, "dearer" if way in sums.escalated else "other", (), {}, count - known[way])
        for way, count in sums.edges.items()
        if way[0] in spec.nodes and (way[1] == END or way[1] in spec.nodes) and count > known[way]
    ]
