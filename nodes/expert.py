"""The expert: reads a compact dossier and returns a diagnosis and a plan, in words. Dear, so asked last."""

from typing import Any, TypedDict

from memory.attempts import best_script, briefing, line, reminded
from memory.state import Counts, Fault, Plan, RunState, Shared
from nodes.craft.lesson import lessons_told, offered
from nodes.craft.replies import said
from nodes.craft.tuning import compact
from nodes.declares import declares
from nodes.deps import Deps

NEWEST, LINE = 8, 120  # attempts in the dossier, and characters of each


class ExpertUpdate(TypedDict, total=False):
    """What the expert writes."""

    plan: Shared[Plan]
    advice: str
    fault: Shared[Fault]
    counts: Shared[Counts]


@declares(role="expert", recalls=("attempts", "similar"))
def expert(state: RunState, deps: Deps) -> ExpertUpdate:
    """Ask for advice; it becomes the coder's next instruction."""
    reply = deps.models.ask(deps.here, _dossier(state, deps), max_tokens=180, temperature=0.2)
    words = said(reply.text)
    advice = " ".join(words.split())
    if reply.fault not in ("", "truncated") or not advice:
        fault = Fault(kind=reply.fault or "unparsable", detail=reply.detail or "the expert's reply is empty")
        return {"fault": fault, "counts": state.counts | {"misses": state.counts.get("misses", 0) + 1}}
    return {
        "plan": offered(state, Plan(action="expert", instruction=advice[:900], case="", by=deps.here.model)),
        "advice": deps.artifacts.put(words),
        "fault": Fault(),
        "counts": state.counts | {"misses": 0, "repairs": 0},
    }


def _dossier(state: RunState, deps: Deps) -> Any:
    facts = briefing(state, deps.artifacts)
    return deps.prompts(
        deps.here.prompt,
        task=deps.task,
        summary=facts.get("summary", ""),
        samples=facts.get("samples", []),
        script=compact(best_script(state, deps.artifacts, deps.task.starter)),
        best=state.best.get("score"),
        tried=[line(attempt)[:LINE] for attempt in reminded(state, deps.artifacts)[-NEWEST:]],
        similar=lessons_told(state, deps),
        error=state.fault.get("detail", ""),
    )
