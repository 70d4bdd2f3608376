"""Edits that save repeated work in the loops of a script that is timed; the rest of the script stays as it is."""

import ast
import math
from collections import Counter, defaultdict
from collections.abc import Iterator

from nodes.craft.source import Edit, Source
from nodes.craft.speed.purity import Script

FUNCTIONS = {"sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "cbrt", "log1p", "expm1"}
LARGEST = 600.0  # of an argument: `exp` of it is still a float
SIMPLE = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)


def hoist(source: Source) -> str | None:
    """Compute `np.sqrt(d)` and the like once, before the outermost loop in which d does not change.

    It takes it that no function called there changes what d holds; the task's own check of the results decides.
    """
    script = Script(source)
    edits: list[Edit] = []
    count = source.text.count("_hoisted_")  # of names that are taken
    for i, statement in enumerate(source.tree.body):
        own = {name for n in ast.walk(statement) if isinstance(n, ast.FunctionDef) for name in _changed(n)}
        known = {n: value for n, value in script.constants.items() if source.bound[n] < i and n not in own}
        for loop in _outermost(statement):
            names: dict[str, str] = {}
            for call in _unchanging(script, loop, known):
                name = names.setdefault(source.code(call), f"_hoisted_{count + len(names)}")
                edits.append(source.replace(call, name))
            if names:
                lines = [f"{name} = {code}" for code, name in names.items()]
                edits.append(source.above(loop, "\n".join(lines)))
                count += len(names)
    return source.edited(edits)


def numbers(source: Source) -> str | None:
    """Read the numbers of arrays from lists where nested loops read them one by one, and hoist.

    It takes what looks like a number for one; the task's own check of the results decides.
    """
    hoisted = Source.of(hoist(source) or source.text)
    return _unboxed(hoisted) if hoisted else None


def _outermost(statement: ast.stmt) -> list[ast.For | ast.While]:
    """Return the loops of a top-level statement that stand in no other loop."""
    if isinstance(statement, ast.For | ast.While):
        return [statement]
    inner = statement.body if isinstance(statement, ast.FunctionDef | ast.If | ast.With) else []
    return [loop for child in inner for loop in _outermost(child)]


def _changed(node: ast.AST) -> set[str]:
    """Return the names that `node` binds anywhere, or of whose contents it changes some."""
    names: set[str] = set()
    for n in ast.walk(node):
        match n:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                names.add(name)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                names.add(name)
            case ast.Import(names=found) | ast.ImportFrom(names=found):
                names |= {alias.asname or alias.name.partition(".")[0] for alias in found}
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                names |= {part.id for part in ast.walk(n) if isinstance(part, ast.Name)}
    return names


def _unchanging(script: Script, loop: ast.For | ast.While, known: dict[str, ast.expr]) -> Iterator[ast.Call]:
    """Yield the calls in `loop` that give the same at each turn, and do not fail where no turn is made."""
    changed = _changed(loop) | script.moved
    again = [*loop.body, loop.test] if isinstance(loop, ast.While) else loop.body
    for node in (n for part in again for n in ast.walk(part)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr=function), args=[argument], keywords=[]):
                parts = list(ast.walk(argument))
                simple = all(isinstance(n, SIMPLE) for n in parts)
                if function not in FUNCTIONS or not simple or changed & {getattr(n, "id", "") for n in parts}:
                    continue
                value, module = _value(argument, known), script.module_of(node.func)
                fits = module in ("math", "numpy") and 0 < value <= LARGEST
                if fits or (module == "numpy" and math.isnan(value)):
                    yield node


def _value(node: ast.expr, known: dict[str, ast.expr]) -> float:
    """Return the value of an expression of positive numbers, NaN where it is not known, -1 where one is not positive."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value) if 0 < value <= LARGEST else -1.0
        case ast.Name(id=name) if name in known:
            return _value(known[name], {})
        case ast.UnaryOp(op=ast.USub(), operand=operand) if _value(operand, known) > 0:
            return -1.0
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, known), _value(right, known)
            if a <= 0 or b <= 0:
                return -1.0
            match op:
                case ast.Add():
                    return a + b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
    return math.nan


def _unboxed(source: Source) -> str | None:
    """Turn arrays that are read element by element into lists first."""
    script = Script(source)
    edits: list[Edit] = []
    for function in script.functions.values():
        start, reads = script.first(function), _element_reads(function)
        if start and reads:
            lists = [f"_{name} = {_as_list(name, nodes[0])}" for name, nodes in reads.items()]
            edits.append(source.above(start, "\n".join(lists)))
            for name, node in ((name, node) for name, nodes in reads.items() for node in nodes):
                places = "".join(f"[{source.code(index)}]" for index in _indices(node))
                edits.append(source.replace(node, f"_{name}{places}"))
    return source.edited(edits)


def _as_list(name: str, read: ast.Subscript) -> str:
    """Return the code of the list that is read instead: `X[i]` alone does not tell whether it is a number or a row."""
    whole = f"{name}.tolist()"
    return whole if len(_indices(read)) > 1 else f'{whole} if getattr({name}, "ndim", 0) == 1 else {name}'


def _element_reads(function: ast.FunctionDef) -> dict[str, list[ast.Subscript]]:
    """Return the parameters that are only read as `X[i, k]` or `X[i]`, where loops count some of the indices."""
    counted = {
        n.target.id for n in ast.walk(function)
        if isinstance(n, ast.For | ast.comprehension) and isinstance(n.target, ast.Name)
        and isinstance(n.iter, ast.Call) and isinstance(n.iter.func, ast.Name) and n.iter.func.id == "range"
    }  # fmt: skip
    reads: dict[str, list[ast.Subscript]] = defaultdict(list)
    uses: Counter[str] = Counter()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name):
                uses[name] += 1
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Load()):
                if all(_whole(index, counted) for index in _indices(node)):
                    reads[name].append(node)
            case (
                ast.Attribute(value=ast.Name(id=name), attr="shape" | "size" | "ndim")
                | ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)])
            ):
                uses[name] -= 1  # it may stay: X itself is still there
    parameters = {argument.arg for argument in function.args.args}
    return {
        name: nodes for name, nodes in reads.items()
        if name in parameters and f"_{name}" not in uses and uses[name] == len(nodes) and len({len(_indices(node)) for node in nodes}) == 1
        and any(isinstance(n, ast.Name) and n.id in counted for node in nodes for n in ast.walk(node.slice))
    }  # fmt: skip


def _indices(read: ast.Subscript) -> list[ast.expr]:
    """Return what stands between the brackets."""
    return read.slice.elts if isinstance(read.slice, ast.Tuple) else [read.slice]


def _whole(node: ast.expr, counted: set[str]) -> bool:
    """Tell whether an index is a sum or product of loop variables, other names and whole numbers."""
    nodes = list(ast.walk(node))
    names = {n.id for n in nodes if isinstance(n, ast.Name)}
    plain = all(isinstance(n, SIMPLE) for n in nodes)
    whole = all(isinstance(n.value, int) for n in nodes if isinstance(n, ast.Constant))
    return plain and whole and (not names or bool(names & counted))
