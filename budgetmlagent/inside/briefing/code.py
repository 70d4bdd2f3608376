"""Tasks whose subject is the script itself: a function that is timed and must stay right."""

import ast
import re
from typing import Any

from .given import Given
from .script import tree_of

LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SPEED = re.compile(
    r"(?i)\b(faster|speed\w*|seconds|latency|run ?time|milliseconds|throughput|optimi[sz]e the (code|script))\b"
)


def describe(given: Given) -> dict[str, Any]:
    """The kind "speed", and in the summary the functions with loops, deepest first.

    Empty where the task asks for a submission file or for anything but speed.
    """
    timed = given.metric.get("name") == "seconds" or SPEED.search(given.text)
    if not timed or (given.file is not None and given.metric.get("name") != "seconds"):
        return {}
    tree = tree_of(given.starter)
    if tree is None:
        return {}
    functions = {node.name: nesting(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    slow = sorted((-depth, name) for name, depth in functions.items() if depth)
    loops = ", ".join(f"{name} ({-depth} deep)" for depth, name in slow) or "none"
    text = f"The script itself is timed and must go on returning the same. Functions with loops: {loops}"
    return {"kinds": ["speed"], "summary": text}


def nesting(node: ast.AST) -> int:
    """How deep loops stand inside each other; a comprehension of two `for` counts twice."""
    inner = max((nesting(child) for child in ast.iter_child_nodes(node)), default=0)
    own = len(getattr(node, "generators", [1])) if isinstance(node, LOOPS) else 0
    return inner + own
