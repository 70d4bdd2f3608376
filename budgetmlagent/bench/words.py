"""How a bench's settings and numbers are told to people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.bench.summary import Way, task_of, way
from budgetmlagent.wording import counted

Bounded = Sequence[float | None]  # a value, and the bounds of its interval


@dataclass(frozen=True)
class Names:
    """What the tasks, graphs and models of a bench are called, each as shortly as tells it from the others."""

    tasks: Mapping[str, str]
    graphs: Mapping[str, str]
    models: Mapping[str, str]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "Names":
        """Return the names of what is in the rows."""
        ways = [way(row) for row in rows]
        return cls(
            shortest(map(task_of, rows)),
            shortest(graph for graph, _ in ways),
            shortest(models for _, models in ways),
        )

    def setting(self, which: Way | Sequence[str]) -> str:
        """Return the name of a setting; the embedded models go without saying."""
        graph, models = which
        return f"{self.graphs[graph]}, {self.models[models]}" if models else self.graphs[graph]

    def task(self, row: Mapping[str, Any]) -> str:
        """Return the name of a row's task."""
        return self.tasks[task_of(row)]


def shortest(places: Iterable[str]) -> dict[str, str]:
    """Return of each path, or name, the shortest end that no other has: of v1/g.yaml `g`, or `v1/g` where there is v2/g.yaml, too."""
    parts = {place: _parts(place) for place in places}
    used = dict.fromkeys(parts, 1)
    while True:
        found = {place: "/".join(parts[place][-used[place] :]) for place in parts}
        alike = _alike(found)
        longer = [place for place in alike if used[place] < len(parts[place])]
        if not longer:
            return found | {place: place for place in alike}
        for place in longer:
            used[place] += 1


def _parts(place: str) -> list[str]:
    path = Path(place)
    return [*path.parts[:-1], path.stem if path.suffix in (".yaml", ".yml") else path.name]


def _alike(names: Mapping[str, str]) -> list[str]:
    """Return the places whose names others have, too."""
    called: dict[str, list[str]] = {}
    for place, name in names.items():
        called.setdefault(name, []).append(place)
    return [place for places in called.values() if len(places) > 1 for place in places]


def dollars(value: float) -> str:
    """Tell a sum to its last nano-dollar, and to the cent at least."""
    whole, _, part = f"{value:.9f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def interval(value: Bounded | None, digits: int, sign: str = "") -> str:
    """Tell a value with the bounds of its 95% interval, or that it has none."""
    if value is None or value[0] is None:
        return "-"
    middle, low, high = value
    bounds = "-" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"
    return f"{middle:{sign}.{digits}f} ({bounds})"


def minutes(seconds: Bounded | None) -> list[float | None] | None:
    """Return seconds with the bounds of their interval as minutes."""
    return None if seconds is None else [None if value is None else value / 60 for value in seconds]


def starved_in_words(summary: Iterable[Mapping[str, Any]]) -> str:
    """Say how many runs were starved, and what helps; "" where none was."""
    number = sum(one["starved"] for one in summary)
    if not number:
        return ""
    return (
        f"starved: {counted(number, 'run')} that the budget of all runs cut short, in none of the values; `--continue` with a higher"
        f" `--project-budget` begins {'it' if number == 1 else 'them'} anew"
    )


def number(value: float | None, digits: int, sign: str = "") -> str:
    """Tell a number, or that there is none."""
    return "-" if value is None else f"{value:{sign}.{digits}f}"
