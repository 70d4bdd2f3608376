"""`budgetml show`, `why` and `list`: what happened, and why."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import options, progress


def show(run: options.Run, runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """Show a run: its scores, money and escalations."""
    from budgetmlagent.session import Session

    session = Session.open(run, runs_dir)
    summary = session.summary
    if as_json:
        return options.print_json(summary)
    for event in session.timeline:
        rung = progress.rung(event, session.graph)
        print(
            f"{event['step']:4d} {event['node']:9s} {rung:7s} ${event['usd']:.4f}  {progress.outcome(event, session.artifacts)}"
        )
    print(progress.ending(summary))
    return None


def why(
    run: options.Run,
    step: Annotated[
        int | None, typer.Argument(metavar="[STEP]", help="A step's number. [default: escalations]")
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Say why a step led where it led: the rule that fired, what it saw, the rules passed over."""
    from budgetmlagent import events
    from budgetmlagent.session import Session

    session = Session.open(run, runs_dir)
    if step is None:
        moved = {e["step"] for e in events.escalations(session.timeline)}
        chosen = [e for e in session.timeline if e["step"] in moved]
        if as_json:
            return options.print_json(events.escalations(session.timeline))
        if not chosen:
            print("no escalation: nothing was asked of a dearer model or of the expert")
    else:
        chosen = [session.why(step)]
        if as_json:
            return options.print_json(chosen[0])
    for event in chosen:
        print(_explained(event))
    return None


def _explained(event: dict[str, Any]) -> str:
    route = event["route"]
    lines = [f"by hand: {_edited(edit)}" for edit in event.get("edits", [])]
    lines += [f"step {event['step']}, {event['node']}: {route['rule']}", f"    saw {_saw(route['saw'])}"]
    lines += [f"    passed over: {p['rule']}  saw {_saw(p['saw'])}" for p in route["passed"]]
    return "\n".join(lines)


def _edited(edit: dict[str, Any]) -> str:
    what = f"changed {', '.join(edit['fields'])}" if edit["fields"] else "the graph or a limit was changed"
    return f"{what}; decided again: {edit['route'].get('rule', 'nothing had been decided yet')}"


def _saw(values: dict[str, Any]) -> str:
    return ", ".join(f"{k}={json.dumps(v)}" for k, v in values.items()) or "nothing"


def list_runs(runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """List the runs."""
    from budgetmlagent import rundir
    from budgetmlagent.summary import read_json

    runs = [read_json(run.summary) for run in rundir.all_runs(runs_dir) if run.summary.is_file()]
    if as_json:
        return options.print_json(runs)
    for r in runs:
        gain = "" if r["gain_pct"] is None else f"{r['gain_pct']:+.1f}%"
        print(f"{r['run_id']:45s} {r['graph']:13s} {r['status']:9s} {gain:>8s} ${r['usd']:.4f}")
    if not runs:
        print(f"no runs in {runs_dir}")
    return None
