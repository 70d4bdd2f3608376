"""A request and its reply as they are kept: in the artifact store, in the ledger, and as a node is told of them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from budgetmlagent.money.ledger import Answer, Call
from nodes.deps import Here, Message, Reply

# How a reply is said to end that was withheld by the provider, that has no answer, and that was cut off before any.
FILTERED, THOUGHT, CUT = "content_filter", "thought", "thought_cut"


def prompt_record(
    messages: Sequence[Message],
    schema: Mapping[str, Any] | None = None,
    max_tokens: int = 1024,
    temperature: float = 0.2,
) -> dict[str, Any]:
    """What decides a request, as it is kept in the artifact store: its id is what a replay looks for.

    The defaults are those of `nodes.deps.Models.ask`.
    """
    plain = [{"role": message["role"], "content": message["content"]} for message in messages]
    return {"messages": plain, "schema": schema, "max_tokens": max_tokens, "temperature": temperature}


def call_of(run: str, here: Here, served: str, price: str, prompt: str, *, size: int = 0) -> Call:
    """The ledger's view of a request. Without an identity of the step no repetition can be recognised."""
    return Call(
        key=f"{run}/{here.call or uuid.uuid4().hex}/{here.node}", run=run, step=here.step, node=here.node,
        model=here.model, served=served, price=price, prompt=prompt, bytes=size,
    )  # fmt: skip


def reply_of(answer: Answer) -> Reply:
    """What a node is told of an answer."""
    text = answer.text or ""
    if answer.finish == CUT:
        return Reply(
            fault="thought",
            detail=f"the reply was cut off after {answer.thought} tokens, all of them thinking",
        )
    if answer.finish == THOUGHT:
        return Reply(
            fault="thought",
            detail=f"the reply ended after {answer.thought} tokens of thinking, with no answer",
        )
    if answer.finish == "length":
        return Reply(text, "truncated", f"the reply was cut off after {answer.tokens_out} tokens")
    if answer.finish == FILTERED:
        return Reply(text, "rejected", "the provider's content filter withheld the reply")
    return Reply(text)
