"""What must change for one graph to be another, in words."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from graphs.model import Graph, NodeSpec, Rule
from graphs.text.flow import flow

NOTHING = ("", (), None)


def differences(one: Graph, other: Graph) -> list[str]:
    """Return a line a difference: `+` what only `other` has, `-` what only `one` has, `~` what has changed.

    Rules are numbered from 1: of `one` where they go or change, of `other` where they are new.
    """
    plain = ((key, getattr(one, key), getattr(other, key)) for key in ("name", "start"))
    lines = [f"~ {key}: {a} → {b}" for key, a, b in plain if a != b]
    lines += _nodes(one.nodes, other.nodes)
    for node in dict.fromkeys([*one.rules, *other.rules]):
        lines += _rules(f"rule {node}", one.rules.get(node, []), other.rules.get(node, []))
    return lines + list(_rules("fault", one.faults, other.faults))


def _nodes(one: dict[str, NodeSpec], other: dict[str, NodeSpec]) -> Iterator[str]:
    for name in dict.fromkeys([*one, *other]):
        before, after = (side[name].model_dump() if name in side else {} for side in (one, other))
        if not before or not after:
            kept = {key: _plain(value) for key, value in (before or after).items() if value not in NOTHING}
            yield f"{'-' if before else '+'} node {name}: {flow(kept)}"
        elif changed := [key for key in before if before[key] != after[key]]:
            told = [f"{key} {_said(before[key])} → {_said(after[key])}" for key in changed]
            yield f"~ node {name}: {'; '.join(told)}"


def _rules(what: str, one: Sequence[Rule], other: Sequence[Rule]) -> Iterator[str]:
    """Compare as sequences: a rule that was put in is one line, however many stand behind it."""
    for kind, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        alike = [n for n in range(min(j - i, m - k)) if one[i + n].when == other[k + n].when]
        for n in range(max(j - i, m - k)):
            if n in alike:
                yield f"~ {what} {i + n + 1}: {one[i + n]} becomes {other[k + n]}"
                continue
            if i + n < j:
                yield f"- {what} {i + n + 1}: {one[i + n]}"
            if k + n < m:
                yield f"+ {what} {k + n + 1}: {other[k + n]}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _said(value: Any) -> str:
    return "none" if value in ("", None) else flow(_plain(value))
