"""YAML that may come from anybody, within bounds: of its length, of its depth, and of what its aliases stand for.

A page of aliases of aliases stands for gigabytes. Whoever reads such a file as it is, holds and prints them.
"""

import re
from itertools import accumulate
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

MOST = 1 << 20  # characters of a text
DEEPEST = 100  # levels
BRACKET = re.compile(r"[\[\]{}]")
UNCLOSED = 500  # brackets that stand open at once, those in texts too
ALIASED = 100_000  # characters that aliases may stand for, beyond those that are written


def load(text: str, kind: Literal["safe", "rt"]) -> tuple[Node | None, Any]:
    """Return the nodes of a YAML text, which know their places, and its values; None and None where it is empty.

    Values of the kind "rt" know their lines. Raises `ruamel.yaml.error.YAMLError` for what is no YAML or beyond the bounds.
    """
    if len(text) > MOST:
        raise _error(f"it has {len(text)} characters, {MOST} are the most")
    if _open(text) > UNCLOSED:  # which the reader would take minutes to find too deep
        raise _error("it is nested too deeply")
    yaml = YAML(typ=kind, pure=True)
    yaml.max_depth = DEEPEST
    root = yaml.compose(text)
    if root is None:
        return None, None
    if _size(root, {}) > len(text) + ALIASED:
        raise _error("its aliases stand for too much; write out what they stand for", root)
    try:
        return root, yaml.constructor.construct_document(root)
    except (ValueError, OverflowError) as error:  # of a number or a date
        raise _error(f"a value cannot be read: {str(error)[:100]}", root) from None


def _open(text: str) -> int:
    """Return how many brackets stand open at once at most."""
    steps = (1 if bracket in "[{" else -1 for bracket in BRACKET.findall(text))
    return max(accumulate(steps), default=0)


def _size(node: Node, known: dict[int, int]) -> int:
    """Return how many characters and values a node stands for at least, with all its aliases written out."""
    if id(node) in known:
        if not known[id(node)]:
            raise _error("an alias stands for what it is within; write out what it stands for", node)
        return known[id(node)]
    known[id(node)] = 0
    size = 1
    if isinstance(node, CollectionNode):
        parts = (
            [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
        )
        size += sum(_size(part, known) for part in parts)
    else:
        size += len(node.value)
    known[id(node)] = size
    return size


def _error(what: str, node: Node | None = None) -> ComposerError:
    return ComposerError(None, None, what, node.start_mark if node else None)
