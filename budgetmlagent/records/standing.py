"""The summary of a run for a list of many: as it was written last, or as its stores have it where none has been written."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.ledger import PAID
from budgetmlagent.money.place import is_there
from budgetmlagent.money.report import calls_of
from budgetmlagent.records import events, live
from budgetmlagent.records.branches import Branches
from budgetmlagent.records.checkpoints import checkpoints_of, have_begun
from budgetmlagent.records.rundir import RunConfig, RunDir, read_json
from budgetmlagent.records.summary import Record, build, read_summary
from budgetmlagent.tasks.folder import load_task
from memory.artifacts import Artifacts
from memory.state import NANO

UNDERWAY = "underway"  # the status of a run that somebody goes on with now


def summary_of(run: RunDir) -> dict[str, Any]:
    """Return the summary of a run, one that has not begun included.

    Of a run that was never left in order and whose task is gone or is none any more, it holds what other files tell, and the
    reason says what is wrong with the task. Nothing is written. Raises UnavailableError where the run is damaged.
    """
    told = read_summary(run.summary) if run.summary.is_file() else _made(run)
    with suppress(UnavailableError):  # of a damaged note, which is told by whoever goes on with the run
        if live.stands(run) == UNDERWAY and (told["status"] != "finished" or _held_here(run)):
            told["status"] = UNDERWAY
    return told


def _held_here(run: RunDir) -> bool:
    """Whether a process of this machine goes on with the run.

    Of another machine's nobody can tell: its note stays where a container was killed, and where a folder was copied.
    """
    held = live.holder(run)
    return held is not None and held.here


def _made(run: RunDir) -> dict[str, Any]:
    """Make the summary that was never written: of a run that has not begun, goes on for the first time, or was killed then."""
    config, money = run.config(), run.ledger
    path = Branches(checkpoints_of(run), config.run_id).path if have_begun(run) else []
    calls = calls_of(money, config.run_id) if is_there(money) else []
    values, timeline = path[-1].values if path else {}, list(events.timeline(path, calls))
    try:
        task = load_task(config.task, direction=config.direction, begun=True)
    except UsageError as error:
        return _taskless(config, run, calls, values, len(timeline)) | {"reason": str(error)}
    return build(Record(config, run, task, Artifacts(run.artifacts, make=False), calls, values, timeline))


def _taskless(
    config: RunConfig, run: RunDir, calls: Sequence[Mapping[str, Any]], values: Mapping[str, Any], steps: int
) -> dict[str, Any]:
    """Return what is known of a run without its task: none of the scores on its answers."""
    return {
        "run_id": config.run_id,
        "task": Path(config.task).name,
        "graph": config.graph,
        "models": {name: spec.get("model") for name, spec in config.models.items()},
        "seed": config.seed,
        "status": read_json(run.root / "ended.json").get("status", "stopped"),
        "baseline": values.get("task", {}).get("baseline"),
        "best": values.get("best", {}).get("score"),
        "gain_pct": None,
        "success": False,
        "usd": sum(c["usd_nano"] for c in calls) / NANO,
        "calls": sum(c["price"] != PAID for c in calls),
        "turns": values.get("turn", 0),
        "steps": steps,
        "budget": values.get("task", {}).get("budget", config.budget) / NANO,
        "history": config.history,
        "replayed": bool(config.replay),
        "fork": config.fork,
        "run_dir": str(run.root),
    }
