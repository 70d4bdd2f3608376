"""What the rows of a bench say together: rates and means with their intervals, and settings compared run by run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

Row = Mapping[str, Any]
Way = tuple[str, str]  # a graph and a models file, as they were asked for
Interval = tuple[
    float, float | None, float | None
]  # a value, and the bounds of its interval; None: it has none
Z = 1.959964  # of a normal distribution: 95% lie within
DRAWS = 2000  # of the bootstrap
LEAST = 5  # values that have an interval
MANY = 500  # values, above which it would cost more than it tells


def wilson(successes: int, runs: int) -> Interval:
    """Return a success rate with Wilson's 95% interval (JASA 1927, 22:209), which holds for few runs, too."""
    if not runs:
        return 0.0, 0.0, 1.0
    p, n = successes / runs, runs
    middle, half = (p + Z**2 / (2 * n)), Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return p, max(0.0, (middle - half) / (1 + Z**2 / n)), min(1.0, (middle + half) / (1 + Z**2 / n))


def mean(values: Iterable[float]) -> Interval | None:
    """Return a mean with its 95% interval, always the same for the same values; None for no values.

    By bootstrap; of more than `MANY` values by the normal distribution, which is then the same within their noise. Fewer than
    `LEAST`, or values that are all the same, say nothing of how far others might lie: they have no interval.
    """
    data = np.array(list(values), dtype=float)
    if not len(data):
        return None
    middle = float(data.mean())
    if len(data) < LEAST or data.min() == data.max():
        return middle, None, None
    if len(data) > MANY:
        half = Z * float(data.std(ddof=1)) / math.sqrt(len(data))
        return middle, middle - half, middle + half
    draws = np.random.default_rng(0).choice(data, (DRAWS, len(data))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return middle, float(low), float(high)


def way(row: Row) -> Way:
    """Return the setting of a row, as it was asked for: its graph, and its models file."""
    return str(row.get("graph_file") or row["graph"]), str(row.get("models_file", ""))


def task_of(row: Row) -> str:
    """Return the task of a row, as it was asked for: two folders may call theirs by one name."""
    return str(row.get("task_folder") or row["task"])


def failed(row: Row) -> bool:
    """Whether a run failed: what the person has is then the starter."""
    return row.get("status") == "failed"


def normalised(rows: Sequence[Row]) -> dict[str, float]:
    """Return of each cell the share of the way from the starter to the best private score that a run of its task reached.

    1 is the best of this bench, 0 the starter, which is what a run that failed leaves; where nothing improved a task, -1 is the
    worst. Left out are tasks and runs without private scores.
    """
    moved = {row["cell"]: 0.0 if failed(row) else _moved(row) for row in rows}
    most: dict[str, float] = {}  # by which a task was improved, or else at most worsened
    unknown = {task_of(row) for row in rows if moved[row["cell"]] is None}
    for row in rows:
        far, before = moved[row["cell"]], most.get(task_of(row), 0.0)
        if far is not None and not failed(row):
            most[task_of(row)] = max(far, before) if max(far, before) > 0 else min(far, before)
    return {
        row["cell"]: far / (abs(most.get(task_of(row), 0.0)) or 1.0)
        for row in rows
        if (far := moved[row["cell"]]) is not None and (task_of(row) in most or task_of(row) not in unknown)
    }


def _moved(row: Row) -> float | None:
    """Return by how much a run's private score is better than the starter's; None where that is not known."""
    before, after = row.get("private_baseline"), row.get("private_best")
    if before is None or after is None:
        return None
    if (direction := row.get("direction")) is not None:
        return float(before - after if direction == "min" else after - before)
    return math.copysign(abs(after - before), row.get("gain_pct") or 0.0)


MEANS = ("gain_pct", "usd", "tokens_in", "tokens_out", "seconds", "expert_calls", "turns")


def summed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one object a setting. A value with its interval is a list [value, low, high], both null where there is none; null
    where nothing is known. A run that failed has gained nothing.
    """
    share, found = normalised(rows), []
    for which, mine in _by_way(rows).items():
        gains = [0.0 if failed(row) and row["cell"] in share else row.get("gain_pct") for row in mine]
        means = {name: mean(row[name] for row in mine if row.get(name) is not None) for name in MEANS}
        found.append(
            {
                "graph": which[0],
                "models_file": which[1],
                "runs": len(mine),
                "failed": sum(map(failed, mine)),
                "success": wilson(sum(_succeeded(row) for row in mine), len(mine)),
                "normalised_gain": mean(share[row["cell"]] for row in mine if row["cell"] in share),
                **means,
                "gain_pct": mean(gain for gain in gains if gain is not None),
            }
        )
    return found


def compared(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each pair of settings, compared on the tasks and seeds that both have run: what the second has more.

    `better`, `even` and `worse` count the runs by their normalised gain; `failed`, how many of each setting's failed.
    """
    share, found = normalised(rows), []
    ran = {which: {(task_of(row), row["seed"]): row for row in mine} for which, mine in _by_way(rows).items()}
    for (first, one), (second, two) in combinations(ran.items(), 2):
        both = [(one[key], two[key]) for key in one if key in two]
        known = [(a, b) for a, b in both if a["cell"] in share and b["cell"] in share]
        more = [share[b["cell"]] - share[a["cell"]] for a, b in known]
        paid = [(b["usd"] - a["usd"]) for a, b in both if None not in (a.get("usd"), b.get("usd"))]
        found.append(
            {
                "first": list(first),
                "second": list(second),
                "pairs": len(both),
                "failed": [sum(failed(a) for a, _ in both), sum(failed(b) for _, b in both)],
                "normalised_gain": mean(more),
                "success": mean(_succeeded(b) - _succeeded(a) for a, b in both),
                "usd": mean(paid),
                "better": sum(each > 1e-9 for each in more),
                "even": sum(abs(each) <= 1e-9 for each in more),
                "worse": sum(each < -1e-9 for each in more),
            }
        )
    return found


def _succeeded(row: Row) -> bool:
    return bool(row.get("success")) and not failed(row)


def _by_way(rows: Sequence[Row]) -> dict[Way, list[Row]]:
    found: dict[Way, list[Row]] = {}
    for row in rows:
        found.setdefault(way(row), []).append(row)
    return found
