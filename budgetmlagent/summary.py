"""What a run leaves behind, projected from its three stores: `run.json`, `results.tsv` and `best/`."""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent import events
from budgetmlagent.events import Event
from budgetmlagent.money.ledger import PAID
from budgetmlagent.rundir import RunConfig, RunDir
from budgetmlagent.tasks.folder import TaskFolder
from graphs.policy import percent_better
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.attempts import chain

GOAL = 10.0  # percent better than the starter: success (the paper, section 4)
REASONS = {
    "out_of_turns": "all turns are used",
    "faulted": "all turns are used",
    "out_of_budget": "what is left of the budget does not pay for the next call",
    "wants": "the planner finished",
    "nothing_recalled": "memory has no untried case",
    "missed": "the model gave no usable reply",
    "baseline_failed": "the starter gave no score",
}


@dataclass(frozen=True)
class Record:
    """What the projections are made from: the run's three stores, read."""

    config: RunConfig
    folder: RunDir
    task: TaskFolder
    artifacts: Artifacts
    calls: Sequence[Mapping[str, Any]]
    values: Mapping[str, Any]  # the newest state
    timeline: Sequence[Event]


def build(record: Record) -> dict[str, Any]:
    """Return the JSON object of the contract."""
    config, task, calls, values, timeline = (
        record.config,
        record.task,
        record.calls,
        record.values,
        record.timeline,
    )
    ended, final = read_json(record.folder.root / "ended.json"), read_json(record.folder.root / "final.json")
    if final.get("attempt") != values.get("best", {}).get("attempt"):
        final = {}  # of an end that was gone back from
    sent = [c for c in calls if c["price"] != PAID]  # a reply that was paid for before is no request
    moves = events.escalations(timeline)
    gain = percent_better(final.get("private_baseline"), final.get("private_best"), task.direction)
    return {
        "run_id": config.run_id,
        "task": task.name,
        "graph": config.graph,
        "models": {name: spec.get("model") for name, spec in config.models.items()},
        "seed": config.seed,
        "status": ended.get("status", "stopped"),
        "reason": ended.get("reason", "not finished"),
        "metric": task.metric,
        "direction": task.direction,
        "baseline": values.get("task", {}).get("baseline"),
        "best": values.get("best", {}).get("score"),
        "private_baseline": final.get("private_baseline"),
        "private_best": final.get("private_best"),
        "gain_pct": gain,
        "success": gain is not None and gain >= GOAL,
        "feedback": task.feedback,
        "usd": sum(c["usd_nano"] for c in calls) / NANO,
        "usd_by_node": _sum_by(calls, "node"),
        "usd_by_model": _sum_by(calls, "model"),
        "tokens_by_node": _tokens_by(calls, "node"),
        "tokens_by_model": _tokens_by(calls, "model"),
        "calls": len(sent),
        "calls_by_model": {m: sum(c["model"] == m for c in sent) for m in sorted({c["model"] for c in sent})},
        "tokens_in": sum(c["tokens_in"] for c in calls),
        "tokens_out": sum(c["tokens_out"] for c in calls),
        "cached_tokens": sum(c["cached"] for c in calls),
        "expert_calls": sum(c["node"] == "expert" for c in sent),
        "escalations": moves,
        "turns": values.get("turn", 0),
        "steps": len(timeline),
        "seconds": ended.get("seconds", 0.0),
        "budget": values.get("task", {}).get("budget", config.budget) / NANO,
        "best_by": best_by(values, record.artifacts),
        "sandbox": config.sandbox,
        "sandbox_facts": config.sandbox_facts,
        "integrity": final.get("integrity"),
        "history": config.history,
        "replayed": bool(config.replay),
        "fork": config.fork,
        "hosts": config.hosts,
        "run_dir": str(record.folder.root),
    }


def _sum_by(calls: Sequence[Mapping[str, Any]], key: str) -> dict[str, float]:
    names = sorted({c[key] for c in calls})
    return {name: sum(c["usd_nano"] for c in calls if c[key] == name) / NANO for name in names}


def _tokens_by(calls: Sequence[Mapping[str, Any]], key: str) -> dict[str, int]:
    names = sorted({c[key] for c in calls})
    return {name: sum(c["tokens_in"] + c["tokens_out"] for c in calls if c[key] == name) for name in names}


def best_by(values: Mapping[str, Any], artifacts: Artifacts) -> str:
    """Name what brought the best: "starter", "memory" or the model that wrote it."""
    if not values.get("best"):
        return ""
    plan = artifacts.json(values["best"]["attempt"])["plan"]
    return plan.get("wrote") or "starter"


def reason(values: Mapping[str, Any]) -> str:
    """Say why a run came to its end: the rule that ended it, in words."""
    rule = str(values.get("route", {}).get("rule", ""))
    return REASONS.get(rule.split(" ", maxsplit=1)[0], rule)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty where there is none yet."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def write(record: Record) -> dict[str, Any]:
    """Write every projection of the run and return the JSON object."""
    folder, values, artifacts = record.folder.root, record.values, record.artifacts
    whole = build(record)
    record.folder.write("run.json", whole)
    events.write(folder / "events.jsonl", record.timeline)
    _write_results(folder / "results.tsv", list(chain(artifacts, values.get("head", "")))[::-1])
    if values.get("best"):
        _write_best(folder / "best", artifacts.json(values["best"]["attempt"]), artifacts)
    return whole


def _write_results(path: Path, tried: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["step", "score", "seconds", "dollars", "status", "plan"])
        for a in tried:
            score = "" if a["score"] is None else f"{a['score']:.6g}"
            plan = " ".join(f"{a['plan'].get('action', '')}: {a['plan'].get('instruction', '')}".split())
            table.writerow(
                [a["step"], score, f"{a['seconds']:.1f}", f"{a['cost'] / NANO:.6f}", a["status"], plan[:200]]
            )


def _write_best(folder: Path, attempt: Mapping[str, Any], artifacts: Artifacts) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "train.py").write_bytes(artifacts.read(attempt["script"]))
    for name, artifact in artifacts.json(attempt["execution"])["files"].items():
        (folder / name).write_bytes(artifacts.read(artifact))
