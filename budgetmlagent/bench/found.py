"""Where the run of a row lies by now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memory.files import is_name

TOLD = "results.tsv"  # what each run has: its attempts, a line each


def run_of(row: Mapping[str, Any], bench: Path | None) -> Path | None:
    """Return the folder of a row's run: in its bench's own, which may have been moved, or else where it was made.

    None where it has none, or that is gone.
    """
    cell, run = str(row.get("cell", "")), str(row.get("run_id", ""))
    own = [bench / "runs" / run, bench / "cells" / cell / "runs" / run] if bench and is_name(run) else []
    places = [*own, *([Path(row["run_dir"])] if row.get("run_dir") else [])]
    return next((place for place in places if (place / TOLD).exists()), None)
