"""Edits of a graph: each is a few changes of the file's text, and keeps every character that it need not change."""

from collections.abc import Iterable, Mapping
from typing import Any

from graphs.finding import GraphError, Keys
from graphs.model import AGAIN, END
from graphs.registry import nearest
from graphs.text.flow import flow
from graphs.text.source import Source
from graphs.text.write import as_node, as_rule, fork_lines, node_line, rule_line

Rules = list[dict[str, Any]]


class Draft:
    """A graph in the course of an edit: its text, and the plain values that the text has to give in the end."""

    def __init__(self, source: Source) -> None:
        self._source, self.values = source, _unshared(source.values)
        self.nodes: dict[str, Any] = self.values["nodes"]
        self.rules: dict[str, Rules] = self.values["rules"]

    def done(self) -> Source:
        """Return the edited text. Raises GraphError where it does not say what was meant: aliases can do that."""
        if self._source.values != self.values:
            what = "write its rules as a block list of flow maps, without anchors and aliases"
            raise GraphError(f"{self._source.path}: the edit does not fit the file's layout: {what}")
        return self._source

    def assign(self, value: Any, *keys: str | int) -> None:
        """Put a value in the place of another."""
        self._holder(keys)[keys[-1]] = _plain(value)
        self._source = self._source.replace(keys, flow(value))

    def add_node(self, name: str, node: dict[str, Any]) -> None:
        """Add a node after the others."""
        if name in self.nodes:
            raise GraphError(f"there is a node {name!r} already")
        line = node_line(name, node)
        self._source = self._source.insert(("nodes",), len(self.nodes), line, [line])
        self.nodes[name] = _plain(node)

    def rules_at(self, keys: Keys) -> Rules:
        """Return the rules of a node, ("rules", node), or of all with a ladder, ("faults",); there may be none yet."""
        rules: Rules = self._holder(keys).get(keys[-1]) or []
        return rules

    def insert_rule(self, keys: Keys, index: int, rule: dict[str, Any]) -> None:
        """Add a rule before rule `index` of those at `keys`."""
        rule, holder, name = _plain(rule), self._holder(keys), str(keys[-1])
        if name in holder:
            self._source = self._source.insert(keys, index, flow(rule), [rule_line(rule)])
        else:
            inline = f"{flow(name)}: [{flow(rule)}]"
            self._source = self._source.insert(keys[:-1], len(holder), inline, fork_lines(name, [rule]))
        holder.setdefault(name, []).insert(index, rule)

    def only_rule(self, node: str, rule: dict[str, Any]) -> None:
        """Give a node this rule and no other."""
        if not self.rules.get(node):
            return self.insert_rule(("rules", node), 0, rule)
        for index in range(len(self.rules[node]) - 1, 0, -1):
            self.remove("rules", node, index)
        return self.assign(rule, "rules", node, 0)

    def rename(self, new: str, named: Iterable[Keys], called: Iterable[Keys]) -> None:
        """Write `new` in the place of the values at `named`, and of the last of the keys in `called`; all stay where they are."""
        values, names = list(named), list(called)
        self._source = self._source.rewritten(
            dict.fromkeys(values, flow(new)), dict.fromkeys(names, flow(new))
        )
        for keys in values:
            self._holder(keys)[keys[-1]] = new
        for keys in names:
            holder = self._holder(keys)
            holder[new] = holder.pop(keys[-1])

    def move(self, keys: Keys, index: int, to: int) -> None:
        """Move rule `index` of those at `keys` so that it becomes rule `to`."""
        if index == to:
            return
        self._source = self._source.move(keys, index, to)
        rules = self.rules_at(keys)
        rules.insert(to, rules.pop(index))

    def remove(self, *keys: str | int) -> None:
        """Take out a node, a node's rules or a rule."""
        self._source = self._source.remove(keys)
        del self._holder(keys)[keys[-1]]

    def _holder(self, keys: Keys) -> Any:
        holder: Any = self.values
        for key in keys[:-1]:
            holder = holder[key]
        return holder

    def every_rule(self) -> Iterable[tuple[Keys, dict[str, Any]]]:
        """Return each rule with the way to it."""
        forks: list[Keys] = [*(("rules", node) for node in self.rules), ("faults",)]
        return [((*keys, i), rule) for keys in forks for i, rule in enumerate(self.rules_at(keys))]

    def know(self, name: Any, *others: str) -> None:
        """Raise GraphError where `name` is no node and none of the `others`. Other types are for the model."""
        names = [*self.nodes, *others]
        if isinstance(name, str) and name not in names:
            raise GraphError(f"unknown node {name!r}{nearest(name, names)}; there are {', '.join(names)}")

    def know_rule(self, keys: Keys, rule: Mapping[str, Any]) -> None:
        """Raise GraphError where a rule at `keys` leads to, or moves, a node that is not there."""
        again = [AGAIN] if keys[0] == "faults" else []
        for node in keys[1:]:
            self.know(node)
        self.know(rule.get("to"), END, *again)
        for move in ("up", "down"):
            self.know(rule.get(move), *again)


def assigned(source: Source, field: str, value: Any) -> Source:
    """Return the text with another `name` or `start`."""
    draft = Draft(source)
    draft.assign(value, field)
    return draft.done()


def add_node(source: Source, name: str, *, run: Any = None, **fields: Any) -> Source:
    """Add a node, without rules."""
    draft = Draft(source)
    draft.add_node(name, as_node(name if run is None else run, **fields))
    return draft.done()


def set_node(source: Source, node: str, fields: Mapping[str, Any]) -> Source:
    """Change fields of a node; the others stay."""
    draft = Draft(source)
    draft.know(node)
    own = draft.nodes[node]
    if fields.keys() <= own.keys():
        for key, value in fields.items():
            draft.assign(value, "nodes", node, key)
    else:
        draft.assign(as_node(**own | dict(fields)), "nodes", node)
    return draft.done()


def insert(source: Source, node: str, after: str, before: str | None, fields: Mapping[str, Any]) -> Source:
    """Put a node, new or not, on the way from `after` to `before`."""
    draft = Draft(source)
    draft.know(after)
    rules = draft.rules.get(after) or []
    if not rules:
        raise GraphError(f"{after!r} has no rules: nothing leads on from it")
    target = rules[-1]["to"] if before is None else before
    draft.know(target, END)
    leading = [index for index, rule in enumerate(rules) if rule["to"] == target]
    if not leading:
        targets = ", ".join(dict.fromkeys(repr(rule["to"]) for rule in rules))
        raise GraphError(f"no rule of {after!r} leads to {target!r}: they lead to {targets}")
    if node in (after, target):
        raise GraphError(f"{node!r} cannot stand between {after!r} and {target!r}: it is one of them")
    if node not in draft.nodes:
        draft.add_node(node, as_node(**{"run": node} | dict(fields)))
    elif fields:
        raise GraphError(f"there is a node {node!r} already: it keeps its {', '.join(fields)}")
    for index in leading:
        draft.assign(node, "rules", after, index, "to")
    draft.only_rule(node, {"to": target})
    return draft.done()


def remove_node(source: Source, node: str) -> Source:
    """Take a node out, and lead past it."""
    draft = Draft(source)
    draft.know(node)
    if len(draft.nodes) == 1:
        raise GraphError(f"{node!r} is the only node: a graph has at least one")
    last = (draft.rules.get(node) or [{"to": END}])[-1]["to"]
    target = END if last == node else last
    draft.remove("nodes", node)
    if node in draft.rules:
        draft.remove("rules", node)
    for keys, rule in draft.every_rule():
        if rule["to"] == node:
            draft.assign(target, *keys, "to")
        if node in (rule.get("up"), rule.get("down")):
            moves = {k: v for k, v in rule.items() if k not in ("up", "down") or v != node}
            draft.assign(as_rule(**moves), *keys)
    if draft.values["start"] == node:
        draft.assign(target, "start")
    return draft.done()


def connect(source: Source, node: str, rule: dict[str, Any]) -> Source:
    """Add a conditional rule before the last one, or change where the last one leads."""
    draft, keys = Draft(source), ("rules", node)
    draft.know_rule(keys, rule)
    rules = draft.rules_at(keys)
    last = bool(rules) and not rules[-1].get("when")
    if "when" in rule or not last:
        draft.insert_rule(keys, len(rules) - 1 if last else len(rules), rule)
    elif rule.keys() == {"to"}:
        draft.assign(rule["to"], *keys, len(rules) - 1, "to")
    else:
        draft.assign(as_rule(**rules[-1] | rule), *keys, len(rules) - 1)
    return draft.done()


def set_rule(source: Source, keys: Keys, index: int, rule: dict[str, Any]) -> Source:
    """Put a rule in the place of number `index`, or behind the last one; `keys` as for `Draft.rules_at`."""
    draft = Draft(source)
    draft.know_rule(keys, rule)
    rules = draft.rules_at(keys)
    if index == len(rules) + 1:
        draft.insert_rule(keys, len(rules), rule)
    else:
        draft.assign(rule, *keys, place_of(keys, index, rules))
    return draft.done()


def remove_rule(source: Source, keys: Keys, index: int) -> Source:
    """Take rule number `index` out; `keys` as for `Draft.rules_at`."""
    draft = Draft(source)
    for node in keys[1:]:
        draft.know(node)
    draft.remove(*keys, place_of(keys, index, draft.rules_at(keys)))
    return draft.done()


def _unshared(value: Any) -> Any:
    """Return a copy in which no two places are one, as aliases make them."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Return the value as YAML gives it back: a tuple as a list."""
    return Source.read(flow(value), "").values


def place_of(keys: Keys, index: int, rules: Rules) -> int:
    """Return where the rule of this number stands: they are numbered from 1, as in pictures and findings. Raises GraphError."""
    if isinstance(index, int) and 1 <= index <= len(rules):
        return index - 1
    known = f"they are 1 to {len(rules)}" if rules else "it has none"
    what = "rule" if keys[1:] else "number"
    raise GraphError(f"{str(keys[-1])!r} has no {what} {index!r}: {known}")
