"""The plane of a bench's pictures: dollars a run across, the normalised gain upwards."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 330, 60, 44, 26, 20
CENT = 0.01  # dollars; below, the axis is linear, above logarithmic: what is free has a place


@dataclass(frozen=True)
class Axes:
    """How far the plane goes: to `most` dollars, from a gain of `low` to one of `high`."""

    most: float
    low: float
    high: float

    @classmethod
    def around(cls, dollars: Iterable[float], gains: Iterable[float]) -> "Axes":
        """Return the axes that hold these, and the gains from 0 to 1 in any case."""
        known = list(gains)
        return cls(max(dollars, default=0.0), min([0.0, *known]), max([1.0, *known]))

    def x(self, dollars: float) -> float:
        """Return where so many dollars stand, in units of the picture."""
        share = _scale(dollars) / max(_scale(self.most), 1.0)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)

    def y(self, gain: float) -> float:
        """Return where a normalised gain stands, in units of the picture, which grow downwards."""
        return round(
            HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (gain - self.low) / (self.high - self.low), 1
        )

    @property
    def across(self) -> list[tuple[float, str]]:
        """The marks of the dollars."""
        within = [value for value in (0.0, 0.01, 0.1, 1.0, 10.0, 100.0) if value <= max(self.most, CENT)]
        return [(self.x(value), f"${value:g}") for value in within]

    @property
    def up(self) -> list[tuple[float, str]]:
        """The marks of the gain."""
        return [(self.y(value), f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)]


def _scale(dollars: float) -> float:
    """Return dollars on an axis that is linear up to a cent, and has a unit for each power of ten above it."""
    return dollars / CENT if dollars <= CENT else 1 + math.log10(dollars / CENT)
