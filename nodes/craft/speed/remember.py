"""An edit of a script that is timed: functions that only compute give their kept results when they are called again."""

import ast
from collections import Counter
from collections.abc import Iterator

from nodes.craft.source import LOOPS, Source
from nodes.craft.speed.purity import Script

HELPERS = '''

_PLAIN = {int, bool, str, type(None), float, complex}
_kept, _room = [], [200_000_000]  # of each function its results by the contents of the arguments; bytes that are free


def _is_array(value):
    return type(value).__module__ == "numpy" and hasattr(value, "nbytes") and not value.dtype.hasobject


def _content(value):
    """What is equal for equal values only; TypeError where that would cost more than it saves."""
    if type(value) in _PLAIN:
        return type(value), repr(value) if value == 0 or type(value) is complex else value  # -0.0 is not 0.0
    if type(value) in (list, tuple) and len(value) <= 1000:
        return type(value), tuple(map(_content, value))
    if _is_array(value) and value.nbytes <= 65536:
        return type(value), value.shape, value.strides, value.dtype, value.tobytes()
    raise TypeError


def _known(args):
    """The content of arguments, None where it cannot be told."""
    types = tuple(map(type, args))
    if {int, str, float}.issuperset(types) and (float not in types or 0 not in args):
        return args, types  # the most frequent ones, at once
    try:
        return _content(args)
    except (TypeError, RecursionError):
        return None


def _owner(value):
    """What holds the memory of an array."""
    while getattr(value, "base", None) is not None:
        value = value.base
    return value


def _lasts(result, args):
    """Whether no caller can change a result, or it can be copied."""
    if type(result) is tuple:
        return all(type(part) in _PLAIN for part in result)
    given = [part for a in args for part in (a if type(a) in (list, tuple) else [a])]
    return type(result) in _PLAIN or _is_array(result) and all(_owner(result) is not _owner(a) for a in given)


def _remember(function):
    """Keep the results of a function that only computes, unless it changes its arguments."""
    kept = {}
    _kept.append(kept)

    def remembered(*args, **kwargs):
        content = None if kwargs else _known(args)
        if content is None:
            return function(*args, **kwargs)
        result = kept.get(content, kept)
        if result is kept:
            result = function(*args)
            if _room[0] > 0 and _lasts(result, args) and content == _known(args):
                _room[0] -= 1000 + sum(getattr(value, "nbytes", 100) for value in (result, *args))
                kept[content] = result.copy() if _is_array(result) else result
            return result
        return result.copy() if type(result) not in _PLAIN and _is_array(result) else result

    return remembered


def _forget():
    """Begin anew: nothing is carried from one outermost call to the next."""
    for kept in _kept:
        kept.clear()
    _room[0] = 200_000_000'''


def remember(source: Source) -> str | None:
    """Keep the results of functions that only compute, loop or call themselves, and are called over and over."""
    script = Script(source)
    functions = script.functions
    callees = {name: set(_loaded(function)) & set(functions) for name, function in functions.items()}
    repeated = _reached(_called_over_and_over(script), callees)
    worth = {
        name for name in script.pure() & repeated if functions[name].args.args
        and (name in callees[name] or any(isinstance(n, LOOPS) for n in ast.walk(functions[name])))
    }  # fmt: skip
    inner = {called for name, names in callees.items() for called in names - {name}}
    outer = [name for name in functions if name not in inner | worth]
    outermost = [name for name in outer if _reached({name}, callees) & worth]
    starts = [script.first(functions[name]) for name in outermost]
    helpers = Source.of(HELPERS)
    if not worth or None in starts or (helpers and helpers.bound.keys() & source.bound.keys()):
        return None
    edits = [source.above(functions[name], "@_remember") for name in worth]
    edits += [source.above(start, "_forget()") for start in starts if start]
    return source.edited([*edits, source.import_(HELPERS)])


def _called_over_and_over(script: Script) -> set[str]:
    """Return the functions that are called in a loop or at several places, or handed over.

    What stands under `if __name__ == "__main__"` only shows the script, and does not count.
    """
    body = script.source.tree.body
    body = [s for s in body if not (isinstance(s, ast.If) and "__name__" in _loaded(s.test))]
    nodes = [node for statement in body for node in ast.walk(statement)]
    loaded = Counter(name for statement in body for name in _loaded(statement))
    loaded.update(name for node in nodes if isinstance(node, LOOPS) for name in _loaded(node))
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    return {name for name in script.functions if loaded[name] > (name in called)}


def _loaded(node: ast.AST) -> Iterator[str]:
    """Yield each name that is read in `node`, as often as it is."""
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


def _reached(names: set[str], callees: dict[str, set[str]]) -> set[str]:
    """Return `names` and every function that is called by way of them."""
    found, queue = set(names), list(names)
    while queue:
        new = callees[queue.pop()] - found
        found |= new
        queue += new
    return found
