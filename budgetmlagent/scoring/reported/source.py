"""What a script would print, as far as its source tells: its words, with a number in the place of each value."""

import ast
import re
from collections.abc import Iterator

from nodes.craft.scripts import parse

PRINTS = {"print", "info", "warning", "debug", "write", "log", "echo", "success"}
VALUE = "0.5"  # in the place of what is not known before it is run
SLOT = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[diouxXeEfFgGrs]|\{[^{}]{0,60}\}")


def printed(source: str) -> str:
    """Return the lines that a script prints, "" where it is no Python."""
    tree = parse(source)
    return "\n".join(_lines(tree)) if tree else ""


def _lines(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in PRINTS:
            yield " ".join(_words(argument) for argument in node.args)


def _name(function: ast.expr) -> str:
    return getattr(function, "id", "") or getattr(function, "attr", "")


def _words(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return SLOT.sub(VALUE, text).replace("%%", "%")
        case ast.JoinedStr(values=values):
            return "".join(_words(value) for value in values)
        case ast.BinOp(left=left, op=ast.Mod()) | ast.Call(func=ast.Attribute(value=left, attr="format")):
            return _words(left)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _words(left) + _words(right)
    return VALUE
