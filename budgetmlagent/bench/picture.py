"""Gain against dollars as a picture: each setting a point with its intervals, and the frontier, which nothing beats in both."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from budgetmlagent.bench.axes import Axes
from budgetmlagent.bench.labels import Label, placed
from budgetmlagent.bench.looks import colour_of, mark_of

HALF = 6.0  # units of the picture, as those below: of a mark, at most, from its middle
NEAR = 9.0  # marks that are nearer to each other would hide each other


@dataclass(frozen=True)
class Point:
    """One setting: where it stands in the picture, with the ends of its two intervals.

    `size` is 1 for a mark that stands alone; a larger one is a ring around those that would hide it.
    """

    name: str
    colour: str
    mark: str
    x: float
    y: float
    left: float
    right: float
    low: float
    high: float
    size: float = 1.0


@dataclass(frozen=True)
class Picture:
    """What the template draws."""

    axes: Axes
    points: list[Point]
    frontier: str  # the points of a polyline
    labels: list[Label]  # of the points that have room for one


def picture(summary: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Picture | None:
    """Return the picture of the settings that have both a gain and a price; None where there is none."""
    known = [
        (i, *_bounded(one["usd"]), *_bounded(one["normalised_gain"]))
        for i, one in enumerate(summary)
        if one["normalised_gain"] and one["usd"]
    ]
    if not known:
        return None
    axes = Axes.around((each[3] for each in known), (gain for each in known for gain in each[4:]))
    points = list[Point]()
    for i, usd, least, most, gain, low, high in known:
        x, y, ends = axes.x(usd), axes.y(gain), (axes.x(least), axes.x(most), axes.y(low), axes.y(high))
        within = sum(_near(x, y, other) for other in points)
        points.append(Point(names[i], colour_of(i), mark_of(i), x, y, *ends, 1 + 0.8 * within))
    joined = line((point.x, point.y) for point in frontier(points))
    wide = [max(HALF * other.size for other in points if _near(one.x, one.y, other)) for one in points]
    marks = [(one.name, one.x, one.y, radius) for one, radius in zip(points, wide, strict=True)]
    return Picture(axes, points, joined, placed(marks))


def _near(x: float, y: float, point: Point) -> bool:
    return math.hypot(x - point.x, y - point.y) < NEAR


def _bounded(value: Sequence[float | None]) -> tuple[float, float, float]:
    """Return a value with its bounds; itself where it has no interval: nothing is drawn of it then."""
    middle, low, high = value
    assert middle is not None, "a mean has a value"
    return middle, middle if low is None else low, middle if high is None else high


def frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats, from the cheapest: dearer ones only where they gain more."""
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, point.y)):
        if not found or point.y < found[-1].y:  # y grows downwards
            found.append(point)
    return found


def line(points: Iterable[tuple[float, float]]) -> str:
    """Return the points of an SVG polyline."""
    return " ".join(f"{x},{y}" for x, y in points)
