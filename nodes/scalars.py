"""Which names of a script certainly hold numbers, strings or tuples of them: values that are hashable and never change.

The proof is by induction over the run: all names are taken for scalars at first; those of which one binding or one
call does not show it are struck out, until nothing changes.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from nodes.craft.source import Source, name_of

# Given scalars, these return one, have no effect, and always return the same.
PURE = frozenset(
    ("abs", "bool", "chr", "complex", "divmod", "float", "int", "max", "min", "ord", "pow", "round")
)
NUMERIC = frozenset(("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "floor", "ceil"))
DYNAMIC = frozenset(("exec", "eval", "globals", "setattr", "vars"))  # by these any name may change unseen
SIMPLE = (
    ast.Return,
    ast.Assign,
    ast.AugAssign,
    ast.For,
    ast.While,
    ast.If,
    ast.Pass,
    ast.Break,
    ast.Continue,
)
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

Scope = ast.Module | ast.FunctionDef
Binding = tuple[str, list[ast.expr] | None]  # a name is a scalar if all of these are; None: nothing shows it


@dataclass
class Proof:
    """The scalar names of each scope, and the functions that take and return scalars and do nothing else."""

    source: Source
    names: dict[Scope, set[str]]
    functions: dict[str, ast.FunctionDef]
    math: bool  # `math` is the module

    def holds(self, scope: Scope, node: ast.expr) -> bool:
        """Tell whether the expression `node` in `scope` is a scalar, and computing it has no effect."""
        match node:
            case ast.Constant(value=value):
                return value is not Ellipsis
            case ast.Name(id=name):
                return name in self.names[scope]
            case ast.BinOp(left=left, right=right):
                parts = [left, right]
            case ast.UnaryOp(operand=operand):
                parts = [operand]
            case ast.BoolOp(values=values) | ast.Tuple(elts=values):
                parts = values
            case ast.Compare(left=left, comparators=others):
                parts = [left, *others]
            case ast.IfExp(test=test, body=body, orelse=orelse):
                parts = [test, body, orelse]
            case ast.Call(args=parts, keywords=[]) if self.pure(node):
                pass
            case _:
                return False
        return all(self.holds(scope, part) for part in parts)

    def pure(self, call: ast.Call) -> bool:
        """Tell whether what is called is a builtin, a function of `math`, or a proved one."""
        match call.func:
            case ast.Name(id=name):
                return name in self.functions or (name in PURE and name not in self.source.bound)
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                return self.math and name in NUMERIC
        return False


def prove(source: Source) -> Proof:
    """Return what is certain of the script."""
    functions = {s.name: s for s in source.tree.body if isinstance(s, ast.FunctionDef) and _simple(source, s)}
    once = {name for name in source.bound if _bindings_of(source, name) == 1}
    dynamic = any(isinstance(n, ast.Name) and n.id in DYNAMIC for n in ast.walk(source.tree))
    functions = {name: f for name, f in functions.items() if name in once and not dynamic}
    here = {name for name, _ in _bound(source.tree)}
    names: dict[Scope, set[str]] = {source.tree: here - set(functions)}
    local = {f: {name for name, _ in _bound(f)} | {a.arg for a in f.args.args} for f in functions.values()}
    names |= {f: own | (once - set(functions)) for f, own in local.items()}
    proof = Proof(
        source, names, functions, "import math" in map(ast.unparse, source.tree.body) and "math" in once
    )
    while _strike(proof, local):
        pass
    return proof


def _strike(proof: Proof, local: dict[ast.FunctionDef, set[str]]) -> bool:
    """Strike out what one look disproves; tell whether there was anything."""
    before = (sum(map(len, proof.names.values())), len(proof.functions))
    for name, function in list(proof.functions.items()):
        if not _returns_scalars(proof, function) or not _called_with_scalars(proof, function):
            del proof.functions[name]
            proof.names[function] = set()
    for scope, names in proof.names.items():
        for name, needs in _bound(scope):
            if needs is None or not all(proof.holds(scope, need) for need in needs):
                names.discard(name)
    constants = proof.names[proof.source.tree]
    for function, own in local.items():
        proof.names[function] &= own | constants
    return before != (sum(map(len, proof.names.values())), len(proof.functions))


def _simple(source: Source, function: ast.FunctionDef) -> bool:
    """Tell whether a function has plain parameters and statements, and is only ever called, never passed on."""
    given = function.args
    if (
        function.decorator_list
        or given.posonlyargs
        or given.kwonlyargs
        or given.vararg
        or given.kwarg
        or given.defaults
    ):
        return False
    statements = [n for s in function.body for n in ast.walk(s) if isinstance(n, ast.stmt)]
    if any(not isinstance(s, SIMPLE) and not _docstring(s) for s in statements):
        return False
    if any(
        isinstance(n, ast.Attribute | ast.Subscript) and not isinstance(n.ctx, ast.Load)
        for n in ast.walk(function)
    ):
        return False
    mentions = sum(isinstance(n, ast.Name) and n.id == function.name for n in ast.walk(source.tree))
    calls = [c for c in source.calls() if isinstance(c.func, ast.Name) and c.func.id == function.name]
    return mentions == len(calls) > 0


def _docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _returns_scalars(proof: Proof, function: ast.FunctionDef) -> bool:
    """Tell whether all that the function computes are scalars, so that it has no effect either."""
    for node in (n for s in function.body for n in ast.walk(s)):
        if isinstance(node, ast.Return) and node.value is not None and not proof.holds(function, node.value):
            return False
        if isinstance(node, ast.If | ast.While) and not proof.holds(function, node.test):
            return False
    bound = {name for name, _ in _bound(function)} | {a.arg for a in function.args.args}
    return bound <= proof.names[function]


def _called_with_scalars(proof: Proof, function: ast.FunctionDef) -> bool:
    """Tell whether each call of the function passes scalars for all its parameters, in order."""
    seen = 0
    for scope in proof.names:
        for call in (n for n in _own(scope) if isinstance(n, ast.Call) and name_of(n) == function.name):
            seen += 1
            if call.keywords or len(call.args) != len(function.args.args):
                return False
            if not all(proof.holds(scope, argument) for argument in call.args):
                return False
    return seen == sum(name_of(call) == function.name for call in proof.source.calls())


def _own(scope: Scope) -> Iterator[ast.AST]:
    """Yield the nodes of a scope without those of the functions and classes in it."""
    pending: list[ast.AST] = list(scope.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, NESTED):
            pending += ast.iter_child_nodes(node)


def _bound(scope: Scope) -> list[Binding]:
    """Return each binding of a name in `scope`, with what it takes for the name to be a scalar."""
    found: list[Binding] = []
    shown: set[ast.expr] = set()
    for node in _own(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=name) as target], value=value):
                found.append((name, [value]))
                shown.add(target)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(
                targets
            ) == len(values):
                for left, right in zip(targets, values, strict=True):
                    if isinstance(left, ast.Name):
                        found.append((left.id, [right]))
                        shown.add(left)
            case ast.AugAssign(target=ast.Name(id=name) as target, value=value):
                found.append((name, [value]))
                shown.add(target)
            case (
                ast.For(
                    target=ast.Name(id=name) as target, iter=ast.Call(func=ast.Name(id="range"), args=limits)
                )
                | ast.comprehension(
                    target=ast.Name(id=name) as target, iter=ast.Call(func=ast.Name(id="range"), args=limits)
                )
            ):
                found.append((name, limits))
                shown.add(target)
            case ast.Import() | ast.ImportFrom():
                found += [(alias.asname or alias.name.partition(".")[0], None) for alias in node.names]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.append((name, None))
            case ast.ExceptHandler(name=str(name)):
                found.append((name, None))
    stores = (n for n in _own(scope) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load))
    return [*found, *((n.id, None) for n in stores if n not in shown)]


def _bindings_of(source: Source, name: str) -> int:
    """Count how often `name` is bound in module scope; a `global` anywhere or a loop counts twice."""
    count = sum(bound == name for bound, _ in _bound(source.tree))
    looped = (s for s in source.tree.body if isinstance(s, ast.For | ast.While))
    count += sum(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
        for s in looped
        for n in ast.walk(s)
    )
    return count + 2 * sum(isinstance(n, ast.Global) and name in n.names for n in ast.walk(source.tree))
