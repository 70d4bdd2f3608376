"""A class of `chat: package.module:Class` in models.yaml: what can be said against it, and how it is built.

Such classes agree on how they are asked and on little else, so that arguments are found by the names they have. What is
set here, above `params`, is what a reply may cost, and that one ask is one request.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr, ValidationError

from budgetmlagent.errors import UsageError
from budgetmlagent.models.config import LIMIT_NAMES, ModelSpec, ThinkingBudget
from budgetmlagent.models.endpoint import LIMITS
from budgetmlagent.models.fields import REASONING
from budgetmlagent.models.reading import clean
from graphs.registry import imported, nearest

# The names that classes have for one thing, the usual one first.
MODEL = ("model", "model_name", "model_id")
SEED = ("seed", "random_seed")
TIMEOUT = ("timeout", "request_timeout", "default_request_timeout")
EFFORT, BUDGET = ("reasoning_effort", "effort", "thinking_level"), ("thinking", "thinking_budget")
KEY = re.compile(r"(^|_)api_(key|token)$")
OFF = {"streaming": False, "disable_streaming": True, "cache": False, "max_retries": 0}
SEVERAL = ("n", "best_of", "candidate_count", "stream")  # replies to one request, or a reply in pieces
HANDED_ON = ("model_kwargs", "extra_body")  # arguments that hold further fields of a request
# What langchain-google-genai calls retries is its number of attempts, where 0 stands for six.
ATTEMPTS = "langchain_google"


def checked(spec: ModelSpec) -> type[BaseChatModel]:
    """Return the class of `spec.chat`. Raises UsageError where it cannot be asked as models.yaml says."""
    try:
        chat = imported(spec.chat or "")
    except LookupError as error:
        raise UsageError(f"model {spec.name!r}: chat: {error}") from None
    if not (isinstance(chat, type) and issubclass(chat, BaseChatModel)):
        raise _wrong(spec, "is no chat model of LangChain (a class derived from BaseChatModel)")
    for what in (*_against_params(chat, spec), *_missing(chat, spec)):
        raise _wrong(spec, what)
    return chat


def _against_params(chat: type[BaseChatModel], spec: ModelSpec) -> Iterator[str]:
    names, params = _names(chat), spec.params
    inner = (params.get(name) for name in HANDED_ON)
    for name in [*params, *(name for part in inner if isinstance(part, Mapping) for name in part)]:
        if names.get(name, name) in _ours(chat, names) or name in (*LIMIT_NAMES, *OFF, *SEVERAL):
            yield f"params: {name!r} is set by budgetml, so that what a reply may cost is known before"
    for name in params:
        # A class may leave out what it does not know, and an address above all must not be left out.
        if name not in names and (name == "base_url" or "model_kwargs" not in names):
            yield f"params: it has no argument {name!r}{nearest(name, names)}"
        same = [other for other in params if names.get(other, other) == names.get(name, name)]
        if len(same) > 1:
            yield f"params: {' and '.join(same)} are one argument"


def _missing(chat: type[BaseChatModel], spec: ModelSpec) -> Iterator[str]:
    names = _names(chat)
    if spec.price != 0 and not _first(names, LIMIT_NAMES):
        yield (
            f"has no argument for the most tokens of a reply ({', '.join(LIMIT_NAMES)}): nothing bounds what it costs; derive "
            "a class that has one, or declare `price: 0` where it is free"
        )
    if spec.key and not _key(names):
        yield "has no argument for a key: leave out `key:`"
    wanted = BUDGET if isinstance(spec.reasoning, ThinkingBudget) else EFFORT
    if spec.reasoning is not None and not _first(names, wanted):
        yield f"has no argument for `reasoning:` ({', '.join(wanted)}); give its own in `params:`"


def built(spec: ModelSpec, key: str, fields: Mapping[str, Any], timeout: float) -> BaseChatModel:
    """Return a chat model for one request, with as much of `fields_of` as its class has arguments for.

    Raises UsageError as `checked` does, and where the class does not take what it is given.
    """
    chat = checked(spec)
    try:
        return chat(**_arguments(chat, spec, key, fields, timeout))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]  # an input may be the key
        where = "".join(f"{part}: " for part in first["loc"][:1])
        raise _wrong(spec, clean(f"cannot be built: {where}{first['msg']}", key)) from None
    except (ImportError, OSError, ValueError, TypeError) as error:
        raise _wrong(spec, clean(f"cannot be built: {error}", key)) from error


def _arguments(
    chat: type[BaseChatModel], spec: ModelSpec, key: str, fields: Mapping[str, Any], timeout: float
) -> dict[str, Any]:
    """What the class is built with, by the names that it has for it."""
    names, seconds = _names(chat), max(1, round(timeout))  # some take whole seconds alone
    ours = {
        MODEL: spec.model,
        LIMIT_NAMES: next((fields[name] for name in LIMITS if name in fields), None),
        ("temperature",): fields.get("temperature"),
        SEED: fields.get("seed"),
        TIMEOUT: seconds,
        **_reasoning(names, spec, fields),
    }
    given = {
        name: value for wanted, value in ours.items() if (name := _first(names, wanted)) and value is not None
    }
    if "client_kwargs" in names and not _first(names, TIMEOUT):  # of its HTTP client: ChatOllama
        given["client_kwargs"] = {"timeout": seconds}
    if key:
        given[_key(names)] = key
    return given | {names.get(name, name): value for name, value in spec.params.items()} | _off(chat, names)


def own_key(chat: BaseChatModel) -> str:
    """Return the key that a chat model holds, "" for none: a class may find one by itself."""
    held = [getattr(chat, name) for name in type(chat).model_fields if KEY.search(name)]
    told = (each.get_secret_value() if isinstance(each, SecretStr) else each for each in held)
    return next((each for each in told if isinstance(each, str)), "")


def _reasoning(
    names: Mapping[str, str], spec: ModelSpec, fields: Mapping[str, Any]
) -> dict[tuple[str, ...], Any]:
    """How much is to be thought, unless the endpoint has refused that."""
    wanted = spec.reasoning
    if REASONING.isdisjoint(fields.keys() - spec.params.keys()):
        return {}
    if not isinstance(wanted, ThinkingBudget):
        return {EFFORT: wanted}
    return {BUDGET: fields.get("thinking") if "thinking" in names else wanted.tokens}


def _off(chat: type[BaseChatModel], names: Mapping[str, str]) -> dict[str, Any]:
    """What would make more than one request of an ask, or none."""
    off = {names[name]: value for name, value in OFF.items() if name in names}
    if "max_retries" in names and any(base.__module__.startswith(ATTEMPTS) for base in chat.__mro__):
        off[names["max_retries"]] = 1
    return off


def _names(chat: type[BaseChatModel]) -> dict[str, str]:
    """All names of the arguments of a class, each with the name under which it is handed over."""
    aliases = {name: field.validation_alias for name, field in chat.model_fields.items()}
    handed = {name: alias if isinstance(alias, str) else name for name, alias in aliases.items()}
    return {alias: alias for alias in handed.values()} | handed


def _ours(chat: type[BaseChatModel], names: Mapping[str, str]) -> set[str]:
    return {_first(names, MODEL), _first(names, LIMIT_NAMES), _key(names), *_off(chat, names)} - {""}


def _first(names: Mapping[str, str], wanted: tuple[str, ...]) -> str:
    """The argument that has the first of these names, "" where there is none."""
    return next((names[name] for name in wanted if name in names), "")


def _key(names: Mapping[str, str]) -> str:
    return names.get("api_key") or next((handed for name, handed in names.items() if KEY.search(name)), "")


def _wrong(spec: ModelSpec, what: str) -> UsageError:
    return UsageError(f"model {spec.name!r}: {spec.chat} {' '.join(what.split())[:400]}")
