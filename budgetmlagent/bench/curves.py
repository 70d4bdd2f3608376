"""Score against dollars: how far the runs of each setting had come by the time they had spent so much.

Where no run has cost anything, as by memory and embedded models alone, it is score against attempts.
"""

import csv
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from budgetmlagent.bench.axes import Axes
from budgetmlagent.bench.found import TOLD, run_of
from budgetmlagent.bench.labels import Label, placed
from budgetmlagent.bench.looks import colour_of, dash_of
from budgetmlagent.bench.picture import line
from budgetmlagent.bench.summary import failed, fed, task_of, way
from memory.files import SMALL, read_plain

Row = Mapping[str, Any]
Steps = list[
    tuple[float, float]
]  # dollars or attempts, and the share of the way reached by then; both only grow
STEPS = 60  # places of a curve, at most
WIDE, WIDER, MOST = (
    2.0,
    1.5,
    3,
)  # units of the picture: of a line, more for each that ends at its height, so many times at most
ABOVE = 9.0  # from a line to the middle of its name


@dataclass(frozen=True)
class Line:
    """The curve of a setting as a polyline."""

    name: str
    colour: str
    dash: str
    wide: float  # a line that others come to lie on is wider than they
    points: str


@dataclass(frozen=True)
class Curves:
    """What the template draws: a line a setting; `gone` are those of which it has none, as files of their runs are gone."""

    axes: Axes
    lines: list[Line]
    labels: list[Label]  # above the ends of those that have room for one
    gone: list[str]


def curves(
    rows: Sequence[Row], names: Mapping[tuple[str, str], str], bench: Path | None = None
) -> Curves | None:
    """Return the curve of each setting in `names`: the mean over its runs that were not starved, by the scores that guided
    them; None for none.

    `bench` is the folder in which the runs are looked for first.
    """
    rows = fed(rows)
    free = not any(row.get("usd") for row in rows)
    reached, found, gone = _reached(rows, bench, counted=free), dict[int, Steps](), list[str]()
    for number, which in enumerate(names):
        mine = [reached[row["cell"]] for row in rows if way(row) == which and row["cell"] in reached]
        known = [steps for steps in mine if steps is not None]
        if len(known) < len(mine):  # a mean of the others would be of other tasks and seeds
            gone.append(names[which])
        elif known:
            found[number] = _mean(known)
    if not (found or gone):
        return None
    everything = [point for points in found.values() for point in points]
    axes = Axes.around((at for at, _ in everything), (share for _, share in everything), counted=free)
    called, ends = list(names.values()), [axes.y(points[-1][1]) for points in found.values()]
    wide = [WIDE + WIDER * min(ends[i + 1 :].count(end), MOST) for i, end in enumerate(ends)]
    lines = [
        Line(called[number], colour_of(number), dash_of(number), width, line(_stairs(axes, points)))
        for (number, points), width in zip(found.items(), wide, strict=True)
    ]
    shared = {end: [called[n] for n, its in zip(found, ends, strict=True) if its == end] for end in ends}
    above = [(", ".join(those), axes.x(axes.most), end - ABOVE, 0.0) for end, those in shared.items()]
    return Curves(axes, lines, placed(above, lines=(0,)), gone)


def _reached(rows: Sequence[Row], bench: Path | None, *, counted: bool) -> dict[str, Steps | None]:
    """Return of each run how its best score grew, as a share of the way from the starter to the best that any run of its task has.

    A run that failed has come nowhere, however much it spent; None is one whose files are gone.
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
    found: dict[str, Steps | None] = {
        row["cell"]: [(0.0, 0.0), (float(row.get("usd") or 0.0), 0.0)]
        for row in rows
        if failed(row) and task_of(row) in best
    }
    for cell, row in told.items():
        if whole := best.get(task_of(row)):
            scores = _kept(row, bench, counted=counted)
            found[cell] = scores and [(at, (score - row["baseline"]) / whole) for at, score in scores]
    return found


def _kept(row: Row, bench: Path | None, *, counted: bool) -> Steps | None:
    """Return the scores of a run from its starter's to its best: the first ones that were better, each with what it had cost, or
    the number of its attempt; None where the run's folder is gone.
    """
    try:
        if not (folder := run_of(row, bench)):
            return None
        text = read_plain(folder / TOLD, SMALL).decode()
        lines = list(csv.DictReader(text.splitlines(), delimiter="\t"))
        paid = [min(usd, row["usd"]) for usd in accumulate(float(each["dollars"]) for each in lines)]
        kept = [
            (float(number) if counted else usd, float(each["score"]))
            for number, (usd, each) in enumerate(zip(paid, lines, strict=True))
            if each["status"] == "keep"
        ]
    except (OSError, KeyError, ValueError):
        return None
    end = (float(max(len(lines) - 1, 0)) if counted else row["usd"], row["best"])
    return [(0.0, row["baseline"]), *kept, end]


def _mean(runs: Sequence[Steps]) -> Steps:
    """Return the mean of step functions at the places where one of them steps, thinned to `STEPS`."""
    places = np.unique([at for run in runs for at, _ in run])
    places = places[np.unique(np.linspace(0, len(places) - 1, STEPS).round().astype(int))]
    steps = [[at for at, _ in run] for run in runs]
    return [
        (float(at), float(np.mean([run[bisect_right(its, at) - 1][1] for run, its in zip(runs, steps, strict=True)])))
        for at in places
    ]  # fmt: skip


def _stairs(axes: Axes, points: Steps) -> Sequence[tuple[float, float]]:
    """Return the corners of a step function: a score holds until the next one is there."""
    corners = [(axes.x(points[0][0]), axes.y(points[0][1]))]
    for (_, before), (at, share) in pairwise(points):
        corners += [(axes.x(at), axes.y(before)), (axes.x(at), axes.y(share))]
    return [*corners, (axes.x(axes.most), corners[-1][1])]
