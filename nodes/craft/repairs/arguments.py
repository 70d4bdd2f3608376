"""Cures for arguments: an unexpected one is dropped or renamed, an invalid value gives way to the nearest."""

import ast
import math
import re
from difflib import get_close_matches

from nodes.craft.estimators import imports
from nodes.craft.fingerprint import Failure
from nodes.craft.repairs.names import Cure
from nodes.craft.source import Edit, Source, at_line, name_of

Match = re.Match[str]
UNEXPECTED = re.compile(r"(?:([\w.]+)\(\) )?got an unexpected keyword argument '(\w+)'")
REFUSED = re.compile(r"([\w.]+) does not accept the (\w+) parameter")
INVALID = re.compile(r"The '(\w+)' parameter of (\w+) must be (.*)\. Got (.*) instead")
UNKNOWN = re.compile(r"Invalid parameter '(\w+)' for estimator")
RANGE = re.compile(r"(int|float) in the range ([\[(])(-?\d+(?:\.\d+)?|-inf), (-?\d+(?:\.\d+)?|inf)([\])])")
RENAMED = {"sparse": "sparse_output", "base_estimator": "estimator"}
# Values that once were allowed, and what they are called now.
VALUES = {
    "mse": "squared_error",
    "ls": "squared_error",
    "mae": "absolute_error",
    "lad": "absolute_error",
    "deviance": "log_loss",
    "log": "log_loss",
    "auto": "sqrt",
}


def cure_argument(source: Source, error: Failure) -> Cure | None:
    """Cure an error about an argument; None where it is about something else."""
    if match := UNEXPECTED.search(error.message) or REFUSED.search(error.message):
        return drop_unexpected(source, match[1] or "", match[2], error.line)
    if match := INVALID.search(error.message):
        return _nearest(source, match)
    if match := UNKNOWN.search(error.message):
        return _searched(source, match[1])
    if "Target is multi" in error.message and "average='binary'" in error.message:
        calls = [c for c in source.calls() if at_line(c, error.line) and name_of(c).endswith("_score")]
        return _set(source, calls, "average", '"macro"')
    if "multi_class must be in ('ovo', 'ovr')" in error.message:
        return _set(
            source, [c for c in source.calls() if name_of(c) == "roc_auc_score"], "multi_class", '"ovr"'
        )
    if match := re.search(
        r"Solver \w+ supports only .* penalties, got (?:l1|elasticnet) penalty", error.message
    ):
        calls = [c for c in source.calls() if name_of(c).startswith("LogisticRegression")]
        return _set(source, calls, "solver", '"saga"')
    return None


def drop_unexpected(source: Source, function: str, argument: str, line: int = 0) -> Cure | None:
    """Drop the keyword `argument` from the calls of `function` ("Ridge.__init__", "fit"), or from those at `line`."""
    parts = [part for part in function.split(".") if part and part != "__init__"]
    calls = [c for c in source.calls() if any(k.arg == argument for k in c.keywords)]
    named = [c for c in calls if parts and name_of(c) == parts[-1]]
    here = [c for c in named if at_line(c, line)] or named or [c for c in calls if at_line(c, line)]
    edits: list[Edit] = []
    for call in here:
        edits += _moved(source, call, next(k for k in call.keywords if k.arg == argument))
    script = source.edited(edits)
    return (script, f"dropped or replaced the argument {argument}, which is not accepted") if script else None


def _moved(source: Source, call: ast.Call, keyword: ast.keyword) -> list[Edit]:
    """Return the edits that put what a refused keyword is called today in its place, else drop it."""
    name, value = name_of(call), source.code(keyword.value)
    if keyword.arg and (new := RENAMED.get(keyword.arg)):
        start = source.span(keyword)[0]
        return [(start, start + len(keyword.arg), new)]
    if name == "mean_squared_error" and value == "False":
        right = "root_mean_squared_error"
        edits = [source.replace(call.func, right), source.drop_keyword(call, keyword)]
        return edits + imports(source, [right])
    if name == "fillna" and isinstance(call.func, ast.Attribute) and value[1:-1] in ("ffill", "bfill", "pad"):
        way = "bfill" if "bfill" in value else "ffill"
        return [source.replace(call, f"{source.code(call.func.value)}.{way}()")]
    return [source.drop_keyword(call, keyword)]


def _nearest(source: Source, match: Match) -> Cure | None:
    """Put the nearest allowed value in place of an invalid one; where none is near, the default."""
    argument, owner, allowed, got = match.groups()
    value = _near(allowed, got)
    edits: list[Edit] = []
    for call in (c for c in source.calls() if name_of(c) == owner):
        for keyword in (k for k in call.keywords if k.arg == argument):
            literal = isinstance(keyword.value, ast.Constant | ast.UnaryOp)
            if value and literal:
                edits.append(source.replace(keyword.value, value))
            else:
                edits.append(source.drop_keyword(call, keyword))
    script = source.edited(edits)
    done = f"set {argument} of {owner} to {value}" if value else f"left {argument} of {owner} at its default"
    return (script, done) if script else None


def _near(allowed: str, got: str) -> str:
    """Return the allowed value nearest to `got` as source text, "" where none is near."""
    choices = re.findall(r"'([^']*)'", allowed)
    if got.startswith("'"):
        word = got.strip("'")
        if VALUES.get(word) in choices:
            return repr(VALUES[word])
        lower = {choice.lower(): choice for choice in choices}
        near = get_close_matches(word.lower(), lower, n=1)
        return repr(lower[near[0]]) if near else ""
    try:
        number = float(got)
    except ValueError:
        return ""
    # A number of the same type is meant: 1.0 may be a share of the rows where 1 is a count of them.
    best = [(("." in text) != ("." in got), abs(n - number), text) for n, text in _numbers(allowed, number)]
    return min(best)[2] if best else ""


def _numbers(allowed: str, number: float) -> list[tuple[float, str]]:
    """Return the value in each allowed range that is nearest to `number`; open ends are never reached."""
    found = []
    for kind, left, low, high, right in RANGE.findall(allowed):
        value = min(max(number, float(low)), float(high))
        if not math.isfinite(value):
            continue
        text = str(round(value)) if kind == "int" else repr(value)
        open_end = (left == "(" and float(text) <= float(low)) or (
            right == ")" and float(text) >= float(high)
        )
        if not open_end:
            found.append((float(text), text))
    return found


def _searched(source: Source, argument: str) -> Cure | None:
    """Drop an unknown parameter from the grids of a search."""
    edits: list[Edit] = []
    for table in (n for n in ast.walk(source.tree) if isinstance(n, ast.Dict) and len(n.keys) > 1):
        pairs = [(k, v) for k, v in zip(table.keys, table.values, strict=True) if k is not None]
        kept = [(k, v) for k, v in pairs if not _is_parameter(k, argument)]
        if kept and len(kept) < len(table.keys) == len(pairs):
            text = ", ".join(f"{source.code(k)}: {source.code(v)}" for k, v in kept)
            edits.append(source.replace(table, "{" + text + "}"))
    script = source.edited(edits)
    return (script, f"dropped the parameter {argument} from the search") if script else None


def _is_parameter(key: ast.expr, argument: str) -> bool:
    text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
    return text == argument or text.endswith(f"__{argument}")


def _set(source: Source, calls: list[ast.Call], argument: str, value: str) -> Cure | None:
    """Set a keyword argument of `calls`."""
    edits: list[Edit] = []
    for call in calls:
        given = [k for k in call.keywords if k.arg == argument]
        end = source.span(call)[1] - 1
        edits += [source.replace(k.value, value) for k in given] or [(end, end, f", {argument}={value}")]
    script = source.edited(edits)
    return (script, f"set {argument} to {value}") if script else None
