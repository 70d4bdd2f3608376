"""Predicates about the end of a run: the averages of its best scripts, which are the last that it does. They are pure, as all are."""

from graphs.verdict import Verdict, plans_freely
from memory.state import RunState
from memory.together import ACTION as AVERAGE


def average_left(state: RunState, action: str = "", after: str = "", unless: str = "") -> Verdict:
    """The run is at its end, and averages of its best scripts' answers were not tried: they take no model and no turn.

    It is at its end where its turns are used or the newest plan was an average; with `action`, where the planner chose that; with
    `after`, where the step before left that fault. With `unless`, only where that model chooses from a list.
    """
    left, chosen = state.counts.get("averages", 0), state.plan.get("action", "")
    fault, turns = state.fault.get("kind", ""), state.task.get("turns", 0)
    if action or after:
        ends = action in ("", chosen) and after in ("", fault)
    else:
        ends = state.turn >= turns or chosen == AVERAGE
    holds = left > 0 and ends and not plans_freely(state, unless)[unless]
    return Verdict(holds, {"averages": left, "turn": state.turn, "action": chosen, "fault": fault})


def averaged(state: RunState) -> Verdict:
    """The newest plan was an average of the run's best scripts, made at its end."""
    after = state.plan.get("after", "")
    holds = state.plan.get("action") == AVERAGE and after != "nothing_recalled"
    return Verdict(holds, {"action": state.plan.get("action", ""), "after": after})
