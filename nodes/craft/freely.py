"""What a model that plans freely may choose, and the plan that its choice makes.

The names follow the field: AIDE's draft, debug and improve, MLAgentBench's look into files.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from memory.attempts import Attempt, chain
from memory.scores import worth
from memory.state import NANO, Plan, RunState
from memory.ways import cost
from nodes.craft import telling
from nodes.craft.looks import looked
from nodes.craft.naming import named
from nodes.craft.replies import valid
from nodes.deps import Deps

DRAFT = "draft"
ACTIONS = (DRAFT, "improve", "debug", "combine", "look", "apply", "expert", "finish")
LOOKS = 3  # in a run: each is a question to planner and coder without a turn
LONGEST = 6_000  # characters of an instruction
CUT = f" (cut here: an instruction has at most {LONGEST:,} characters)"
# Attempts that an action starts from, where the choice names them; of these some start from the best script where it does not.
MADE_OF = {"debug": 1, "improve": 1, "look": 1, "combine": 2}
FROM_BEST = ("improve", "look")
IDEA = re.compile(r"\W*idea ([A-Z])\b\W*", re.IGNORECASE)  # as `lettered` calls them


def _names(value: Any) -> Any:
    """Models name one attempt by its bare name or number, and none by null."""
    listed = [] if value in (None, "") else value if isinstance(value, list) else [value]
    said = [valid(str(each)).strip().lower() for each in listed]
    return [each.removeprefix("attempt ").removeprefix("turn ") for each in said]


class Named(BaseModel):
    """The attempts that a choice names, as `naming` calls them, and the looks."""

    attempts: Annotated[list[str], BeforeValidator(_names)] = []


def offered(state: RunState, deps: Deps, *, cases: bool) -> list[str]:
    """Return what may be chosen now; `cases` says whether there is something to apply."""
    attempts = list(chain(deps.artifacts, state.head))
    here = {
        DRAFT: True,
        "improve": True,
        "debug": bool(_failed(attempts)),
        "combine": len(_scored(attempts, state)) >= MADE_OF["combine"],
        "look": deps.task.looks and state.counts.get("looks", 0) < LOOKS,
        "apply": cases,
        "expert": len(deps.here.ladder) > 1 and bool(state.counts.get("failed")) and not _is_dearest(deps),
        "finish": True,
    }
    return [action for action in ACTIONS if here[action]]


def left(state: RunState) -> dict[str, Any]:
    """Return how many looks are left, and what a try with an answer of the expert costs, in dollars; "" where no price is known."""
    models = state.task.get("models", {})
    dear = max(models, key=lambda name: models[name]["call"], default="")
    price = f"{cost(state, dear) / NANO:.1g}" if dear and models[dear]["call"] else ""
    return {"looks": LOOKS - state.counts.get("looks", 0), "expert": price}


def _is_dearest(deps: Deps) -> bool:
    """Tell whether the one who is asked stands on the top rung: an expert would be itself."""
    return deps.here.model == deps.here.ladder[-1]


def planned(
    state: RunState, deps: Deps, action: str, instruction: str, attempts: Sequence[str]
) -> Plan | str:
    """Return the plan of a choice that is no case; else what is wrong with it."""
    if action not in ("finish", "debug", "combine") and not instruction:
        return f"the instruction is empty: say what to {action}"
    plan = Plan(action=action, instruction=whole(instruction), case="", by=deps.here.model)
    looks = {look.name: look.script for look in looked(state, deps.artifacts) if look.script}
    if action != "debug" and (named_looks := [looks[name] for name in attempts if name in looks]):
        plan["look"] = named_looks[-1]
        attempts = [name for name in attempts if name not in looks]
    if action not in MADE_OF or (action in FROM_BEST and not attempts):
        return plan
    behind = list(chain(deps.artifacts, state.head))
    called = named(behind)
    able = _failed(behind) if action == "debug" else _scored(behind, state)
    wanted, what = MADE_OF[action], "failed" if action == "debug" else "scored"
    chosen = [attempt for name in dict.fromkeys(attempts) for attempt in able if called[attempt.id] == name]
    if attempts and len(chosen) < min(wanted, len(attempts)):
        known = ", ".join(
            called[attempt.id] for attempt in sorted(able, key=lambda one: (one.turn, called[one.id]))
        )
        return f"attempts {list(attempts)}: {action} takes those that {what}: {known}"
    chosen = [*chosen, *(attempt for attempt in able if attempt not in chosen)][:wanted]
    said = instruction or f"{action} {' and '.join(f'attempt {called[attempt.id]}' for attempt in chosen)}"
    return plan | Plan(of=[attempt.id for attempt in chosen], instruction=whole(said))


def whole(instruction: str) -> str:
    """Return an instruction, or as much of it as is passed on, with a note that it was cut."""
    return instruction if len(instruction) <= LONGEST else instruction[: LONGEST - len(CUT)] + CUT


def lettered(ideas: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return ideas by the letters that they have in one request: never a turn's number."""
    return dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ideas, strict=False))


def idea_in(instruction: str, ideas: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the idea whose name is the whole instruction, as in "idea B"; None for any other instruction."""
    found = IDEA.fullmatch(instruction)
    return lettered(ideas).get(found[1].upper()) if found else None


def _failed(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the last script of each plan that ended without a score, the newest first; none that was mended since."""
    last: dict[tuple[int, str], Attempt] = {}
    for attempt in attempts:
        last.setdefault((attempt.turn, attempt.plan.get("instruction", "")), attempt)
    debugged = [one for one in attempts if one.plan.get("action") == "debug" and one.score is not None]
    mended = {name for one in debugged for name in one.plan.get("of", [])}
    failed = [attempt for attempt in last.values() if attempt.status == "crash" and attempt.turn]
    return [attempt for attempt in failed if attempt.id not in mended]


def _scored(attempts: Sequence[Attempt], state: RunState) -> list[Attempt]:
    """Return the attempts with a score beyond the starter, the best first, each script once."""
    direction = state.task.get("direction", "max")
    first: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.score is not None and attempt.turn:
            first.setdefault(attempt.script, attempt)
    return sorted(first.values(), key=lambda attempt: -worth(attempt.score or 0.0, direction))


def possible(deps: Deps) -> list[str]:
    """Return the actions that may be offered at some turn of a run."""
    never = {"look"} if not deps.task.looks else set()
    never |= {"expert"} if len(deps.here.ladder) <= 1 else set()
    return [action for action in ACTIONS if action not in never]


def schema(actions: Sequence[str], *, data: bool) -> dict[str, Any]:
    """Return the form of an answer that chooses among `actions`; with `data`, one that says what the tables are, too.

    It stands before all that a provider reads, so it changes in no turn: what is offered now, the prompt says.
    """
    properties: dict[str, Any] = {
        "action": {"type": "string", "enum": list(actions)},
        "case": {"type": "string"},
        "attempts": {"type": "array", "items": {"type": "string"}},
        "instruction": {"type": "string", "maxLength": LONGEST},
        **({"data": telling.schema()} if data else {}),
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
