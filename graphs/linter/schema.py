"""The JSON Schema of a graph file, for editors: keys, predicates and their arguments complete, with explanations."""

import inspect
from typing import Any

from graphs.linter.arguments import adapters, parameters
from graphs.model import Graph
from graphs.policy import PREDICATES, Predicate
from graphs.registry import DOTTED


def schema() -> dict[str, Any]:
    """Return the schema, made from the models and the shipped predicates."""
    made = Graph.model_json_schema()
    rule = made["$defs"]["Rule"]
    own = {"type": "string", "pattern": f"^({DOTTED.pattern})?$", "description": "A function of your own."}
    shipped = [{"const": name, "description": _summary(p)} for name, p in PREDICATES.items()]
    when = {"description": rule["properties"]["when"]["description"], "anyOf": [*shipped, own]}
    rule["properties"] = {"when": when} | {k: v for k, v in rule["properties"].items() if k != "when"}
    rule["allOf"] = [_arguments(name, predicate) for name, predicate in PREDICATES.items()]
    return {"$schema": "http://json-schema.org/draft-07/schema#", **made}


def _arguments(name: str, predicate: Predicate) -> dict[str, Any]:
    """Return what a rule with this predicate has besides; other keys stay allowed, as a user's predicates need."""
    properties = {}
    for key, parameter in parameters(predicate).items():
        told = adapters(predicate)[key].json_schema() | {"description": _summary(predicate)}
        default = {} if parameter.default is parameter.empty else {"default": parameter.default}
        properties[key] = told | default
    needed = [key for key, p in parameters(predicate).items() if p.default is p.empty]
    then = {"properties": properties} | ({"required": needed} if needed else {})
    return {"if": {"properties": {"when": {"const": name}}, "required": ["when"]}, "then": then}


def _summary(predicate: Predicate) -> str:
    return (inspect.getdoc(predicate) or "").partition("\n")[0]
