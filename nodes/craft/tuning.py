"""Changes of one number in a script's models: found and made on the syntax tree, chosen by whoever plans.

A small model rewrites a long script badly and slowly, but it can point at a line of a list. So code lists the changes
and makes the one that was chosen.
"""

import ast
from collections.abc import Collection, Iterator
from typing import NamedTuple

from nodes.craft.source import Source, name_of

# Parameters by what they mostly matter, and the factors that are worth trying.
WORTH: dict[str, tuple[float, ...]] = {
    "n_estimators": (2, 4, 0.5),
    "learning_rate": (0.5, 2, 0.25),
    "max_iter": (2, 0.5, 4),
    "C": (4, 0.25, 2, 0.5),
    "alpha": (4, 0.25, 2, 0.5),
    "num_leaves": (2, 0.5, 4),
    "max_depth": (2, 0.5, 1.5),
    "max_leaf_nodes": (2, 0.5, 4),
    "min_samples_leaf": (2, 0.5, 4),
    "min_child_samples": (2, 0.5, 4),
    "max_features": (2, 0.5, 0.25),
    "n_components": (2, 0.5, 4),
    "n_neighbors": (2, 0.5, 4),
    "reg_lambda": (4, 0.25, 16),
    "gamma": (4, 0.25, 2, 0.5),
    "min_df": (2, 0.5),
    "colsample_bytree": (0.5, 0.75),
    "subsample": (0.75, 0.5),
    "n_clusters": (2, 0.5),
    "sigma": (2, 0.5),
    "epsilon": (4, 0.25),
    "smoothing": (4, 0.25),
}
MOST = 16  # changes in a list: a small model does not choose well from a longer one
HUGE = 1e300  # four times a number beyond may be none
SHORT = 1500  # characters of a script that is shown whole
SHARES = {"max_features", "subsample", "colsample_bytree"}  # a fraction of these stays one


class Place(NamedTuple):
    """A number in a script."""

    name: str  # "LGBMRegressor.learning_rate", with "#2" behind it for a second one of the name
    node: ast.Constant
    value: int | float


def changes(script: str, tried: Collection[str] = ()) -> list[str]:
    """Return changes that could be made, as `NAME = VALUE`, the most promising first; those `tried` are left out."""
    found: list[tuple[int, int, str]] = []
    ranks = list(WORTH)
    for place in places(script):
        parameter = place.name.partition(".")[2].partition("#")[0]
        for order, factor in enumerate(WORTH[parameter]):
            value = scaled(place.value, factor, parameter)
            change = f"{place.name} = {value!r}"
            if value != place.value and change not in tried:
                found.append((order, ranks.index(parameter), change))
    return [change for _, _, change in sorted(found)][:MOST]


def tune(script: str, change: str) -> str | None:
    """Make a change of `changes`; None where the script has no such number."""
    name, _, value = change.partition(" = ")
    source = Source.of(script)
    number = next((place.node for place in places(script) if place.name == name), None)
    return source.edited([source.replace(number, value)]) if source and number else None


def places(script: str) -> Iterator[Place]:
    """Yield the numbers that are keyword arguments of a model's constructor and worth changing."""
    source = Source.of(script)
    seen: dict[str, int] = {}
    for call in source.calls() if source else ():
        called = name_of(call)
        for keyword in call.keywords if called[:1].isupper() else ():
            node = keyword.value
            if keyword.arg not in WORTH or not isinstance(node, ast.Constant):
                continue
            number = node.value if isinstance(node.value, int | float) else None
            if number is not None and not isinstance(number, bool) and number < HUGE:
                name = f"{called}.{keyword.arg}"
                seen[name] = seen.get(name, 0) + 1
                yield Place(name if seen[name] == 1 else f"{name}#{seen[name]}", node, number)


def scaled(value: float, factor: float, parameter: str) -> int | float:
    """Return the value times the factor: an integer stays one (at least 1), a share stays at most 1."""
    if isinstance(value, int):
        return max(1, round(value * factor))
    new = value * factor
    if parameter in SHARES and value <= 1:
        new = min(new, 1.0)
    return float(f"{new:.4g}")


def compact(script: str) -> str:
    """Return the script, or of a long one its outline: each word that a planner or an expert reads is paid for."""
    return script if len(script) <= SHORT else outline(script)


def outline(script: str) -> str:
    """Return the constructors that a script calls, a line each: what is in it, without how."""
    source = Source.of(script)
    lines: list[str] = []
    if source is None:
        return ""
    for call in source.calls():
        nested = any(isinstance(node, ast.Call) and node is not call for node in ast.walk(call))
        if name_of(call)[:1].isupper() and not nested:
            lines.append(" ".join(ast.unparse(call).split())[:200])
    return "\n".join(dict.fromkeys(lines))
