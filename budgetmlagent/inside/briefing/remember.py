"""Rewrites a slow script so that pure functions with loops keep their results while one outermost call lasts."""

import ast

from .purity import Script

LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
HELPERS = '''
_kept, _room = {}, [200_000_000]  # results by the contents of the arguments; bytes that may still be kept


def _content(value):
    """What is equal for equal values only; TypeError where that would cost more than it saves."""
    if isinstance(value, NP.ndarray) and value.nbytes <= 65536 and not value.dtype.hasobject:
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, NP.generic):
        return value.dtype.str, value.tobytes()
    if isinstance(value, (int, float, complex, str, type(None))):
        return type(value), repr(value)
    if isinstance(value, (list, tuple)) and len(value) <= 1000:
        return type(value), tuple(map(_content, value))
    raise TypeError


def _remember(function):
    """Keep the results of a pure function; what it returns is copied, so that callers may change it."""

    def remembered(*args, **kwargs):
        if kwargs:
            return function(*args, **kwargs)
        try:
            key = (function.__name__, *map(_content, args))
        except TypeError:
            return function(*args)
        if key in _kept:
            result = _kept[key]
            return result.copy() if isinstance(result, NP.ndarray) else result
        result = function(*args)
        if isinstance(result, NP.ndarray):
            if _room[0] > 0 and not any(isinstance(a, NP.ndarray) and NP.may_share_memory(a, result) for a in args):
                _room[0] -= 3 * result.nbytes + 1000
                _kept[key] = result.copy()
        elif isinstance(result, (int, float, complex, NP.generic)) and _room[0] > 0:
            _room[0] -= 1000 + sum(getattr(a, "nbytes", 100) for a in args)
            _kept[key] = result
        return result

    return remembered


def _forget():
    """Begin anew: nothing is carried from one outermost call to the next."""
    _kept.clear()
    _room[0] = 200_000_000
'''


def remembered(text: str) -> str:
    """`text` with the results of its pure functions kept within each outermost call; "" where none is worth it."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    script = Script(tree)
    numpy = next((name for name, module in script.modules.items() if module == "numpy"), "")
    callers = {name: calls(function) & set(script.functions) for name, function in script.functions.items()}
    inner = {called for name, names in callers.items() for called in names if called != name}
    worth = {
        name for name in script.pure() & inner
        if script.functions[name].args.args and any(isinstance(n, LOOPS) for n in ast.walk(script.functions[name]))
    }  # fmt: skip
    # A function that hands over to another remembered one with the same arguments would only pay twice.
    outer = [name for name in script.functions if name not in inner and reaches(name, callers) & worth]
    if not numpy or not worth or not outer:
        return ""
    lines = text.splitlines()
    inserts: list[tuple[int, str]] = [(script.functions[name].lineno - 1, "@_remember") for name in worth]
    for name in outer:
        function = script.functions[name]
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        if not body or body[0].lineno == function.lineno:
            return ""
        inserts.append((body[0].lineno - 1, " " * body[0].col_offset + "_forget()"))
    last = max(node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    first = min(script.functions[name].lineno for name in script.functions)
    if last >= first:
        return ""
    inserts.append((last, HELPERS.replace("NP", numpy) + "\n"))
    for line, insert in sorted(inserts, reverse=True):
        lines.insert(line, insert)
    return "\n".join(lines) + "\n"


def calls(function: ast.FunctionDef) -> set[str]:
    """The names that a function calls or hands over."""
    return {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def reaches(name: str, callers: dict[str, set[str]]) -> set[str]:
    """Every function that is called by way of `name`."""
    found: set[str] = set()
    queue = [name]
    while queue:
        for called in callers.get(queue.pop(), set()) - found:
            found.add(called)
            queue.append(called)
    return found
