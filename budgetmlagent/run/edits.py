"""Changes of the state by hand: names and values are checked, and what will not last is told before it is paid for."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from typing_extensions import is_typeddict

from budgetmlagent.errors import UsageError
from budgetmlagent.wording import unknown
from graphs.carried import overwritten
from graphs.seen import see_node
from graphs.spec import GraphSpec
from memory.artifacts import Artifacts
from memory.state import RunState

HINTS = get_type_hints(RunState)
DECIDED = ("route", "history")  # by the rules, whenever the state is changed
GIVEN = (
    "apply",
    "baseline",
)  # actions whose script is given: their instruction tells people of it, and no model
TEXTS = ("script", "advice")  # ids of artifacts; a text becomes one


def checked(
    changes: Mapping[str, Any], state: RunState, spec: GraphSpec, artifacts: Artifacts
) -> dict[str, Any]:
    """Return the changes as whole fields: a mapping's keys are merged, a script's text becomes an artifact.

    Raises UsageError for what is no field or no key of one, and for a value of another type than it has.
    """
    names = [f.name for f in fields(RunState) if f.name not in DECIDED]
    edit: dict[str, Any] = {}
    for name, value in changes.items():
        if name in DECIDED:
            raise UsageError(
                f"fork({name}=…): the rules decide it anew; change what they look at, or the graph"
            )
        if name not in names:
            raise UsageError(f"fork({name}=…): {unknown('field', name, names)}")
        was = getattr(state, name)
        if isinstance(was, dict) and isinstance(value, Mapping):
            _are_keys(name, value, was, spec)
            edit[name] = _planned(was, value) if name == "plan" else {**was, **value}
        else:
            edit[name] = value
        _has_type(name, edit[name], value)
        if name == "rungs":
            _are_rungs(value, spec)
        if name in TEXTS and not (artifacts.folder / value).is_file():
            edit[name] = artifacts.put(value)
    return edit


def _are_keys(field: str, value: Mapping[str, Any], was: Mapping[str, Any], spec: GraphSpec) -> None:
    """Raise UsageError for a key that the field does not have; a node of one's own may have added some."""
    hint = HINTS[field]
    if is_typeddict(hint):
        there = list(get_type_hints(hint))
    else:
        there = list(spec.ladders if field == "rungs" else spec.nodes)
    for key in value:
        if key not in there and key not in was:
            raise UsageError(f"fork({field}={{{key!r}: …}}): {unknown(f'key of {field}', str(key), there)}")


def _has_type(field: str, whole: Any, given: Any) -> None:
    try:
        TypeAdapter(HINTS[field]).validate_python(whole, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{key!r}]" for key in first["loc"])
        raise UsageError(f"fork({field}={given!r}): {field}{where}: {first['msg'].lower()}") from None


def _are_rungs(rungs: Mapping[str, int], spec: GraphSpec) -> None:
    for role, rung in rungs.items():
        top = len(spec.ladders[role]) - 1 if role in spec.ladders else 0
        if not 0 <= rung <= top:
            raise UsageError(
                f"fork(rungs={{{role!r}: {rung}}}): 0 to {top} is needed: {', '.join(spec.ladders.get(role, ()))}"
            )


def _planned(was: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan as changed. An instruction in the place of a given script is one for a model to carry out."""
    if "instruction" in value and "action" not in value and was.get("action") in GIVEN:
        value = {"action": "improve", **value}
    if value.get("action", was.get("action")) != was.get("action"):
        was = {key: kept for key, kept in was.items() if key not in ("case", "idea")}  # the former action's
        value = {"case": "", **value}
    return {**was, **value}


def lost(changes: Mapping[str, Any], spec: GraphSpec, node: str) -> list[str]:
    """Say what of the `changes` the coming node may make anew without having looked at it; nothing where all of it lasts."""
    if node not in spec.nodes:
        return []
    function, found = see_node(spec.nodes[node].run), list[str]()
    for field, value in changes.items():
        keys = list(value) if isinstance(value, Mapping) else [""]
        found += [f"{field}[{key!r}]" if key else field for key in overwritten(function, field, keys)]
    if not found:
        return []
    return [
        f"{node} runs next and makes {', '.join(found)} anew; to keep the change, fork after run(until={node!r})"
    ]
