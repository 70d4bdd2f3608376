"""Where the runs of a bench lie, and that of a row by now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memory.files import is_name

CELLS, RUNS = "cells", "runs"  # folders of a bench: one a cell in the first, its runs in the second
TOLD = "results.tsv"  # what each run has: its attempts, a line each


def run_of(row: Mapping[str, Any], bench: Path | None) -> Path | None:
    """Return the folder of a row's run: in its bench's own, which may have been moved, or else where it was made.

    None where it has none, or that is gone.
    """
    cell, run = str(row.get("cell", "")), str(row.get("run_id", ""))
    own = [bench / RUNS / run, bench / CELLS / cell / RUNS / run] if bench and is_name(run) else []
    places = [*own, *([Path(row["run_dir"])] if row.get("run_dir") else [])]
    return next((place for place in places if (place / TOLD).exists()), None)
