"""One request through any chat model of LangChain, and what came back in the words that endpoints have for it."""

import traceback
from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies, proxy_bypass

from langchain_core.messages import BaseMessage

from budgetmlagent.errors import RunFailedError, UsageError
from budgetmlagent.models.chat.chat_class import built, own_key
from budgetmlagent.models.config import ModelSpec, host, is_loopback
from budgetmlagent.models.endpoint import first_guess
from budgetmlagent.models.fields import Request, fields_of
from budgetmlagent.models.keys import api_key
from budgetmlagent.models.reading import clean
from budgetmlagent.models.stored import FILTERED

SOME_TOKENS = 1024  # the limit of a reply that is not asked for
# How packages call a reply that the limit cut off, and one that was withheld.
LENGTH = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")
WITHHELD = ("safety", "refusal", "content_filter", "blocklist", "prohibited_content", "spii", "recitation")


def ask(
    spec: ModelSpec,
    request: Request,
    messages: list[dict[str, str]],
    fields: Mapping[str, Any],
    timeout: float,
) -> BaseMessage | Exception:
    """Send one request, with what `fields_of` says as far as the class has arguments for it.

    Returns what any client library may raise, as no list of names could: `faults.judge` tells whose fault it is.
    """
    chat = built(spec, request.key, fields, timeout)
    answers: list[BaseMessage | Exception] = [*chat.batch([messages], return_exceptions=True)]
    return answers[0] if isinstance(answers[0], Exception) else _in_our_words(answers[0])


def ready(spec: ModelSpec) -> str:
    """Return the key that requests will carry, "" for none, once the class could be built.

    Raises UsageError as `built` does, for a missing key, and for a proxy before this machine.
    """
    where, proxies = host(spec), getproxies()
    if is_loopback(spec) and {"http", "https", "all"} & proxies.keys() and not proxy_bypass(where):
        raise UsageError(f"model {spec.name!r} is on this machine, but a proxy is set: set NO_PROXY={where}")
    named = (api_key(spec) or "").strip()
    nothing = Request([], None, temperature=0.0, seed=0)
    chat = built(spec, named, fields_of(spec, nothing, first_guess(spec), SOME_TOKENS), 1.0)
    # Whatever key it sends must be known, to be kept out of what is stored.
    return named or own_key(chat)


def bug(error: Exception, spec: ModelSpec, key: str) -> RunFailedError:
    """Return the end of a run whose class raised what no provider is to blame for."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in last)
    said = " ".join(clean(str(error), key).split())[:300]
    return RunFailedError(f"model {spec.name!r}: {spec.chat} raised {type(error).__name__}: {said}{where}")


def _in_our_words(message: BaseMessage) -> BaseMessage:
    """The message with what was told about it under the names that `reading.read` knows."""
    about = message.response_metadata
    ends = (about.get(name) for name in ("finish_reason", "stop_reason", "done_reason"))
    end = next((str(getattr(value, "name", value)) for value in ends if value), "")
    feedback = about.get("prompt_feedback")
    if end.lower() in WITHHELD or (isinstance(feedback, Mapping) and feedback.get("block_reason")):
        end = FILTERED
    elif end.lower() in LENGTH:
        end = "length"
    usage = dict(getattr(message, "usage_metadata", None) or {})
    if isinstance(own := about.get("token_usage"), Mapping):
        usage |= own  # says more: a cost, and where cached tokens are counted
    told = {
        "finish_reason": end,
        "token_usage": usage,
        "id": about.get("id"),
        "model_name": about.get("model_name") or about.get("model"),
    }
    return message.model_copy(update={"response_metadata": told})
