"""`budgetml list`: the runs, forks below what they come from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import names, options
from budgetmlagent.errors import OptionError, UnavailableError, UsageError
from budgetmlagent.wording import counted, one_of, unknown

STATUS = ("finished", "stopped", "failed", "underway")
Summary = Mapping[str, Any]


def list_runs(
    task: Annotated[
        str | None, typer.Option(metavar="TASK", help="Only runs of this task.", autocompletion=names.tasks)
    ] = None,
    status: Annotated[str | None, options.choice("|".join(STATUS), "Only runs that stand so.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only runs begun since: 2026-01-31, or 2026-01-31T17:30."),
    ] = None,
    runs_dir: options.ReadRuns = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """List the runs: score, gain, money, when.

    Forks stand below the run that they come from. Status 3 where what is to be read of a run is damaged: the others are
    listed all the same.
    """
    if status not in (None, *STATUS):
        raise OptionError("status", status, one_of(STATUS, status))
    first = None if since is None else _date(since)
    runs, damaged = _read(runs_dir)
    tasks = sorted({str(run.get("task")) for run in runs})
    if task is not None and runs and task not in tasks:
        raise UsageError(f"--task {task}: {unknown('task', task, tasks)}")
    chosen = [
        run
        for run in runs
        if task in (None, run.get("task"))
        and status in (None, run["status"])
        and (first is None or datetime.fromisoformat(run["begun"]) >= first)
    ]
    none = f"none of the {counted(len(runs), 'run')} in {runs_dir} fits" if runs else f"no runs in {runs_dir}"
    options.tell(as_json, chosen, _lines(chosen) if chosen else [none] if not damaged else [])
    if damaged:
        raise UnavailableError("; ".join(damaged))


def _date(text: str) -> datetime:
    """Return a time of this machine's clock. Raises OptionError."""
    try:
        return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
    except (ValueError, OverflowError):
        need = "a date is needed, such as 2026-01-31, or with a time, 2026-01-31T17:30"
        raise OptionError("since", text, need) from None


def _read(runs_dir: Path) -> tuple[list[Summary], list[str]]:
    """Return every run's summary with when it was begun, and what is wrong with those that cannot be read."""
    from budgetmlagent.records import rundir
    from budgetmlagent.records.standing import summary_of

    runs, damaged = list[Summary](), list[str]()
    for run in rundir.all_runs(runs_dir):
        try:
            runs.append(summary_of(run) | {"begun": rundir.begun(run).isoformat(" ", "minutes")})
        except (UnavailableError, UsageError) as error:
            damaged.append(str(error))
    return runs, damaged


def _lines(runs: Sequence[Summary]) -> Iterator[str]:
    rows = [(f"{'  ' * (depth - 1)}└ " * bool(depth) + run["run_id"], run) for depth, run in _tree(runs)]
    width = max(len(name) for name, _ in rows)
    head = (
        f"{'run':{width}} {'status':8} {'score':>7} {'gain':>7} {'money':>7} {'turns':>5} {'begun':11} graph"
    )
    lines = [head, *(_row(name, run, width) for name, run in rows)]
    if options.width() and max(map(len, lines)) > options.width():
        lines = [line[: head.index(" begun")] for line in lines]  # whole columns, or none
    yield from map(options.fitted, lines)


def _row(name: str, run: Summary, width: int) -> str:
    score, turns, money = run.get("best"), str(run.get("turns")), f"${run['usd']:.4f}"
    told = f"{score:.4g}" if isinstance(score, int | float) else "-"
    gain = "" if run["gain_pct"] is None else f"{run['gain_pct']:+.1f}%"
    begun = run["begun"][5:]
    return (
        f"{name:{width}} {run['status']:8} {told:>7} {gain:>7} {money:>7} {turns:>5} {begun} {run['graph']}"
    )


def _tree(runs: Sequence[Summary]) -> Iterator[tuple[int, Summary]]:
    """Yield the runs, the oldest first, each followed by its forks, with how deep it lies."""
    ordered = sorted(runs, key=lambda run: str(run["begun"]))
    there, forks = {run["run_id"] for run in runs}, defaultdict[str, list[Summary]](list)
    for run in ordered:
        origin = _origin(run)
        forks[origin if origin in there else ""].append(run)
    told = set[str]()

    def walk(runs: Sequence[Summary], depth: int) -> Iterator[tuple[int, Summary]]:
        for run in runs:
            if run["run_id"] not in told:
                told.add(run["run_id"])
                yield depth, run
                yield from walk(forks[run["run_id"]], depth + 1)

    yield from walk(forks[""], 0)
    yield from walk(ordered, 0)  # what strangers wrote to come from each other


def _origin(run: Summary) -> str:
    """Return the run that a fork was made of; "" for any other."""
    fork = run.get("fork")
    runs = fork.get("runs") if isinstance(fork, Mapping) else None
    return str(runs[-1]) if isinstance(runs, list) and runs else ""
