"""Rewrites of loops over numbers: what does not change is computed before, and elements are read from lists.

Both take it that what is computed with is a number where it looks like one; the task's own check of the results decides.
"""

import ast
from collections import defaultdict
from itertools import pairwise

from .purity import Script

FUNCTIONS = {"sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "cbrt", "log1p", "expm1"}
Edit = tuple[int, int, int, int, str]  # from (line, column) to (line, column), and what stands there instead


def hoisted(text: str) -> str:
    """`text` with `np.sqrt(d)` and the like moved above the outermost loop in which d does not change."""
    tree, edits = parsed(text), []
    if tree is None:
        return text
    script = Script(tree)
    for function in script.functions.values():
        for loop in [s for s in function.body if isinstance(s, ast.For | ast.While)]:
            changed = {
                n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
            }
            calls: dict[str, list[ast.Call]] = defaultdict(list)
            for node in ast.walk(loop):
                if constant_call(node, script, changed):
                    assert isinstance(node, ast.Call)
                    calls[ast.unparse(node)].append(node)
            for i, (code, nodes) in enumerate(calls.items()):
                name = f"_{function.name}_{loop.lineno}_{i}"
                edits.append(
                    (
                        loop.lineno,
                        loop.col_offset,
                        loop.lineno,
                        loop.col_offset,
                        f"{name} = {code}\n{' ' * loop.col_offset}",
                    )
                )
                edits += [(*place(node), name) for node in nodes]
    return edited(text, edits)


def constant_call(node: ast.AST, script: Script, changed: set[str]) -> bool:
    """Whether a node is a call such as `np.sqrt(d)` of names that are not in `changed`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1):
        return False
    simple = all(
        isinstance(n, ast.Name | ast.Constant | ast.BinOp | ast.operator | ast.Load)
        for n in ast.walk(node.args[0])
    )
    names = {n.id for n in ast.walk(node.args[0]) if isinstance(n, ast.Name)}
    known = script.module_of(node.func) == "numpy" and node.func.attr in FUNCTIONS
    return known and simple and bool(names) and not node.keywords and not names & changed


def unboxed(text: str) -> str:
    """`text` with arrays that are read element by element in nested loops turned into lists first."""
    tree, edits = parsed(text), []
    if tree is None:
        return text
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        reads = element_reads(function)
        lines = [f"_{name} = {as_list(name, nodes[0])}" for name, nodes in reads.items()]
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        if not reads or not body or body[0].lineno == function.lineno:
            continue
        start = body[0]
        gap = "\n" + " " * start.col_offset
        edits.append((start.lineno, start.col_offset, start.lineno, start.col_offset, gap.join(lines) + gap))
        for name, nodes in reads.items():
            for node in nodes:
                edits.append(
                    (*place(node), f"_{name}" + "".join(f"[{ast.unparse(i)}]" for i in indices(node)))
                )
    return edited(text, edits)


def as_list(name: str, read: ast.Subscript) -> str:
    """Code of the list that is read instead: `X[i]` alone does not tell whether it is a number or a row."""
    whole = f"{name}.tolist()"
    return whole if len(indices(read)) > 1 else f'{whole} if getattr({name}, "ndim", 0) == 1 else {name}'


def indices(read: ast.Subscript) -> list[ast.expr]:
    """What stands between the brackets."""
    return read.slice.elts if isinstance(read.slice, ast.Tuple) else [read.slice]


def element_reads(function: ast.FunctionDef) -> dict[str, list[ast.Subscript]]:
    """Parameters that are only read as `X[i, k]` or `X[i]`, where loops count some of the indices, with these places."""
    numbers = {
        n.target.id
        for n in ast.walk(function)
        if isinstance(n, ast.For | ast.comprehension) and isinstance(n.target, ast.Name)
        and isinstance(n.iter, ast.Call) and isinstance(n.iter.func, ast.Name) and n.iter.func.id == "range"
    }  # fmt: skip
    found: dict[str, list[ast.Subscript]] = defaultdict(list)
    uses: dict[str, int] = defaultdict(int)
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            uses[node.id] += 1 if isinstance(node.ctx, ast.Load) else 1000
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and all(number(i, numbers) for i in indices(node))
        ):
            found[node.value.id].append(node)
        # `X.shape` and `len(X)` may stay: X itself is still there.
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.attr in ("shape", "size", "ndim")
        ):
            uses[node.value.id] -= 1
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "len"
            and len(node.args) == 1
        ) and isinstance(node.args[0], ast.Name):
            uses[node.args[0].id] -= 1
    parameters = {argument.arg for argument in function.args.args}
    return {
        name: nodes for name, nodes in found.items()
        if name in parameters and uses[name] == len(nodes) and len({len(indices(node)) for node in nodes}) == 1
        and any(isinstance(n, ast.Name) and n.id in numbers for node in nodes for n in ast.walk(node.slice))
    }  # fmt: skip


def number(node: ast.expr, numbers: set[str]) -> bool:
    """Whether an index is a sum or product of loop variables, other names and whole numbers."""
    allowed = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    whole = all(isinstance(n.value, int) for n in ast.walk(node) if isinstance(n, ast.Constant))
    plain = all(isinstance(n, allowed) for n in ast.walk(node))
    return plain and whole and (not names or bool(names & numbers))


def parsed(text: str) -> ast.Module | None:
    """The tree of an ASCII script (columns count bytes), else None."""
    try:
        return ast.parse(text) if text.isascii() else None
    except SyntaxError:
        return None


def place(node: ast.expr) -> tuple[int, int, int, int]:
    """Where a node stands."""
    return (
        node.lineno,
        node.col_offset,
        node.end_lineno or node.lineno,
        node.end_col_offset or node.col_offset,
    )


def edited(text: str, edits: list[Edit]) -> str:
    """`text` with the edits made; where two overlap, as in `X[Y[i, j], k]`, the text as it was."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = sorted({(starts[a - 1] + b, starts[c - 1] + d, new) for a, b, c, d, new in edits})
    if any(left[1] > right[0] for left, right in pairwise(spans)):
        return text
    for start, end, new in reversed(spans):
        text = text[:start] + new + text[end:]
    return text
