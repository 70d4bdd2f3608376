"""How far a gain may be off by chance, from the samples of two scores: its standard error. Pure arithmetic."""

import math
from collections.abc import Sequence
from statistics import stdev

FEWEST = 20  # pairs; the spread of fewer says little
LOST = 0.1  # of the best's samples, where the new one has none: those that are left may be chosen ones


def noise_of(best: Sequence[float | None], new: Sequence[float | None], *, paired: bool) -> float | None:
    """Return the standard error of `new` minus `best`, in the metric's units; None where it cannot be known.

    Paired samples are scores on the same resamples of the rows, None where the metric gave none: the noise is the
    standard deviation of the differences of at least 20 pairs, unless `new` lacks many that `best` has. Others are repeats of a measurement, at least two of
    each: the noise is that of the difference of the two means.
    """
    try:
        noise = _of_pairs(best, new) if paired else _of_means(best, new)
    except OverflowError:
        return None
    return noise if noise is not None and math.isfinite(noise) else None


def spread(samples: Sequence[float | None], *, paired: bool) -> float | None:
    """Return the standard error of one score by its samples; None where it cannot be known."""
    return noise_of([0.0] * len(samples), samples, paired=paired)


def is_hidden(best: Sequence[float | None], *, paired: bool) -> bool:
    """Tell of an unknown noise whether it could be known, by the samples of `best`: then it is `new` that hides it."""
    return noise_of(best, best, paired=paired) is not None


def in_words(gain: float, noise: float, best: float) -> str:
    """Tell a gain over `best` and its noise, in percent of `best` where that is not zero."""
    if best:
        return f"{100 * gain / abs(best):+.2g}% is within the noise of ±{100 * noise / abs(best):.2g}%"
    return f"{gain:+.2g} is within the noise of ±{noise:.2g}"


def _of_pairs(best: Sequence[float | None], new: Sequence[float | None]) -> float | None:
    pairs = zip(best, new, strict=False)  # a slow metric was called on the first resamples only
    of_best = [(before, after) for before, after in pairs if before is not None]
    differences = [after - before for before, after in of_best if after is not None]
    few = len(differences) < max(FEWEST, (1 - LOST) * len(of_best))
    if few or not all(map(math.isfinite, differences)):
        return None
    return stdev(differences)


def _of_means(best: Sequence[float | None], new: Sequence[float | None]) -> float | None:
    known = [[value for value in samples if value is not None] for samples in (best, new)]
    if min(map(len, known)) < 2:
        return None
    return math.hypot(*(stdev(values) / math.sqrt(len(values)) for values in known))
