"""What code knows cannot help is not offered to a model that plans freely: its turns are dear, and its list is short."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from memory.attempts import Attempt, Reader
from nodes.craft.estimators import names_in
from nodes.craft.source import Source, name_of

Case = dict[str, Any]
BOOSTED = re.compile("Boosting|LGBM|XGB|CatBoost")  # names of one family: gradient boosted trees


def without_vain_cases(cases: Sequence[Case], attempts: Sequence[Attempt], artifacts: Reader) -> list[Case]:
    """Leave out edits that put a family of models into a script, where a model's script or a case with one has a score already."""
    scored = {attempt.script for attempt in attempts if attempt.turn and attempt.score is not None}
    known = {family for name in scored for family in _families(_called(artifacts.text(name)))}
    return [case for case in cases if not (new := _put_in(case)) or not new <= known]


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
