"""What a node would overwrite of a change by hand, as its source says: in its own words, by helpers, at the start alone."""

from typing import Any, TypedDict

import pytest

from graphs.carried import overwritten
from memory.state import Fault, Plan, RunState


class Update(TypedDict, total=False):
    script: str
    advice: str
    plan: Plan
    fault: Fault


def mends(state: RunState, deps: Any) -> Update:
    """Looks at the script, and may write it back."""
    return {"script": deps.artifacts.put(deps.artifacts.text(state.script)), "fault": Fault()}


def writes(state: RunState, deps: Any) -> Update:
    def inner() -> dict[str, str]:
        return {"advice": "none of the node's"}

    return _made(str(inner()))


def _made(text: str) -> Update:
    return {"script": text}


def plans_first(state: RunState, deps: Any) -> Update:
    if not state.script:
        return {"plan": Plan(action="baseline")}
    return {"advice": deps.artifacts.put("more")}


def in_pieces(state: RunState, deps: Any) -> Update:
    update: Update = {}
    if deps.here.model and state.turn:
        update["advice"] = deps.artifacts.put("more")
    return update


BEGUN = RunState(script="there is one")


@pytest.mark.parametrize(
    ("node", "field", "state", "told"),
    [
        (mends, "script", BEGUN, False),
        (mends, "plan", BEGUN, False),  # which it declares, and never returns
        (writes, "script", BEGUN, True),
        (writes, "advice", BEGUN, False),
        (plans_first, "plan", BEGUN, False),
        (plans_first, "plan", RunState(), True),
        (plans_first, "advice", BEGUN, True),
        (in_pieces, "advice", BEGUN, True),  # what is returned is not written out: what is declared counts
        (in_pieces, "plan", BEGUN, True),
    ],
)
def test_what_a_node_makes_anew_is_what_it_returns_and_has_not_looked_at(
    node: Any, field: str, state: RunState, told: bool
) -> None:
    key = "action" if field == "plan" else ""
    assert overwritten(node, field, [key], state) == [key] * told
