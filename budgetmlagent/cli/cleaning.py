"""`budgetml clean`: room on the disk."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetmlagent.cli import names as complete
from budgetmlagent.cli import options
from budgetmlagent.errors import UsageError
from budgetmlagent.wording import counted

if TYPE_CHECKING:
    from budgetmlagent.upkeep.clean import Report


def clean(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Remove these runs as a whole.", autocompletion=complete.runs),
    ] = None,
    older_than: Annotated[
        float | None, typer.Option(metavar="DAYS", help="Remove the runs that ended earlier.")
    ] = None,
    keep_best: Annotated[
        bool, typer.Option("--keep-best", help="But not a task's run that gained the most.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove runs without asking.")] = False,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Remove what no run needs any more. Or whole runs, by name or age."""
    from budgetmlagent.upkeep import clean as cleaning

    names = runs or []
    if not names and older_than is None:
        if keep_best:
            raise UsageError("--keep-best: say which runs are to go: RUN, or --older-than DAYS")
        return _say(cleaning.sweep(runs_dir, dry_run=dry_run), dry_run, as_json)
    chosen = cleaning.choose(runs_dir, names, older_than, keep_best=keep_best)
    report = cleaning.remove_runs(chosen, dry_run=True)
    for run, why in report.left.items():
        if names:
            raise UsageError(f"{run} cannot be removed: {why}")
    if report.runs and not dry_run:
        if not yes and not _agreed(report, runs_dir):
            raise UsageError("clean: nothing was removed")
        report = cleaning.remove_runs(chosen)
    return _say(report, dry_run, as_json)


def _agreed(report: "Report", runs_dir: Path) -> bool:
    """Ask at the terminal. Raises UsageError where there is none."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"clean: --yes is needed to remove {counted(len(report.runs), 'run')} without a terminal to ask at"
        )
    print("\n".join(report.runs), file=sys.stderr)
    question = (
        f"Remove {counted(len(report.runs), 'run')} ({options.size(report.bytes)}) with all files and checkpoints?"
        f" Their money stays in {runs_dir / 'ledger.sqlite'}, what they learned in {runs_dir / 'history'}. [y/N] "
    )
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(report: "Report", dry_run: bool, as_json: bool) -> None:
    if as_json:
        return options.print_json({"dry_run": dry_run, **report.as_json()})
    for run in report.runs:
        print(f"{'would remove' if dry_run else 'removed'} {run}")
    for run, why in report.left.items():
        print(f"left alone {run}: {why}")
    if report.runs and not dry_run:
        print("the money of a removed run stays in ledger.sqlite, what it learned in history/")
    if found := [f"{count} {what}" for what, count in report.counts().items() if count]:
        print(", ".join(found))
    print(f"{'would free' if dry_run else 'freed'} {options.size(report.bytes)}")
    return None
