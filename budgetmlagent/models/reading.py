"""What came back: the answer without the thinking, how it ended, what it cost."""

import json
from typing import Any

from budgetmlagent.models.stored import CUT, FILTERED, THOUGHT
from budgetmlagent.models.thinking import beside, tokens
from budgetmlagent.money.ledger import Answer
from budgetmlagent.money.prices import Price, reported_cost
from budgetmlagent.money.usage import Tokens, tokens_of
from nodes.craft.replies import thoughts

LONGEST_NAME = 200  # characters of a model's name in a reply, of the reply's own and of how it ended
# Characters; a shorter key ("none", "test") is a placeholder, which may be a word of the reply too.
SECRET_LENGTH = 8


def read(message: Any, price: Price, worst: int, key: str, limit: int) -> tuple[int, Answer]:
    """Return what a LangChain message costs in nano-dollars, and its answer, but for its artifact.

    `worst` was reserved for it, and it had `limit` tokens; 0 for a model that hides nothing.
    """
    about, text = message.response_metadata, clean(message.text or _called(message), key)
    # Some say in a field of its own that the model would not answer, and call the reply complete.
    refusal = message.additional_kwargs.get("refusal")
    thinking, said = thoughts(text or clean(str(refusal or ""), key))
    thinking += beside(message.content, message.additional_kwargs)
    # Of what was cut off there was something, seen or not.
    written = thinking + said + str(about.get("finish_reason") == "length" or "")
    usage, cost = tokens_of(about.get("token_usage"), written), reported_cost(about.get("token_usage"))
    nano, note = price.charge(usage, cost, worst)
    counted = usage or Tokens(0, 0, 0)
    finish = FILTERED if refusal else clean(str(about.get("finish_reason") or ""), key)[:LONGEST_NAME]
    thought = tokens(counted.thought, counted.output, thinking, said)
    if not said.strip() and finish != FILTERED:
        if finish == "length" and limit:
            # Unseen, but there is nothing else that it can have been.
            finish, thought = CUT, counted.output or limit
        elif thought or thinking:
            finish = THOUGHT
    return nano, Answer(
        text=said,
        finish=finish,
        request=clean(str(about.get("id") or ""), key)[:LONGEST_NAME],
        tokens_in=counted.input,
        cached=counted.cached,
        tokens_out=counted.output,
        thought=thought,
        thought_nano=min(nano, price.cost(Tokens(0, 0, thought, thought))),
        note=note,
        # Where the provider does not say, LangChain gives the name that was asked for.
        answered=clean(str(about.get("model_name") or ""), key)[:LONGEST_NAME],
    )


def _called(message: Any) -> str:
    """The JSON that some give as the arguments of a tool where a schema was asked for; "" where none is called."""
    calls = message.tool_calls
    return json.dumps(calls[0]["args"]) if calls else ""


def is_json(text: str | None) -> bool:
    """Whether a reply is JSON and nothing else, as an endpoint makes sure of that heeds a schema; an empty one may be."""
    try:
        json.loads(text or "{}")
    except (ValueError, RecursionError):
        return False
    return True


def clean(text: str, key: str) -> str:
    """Return the text as one that can be stored: valid Unicode, and without the key, should a provider echo it."""
    text = text.encode("utf-8", "replace").decode()
    return text.replace(key, "***") if len(key) >= SECRET_LENGTH else text
