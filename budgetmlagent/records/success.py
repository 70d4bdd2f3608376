"""What a run's gain is worth: MLAgentBench's criterion, the error that is left, and what plain boosting reaches on the task."""

import re
from collections.abc import Mapping
from typing import Any

from budgetmlagent.inside.briefing.metrics import METRICS
from budgetmlagent.tasks.folder import TaskFolder
from memory.files import parsed, read_plain
from memory.scores import percent_better, rises

GOAL = 10.0  # percent better than the starter: success (the paper, section 4)
YARDSTICK = "yardstick.json"  # in the scorer's folder: what `budgetml new task` measured


def error_removed(summary: Mapping[str, Any]) -> float | None:
    """Return the percent of the error left by the starter that the best removed; None where 1 is not known to be perfect.

    Of an error that is measured itself, the gain says this already.
    """
    base, best = summary["private_baseline"], summary["private_best"]
    if not _ends_at_one(summary) or base is None or best is None:
        return None
    return round(100 * (best - base) / (1 - base), 1) if base < 1 and best <= 1 else None


def _ends_at_one(summary: Mapping[str, Any]) -> bool:
    """Whether 1 is the best that the metric can be."""
    known = any(m.best == "max" and _is(m.name, m.pattern, summary["metric"]) for m in METRICS)
    return known and rises(summary["direction"])


def yardstick_of(task: TaskFolder) -> float | None:
    """Return what plain boosting reached on the private answers; None where nobody measured it."""
    try:
        found = parsed(read_plain(task.scoring / YARDSTICK))
    except (OSError, ValueError):
        return None
    score = found.get("private") if isinstance(found, dict) else None
    return float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None


def verdict(summary: Mapping[str, Any]) -> str:
    """Say of a run whose gain is known what it is worth."""
    if summary.get("noise_hidden"):
        return (
            "no success: how far it is off by chance cannot be measured, because on rows drawn anew the best submission"
            " gives no score, another one or a slow one"
        )
    said = [_criterion(summary)]
    removed = error_removed(summary)
    if removed is not None and removed > 0:
        said.append(f"{removed:g}% of the starter's error is removed")
    if (plain := summary.get("yardstick")) is not None:
        said.append(f"{_beside(plain, summary)} plain boosting, which scores {plain:.5g}")
    return "; ".join(said)


def _beside(plain: float, summary: Mapping[str, Any]) -> str:
    """How the best compares with a score, in percent of it."""
    more = round(percent_better(plain, summary["private_best"], summary["direction"]) or 0.0, 1)
    return f"{abs(more):g}% {'better' if more > 0 else 'worse'} than" if more else "as good as"


def _criterion(summary: Mapping[str, Any]) -> str:
    if summary["success"]:
        return "success as MLAgentBench counts it"
    base = summary["private_baseline"]
    if base is not None and _ends_at_one(summary) and 1 - GOAL / (100 + GOAL) < base <= 1:
        return f"no script can gain the {GOAL:g}% that MLAgentBench counts as success where the starter has {base:.3g} of 1"
    if (summary.get("gain_pct") or 0.0) >= GOAL:
        return "no success: less than twice what it may be off by chance"
    return f"not the {GOAL:g}% that MLAgentBench counts as success"


def _is(name: str, pattern: str, said: str) -> bool:
    """Whether a task's metric is the one of this name and pattern."""
    return name == said or re.search(pattern, said.lower()) is not None
