"""Which functions of a script do nothing but compute: same arguments, same result, nothing else changed."""

import ast
from collections.abc import Iterator

BUILTINS = {
    "abs", "all", "any", "bool", "complex", "divmod", "enumerate", "float", "int", "isinstance", "len", "list", "map", "max",
    "min", "pow", "range", "reversed", "round", "sorted", "str", "sum", "tuple", "zip", "ValueError",
}  # fmt: skip
MODULES = {"numpy", "math"}
IMPURE = {
    "at", "copyto", "fill", "frombuffer", "fromfile", "load", "loadtxt", "memmap", "place", "put", "putmask", "random", "save",
    "savetxt", "savez", "savez_compressed", "seterr", "shuffle", "sort_in_place", "vectorize", "frompyfunc",
}  # fmt: skip
# Methods that change nothing, whatever they are called on (arrays, strings, numbers).
METHODS = {
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "cumprod", "cumsum", "diagonal", "dot",
    "flatten", "item", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum",
    "swapaxes", "take", "tolist", "trace", "transpose", "var", "count", "index", "startswith", "endswith", "lower", "upper",
}  # fmt: skip
GROWING = {"append", "extend"}
# What returns a view of its argument, or may return the argument itself.
VIEWS = {
    "asarray", "asanyarray", "ascontiguousarray", "atleast_1d", "atleast_2d", "broadcast_to", "diagonal", "expand_dims",
    "flip", "moveaxis", "ravel", "real", "imag", "reshape", "rollaxis", "split", "array_split", "squeeze", "swapaxes",
    "transpose", "require", "max", "min", "sum", "item",
}  # fmt: skip
FORBIDDEN = (
    ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await, ast.Import, ast.ImportFrom, ast.With, ast.Try, ast.Delete,
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.NamedExpr, ast.Starred,
)  # fmt: skip


class Script:
    """A parsed script with its module-level functions, modules and constants."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.modules: dict[str, str] = {}
        for node in tree.body:
            if isinstance(node, ast.Import):
                self.modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        stores = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.constants = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and stores.count(target.id) == 1
        }

    def pure(self) -> set[str]:
        """The names of the pure functions: those that stay when impure ones, and their callers, are struck out."""
        left = set(self.functions)
        while True:
            kept = {name for name in left if self.computes(self.functions[name], left)}
            if kept == left:
                return kept
            left = kept

    def computes(self, function: ast.FunctionDef, pure: set[str]) -> bool:
        """Whether `function` only computes, given that those of `pure` do."""
        arguments = function.args
        if function.decorator_list or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
            return False
        if not all(isinstance(default, ast.Constant) for default in arguments.defaults):
            return False
        nodes = [node for statement in function.body for node in ast.walk(statement)]
        if any(isinstance(node, FORBIDDEN) for node in nodes):
            return False
        fresh = Locals(function, self)
        return all(self.harmless(node, fresh, pure) for node in nodes)

    def harmless(self, node: ast.AST, local: "Locals", pure: set[str]) -> bool:
        """Whether one node changes nothing but fresh locals and reads nothing that may change."""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in local.names:
            known = BUILTINS | pure | self.constants | {"True", "False", "None"}
            return node.id in known or self.modules.get(node.id) in MODULES
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            return isinstance(node, ast.Subscript) and local.fresh(base(node), node.lineno)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            return local.fresh(node.target.id, node.lineno)
        if isinstance(node, ast.Attribute):
            return node.attr not in IMPURE and not node.attr.startswith("_")
        return self.call(node, local, pure) if isinstance(node, ast.Call) else True

    def call(self, node: ast.Call, local: "Locals", pure: set[str]) -> bool:
        """Whether a call changes nothing but fresh locals."""
        if any(word.arg in ("out", "where", "key", None) for word in node.keywords):
            return False
        function = node.func
        if isinstance(function, ast.Name):
            return function.id in BUILTINS | pure and function.id not in local.names
        if not isinstance(function, ast.Attribute):
            return False
        if self.module_of(function) in MODULES:
            return function.attr not in IMPURE
        if function.attr in GROWING and isinstance(function.value, ast.Name):
            return local.fresh(function.value.id, node.lineno)
        return function.attr in METHODS

    def module_of(self, node: ast.expr) -> str:
        """The module behind `np.exp` and `np.linalg.norm`, "" where there is none."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return self.modules.get(node.id, "") if isinstance(node, ast.Name) else ""


class Locals:
    """The names of a function, and which of them hold values that nobody else holds."""

    def __init__(self, function: ast.FunctionDef, script: Script) -> None:
        self.parameters = {argument.arg for argument in function.args.args}
        self.names = self.parameters | {
            n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        self.first: dict[str, int] = {}  # the line from which a name surely holds something fresh
        self.spoilt: set[str] = set()
        top = {id(statement) for statement in function.body}
        for name, value, node in assignments(function):
            if value is None or not new(value, script):
                self.spoilt.add(name)
            elif id(node) in top:
                self.first.setdefault(name, node.lineno)
            elif name in self.parameters:
                self.spoilt.add(name)  # made fresh on one branch only
            else:
                self.first.setdefault(name, node.lineno)

    def fresh(self, name: str, line: int) -> bool:
        """Whether `name` holds, at `line`, a value made in this function."""
        return name in self.names and name not in self.spoilt and self.first.get(name, line + 1) < line


def assignments(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr | None, ast.stmt]]:
    """(name, value, statement) of everything that binds a name; the value is None where it cannot be told."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value, node
                else:
                    pairs = target.elts if isinstance(target, ast.Tuple | ast.List) else []
                    values = node.value.elts if isinstance(node.value, ast.Tuple | ast.List) else []
                    matched = len(values) == len(pairs)
                    for i, item in enumerate(pairs):
                        if isinstance(item, ast.Name):
                            yield item.id, values[i] if matched else None, node
        elif isinstance(node, ast.For):
            for name in ast.walk(node.target):
                if isinstance(name, ast.Name):
                    yield name.id, None, node


def new(value: ast.expr, script: Script) -> bool:
    """Whether an expression makes a value that nobody else holds. Sums of lists and of arrays do."""
    if isinstance(value, ast.Constant | ast.BinOp | ast.UnaryOp | ast.Compare | ast.List | ast.ListComp):
        return True
    if not isinstance(value, ast.Call):
        return False
    function = value.func
    if isinstance(function, ast.Attribute):
        if script.module_of(function) in MODULES:
            return function.attr not in VIEWS
        return function.attr in ("copy", "tolist", "flatten")
    return isinstance(function, ast.Name) and function.id in ("list", "sorted", "float", "int")


def base(node: ast.expr) -> str:
    """The name at the root of `a[i][j]`, "" where it is something else."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
