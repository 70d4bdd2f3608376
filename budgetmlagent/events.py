"""Events: one line a step, projected from the checkpoints and the ledger, so that they can be made again from them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from memory.state import NANO, RunState

Event = dict[str, Any]
FIELDS = frozenset(f.name for f in fields(RunState))


def project(
    node: str,
    step: int,
    values: Mapping[str, Any],
    calls: Sequence[Mapping[str, Any]],
    before: Mapping[str, Any],
) -> Event:
    """Return the event of one step: the state after it, the calls it made, the state before it."""
    run, route = values.get("run", {}), dict(values.get("route", {}))
    route.pop("was", None)
    head = values.get("head", "")
    judged = node == "evaluator" and head != before.get("head", "")
    last = calls[-1] if calls else {}
    return {
        "step": step,
        "node": node,
        "model": last.get("model"),
        "seconds": route.pop("seconds", 0.0),
        "usd": sum(c["usd_nano"] for c in calls) / NANO,
        "tokens_in": sum(c["tokens_in"] for c in calls),
        "tokens_out": sum(c["tokens_out"] for c in calls),
        "cached": sum(c["cached"] for c in calls),
        "prompt": last.get("prompt"),
        "reply": last.get("reply"),
        "history": values.get("history", []),
        "recalled": [item["id"] for item in before.get("history", [])],
        "score": values.get("best", {}).get("score"),
        "fault": values.get("fault", {}),
        "route": route,
        "turn": values.get("turn", 0),
        "rung": before.get("rungs", {}).get(node, 0),
        "plan": values.get("plan", {}),
        "execution": run.get("execution") if node == "executor" else None,
        "attempt": head if judged else None,
        "briefing": values.get("task", {}).get("briefing")
        if node == "executor" and not before.get("head")
        else None,
    }


@dataclass(frozen=True)
class Point:
    """One checkpoint: the state after a step."""

    step: int
    values: dict[str, Any]
    config: dict[str, Any]  # LangGraph's, to go on from here
    loop: bool  # whether a node's step made it; else it is an input or an edit


def branch(tuples: Iterable[Any]) -> list[Point]:
    """Return the checkpoints that lead to the newest one, oldest first: abandoned branches are left out."""
    newest_first = list(tuples)
    by_id = {t.config["configurable"]["checkpoint_id"]: t for t in newest_first}
    path, here = [], newest_first[0] if newest_first else None
    while here is not None:
        values = {k: v for k, v in here.checkpoint["channel_values"].items() if k in FIELDS}
        path.append(Point(here.metadata["step"], values, here.config, here.metadata["source"] == "loop"))
        parent = here.parent_config
        here = by_id.get(parent["configurable"]["checkpoint_id"]) if parent else None
    return path[::-1]


def timeline(path: Sequence[Point], calls: Sequence[Mapping[str, Any]], start: str) -> Iterator[Event]:
    """Yield every step's event. The node of a step is where the step before it led; the first is `start`."""
    for before, after in pairwise(path):
        if after.loop and after.step > 0:
            made = [c for c in calls if c["step"] == after.step]
            yield project(node_of(before, start), after.step, after.values, made, before.values)


def node_of(before: Point, start: str) -> str:
    """Return the node that ran, or will run, after `before`."""
    return str(before.values.get("route", {}).get("to", start))


def read(path: Path) -> list[Event]:
    """Read an events.jsonl."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write(path: Path, events: Iterable[Event]) -> None:
    """Write an events.jsonl whole."""
    part = path.with_suffix(".part")
    part.write_text("".join(as_line(event) for event in events), encoding="utf-8")
    part.replace(path)


def as_line(event: Event) -> str:
    """Return the event as its line."""
    return json.dumps(event, ensure_ascii=False) + "\n"


def escalations(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return every move up a ladder and every way to the expert, with its reason."""
    return [
        {
            "step": event["step"],
            "from": event["node"],
            "to": event["route"]["to"],
            "up": event["route"].get("up", ""),
            "rule": event["route"]["rule"],
            "saw": event["route"]["saw"],
        }
        for event in events
        if event["route"].get("up") or event["route"].get("to") == "expert"
    ]
