"""What a node function says of itself: the fields it writes, those it shares, and the values it renders prompts with."""

import ast
import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

from graphs.model import Graph, NodeSpec
from graphs.registry import nearest
from graphs.seen import see_node
from memory.state import SHARED, Kind, RunState
from nodes.declares import Role, recalls_of, role_of

Node = Callable[..., Any]


class NodeContractError(Exception):
    """A node cannot be used as it is written, or wrote what it did not declare."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the words alone, as no line of the program is at fault."""
        return [f"{type(self).__name__}: {self}"]


def declared_fields(function: Node) -> frozenset[str]:
    """Return the state's fields that a node may write: the keys of its return annotation.

    Raises NodeContractError where it is no TypedDict of such fields.
    """
    name = getattr(function, "__name__", "node")
    fields = frozenset(_update(function))
    known = {f.name for f in dataclasses.fields(RunState)}
    if not fields:
        what = "annotate its return with a TypedDict(total=False) of the fields it writes"
        raise NodeContractError(f"{name}: {what}")
    if fields - known:
        raise NodeContractError(f"{name}: declares {sorted(fields - known)}, which the state does not have")
    return fields


def shared_fields(function: Node) -> frozenset[str]:
    """Return those of the declared fields that are marked `Shared[...]`: other nodes write them too, by design."""
    hints = _update(function).items()
    return frozenset(f for f, hint in hints if get_origin(hint) is Annotated and SHARED in get_args(hint))


def roles_of(spec: Graph) -> dict[str, str]:
    """Return the role that each node's function declares, by the node's name, for those that do."""
    return {name: role for name, node in spec.nodes.items() if (role := role_of(see_node(node.run)))}


def supplied_history(node: NodeSpec) -> tuple[str, ...]:
    """Return the kinds of history that a node gets: the graph's word, or else what its function declares."""
    return recalls_of(see_node(node.run)) if node.recalls is None else node.recalls


@cache
def reads_history(function: Node) -> bool:
    """Tell whether a node's function looks at `state.history`, itself or by `recalled`; False where its source is unknown."""
    try:
        tree = read_from(function)[1] or ast.parse(
            textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        )
    except (OSError, TypeError, SyntaxError):  # e.g. a function of a notebook
        return False
    names = {getattr(part, "attr", getattr(part, "id", "")) for part in ast.walk(tree)}
    return bool(names & {"history", "recalled", "reminded"})


def check_callable(function: Any) -> None:
    """Raise NodeContractError where the step could not call it, or where it declares what there is not."""
    name = getattr(function, "__name__", repr(function))
    for kind in recalls_of(function):
        if kind not in get_args(Kind):
            raise NodeContractError(
                f"{name}: recalls: no kind {kind!r}{nearest(kind, get_args(Kind))}; there are {', '.join(get_args(Kind))}"
            )
    if role_of(function) not in get_args(Role):
        role, roles = role_of(function), list(filter(None, get_args(Role)))
        raise NodeContractError(
            f"{name}: no role {role!r}{nearest(role, roles)}; there are {', '.join(roles)}"
        )
    if not callable(function):
        kind = type(function).__name__
        raise NodeContractError(f"{kind} is no function: a node is a function of state and deps")
    if inspect.iscoroutinefunction(function):
        what = "a node is a plain function, write `def` instead of `async def`"
        raise NodeContractError(f"{name}: is async: {what}")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise NodeContractError(f"{name}: takes two arguments, (state, deps): {error}") from None


@cache
def supplied(function: Node) -> frozenset[str] | None:
    """Return the values that the function's module gives to prompts: keywords of its `deps.prompts(...)` calls.

    None where there is no such call, or where one has `**`, or there is no source: then it is not known.
    """
    module = sys.modules.get(getattr(inspect.unwrap(function), "__module__", ""))
    try:
        tree = read_from(function)[0] or (
            ast.parse(inspect.getsource(module)) if module else ast.Module([], [])
        )
    except (OSError, TypeError):  # e.g. a function of a notebook
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "prompts"]
    keywords = [keyword.arg for call in calls for keyword in call.keywords]
    if not calls or None in keywords:
        return None
    return frozenset(str(keyword) for keyword in keywords)


def read_from(function: Node) -> tuple[ast.AST | None, ast.AST | None]:
    """Return the trees of module and function of a stand-in (`graphs.seen`), which has no source of its own."""
    return getattr(function, "__read_from__", (None, None))


def _update(function: Node) -> dict[str, Any]:
    try:
        update = get_type_hints(function).get("return")
        return get_type_hints(update, include_extras=True) if update and is_typeddict(update) else {}
    except (NameError, TypeError) as error:
        name = getattr(function, "__name__", "node")
        raise NodeContractError(f"{name}: its annotations cannot be read: {error}") from None
