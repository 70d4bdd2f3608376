"""Edits of a script that works, made on its syntax tree: how a task without a template of its own gets better.

An edit is `{"op": name, ...}`. Each operation returns None where it finds nothing to change.
"""

import ast
import builtins
from collections.abc import Callable, Mapping
from typing import Any

from nodes.craft.estimators import MODULE, NATIVE, WRAPPERS, constructors, imports, inside, kind, names_in
from nodes.craft.scripts import same
from nodes.craft.source import LOOPS, Edit, Source, is_within, name_of
from nodes.craft.speed.loops import hoist, numbers
from nodes.craft.speed.remember import remember

MOST = 30  # models of a script that is edited
INVERSE = {"log1p": "expm1", "sqrt": "square"}


def apply_edit(script: str, edit: Mapping[str, Any], briefing: Mapping[str, Any]) -> str | None:
    """Return `script` with `edit` made, or None where the edit does not apply or changes nothing.

    Operations:
    `exchange_estimator {classifier: "...", regressor: "..."}` puts another model in place of each one;
    `transform_target {function: log1p | sqrt}` fits regressors to a function of the target;
    `hoist`, `numbers` and `remember` save repeated work. Targets of several columns are known by `briefing["kinds"]`.
    """
    source = Source.of(script)
    operation = OPERATIONS.get(str(edit.get("op", "")))
    if source is None or operation is None:
        return None
    edited = operation(source, edit, set(briefing.get("kinds") or ()))
    return None if edited is None or same(edited, script) else edited


def edited(case: Mapping[str, Any], best: str, starter: str, briefing: Mapping[str, Any]) -> str | None:
    """Return what the edit of `case` makes of the best script, or of the starter where it says so; None for nothing."""
    edit = dict(case["edit"])
    return apply_edit(starter if edit.pop("of", "best") == "starter" else best, edit, briefing)


def few_constructors(source: Source) -> list[ast.Call]:
    """Return the calls that make a model, none where they are more than any script needs: each is looked up in all of it."""
    found = constructors(source.tree)
    return found if len(found) <= MOST else []


def exchange_estimator(source: Source, edit: Mapping[str, Any], kinds: set[str]) -> str | None:
    """Put the edit's classifier or regressor in place of each model, wrapped where its target has several columns."""
    edits: list[Edit] = []
    used: set[str] = set()
    for call in few_constructors(source):
        expression = str(edit.get(kind(name_of(call))) or "")
        names = names_in(expression)
        if not names or not all(n in MODULE or n in source.bound or hasattr(builtins, n) for n in names):
            continue  # nothing for this kind, or a name that nobody could import
        expression = _for_columns(source, call, expression, kinds)
        edits.append(source.replace(call, expression))
        used.update(names_in(expression))
    return source.edited([*edits, *imports(source, used)]) if edits else None


def transform_target(source: Source, edit: Mapping[str, Any], _kinds: set[str]) -> str | None:
    """Fit each regressor to a function of the target, and take its inverse of what it predicts."""
    function = str(edit.get("function", "log1p"))
    if function not in INVERSE:
        return None
    edits: list[Edit] = []
    for call in few_constructors(source):
        if kind(name_of(call)) == "regressor" and not inside(source, call, ["TransformedTargetRegressor"]):
            new = f"TransformedTargetRegressor({source.code(call)}, func=np.{function}, inverse_func=np.{INVERSE[function]})"
            edits.append(source.replace(call, new))
    needed = [*source.importing("np", "import numpy as np"), *imports(source, ["TransformedTargetRegressor"])]
    return source.edited([*edits, *needed]) if edits else None


OPERATIONS: dict[str, Callable[[Source, Mapping[str, Any], set[str]], str | None]] = {
    "exchange_estimator": exchange_estimator,
    "transform_target": transform_target,
    "hoist": lambda source, _edit, _kinds: hoist(source),
    "numbers": lambda source, _edit, _kinds: numbers(source),
    "remember": lambda source, _edit, _kinds: remember(source),
}


def _for_columns(source: Source, call: ast.Call, expression: str, kinds: set[str]) -> str:
    """Wrap `expression` where the target has several columns and neither it nor the script takes them one by one."""
    several = "multi_label" in kinds or "multi_output" in kinds
    first = expression.partition("(")[0].strip()
    looped = any(isinstance(n, LOOPS) and is_within(call, n) for n in ast.walk(source.tree))
    if not several or first in NATIVE or looped or inside(source, call, WRAPPERS):
        return expression
    if kind(name_of(call)) == "regressor":
        return f"MultiOutputRegressor({expression})"
    return f"{'OneVsRestClassifier' if 'multi_label' in kinds else 'MultiOutputClassifier'}({expression})"
