"""All runs as one table: what `budgetml list --json` prints, as a DataFrame of pandas."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.records import rundir
from budgetmlagent.records.standing import summary_of

if TYPE_CHECKING:
    import pandas as pd

FIRST = (
    "run_id",
    "task",
    "graph",
    "status",
    "metric",
    "baseline",
    "best",
    "gain_pct",
    "success",
    "usd",
    "calls",
    "turns",
)


def runs(place: str | Path = "runs") -> "pd.DataFrame":
    """Return the runs of a folder, a row each, newest last; `place` may also be a bench's results.json, or a .jsonl file with a summary a line.

    The columns are the keys of run.json, what is looked for first in front. Raises UsageError where there is no such place,
    UnavailableError where a summary is damaged and without pandas.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UnavailableError("a table of runs needs pandas: pip install 'budgetmlagent[local]'") from None
    if not isinstance(place, str | Path):
        raise UsageError(f"runs({place!r}): a folder of runs is needed, or a file of summaries")
    told = _told(Path(place)) if Path(place).suffix in (".jsonl", ".json") else _folders(Path(place))
    table = pd.DataFrame(told)
    return table[[name for name in dict.fromkeys([*FIRST, *table.columns]) if name in table.columns]]


def _folders(place: Path) -> list[dict[str, object]]:
    if not place.is_dir():
        what = "is no folder of runs, no .json and no .jsonl file" if place.exists() else "no such folder"
        raise UsageError(f"runs({str(place)!r}): {what}")
    return [summary_of(run) for run in rundir.all_runs(place)]


def _told(place: Path) -> list[dict[str, object]]:
    try:
        text = place.read_text(encoding="utf-8")
        found = (
            json.loads(text)
            if place.suffix == ".json"
            else [json.loads(line) for line in text.splitlines() if line]
        )
        if not (isinstance(found, list) and all(isinstance(row, dict) for row in found)):
            raise ValueError("no list of them")
        return found
    except OSError as error:
        raise UsageError(f"runs({str(place)!r}): cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UnavailableError(f"{place}: is no file of summaries: {error}") from None
