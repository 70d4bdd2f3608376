"""The plane of a bench's pictures: dollars a run across, or attempts where no run cost any, the normalised gain upwards."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 330, 60, 44, 26, 20
CENT = 0.01  # dollars; below, the axis is linear, above logarithmic: what is free has a place
ROOM = 44  # units of the picture that the text of a mark takes


@dataclass(frozen=True)
class Axes:
    """How far the plane goes: to `most` dollars, or attempts where these are `counted`, from a gain of `low` to one of `high`."""

    most: float
    low: float
    high: float
    counted: bool = False

    @classmethod
    def around(cls, across: Iterable[float], gains: Iterable[float], *, counted: bool = False) -> "Axes":
        """Return the axes that hold these up to the next mark, and the gains from 0 to 1 in any case."""
        known, most = list(gains), max(across, default=0.0)
        end = max(most, 1.0) if counted else next(mark for mark in _dollars(most) if mark >= max(most, CENT))
        return cls(end, min([0.0, *known]), max([1.0, *known]), counted)

    def x(self, across: float) -> float:
        """Return where so many dollars, or attempts, stand, in units of the picture."""
        share = across / self.most if self.counted else _scale(across) / _scale(self.most)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)

    def y(self, gain: float) -> float:
        """Return where a normalised gain stands, in units of the picture, which grow downwards."""
        return round(
            HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (gain - self.low) / (self.high - self.low), 1
        )

    @property
    def across(self) -> list[tuple[float, str]]:
        """The marks across; those without a text stand too near to one that has it."""
        marks: Iterable[float] = takewhile(lambda mark: mark <= self.most, _dollars(self.most))
        if self.counted:
            marks = range(0, int(self.most) + 1, math.ceil(self.most / 10))
        found, free = list[tuple[float, str]](), 0.0
        for x, text in ((self.x(value), f"{value:g}" if self.counted else f"${value:g}") for value in marks):
            found.append((x, text if x >= free else ""))
            free = x + ROOM if x >= free else free
        return found

    @property
    def up(self) -> list[tuple[float, str]]:
        """The marks of the gain."""
        return [(self.y(value), f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)]


def _dollars(most: float) -> Iterator[float]:
    """Yield the marks of dollars, without end: even ones up to a cent, then 1, 2 and 5 of each power of ten."""
    yield from (0.0, 0.002, 0.004, 0.006, 0.008) if most <= CENT else (0.0, 0.005)
    yield from (float(f"{digit}e{power}") for power in count(-2) for digit in (1, 2, 5))


def _scale(dollars: float) -> float:
    """Return dollars on an axis that is linear up to a cent, and has a unit for each power of ten above it."""
    return dollars / CENT if dollars <= CENT else 1 + math.log10(dollars / CENT)
