"""`budgetml bench`: many runs under one sum of money, and a table of what came of them."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budgetmlagent.cli import names, options

if TYPE_CHECKING:
    from budgetmlagent.bench.asked import Asked
    from budgetmlagent.bench.cluster import Cluster
    from budgetmlagent.bench.here import Place
    from budgetmlagent.bench.making import Rows
    from budgetmlagent.bench.plan import Cell, Needs, Plan
    from budgetmlagent.bench.tracking import Tracking
    from budgetmlagent.run.request import Request


_DEFAULT = "[default: as budgetml.toml says, else"


def _listed(name: names.Completer) -> Any:
    return typer.Option(
        metavar="A,B", help="Several are set apart by commas.", autocompletion=names.several(name)
    )


def bench(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A YAML file: tasks, graphs, models, seeds and limits.")] = None,
    tasks: Annotated[str | None, _listed(names.tasks)] = None,
    graphs: Annotated[str | None, _listed(names.graphs)] = None,
    models: Annotated[str | None, typer.Option(metavar="F,F", help="Files such as models.yaml; `embedded`: the embedded models. [default: as budgetml.toml says, else embedded]")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="0,1", help="Numbers.")] = None,
    budget: Annotated[float | None, typer.Option(metavar="USD", help=f"Of each run. {_DEFAULT} 0.25]")] = None,
    project_budget: Annotated[float | None, typer.Option(metavar="USD", help=f"Of all runs together. {_DEFAULT} no limit]")] = None,
    turns: Annotated[int | None, typer.Option(metavar="N", help=f"Of each run. {_DEFAULT} 12]")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="N", help="Of each run. [default: no limit]")] = None,
    history: Annotated[str | None, options.choice("off|run|all", f"What may be remembered. {_DEFAULT} run]")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the runs and the table lie.", callback=options.folder)] = Path("bench"),
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Runs at once. [default: by cores and memory]")] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on with the bench that lies in DIR; what is named beside it is added.")] = False,
    suite: Annotated[str | None, options.choice("mlagentbench|mle-bench", "The tasks of a benchmark that lie below --root; --tasks names some.")] = None,
    root: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the suite's prepared data lie.")] = None,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run on a Ray cluster: HOST:PORT of its head, or `auto`.")] = None,
    mlflow: Annotated[str | None, typer.Option(metavar="URI", help="Enter each run in MLflow, too: sqlite:///FILE or http://HOST:PORT.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it may cost at most; run nothing.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Tell what is there already; run nothing.")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Run scripts without a sandbox.")] = False,
    trust: options.Trust = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Run tasks x graphs x models x seeds, and tell what came of them."""
    from budgetmlagent.bench import results
    from budgetmlagent.bench.asked import asked
    from budgetmlagent.bench.here import at_once
    from budgetmlagent.bench.making import here
    from budgetmlagent.bench.plan import cells, check
    from budgetmlagent.bench.tracking import Tracking
    from budgetmlagent.cli.benched import damaged, tell
    from budgetmlagent.errors import UsageError
    from budgetmlagent.foreign import visible

    if ray is not None and not ray.strip():
        raise UsageError("--ray: HOST:PORT of the cluster's head is needed, or `auto`")
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least 1 is needed")
    given = {
        "tasks": _words(tasks), "graphs": _words(graphs), "models": _words(models), "seeds": _numbers(seeds),
        "budget": budget, "project_budget": project_budget, "turns": turns, "minutes": minutes, "history": history,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    if report:
        planned = cells(results.kept(out))
        rows = results.ended(out, planned, damaged)
        if mlflow:
            Tracking(mlflow, out, results.kept(out).project_budget).enter_all(rows.values())
        return tell(planned, rows, out, as_json)
    if suite or root:
        given["tasks"] = _of_suite(suite, root, given.get("tasks"), out)
    bench = asked(file, given, out, go_on=go_on, trust=trust)
    runs = bench.requests(unsafe=unsafe, trust=trust)
    needs = check(bench.plan, [bench.to_check(one) for one in runs.values()], elsewhere=bool(ray))
    cluster = _cluster(ray, bench, needs, len(runs)) if ray else None
    jobs = jobs or (cluster.at_once(needs) if cluster else at_once(needs))
    worst = _worst(bench.capped, len(runs), jobs)
    lines = [*bench.told, _told(bench.plan, len(runs), worst, jobs)]
    if dry_run:
        results.refuse_another(out, go_on=go_on)
        return options.tell(as_json, {"runs": len(runs), **worst}, lines)
    print(*map(visible, lines), sep="\n", file=sys.stderr)
    tracking = Tracking(mlflow, out, bench.plan.project_budget) if mlflow else None
    bench.begin(go_on=go_on)
    rows = results.ended(out, runs, damaged)
    results.tried_again(out, runs, rows)
    with cluster.alone() if cluster else here(needs, out, min(jobs, len(runs) - len(rows))) as place:
        _run(runs, rows, out, jobs, place, tracking)
    if tracking:
        tracking.enter_all(rows.values())
    return tell(list(runs), rows, out, as_json)


def _cluster(address: str, bench: "Asked", needs: "Needs", runs: int) -> "Cluster":
    """Return the cluster, whose machines are told what the settings say. Raises what `Cluster` and `refuse_what_is_shared` do."""
    from budgetmlagent.bench.cluster import Cluster
    from budgetmlagent.bench.plan import refuse_what_is_shared
    from budgetmlagent.postgres import Address
    from budgetmlagent.settings import carried, ledger

    cluster = Cluster(address, bench.folder, needs.keys() | carried(bench.home))
    if not cluster.shared:
        on_a_server = isinstance(ledger(bench.home), Address)
        refuse_what_is_shared(bench.capped, runs, one_ledger=on_a_server)
    return cluster


def _of_suite(suite: str | None, root: Path | None, only: Any, out: Path) -> list[str]:
    """Return the task folders of a suite; what is left out of it is said."""
    from budgetmlagent.bench import suites
    from budgetmlagent.errors import UsageError

    if suite is None or root is None:
        raise UsageError("--suite NAME and --root DIR are said together")
    found = suites.found(suite, root, only, out / "tasks")
    for line in found.refused:
        print(f"budgetml: {suite}: {line}", file=sys.stderr)
    return found.tasks


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


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


def _told(plan: "Plan", runs: int, worst: "dict[str, float | None]", jobs: int) -> str:
    from budgetmlagent.bench.words import dollars
    from budgetmlagent.wording import counted

    parts = [
        counted(len(plan.tasks), "task"), counted(len(plan.graphs), "graph"),
        counted(len(plan.models), "set", "sets") + " of models", counted(len(plan.seeds), "seed"),
    ]  # fmt: skip
    minutes = worst["worst_case_minutes"]
    time = "" if minutes is None else f", and {minutes:g} minutes but for what a run does at its end"
    most = dollars(worst["worst_case_usd"] or 0.0)
    return f"{counted(runs, 'run')} ({', '.join(parts)}), {jobs} at once: at most {most}{time}"


def _run(
    asked: "dict[Cell, Request]",
    rows: "Rows",
    out: Path,
    jobs: int,
    place: "Place",
    tracking: "Tracking | None",
) -> None:
    """Run what has no row yet; a line a run on standard error."""
    from budgetmlagent.bench.making import make
    from budgetmlagent.cli.benched import Live
    from budgetmlagent.wording import counted

    with Live(list(asked), list(rows.values())) as live:

        def ended(row: "dict[str, Any]") -> None:
            live.ended(row)
            if tracking:
                tracking.try_to_enter(row)

        try:
            make(asked, rows, out, jobs, place, live.told, ended)
        except KeyboardInterrupt as interrupt:
            interrupt.typed = (  # type: ignore[attr-defined]
                f"interrupted: {len(rows)} of {counted(len(asked), 'run')} ended;"
                f" `budgetml bench --continue --out {out}` goes on"
            )
            raise
