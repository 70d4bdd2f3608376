"""`budgetml run` and `budgetml resume`."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import names, options, progress
from budgetmlagent.models.approval import in_words
from budgetmlagent.run.request import DEFAULTS, Request
from budgetmlagent.wording import one_of

WAITS = 130  # the status of a run that can be gone on with, as after an interrupt


def _open(option: str) -> str:
    """Say what an option is where it is not given; a replay takes it from the recorded run."""
    return f"[default: {DEFAULTS[option]}]"


def run(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A bundled task's name, or a task folder.", autocompletion=names.tasks)],
    graph: Annotated[str | None, typer.Option(metavar="G", help=f"A shipped graph's name, or a .yaml file. {_open('graph')}", autocompletion=names.graphs)] = None,
    models: Annotated[str | None, typer.Option(metavar="M", help="A models.yaml, or replay:RUN_DIR: a recorded run again, with its settings. [default: embedded]", autocompletion=names.models)] = None,
    budget: Annotated[float | None, typer.Option(metavar="USD", help=f"Dollars that may be spent: a hard cap. {_open('budget')}")] = None,
    project_budget: Annotated[
        float | None, typer.Option(metavar="USD", help="What all runs of the runs folder may spend together, from now on.")
    ] = None,
    turns: Annotated[int | None, typer.Option(metavar="N", help=f"Decisions of the planner. {_open('turns')}")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help=f"Seed of the models' sampling. {_open('seed')}")] = None,
    history: Annotated[
        str | None, options.choice("off|run|all", f"What may be remembered. {_open('history')}")
    ] = None,
    direction: Annotated[
        str | None, options.choice("max|min", "Of the metric, where the task does not say it; or to confirm it.")
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what a run may cost at most; spend nothing.")] = False,
    approve: Annotated[
        str, options.choice("expert|up|all", "Which calls wait for your word before they are paid for.")
    ] = Request.approve,
    above: Annotated[
        float, typer.Option(metavar="USD", help="With --approve: what a call may cost without being asked for.")
    ] = Request.above,
    minutes: Annotated[float | None, typer.Option(metavar="N", help="Time that the run may take. [default: no limit]")] = None,
    aim: Annotated[
        str | None,
        options.choice("success|best", "success: until the score during the run is 12% better than the starter's, or 10% and a small model has little hope of more."
                       " best: while money and turns last, or until a capable model says that it has finished; where all models are small, until"
                       f" they are 10% better and have little hope of more. {_open('aim')}"),
    ] = None,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run scripts without a sandbox. They can do all that you can.")
    ] = False,
    trust: options.Trust = False,
    otel: options.Otel = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Improve a task's script within a budget."""
    from budgetmlagent.run.options import settled

    asked = settled(Request(
        task, graph, models, budget, turns, seed, history, runs_dir, unsafe=unsafe, direction=direction,
        project_budget=project_budget, approve=approve, above=above, minutes=minutes, aim=aim, trust=trust,
    ))  # fmt: skip
    if dry_run:
        from budgetmlagent.run.forecast import forecast

        told = forecast(asked)
        return options.tell(as_json, told, [progress.forecast(told)])
    from budgetmlagent.run.order import begin, load_graph
    from budgetmlagent.run.session import Session

    assert asked.graph, "nothing is left open"
    load_graph(asked.graph, to_run=True)  # before there is a run
    if otel:  # it is to fail before there is a run
        from budgetmlagent.share import telemetry
        from budgetmlagent.tasks.folder import load_task

        telemetry.ready(load_task(task, direction=direction).data)
    return _go_on(Session(begin(asked)), as_json, otel)


def resume(
    run: options.Run,
    budget: Annotated[float | None, typer.Option(metavar="USD", help="The run's new total.")] = None,
    turns: Annotated[int | None, typer.Option(metavar="N", help="The run's new number of turns.")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="N", help="The run's new total of time.")] = None,
    approve: Annotated[
        str | None, options.choice("yes|no", "Your word on the call that waits for it.")
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="A models.yaml: where the run's models are asked from now on.",
            autocompletion=names.models,
        ),
    ] = None,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run scripts without a sandbox from now on.")
    ] = False,
    trust: options.Trust = False,
    remeasure: Annotated[
        bool,
        typer.Option("--remeasure", help="The task was changed: measure the starter and the best again."),
    ] = False,
    runs_dir: options.RunsDir = Path("runs"),
    otel: options.Otel = False,
    as_json: options.Json = False,
) -> None:
    """Go on with a run, or give one whose money ended more of it."""
    from budgetmlagent.errors import OptionError
    from budgetmlagent.records import archive
    from budgetmlagent.run.session import Session

    session = Session.open(run, runs_dir, models=models, unsafe=unsafe, trust=trust)
    if approve is not None:
        if approve not in ("yes", "no"):
            raise OptionError("approve", approve, one_of(("yes", "no"), approve))
        session.approve(approve == "yes")
    if remeasure:
        session.remeasure()
    if not all(limit is None for limit in (budget, turns, minutes)):
        session.extend(budget, turns, minutes)
    if session.done and session.summary["status"] == "finished":
        archive.keep(runs_dir)  # it may have ended while that was out of reach
        summary = session.summary
        return options.tell(as_json, summary, [progress.ending(summary, session.graph, options.width())])
    session.make_mine()  # before it is told what the run may do
    return _go_on(session, as_json, otel)


def _go_on(session: Any, as_json: bool, otel: bool) -> None:
    # SIGTERM ends a run as Ctrl-C does: in order, and resumable.
    signal.signal(signal.SIGTERM, _interrupt)
    tracing: Any = None
    if otel:
        from budgetmlagent.share.telemetry import Tracing

        tracing = Tracing(session)
    from budgetmlagent.cli.live import Live

    try:
        with Live(session) as live:
            watchers = [live.step, *([tracing.step] if tracing else [])]
            _to_the_end(
                session, lambda event: [watch(event) for watch in watchers], None if as_json else live
            )
    except BrokenPipeError:  # nobody sees how it goes on: it stops, as for an interrupt
        raise typer.Exit(WAITS) from None
    finally:
        # Also of a run that failed or was interrupted: whoever asked for JSON gets the object.
        summary = session.summary
        if tracing:
            tracing.close(summary)
        if as_json:
            options.print_json(summary)
    if not as_json:
        print(progress.ending(summary, session.graph, options.width()))
    if session.question:
        raise typer.Exit(WAITS)


def _to_the_end(session: Any, on_step: Any, live: Any) -> None:
    """Run on; in a terminal, with `live`, ask what a call waits to be told. Without an answer the run waits for one."""
    session.run(on_step=on_step)
    while live and session.question and sys.stdin.isatty():
        with live.quiet():
            try:
                session.approve(typer.confirm(in_words(session.question), err=True))
            except typer.Abort:  # Ctrl-C or Ctrl-D
                return print(file=sys.stderr)
        session.run(on_step=on_step)
    return None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
