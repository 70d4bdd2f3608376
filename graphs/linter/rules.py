"""Findings about rules, each by itself and in its fork."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from graphs.finding import Kind, Problem
from graphs.linter.arguments import covers, problems
from graphs.policy import END
from graphs.registry import load_predicate, nearest

if TYPE_CHECKING:
    from graphs.spec import GraphSpec, Rule

KEYS = ("when", "to", "up", "down")


def rule_problems(spec: "GraphSpec") -> Iterator[Problem]:
    """Yield what is wrong with each rule."""
    for node, rules in spec.rules.items():
        sound: list[tuple[int, Rule]] = []
        for index, rule in enumerate(rules):
            found = [*_names(spec, rule), *_condition(rule)]
            if not found:
                found = list(_idle(spec, rule, sound))
                sound.append((index, rule))
            found += _order(rules, index)
            for kind, what in found:
                yield ("rules", node, index), kind, f"rule {index + 1} of {node!r}: {what}"


def _names(spec: "GraphSpec", rule: "Rule") -> Iterator[tuple[Kind, str]]:
    if rule.to != END and rule.to not in spec.nodes:
        yield "unknown-node", f"to: unknown node {rule.to!r}{nearest(rule.to, [*spec.nodes, END])}"
    for role in (rule.up, rule.down):
        if role and role not in spec.ladders:
            hint = nearest(role, spec.ladders)
            yield "unknown-role", f"unknown role {role!r}: no node of that name has a ladder{hint}"


def _condition(rule: "Rule") -> Iterator[tuple[Kind, str]]:
    if not rule.when:
        for key in rule.arguments:
            yield "unknown-key", f"unknown key {key!r}{nearest(key, KEYS)}: arguments belong to a `when`"
        return
    try:
        predicate = load_predicate(rule.when)
    except LookupError as error:
        yield "unknown-predicate", str(error)
    else:
        for what in problems(predicate, rule.when, rule.arguments):
            yield "argument", what


def _idle(
    spec: "GraphSpec", rule: "Rule", before: "Sequence[tuple[int, Rule]]"
) -> Iterator[tuple[Kind, str]]:
    """Find why a sound rule can never fire."""
    if len(spec.ladders.get(rule.up, ())) == 1:
        yield (
            "one-rung",
            f"up: the ladder of {rule.up!r} has one rung, so the rule never fires: add one or remove it",
        )
    for index, earlier in before:
        if covers(earlier, rule):
            yield (
                "covered-rule",
                (
                    f"it can never fire: rule {index + 1} ({earlier}) holds wherever it does; put it before that one"
                ),
            )
            return


def _order(rules: "Sequence[Rule]", index: int) -> Iterator[tuple[Kind, str]]:
    last = index == len(rules) - 1
    if last and not rules[index].always:
        moves = " and move no role up, which is passed over on the top rung" if rules[index].up else ""
        yield "last-rule", f"the last rule of a fork must be unconditional{moves}: add `- {{to: …}}` after it"
    if not last and rules[index].always:
        yield "dead-rule", "the rules after an unconditional one can never fire: move it to the end"
