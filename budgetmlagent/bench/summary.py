"""What the rows of a bench say together: rates and means with their intervals, and settings compared run by run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

Row = Mapping[str, Any]
Way = tuple[str, str]  # a graph and a models file
Interval = tuple[float, float, float]  # a value, and the bounds of its interval
Z = 1.959964  # of a normal distribution: 95% lie within
DRAWS = 2000  # of the bootstrap
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

    By bootstrap; of more than `MANY` values by the normal distribution, which is then the same within their noise.
    """
    data = np.array(list(values), dtype=float)
    if not len(data):
        return None
    if len(data) > MANY:
        half = Z * float(data.std(ddof=1)) / math.sqrt(len(data))
        return float(data.mean()), float(data.mean()) - half, float(data.mean()) + half
    draws = np.random.default_rng(0).choice(data, (DRAWS, len(data))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(data.mean()), float(low), float(high)


def way(row: Row) -> Way:
    """Return the setting of a row: its graph, and its models file."""
    return str(row["graph"]), str(row.get("models_file", ""))


def normalised(rows: Sequence[Row]) -> dict[str, float]:
    """Return of each cell the share of the way from the starter to the best private score that a run of its task reached.

    1 is the best of this bench, 0 the starter. Left out are runs without private scores, and tasks that nothing improved.
    """
    told = [row for row in rows if None not in (row.get("private_baseline"), row.get("private_best"))]
    best: dict[str, float] = {}
    for row in told:
        gained = row["private_best"] - row["private_baseline"]
        if (row.get("gain_pct") or 0) > 0 and abs(gained) > abs(best.get(row["task"], 0.0)):
            best[row["task"]] = gained
    return {
        row["cell"]: (row["private_best"] - row["private_baseline"]) / best[row["task"]]
        for row in told
        if row["task"] in best
    }


def summed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one object a setting. A value with its interval is a list [value, low, high]; null where nothing is known."""
    share = normalised(rows)
    found = []
    for graph, models in dict.fromkeys(map(way, rows)):
        mine = [row for row in rows if way(row) == (graph, models)]
        found.append(
            {
                "graph": graph,
                "models_file": models,
                "runs": len(mine),
                "failed": sum(row["status"] == "failed" for row in mine),
                "success": wilson(sum(bool(row.get("success")) for row in mine), len(mine)),
                "normalised_gain": mean(share[row["cell"]] for row in mine if row["cell"] in share),
                **{name: mean(row[name] for row in mine if row.get(name) is not None) for name in MEANS},
            }
        )
    return found


MEANS = ("gain_pct", "usd", "tokens_in", "tokens_out", "seconds", "expert_calls", "turns")


def compared(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each pair of settings, compared on the tasks and seeds that both have run: what the second has more.

    `better`, `even` and `worse` count the runs by their normalised gain.
    """
    share, found = normalised(rows), []
    for first, second in combinations(dict.fromkeys(map(way, rows)), 2):
        one, two = (
            {(row["task"], row["seed"]): row for row in rows if way(row) == which}
            for which in (first, second)
        )
        both = [(one[key], two[key]) for key in one if key in two]
        known = [(a, b) for a, b in both if a["cell"] in share and b["cell"] in share]
        more = [share[b["cell"]] - share[a["cell"]] for a, b in known]
        paid = [(b["usd"] - a["usd"]) for a, b in both if None not in (a.get("usd"), b.get("usd"))]
        found.append(
            {
                "first": list(first),
                "second": list(second),
                "pairs": len(both),
                "normalised_gain": mean(more),
                "success": mean(bool(b.get("success")) - bool(a.get("success")) for a, b in both),
                "usd": mean(paid),
                "better": sum(each > 1e-9 for each in more),
                "even": sum(abs(each) <= 1e-9 for each in more),
                "worse": sum(each < -1e-9 for each in more),
            }
        )
    return found
