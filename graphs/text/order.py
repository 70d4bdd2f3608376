"""More edits of a graph's text: what is put in, moved, called otherwise or taken back, each change where it belongs."""

from typing import Any

from graphs.finding import GraphError, Keys
from graphs.model import AGAIN, END
from graphs.text.edit import Draft, place_of
from graphs.text.source import Source

NEEDED = ("run",)  # fields that no node can be without
RESERVED = (END, AGAIN)
NAMING = ("to", "up", "down")  # keys of a rule whose value is a node


def set_start(source: Source, node: str) -> Source:
    """Begin with another node."""
    draft = Draft(source)
    draft.know(node)
    draft.assign(node, "start")
    return draft.done()


def insert_rule(source: Source, keys: Keys, index: int, rule: dict[str, Any]) -> Source:
    """Put a rule in so that it becomes number `index`; what stood there and after it moves on."""
    draft = Draft(source)
    draft.know_rule(keys, rule)
    rules = draft.rules_at(keys)
    at = len(rules) if index == len(rules) + 1 else place_of(keys, index, rules)
    draft.insert_rule(keys, at, rule)
    return draft.done()


def move_rule(source: Source, keys: Keys, index: int, to: int) -> Source:
    """Move rule number `index` so that it becomes number `to`."""
    draft = Draft(source)
    for node in keys[1:]:
        draft.know(node)
    rules = draft.rules_at(keys)
    draft.move(keys, place_of(keys, index, rules), place_of(keys, to, rules))
    return draft.done()


def rename_node(source: Source, node: str, to: str) -> Source:
    """Call a node otherwise, wherever it is named: as the start, in rules, in the moves of rungs."""
    draft = Draft(source)
    draft.know(node)
    if to in draft.nodes or to in RESERVED:
        raise GraphError(
            f"{node!r} cannot be called {to!r}: "
            + ("that is taken" if to in draft.nodes else "that is reserved")
        )
    moves = [(*keys, key) for keys, rule in draft.every_rule() for key in NAMING if rule.get(key) == node]
    start: list[Keys] = [("start",)] if draft.values["start"] == node else []
    called: list[Keys] = [("nodes", node), *([("rules", node)] if node in draft.rules else [])]
    draft.rename(to, [*moves, *start], called)
    return draft.done()


def clear_node(source: Source, node: str, field: str) -> Source:
    """Take a field of a node back, so that its default holds."""
    draft = Draft(source)
    draft.know(node)
    own = draft.nodes[node]
    if field in NEEDED:
        raise GraphError(f"node {node!r} cannot be without {field}")
    if field not in own:
        raise GraphError(f"node {node!r} says no {field!r}; it says {', '.join(own)}")
    draft.remove("nodes", node, field)
    return draft.done()
