"""What a changed state may say beyond the types of its fields: names that there are, ids that are kept, counts of something."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from budgetmlagent.errors import UsageError
from budgetmlagent.money.entries import Cap
from budgetmlagent.wording import one_of
from graphs.registry import shipped_nodes
from graphs.spec import GraphSpec
from memory.artifacts import NAME, Artifacts
from memory.state import RunState
from nodes.coder import REPAIRABLE
from nodes.craft import freely
from nodes.deps import REPLY_FAULTS

ACTIONS = ("baseline", "idea", "tune", *freely.ACTIONS)
FAULTS = (
    *REPLY_FAULTS, *REPAIRABLE, "unparsable", "noop", "unrenderable", "duplicate", "repeated", "suspect", "no_turn", "nothing_recalled",
)  # fmt: skip
WORDS = {
    ("task", "direction"): ("max", "min"),
    ("task", "history"): ("off", "run", "all"),
    ("task", "aim"): ("success", "best"),
    ("fault", "cap"): get_args(Cap),
}
# Where artifacts' ids stand.
IDS = {
    "script": (), "advice": (), "head": (), "plan": ("case", "idea", "sketch", "of", "look"), "best": ("attempt", "sure"),
    "run": ("execution", "output"), "task": ("briefing",), "fault": ("reply",),
}  # fmt: skip
SIGNED = ("exit", "gain", "gains", "score", "baseline")  # numbers that may be below zero
COUNTED = ("turn", "spent", "counts", "task", "best", "run")


def check(edit: Mapping[str, Any], state: RunState, spec: GraphSpec, artifacts: Artifacts) -> None:
    """Raise UsageError for a value of whole, changed fields that nothing in a run can have; what a field had is not judged."""
    for field, whole in edit.items():
        was = getattr(state, field)
        mapping = isinstance(whole, dict)
        new = {k: v for k, v in whole.items() if k not in was or v != was[k]} if mapping else {"": whole}
        for key, value in new.items():
            _is_sensible(field, key, value, spec, artifacts)
    plan = edit.get("plan", {})
    if plan.get("action") == "apply" and not plan.get("case"):
        raise UsageError(
            "fork(plan={'action': 'apply'}): a case is needed: plan={'case': NAME}, as history() names it"
        )


def _is_sensible(field: str, key: str, value: Any, spec: GraphSpec, artifacts: Artifacts) -> None:
    if field in COUNTED and any(number < 0 for number in _numbers(value, key)):
        raise UsageError(f"{_said(field, key, value)}: 0 or more is needed")
    if isinstance(value, str) and value and (words := _words(field, key, spec)) and value not in words:
        raise UsageError(f"{_said(field, key, value)}: {one_of(words, value)}")
    if field in IDS and key in (IDS[field] or ("",)):
        for id in value if isinstance(value, list) else filter(None, [value]):
            if not (NAME.fullmatch(id) and (artifacts.folder / id).is_file()):
                what = "the id of an artifact of the run, 64 hexadecimal digits, is needed"
                raise UsageError(f"{_said(field, key, value)}: {what}")


def _numbers(value: Any, name: str) -> Iterator[float]:
    """Yield the numbers in a value, but for those that may be below zero."""
    if name in SIGNED:
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _numbers(each, key)
    elif isinstance(value, int | float):
        yield value


def _words(field: str, key: str, spec: GraphSpec) -> tuple[str, ...]:
    """Return the words that there are for a field's key; none where every word is one, as nodes of one's own have their own."""
    own = any(node.run not in shipped_nodes() for node in spec.nodes.values())
    if (field, key) == ("plan", "action") and not own:
        return ACTIONS
    if (field, key) == ("fault", "kind") and not own:
        return FAULTS
    return WORDS.get((field, key), ())


def _said(field: str, key: str, value: Any) -> str:
    return f"fork({field}={{{key!r}: {value!r}}})" if key else f"fork({field}={value!r})"
