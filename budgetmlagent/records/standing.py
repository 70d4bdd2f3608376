"""The summary of a run for a list of many: as it was written last, or as its stores have it where none has been written."""

from contextlib import suppress
from typing import Any

from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.place import is_there
from budgetmlagent.money.report import calls_of
from budgetmlagent.records import events, live
from budgetmlagent.records.branches import Branches
from budgetmlagent.records.checkpoints import checkpoints_of, have_begun
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.records.summary import Record, build, read_summary
from budgetmlagent.tasks.folder import load_task
from memory.artifacts import Artifacts

UNDERWAY = "underway"  # the status of a run that somebody goes on with now


def summary_of(run: RunDir) -> dict[str, Any]:
    """Return the summary of a run, one that has not begun included.

    Raises UnavailableError where it is damaged, and UsageError where its task is gone before it was ever left in order.
    """
    told = read_summary(run.summary) if run.summary.is_file() else _made(run)
    with suppress(UnavailableError):  # of a damaged note, which is told by whoever goes on with the run
        if live.stands(run) == UNDERWAY:
            told["status"] = UNDERWAY
    return told


def _made(run: RunDir) -> dict[str, Any]:
    """Make the summary that was never written: of a run that has not begun, goes on for the first time, or was killed then."""
    config, money = run.config(), run.ledger
    task = load_task(config.task, direction=config.direction, begun=True)
    path = Branches(checkpoints_of(run), config.run_id).path if have_begun(run) else []
    calls = calls_of(money, config.run_id) if is_there(money) else []
    values, timeline = path[-1].values if path else {}, list(events.timeline(path, calls))
    return build(Record(config, run, task, Artifacts(run.artifacts), calls, values, timeline))
