"""What a model chooses from a list that does not plan freely: the actions, the changes of one number, the form of its answer."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from memory.attempts import chain
from memory.state import RunState
from memory.ways import can_change
from nodes.craft.tuning import changes
from nodes.deps import Deps

ACTIONS = ("apply", "tune", "improve", "expert", "finish")
PATIENCE = {"expert": 6, "finish": 8}  # attempts in a row that fail before a model is offered these ways out
REWRITES = 2  # in a row that fail before that is not offered any more, where other means are left


def offered(state: RunState, deps: Deps, script: str, *, cases: bool, tuned: bool) -> list[str]:
    """Return what may be chosen now: an exit only after the model has tried, rewriting only while that is not all in vain.

    Nor is that offered where who carries it out cannot: the model itself, or in a graph whose coder it never is, all those.
    `cases` and `tuned` say whether there is a case to apply, and a change of a number to make.
    """
    failed = state.counts.get("failed", 0)
    vain = state.counts.get("improve_failed", 0) >= REWRITES
    here = {
        "apply": cases,
        "tune": tuned,
        "improve": _is_written(deps, script) and not (vain and (cases or tuned)),
        "expert": failed >= PATIENCE["expert"] and len(deps.here.ladder) > 1,
        "finish": failed >= PATIENCE["finish"],
    }
    return [action for action in ACTIONS if here[action]]


def numbers(state: RunState, deps: Deps, script: str) -> list[str]:
    """Return the changes of one number that were not tried since the best was found; none where the history is off."""
    if state.task.get("history") == "off":
        return []
    attempts = chain(deps.artifacts, state.head)
    newer = takewhile(lambda attempt: attempt.id != state.best.get("attempt"), attempts)
    return changes(script, [attempt.plan.get("instruction", "") for attempt in newer])


def schema(
    cases: Sequence[Mapping[str, Any]], tuned: Sequence[str], actions: Sequence[str]
) -> dict[str, Any]:
    """Return a flat schema of an answer; its `case` is a name from the menu and its `change` a line of the list, or empty."""
    return {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": list(actions)},
            "case": {"type": "string", "enum": [*(case["name"] for case in cases), ""]},
            "change": {"type": "string", "enum": [*tuned, ""]},
            "instruction": {"type": "string", "maxLength": 300},
        },
        "required": ["action", "case", "change", "instruction"],
        "additionalProperties": False,
    }


def _is_written(deps: Deps, script: str) -> bool:
    """Tell whether a change of the script is asked for, of the models that would make it.

    Of the coder's those no dearer than this one, as it may stand on any of them; where this is none of the coder's, all.
    """
    me, writers = deps.here.model, deps.here.writers or (deps.here.model,)
    able = [deps.models.able(name) for name in writers[: writers.index(me) + 1 if me in writers else None]]
    lines = len(script.splitlines())
    return any(can.is_free or can_change(lines, can.lines, edits=can.edits) for can in able)
