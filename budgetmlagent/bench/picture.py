"""Gain against dollars as a picture: each setting a point with its intervals, and the frontier, which nothing beats in both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from budgetmlagent.bench.axes import Axes

COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#57606a")


@dataclass(frozen=True)
class Point:
    """One setting: where it stands in the picture, with the ends of its two intervals."""

    name: str
    colour: str
    x: float
    y: float
    left: float
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Picture:
    """What the template draws."""

    axes: Axes
    points: list[Point]
    frontier: str  # the points of a polyline


def picture(summary: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Picture | None:
    """Return the picture of the settings that have both a gain and a price; None where there is none."""
    known = [
        (name, colour_of(i), *_bounded(one["usd"]), *_bounded(one["normalised_gain"]))
        for i, (name, one) in enumerate(zip(names, summary, strict=True))
        if one["normalised_gain"] and one["usd"]
    ]
    if not known:
        return None
    axes = Axes.around((each[4] for each in known), (gain for each in known for gain in each[5:]))
    points = [
        Point(name, colour, axes.x(usd), axes.y(gain), axes.x(least), axes.x(most), axes.y(low), axes.y(high))
        for name, colour, usd, least, most, gain, low, high in known
    ]
    return Picture(axes, points, line((point.x, point.y) for point in frontier(points)))


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


def colour_of(number: int) -> str:
    """Return the colour of a setting by its place in the table."""
    return COLOURS[number % len(COLOURS)]


def line(points: Iterable[tuple[float, float]]) -> str:
    """Return the points of an SVG polyline."""
    return " ".join(f"{x},{y}" for x, y in points)
