"""From a name in a graph file to a function: ours, an installed plug-in package's, or any by its dotted path.

A plug-in package declares entry points: `[project.entry-points."budgetmlagent.nodes"]` with `critic =
"its_package.critic:critic"`, and likewise `budgetmlagent.predicates`. A shipped name cannot be taken by a plug-in.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import nodes
from graphs.outside import loaded
from graphs.policy import PREDICATES, Predicate

NODE_GROUP, PREDICATE_GROUP = "budgetmlagent.nodes", "budgetmlagent.predicates"  # of entry points
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load_node(name: str) -> Any:
    """Return the node function `name`, as it is: the linter judges it. Raises LookupError with one sentence."""
    return imported(node_path(name))


def load_predicate(name: str) -> Predicate:
    """Return the predicate `name`. Raises LookupError with one sentence."""
    if name in PREDICATES:
        return PREDICATES[name]
    return as_predicate(name, imported(predicate_path(name)))


def node_path(name: str) -> str:
    """Return where the node function `name` stands. Raises LookupError with one sentence."""
    if ":" in name:
        return name
    if name in shipped_nodes():
        return f"nodes.{name}:{name}"
    return _plugged_in("node function", NODE_GROUP, name, shipped_nodes())


def predicate_path(name: str) -> str:
    """Return where the predicate `name`, no shipped one, stands. Raises LookupError with one sentence."""
    return name if ":" in name else _plugged_in("predicate", PREDICATE_GROUP, name, PREDICATES)


def as_predicate(name: str, found: Any) -> Predicate:
    """Return what was found of the name of a predicate. Raises LookupError where it is no function."""
    if not callable(found):
        raise LookupError(f"predicate {name!r} is no function but {type(found).__name__}")
    predicate: Predicate = found
    return predicate


@cache
def shipped_nodes() -> tuple[str, ...]:
    """Names of the nodes in `nodes/`: each of its modules but those that nodes use has a function of its own name."""
    modules = Path(nodes.__file__ or "").parent.glob("[a-z]*.py")
    return tuple(sorted({module.stem for module in modules} - {"able", "declares", "deps", "notes"}))


def node_names() -> list[str]:
    """Names that a node's `run` may have: the shipped functions, then those of installed plug-in packages."""
    return _all_names(NODE_GROUP, shipped_nodes())


def predicate_names() -> list[str]:
    """Names that a rule's `when` may have: the shipped predicates, then those of installed plug-in packages."""
    return _all_names(PREDICATE_GROUP, PREDICATES)


def _all_names(group: str, shipped: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*shipped, *sorted(point.name for point in entry_points(group=group))]))


def nearest(name: str, names: Iterable[str], hint: str = " (did you mean {!r}?)") -> str:
    """Return the `hint` at the nearest of `names`, "" where none is near."""
    close = get_close_matches(name, list(names), n=1)
    return hint.format(close[0]) if close else ""


def _plugged_in(what: str, group: str, name: str, shipped: Iterable[str]) -> str:
    plugins: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=group)}
    if name not in plugins:
        hint = nearest(name, [*shipped, *plugins])
        raise LookupError(f"unknown {what} {name!r}{hint}; or write 'package.module:function'")
    return f"{plugins[name].module}:{plugins[name].attr}"


def checked_path(dotted: str) -> tuple[str, str]:
    """Return module and name of a path 'package.module:name'. Raises LookupError where it is none."""
    if not DOTTED.fullmatch(dotted):
        raise LookupError(f"{dotted!r} is no path: 'package.module:function' is needed")
    module, _, function = dotted.partition(":")
    return module, function


def imported(dotted: str) -> Any:
    """Import what stands at a path 'package.module:name'. Raises LookupError with one sentence."""
    module, function = checked_path(dotted)
    try:
        found = loaded(module)
    except ModuleNotFoundError as error:
        if error.name and (module + ".").startswith(error.name + "."):
            raise LookupError(f"{dotted!r}: no module {module!r}; is its package installed?") from None
        raise LookupError(f"{dotted!r}: its module needs {error.name!r}, which is not installed") from None
    except (ImportError, SyntaxError) as error:
        raise LookupError(f"{dotted!r}: module {module!r} cannot be imported: {error}") from None
    try:
        return getattr(found, function)
    except AttributeError:
        hint = nearest(function, vars(found))
        raise LookupError(f"{dotted!r}: module {module!r} has no {function!r}{hint}") from None
