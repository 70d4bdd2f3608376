"""How a graph is written: block mappings, with a flow map for each node and each rule, as in the shipped files."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.model import Graph, Rule
from graphs.text.flow import flow
from graphs.text.source import Source


def as_node(
    run: Any, prompt: Any = "", ladder: Any = (), budget: Any = None, recalls: Any = None
) -> dict[str, Any]:
    """Return a node as its flow map has it: what is not needed is left out. No `recalls` and none at all differ."""
    rest = {"prompt": prompt, "ladder": _listed(ladder), "budget": budget}
    node = {"run": run} | {key: value for key, value in rest.items() if value not in ("", [], None)}
    return node if recalls is None else node | {"recalls": _listed(recalls)}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def as_rule(**rule: Any) -> dict[str, Any]:
    """Return a rule in the files' order: predicate, its arguments, moves, target; what is empty is left out."""
    first, last = ("when",), ("up", "down", "to")
    keys = [*first, *(key for key in rule if key not in first + last), *last]
    return {key: rule[key] for key in keys if key in rule and (key not in first + last or rule[key] != "")}


def node_line(name: str, node: Mapping[str, Any]) -> str:
    """Return the entry of a node."""
    return f"{flow(name)}: {flow(node)}"


def rule_line(rule: Mapping[str, Any]) -> str:
    """Return the entry of a rule."""
    return f"- {flow(rule)}"


def fork_lines(node: str, rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the entry of a node's rules."""
    if not rules:
        return [f"{flow(node)}: []"]
    return [f"{flow(node)}:", *(f"  {rule_line(rule)}" for rule in rules)]


def written(spec: Graph) -> Source:
    """Return the text of a graph that was made in code."""
    nodes = [node_line(name, as_node(**node.model_dump())) for name, node in spec.nodes.items()]
    rules = [line for name, fork in spec.rules.items() for line in fork_lines(name, _rules(fork))]
    lines = [
        f"name: {flow(spec.name)}",
        f"start: {flow(spec.start)}",
        "nodes:",
        *(f"  {line}" for line in nodes),
        "rules:" if rules else "rules: {}",
        *(f"  {line}" for line in rules),
        *(fork_lines("faults", _rules(spec.faults)) if spec.faults else []),
    ]
    return Source.read("\n".join(lines) + "\n", "<graph>")


def _rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    return [as_rule(**rule.model_dump()) for rule in rules]
