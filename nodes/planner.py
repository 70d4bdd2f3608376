"""The planner: decides what this turn is for. On its free rung it takes the best that is remembered, without a model."""

from collections.abc import Mapping
from typing import Any, TypedDict

from memory.attempts import best_script, briefing
from memory.ideas import FIRST, key
from memory.state import Counts, Fault, Plan, RunState, Shared, Task
from memory.together import ACTION as AVERAGE
from memory.together import is_due
from nodes.craft import freely, menu, telling
from nodes.craft.choice import Choice, parse
from nodes.craft.chosen import with_choice
from nodes.craft.ideas import SKETCH
from nodes.craft.lesson import offered
from nodes.craft.looks import LOOK
from nodes.craft.menu import Case
from nodes.craft.missed import missed
from nodes.craft.offer import Offer
from nodes.craft.question import question
from nodes.craft.room import for_plan
from nodes.declares import declares
from nodes.deps import Deps

RECALL = "recall"  # who decided, where no model did
WARM = 3  # attempts in a row that fail before a model is asked at a higher temperature
UNMADE = ("unrenderable", "noop")  # faults of a case that gave no script


class PlannerUpdate(TypedDict, total=False):
    """What the planner writes."""

    turn: Shared[int]
    plan: Shared[Plan]
    fault: Shared[Fault]
    counts: Shared[Counts]
    notes: dict[str, Any]
    task: Shared[Task]  # with another briefing, where a model said what the tables are


@declares(role="planner", recalls=("cases", "ideas", "highlights", "similar"))
def planner(state: RunState, deps: Deps) -> PlannerUpdate:
    """Choose the next action; a choice counts a turn (MLAgentBench's "step"), a failed one does not.

    Nor does a look into the data, nor an average of the run's best scripts at its end, and a case that gave no script gives its turn back.
    """
    if deps.task.seconds_left() <= 0:
        return {"fault": Fault(kind="no_turn", detail="the run's time is used up")}
    if is_due(state):
        return _averaged(state, deps)
    if _next_turn(state) > state.task.get("turns", 0):
        return {"fault": Fault(kind="no_turn", detail="all turns are used")}
    script = best_script(state, deps.artifacts, deps.task.starter)
    cases = menu.cases(state, deps, script)
    if not deps.here.model:
        return _remembered(state, deps, cases)
    return _asked(state, deps, Offer.to(state, deps, script, cases))


def _asked(state: RunState, deps: Deps, offer: Offer) -> PlannerUpdate:
    """Ask a model to choose; nobody is asked in vain."""
    if not offer.actions:
        return _none_left(state, deps, offer.script)
    reply = deps.models.ask(
        deps.here,
        question(state, deps, offer),
        schema=offer.schema(deps),
        max_tokens=for_plan(deps.models.able(deps.here.model)),
        temperature=0.2 if state.counts.get("failed", 0) < WARM else 0.7,
    )
    if reply.fault:
        return _faulted(state, reply.as_fault())
    choice = parse(reply.text)
    if isinstance(choice, str):
        return _faulted(state, Fault(kind="unparsable", detail=choice))
    plan = _planned(state, deps, choice, offer)
    if isinstance(plan, str):
        return _faulted(state, Fault(kind="unparsable", detail=plan))
    update = _decided(state, deps, plan)
    task = telling.read(state, deps, choice.data) if offer.unsure and choice.data is not None else None
    return update if task is None else update | PlannerUpdate(task=task)


def _next_turn(state: RunState) -> int:
    """Return the number of the turn that is to be decided."""
    unmade = state.fault.get("kind") in UNMADE and state.plan.get("by") == RECALL and state.plan.get("case")
    return state.turn if unmade else state.turn + 1


def _remembered(state: RunState, deps: Deps, cases: list[Case]) -> PlannerUpdate:
    """Take what is likely to help most: a winner, an idea that helped or is the expert's own, the bank's best, another idea."""
    ideas = menu.ideas(state, deps)
    ahead = [idea for idea in ideas if idea["rank"] == FIRST]
    won = [case for case in cases if "run" in case]
    if won or (cases and not ahead):
        return _decided(state, deps, _apply(cases[0], by=RECALL))
    if ideas:
        plan = _idea(ideas[0], deps, by=RECALL)
        return _decided(state, deps, plan, left=len(ideas) + len(cases) - 1)
    update = PlannerUpdate(plan=Plan(), fault=Fault(kind="nothing_recalled", detail=_nothing(state, deps)))
    if state.counts.get("ideas"):
        update["counts"] = state.counts | {"ideas": 0}
    return update


def _averaged(state: RunState, deps: Deps) -> PlannerUpdate:
    """Take the next average of the run's best scripts, which are all that memory offers at a run's end."""
    averages = menu.averages(state, deps)
    if not averages:
        why = "the run is at its end, and no average of its best scripts is left"
        return {"fault": Fault(kind="no_turn", detail=why)}
    plan = _apply(averages[0], by=RECALL) | Plan(action=AVERAGE, after=state.plan.get("after", _end(state)))
    return _decided(state, deps, plan)


def _end(state: RunState) -> str:
    """Name what the run has come to its end by, or memory to its own."""
    if state.turn >= state.task.get("turns", 0):
        return "turns"
    return "finish" if state.plan.get("action") == "finish" else state.fault.get("kind", "")


def _nothing(state: RunState, deps: Deps) -> str:
    """Say why there is no case left."""
    unknown = "unknown" in briefing(state, deps.artifacts).get("kinds", [])
    return (
        "memory has no case: the task is of no kind that is known"
        if unknown
        else "memory has no untried case"
    )


def _none_left(state: RunState, deps: Deps, script: str) -> PlannerUpdate:
    """Say that nothing is left that could be asked for."""
    lines, who = len(script.splitlines()), deps.here.model
    why = f"no case and no change of a number is left, and {who} neither writes nor edits a script of {lines} lines"
    return _faulted(state, Fault(kind="nothing_recalled", detail=why)) | PlannerUpdate(plan=Plan())


def _planned(state: RunState, deps: Deps, choice: Choice, offer: Offer) -> Plan | str:
    """Return the plan of a choice; else what is wrong with it."""
    action, instruction, by = choice.action, choice.instruction.strip(), deps.here.model
    if action not in offer.actions:
        return f"the action {action[:40]!r} is not one of {', '.join(offer.actions)}"
    if action == "apply":
        named = [case for case in offer.cases if case["name"] == choice.case]
        return _apply(named[0], by) if named else f"there is no case {choice.case[:80]!r} in the menu"
    if offer.free:
        idea = freely.idea_in(instruction, offer.ideas) if action in ("improve", freely.DRAFT) else None
        if idea:
            return _idea(idea, deps, by)
        return freely.planned(state, deps, action, instruction, choice.attempts)
    if action == "tune":
        if choice.change not in offer.tuned:
            return f"there is no change {choice.change[:80]!r} in the list"
        return Plan(action=action, instruction=choice.change, case="", by=by)
    if action == "improve" and not instruction:
        return "the instruction is empty"
    return Plan(action=action, instruction=instruction[:600], case="", by=by)


def _apply(case: Case, by: str) -> Plan:
    return Plan(action="apply", instruction=case["title"], case=case["id"], by=by)


def _idea(idea: Mapping[str, Any], deps: Deps, by: str) -> Plan:
    """Return the plan of an idea: all its words, and its sketch where it has one."""
    plan = Plan(action="idea", instruction=idea["what"], case="", idea=idea["id"], by=by)
    if isinstance(code := idea.get("sketch"), str) and len(code) <= SKETCH:
        plan["sketch"] = deps.artifacts.put(code)
    return plan


def _decided(state: RunState, deps: Deps, plan: Plan, left: int | None = None) -> PlannerUpdate:
    """Return the decision; behind an idea of its own choice, memory has so much `left` to try."""
    same = state.counts.get("same_action", 0) + 1 if plan["action"] == state.plan.get("action") else 1
    counts = state.counts | {"misses": 0, "repairs": 0, "same_action": same}
    turn = state.turn if plan["action"] == AVERAGE else _next_turn(state)
    if plan["by"] != RECALL:
        plan = offered(state, plan)
        counts["planned"] = counts.get("planned", 0) + 1
    elif plan["case"] and turn > state.turn:
        counts["recalled"] = counts.get("recalled", 0) + 1
    if plan["action"] == LOOK:
        turn, counts["looks"] = state.turn, counts.get("looks", 0) + 1
        counts["planned"] = state.counts.get("planned", 0)
    update: PlannerUpdate = {"turn": turn, "plan": plan, "fault": Fault(), "counts": counts}
    if plan["action"] == "idea":
        counts["ideas"] = counts.get("ideas", 0) if left is None else left
    if choice := plan["case"] or ("idea" in plan and key(plan["instruction"])):
        # What could not be rendered or repeats a script leaves no attempt: remember that it was chosen.
        update["notes"] = state.notes | {deps.here.node: with_choice(state, deps.here.node, choice)}
    return update


def _faulted(state: RunState, fault: Fault) -> PlannerUpdate:
    return {"fault": fault, "counts": missed(state)}
