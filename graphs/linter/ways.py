"""Findings about the ways through a graph: what cannot be reached, what cannot be left, what need never end."""

from collections.abc import Iterator

from graphs.finding import Problem
from graphs.model import END, Graph, Placed
from graphs.policy import stops

Ways = dict[str, list[str]]


def way_problems(spec: Graph) -> Iterator[Problem]:
    """Yield what is wrong with the ways. All names in the graph are known."""
    leads = {node: dict.fromkeys(rule.to for _, rule in _living(spec, node)) for node in spec.nodes}
    ways: Ways = {node: list(targets) for node, targets in leads.items()}
    reached = {spec.start, *_reach(ways, spec.start)}
    for name in spec.nodes:
        if name not in reached:
            yield ("nodes", name), "unreachable", f"node {name!r}: no way leads to it from {spec.start!r}"
    trapped = [name for name in spec.nodes if name in reached and END not in _reach(ways, name)]
    if trapped:
        names = ", ".join(map(repr, trapped))
        what = f"no way leads to {END} from {names}: add `- {{when: …, to: {END}}}`"
        yield ("nodes", trapped[0]), "no-end", what
    for cycle in _endless(spec, {name: ways[name] for name in spec.nodes if name in reached}):
        told = " → ".join([*cycle, cycle[0]])
        what = (
            f"neither money nor turns end the cycle {told}: lead out of it with `when: out_of_budget` where a model is"
            " asked, or with `when: out_of_turns`"
        )
        yield ("rules", cycle[0]), "endless", what


def _living(spec: Graph, node: str) -> list[Placed]:
    """Return the rules of a node that can fire as far as the order tells."""
    fork = spec.fork(node)
    end = next((index for index, (_, rule) in enumerate(fork) if rule.always), len(fork))
    return fork[: end + 1]


def _used_up(spec: Graph, node: str) -> list[str]:
    """Return where a node leads when money or turns are used up.

    That no turn is left ends nothing where it is said in `faults` alone: not every node with a ladder counts turns.
    """
    living = [(keys[0], rule, stops(rule)) for keys, rule in _living(spec, node)]
    money = [rule.to for _, rule, what in living if what == "money"][
        :1
    ]  # each holds for a refused call: the first wins
    return money + [rule.to for part, rule, what in living if what == "turns" and part == "rules"]


def _reach(ways: Ways, start: str) -> list[str]:
    """Return what a step or more leads to from `start`, the nearest first."""
    found = list(dict.fromkeys(ways.get(start, [])))
    for name in found:  # grows while it is walked
        found += [to for to in ways.get(name, []) if to not in found]
    return found


def _endless(spec: Graph, ways: Ways) -> Iterator[list[str]]:
    """Yield a cycle of each part of the graph that could be gone round for ever.

    A node that leads to END when money or turns are used up breaks each cycle through it, and so does one that leads
    out of its part then: into another part, which is judged by itself.
    """
    leads = {name: _used_up(spec, name) for name in ways}
    left = {name: to for name, to in ways.items() if END not in leads[name]}
    while cyclic := [name for name in left if name in _reach(left, name)]:
        first = cyclic[0]
        part = [name for name in cyclic if name in _reach(left, first) and first in _reach(left, name)]
        out = [name for name in part if set(leads[name]) - set(part)]
        if not out:
            yield _cycle(left, part[0])
        left = {name: to for name, to in left.items() if name not in (out or part)}


def _cycle(ways: Ways, home: str) -> list[str]:
    """Return a shortest cycle through `home`, which is on one."""
    paths, seen = [[home]], {home}
    for path in paths:  # grows while it is walked
        for to in ways.get(path[-1], []):
            if to == home:
                return path
            if to not in seen:
                seen.add(to)
                paths.append([*path, to])
    raise AssertionError(f"{home!r} is on no cycle")
