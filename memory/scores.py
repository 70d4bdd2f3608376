"""Which of two scores is better, and by how much. Only here is a metric's direction ("max" or "min") looked at."""


def rises(direction: str) -> bool:
    """Whether a higher score is the better one."""
    return direction == "max"


def worth(score: float, direction: str) -> float:
    """Return the score turned round where a lower one is better: of two, the one that is worth more is better."""
    return score if rises(direction) else -score


def gain(before: float, after: float, direction: str) -> float:
    """Return by how much `after` is better than `before`, in the metric's units; negative where it is worse."""
    return worth(after, direction) - worth(before, direction)


def percent_better(base: float | None, best: float | None, direction: str) -> float | None:
    """Return by how many percent of `base` `best` is better, rounded to 0.01; None where either is unknown.

    Of a base of 0 there are no percents: any gain counts as 100, any loss as -100.
    """
    if base is None or best is None:
        return None
    difference = gain(base, best, direction)
    if base == 0:
        return 0.0 if difference == 0 else (100.0 if difference > 0 else -100.0)
    return round(100.0 * difference / abs(base), 2)
