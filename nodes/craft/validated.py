"""What scripts say of their own validation, where the public rows are too few to tell: cases and made starters say it alike."""

import re

from memory import scores
from memory.attempts import Attempt, Execution, Reader
from memory.state import Plan

PRINTED = re.compile(r"^validation \w[\w ]{0,40} ([-+]?\d[\d.]*(?:e[-+]?\d+)?)$", re.MULTILINE)
SHARE = 0.5  # of the noise on the public rows that a gain in validation has to pass: it is made of several times as many rows
UNSURE = 0.01  # share of the best score that its noise is at least: with less, the public rows are enough
TRUSTED = ("", "memory")  # who wrote a script whose word counts: the task's own, and the bank's cases


def validated(
    best: Attempt, plan: Plan, execution: Execution, artifacts: Reader, direction: str, noise: float
) -> float | None:
    """Return what the new script gained over the best by what both, none by a model, printed of their own validation.

    None where that says nothing, or the public rows, on which the gain has this `noise` in the metric's units, are enough.
    """
    writers = best.plan.get("wrote", ""), plan.get("wrote", "")
    enough = noise < UNSURE * abs(best.score or 0.0)
    if enough or not best.execution or any(wrote not in TRUSTED for wrote in writers):
        return None
    known = Execution.of(artifacts.json(best.execution))
    before, after = (_said(artifacts.text(each.output)) for each in (known, execution))
    return None if before is None or after is None else scores.gain(before, after, direction)


def _said(output: str) -> float | None:
    """The last validation score that a script printed."""
    found = PRINTED.findall(output)
    return float(found[-1]) if found else None
