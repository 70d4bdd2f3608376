"""Which rows of a training table are held out: chosen so that they differ from the rest as the test rows do."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

SHARE = 5  # one row in so many is held out
FEWEST = 10  # rows that are held out at least; fewer say nothing
RANDOM = {"how": "random", "by": None, "time": None}


def held_out(
    columns: Mapping[str, Sequence[str]],
    features: Sequence[str],
    split: Mapping[str, Any],
    *,
    seed: str,
    most: int,
) -> set[int]:
    """Return the places of at most `most` rows of a table given by its `columns`; none where it cannot be done so.

    `split` is the briefing's (`memory.briefing.Split`): at random, whole groups, the last rows, or the last of each group. What
    is drawn hangs on `seed` and the rows alone, and rows of the same features go the same way.
    """
    size = len(next(iter(columns.values())))
    wanted = min(most, size // SHARE)
    by, time = (columns.get(str(split[key])) for key in ("by", "time"))
    if split["how"] == "group" and by:
        found = _drawn(by, seed, wanted)
    elif split["how"] == "last" and time:
        found = _last(range(size), time, wanted)
    elif split["how"] == "last_in_group" and by and time:
        groups: dict[str, list[int]] = {}
        for place, name in enumerate(by):
            groups.setdefault(name, []).append(place)
        found = set().union(*(_last(rows, time, wanted * len(rows) // size) for rows in groups.values()))
    else:
        found = _drawn(
            ["\0".join(row) for row in zip(*(columns[name] for name in features), strict=True)], seed, wanted
        )
    return found if FEWEST <= len(found) <= most else set()


def _drawn(names: Sequence[str], seed: str, wanted: int) -> set[int]:
    """Draw all rows of a name together, by the hashes of the names, until there are `wanted` rows or nearly so."""
    groups: dict[bytes, list[int]] = {}
    for place, name in enumerate(names):
        told = f"{seed}\0{name}".encode("utf-8", "surrogatepass")
        groups.setdefault(hashlib.sha256(told).digest(), []).append(place)
    found = set[int]()
    for _, rows in sorted(groups.items()):
        if len(found) + len(rows) <= wanted:
            found.update(rows)
    return found


def _last(rows: Sequence[int], time: Sequence[str], wanted: int) -> set[int]:
    """Return the last rows, `wanted` of them or as many fewer as share the first one's time."""
    when = {place: _moment(time[place]) for place in rows}
    if wanted < 1 or any(moment is None for moment in when.values()):
        return set()
    ordered = sorted(moment for moment in when.values() if moment is not None)
    if wanted >= len(ordered):
        return set()
    before = ordered[-wanted - 1]
    return {place for place, moment in when.items() if moment is not None and moment > before}


def _moment(cell: str) -> float | None:
    """Return a number or a date of ISO 8601 as a number; None for anything else."""
    try:
        return float(cell)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(cell).timestamp()
    except (ValueError, OverflowError):
        return None
