"""`budgetml run` and `budgetml resume`."""

import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import options, progress


def run(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A bundled task's name, or a task folder.")],
    graph: Annotated[
        str, typer.Option(metavar="G", help="A shipped graph's name, or a .yaml file.")
    ] = "budgetml",
    models: Annotated[
        str | None, typer.Option(metavar="M", help="A models.yaml, or replay:RUN_DIR. [default: embedded]")
    ] = None,
    budget: Annotated[
        float, typer.Option(metavar="USD", help="Dollars that may be spent: a hard cap.")
    ] = 0.25,
    project_budget: Annotated[
        float | None,
        typer.Option(metavar="USD", help="What all runs of the runs folder may spend together, from now on."),
    ] = None,
    turns: Annotated[int, typer.Option(metavar="N", help="Decisions of the planner.")] = 12,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the models' sampling.")] = 0,
    history: Annotated[str, typer.Option(metavar="off|run|all", help="What may be remembered.")] = "all",
    direction: Annotated[
        str | None, typer.Option(metavar="max|min", help="Of the metric, where the task does not say it.")
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what a run may cost at most; spend nothing.")
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run scripts without a sandbox. They can do all that you can.")
    ] = False,
    otel: options.Otel = False,
    as_json: options.Json = False,
) -> None:
    """Improve a task's script within a budget."""
    if dry_run:
        from budgetmlagent import order
        from budgetmlagent.money.report import project_left
        from budgetmlagent.rundir import LEDGER

        cap = None if project_budget is None else order.nano("--project-budget", project_budget)
        plan = order.plan(
            task, graph, models, budget, turns, seed, history, unsafe=unsafe, direction=direction
        )
        forecast = order.forecast(plan, project_left(runs_dir / LEDGER, cap))
        options.print_json(forecast) if as_json else print(progress.forecast(forecast))
        return
    from budgetmlagent.session import Session

    if otel:
        _can_trace(task, direction)  # before there is a run
    session = Session(
        task, graph, models, budget, turns, seed, history, runs_dir,
        unsafe=unsafe, direction=direction, project_budget=project_budget,
    )  # fmt: skip
    _go_on(session, as_json, otel)


def resume(
    run: options.Run,
    budget: Annotated[float | None, typer.Option(metavar="USD", help="The run's new total.")] = None,
    turns: Annotated[int | None, typer.Option(metavar="N", help="The run's new number of turns.")] = None,
    runs_dir: options.RunsDir = Path("runs"),
    otel: options.Otel = False,
    as_json: options.Json = False,
) -> None:
    """Go on with a run that was stopped, or give one whose money ended more of it."""
    from budgetmlagent.session import Session

    session = Session.open(run, runs_dir)
    if budget is not None or turns is not None:
        session.extend(budget, turns)
    if session.done and session.summary["status"] == "finished":
        summary = session.summary
        options.print_json(summary) if as_json else print(progress.ending(summary))
        return
    _go_on(session, as_json, otel)


def _can_trace(task: str, direction: str | None) -> None:
    from budgetmlagent import telemetry
    from budgetmlagent.tasks.folder import load_task

    telemetry.ready(load_task(task, direction=direction).data)


def _tracing(session: Any, otel: bool) -> Any:
    if not otel:
        return None
    from budgetmlagent.telemetry import Tracing

    return Tracing(session)


def _go_on(session: Any, as_json: bool, otel: bool) -> None:
    # SIGTERM ends a run as Ctrl-C does: in order, and resumable.
    signal.signal(signal.SIGTERM, _interrupt)
    tracing = _tracing(session, otel)
    try:
        with progress.Live(session) as live:
            watchers = [live.step, *([tracing.step] if tracing else [])]
            session.run(on_step=lambda event: [watch(event) for watch in watchers])
    finally:
        # Also of a run that failed or was interrupted: whoever asked for JSON gets the object.
        summary = session.summary
        if tracing:
            tracing.close(summary)
        if as_json:
            options.print_json(summary)
    if not as_json:
        print(progress.ending(summary))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
