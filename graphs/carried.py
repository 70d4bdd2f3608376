"""What a node would overwrite of what a person changed in the state before it: told by its declared update and its source."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache

from graphs.contract import Node, NodeContractError, declared_fields, read_from
from memory.state import RunState


def overwritten(function: Node, field: str, keys: Iterable[str], state: RunState) -> list[str]:
    """Return those of the `keys` of a field of `state` that the node may write anew without having looked at them.

    None of a field that it does not declare, or that it carries on: `state.plan | {...}`, `state.turn + 1`. The key of a
    field that is no mapping is "": such a field is looked at where the function itself, and no helper of it, names it.
    """
    try:
        declared = declared_fields(function)
    except NodeContractError:
        return []
    written = _written(function, state)
    carried, read = _used(function)
    if field not in (declared if written is None else declared & written) or field in carried:
        return []
    return [k for k in keys if (field, k) not in read]


def _written(function: Node, state: RunState) -> set[str] | None:
    """Return the fields that the function returns, itself or by helpers of its module; None where that is not written out.

    What it does at the very start, `if not state.script: return …`, is left out where the state has a script.
    """
    name = _state(function)
    helpers = {part.name: part for part in ast.walk(_tree(function)) if isinstance(part, ast.FunctionDef)}
    found, ahead, seen = set[str](), [_body(function)], set[str]()
    while ahead:
        for value in _returned(ahead.pop(), name, state):
            match value:
                case ast.Dict(keys=keys) if all(isinstance(key, ast.Constant) for key in keys):
                    found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
                case ast.Call(func=ast.Name(id=helper)) if helper in helpers:
                    ahead += [helpers[helper]] if helper not in seen else []
                    seen.add(helper)
                case _:
                    return None
    return found or None


def _returned(part: ast.AST, name: str, state: RunState, *, outer: bool = True) -> Iterator[ast.expr | None]:
    """Yield what a function returns, where `name` is the state; what inner functions return is theirs."""
    match part:
        case ast.Return(value=value):
            yield value
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if not outer:
            return
        case ast.If(
            test=ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(value=ast.Name(id=whose), attr=attr))
        ):
            if whose == name and getattr(state, attr, None):
                part = ast.Module(part.orelse, [])
    outer = isinstance(part, ast.Module) and outer
    for child in ast.iter_child_nodes(part):
        yield from _returned(child, name, state, outer=outer)


def _state(function: Node) -> str:
    """Return what the function calls the state: its first parameter."""
    return next(iter(inspect.signature(function).parameters), "")


@cache
def _used(function: Node) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return the fields that the function's module carries on as a whole, and the keys of fields that it reads by name.

    The state is what is called as in the function itself.
    """
    state = _state(function)
    carried, read = set[str](), set[tuple[str, str]]()

    def field(part: ast.AST) -> str:
        """Return `plan` of `state.plan`; "" of anything else."""
        match part:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == state:
                return attribute
        return ""

    for part in ast.walk(_tree(function)):
        match part:
            case ast.BinOp(left=left, right=right):
                carried |= {field(left), field(right)}
            case ast.Dict(keys=keys, values=values):
                carried |= {field(value) for key, value in zip(keys, values, strict=True) if key is None}
            case ast.keyword(arg=None, value=value) | ast.Call(func=ast.Attribute(value=value, attr="copy")):
                carried.add(field(value))
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(str(key)), *_]):
                read.add((field(value), key))
            case ast.Subscript(value=value, slice=ast.Constant(str(key))):
                read.add((field(value), key))
    read |= {(name, "") for part in ast.walk(_body(function)) if (name := field(part))}
    return frozenset(carried - {""}), frozenset(read)


def _body(function: Node) -> ast.AST:
    """Return the function's own tree; nothing where there is no source."""
    if tree := read_from(function)[1]:
        return tree
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def _tree(function: Node) -> ast.AST:
    """Return the module of a function; nothing where there is no source, as of one typed at a prompt."""
    if tree := read_from(function)[0]:
        return tree
    try:
        return ast.parse(inspect.getsource(sys.modules[inspect.unwrap(function).__module__]))
    except (OSError, TypeError, KeyError):
        return ast.Module([], [])
