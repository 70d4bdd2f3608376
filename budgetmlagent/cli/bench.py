"""`budgetml bench`: many runs under one sum of money, and a table of what came of them."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budgetmlagent.cli import options

if TYPE_CHECKING:
    from budgetmlagent.bench.plan import Cell, Plan
    from budgetmlagent.run.request import Request

Listed = Annotated[str | None, typer.Option(metavar="A,B", help="Several are set apart by commas.")]


def bench(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A YAML file: tasks, graphs, models, seeds and limits.")] = None,
    tasks: Listed = None,
    graphs: Listed = None,
    models: Annotated[str | None, typer.Option(metavar="F,F", help="Files such as models.yaml; `embedded` is none.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="0,1", help="Numbers.")] = None,
    budget: Annotated[float | None, typer.Option(metavar="USD", help="Of each run. [default: 0.25]")] = None,
    project_budget: Annotated[float | None, typer.Option(metavar="USD", help="Of all runs together.")] = None,
    turns: Annotated[int | None, typer.Option(metavar="N", help="Of each run. [default: 12]")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="N", help="Of each run. [default: no limit]")] = None,
    history: Annotated[str | None, typer.Option(metavar="off|run|all", help="What may be remembered. [default: run]")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the runs and the table lie.")] = Path("bench"),
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Runs at once. [default: by cores and memory]")] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on with the bench that lies in DIR.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it may cost at most; run nothing.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Tell what is there already; run nothing.")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Run scripts without a sandbox.")] = False,
    trust: options.Trust = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Run tasks x graphs x models x seeds, and tell what came of them."""
    from budgetmlagent.bench import plan as plans
    from budgetmlagent.bench import results
    from budgetmlagent.bench.runner import at_once
    from budgetmlagent.errors import UsageError

    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least 1 is needed")
    said = {
        "tasks": _words(tasks), "graphs": _words(graphs), "models": _files(models), "seeds": _numbers(seeds),
        "budget": budget, "project_budget": project_budget, "turns": turns, "minutes": minutes, "history": history,
    }  # fmt: skip
    given = {name: value for name, value in said.items() if value is not None}
    written = plans.read(file) if file else {}
    if (go_on or report) and not file and "tasks" not in given:
        written = results.kept(out).model_dump()
    plan = plans.placed(plans.checked(written | given, str(file or "bench")))
    asked = {
        cell: plans.request(plan, cell, out.resolve() / results.RUNS, unsafe=unsafe, trust=trust)
        for cell in plans.cells(plan)
    }
    if not report:
        embedded = plans.check(plan, list(asked.values()))
        jobs = jobs or at_once(embedded=embedded)
        worst = _worst(plan, len(asked), jobs)
        if dry_run:
            return options.tell(as_json, {"runs": len(asked), **worst}, [_told(plan, asked, worst, jobs)])
        print(_told(plan, asked, worst, jobs), file=sys.stderr)
        results.begin(out, plan, go_on=go_on)
        _run(plan, asked, out, jobs)
    return _tell(asked, out, as_json)


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def _files(text: str | None) -> list[str | None] | None:
    words = _words(text)
    return None if words is None else [None if word == "embedded" else word for word in words]


def _numbers(text: str | None) -> list[int] | None:
    from budgetmlagent.errors import UsageError

    try:
        words = _words(text)
        return None if words is None else [int(word) for word in words]
    except ValueError:
        raise UsageError(f"--seeds {text}: numbers such as 0,1,2 are needed") from None


def _worst(plan: "Plan", runs: int, jobs: int) -> dict[str, float | None]:
    """Return what all runs may cost at most, in dollars, and take, in minutes where each has a limit."""
    usd = runs * plan.budget
    return {
        "worst_case_usd": usd if plan.project_budget is None else min(usd, plan.project_budget),
        "worst_case_minutes": None if plan.minutes is None else math.ceil(runs / jobs) * plan.minutes,
    }


def _told(plan: "Plan", asked: "dict[Cell, Request]", worst: "dict[str, float | None]", jobs: int) -> str:
    from budgetmlagent.wording import counted

    parts = [
        counted(len(plan.tasks), "task"), counted(len(plan.graphs), "graph"),
        counted(len(plan.models), "set", "sets") + " of models", counted(len(plan.seeds), "seed"),
    ]  # fmt: skip
    minutes = worst["worst_case_minutes"]
    time = "" if minutes is None else f" and {minutes:g} minutes"
    return f"{len(asked)} runs ({', '.join(parts)}), {jobs} at once: at most ${worst['worst_case_usd']:.2f}{time}"


def _run(plan: "Plan", asked: "dict[Cell, Request]", out: Path, jobs: int) -> None:
    """Run what has no row yet, and keep the table up to date; a line a run on standard error."""
    from budgetmlagent.bench import results
    from budgetmlagent.bench.runner import Runner, by_order
    from budgetmlagent.money.ledger import Ledger
    from budgetmlagent.records.rundir import LEDGER
    from memory.state import NANO

    runs = out / results.RUNS
    runs.mkdir(parents=True, exist_ok=True)
    if plan.project_budget is not None:
        Ledger(runs / LEDGER).set_project_cap(round(plan.project_budget * NANO))
    rows = results.ended(out, asked)
    table, order = results.Table(out), list(asked)
    left = {cell: one for cell, one in asked.items() if cell not in rows}
    with _Live(len(asked), len(rows)) as live:
        try:
            for cell, row in Runner(out / results.CELLS, jobs, live.told).run(left):
                rows[cell] = row
                table.keep(lambda: by_order(rows, order))
                live.ended(row)
        finally:
            table.keep(lambda: by_order(rows, order), ended=True)


class _Live:
    """A line a run that has ended, and below, in a terminal, what runs now."""

    def __init__(self, runs: int, done: int) -> None:
        from rich.live import Live

        from budgetmlagent.cli.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.runs, self.done, self.now = runs, done, dict[str, str]()
        self.live = Live(
            get_renderable=self._table, console=self.console, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> "_Live":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def told(self, name: str, now: str) -> None:
        """Hear what a run does now, "" when it has ended."""
        if now:
            self.now[name] = now
        else:
            self.now.pop(name, None)

    def ended(self, row: dict[str, Any]) -> None:
        """Tell of a run that has ended."""
        self.done += 1
        self.console.print(f"{self.done}/{self.runs} {line(row)}", markup=False, soft_wrap=True)

    def _table(self) -> Any:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for name, now in sorted(self.now.items()):
            table.add_row(name, now)
        return table


def line(row: dict[str, Any]) -> str:
    """Tell a row in a line."""
    from budgetmlagent.bench.words import setting

    gain = row.get("gain_pct")
    what = f"{row['task']} ({setting(row['graph'], row['models_file'])}) seed {row['seed']}: {row['status']}"
    if row["status"] == "failed":
        return f"{what}: {row['reason']}"
    return f"{what}, {'no gain known' if gain is None else f'{gain:+.1f}%'}, ${row['usd']:.4f}, {row['seconds'] / 60:.1f} min"


def _tell(asked: "dict[Cell, Request]", out: Path, as_json: bool) -> None:
    from budgetmlagent.bench import results
    from budgetmlagent.bench.summary import compared, summed
    from budgetmlagent.bench.words import interval, setting
    from budgetmlagent.cli.console import Console

    rows = list(results.ended(out, asked).values())
    told: dict[str, Any] = {
        "dir": str(out),
        "runs": len(asked),
        "done": len(rows),
        "summary": summed(rows),
        "compared": compared(rows),
    }
    if as_json:
        return options.print_json(told | {"rows": rows})
    console = Console(highlight=False)
    console.print(_summary(told["summary"]))
    for pair in told["compared"]:
        first, second = (setting(*pair[which]) for which in ("first", "second"))
        console.print(
            f"{second} against {first}, {pair['pairs']} pairs: better {pair['better']}, even {pair['even']}, worse {pair['worse']}; "
            f"normalised gain {interval(pair['normalised_gain'], 2, '+')}, dollars {interval(pair['usd'], 4, '+')}",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    console.print(
        f"{out / results.CSV}: a line a run; {out / results.PAGE}: the whole", markup=False, soft_wrap=True
    )
    return None


def _summary(found: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    from budgetmlagent.bench.words import interval, minutes, setting

    table = Table(
        "setting", "runs", "failed", "success", "gain %", "normalised", "$ a run", "minutes", box=None
    )
    for one in found:
        table.add_row(
            setting(one["graph"], one["models_file"]), str(one["runs"]), str(one["failed"]),
            interval(one["success"], 2), interval(one["gain_pct"], 1), interval(one["normalised_gain"], 2),
            interval(one["usd"], 4), interval(minutes(one["seconds"]), 1),
        )  # fmt: skip
    return table
