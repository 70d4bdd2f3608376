"""Runs and steps as rows of a list."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from budgetmlagent.errors import BudgetMLError
from budgetmlagent.money.ledger import PAID
from budgetmlagent.money.report import calls_of
from budgetmlagent.records import hints, live, rundir, steps
from budgetmlagent.records.events import Event
from budgetmlagent.records.rundir import RunConfig, RunDir
from budgetmlagent.records.summary import read_summary
from budgetmlagent.run.view import RunView
from budgetmlagent.studio.replies import RunRow, Stands, StepRow
from graphs.model import Graph, Rule
from graphs.words import said
from memory.artifacts import CorruptArtifactError
from memory.attempts import Attempt
from memory.state import NANO, escalates

WAITS = "waits for your word"  # how the reason of a run that was left so begins


def run_rows(runs_dir: Path) -> list[RunRow]:
    """Return a row for every run below `runs_dir`, the newest first; of a damaged one it says what is wrong."""
    found = list[RunRow]()
    for run in rundir.all_runs(runs_dir):
        with suppress(FileNotFoundError):  # removed this moment
            found.append(run_row(run))
    return sorted(found, key=lambda row: -row["begun"])


def run_row(run: RunDir) -> RunRow:
    """Return a run's row, from its small files; where it is damaged, one that says so."""
    row = _empty(run)
    try:
        config = run.config()
        told = read_summary(run.summary) if run.summary.is_file() else {}
        row |= _begun(config)
        row |= {
            name: told[name] for name in row if name in told and name not in ("run_id", "replayed", "graph")
        }  # type: ignore[typeddict-item]
        row["turn"], row["turns"] = told.get("turns") or 0, config.turns
        row["stands"], row["reason"] = standing(run, str(told.get("reason", "")))
        if row["stands"] in ("underway", "dead"):
            _as_it_is(run, row)
    except BudgetMLError as error:
        row["stands"], row["reason"] = "damaged", str(error)
    return row


def standing(run: RunDir, reason: str) -> tuple[Stands, str]:
    """Return how a run stands and why; `reason` is what its summary says. Raises UnavailableError where it is damaged."""
    stands = live.stands(run)
    if stands == "stopped" and reason.startswith(WAITS):
        return "waits", reason
    if stands == "dead":
        return "dead", f"its process was killed; `{hints.command('resume', run.root)}` goes on"
    return stands, "" if stands in ("underway", "new") else reason


def _empty(run: RunDir) -> RunRow:
    with suppress(OSError):
        begun = rundir.begun(run).timestamp()
        return _row(run.run_id, begun)
    return _row(run.run_id, 0.0)


def _row(run_id: str, begun: float) -> RunRow:
    return RunRow(
        run_id=run_id, stands="new", reason="", task="", graph="", metric="", direction="", baseline=None, best=None,
        gain_pct=None, success=False, usd=0.0, budget=0.0, calls=0, turn=0, turns=0, steps=0, seconds=0.0, begun=begun,
        parent="", parent_step=None, replayed=False,
    )  # fmt: skip


def _begun(config: RunConfig) -> Any:
    fork = config.fork
    return {
        "task": Path(config.task).name,
        "graph": config.graph,
        "budget": config.budget / NANO,
        "parent": fork["runs"][-1] if fork and fork["runs"] else "",
        "parent_step": fork["step"] if fork else None,
        "replayed": bool(config.replay),
    }


def _as_it_is(run: RunDir, row: RunRow) -> None:
    """Put in what the newest event and the ledger say: the summary is of when the run was left last."""
    calls = calls_of(run.ledger, run.run_id)
    row["usd"], row["calls"] = (
        sum(c["usd_nano"] for c in calls) / NANO,
        sum(c["price"] != PAID for c in calls),
    )
    if newest := newest_event(run.root / "events.jsonl"):
        row["steps"], row["turn"], row["best"] = newest["step"], newest["turn"], newest["score"]
    if held := live.holder(run):
        row["seconds"] = max(0.0, datetime.now().timestamp() - held.since)


def newest_event(path: Path, most: int = 1 << 16) -> Mapping[str, Any] | None:
    """Return the last whole line of an events.jsonl; None where there is none, or none that is whole in `most` bytes."""
    with suppress(OSError, ValueError, IndexError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - most))
        lines = file.read().rsplit(b"\n", 2)
        event: Mapping[str, Any] = json.loads(lines[-2])
        return event if {"step", "turn", "score", "route"} <= event.keys() else None
    return None


def step_row(view: RunView, event: Event, at: str, replayed: bool) -> StepRow:
    """Return a step's row; `at` is when its checkpoint was made."""
    route, status, score = event["route"], "", None
    try:
        did = steps.happened(event, view.artifacts)
        if event["attempt"]:
            attempt = Attempt.read(view.artifacts, event["attempt"])
            status, score = attempt.status, attempt.score
    except (FileNotFoundError, CorruptArtifactError) as error:
        did = f"cannot be read: {error}"
    return StepRow(
        step=event["step"],
        turn=event["turn"],
        node=event["node"],
        did=did,
        why=steps.why(event, view.spec),
        to=route["to"],
        rule=str(route.get("rule", "")),
        model=event["model"] or "",
        usd=event["usd"],
        tokens_in=event["tokens_in"],
        tokens_out=event["tokens_out"],
        seconds=event["seconds"],
        time=seconds(at),
        score=score,
        best=event["score"],
        fault=event["fault"].get("kind", ""),
        status=status,
        dearer=escalates(route),
        up=route.get("up", ""),
        down=route.get("down", ""),
        edited=edited(event["edits"]),
        replayed=replayed or bool(view.config.replay and (event["model"] or event["execution"])),
    )


def edited(edits: Any) -> list[str]:
    """Return what a person changed: fields of the state, "graph" for the graph or a limit."""
    return list(dict.fromkeys(name for edit in edits for name in (edit["fields"] or ["graph"])))


def seconds(at: str) -> float | None:
    """Return a checkpoint's time in seconds since the epoch; None where it says none."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None


def worded(spec: Graph, node: str, text: str) -> str:
    """Return a rule of a node in words, and where it leads; its text where the graph has none such."""
    rule = rule_of(spec, node, text)
    return f"{said(rule)} → {rule.to}" if rule else text


def rule_of(spec: Graph, node: str, text: str) -> Rule | None:
    """Return the rule of a node with this text; None where the graph has none, as under another one."""
    return (
        next((rule for rule in spec.rules_of(node) if str(rule) == text), None)
        if node in spec.nodes
        else None
    )
