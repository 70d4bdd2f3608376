"""A graph file's text, with the place of everything in it: what is not edited keeps every character.

ruamel.yaml composes the text into nodes that know where they begin and end; an edit exchanges just that stretch of the
text. So comments, order, blank lines and aligned columns of all else stay, which a tree written out anew cannot promise.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, SequenceNode

from graphs.finding import Finding, GraphError, Keys, Kind
from memory import yaml_text


@lru_cache(maxsize=32)
def _loaded(text: str) -> tuple[Any, Any]:
    """Compose a text: that takes a second for a hundred nodes, and an edit needs the same one several times."""
    return yaml_text.load(text, "safe")


@dataclass(frozen=True)
class Source:
    """The text, what it says, and where."""

    text: str
    path: str
    values: Any = field(repr=False)
    _root: Any = field(repr=False, compare=False)

    @classmethod
    def read(cls, text: str, path: str) -> Self:
        """Parse `text`; `path` is what findings name. Raises GraphError where it is no YAML."""
        try:
            root, values = _loaded(text)
            return cls(text, path, deepcopy(values), root)
        except DuplicateKeyError as error:
            what = str(error.problem).partition(" with value")[0]
            raise GraphError(_unreadable(error, path, "duplicate-key", f"{what}: remove one")) from None
        except MarkedYAMLError as error:
            raise GraphError(_unreadable(error, path, "yaml", f"not YAML: {error.problem}")) from None
        except YAMLError as error:
            what = f"not YAML: {str(error).splitlines()[0]}"
            raise GraphError(Finding(path, 1, 1, "yaml", what)) from None
        except (
            RecursionError,
            ValueError,
            TypeError,
            AttributeError,
            LookupError,
        ):  # of ruamel.yaml, for `!!int x`
            what = "not YAML: a value in it is malformed, or nested too deeply"
            raise GraphError(Finding(path, 1, 1, "yaml", what)) from None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: it never changes, and copies of a graph can share it."""
        return self

    def place(self, keys: Keys) -> tuple[int, int]:
        """Return line and column, from 1, of the deepest of `keys` that is there: of a key, or of a list's item."""
        mark, node = None, self._root
        for key in keys:
            found = _pair(node, key)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def replace(self, keys: Keys, new: str) -> Self:
        """Put `new` in the place of the value at `keys`."""
        node = self._node(keys)
        return self._spliced(node.start_mark.index, _end(node), new)

    def insert(self, keys: Keys, index: int, inline: str, block: Sequence[str]) -> Self:
        """Put an entry into the list or mapping at `keys`: as `inline` within brackets, else as the lines `block`.

        It comes right after the entry before it: a comment that stands above the next one stays above that.
        """
        node, entries = self._node(keys), _entries(self._node(keys))
        if not entries:
            return self._filled(keys, inline, block)
        if node.flow_style:
            if index < len(entries):
                return self._spliced(entries[index][0], entries[index][0], f"{inline}, ")
            return self._spliced(entries[-1][1], entries[-1][1], f", {inline}")
        return self._lines_after(self._before(keys, index), node.start_mark.column, block)

    def _before(self, keys: Keys, index: int) -> int:
        """Return where the entry before entry `index` of a block ends; of the first, where the block's key does."""
        return _entries(self._node(keys))[index - 1][1] if index else int(self._key(keys).end_mark.index)

    def rewritten(self, values: Mapping[Keys, str], names: Mapping[Keys, str]) -> Self:
        """Put others in the place of the `values` at their keys, and of the `names` of mappings' keys, all at once."""
        nodes = [(self._node(keys), new) for keys, new in values.items()]
        spans = {(node.start_mark.index, _end(node), new) for node, new in nodes}
        keys_of = [(self._key(keys), new) for keys, new in names.items()]
        spans |= {(key.start_mark.index, key.end_mark.index, new) for key, new in keys_of}
        text = self.text
        for start, end, new in sorted(spans, reverse=True):
            text = text[:start] + new + text[end:]
        return self.read(text, self.path)

    def move(self, keys: Keys, index: int, to: int) -> Self:
        """Move an entry of the list at `keys`, with the comment at its end; comments on lines of their own stay."""
        start, end = _entries(self._node(keys))[index]
        rest = self.remove((*keys, index))
        if self._node(keys).flow_style:
            return rest.insert(keys, to, self.text[start:end], [])
        first = self.text.rfind("\n", 0, start) + 1
        lines = self.text[first : self._line_end(end)]
        return rest._lines_after(rest._before(keys, to), 0, [lines.removesuffix("\n")])

    def remove(self, keys: Keys) -> Self:
        """Take out the entry at `keys`, with the comment at its end; comments on lines of their own above it stay."""
        node, entries = self._node(keys[:-1]), _entries(self._node(keys[:-1]))
        index = _index(node, keys[-1])
        start, end = entries[index]
        if node.flow_style:
            if index < len(entries) - 1:
                return self._spliced(start, entries[index + 1][0], "")
            return self._spliced(entries[index - 1][1] if index else start, end, "")
        first = self.text.rfind("\n", 0, start) + 1
        if len(entries) > 1:
            return self._spliced(first, self._line_end(end), "")
        colon = self.text.index(":", self._key(keys[:-1]).end_mark.index) + 1
        empty = " {}" if isinstance(keys[-1], str) else " []"
        return self._spliced(colon, self._line_end(end), empty + self.text[colon:first])

    def _filled(self, keys: Keys, inline: str, block: Sequence[str]) -> Self:
        """Put the first entry into a collection that is written `[]` or `{}`."""
        node, key = self._node(keys), self._key(keys)
        if self._node(keys[:-1]).flow_style:
            inside = node.start_mark.index + 1
            return self._spliced(inside, inside, inline)
        lines = "".join(f"\n{' ' * (key.start_mark.column + 2)}{line}" for line in block)
        start = len(self.text[: node.start_mark.index].rstrip(" "))
        return self._spliced(start, node.end_mark.index, lines)

    def _lines_after(self, index: int, indent: int, block: Sequence[str]) -> Self:
        at = self._line_end(index)
        lines = "".join(f"{' ' * indent}{line}\n" for line in block)
        return self._spliced(at, at, lines if self.text[:at].endswith("\n") else f"\n{lines}")

    def _line_end(self, index: int) -> int:
        """Return where the line after the one of `index` begins."""
        newline = self.text.find("\n", index)
        return len(self.text) if newline < 0 else newline + 1

    def _spliced(self, start: int, end: int, new: str) -> Self:
        return self.read(self.text[:start] + new + self.text[end:], self.path)

    def _node(self, keys: Keys) -> Any:
        return self._found(keys)[1] if keys else self._root

    def _key(self, keys: Keys) -> Any:
        return self._found(keys)[0]

    def _found(self, keys: Keys) -> tuple[Any, Any]:
        found = _pair(self._node(keys[:-1]), keys[-1])
        if found is None:
            raise KeyError(keys)
        return found


def _pair(node: Any, key: str | int) -> tuple[Any, Any] | None:
    """Return the nodes of a key and its value, or an item twice; None where there is none."""
    if isinstance(node, MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(key)), None)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _entries(node: Any) -> list[tuple[int, int]]:
    """Return where each entry of a collection begins and ends."""
    if isinstance(node, MappingNode):
        return [(key.start_mark.index, _end(value)) for key, value in node.value]
    return [(item.start_mark.index, _end(item)) for item in node.value]


def _index(node: Any, key: str | int) -> int:
    return key if isinstance(key, int) else [k.value for k, _ in node.value].index(key)


def _end(node: Any) -> int:
    """Return where a value ends; the mark of a block collection lies behind the comments that follow it."""
    if isinstance(node, CollectionNode) and node.value and not node.flow_style:
        return _entries(node)[-1][1]
    return int(node.end_mark.index)


def _unreadable(error: MarkedYAMLError, path: str, kind: Kind, what: str) -> Finding:
    mark = error.problem_mark
    return Finding(path, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, kind, what)
