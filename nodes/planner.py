"""The planner: decides what this turn is for. On its free rung it takes the best that is remembered, without a model."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, TypedDict

from memory.attempts import best_script, briefing, chain, line, recalled, reminded
from memory.ideas import FIRST, SUNK, in_line, key
from memory.state import NANO, Counts, Fault, Plan, RunState, Shared, Task
from memory.together import ACTION as AVERAGE
from memory.together import is_due
from memory.ways import can_change
from nodes.craft import freely, telling
from nodes.craft.choice import Choice, parse, schema
from nodes.craft.chosen import SHORT, chosen, with_choice
from nodes.craft.crashed import crashes, without_crashes, without_metric
from nodes.craft.dossier import NEEDED, Dossier, dossier
from nodes.craft.edits import edited
from nodes.craft.ideas import SKETCH
from nodes.craft.lesson import lessons_told, offered
from nodes.craft.looks import LOOK, SHOWN
from nodes.craft.repeated import without_repeats
from nodes.craft.room import for_plan
from nodes.craft.tuning import changes, compact
from nodes.craft.vain import without_vain_cases
from nodes.craft.within import within
from nodes.declares import declares
from nodes.deps import Deps, Message
from nodes.notes import told_by_others

Case = dict[str, Any]
Idea = dict[str, Any]
RECALL = "recall"  # who decided, where no model did
ACTIONS = ("apply", "tune", "improve", "expert", "finish")
PATIENCE = {"expert": 6, "finish": 8}  # attempts in a row that fail before a model is offered these ways out
WARM = 3  # and before it is asked at a higher temperature
FEW_TURNS, LITTLE = 2, 0.2  # turns, and the share of the budget, below which the planner is told what is left
MENDABLE = ("unparsable", "truncated", "noop", "unrenderable")  # faults of a reply that a model is told of
UNMADE = ("unrenderable", "noop")  # faults of a case that gave no script
PROMPT = (
    10_300  # bytes that a capable model is asked with: 3,500 tokens of three bytes, less what marks messages
)
TEXT = 2_000  # characters of the task's text that are always told
CUT = " (cut here: the programmer is told all of it)"
REWRITES = 2  # in a row that fail before that is not offered any more, where other means are left


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
    cases = _menu(state, deps, script)
    if not deps.here.model:
        return _remembered(state, deps, cases)
    free = deps.models.able(deps.here.model).is_free
    numbers = not free and state.task.get("history") != "off"  # who plans freely says such changes, too
    tuned = changes(script, _tuned(state, deps)) if numbers else []
    if free:
        cases = without_vain_cases(cases, list(chain(deps.artifacts, state.head)), deps.artifacts)
    actions = _offered(state, deps, cases, tuned, script, free=free)
    if not actions:
        return _none_left(state, deps, script)
    unsure = free and telling.is_asked(state, deps)
    reply = deps.models.ask(
        deps.here,
        _prompt(state, deps, script, cases, tuned, actions, free=free, unsure=unsure),
        schema=freely.schema(freely.possible(deps), data=unsure) if free else schema(cases, tuned, actions),
        max_tokens=for_plan(deps.models.able(deps.here.model)),
        temperature=0.2 if state.counts.get("failed", 0) < WARM else 0.7,
    )
    if reply.fault:
        return _faulted(state, reply.as_fault())
    choice = parse(reply.text)
    if isinstance(choice, str):
        return _failed(state, "unparsable", choice)
    if choice.action not in actions:
        what = f"the action {choice.action[:40]!r} is not one of {', '.join(actions)}"
        return _failed(state, "unparsable", what)
    update = _chosen(state, deps, choice, cases, tuned)
    return _told(state, deps, choice, update) if unsure else update


def _told(state: RunState, deps: Deps, choice: Choice, update: PlannerUpdate) -> PlannerUpdate:
    """Add to a choice what it says that the tables are, held against the files, where that was asked."""
    said = choice.data is not None and not update["fault"]
    task = telling.read(state, deps, choice.data) if said else None
    return update if task is None else update | PlannerUpdate(task=task)


def _next_turn(state: RunState) -> int:
    """Return the number of the turn that is to be decided."""
    unmade = state.fault.get("kind") in UNMADE and state.plan.get("by") == RECALL and state.plan.get("case")
    return state.turn if unmade else state.turn + 1


def _menu(state: RunState, deps: Deps, script: str) -> list[Case]:
    """The recalled cases not chosen yet that would not crash as another did.

    An edit only while it changes something, so that it takes no turn for nothing.
    """
    gone = chosen(state)
    known = crashes(state, deps.artifacts)
    facts = without_metric(briefing(state, deps.artifacts), known)
    left = [
        case
        for case in recalled(state, deps.artifacts, "case")
        if case["id"][:SHORT] not in gone
        and not (case.get("edit") and edited(case, script, deps.task.starter, facts) is None)
    ]
    left = without_repeats(left, facts, state, deps.artifacts, deps.task.seconds)
    return without_crashes(left, facts, known, deps.task.seconds)


def _ideas(state: RunState, deps: Deps) -> list[Idea]:
    """Return the recalled ideas not chosen yet that are worth a turn, where there are models to carry one out."""
    gone = chosen(state)
    ideas = recalled(state, deps.artifacts, "idea") if deps.here.model or len(deps.here.ladder) > 1 else []
    return [idea for idea in ideas if idea["rank"] != SUNK and key(idea["what"]) not in gone]


def _remembered(state: RunState, deps: Deps, cases: list[Case]) -> PlannerUpdate:
    """Take what is likely to help most: a winner, an idea that helped or is the expert's own, the bank's best, another idea."""
    ideas = _ideas(state, deps)
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
    gone = chosen(state)
    left = [case for case in recalled(state, deps.artifacts, "case") if case["id"][:SHORT] not in gone]
    averages = [case for case in left if "members" in case]
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


def _tuned(state: RunState, deps: Deps) -> list[str]:
    """The changes of one number that were tried since the best was found."""
    attempts = chain(deps.artifacts, state.head)
    newer = takewhile(lambda attempt: attempt.id != state.best.get("attempt"), attempts)
    return [attempt.plan.get("instruction", "") for attempt in newer]


def _none_left(state: RunState, deps: Deps, script: str) -> PlannerUpdate:
    """Say that nothing is left that could be asked for: nobody is asked in vain."""
    lines, who = len(script.splitlines()), deps.here.model
    why = f"no case and no change of a number is left, and {who} neither writes nor edits a script of {lines} lines"
    return _failed(state, "nothing_recalled", why) | PlannerUpdate(plan=Plan())


def _offered(
    state: RunState, deps: Deps, cases: list[Case], tuned: list[str], script: str, *, free: bool
) -> list[str]:
    """What a model may choose: from a list, an exit only after it has tried, rewriting only while that is not all in vain.

    Nor is that offered where who carries it out cannot: the model itself, or in a graph whose coder it never is, all those.
    """
    if free:
        return freely.offered(state, deps, cases=bool(cases))
    failed = state.counts.get("failed", 0)
    vain = state.counts.get("improve_failed", 0) >= REWRITES
    offered = {
        "apply": bool(cases),
        "tune": bool(tuned),
        "improve": _is_written(deps, script) and not (vain and (cases or tuned)),
        "expert": failed >= PATIENCE["expert"] and len(deps.here.ladder) > 1,
        "finish": failed >= PATIENCE["finish"],
    }
    return [action for action in ACTIONS if offered[action]]


def _is_written(deps: Deps, script: str) -> bool:
    """Tell whether a change of the script is asked for, of the models that would make it.

    Of the coder's those no dearer than this one, as it may stand on any of them; where this is none of the coder's, all.
    """
    me, writers = deps.here.model, deps.here.writers or (deps.here.model,)
    able = [deps.models.able(name) for name in writers[: writers.index(me) + 1 if me in writers else None]]
    lines = len(script.splitlines())
    return any(can.is_free or can_change(lines, can.lines, edits=can.edits) for can in able)


def _chosen(
    state: RunState, deps: Deps, choice: Choice, cases: list[Case], tuned: list[str]
) -> PlannerUpdate:
    action, instruction, by = choice.action, choice.instruction.strip(), deps.here.model
    if action == "apply":
        named = [case for case in cases if case["name"] == choice.case]
        if not named:
            return _failed(state, "unparsable", f"there is no case {choice.case[:80]!r} in the menu")
        return _decided(state, deps, _apply(named[0], by=by))
    if action == "tune":
        if choice.change not in tuned:
            return _failed(state, "unparsable", f"there is no change {choice.change[:80]!r} in the list")
        return _decided(state, deps, Plan(action=action, instruction=choice.change, case="", by=by))
    if deps.models.able(by).is_free:
        ideas = _ideas(state, deps)
        if action in ("improve", freely.DRAFT) and (idea := freely.idea_in(instruction, ideas)):
            return _decided(state, deps, _idea(idea, deps, by=by), left=state.counts.get("ideas", 0))
        plan = freely.planned(state, deps, action, instruction, choice.attempts)
        return _failed(state, "unparsable", plan) if isinstance(plan, str) else _decided(state, deps, plan)
    if action == "improve" and not instruction:
        return _failed(state, "unparsable", "the instruction is empty")
    return _decided(state, deps, Plan(action=action, instruction=instruction[:600], case="", by=by))


def _apply(case: Case, by: str) -> Plan:
    return Plan(action="apply", instruction=case["title"], case=case["id"], by=by)


def _idea(idea: Mapping[str, Any], deps: Deps, by: str) -> Plan:
    """Return the plan of an idea: all its words, and its sketch where it has one."""
    plan = Plan(action="idea", instruction=idea["what"], case="", idea=idea["id"], by=by)
    if isinstance(code := idea.get("sketch"), str) and len(code) <= SKETCH:
        plan["sketch"] = deps.artifacts.put(code)
    return plan


def _decided(state: RunState, deps: Deps, plan: Plan, left: int = 0) -> PlannerUpdate:
    """Return the decision; behind an idea, memory has so much `left` to try."""
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
        counts["ideas"] = left
    if choice := plan["case"] or ("idea" in plan and key(plan["instruction"])):
        # What could not be rendered or repeats a script leaves no attempt: remember that it was chosen.
        update["notes"] = state.notes | {deps.here.node: with_choice(state, deps.here.node, choice)}
    return update


def _failed(state: RunState, kind: str, detail: str) -> PlannerUpdate:
    return _faulted(state, Fault(kind=kind, detail=detail))


def _faulted(state: RunState, fault: Fault) -> PlannerUpdate:
    counts = state.counts | {"misses": state.counts.get("misses", 0) + 1}
    return {"fault": fault, "counts": counts}


def _prompt(
    state: RunState,
    deps: Deps,
    script: str,
    cases: list[Case],
    tuned: list[str],
    actions: list[str],
    *,
    free: bool,
    unsure: bool,
) -> Sequence[Message]:
    facts, ideas = briefing(state, deps.artifacts), _ideas(state, deps)
    values = {
        "task": deps.task,
        "summary": facts.get("summary", ""),
        "samples": facts.get("samples", []),
        "menu": cases,
        "ideas": [in_line(idea) for idea in ideas],
        "changes": tuned,
        "script": compact(script),
        "best": state.best.get("score"),
        "tried": [line(attempt) for attempt in reminded(state, deps.artifacts)],
        "fault": state.fault.get("detail", "") if state.fault.get("kind") in MENDABLE else "",
        "similar": lessons_told(state, deps),
        "notes": told_by_others(state, deps.here.node),
        "actions": actions,
        "left": _left(state),
        # What follows is told to capable models alone.
        "letters": list(freely.lettered(ideas)),
        "unsure": unsure,
        "limits": {"instruction": freely.LONGEST, "look": SHOWN} | freely.left(state),
    }
    if not free:
        return deps.prompts(deps.here.prompt, dossier=Dossier(), text=deps.task.text, **values)
    text = deps.task.text
    bare = deps.prompts(deps.here.prompt, dossier=dossier(state, deps, room=0), text=text, **values)
    room = PROMPT - sum(len(message["content"].encode()) for message in bare)
    lack = min(NEEDED - room, len(text) - TEXT)
    if lack > 0:
        text, room = within(text, len(text) - lack, CUT), room + lack
    return deps.prompts(deps.here.prompt, dossier=dossier(state, deps, max(1, room)), text=text, **values)


def _left(state: RunState) -> str:
    """Say what is left of turns and money, once that is little: what is chosen then should be worth it."""
    turns = state.task.get("turns", 0) - state.turn
    budget = state.task.get("budget", 0)
    money = max(0, budget - state.spent)
    said = [f"{turns} turn{'s' if turns > 1 else ''}"] if turns <= FEW_TURNS else []
    if state.spent and money < LITTLE * budget:
        said.append(f"${money / NANO:.4f} of ${budget / NANO:.2f}")
    return " and ".join(said)
