"""Lessons: what an attempt is kept with for runs of other tasks, no row of the data, and how theirs are told here."""

from typing import Any

from memory.attempts import Attempt, Records, best_script, shown
from memory.briefing import Briefing
from memory.cards import about
from memory.lessons import read
from memory.lessons import told as line
from memory.scores import percent_better
from memory.similar import SHORT
from memory.state import Plan, Recalled, RunState
from nodes.craft.change import change
from nodes.craft.told import told
from nodes.deps import Deps


def lesson(attempt: Attempt, state: RunState, deps: Deps, facts: Briefing) -> dict[str, Any]:
    """Return the fields that make an attempt's item a lesson (`memory.lessons.Lesson`)."""
    case = deps.artifacts.json(attempt.plan["case"]) if attempt.plan.get("case") else {}
    return {
        "about": about(facts, deps.task.metric),
        "metric": deps.task.metric,
        "direction": deps.task.direction,
        "gained": gained(attempt, deps.task.direction),
        "baseline": state.task.get("baseline"),
        "case": case.get("name", ""),
        "edit": bool(case.get("edit")),
        "change": "" if case and not case.get("edit") else _change(attempt, state, deps, facts),
        "cause": _cause(attempt),
        "spent": spent(attempt, deps.artifacts),
    }


def _change(attempt: Attempt, state: RunState, deps: Deps, facts: Briefing) -> str:
    """Return the difference from the best script until then; a whole other script has none that could be read."""
    names = frozenset(map(str, facts.get("table", {}).get("features", [])))
    began = best_script(state, deps.artifacts, deps.task.starter)
    return change(began, deps.artifacts.text(attempt.script), names)


def gained(attempt: Attempt, direction: str) -> float:
    """Return by how many percent of the score before it a new best is surely better; 0 for any other attempt."""
    percent = percent_better(attempt.score_before, attempt.score, direction)
    return max(0.0, percent) if percent is not None and shown(attempt) == "keep" else 0.0


def spent(attempt: Attempt, artifacts: Records) -> int:
    """Return nano-dollars that the run has spent since the attempt before."""
    return attempt.cost - (Attempt.read(artifacts, attempt.parent).cost if attempt.parent else 0)


def _cause(attempt: Attempt) -> str:
    """Say why an attempt failed: the kind, and of a crash what of its words are the libraries' own."""
    return f"{attempt.fault}: {told(attempt.problem)}" if attempt.fault == "crash" else attempt.fault


def lessons_told(state: RunState, deps: Deps) -> list[str]:
    """Return the lessons that the history supplied for this node, a line each; data, whatever their words say."""
    found = [(read(deps.artifacts.json(item["id"])), item["similarity"]) for item in lessons_of(state)]
    return [line(lesson, similarity) for lesson, similarity in found if lesson]


def lessons_of(state: RunState) -> list[Recalled]:
    """Return the recalled items that are lessons."""
    return [item for item in state.history if item["kind"] == "similar"]


def offered(state: RunState, plan: Plan) -> Plan:
    """Return the plan with the lessons that its decider read, so that it can be counted what came of them."""
    names = [item["id"][:SHORT] for item in lessons_of(state)]
    return Plan(**plan | {"offered": names}) if names else plan
