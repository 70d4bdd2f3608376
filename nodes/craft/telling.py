"""Tables that code did not understand: a capable planner is asked once what they are, and that is held against the files.

What holds becomes the briefing, and then cases of memory fit that did not. What does not hold is told, and asked once more;
where an answer says nothing of it, nobody is asked again.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ValidationError

from memory.attempts import Execution, briefing, chain, signature
from memory.state import RunState, Task
from nodes.craft.doubts import about_kind
from nodes.craft.replies import valid
from nodes.deps import Deps

ASKED = 2  # times at most in a run
COLUMNS = 50  # targets that can be named
ODD = "the files cannot be read in that way"
KIND = "other"  # what is no task on tables, of which nothing is held against the files


def _names(value: Any) -> Any:
    return [valid(str(each)) for each in (value if isinstance(value, list) else [value])][:COLUMNS]


class Told(BaseModel):
    """What a model says of the tables."""

    train: Annotated[str, BeforeValidator(lambda value: valid(str(value or "")))] = ""
    test: Annotated[str, BeforeValidator(lambda value: valid(str(value or "")))] = ""
    targets: Annotated[list[str], BeforeValidator(_names)] = []
    problem: Literal["classification", "regression", "other"]


def schema() -> dict[str, Any]:
    """Return the form of an answer's part `data`."""
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "train": text,
        "test": text,
        "targets": {"type": "array", "items": text},
        "problem": {"type": "string", "enum": ["classification", "regression", KIND]},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def is_asked(state: RunState, deps: Deps) -> bool:
    """Tell whether a model that plans freely is to say what the tables are: code is not sure, and memory is in use."""
    facts = briefing(state, deps.artifacts)
    told, asked = facts.get("told", []), _plans(state, deps)
    open_yet = max(len(told), asked) < (ASKED if "untrue" in facts else 1)
    tables = any(file["what"] in ("table", "compressed") for file in facts.get("files", []))
    return open_yet and tables and state.task.get("history") != "off" and about_kind(facts, deps.task.text)


def _plans(state: RunState, deps: Deps) -> int:
    """Return in how many turns a model that plans freely has planned: it was asked then, whether it said anything or not."""
    plans = {attempt.turn: attempt.plan for attempt in chain(deps.artifacts, state.head)} | {
        state.turn: state.plan
    }
    own = (plan.get("by", "") for plan in plans.values() if plan.get("action") != "expert")
    return sum(deps.models.able(by).is_free for by in own)


def read(state: RunState, deps: Deps, data: Any) -> Task | None:
    """Return the task with the briefing that an answer's part `data` makes of it; None where it says nothing that can be read."""
    try:
        told = Told.model_validate(data).model_dump()
    except ValidationError:
        return None
    facts = briefing(state, deps.artifacts)
    made = {} if told["problem"] == KIND else _made(state, deps, told)
    # What does not hold is added to what code has seen.
    new: dict[str, Any] = {**facts} if "table" not in made else made
    new.pop("untrue", None)
    if told["problem"] != KIND and "table" not in made:
        new["untrue"] = made.get("untrue", ODD)
    new |= {"told": [*facts.get("told", []), told], "signature": signature(facts)}
    return Task(**state.task | Task(briefing=deps.artifacts.put_json(new)))


def _made(state: RunState, deps: Deps, told: Mapping[str, Any]) -> dict[str, Any]:
    first = [*chain(deps.artifacts, state.head)][-1]
    return deps.task.brief(Execution.of(deps.artifacts.json(first.execution)), told)
