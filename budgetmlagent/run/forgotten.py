"""A ledger that knows less than runs have spent: an older copy, or a new one in the place of one that was lost.

What was spent once never becomes less, and each run's checkpoints say it too.
"""

from contextlib import suppress
from pathlib import Path

from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.place import existing, place_of
from budgetmlagent.records.branches import Branches
from budgetmlagent.records.checkpoints import checkpoints_of, have_begun
from budgetmlagent.records.rundir import RunDir, all_runs
from memory.state import NANO


def of_run(ledger: Ledger, run: str, spent: int) -> str:
    """Say what the ledger has forgotten of the `spent` nano-dollars of a run; "" where it is nothing."""
    if spent and not ledger.calls(run):
        return f"ledger {ledger.place}: it has no call of run {run}, though the run has spent money"
    if spent <= (known := ledger.spent(run)):
        return ""
    knows = f"knows ${known / NANO:.6f} of the ${spent / NANO:.6f} that run {run} had spent"
    return f"ledger {ledger.place}: an older copy, which {knows}"


def refuse(runs_dir: Path, *, capped: bool) -> None:
    """Raise UnavailableError where all runs have a budget together, and the ledger has forgotten what one has spent.

    `capped` says that they are to have one from now on; the ledger may know of one besides.
    """
    ledger = existing(runs_dir)
    if not capped and (ledger is None or ledger.project_cap() is None):
        return
    for run in all_runs(runs_dir):
        if not (spent := _spent(run)):
            continue
        missing = (
            f"ledger {place_of(runs_dir)}: missing, though run {run.run_id} has spent ${spent / NANO:.6f}"
        )
        if lost := of_run(ledger, run.run_id, spent) if ledger else missing:
            raise UnavailableError(f"{lost}; {LOOK}, or take another --runs-dir")


def _spent(run: RunDir) -> int:
    """Return the nano-dollars that the run itself knows to have spent; none of one that is damaged."""
    if not have_begun(run):
        return 0
    with suppress(UnavailableError):
        run.config()  # refuses links: opening a database writes
        newest = Branches(checkpoints_of(run), run.run_id).newest
        return int(newest.values.get("spent", 0)) if newest else 0
    return 0
