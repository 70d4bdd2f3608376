"""A function that a graph names, to be judged without running any of its module: a stand-in with all that it declares."""

import ast
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from graphs.outside import is_loaded
from graphs.policy import PREDICATES, Predicate
from graphs.registry import as_predicate, checked_path, imported, nearest, node_path, predicate_path
from graphs.scope import Defined, Scope, UntoldError, scope_of
from nodes.declares import declares


class Untold(NamedTuple):
    """What stands at a path cannot be judged without running its module."""

    path: str
    why: str


def see_node(name: str) -> Any:
    """Return the node function `name` as `seen` does. Raises LookupError with one sentence."""
    function = seen(node_path(name))
    untold = getattr(function, "__untold__", "")
    return Untold(name, untold) if untold else function


def see_predicate(name: str) -> Predicate | Untold:
    """Return the predicate `name` as `seen` does. Raises LookupError with one sentence."""
    if name in PREDICATES:
        return PREDICATES[name]
    found = seen(predicate_path(name))
    return found if isinstance(found, Untold) else as_predicate(name, found)


def seen(path: str) -> Any:
    """Return what stands at 'package.module:name': itself where its module is ours or was imported, else a stand-in.

    `Untold` where the source does not say. Raises LookupError with one sentence.
    """
    module, name = checked_path(path)
    if is_loaded(module):
        return imported(path)
    try:
        scope = scope_of(module)
        if name not in scope.names and not {"*", "__getattr__"} & scope.names.keys():
            raise LookupError(f"module {module!r} has no {name!r}{nearest(name, scope.names)}")
        value = scope.value(name) if name in scope.names else Untold(path, f"{name!r} is not written out")
        return _stand_in(value) if isinstance(value, Defined) else value
    except UntoldError as error:
        return Untold(path, str(error))
    except RecursionError:
        return Untold(path, "its source is nested too deeply")
    except LookupError as error:
        raise LookupError(f"{path!r}: {error}") from None


@lru_cache(maxsize=256)
def _stand_in(defined: Defined) -> Any:
    """Return a function that has the name, the parameters, the types and the marks of another, and does nothing.

    Raises UntoldError for a class, and where a decorator may make anything of it.
    """
    scope, tree = defined
    if isinstance(tree, ast.ClassDef):
        raise UntoldError(f"{tree.name!r} is a class")
    made: Any = _waiting() if isinstance(tree, ast.AsyncFunctionDef) else _plain()
    made.__name__ = made.__qualname__ = tree.name
    made.__module__, made.__read_from__ = scope.module, (scope.tree, tree)
    made.__doc__ = ast.get_docstring(tree)
    made.__signature__ = inspect.Signature(_parameters(tree.args), __validate_parameters__=False)
    args = [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs]
    made.__annotations__ = {a.arg: scope.type_or_any(a.annotation) for a in args if a.annotation}
    try:
        made.__annotations__ |= {"return": scope.type_of(tree.returns)} if tree.returns else {}
    except UntoldError as error:
        made.__untold__ = str(error)  # which fields it writes: of no interest in a predicate
    for decorator in tree.decorator_list:
        made = _mark(scope, decorator)(made)
    return made


def _plain() -> Callable[..., None]:
    def unread(*_: Any, **__: Any) -> None:
        raise AssertionError("a stand-in is only looked at")

    return unread


def _waiting() -> Callable[..., Any]:
    async def unread(*_: Any, **__: Any) -> None:
        raise AssertionError("a stand-in is only looked at")

    return unread


def _parameters(given: ast.arguments) -> list[inspect.Parameter]:
    kind = inspect.Parameter
    ordered: list[tuple[ast.arg, Any]] = [(a, kind.POSITIONAL_ONLY) for a in given.posonlyargs]
    ordered += [(a, kind.POSITIONAL_OR_KEYWORD) for a in given.args]
    defaults = [None] * (len(ordered) - len(given.defaults)) + list(given.defaults)
    found = [kind(a.arg, k, default=_default(d)) for (a, k), d in zip(ordered, defaults, strict=True)]
    found += [kind(given.vararg.arg, kind.VAR_POSITIONAL)] if given.vararg else []
    only = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    found += [kind(a.arg, kind.KEYWORD_ONLY, default=_default(d)) for a, d in only]
    return found + ([kind(given.kwarg.arg, kind.VAR_KEYWORD)] if given.kwarg else [])


def _default(tree: ast.expr | None) -> Any:
    if tree is None:
        return inspect.Parameter.empty
    try:
        return ast.literal_eval(tree)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ...  # there is one; which, matters for shipped predicates alone


def _mark(scope: Scope, decorator: ast.expr) -> Any:
    """Return what a decorator does, which is only known of ours."""
    match decorator:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=given) if name in scope.names:
            if scope.value(name) is declares:
                try:
                    return declares(**{str(k.arg): ast.literal_eval(k.value) for k in given})
                except (ValueError, TypeError, RecursionError, MemoryError):
                    pass
    raise UntoldError("a decorator may make anything of it")
