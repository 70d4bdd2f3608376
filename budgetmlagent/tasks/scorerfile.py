"""What `scoring/eval.py` says without being run: its functions, HIGHER, and the metric that it returns."""

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UsageError
from budgetmlagent.tasks.metrics import Named, named, turned
from budgetmlagent.tasks.taskfile import read_text

SCORER = {"get_score": "get_score(folder)"}  # what eval.py must define, and how it is called
TIMED_SCORER = {"make_inputs": "make_inputs(seed)", "check": "check(inputs, results)"}
SAME = {"float", "round", "sqrt", "log1p"}  # calls that leave of two numbers the larger one larger


def read_scorer(file: Path, needed: Mapping[str, str]) -> ast.Module:
    """Read the scorer. Raises UsageError where it is no Python or lacks a function of `needed`."""
    source = read_text(file, f"the scorer with {' and '.join(needed.values())}")
    tree = parsed(file, source, "repair the scorer")
    for name, call in needed.items():
        if name not in functions(tree):
            raise UsageError(f"{file}: has no function {call}; add it")
    return tree


def parsed(file: Path, source: str, remedy: str) -> ast.Module:
    """The source as a tree. Raises UsageError that names the line and the remedy."""
    try:
        return _tree(source)
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ) as error:  # the latter two: nested without end
        line = getattr(error, "lineno", None) or 1
        raise UsageError(f"{file}:{line}: is not valid Python; {remedy}") from None


@lru_cache(maxsize=16)
def _tree(source: str) -> ast.Module:
    """Parse a source, once: whoever looks at many runs of a task reads the same scorer each time. Nobody changes the tree."""
    return ast.parse(source)


def functions(tree: ast.Module) -> set[str]:
    """Names of what the script defines or imports."""
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return defined | {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}


def higher(file: Path, tree: ast.Module) -> tuple[int, bool] | None:
    """The line and the value of HIGHER, None where the scorer has none. Raises UsageError where it is no plain word."""
    said = None
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "HIGHER" for target in targets):
            value = getattr(node, "value", None)
            if not (isinstance(value, ast.Constant) and isinstance(value.value, bool)):
                raise UsageError(f"{file}:{node.lineno}: HIGHER: must be the word True or False")
            said = node.lineno, value.value
    return said


def titled(tree: ast.Module) -> Named | None:
    """The metric that the scorer's first words name: "RMSE: the root mean squared error." """
    return named(re.split(r"[:.,;\n]", ast.get_docstring(tree) or "", maxsplit=1)[0])


def returned(tree: ast.Module) -> tuple[int, Named] | None:
    """The line where `get_score` returns a known metric, and the metric; None where it is not plain to see."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "get_score":
            returns = [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
            if len(returns) == 1 and (found := _metric(returns[0].value, _given(function))):
                return returns[0].lineno, found
    return None


def _given(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """The value of each name that the function gives one value."""
    given: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    given.setdefault(target.id, []).append(node.value)
    return {name: values[0] for name, values in given.items() if len(values) == 1}


def _metric(value: ast.expr | None, given: Mapping[str, ast.expr]) -> Named | None:
    """The metric that an expression is called by, through what keeps or turns which of two numbers is larger."""
    inner: Any = None
    match value:
        case ast.Name(id=name):
            others = {other: given[other] for other in given if other != name}
            return _metric(given.get(name), others) or named(name)
        case (
            ast.UnaryOp(op=ast.USub(), operand=inner)
            | ast.BinOp(left=ast.Constant(), op=ast.Sub(), right=inner)
        ):
            found = _metric(inner, given)
            return found and turned(found)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[inner, *_]) if name in SAME:
            pass
        case ast.Call(func=ast.Attribute(value=inner, attr="item"), args=[]):
            pass
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return named(name)
        case ast.BinOp(
            left=inner, op=ast.Mult() | ast.Div() | ast.Pow(), right=ast.Constant(value=number)
        ) if _positive(number):
            pass
        case ast.BinOp(left=ast.Constant(value=number), op=ast.Mult(), right=inner) if _positive(number):
            pass
    return _metric(inner, given) if inner else None


def _positive(number: object) -> bool:
    return isinstance(number, int | float) and number > 0
