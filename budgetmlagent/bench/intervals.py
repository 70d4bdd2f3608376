"""Values of a bench with their 95% intervals, which hold where a task has several runs: these are alike, so tasks are counted.

What a task's runs bring is one value, their mean: a cluster's mean is what is independent of other clusters (Donner and Klar, Design
and Analysis of Cluster Randomization Trials, 2000, ch. 5). Where all runs are of one task, each is a value.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

Interval = tuple[
    float, float | None, float | None
]  # a value, and the bounds of its interval; None: it has none
Value = tuple[str, float]  # a task, and what one of its runs brought
Z = 1.959964  # of a normal distribution: 95% lie within
LEAST = 5  # values that have an interval


def wilson(successes: float, of: int) -> Interval:
    """Return a rate with Wilson's 95% interval (JASA 1927, 22:209), which holds for few, too."""
    if not of:
        return 0.0, 0.0, 1.0
    p, n = successes / of, of
    middle, half = (p + Z**2 / (2 * n)), Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return p, max(0.0, (middle - half) / (1 + Z**2 / n)), min(1.0, (middle + half) / (1 + Z**2 / n))


def rate(values: Iterable[Value]) -> Interval | None:
    """Return the mean of the tasks' rates of success with Wilson's interval for as many as there are tasks; None for no values.

    That is what it would be if all runs of a task succeeded or none, the widest that it can be: few tasks cannot tell how alike their
    runs are.
    """
    each = _of_tasks(values)
    return wilson(math.fsum(each), len(each)) if each else None


def mean(values: Iterable[Value], low: float = -math.inf, high: float = math.inf) -> Interval | None:
    """Return the mean of the tasks' means with Student's t interval over them, between bounds that no value passes; None for no values.

    Fewer than `LEAST`, or values that are all the same, say nothing of how far others might lie: they have no interval.
    """
    each = np.array(_of_tasks(values))
    if not len(each):
        return None
    middle = float(each.mean())
    if len(each) < LEAST or math.isclose(each.min(), each.max()):
        return middle, None, None
    half = _t(len(each) - 1) * float(each.std(ddof=1)) / math.sqrt(len(each))
    return middle, max(low, middle - half), min(high, middle + half)


def _of_tasks(values: Iterable[Value]) -> Sequence[float]:
    """Return the mean of each task's runs; of one task, what each run brought."""
    runs = sorted(values)
    tasks = [[value for _, value in mine] for _, mine in groupby(runs, key=itemgetter(0))]
    return tasks[0] if len(tasks) == 1 else [math.fsum(mine) / len(mine) for mine in tasks]


def _t(free: int) -> float:
    """Return within how much 95% of Student's t with `free` degrees of freedom lie, to a thousandth from 4 on.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + math.fsum(term / free**power for power, term in enumerate(terms, start=1))
