"""The starter as a syntax tree, whoever wrote it."""

import ast

LARGEST = 2**63  # a whole number beyond this, of thousands of digits perhaps, cannot be written down again
DEEPEST = 150  # levels of a tree: whoever walks through it, or writes it down, has to come back


def tree_of(script: str) -> ast.Module | None:
    """The syntax tree of `script`; None where it is not Python, is deeper than `DEEPEST` or has a number beyond `LARGEST`."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        if any(
            isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > LARGEST
            for node in level
        ):
            return None
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    return None
