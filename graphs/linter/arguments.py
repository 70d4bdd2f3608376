"""The arguments of predicates: which there are, of which type, and which values of one rule leave nothing to another."""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from graphs.model import Rule
from graphs.policy import LARGER_IS_STRICTER, PREDICATES, SMALLER_IS_STRICTER, Predicate
from graphs.registry import nearest
from graphs.seen import Untold, see_predicate


@cache
def parameters(predicate: Predicate) -> Mapping[str, inspect.Parameter]:
    """Return the arguments that rules give to `predicate` by name: all but the state."""
    found = list(inspect.signature(predicate).parameters.values())
    return {p.name: p for p in found[1:] if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


@cache
def adapters(predicate: Predicate) -> Mapping[str, TypeAdapter[Any]]:
    """Return what judges the values of the arguments, where their annotations can be read."""
    try:
        hints = get_type_hints(predicate)
        return {name: TypeAdapter(hints[name]) for name in parameters(predicate) if name in hints}
    except (NameError, TypeError, PydanticUserError):  # a user's own types
        return {}


def problems(predicate: Predicate, name: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the arguments of a rule: unknown, missing, of a wrong type."""
    try:
        known, takes = parameters(predicate), inspect.signature(predicate).parameters.values()
    except ValueError:  # some that are written in C
        yield f"{name}: its arguments cannot be read: write a function that calls it"
        return
    told = f"(its arguments: {', '.join(known) or 'none'})"
    if not takes:
        yield f"{name}: takes no argument: the first is the state"
    if not any(p.kind is p.VAR_KEYWORD for p in takes):
        for key in [key for key in given if key not in known]:
            yield f"{name}: got an unexpected argument {key!r}{nearest(key, known)} {told}"
    for key in [key for key, p in known.items() if p.default is p.empty and key not in given]:
        yield f"{name}: missing a required argument: {key!r} {told}"
    for key, adapter in adapters(predicate).items():
        if key in given:
            try:
                adapter.validate_python(given[key], strict=True)
            except ValidationError as error:
                yield f"{name}: {key}={given[key]!r}: {error.errors()[0]['msg'].lower()}"


def covers(earlier: Rule, later: Rule) -> bool:
    """Whether `earlier` holds wherever `later` does; of the shipped predicates alone is that known.

    A rule that moves a role up is passed over on the top rung, so it covers only what moves the same role.
    """
    if earlier.up not in ("", later.up) or not earlier.when or not later.when:
        return False
    predicate = see_predicate(earlier.when)
    if isinstance(predicate, Untold) or predicate not in PREDICATES.values():
        return False
    if predicate is not see_predicate(later.when):
        return False
    one, other = (_bound(predicate, rule.arguments) for rule in (earlier, later))
    return all(_no_stricter(name, one[name], other[name]) for name in one)


def _bound(predicate: Predicate, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given.get(name, p.default) for name, p in parameters(predicate).items()}


def _no_stricter(name: str, value: Any, than: Any) -> bool:
    if name in LARGER_IS_STRICTER:
        return bool(value <= than)
    unlimited = SMALLER_IS_STRICTER.get(name)
    if unlimited is None:
        return bool(value == than)
    return value in unlimited or (than not in unlimited and value >= than)
