"""Which functions of a script only compute: what they return depends on the contents of their arguments alone.

They may still change their arguments; whether one did is seen at run time, by comparing the contents.
"""

import ast
from collections import Counter

from nodes.craft.source import Source, bindings, root_of

BUILTINS = {
    "abs", "all", "any", "bool", "chr", "complex", "divmod", "enumerate", "float", "int", "isinstance", "len", "list", "map",
    "max", "min", "ord", "pow", "range", "reversed", "round", "sorted", "str", "sum", "tuple", "zip", "ValueError",
}  # fmt: skip
DYNAMIC = {"exec", "eval", "globals", "setattr", "vars"}  # by these any name may change unseen
MODULES = {"numpy", "math"}
IMPURE = {
    "at", "copyto", "fill", "frombuffer", "fromfile", "load", "loadtxt", "memmap", "place", "put", "putmask", "random", "save",
    "savetxt", "savez", "savez_compressed", "seterr", "shuffle", "vectorize", "frompyfunc",
}  # fmt: skip
# Methods that change nothing but what they are called on, whatever that is (arrays, lists, strings, numbers).
METHODS = {
    "all", "any", "append", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "count", "cumprod", "cumsum",
    "diagonal", "dot", "endswith", "extend", "flatten", "index", "item", "lower", "max", "mean", "min", "nonzero", "prod",
    "ravel", "repeat", "reshape", "round", "squeeze", "startswith", "std", "sum", "swapaxes", "take", "tolist", "trace",
    "transpose", "upper", "var",
}  # fmt: skip
FORBIDDEN = (
    ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await, ast.Import, ast.ImportFrom, ast.With, ast.Try, ast.Delete,
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.NamedExpr, ast.Starred,
)  # fmt: skip


class Script:
    """A script with its functions, modules and constants: names that are bound once, at the top level."""

    def __init__(self, source: Source) -> None:
        self.source, body = source, source.tree.body
        moving = [n for n in ast.walk(source.tree) if isinstance(n, ast.Global | ast.Nonlocal)]
        self.moved = {name for n in moving for name in n.names}
        times = Counter(name for statement in body for name in bindings(statement))
        once = {name for name, count in times.items() if count == 1} - self.moved
        self.functions = {s.name: s for s in body if isinstance(s, ast.FunctionDef) and s.name in once}
        imported = [alias for s in body if isinstance(s, ast.Import) for alias in s.names]
        modules = {alias.asname or alias.name: alias.name for alias in imported}
        self.modules = {name: module for name, module in modules.items() if name in once}
        self.constants: dict[str, ast.expr] = {}
        for statement in body:
            match statement:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=(ast.Constant() | ast.UnaryOp(operand=ast.Constant())) as value,
                ) if name in once:
                    self.constants[name] = value

    def module_of(self, node: ast.expr) -> str:
        """Return the module behind `np.exp` and `np.linalg.norm`, "" where there is none."""
        return self.modules.get(root_of(node, ast.Attribute), "")

    def first(self, function: ast.FunctionDef) -> ast.stmt | None:
        """Return the first statement after the docstring, None where it shares its line with something before it."""
        body = function.body[ast.get_docstring(function) is not None :]
        start = self.source.starts[body[0].lineno - 1] if body else 0
        alone = body and not self.source.raw[start : start + body[0].col_offset].strip()
        return body[0] if alone else None

    def pure(self) -> set[str]:
        """Return the names of the pure functions: those that stay when impure ones, and their callers, are struck out."""
        if any(isinstance(n, ast.Name) and n.id in DYNAMIC for n in ast.walk(self.source.tree)):
            return set()
        left, kept = set[str](), set(self.functions)
        while left != kept:
            left, kept = kept, {name for name in kept if self._computes(self.functions[name], kept)}
        return left

    def _computes(self, function: ast.FunctionDef, pure: set[str]) -> bool:
        """Tell whether `function` only computes, given that those of `pure` do."""
        given = function.args
        if function.decorator_list or given.vararg or given.kwarg or given.kwonlyargs:
            return False
        if not all(isinstance(default, ast.Constant) for default in given.defaults):
            return False
        nodes = [node for statement in function.body for node in ast.walk(statement)]
        bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        local = {a.arg for a in given.args} | bound
        return all(self._harmless(node, local, pure) for node in nodes)

    def _harmless(self, node: ast.AST, local: set[str], pure: set[str]) -> bool:
        """Tell whether one node changes nothing but what `local` names hold, and reads nothing that may change."""
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if name not in local:
                return name in BUILTINS | pure | set(self.constants) or self.modules.get(name) in MODULES
            case ast.Subscript(ctx=ast.Store()):
                return root_of(node, ast.Subscript) in local
            case ast.Attribute(attr=name, ctx=ast.Load()):
                return name not in IMPURE and not name.startswith("_")
            case ast.Call(func=called, keywords=keywords):
                if any(keyword.arg in ("out", "where", "key", None) for keyword in keywords):
                    return False
                if isinstance(called, ast.Name):
                    return called.id in BUILTINS | pure and called.id not in local
                if not isinstance(called, ast.Attribute):
                    return False
                return self.module_of(called) in MODULES or called.attr in METHODS
        return not isinstance(node, (*FORBIDDEN, ast.Attribute))
