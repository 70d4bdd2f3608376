"""What a graph can be made of: node functions and predicates with their arguments, those of plug-in packages included.

Nothing is imported that is not ours: a plug-in's function is judged by its source, as the linter does.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from graphs.contract import Node, supplied
from graphs.linter.arguments import parameters
from graphs.policy import PREDICATES, Predicate
from graphs.registry import node_names, predicate_names, shipped_nodes
from graphs.seen import Untold, see_node, see_predicate
from nodes.declares import recalls_of, role_of

Simple = Literal["int", "float", "str", "bool", "other"]
TYPES: Mapping[Any, Simple] = {int: "int", float: "float", str: "str", bool: "bool"}
LONGEST = 300  # characters of what a function says of itself


@dataclass(frozen=True)
class Argument:
    """An argument that a rule gives to its predicate."""

    name: str
    type: Simple
    required: bool
    default: Any
    choices: tuple[Any, ...]  # () where any value of the type can be


@dataclass(frozen=True)
class Condition:
    """What a rule's `when` may name."""

    name: str
    says: str
    arguments: tuple[Argument, ...]
    shipped: bool


@dataclass(frozen=True)
class Function:
    """What a node's `run` may name."""

    name: str
    says: str
    role: str
    recalls: tuple[str, ...]
    prompt: bool  # whether it renders one, as far as its source tells
    shipped: bool


def predicates() -> list[Condition]:
    """Return the predicates, shipped ones first; one that cannot be judged has no arguments."""
    return [_condition(name) for name in predicate_names()]


def functions() -> list[Function]:
    """Return the node functions, shipped ones first."""
    return [_function(name) for name in node_names()]


def _condition(name: str) -> Condition:
    shipped = name in PREDICATES
    try:
        found = see_predicate(name)
    except LookupError as error:
        return Condition(name, str(error), (), shipped)
    if isinstance(found, Untold):
        return Condition(name, found.why, (), shipped)
    says = _first_line(found)
    return Condition(name, says, tuple(_arguments(found)), shipped)


def _arguments(predicate: Predicate) -> list[Argument]:
    try:
        hints = get_type_hints(predicate)
    except (NameError, TypeError):  # a user's own types
        hints = {}
    return [_argument(name, parameter, hints.get(name)) for name, parameter in parameters(predicate).items()]


def _argument(name: str, parameter: inspect.Parameter, hint: Any) -> Argument:
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not NoneType)
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    kind = TYPES.get(type(choices[0]) if choices else hint, "other")
    required = parameter.default is parameter.empty
    default = None if required or not isinstance(parameter.default, int | float | str) else parameter.default
    return Argument(name, kind, required, default, tuple(choices))


def _function(name: str) -> Function:
    shipped = name in shipped_nodes()
    try:
        found = see_node(name)
    except LookupError as error:
        return Function(name, str(error), "", (), False, shipped)
    if isinstance(found, Untold):
        return Function(name, found.why, "", (), False, shipped)
    renders = bool(supplied(found))
    return Function(name, _first_line(found), role_of(found), tuple(recalls_of(found)), renders, shipped)


def _first_line(function: Node | Predicate) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0][:LONGEST]
