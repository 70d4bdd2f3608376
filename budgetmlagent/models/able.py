"""What is believed of a model: what its profile shows, else a careful guess by its size, its price and LangChain's profile."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter

from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models import profiles, shown
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import profile
from budgetmlagent.models.window import window
from budgetmlagent.money.prices import Rates
from budgetmlagent.money.usage import MOST_TOKENS
from nodes.able import Able

SMALL = Able(plans="menu", lines=40, edits=False)
MIDDLE = Able(plans="menu", lines=60, edits=False)
CAPABLE = Able(plans="free", lines=300, edits=True, window=32_768)
MOST_LINES = 10**5  # of a script, that can be believed
# Billions of parameters, up to which a model is the weakest and small, and from which it is no longer middle.
TINY, FEW, SOME = 1.0, 5.0, 20.0
# A size as names have it: 0.5b, 8x7B, e4b, 135m; and 17B-128E, which is the part of a mixture that works at a time.
_SIZE = re.compile(r"(?i)(?<![a-z0-9.])(?:[ae])?(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?:-(\d+)e)?(?![a-z0-9])")


def guess(spec: ModelSpec) -> Able:
    """What a model can do, by models.yaml and its name; nothing is sent."""
    size = billions(spec.model)
    able = _by_size(size) if size is not None else _by_place(spec)
    return replace(able, window=window(spec) or able.window)


def billions(model: str) -> float | None:
    """The billions of parameters that a model's name tells, the largest number of them; None where it tells none.

    Of a mixture it is all of them, or more: its experts have parts in common.
    """
    found = [
        int(times or experts or 1) * float(number) * (1.0 if unit in "bB" else 1e-3)
        for times, number, unit, experts in _SIZE.findall(model.rpartition("/")[2])
    ]
    return max(found, default=None)


def _by_size(size: float) -> Able:
    return Able() if size <= TINY else SMALL if size <= FEW else MIDDLE if size < SOME else CAPABLE


def _by_place(spec: ModelSpec) -> Able:
    """Of a model of unknown size: who is known, thinks or has a price is large."""
    if spec.base_url == EMBEDDED:
        return SMALL
    thinks = spec.reasoning not in (None, "none")
    priced = spec.price is None or (isinstance(spec.price, Rates) and spec.price.output > 0)
    return CAPABLE if thinks or priced or profile(spec.model) else MIDDLE


def able_of(spec: ModelSpec, *, runs: bool = True) -> Able:
    """What a model can do, by the profile that was made of it; else a guess, refined by what `runs` have shown."""
    if profile := profiles.profile_of(spec):
        return profile.able(guess(spec))
    return shown.shown_by(spec).refined(guess(spec)) if runs else guess(spec)


def believed(specs: Iterable[ModelSpec], *, runs: bool) -> dict[str, dict[str, Any]]:
    """What a run is to believe of its models, as its config keeps it: the fields of `Able` by name."""
    return {spec.name: asdict(able_of(spec, runs=runs)) for spec in specs}


def read(kept: Mapping[str, Any]) -> dict[str, Able]:
    """What a config says that its run believes. Raises ValueError where that is nothing to believe."""
    found = TypeAdapter(dict[str, Able]).validate_python(kept)
    for name, can in found.items():
        if not (0 <= can.lines <= MOST_LINES and 0 < can.window <= MOST_TOKENS):
            raise ValueError(f"{name}: {can.lines} lines in {can.window} tokens")
    return found
