"""What memory has left to choose: of what was recalled, what was not chosen yet and can help."""

from typing import Any

from memory.attempts import briefing, recalled
from memory.ideas import SUNK, key
from memory.state import RunState
from nodes.craft.chosen import SHORT, chosen
from nodes.craft.crashed import crashes, without_crashes, without_metric
from nodes.craft.edits import edited
from nodes.craft.repeated import without_repeats
from nodes.deps import Deps

Case = dict[str, Any]
Idea = dict[str, Any]


def cases(state: RunState, deps: Deps, script: str) -> list[Case]:
    """Return the cases that would not crash as another did, the best first.

    An edit only while it changes something of `script`, so that it takes no turn for nothing.
    """
    known = crashes(state, deps.artifacts)
    facts = without_metric(briefing(state, deps.artifacts), known)
    left = [
        case
        for case in _unchosen(state, deps)
        if not (case.get("edit") and edited(case, script, deps.task.starter, facts) is None)
    ]
    left = without_repeats(left, facts, state, deps.artifacts, deps.task.seconds)
    return without_crashes(left, facts, known, deps.task.seconds)


def averages(state: RunState, deps: Deps) -> list[Case]:
    """Return the averages of the run's best scripts."""
    return [case for case in _unchosen(state, deps) if "members" in case]


def ideas(state: RunState, deps: Deps) -> list[Idea]:
    """Return the ideas that are worth a turn, the best first, where there are models to carry one out."""
    gone = chosen(state)
    found = recalled(state, deps.artifacts, "idea") if deps.here.model or len(deps.here.ladder) > 1 else []
    return [idea for idea in found if idea["rank"] != SUNK and key(idea["what"]) not in gone]


def _unchosen(state: RunState, deps: Deps) -> list[Case]:
    gone = chosen(state)
    return [case for case in recalled(state, deps.artifacts, "case") if case["id"][:SHORT] not in gone]
