"""What a script changed of the one it began from, as other tasks' models may read it: code, and no row of the data.

Both scripts are written out from their syntax trees, so that no comment and no layout is in the difference. A starter may have
rows written into it, and a string may say anything. So of strings only names of the libraries and of the data's columns are
kept, and of literal numbers in a row, the first few.
"""

import ast
import difflib
import re

from nodes.craft.scripts import parse
from nodes.craft.told import is_name
from nodes.craft.within import within

LONGEST = 600  # characters of a change
IMPORT = re.compile(r"\s*(?:import|from)\b")
FEW = 3  # constants in one literal or call that are kept: more could be a row
LARGEST = 1e6  # of a number; a larger one may be a key
HIDDEN = ast.Constant(...)


def change(before: str, after: str, names: frozenset[str] = frozenset()) -> str:
    """Return the lines that differ, each with `-` or `+` before it; "" where a script does not parse.

    Where there is no room for all, what is new comes first, and of that imports last: what they are for says more. `names` are strings that may be told as they are: the columns of the data, which a task's schema has.
    """
    old, new = _bare(before, names), _bare(after, names)
    if old is None or new is None:
        return ""
    told = list(difflib.unified_diff(old, new, n=0, lineterm=""))
    lines = [line for line in told[2:] if not line.startswith("@@")]
    if sum(map(len, lines)) + len(lines) > LONGEST + 1:
        lines.sort(key=lambda line: (line.startswith("-"), bool(IMPORT.match(line[1:]))))
    return within("\n".join(lines), LONGEST)


def _bare(script: str, names: frozenset[str]) -> list[str] | None:
    tree = parse(script)
    if tree is None:
        return None
    try:
        return ast.unparse(_Bared(names).visit(tree)).splitlines()
    except RecursionError:  # parsed by C, which goes deeper
        return None


class _Bared(ast.NodeTransformer):
    """Puts `...` for constants that could be a value of the data."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if isinstance(value, str):
            return node if value in self.names or is_name(value) else HIDDEN
        if isinstance(value, int | float):
            return node if abs(value) <= LARGEST else HIDDEN
        return node if value is None else HIDDEN

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:  # noqa: ARG002
        return HIDDEN

    def visit_List(self, node: ast.List) -> ast.expr:
        return _few(self.generic_visit(node), node.elts)

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return _few(self.generic_visit(node), node.elts)

    def visit_Set(self, node: ast.Set) -> ast.expr:
        return _few(self.generic_visit(node), node.elts)

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        return _few(self.generic_visit(node), node.values)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return _few(self.generic_visit(node), node.args)


def _few(whole: ast.AST, parts: list[ast.expr]) -> ast.expr:
    """Return `whole`, or `...` where it lists more constants than a parameter would."""
    return HIDDEN if _listed(parts) > FEW else whole  # type: ignore[return-value]  # an expression stays one


def _listed(parts: list[ast.expr]) -> int:
    """Count the constants of a literal, those of the literals in it among them."""
    inner = [part.elts for part in parts if isinstance(part, ast.List | ast.Tuple | ast.Set)]
    return sum(isinstance(part, ast.Constant | ast.UnaryOp) for part in parts) + sum(map(_listed, inner))
