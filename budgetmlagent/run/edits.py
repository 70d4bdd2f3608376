"""Changes of the state by hand: names and values are checked, and what will not last is told before it is paid for."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from typing_extensions import is_typeddict

from budgetmlagent.errors import UsageError
from budgetmlagent.run import sensible
from budgetmlagent.wording import unknown
from graphs.carried import overwritten
from graphs.seen import see_node
from graphs.spec import GraphSpec
from memory.artifacts import NAME, Artifacts, CorruptArtifactError
from memory.state import RunState

HINTS = get_type_hints(RunState)
DECIDED = ("route", "history")  # by the rules, whenever the state is changed
GIVEN = (
    "apply",
    "baseline",
)  # actions whose script is given: their instruction tells people of it, and no model
TEXTS = ("script", "advice")  # ids of artifacts; a text becomes one
Cases = Mapping[str, Mapping[str, Any]]  # what was recalled of each, and its `id`, by its name


def checked(
    changes: Mapping[str, Any], state: RunState, spec: GraphSpec, artifacts: Artifacts, cases: Cases
) -> dict[str, Any]:
    """Return the changes as whole fields: a mapping's keys are merged, a script's text becomes an artifact.

    `cases` are those that a plan may name. Raises UsageError for what is no field or no key of one, and for a value of
    another type than it has or that makes no sense there.
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
            given = _by_name(value, cases, artifacts) if name == "plan" else value
            edit[name] = _planned(was, given) if name == "plan" else {**was, **given}
        else:
            edit[name] = value
        _has_type(name, edit[name], value)
        if name == "rungs":
            _are_rungs(value, spec)
        if name in TEXTS:
            edit[name] = _kept(name, value, artifacts)
    sensible.check(edit, state, spec, artifacts)
    return edit


def names_case(changes: Mapping[str, Any]) -> bool:
    """Whether the changes plan a case, which may be given by its name."""
    plan = changes.get("plan")
    return isinstance(plan, Mapping) and bool(plan.get("case"))


def named(items: Iterable[Mapping[str, Any]], artifacts: Artifacts) -> dict[str, dict[str, Any]]:
    """Return the cases among recalled items by their names, each with its `id`; of two of a name the newer one.

    One that cannot be read is left out: nobody may mean it.
    """
    found = list[dict[str, Any]]()
    for id in dict.fromkeys(str(item["id"]) for item in items if item["kind"] == "case"):
        with suppress(
            OSError, CorruptArtifactError, TypeError
        ):  # TypeError: of a JSON value that is no object
            found.append(artifacts.json(id) | {"id": id})
    return {str(case.get("name", case["id"])): case for case in found}


def _by_name(plan: Mapping[str, Any], cases: Cases, artifacts: Artifacts) -> Mapping[str, Any]:
    """Return a plan in which a case that is given by its name is given by its id, to be applied under its own title."""
    name = plan.get("case")
    if not isinstance(name, str) or not name:
        return plan
    case = cases.get(name) or next((case for case in cases.values() if case["id"] == name), None)
    if case is None:
        if NAME.fullmatch(name):
            _is_case(name, artifacts)
            return plan  # an item that was kept otherwise
        what = unknown("case", name, cases)
        raise UsageError(
            f"fork(plan={{'case': {name!r}}}): {what}; history() names those that a step was supplied"
        )
    return {"action": "apply", "instruction": str(case.get("title", name)), **plan, "case": case["id"]}


def _is_case(id: str, artifacts: Artifacts) -> None:
    """Raise UsageError where an artifact is something else; one that is missing is told of with the other ids."""
    try:
        item = artifacts.json(id)
    except FileNotFoundError:
        return
    except CorruptArtifactError:
        item = None
    if not (isinstance(item, Mapping) and item.get("kind") == "case"):
        raise UsageError(
            f"fork(plan={{'case': {id!r}}}): this artifact is no case; history() names those that are"
        )


def _kept(field: str, text: str, artifacts: Artifacts) -> str:
    """Return the id of an artifact, which is given or is made of a text."""
    if not text.strip():
        if field == "script":
            raise UsageError(f"fork(script={text!r}): the text of a script, or an artifact's id, is needed")
        return ""
    if NAME.fullmatch(text):
        return text
    return artifacts.put(text)


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


def lost(changes: Mapping[str, Any], spec: GraphSpec, node: str, state: RunState) -> list[str]:
    """Say what of the `changes` of `state` the coming node may make anew without having looked at it; nothing where all lasts."""
    if node not in spec.nodes:
        return []
    function, found = see_node(spec.nodes[node].run), list[str]()
    for field, value in changes.items():
        keys = list(value) if isinstance(value, Mapping) else [""]
        found += [f"{field}[{key!r}]" if key else field for key in overwritten(function, field, keys, state)]
    if not found:
        return []
    return [
        f"{node} runs next and makes {', '.join(found)} anew; to keep the change, fork after run(until={node!r})"
    ]
