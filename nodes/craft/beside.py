"""Statements beside a definition that define nothing, like an `assert` or a loop: which of them can run where the definition stands."""

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence

from nodes.craft.source import DEFINITIONS, bindings, free

PLAIN = (ast.Assert, ast.Assign, ast.AugAssign)
RUNNING = (ast.Expr, ast.For, ast.If, ast.With)  # which are there for what they call
BUILT_IN = frozenset(dir(builtins)) | {"__name__", "__file__"}


def unfit(part: ast.stmt, before: Sequence[ast.stmt], taken: Collection[str] = ()) -> str:
    """Return why `part` cannot run behind the statements `before`, for a sentence; "" where it can.

    What it calls must find all names there: a function may use one that is set only further down. It sets no name that is `taken`.
    """
    defined = {one.name: one for one in before if isinstance(one, DEFINITIONS)}
    if not isinstance(part, (*PLAIN, *RUNNING)):
        return "is neither a definition nor an assert, a call, a loop or an assignment"
    if known := next((name for name in sorted(bindings(part)) if name in taken), ""):
        return f"sets {known}, which the script sets, too"
    if isinstance(part, RUNNING) and any(name in defined for name in _called(part)):
        return "would run a part of the script there"
    missing = next(_missing(part, frozenset().union(*map(bindings, before)), defined), "")
    return f"needs {missing}, which is not set yet there" if missing else ""


def _missing(part: ast.stmt, there: frozenset[str], defined: Mapping[str, ast.stmt]) -> Iterator[str]:
    """Yield the names that a statement needs, itself or in a definition that it reaches, and that are not `there`."""
    reached = [part]
    for one in reached:  # it grows
        for name in sorted(free(ast.unparse(one)) - BUILT_IN):
            if name not in there:
                yield name
            elif name in defined and defined[name] not in reached:
                reached.append(defined[name])


def _called(part: ast.stmt) -> Iterator[str]:
    calls = (node.func for node in ast.walk(part) if isinstance(node, ast.Call))
    return (called.id for called in calls if isinstance(called, ast.Name))
