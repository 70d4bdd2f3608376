"""Score against dollars: how far the runs of each setting had come by the time they had spent so much."""

import csv
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from budgetmlagent.bench.axes import Axes
from budgetmlagent.bench.picture import colour_of, line
from budgetmlagent.bench.summary import failed, task_of, way
from memory.files import SMALL, read_plain

Row = Mapping[str, Any]
Steps = list[tuple[float, float]]  # dollars spent, and the share of the way reached by then; both only grow
STEPS = 60  # places of a curve, at most


@dataclass(frozen=True)
class Curves:
    """What the template draws: a polyline a setting, with its name and colour."""

    axes: Axes
    lines: list[tuple[str, str, str]]


def curves(rows: Sequence[Row], names: Mapping[tuple[str, str], str]) -> Curves | None:
    """Return the curve of each setting in `names`: the mean over its runs, by the scores that guided them; None for none."""
    reached = _reached(rows)
    found = {}
    for which in names:
        mine = [reached[row["cell"]] for row in rows if way(row) == which and row["cell"] in reached]
        if mine:
            found[which] = _mean(mine)
    if not found:
        return None
    everything = [point for points in found.values() for point in points]
    axes = Axes.around((usd for usd, _ in everything), (share for _, share in everything))
    return Curves(
        axes,
        [
            (name, colour_of(number), line(_stairs(axes, found[which])))
            for number, (which, name) in enumerate(names.items())
            if which in found
        ],
    )


def _reached(rows: Sequence[Row]) -> dict[str, Steps]:
    """Return of each run how its best score grew, as a share of the way from the starter to the best that any run of its task has.

    A run that failed has come nowhere, however much it spent.
    """
    told = {
        row["cell"]: row
        for row in rows
        if not failed(row) and None not in (row.get("baseline"), row.get("best"), row.get("usd"))
    }
    best: dict[str, float] = {}
    for row in told.values():
        gained = row["best"] - row["baseline"]
        if abs(gained) > abs(best.get(task_of(row), 0.0)):
            best[task_of(row)] = gained
    nowhere = {
        row["cell"]: [(0.0, 0.0), (float(row.get("usd") or 0.0), 0.0)]
        for row in rows
        if failed(row) and task_of(row) in best
    }
    return nowhere | {
        cell: [
            (usd, (score - row["baseline"]) / best[task_of(row)])
            for usd, score in [(0.0, row["baseline"]), *_kept(row), (row["usd"], row["best"])]
        ]
        for cell, row in told.items()
        if task_of(row) in best
    }


def _kept(row: Row) -> Steps:
    """Return the scores that a run kept, each with what its attempts had cost by then; none where its folder is elsewhere."""
    try:
        text = read_plain(Path(row["run_dir"]) / "results.tsv", SMALL).decode()
        lines = list(csv.DictReader(text.splitlines(), delimiter="\t"))
        paid = accumulate(float(each["dollars"]) for each in lines)
        return [
            (min(usd, row["usd"]), float(each["score"]))
            for usd, each in zip(paid, lines, strict=True)
            if each["status"] == "keep"
        ]
    except (OSError, KeyError, ValueError):
        return []


def _mean(runs: Sequence[Steps]) -> Steps:
    """Return the mean of step functions at the places where one of them steps, thinned to `STEPS`."""
    places = np.unique([usd for run in runs for usd, _ in run])
    places = places[np.unique(np.linspace(0, len(places) - 1, STEPS).round().astype(int))]
    dollars = [[usd for usd, _ in run] for run in runs]
    return [
        (float(at), float(np.mean([run[bisect_right(spent, at) - 1][1] for run, spent in zip(runs, dollars, strict=True)])))
        for at in places
    ]  # fmt: skip


def _stairs(axes: Axes, points: Steps) -> Sequence[tuple[float, float]]:
    """Return the corners of a step function: a score holds until the next one is there."""
    corners = [(axes.x(points[0][0]), axes.y(points[0][1]))]
    for (_, before), (usd, share) in pairwise(points):
        corners += [(axes.x(usd), axes.y(before)), (axes.x(usd), axes.y(share))]
    return [*corners, (axes.x(axes.most), corners[-1][1])]
