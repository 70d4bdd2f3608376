"""Which metric the task is scored by: a known name, and the starter's own function where it has one."""

import ast
import builtins
import re
from collections.abc import Collection
from typing import Any

from .metrics import METRICS
from .script import tree_of

# What may be asked of an argument that is an array of labels or numbers.
OF_ARRAYS = {
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "dtype", "flatten", "item", "max", "mean", "min",
    "ndim", "ravel", "reshape", "round", "shape", "size", "sort", "squeeze", "std", "sum", "T", "tolist", "var",
}  # fmt: skip
OWN = "own_score"
VARIANTS = {"", "smape", "mape"}  # names under which tasks define functions of their own


def describe(meta: dict[str, Any]) -> dict[str, Any]:
    """The metric's normalised `name` ("" where unknown), `direction`, and the starter's `code` for it.

    `code` is the source of a function of two arguments that the starter defines and calls on predictions; `function`
    is its name, `swap` says that it takes the predictions first, `needs` are the imports that it uses.
    """
    starter, direction = str(meta.get("starter") or ""), str(meta.get("direction") or "max")
    if direction not in ("max", "min"):
        direction = "min" if direction.lower().startswith(("min", "low", "down")) else "max"
    sources = [str(meta.get("metric") or ""), *clauses(str(meta.get("text") or "")), *printed(starter)]
    name = normalise(sources, direction)
    if name == "f1":
        average = re.search(r"average\s*=\s*[\"'](macro|micro|weighted|samples)", starter)
        name = f"f1_{average[1]}" if average else name
    own = own_function(starter) if name in VARIANTS else {}
    return {"name": name, "direction": direction, **own}


def normalise(sources: list[str], direction: str) -> str:
    """The first known metric in `sources` that agrees with the direction, "" where there is none."""
    for source in sources:
        words = source.lower()
        spaced = words.replace("_", " ").replace("  ", " ")
        fitting = (m for m in METRICS if re.search(m.pattern, spaced) or re.search(m.pattern, words))
        found = next(fitting, None)
        if found and found.best == direction:
            return found.name
    return ""


def clauses(text: str) -> list[str]:
    """The parts of the task's text that speak of its metric, the whole text last."""
    near = re.findall(r"(?i)(?:metric|scored? (?:by|with|on|is)|evaluat\w+|measured (?:by|as))[^.;\n]*", text)
    return [*near, text]


def printed(starter: str) -> list[str]:
    """What the starter prints, line by line: a validation score mostly carries its metric's name."""
    return [line for line in starter.splitlines() if "print(" in line]


def own_function(starter: str) -> dict[str, Any]:
    """The starter's own metric function, {} where it has none that stands alone."""
    tree = tree_of(starter)
    if tree is None:
        return {}
    imports = {
        (alias.asname or alias.name).split(".")[0]: node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or len(node.args.args) != 2 or node.args.kwonlyargs:
            continue
        calls = [
            call for call in ast.walk(tree)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == node.name
            and len(call.args) == 2
        ]  # fmt: skip
        free = free_names(node)
        known = free <= set(imports) | set(dir(builtins))
        if calls and known and measures(node.name, starter) and not of_tables(node, imports):
            needs = sorted({ast.unparse(imports[name]) for name in free if name in imports})
            swap = any(predicts(call.args[0]) and not predicts(call.args[1]) for call in calls)
            node.name = OWN if node.name == "score" else node.name  # scripts have a `score` that calls it
            return {"code": ast.unparse(node), "function": node.name, "swap": swap, "needs": needs}
    return {}


def of_tables(function: ast.FunctionDef, imports: Collection[str]) -> bool:
    """Whether `function` wants tables, models or rows of them, and could not judge two arrays of labels or numbers.

    It looks a column up by its name, asks an argument for what no array has, calls it, or has pandas join it.
    """
    given = {argument.arg for argument in function.args.args}
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str())) if name in given:
                return True
            case ast.Subscript(value=ast.Name(id=name), slice=ast.List()) if name in given:
                return True
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in given:
                if attribute not in OF_ARRAYS:
                    return True
            case ast.Call(func=ast.Name(id=name)) if name in given:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="merge" | "concat")) if (
                name in imports
            ):
                return True
    return False


def measures(name: str, starter: str) -> bool:
    """Whether a function called `name` is a metric: by its name, or because the starter prints its value."""
    telling = re.search(r"(?i)score|metric|error|loss|eval|accura|mape|rmse|mae|f1|kappa|dice|corr", name)
    return bool(telling) or any(re.search(rf"\b{name}\(", line) for line in printed(starter))


def predicts(argument: ast.expr) -> bool:
    """Whether an argument is the predictions and not the truth."""
    source = ast.unparse(argument)
    return "predict" in source or bool(re.fullmatch(r"(y_?)?(p|pred|preds|hat)", source))


def free_names(function: ast.FunctionDef) -> set[str]:
    """Names that `function` reads and does not bind itself."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return {node.id for node in names if isinstance(node.ctx, ast.Load)} - bound
