"""What pydantic refuses in a graph file, said as findings: where, what, and what to do."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from graphs.finding import Finding, Keys, Kind, called
from graphs.model import Graph, NodeSpec
from graphs.registry import nearest
from graphs.text.source import Source

NEEDED = [name for name, field in Graph.model_fields.items() if field.is_required()]


def explain(error: ValidationError, source: Source) -> Iterator[Finding]:
    """Yield a finding for each thing that is missing, unknown or of a wrong type."""
    for item in error.errors(include_url=False):
        keys: Keys = tuple(key for key in item["loc"] if key != "[key]")
        kind, what = _said(item["type"], keys, item["msg"], item["input"])
        place = called(keys)
        yield Finding(source.path, *source.place(keys), kind, f"{place}: {what}" if place else what, keys)


def _said(problem: str, keys: Keys, message: str, given: Any) -> tuple[Kind, str]:
    if not keys:
        return "type", f"not a graph: a mapping with {', '.join(NEEDED)} is needed"
    if problem == "missing":
        return "missing-key", f"field required: add `{keys[-1]}: …`"
    if problem == "extra_forbidden":
        known = (Graph if len(keys) == 1 else NodeSpec).model_fields
        return "unknown-key", f"unknown key{nearest(str(keys[-1]), known)}; the keys are {', '.join(known)}"
    if keys[-1] == "to" and isinstance(given, list):
        what = "a list: one node runs at a time; write a rule for each target, with the `when` of its own"
        return "fan-out", what
    if keys[-1] == "run" and isinstance(given, Mapping):
        what = "a graph within a graph: time travel does not work there; write its nodes into this one"
        return "subgraph", what
    return "type", f"{message[0].lower()}{message[1:]}, not {_kind(given)}"


def _kind(given: Any) -> str:
    names = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return names.get(type(given), repr(given))
