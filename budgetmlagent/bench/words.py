"""How a bench's settings and numbers are told to people."""

from collections.abc import Sequence
from pathlib import Path


def setting(graph: str, models_file: str) -> str:
    """Return the name of a setting for people."""
    return f"{graph}, {Path(models_file).stem}" if models_file else graph


def interval(value: Sequence[float] | None, digits: int, sign: str = "") -> str:
    """Tell a value with the bounds of its 95% interval."""
    if value is None:
        return "-"
    middle, low, high = value
    return f"{middle:{sign}.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def minutes(seconds: Sequence[float] | None) -> list[float] | None:
    """Return seconds with the bounds of their interval as minutes."""
    return None if seconds is None else [value / 60 for value in seconds]


def number(value: float | None, digits: int, sign: str = "") -> str:
    """Tell a number, or that there is none."""
    return "-" if value is None else f"{value:{sign}.{digits}f}"
