"""Where an idea comes from: of which run, step and task, by whom, for how much, and what came of it elsewhere."""

from collections.abc import Sequence
from typing import Any

from budgetmlagent.records.events import Event
from memory.attempts import Records
from memory.ideas import origin, outcomes
from memory.state import NANO


def of_step(event: Event, timeline: Sequence[Event], artifacts: Records) -> str:
    """Say where the idea of a step's plan comes from, in one sentence; "" for a plan that is none.

    `timeline` are the events of its run: the expert's first idea is its newest answer's.
    """
    plan = event["plan"]
    if name := plan.get("idea"):
        idea: dict[str, Any] = artifacts.json(name)
        return f"{origin(idea)}; {outcomes(idea)}"
    if plan.get("action") != "expert":
        return ""
    answers = [e for e in timeline if e.role == "expert" and e.step <= event.step and not e.fault]
    if not answers:
        return ""
    asked = answers[-1]
    return origin({"by": asked.model, "step": asked.step, "cost": round(asked.usd * NANO)})


def chosen_at(event: Event, timeline: Sequence[Event], artifacts: Records) -> str:
    """Say the same of a step that chose its idea; "" for any other."""
    return (
        of_step(event, timeline, artifacts) if event.role in ("planner", "expert") and not event.fault else ""
    )
