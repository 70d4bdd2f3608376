"""How large a difference of two scores is chance: as far as code knows it, in the words that capable models read."""

import math
from collections.abc import Sequence

from memory.attempts import Attempt, Records, scored
from memory.noise import spread

NEWEST = 3  # attempts, of which the least noise is told


def chance(attempts: Sequence[Attempt], best: Attempt | None, artifacts: Records) -> str:
    """Return a sentence, in the metric's units: the noise of a gain in this branch, else the best score's; "" without a score.

    It is one standard error, by which the evaluator judges a gain, too: that of the two scripts among the newest that answer
    most alike, as what is tried next is like one of them.
    """
    if best is None or best.score is None:
        return ""
    if noises := [attempt.noise for attempt in attempts if attempt.noise]:
        return f"Differences below about {min(noises[-NEWEST:]):.1g} are chance."
    known = scored(best, artifacts)
    off = spread(known.samples, paired=known.paired)
    if off is None:
        why = ", as scripts report their scores themselves" if best.reported else ""
        return f"How large a difference is chance is not known{why}."
    if not off:
        return ""
    if (
        known.paired
    ):  # of the difference of two scripts, which are scored on the same rows, it is not known yet
        return f"By chance a score is off by about {off:.1g}; two scripts differ by less chance, as they have the same rows."
    return f"Differences below about {math.hypot(off, off):.1g} are chance."
