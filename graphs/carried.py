"""What a node would overwrite of what a person changed in the state before it: told by its declared update and its source."""

import ast
import inspect
import sys
from collections.abc import Iterable
from functools import cache

from graphs.contract import Node, NodeContractError, declared_fields, read_from


def overwritten(function: Node, field: str, keys: Iterable[str]) -> list[str]:
    """Return those of the `keys` of a state's field that the node may write anew without having looked at them.

    None of a field that it does not declare, or that it carries on: `state.plan | {...}`, `state.turn + 1`.
    """
    try:
        declared = declared_fields(function)
    except NodeContractError:
        return []
    carried, read = _used(function)
    return [] if field not in declared or field in carried else [k for k in keys if (field, k) not in read]


@cache
def _used(function: Node) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return the fields that the function's module carries on as a whole, and the keys of fields that it reads by name.

    The state is what is called as in the function itself.
    """
    state = next(iter(inspect.signature(function).parameters), "")
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
    return frozenset(carried - {""}), frozenset(read)


def _tree(function: Node) -> ast.AST:
    """Return the module of a function; nothing where there is no source, as of one typed at a prompt."""
    if tree := read_from(function)[0]:
        return tree
    try:
        return ast.parse(inspect.getsource(sys.modules[inspect.unwrap(function).__module__]))
    except (OSError, TypeError, KeyError):
        return ast.Module([], [])
