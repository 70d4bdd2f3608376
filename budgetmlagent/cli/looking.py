"""`budgetml show`, `why` and `diff`: what happened, why, and what another run did otherwise."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budgetmlagent.cli import options, progress
from budgetmlagent.errors import UsageError
from budgetmlagent.records import steps
from budgetmlagent.wording import counted
from memory.attempts import Attempt, doubt
from memory.state import escalates

if TYPE_CHECKING:
    from budgetmlagent.records.events import Event
    from budgetmlagent.run.view import RunView


def show(
    run: options.Run,
    step: Annotated[
        int | None, typer.Option(metavar="K", help="With --files: of which step. [default: the best attempt]")
    ] = None,
    files: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write what the script left in its workspace into DIR.")
    ] = None,
    runs_dir: options.ReadRuns = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Show a run: scores, money, escalations. With --files, restore the files of a step."""
    from budgetmlagent.records import advice
    from budgetmlagent.records.events import newest_edits
    from budgetmlagent.run.view import RunView

    view = RunView.open(run, runs_dir)
    if files is not None:
        return _restore(view, step, files, as_json)
    if step is not None:
        raise UsageError(f"--step {step}: goes with --files DIR; `budgetml why` explains a step")
    summary = view.summary
    if as_json:
        return options.print_json(summary)
    timeline, graph = view.timeline, view.graph
    for event in timeline:
        for edit in event.edits:
            _by_hand(edit)
        rung = progress.rung(event, graph)
        begin = f"{event['step']:4d} {event['node']:9s} {rung:7s} ${event['usd']:.4f}  "
        room = options.width() - len(begin) if options.width() else steps.LONGEST
        print(options.fitted(begin + steps.outcome(event, view.artifacts, room)))
        if advised := advice.chosen_at(event, timeline, view.artifacts):
            print(options.fitted(f"{'':31s}{advised}"))
    for edit in newest_edits(view.branches.path):
        _by_hand(edit)
    print(progress.ending(summary, graph, options.width()))
    return None


def _by_hand(edit: Mapping[str, Any]) -> None:
    """Print a change by hand, which has a step's number of its own."""
    print(
        options.fitted(
            f"{edit['step']:4d} {'(edited)':27s}{steps.edited(edit)} → {edit['route'].get('to', '')}"
        )
    )


def _restore(view: "RunView", step: int | None, target: Path, as_json: bool) -> None:
    from budgetmlagent.sandbox import snapshot
    from budgetmlagent.upkeep.references import shown

    manifest = view.files(step)
    written = snapshot.restore(manifest, view.artifacts, target)
    named = [file for file in manifest["files"] if not file["stored"]]
    rest = {key: manifest[key] for key in ("execution", "others", "data", "unlisted")}
    if as_json:
        return options.print_json({"dir": str(target), **_told(written), "named": named, **rest})
    for path, name in written.items():
        tame = "" if path == name else f", which was {shown(name)}: a tool could obey it there"
        print(f"wrote {shown(path)}{tame}")
    for file in named:
        digest = f"sha256 {file['sha256']}" if file["sha256"] else "not read"
        print(f"not kept: {shown(file['path'])}, {options.size(file['size'])}, {digest}: {file['why']}")
    for path, what in manifest["others"].items():
        print(f"not kept: {shown(path)} {what}")
    for path, digest in manifest["data"].items():
        print(f"not copied: {path}, the task's own, sha256 {digest}")
    if manifest["unlisted"]:
        print(f"not listed: {counted(manifest['unlisted'], 'file')} more")
    print(f"{counted(len(written), 'file')} in {target}")
    return None


def _told(written: dict[str, str]) -> dict[str, Any]:
    """The files that were restored, and for those of another name than the script's, that one."""
    renamed = {path: name for path, name in written.items() if path != name}
    return {"written": list(written), "renamed": renamed}


def why(
    run: options.Run,
    step: Annotated[
        int | None, typer.Argument(metavar="STEP", help="A step's number. [default: escalations]")
    ] = None,
    runs_dir: options.ReadRuns = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Say why a step led where it led. The rule that fired, what it saw, the rules passed over."""
    from budgetmlagent.records import advice, events
    from budgetmlagent.run.view import RunView

    view = RunView.open(run, runs_dir)
    if step is None:
        chosen = [event for event in view.timeline if escalates(event["route"])]
        told: Any = events.escalations(chosen)
    else:
        chosen = [event := view.why(step)]
        advised = advice.of_step(event, view.timeline, view.artifacts)
        told = event | ({"idea": advised} if advised else {})
    if not chosen and not as_json:
        print("no escalation: nothing was asked of a dearer model or of the expert")
    options.tell(
        as_json,
        told,
        (
            progress.hanging(line, options.width(), 8)
            for event in chosen
            for line in [*_explained(event, view), *_taught(event, view)]
        ),
    )


def diff(
    one: options.Run,
    other: options.Run,
    runs_dir: options.ReadRuns = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Compare two runs of a task. Where they part and why, scores, money, the best scripts' diff."""
    from budgetmlagent.run.view import RunView

    found = RunView.open(one, runs_dir).compare(RunView.open(other, runs_dir))
    options.tell(as_json, found.as_json(), [str(found)])


def _explained(event: "Event", view: "RunView") -> list[str]:
    from budgetmlagent.records import advice

    artifacts = view.artifacts
    route = event["route"]
    lines = [f"by hand: {_edited(edit)}" for edit in event.get("edits", [])]
    lines += [
        f"step {event['step']}, {event['node']}: {steps.why(event, view.spec)}",
        f"    saw {steps.saw(route['saw'])}",
    ]
    attempt = Attempt.read(artifacts, event["attempt"]) if event["attempt"] else None
    because = (doubt(attempt) or attempt.problem) if attempt else ""
    found = (
        "a new best, but not for sure" if attempt is not None and attempt.status == "keep" else "no new best"
    )
    lines += [f"    {found}: {because}"] if because else []
    advised = advice.of_step(event, view.timeline, artifacts)
    lines += [f"    the idea: {advised}"] if advised else []
    return lines + [
        f"    passed over: {steps.in_words(event['node'], p['rule'], view.spec)}  saw {steps.saw(p['saw'])}"
        for p in route["passed"]
    ]


def _taught(event: dict[str, Any], view: "RunView") -> list[str]:
    """Say what the next node was told of other runs."""
    from budgetmlagent.records import recalled

    return [f"    recalled: {line}" for line in recalled.taught(event, view.artifacts, view.run_id)]


def _edited(edit: dict[str, Any]) -> str:
    return f"{steps.edited(edit)}; decided again: {edit['route'].get('rule', 'nothing had been decided yet')}"
