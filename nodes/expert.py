"""The expert: reads a compact dossier and answers with ordered ideas, in words or with a sketch of code. Dear, so asked last, and used many times."""

from collections.abc import Sequence
from typing import Any, TypedDict

from memory.attempts import best_script, briefing, line, recalled, reminded
from memory.ideas import NOTED, in_line, in_store, key, tried
from memory.state import Counts, Fault, Plan, RunState, Shared
from memory.ways import counted
from nodes.craft.chosen import chosen, with_choice
from nodes.craft.dossier import dossier
from nodes.craft.ideas import ideas, sketched
from nodes.craft.lesson import lessons_told, offered
from nodes.craft.looks import kept_here
from nodes.craft.missed import missed
from nodes.craft.replies import said
from nodes.craft.room import for_ideas
from nodes.craft.tuning import compact
from nodes.declares import declares
from nodes.deps import Deps, Reply
from nodes.notes import IN_VAIN

NEWEST, LINE = 8, 120  # attempts in the dossier, and characters of each
KEPT = 12  # ids of ideas in the node's notes
NO_CASE = "nothing_recalled"  # which led here, and is no error
REPEATED = "the expert proposed nothing but ideas that this run has tried already"


class ExpertUpdate(TypedDict, total=False):
    """What the expert writes."""

    turn: Shared[int]
    plan: Shared[Plan]
    advice: str
    fault: Shared[Fault]
    counts: Shared[Counts]
    notes: dict[str, Any]


@declares(role="expert", recalls=("attempts", "ideas", "similar"))
def expert(state: RunState, deps: Deps) -> ExpertUpdate:
    """Ask for ideas: the first becomes the coder's next instruction, the others are kept for the planner's free rung, as memory is on.

    Those that this branch has tried are passed over.
    It counts a turn where the planner, which had nothing to choose, counted none.
    """
    before = deps.models.spent()
    room = for_ideas(deps.models.able(deps.here.model))
    reply = deps.models.ask(deps.here, _dossier(state, deps), max_tokens=room, temperature=0.2)
    words = said(reply.text)
    proposed = [] if reply.fault not in ("", "truncated") else _proposed(words, reply, deps)
    known = tried(state, deps.artifacts) | chosen(state)
    told = [(what, code) for what, code in proposed if key(what) not in known]
    found = [what for what, _ in told]
    if not found:
        return _in_vain(state, deps, reply, deps.models.spent() - before, repeated=bool(proposed))
    kept = _remembered(told, deps.models.spent() - before, state, deps)
    own = with_choice(state, deps.here.node, key(found[0]), KEPT)
    own[NOTED] = [*own.get(NOTED, []), *kept][-KEPT:]
    left = len(found) - 1 if state.task.get("history") != "off" else 0
    plan = Plan(action="expert", instruction=found[0], case="", by=deps.here.model)
    if told[0][1]:
        plan["sketch"] = deps.artifacts.put(told[0][1])
    unplanned = state.fault.get("kind") == NO_CASE
    return {
        "turn": state.turn + unplanned,
        "plan": offered(state, plan),
        "advice": deps.artifacts.put(words),
        "fault": Fault(),
        "counts": state.counts | {"misses": 0, "repairs": 0, "ideas": left},
        "notes": state.notes | {deps.here.node: own},
    }


def _proposed(words: str, reply: Reply, deps: Deps) -> list[tuple[str, str]]:
    """Return the ideas of an answer, each with the code that it sketches, which is a capable model's alone."""
    whole = not reply.fault
    if _plans_freely(deps):
        return sketched(words, whole=whole)
    return [(what, "") for what in ideas(words, whole=whole)]


def _in_vain(state: RunState, deps: Deps, reply: Reply, spent: int, *, repeated: bool) -> ExpertUpdate:
    """Count an answer of no use; where all that it proposes was tried already, as a try that brought nothing.

    After which attempt is noted: before the next one `pays` does not lead here again.
    """
    own = state.notes.get(deps.here.node, {}) | {IN_VAIN: state.head}
    notes = state.notes | {deps.here.node: own}
    counts = missed(state)
    if repeated:
        counts = counted(counts, deps.here.model, spent=spent)
        return {"fault": Fault(kind="repeated", detail=REPEATED), "counts": counts, "notes": notes}
    empty = Fault(kind="unparsable", detail="the expert's reply is empty")
    return {"fault": reply.as_fault() if reply.fault else empty, "counts": counts, "notes": notes}


def _remembered(told: Sequence[tuple[str, str]], cost: int, state: RunState, deps: Deps) -> list[str]:
    """Keep each idea with what the whole answer cost, in nano-dollars, and return their ids."""
    facts = briefing(state, deps.artifacts)
    origin = {"task": deps.task.name, "step": deps.here.step, "kinds": facts.get("kinds", [])}
    origin |= kept_here(state)
    answer = {"kind": "idea", "by": deps.here.model, "cost": cost, "of": len(told)} | origin
    summary = facts.get("summary", "")
    items = [
        {"what": what, "text": in_store(what, summary)} | ({"sketch": code} if code else {})
        for what, code in told
    ]
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
        error=""
        if _plans_freely(deps) and state.fault.get("kind") == NO_CASE
        else state.fault.get("detail", ""),
        question=_question(state),
        known=[in_line(idea) for idea in recalled(state, deps.artifacts, "idea")],
        dossier=dossier(state, deps),  # told to capable models alone
    )


def _plans_freely(deps: Deps) -> bool:
    return deps.models.able(deps.here.model).is_free


def _question(state: RunState) -> str:
    """Return what the planner wants to know; "" where a rule leads here."""
    asked = state.plan.get("action") == "expert" and "wrote" not in state.plan and not state.fault
    return state.plan.get("instruction", "") if asked else ""
