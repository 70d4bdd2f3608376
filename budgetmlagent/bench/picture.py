"""Gain against dollars as a picture: each setting a point with its intervals, and the frontier, which nothing beats in both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 330, 60, 44, 26, 20
CENT = 0.01  # dollars; below, the axis is linear, above logarithmic: what is free has a place
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

    points: list[Point]
    frontier: str  # the points of a polyline
    across: list[tuple[float, str]]  # marks of the dollars
    up: list[tuple[float, str]]  # of the normalised gain


def picture(summary: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Picture | None:
    """Return the picture of the settings that have both a gain and a price; None where there is none."""
    known = [
        (name, one) for name, one in zip(names, summary, strict=True) if one["normalised_gain"] and one["usd"]
    ]
    if not known:
        return None
    most: float = max(one["usd"][2] for _, one in known)
    gains = [value for _, one in known for value in one["normalised_gain"]]
    low: float = min(0.0, *gains)
    high: float = max(1.0, *gains)

    def x(dollars: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (_scale(dollars) / max(_scale(most), 1.0))

    def y(gain: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (gain - low) / (high - low)

    points = [
        Point(
            name, COLOURS[i % len(COLOURS)],
            *(round(value, 1) for value in (x(one["usd"][0]), y(one["normalised_gain"][0]))),
            *(round(x(value), 1) for value in one["usd"][1:]), *(round(y(value), 1) for value in one["normalised_gain"][1:]),
        )
        for i, (name, one) in enumerate(known)
    ]  # fmt: skip
    dollars = [value for value in (0.0, 0.01, 0.1, 1.0, 10.0, 100.0) if value <= max(most, CENT)]
    return Picture(
        points,
        " ".join(f"{point.x},{point.y}" for point in frontier(points)),
        [(round(x(value), 1), f"${value:g}") for value in dollars],
        [(round(y(value), 1), f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)],
    )


def frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats, from the cheapest: dearer ones only where they gain more."""
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, point.y)):
        if not found or point.y < found[-1].y:  # y grows downwards
            found.append(point)
    return found


def _scale(dollars: float) -> float:
    """Return dollars on an axis that is linear up to a cent, and has a unit for each power of ten above it."""
    return dollars / CENT if dollars <= CENT else 1 + math.log10(dollars / CENT)
