"""Edits that save repeated work in a script that is timed; only what is certainly the same program is written."""

import ast
import math

from nodes.craft.source import Edit, Source
from nodes.scalars import prove

LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = {"sqrt": math.sqrt, "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos}
LARGEST = 600.0  # of an argument: `exp` of it is still a float


def memoise(source: Source) -> str | None:
    """Keep the results of functions that take and return scalars, do nothing else, and loop or call themselves."""
    edits: list[Edit] = []
    for name, function in prove(source).functions.items():
        nodes = [n for s in function.body for n in ast.walk(s)]
        recursive = any(isinstance(n, ast.Name) and n.id == name for n in nodes)
        if recursive or any(isinstance(n, LOOPS) for n in nodes):
            # `typed` keeps f(1) and f(1.0) apart; the limit bounds the memory.
            edits.append(source.above(function, "@lru_cache(maxsize=65536, typed=True)"))
    if edits and "lru_cache" not in source.bound:
        edits.append(source.import_("from functools import lru_cache"))
    return source.edited(edits)


def hoist(source: Source) -> str | None:
    """Compute functions of constants once, before the outermost loop around them."""
    constants = _constants(source)
    modules = {"math", "np"} & set(source.bound)
    edits: list[Edit] = []
    for i, statement in enumerate(source.tree.body):
        known = {name: value for name, value in constants.items() if source.bound[name] < i}
        for loop in _outermost(statement):
            for node in ast.walk(loop):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id=module), attr=function),
                        args=[argument],
                        keywords=[],
                    ):
                        value = _value(argument, known)
                        if module not in modules or function not in FUNCTIONS or not 0 < value <= LARGEST:
                            continue
                        name = f"_hoisted_{len(edits) // 2}"
                        start = source.starts[loop.lineno - 1]
                        line = f"{' ' * loop.col_offset}{name} = {source.code(node)}\n"
                        edits += [source.replace(node, name), (start, start, line)]
    return source.edited(edits)


def _outermost(statement: ast.stmt) -> list[ast.For | ast.While]:
    """Return the loops of a top-level statement that stand in no other loop, each on a line of its own."""
    if isinstance(statement, ast.For | ast.While):
        return [statement]
    inner = statement.body if isinstance(statement, ast.FunctionDef | ast.If | ast.With) else []
    return [loop for child in inner for loop in _outermost(child)]


def _constants(source: Source) -> dict[str, float]:
    """Return the numbers that names hold throughout: bound once in the whole script, at the top level."""
    stores = [
        n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    ]
    stores += [n.arg for n in ast.walk(source.tree) if isinstance(n, ast.arg)]
    found: dict[str, float] = {}
    for statement in source.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int() | float() as value)):
                if stores.count(name) == 1 and abs(value) <= LARGEST:
                    found[name] = float(value)
    return found


def _value(node: ast.expr, known: dict[str, float]) -> float:
    """Return the value of a product, sum or quotient of constants; -1 where it is none."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value) if abs(value) <= LARGEST else -1.0
        case ast.Name(id=name):
            return known.get(name, -1.0)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Div() as op, right=right):
            a, b = _value(left, known), _value(right, known)
            if a <= 0 or b <= 0:
                return -1.0
            return a + b if isinstance(op, ast.Add) else a * b if isinstance(op, ast.Mult) else a / b
    return -1.0
