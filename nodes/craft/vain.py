"""What code knows cannot help is not offered to a model that plans freely: its turns are dear, and its list is short."""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile
from typing import Any

from memory.attempts import Attempt, Reader
from nodes.craft.estimators import names_in
from nodes.craft.source import DEFINITIONS, Source, is_within, name_of
from nodes.craft.tuning import places

Case = dict[str, Any]
BOOSTED = re.compile("Boosting|LGBM|XGB|CatBoost")  # names of one family: gradient boosted trees
CAP = "max_iter"  # of rounds: what has converged before it stays as it is


def without_vain_cases(cases: Sequence[Case], attempts: Sequence[Attempt], artifacts: Reader) -> list[Case]:
    """Leave out edits that put a family of models into a script, where a model's script or a case with one has a score already."""
    scored = {attempt.script for attempt in attempts if attempt.turn and attempt.score is not None}
    known = {family for name in scored for family in _families(_called(artifacts.text(name)))}
    return [case for case in cases if not (new := _put_in(case)) or not new <= known]


def without_vain_changes(changes: Sequence[str], script: str, attempts: Sequence[Attempt]) -> list[str]:
    """Leave out changes in what the script never calls, and those of a cap on rounds that made no difference to the best one.

    `attempts` are those of a branch, newest first.
    """
    source = Source.of(script)
    idle = _idle(source.tree) if source else []
    unused = {p.name for p in places(script) if any(is_within(p.node, part) for part in idle)}
    since = takewhile(lambda one: one.status != "keep", attempts)  # of the best script as it is
    same = [one for one in since if one.score is not None and one.score == one.score_before]
    tuned = {_number(one.plan.get("instruction", "")) for one in same if one.plan.get("action") == "tune"}
    gone = unused | {name for name in tuned if name.partition("#")[0].endswith(f".{CAP}")}
    return [change for change in changes if _number(change) not in gone]


def _number(change: str) -> str:
    return change.partition(" = ")[0]


def _families(names: Collection[str]) -> set[str]:
    return {"boosted" if BOOSTED.search(name) else name for name in names}


def _put_in(case: Case) -> set[str]:
    """Return the families of models that an edit puts in the place of others; none of any other case."""
    edit = case.get("edit") or {}
    if edit.get("op") != "exchange_estimator":
        return set()
    new = [str(edit.get(kind) or "") for kind in ("classifier", "regressor")]
    return _families({name for expression in new for name in names_in(expression)})


def _called(script: str) -> set[str]:
    source = Source.of(script)
    return {name_of(call) for call in source.calls()} if source else set()


def _idle(tree: ast.Module) -> list[ast.stmt]:
    """Return the definitions that nothing which runs names, by and by."""
    waiting = [part for part in tree.body if isinstance(part, DEFINITIONS) and not part.decorator_list]
    running = [part for part in tree.body if part not in waiting]
    for part in running:  # it grows
        named = set(_names(part))
        running += [one for one in waiting if one not in running and one.name in named]
    return [part for part in waiting if part not in running]


def _names(part: ast.stmt) -> Iterator[str]:
    for node in ast.walk(part):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # as in `globals()[name]`
            yield node.value
