"""How much a score says: the rows that it is made of, and how large a difference is chance, as far as code knows it."""

import math
import re
from collections.abc import Sequence

from memory.attempts import Attempt, Records, Score, scored
from memory.noise import spread

NEWEST = 3  # attempts, of which the least noise is told
OFF = 1e-6  # by which a score is, as scorers tell six digits
# Names of metrics that are the share of rows which are answered right, or wrong.
SHARE = re.compile(
    r"(?i)(?:(?:test|validation|classification|subset)[ _-])?(?:acc|accuracy|error[ _-]rate|exact[ _-]match)\Z"
)


def chance(attempts: Sequence[Attempt], best: Attempt | None, artifacts: Records, metric: str) -> str:
    """Return in the metric's units what a difference of scores says, in a sentence or two; "" without a score."""
    if best is None or best.score is None:
        return ""
    known = scored(best, artifacts)
    return " ".join(filter(None, [_made_of(known, metric), _noise(attempts, known)]))


def _made_of(score: Score, metric: str) -> str:
    """Say of how many rows a score is made, and what one of them is worth where the metric is a share of them."""
    if score.value is None or not score.rows:
        return ""
    right = score.value * score.rows
    is_share = SHARE.match(metric) and 0 <= score.value <= 1 and abs(right - round(right)) <= OFF * score.rows
    worth = f": one row more or less is {1 / score.rows:.2g}" if is_share else ""
    return f"A score is made of {score.rows:,} hidden row{'s' * (score.rows > 1)}{worth}."


def _noise(attempts: Sequence[Attempt], best: Score) -> str:
    """Say how large the noise of a gain is in this branch, else that of the best score; "" where there is none.

    It is one standard error, by which the evaluator judges a gain, too: that of the two scripts among the newest that answer
    most alike, as what is tried next is like one of them.
    """
    least = OFF * abs(best.value or 0.0)  # the noise of two scripts that answer alike is rounding
    if noises := [attempt.noise for attempt in attempts if attempt.noise and attempt.noise > least]:
        return f"Differences below about {min(noises[-NEWEST:]):.1g} are chance."
    off = spread(best.samples, paired=best.paired)
    if off is None:
        why = (
            ", as scripts report their scores themselves: of few rows it is large, and more folds make it smaller"
            if best.reported
            else ""
        )
        return f"How large a difference is chance is not known{why}."
    if not off:
        return ""
    if (
        best.paired
    ):  # of the difference of two scripts, which are scored on the same rows, it is not known yet
        return f"By chance a score is off by about {off:.1g}; two scripts differ by less chance, as they have the same rows."
    return f"Differences below about {math.hypot(off, off):.1g} are chance."
