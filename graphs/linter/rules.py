"""Findings about rules, each by itself and in its fork."""

from collections.abc import Iterator, Sequence

from graphs.finding import Kind, Problem, called
from graphs.linter.arguments import covers, problems
from graphs.model import AGAIN, AUTO, END, Graph, Placed, Rule
from graphs.registry import nearest
from graphs.seen import Untold, see_predicate

KEYS = ("when", "to", "up", "down")


def rule_problems(spec: Graph) -> Iterator[Problem]:
    """Yield what is wrong with each rule; with those in `faults` once, however many nodes have them."""
    if spec.faults and not spec.ladders:
        what = "no node has a ladder, so the rules hold for none: give one a ladder, or remove them"
        yield ("faults",), "idle-faults", f"faults: {what}"
    yield from _fork_problems(spec, "faults", [(("faults", i), rule) for i, rule in enumerate(spec.faults)])
    for node in spec.rules:
        yield from _fork_problems(spec, "rules", spec.fork(node))


def _fork_problems(spec: Graph, part: str, fork: Sequence[Placed]) -> Iterator[Problem]:
    """Yield what is wrong with those rules of a fork that stand in `part` of the file."""
    sound: list[Placed] = []
    last = [keys for keys, _ in fork if keys[0] == part][-1:]
    for keys, rule in fork:
        found = [*_names(spec, rule, [AGAIN] if part == "faults" else []), *_condition(rule)]
        if not found:
            found = list(_idle(spec, rule, sound))
            sound.append((keys, rule))
        if keys[0] == part:
            found += _always(rule) if part == "faults" else _order(rule, last=keys in last)
            for kind, what in found:
                yield keys, kind, f"{called(keys)}: {what}"


def _names(spec: Graph, rule: Rule, again: list[str]) -> Iterator[tuple[Kind, str]]:
    nodes, roles = [*spec.nodes, END, *again], [*spec.ladders, *again]
    if rule.to not in nodes:
        yield "unknown-node", f"to: unknown node {rule.to!r}{_meant(rule.to, nodes)}"
    for role in (rule.up, rule.down):
        if role and role not in roles:
            what = f"unknown role {role!r}: no node of that name has a ladder{_meant(role, roles)}"
            yield "unknown-role", what


def _meant(name: str, names: Sequence[str]) -> str:
    return " (`again` is for `faults` alone: name the node)" if name == AGAIN else nearest(name, names)


def _condition(rule: Rule) -> Iterator[tuple[Kind, str]]:
    if not rule.when:
        for key in rule.arguments:
            yield "unknown-key", f"unknown key {key!r}{nearest(key, KEYS)}: arguments belong to a `when`"
        return
    try:
        predicate = see_predicate(rule.when)
    except LookupError as error:
        yield "unknown-predicate", str(error)
        return
    if not isinstance(predicate, Untold):
        for what in problems(predicate, rule.when, rule.arguments):
            yield "argument", what


def _idle(spec: Graph, rule: Rule, before: Sequence[Placed]) -> Iterator[tuple[Kind, str]]:
    """Find why a sound rule can never fire."""
    ladders = spec.ladders if rule.up == AGAIN else [rule.up]
    if {len(spec.ladders.get(role, ())) for role in ladders} == {1} and (AUTO,) not in spec.ladders.values():
        whose = "every node" if rule.up == AGAIN else repr(rule.up)
        what = f"up: the ladder of {whose} has one rung, so the rule never fires: add one or remove it"
        yield "one-rung", what
    for (part, *_, index), earlier in before:
        if covers(earlier, rule):
            other = f"{'fault' if part == 'faults' else 'rule'} {int(index) + 1} ({earlier})"
            yield "covered-rule", f"it can never fire: {other} holds wherever it does; put it before that one"
            return


def _always(rule: Rule) -> Iterator[tuple[Kind, str]]:
    if not rule.when:
        yield "dead-rule", "without a `when` it always holds, and no node would go on: say when"


def _order(rule: Rule, *, last: bool) -> Iterator[tuple[Kind, str]]:
    if last and not rule.always:
        moves = " and move no role up, which is passed over on the top rung" if rule.up else ""
        yield "last-rule", f"the last rule of a fork must be unconditional{moves}: add `- {{to: …}}` after it"
    if not last and rule.always:
        yield "dead-rule", "the rules after an unconditional one can never fire: move it to the end"
