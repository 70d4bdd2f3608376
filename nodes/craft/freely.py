"""What a model that plans freely may choose, and the plan that its choice makes.

The names follow the field: AIDE's draft, debug and improve, MLAgentBench's look into files.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from memory.attempts import Attempt, chain
from memory.scores import worth
from memory.state import Plan, RunState
from nodes.deps import Deps

DRAFT = "draft"
ACTIONS = (DRAFT, "improve", "debug", "combine", "look", "apply", "tune", "expert", "finish")
LOOKS = 3  # in a run: each is a question to planner and coder without a turn
LONGEST = 1500  # characters of an instruction
PAIR = 2  # attempts that are combined


def _numbers(value: Any) -> Any:
    """Models name one attempt by its bare number, and none by null."""
    return [] if value in (None, "") else value if isinstance(value, list) else [value]


class Named(BaseModel):
    """The attempts that a choice names, by their turns."""

    attempts: Annotated[list[int], BeforeValidator(_numbers)] = []


def offered(state: RunState, deps: Deps, *, cases: bool, tuned: bool) -> list[str]:
    """Return what may be chosen now; `cases` and `tuned` say whether there is something to apply or to tune."""
    attempts = list(chain(deps.artifacts, state.head))
    here = {
        DRAFT: True,
        "improve": True,
        "debug": bool(_failed(attempts)),
        "combine": len(_scored(attempts, state)) >= PAIR,
        "look": deps.task.looks and state.counts.get("looks", 0) < LOOKS,
        "apply": cases,
        "tune": tuned,
        "expert": len(deps.here.ladder) > 1 and bool(state.counts.get("failed")) and not _is_dearest(deps),
        "finish": True,
    }
    return [action for action in ACTIONS if here[action]]


def _is_dearest(deps: Deps) -> bool:
    """Tell whether the one who is asked stands on the top rung: an expert would be itself."""
    return deps.here.model == deps.here.ladder[-1]


def planned(
    state: RunState, deps: Deps, action: str, instruction: str, attempts: Sequence[int]
) -> Plan | str:
    """Return the plan of a choice that is no case and no change of a number; else what is wrong with it."""
    if action not in ("finish", "debug", "combine") and not instruction:
        return f"the instruction is empty: say what to {action}"
    plan = Plan(action=action, instruction=instruction[:LONGEST], case="", by=deps.here.model)
    if action not in ("debug", "combine"):
        return plan
    behind = list(chain(deps.artifacts, state.head))
    able = _failed(behind) if action == "debug" else _scored(behind, state)
    wanted, what = (1, "failed") if action == "debug" else (PAIR, "scored")
    named = [attempt for turn in dict.fromkeys(attempts) for attempt in able if attempt.turn == turn]
    if attempts and len(named) < min(wanted, len(attempts)):
        turns = ", ".join(str(turn) for turn in sorted({attempt.turn for attempt in able}))
        return f"attempts {list(attempts)}: {action} takes those of the turns that {what}: {turns}"
    others = [attempt for attempt in able if attempt not in named]
    chosen = [*named, *others][:wanted]
    said = instruction or f"{action} {' and '.join(f'turn {attempt.turn}' for attempt in chosen)}"
    return plan | Plan(of=[attempt.id for attempt in chosen], instruction=said[:LONGEST])


def _failed(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the last script of each turn that ended without a score, the newest first."""
    last: dict[int, Attempt] = {}
    for attempt in attempts:
        last.setdefault(attempt.turn, attempt)
    return [attempt for attempt in last.values() if attempt.status == "crash" and attempt.turn]


def _scored(attempts: Sequence[Attempt], state: RunState) -> list[Attempt]:
    """Return the attempts with a score beyond the starter, the best first, each script once."""
    direction = state.task.get("direction", "max")
    first: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.score is not None and attempt.turn:
            first.setdefault(attempt.script, attempt)
    return sorted(first.values(), key=lambda attempt: -worth(attempt.score or 0.0, direction))


def schema(cases: Sequence[str], tuned: Sequence[str], actions: Sequence[str]) -> dict[str, Any]:
    """Return the form of an answer; `cases` are names in the menu and `tuned` lines of the list of changes."""
    properties: dict[str, Any] = {
        "action": {"type": "string", "enum": list(actions)},
        "case": {"type": "string", "enum": [*cases, ""]},
        "change": {"type": "string", "enum": [*tuned, ""]},
        "attempts": {"type": "array", "items": {"type": "integer"}},
        "instruction": {"type": "string", "maxLength": LONGEST},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
