"""The scripted model: it says what it is told to, keeps what it was asked, and fails loudly when it has no more to say."""

from collections.abc import Sequence
from typing import Any

from nodes.deps import Reply


class ScriptedModels:
    """`nodes.deps.Models` over a list of replies."""

    def __init__(self, *replies: str | Reply) -> None:
        self.replies = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
        self.asked: list[dict[str, Any]] = []

    def ask(self, here: Any, messages: Sequence[Any], **options: Any) -> Reply:
        self.asked.append({"model": here.model, "messages": list(messages), **options})
        assert self.replies, f"the script has no reply left for {here.node} ({here.model})"
        return self.replies.pop(0)

    def spent(self) -> int:
        return 0
