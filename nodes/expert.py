"""The expert: reads a compact dossier and answers with ordered ideas, in words. Dear, so asked last, and used many times."""

from collections.abc import Sequence
from typing import Any, TypedDict

from memory.attempts import best_script, briefing, line, recalled, reminded
from memory.ideas import NOTED, in_line, in_store, key
from memory.state import Counts, Fault, Plan, RunState, Shared
from nodes.craft.chosen import with_choice
from nodes.craft.dossier import dossier
from nodes.craft.ideas import ideas
from nodes.craft.lesson import lessons_told, offered
from nodes.craft.replies import said
from nodes.craft.room import for_ideas
from nodes.craft.tuning import compact
from nodes.declares import declares
from nodes.deps import Deps

NEWEST, LINE = 8, 120  # attempts in the dossier, and characters of each
KEPT = 12  # ids of ideas in the node's notes


class ExpertUpdate(TypedDict, total=False):
    """What the expert writes."""

    plan: Shared[Plan]
    advice: str
    fault: Shared[Fault]
    counts: Shared[Counts]
    notes: dict[str, Any]


@declares(role="expert", recalls=("attempts", "ideas", "similar"))
def expert(state: RunState, deps: Deps) -> ExpertUpdate:
    """Ask for ideas: the first becomes the coder's next instruction, the others are kept for the planner's free rung."""
    before = deps.models.spent()
    room = for_ideas(deps.models.able(deps.here.model))
    reply = deps.models.ask(deps.here, _dossier(state, deps), max_tokens=room, temperature=0.2)
    words = said(reply.text)
    found = ideas(words, whole=not reply.fault)
    if reply.fault not in ("", "truncated") or not found:
        fault = Fault(kind=reply.fault or "unparsable", detail=reply.detail or "the expert's reply is empty")
        return {"fault": fault, "counts": state.counts | {"misses": state.counts.get("misses", 0) + 1}}
    kept = _remembered(found, deps.models.spent() - before, state, deps)
    own = with_choice(state, deps.here.node, key(found[0]), KEPT)
    own[NOTED] = [*own.get(NOTED, []), *kept][-KEPT:]
    left = len(found) - 1 if state.task.get("history") != "off" else 0
    return {
        "plan": offered(state, Plan(action="expert", instruction=found[0], case="", by=deps.here.model)),
        "advice": deps.artifacts.put(words),
        "fault": Fault(),
        "counts": state.counts | {"misses": 0, "repairs": 0, "ideas": left},
        "notes": state.notes | {deps.here.node: own},
    }


def _remembered(found: Sequence[str], cost: int, state: RunState, deps: Deps) -> list[str]:
    """Keep each idea with what the whole answer cost, in nano-dollars, and return their ids."""
    facts = briefing(state, deps.artifacts)
    origin = {"task": deps.task.name, "step": deps.here.step, "kinds": facts.get("kinds", [])}
    answer = {"kind": "idea", "by": deps.here.model, "cost": cost, "of": len(found)} | origin
    texts = [in_store(what, facts.get("summary", "")) for what in found]
    items = [{"what": what, "text": text} for what, text in zip(found, texts, strict=True)]
    return [deps.history.remember(answer | item | {"order": i}) for i, item in enumerate(items, start=1)]


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
        known=[in_line(idea) for idea in recalled(state, deps.artifacts, "idea")],
        dossier=dossier(state, deps),  # told to capable models alone
    )
