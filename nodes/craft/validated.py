"""What scripts say of their own validation, where the public rows are too few to tell: cases and made starters say it alike."""

import re

from memory import scores
from memory.attempts import Attempt, Execution, Reader
from memory.state import Plan

PRINTED = re.compile(r"^validation \w[\w ]{0,40} ([-+]?\d[\d.]*(?:e[-+]?\d+)?)$", re.MULTILINE)
SHARE = 0.5  # of the noise on the public rows that a gain in validation has to pass: it is made of several times as many rows
UNSURE = 0.01  # share of the best score that its noise is at least: with less, the public rows are enough
TRUSTED = ("", "memory")  # who wrote a script whose word counts: the task's own, and the bank's cases


def agrees(
    best: Attempt, plan: Plan, execution: Execution, artifacts: Reader, direction: str, noise: float
) -> bool:
    """Whether the best script and the new one, none by a model, validated themselves, and the new one gained there, too.

    `noise` is that of the gain on the public rows, in the metric's units; the gain in validation must be more than half of it.
    """
    writers = best.plan.get("wrote", ""), plan.get("wrote", "")
    enough = noise < UNSURE * abs(best.score or 0.0)
    if enough or not best.execution or any(wrote not in TRUSTED for wrote in writers):
        return False
    known = Execution.of(artifacts.json(best.execution))
    before, after = (_said(artifacts.text(each.output)) for each in (known, execution))
    return before is not None and after is not None and scores.gain(before, after, direction) > SHARE * noise


def _said(output: str) -> float | None:
    """The last validation score that a script printed."""
    found = PRINTED.findall(output)
    return float(found[-1]) if found else None
