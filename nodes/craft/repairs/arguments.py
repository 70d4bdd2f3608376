"""Cures for arguments: an unexpected one is dropped or renamed, an invalid value gives way to the nearest."""

import ast
import math
import re
from difflib import get_close_matches

from nodes.craft.estimators import imports
from nodes.craft.fingerprint import Failure
from nodes.craft.repairs import Cure, Match, Rule, cured
from nodes.craft.source import Edit, Source, at_line, name_of

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


def drop_unexpected(source: Source, function: str, argument: str, line: int = 0) -> Cure | None:
    """Drop the keyword `argument` from the calls of `function` ("Ridge.__init__", "fit"), or from those at `line`."""
    parts = [part for part in function.split(".") if part and part != "__init__"]
    calls = [c for c in source.calls() if any(k.arg == argument for k in c.keywords)]
    named = [c for c in calls if parts and name_of(c) == parts[-1]]
    here = [c for c in named if at_line(c, line)] or named or [c for c in calls if at_line(c, line)]
    edits: list[Edit] = []
    for call in here:
        edits += _moved(source, call, next(k for k in call.keywords if k.arg == argument))
    return cured(source, edits, f"dropped or replaced the argument {argument}, which is not accepted")


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


def _nearest(source: Source, _error: Failure, match: Match) -> Cure | None:
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
    done = f"set {argument} of {owner} to {value}" if value else f"left {argument} of {owner} at its default"
    return cured(source, edits, done)


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
        above = left == "[" or float(text) > float(low)
        if above and (right == "]" or float(text) < float(high)):
            found.append((float(text), text))
    return found


def _searched(source: Source, _error: Failure, match: Match) -> Cure | None:
    """Drop an unknown parameter from the grids of a search."""
    argument = match[1]
    edits: list[Edit] = []
    for table in (n for n in ast.walk(source.tree) if isinstance(n, ast.Dict) and len(n.keys) > 1):
        pairs = [(k, v) for k, v in zip(table.keys, table.values, strict=True) if k is not None]
        kept = [(k, v) for k, v in pairs if not _is_parameter(k, argument)]
        if kept and len(kept) < len(table.keys) == len(pairs):
            text = ", ".join(f"{source.code(k)}: {source.code(v)}" for k, v in kept)
            edits.append(source.replace(table, "{" + text + "}"))
    return cured(source, edits, f"dropped the parameter {argument} from the search")


def _is_parameter(key: ast.expr, argument: str) -> bool:
    text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
    return text == argument or text.endswith(f"__{argument}")


def _set(argument: str, value: str, *, of: str, here: bool = False) -> Rule:
    """Return the rule that sets an argument of all calls named `of`; `here`: of those at the failing line."""

    def rule(source: Source, error: Failure, _match: Match) -> Cure | None:
        calls = [c for c in source.calls() if re.fullmatch(of, name_of(c))]
        calls = [c for c in calls if at_line(c, error.line) or not here]
        edits = [edit for call in calls for edit in source.set_keyword(call, argument, value)]
        return cured(source, edits, f"set {argument} to {value}")

    return rule


def _unexpected(source: Source, error: Failure, match: Match) -> Cure | None:
    return drop_unexpected(source, match[1] or "", match[2], error.line)


RULES: tuple[tuple[str, Rule], ...] = (
    (r"(?:([\w.]+)\(\) )?got an unexpected keyword argument '(\w+)'", _unexpected),
    (r"([\w.]+) does not accept the (\w+) parameter", _unexpected),
    (r"The '(\w+)' parameter of (\w+) must be (.*)\. Got (.*) instead", _nearest),
    (r"Invalid parameter '(\w+)' for estimator", _searched),
    (r"Target is multi.*average='binary'", _set("average", '"macro"', of=r"\w*_score", here=True)),
    (r"multi_class must be in \('ovo', 'ovr'\)", _set("multi_class", '"ovr"', of="roc_auc_score")),
    (
        r"Solver \w+ supports only .* penalties, got (?:l1|elasticnet) penalty",
        _set("solver", '"saga"', of=r"LogisticRegression\w*"),
    ),
)
