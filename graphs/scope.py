"""A module as its source tells it: what its names stand for, followed through imports, and types. Nothing of it runs.

Only what is written out is understood: definitions, literals, `TypedDict` and the words of `typing`. A text in the place of
a type is parsed here: `typing` and pydantic would evaluate it.
"""

import ast
import importlib
import types
import typing
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any, NamedTuple

import typing_extensions

from graphs.outside import OURS
from prompts.packages import found

TYPES = {
    kind.__name__: kind
    for kind in (bool, bytes, dict, float, frozenset, int, list, object, set, str, tuple, type)
}
WORDS = ("typing", "typing_extensions", "collections.abc")
DICTS = (typing.TypedDict, typing_extensions.TypedDict)
LARGEST = 1_000_000  # characters of a module
DEEPEST = 20  # imports from one module to the next


class UntoldError(Exception):
    """The source alone does not tell; `str(error)` says what of it."""


class Defined(NamedTuple):
    """A function or class, where it is written."""

    scope: "Scope"
    tree: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Scope:
    """The names at the top of a module. Raises LookupError where it cannot be read as Python."""

    def __init__(self, module: str, package: str, text: str) -> None:
        self.module, self.package = module, package
        try:
            self.tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise LookupError(f"module {module!r} cannot be imported: {error}") from None
        self.names = dict(_bindings(self.tree.body))
        self._open: list[str] = []  # types that are being read

    def value(self, name: str, depth: int = 0) -> Any:
        """Return what `name` stands for: a value, or where it is defined.

        Raises KeyError for an unknown name, LookupError where it leads nowhere, UntoldError where it would have to run.
        """
        match self.names[name]:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() as tree:
                return Defined(self, tree)
            case ast.ImportFrom() as imported:
                origin = next(a.name for a in imported.names if (a.asname or a.name) == name)
                return self._imported(imported, origin, depth)
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                try:
                    return ast.literal_eval(value)
                except (ValueError, TypeError, RecursionError, MemoryError):
                    if isinstance(value, ast.Name) and value.id in self.names and depth < DEEPEST:
                        return self.value(value.id, depth + 1)
        raise UntoldError(f"{name!r} is made as the module runs")

    def _imported(self, statement: ast.ImportFrom, origin: str, depth: int) -> Any:
        module = statement.module or ""
        if statement.level:
            parents = self.package.split(".")
            kept = parents[: len(parents) + 1 - statement.level]
            module = ".".join([*kept, *filter(None, [module])])
        if trusted(module):
            return _ours(module, origin)
        if depth >= DEEPEST:
            raise UntoldError(f"{origin!r} is imported in a circle")
        scope = scope_of(module)
        if origin not in scope.names:
            raise UntoldError(f"{origin!r} of {module!r} is made as the module runs")
        return scope.value(origin, depth + 1)

    def type_of(self, tree: ast.expr) -> Any:
        """Return the type that an annotation names. Raises UntoldError where it is no word of Python's or ours."""
        match tree:
            case ast.Constant(value=None):
                return type(None)
            case ast.Constant(value=str() as text):
                return self.type_of(_parsed(text))
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if module := self._module(name):
                return _type(_ours(module, attribute))
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return typing.Union[self.type_of(left), self.type_of(right)]  # noqa: UP007 - both are values here
            case ast.Subscript(value=base, slice=index):
                return self._subscript(self.type_of(base), index)
        raise UntoldError("a type is none of Python's words")

    def _named(self, name: str) -> Any:
        if name not in self.names and name in TYPES:
            return TYPES[name]
        if name not in self.names or name in self._open:
            raise UntoldError(f"type {name!r} is not told")
        self._open.append(name)
        try:
            bound = self.names[name]
            if isinstance(bound, ast.Assign):
                return self.type_of(bound.value)
            value = self.value(name)
            return value.scope.fields_of(value.tree) if isinstance(value, Defined) else _type(value)
        finally:
            self._open.pop()

    def _module(self, name: str) -> str:
        """Return which module of Python's or ours `name` is, "" where it is none."""
        bound = self.names.get(name)
        if not isinstance(bound, ast.Import):
            return ""
        meant = next(a.name if a.asname else a.name.partition(".")[0] for a in bound.names
                     if (a.asname or a.name.partition(".")[0]) == name)  # fmt: skip
        return meant if trusted(meant) else ""

    def _subscript(self, base: Any, index: ast.expr) -> Any:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        try:
            if base is typing.Literal:
                return typing.Literal[tuple(ast.literal_eval(part) for part in parts)]
            if base is typing.Annotated:
                marks = [mark for part in parts[1:] if (mark := self._mark(part)) is not None]
                return typing.Annotated[self.type_of(parts[0]), *marks] if marks else self.type_of(parts[0])
            given = tuple(self._argument(part) for part in parts)
            return base[given if len(given) > 1 else given[0]]
        except (TypeError, ValueError, AttributeError, IndexError):
            raise UntoldError("a type takes no such arguments") from None

    def _argument(self, tree: ast.expr) -> Any:
        match tree:
            case ast.List(elts=elements):
                return [self.type_of(each) for each in elements]
            case ast.Constant(value=value) if value is ...:
                return ...
        return self.type_of(tree)

    def _mark(self, tree: ast.expr) -> str | None:
        """Return a mark of `Annotated` that is a text: the one that says that a field is shared."""
        try:
            mark = self.value(tree.id) if isinstance(tree, ast.Name) else ast.literal_eval(tree)
        except (LookupError, ValueError, TypeError, UntoldError):
            return None
        return mark if isinstance(mark, str) else None

    def fields_of(self, tree: ast.AST) -> Any:
        """Return the TypedDict that a class is, `object` for another class. Raises UntoldError for a function."""
        if not isinstance(tree, ast.ClassDef):
            raise UntoldError("a function stands in the place of a type")
        fields: dict[str, Any] = {}
        dicts = [base for base in tree.bases if not self._begins_a_dict(base)]
        for kind in map(self.type_of, dicts):
            if not typing.is_typeddict(kind):
                return object
            fields |= kind.__annotations__
        if not tree.bases:
            return object
        for each in tree.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                fields[each.target.id] = self.type_or_any(each.annotation)
        return typing.TypedDict(tree.name, fields, total=False)  # type: ignore[operator]

    def _begins_a_dict(self, base: ast.expr) -> bool:
        """Whether a class's base is `TypedDict` itself."""
        match base:
            case ast.Name(id=name) if name in self.names:
                return self.value(name) in DICTS
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if module := self._module(name):
                return _ours(module, attribute) in DICTS
        return False

    def type_or_any(self, tree: ast.expr) -> Any:
        """Return the type that an annotation names, Any where that is not told."""
        try:
            return self.type_of(tree)
        except (UntoldError, LookupError):
            return Any


def scope_of(module: str) -> Scope:
    """Return a module as its source tells it. Raises LookupError where there is none, UntoldError where it is no source."""
    spec = found(module)
    if spec is None:
        raise LookupError(f"no module {module!r}; is its package installed?")
    if not isinstance(spec.loader, SourceFileLoader):
        raise UntoldError(f"{module!r} is no Python source")
    try:
        text = spec.loader.get_source(spec.name) or ""
    except (ImportError, OSError) as error:
        raise LookupError(f"module {module!r} cannot be imported: {error}") from None
    if len(text) > LARGEST:
        raise UntoldError(f"{module!r} is too long to read")
    return _scope(module, _package(module, spec), text)


@lru_cache(maxsize=64)
def _scope(module: str, package: str, text: str) -> Scope:
    """Keep what was read: the same text gives the same definitions."""
    return Scope(module, package, text)


def _package(module: str, spec: ModuleSpec) -> str:
    return module if spec.submodule_search_locations else module.rpartition(".")[0]


def trusted(module: str) -> bool:
    """Whether a module is Python's for types, or ours: it is imported."""
    return module in WORDS or module.partition(".")[0] in OURS


def _ours(module: str, name: str) -> Any:
    try:
        value = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise LookupError(f"module {module!r} has no {name!r}") from None
    if isinstance(value, types.ModuleType):
        raise UntoldError(f"{name!r} is a module")
    return value


def _type(value: Any) -> Any:
    """Return a type as it may be handed on, `object` for a class of no interest.

    Of a function pydantic makes what calls it, and a text is evaluated: neither is a type here.
    """
    if isinstance(value, types.GenericAlias | types.UnionType) or type(value).__module__ == "typing":
        return value
    if not isinstance(value, type):
        raise UntoldError("a type is none of Python's words")
    plain = value.__module__ in ("builtins", *WORDS) or typing.is_typeddict(value)
    return value if plain else object


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UntoldError("a type is no Python") from None


def _bindings(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that statements bind, in order, those within `if` and `try` too."""
    for each in body:
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, each
            case ast.Import(names=names):
                yield from ((a.asname or a.name.partition(".")[0], each) for a in names)
            case ast.ImportFrom(names=names):
                yield from ((a.asname or a.name, each) for a in names)
            case ast.Assign(targets=targets):
                yield from ((t.id, each) for t in targets if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, each
            case ast.If() | ast.Try() | ast.With():
                handlers = [s for handler in getattr(each, "handlers", ()) for s in handler.body]
                rest = [*getattr(each, "orelse", ()), *getattr(each, "finalbody", ())]
                yield from _bindings([*handlers, *rest, *each.body])
