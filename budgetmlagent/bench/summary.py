"""What the rows of a bench say together: rates and means with their intervals, and settings compared run by run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from budgetmlagent.bench.intervals import Value, mean, rate

Row = Mapping[str, Any]
Way = tuple[str, str]  # a graph and a models file, as they were asked for


def way(row: Row) -> Way:
    """Return the setting of a row, as it was asked for: its graph, and its models file."""
    return str(row.get("graph_file") or row["graph"]), str(row.get("models_file", ""))


def task_of(row: Row) -> str:
    """Return the task of a row, as it was asked for: two folders may call theirs by one name."""
    return str(row.get("task_folder") or row["task"])


def starved(row: Row) -> bool:
    """Whether what all runs may spend together kept a run from going its way: it says nothing of its setting."""
    return row.get("cut_short_by") == "project"


def fed(rows: Sequence[Row]) -> list[Row]:
    """Return the rows but the starved ones'."""
    return [row for row in rows if not starved(row)]


def failed(row: Row) -> bool:
    """Whether a run failed: what the person has is then the starter."""
    return row.get("status") == "failed"


def normalised(rows: Sequence[Row]) -> dict[str, float]:
    """Return of each cell the share of the way from the starter to the best private score that a run of its task reached.

    1 is the best of this bench, 0 the starter, which is what a run that failed leaves; where nothing improved a task, -1 is the
    worst. Left out are starved runs, and tasks and runs without private scores.
    """
    rows = fed(rows)
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


MEANS = ("usd", "tokens_in", "tokens_out", "seconds", "expert_calls", "turns")


def summed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one object a setting. A value with its interval is a list [value, low, high], both null where there is none; null
    where nothing is known. A run that failed has gained nothing; one that was starved is counted, and is in no value.
    """
    share, found = normalised(rows), []
    for which, all_mine in _by_way(rows).items():
        mine = fed(all_mine)
        gains = [(row, 0.0 if failed(row) and row["cell"] in share else row.get("gain_pct")) for row in mine]
        found.append(
            {
                "graph": which[0],
                "models_file": which[1],
                "runs": len(all_mine),
                "failed": sum(map(failed, mine)),
                "starved": len(all_mine) - len(mine),
                "success": rate(_known((row, _succeeded(row)) for row in mine)),
                "normalised_gain": mean(_known((row, share.get(row["cell"])) for row in mine), high=1.0),
                **{name: mean(_known((row, row.get(name)) for row in mine), low=0.0) for name in MEANS},
                "gain_pct": mean(_known(gains)),
            }
        )
    return found


def _known(values: Iterable[tuple[Row, float | None]]) -> list[Value]:
    """Return what is known of runs, each with its task."""
    return [(task_of(row), float(value)) for row, value in values if value is not None]


def compared(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each pair of settings, compared on the tasks and seeds that both have run: what the second has more.

    `better`, `even` and `worse` count the runs by their normalised gain; `failed`, how many of each setting's failed. Starved runs
    are in no pair.
    """
    share, found = normalised(rows), []
    ran = {
        which: {(task_of(row), row["seed"]): row for row in mine}
        for which, mine in _by_way(fed(rows)).items()
    }
    for (first, one), (second, two) in combinations(ran.items(), 2):
        both = [(one[key], two[key]) for key in one if key in two]
        known = [(a, b) for a, b in both if a["cell"] in share and b["cell"] in share]
        more = [(a, share[b["cell"]] - share[a["cell"]]) for a, b in known]
        paid = [(a, b["usd"] - a["usd"]) for a, b in both if None not in (a.get("usd"), b.get("usd"))]
        found.append(
            {
                "first": list(first),
                "second": list(second),
                "pairs": len(both),
                "failed": [sum(failed(a) for a, _ in both), sum(failed(b) for _, b in both)],
                "normalised_gain": mean(_known(more)),
                "success": mean(
                    _known((a, _succeeded(b) - _succeeded(a)) for a, b in both), low=-1.0, high=1.0
                ),
                "usd": mean(_known(paid)),
                "better": sum(each > 1e-9 for _, each in more),
                "even": sum(abs(each) <= 1e-9 for _, each in more),
                "worse": sum(each < -1e-9 for _, each in more),
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
