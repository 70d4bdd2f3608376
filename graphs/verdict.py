"""What a predicate answers, and what several of them look at."""

from collections.abc import Callable
from typing import Any, NamedTuple

from memory.scores import percent_better
from memory.state import RunState


class Verdict(NamedTuple):
    """Whether a predicate holds, and what it looked at."""

    holds: bool
    saw: dict[str, Any]


Predicate = Callable[..., Verdict]


def gain_percent(state: RunState) -> float | None:
    """How much better the best is than the baseline, in percent of the baseline; None where either is unknown."""
    base, best = state.task.get("baseline"), state.best.get("score")
    return percent_better(base, best, state.task.get("direction", "max"))


def is_perfect(state: RunState) -> bool:
    """Tell whether the best has a score that no script beats."""
    perfect = state.task.get("perfect")
    return perfect is not None and state.best.get("score") == perfect


def plans_freely(state: RunState, *names: str) -> dict[str, bool]:
    """Tell of models whether they plan freely; those of a run of an older version do not."""
    models = state.task.get("models", {})
    return {name: name in models and models[name]["free"] for name in names}
