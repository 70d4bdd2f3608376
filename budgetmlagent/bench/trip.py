"""A try of a run that travels to a machine with a ledger of its own: what it may spend is noted at home before it is spent.

So the run's budget holds over all its tries, also of those whose machine is lost, and whoever goes on with the bench.
"""

import json
from itertools import count
from pathlib import Path
from typing import Any

from budgetmlagent.bench.parcel import unpack
from budgetmlagent.bench.remote import BACK, IN_PARCEL, Told
from budgetmlagent.bench.worker import LOG, ROW, RUN, keep_spent, spent
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.money.place import existing
from budgetmlagent.tasks.folder import bundled
from graphs.files import shipped
from memory.files import write_whole
from memory.state import NANO


def luggage(asked: dict[str, Any]) -> tuple[dict[str, Path], dict[str, Any]]:
    """Return the files that a run needs, by their names in a parcel, and its request with paths there."""
    known = {"task": bundled(), "graph": shipped(), "models": (EMBEDDED,)}
    paths = {name: Path(asked[name]) for name, own in known.items() if asked[name] and asked[name] not in own}
    inside = {name: f"{IN_PARCEL}{name}{path.suffix}" for name, path in paths.items()}
    files = {name + path.suffix: path for name, path in paths.items()}
    return files, asked | inside | {"runs_dir": f"{IN_PARCEL}runs"}


class Trip:
    """The next try of the run of a cell, from its beginning on; `spent` are the dollars of those before."""

    def __init__(self, folder: Path, runs: Path) -> None:
        """`runs` is the runs' folder here: a run that was begun there is left, and counts as a try."""
        self._folder = folder
        if (mark := folder / RUN).exists():
            ledger = existing(runs)
            keep_spent(folder, spent(folder) + (ledger.spent(mark.read_text()) / NANO if ledger else 0.0))
            mark.unlink()
        self.spent = spent(folder)

    def heard(self, told: Told) -> None:
        """Note what is told of it; its run, row and log, once they come back."""
        if told.nano is not None:
            keep_spent(self._folder, self.spent + told.nano / NANO)
        if told.back:
            self._came_back(told.back)

    def _came_back(self, content: bytes) -> None:
        log, row, runs = self._folder / LOG, self._folder / BACK, self._folder / "runs"
        before = log.read_bytes() if log.exists() else b""
        if runs.exists():  # of a try before, whose ledger would be mixed with this one's
            runs.rename(next(path for n in count(1) if not (path := self._folder / f"runs.{n}").exists()))
        unpack(content, self._folder)
        write_whole(log, before + log.read_bytes())
        if not row.exists():
            return
        said = json.loads(row.read_text())
        if "run_id" in said:
            said["run_dir"] = str(self._folder / "runs" / said["run_id"])
        write_whole(self._folder / ROW, json.dumps(said).encode(), durable=True)
        row.unlink()
        if "usd" in said:  # it tells this try itself
            keep_spent(self._folder, self.spent)
