"""What is sent to an OpenAI-compatible endpoint beside the messages, as far as the endpoint takes it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from budgetmlagent.models.config import ModelSpec, ThinkingBudget, host
from budgetmlagent.models.endpoint import LIMITS, Endpoint
from nodes.deps import Message

REASONING = frozenset({"reasoning", "reasoning_effort", "thinking"})  # each says how much is to be thought
# What every endpoint with schemas takes; the other keywords say how long or how large a value may be.
PLAIN = frozenset({"type", "properties", "required", "additionalProperties", "enum", "items"})
IN_WORDS = "Answer with one JSON object that fits this JSON schema, JSON only:\n"


@dataclass(frozen=True)
class Request:
    """What a node asks, where, and by which key."""

    messages: Sequence[Message]
    schema: Mapping[str, Any] | None
    temperature: float
    seed: int
    url: str = ""
    key: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The host and port that is asked; what else `url` says where it is no address."""
        return urlsplit(self.url).netloc or self.url


def fields_of(spec: ModelSpec, request: Request, known: Endpoint, limit: int) -> dict[str, Any]:
    """Return the fields of a request's body, `params` of models.yaml above all others."""
    temperature = spec.temperature if spec.temperature is not None else request.temperature
    ours: dict[str, Any] = {"temperature": temperature, "seed": request.seed, **dict.fromkeys(LIMITS, limit)}
    fields = {name: value for name, value in ours.items() if known.takes(name)}
    if request.schema is not None and (form := _form(request.schema, known)):
        fields["response_format"] = form
    if spec.reasoning is not None and known.takes("reasoning"):
        fields |= _reasoning(spec)
    return fields | spec.params


def messages_of(request: Request, known: Endpoint) -> list[dict[str, str]]:
    """Return the messages; where the endpoint takes no schema, it stands in words at the end."""
    messages = [dict(message) for message in request.messages]
    if request.schema is not None and known.form != "strict":
        messages[-1]["content"] += f"\n\n{IN_WORDS}{json.dumps(request.schema)}"
    return messages


def sent(fields: Mapping[str, Any], schema: Mapping[str, Any] | None) -> set[str]:
    """Return which of `endpoint.FIELDS` a request's body carries."""
    names = {name for name in ("temperature", "seed", *LIMITS) if name in fields}
    form = fields.get("response_format")
    if isinstance(form, Mapping):
        names.add(str(form.get("type")))
        if "json_schema" in form and schema and (keywords(schema) & keywords(form["json_schema"]["schema"])):
            names.add("keywords")
    if not REASONING.isdisjoint(fields):
        names.add("reasoning")
    return names


def keywords(schema: Any) -> set[str]:
    """Return the keywords of a schema that say more than its form, e.g. maxLength."""
    if not isinstance(schema, Mapping):
        return set()
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    return set(schema) - PLAIN | {word for part in inner for word in keywords(part)}


def plain(schema: Any) -> Any:
    """Return a schema without such keywords."""
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: value for key, value in schema.items() if key in PLAIN}
    if "properties" in kept:
        kept["properties"] = {name: plain(part) for name, part in kept["properties"].items()}
    return kept | ({"items": plain(kept["items"])} if "items" in kept else {})


def _form(schema: Mapping[str, Any], known: Endpoint) -> dict[str, Any]:
    """How the JSON is asked for: by the schema, as any object, or (empty) by words alone.

    Not by LangChain's with_structured_output, which loses the text and the usage of a reply that is cut off.
    """
    if known.form == "strict":
        taken = schema if known.takes("keywords") else plain(schema)
        return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": taken}}
    return {"type": "json_object"} if known.form == "json" else {}


def _reasoning(spec: ModelSpec) -> dict[str, Any]:
    """How much is to be thought, as OpenAI, Anthropic and OpenRouter write it."""
    router, wanted = host(spec).endswith("openrouter.ai"), spec.reasoning
    if isinstance(wanted, ThinkingBudget):
        budget = {"type": "enabled", "budget_tokens": wanted.tokens}
        return {"reasoning": {"max_tokens": wanted.tokens}} if router else {"thinking": budget}
    return {"reasoning": {"effort": wanted}} if router else {"reasoning_effort": wanted}
