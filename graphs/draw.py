"""The graph as Mermaid text: what the code runs is what is drawn, because both are the spec."""

from graphs.policy import END
from graphs.spec import GraphSpec, Rule


def mermaid(spec: GraphSpec) -> str:
    """Return the flowchart: ladders on the nodes, rules with their order and rung moves on the edges."""
    lines = ["flowchart TD", f"  START([start]) --> {spec.start}"]
    for name, node in spec.nodes.items():
        ladder = f"<br/><small>{' ↑ '.join(node.ladder)}</small>" if node.ladder else ""
        lines.append(f'  {name}["<b>{name}</b>{ladder}"]')
    for name, rules in spec.rules.items():
        for target in dict.fromkeys(rule.to for rule in rules):
            there = "FINISH([end])" if target == END else target
            if len(rules) == 1 and not rules[0].when:
                lines.append(f"  {name} --> {there}")  # the only way: nothing is decided here
                continue
            label = "<br/>".join(f"{i}. {_label(r)}" for i, r in enumerate(rules, 1) if r.to == target)
            lines.append(f'  {name} -->|"{label}"| {there}')
    return "\n".join(lines) + "\n"


def _label(rule: Rule) -> str:
    return str(rule).rpartition(" → ")[0]


def outline(spec: GraphSpec) -> str:
    """Return the policy as text for a terminal: each node, its ladder, its rules in order."""
    lines = [f"{spec.name}: starts at {spec.start}"]
    for name, node in spec.nodes.items():
        ladder = f"  [{' ↑ '.join(node.ladder)}]" if node.ladder else ""
        lines += ["", f"{name}{ladder}"]
        lines += [f"  {i}. {rule}" for i, rule in enumerate(spec.rules[name], 1)]
    return "\n".join(lines) + "\n"
