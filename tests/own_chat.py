"""Chat models of a user's own, for `chat: own_chat:Class` in a models.yaml."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, SecretStr
from tiny import team

from budgetmlagent.models.fields import IN_WORDS

USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_token_details": {"cache_read": 40},
}


class StatusError(Exception):
    """What a provider's client raises, without being one that anybody knows."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status_code, self.body = status, {"error": {"message": said}}


class Free(BaseChatModel):
    """Says what it was asked, and has no argument for how much it may say."""

    @property
    def _llm_type(self) -> str:
        return "own"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **more: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.reply(messages))])

    def reply(self, messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(str(messages[-1].content))


class Own(Free):
    """Does as it is told by its argument `does`, and notes what it was built with."""

    name_of_model: str = Field(alias="model")
    limit: int = Field(alias="max_tokens")
    api_key: SecretStr | None = None
    base_url: str = ""
    temperature: float | None = None
    max_retries: int = 5
    does: str = ""

    def reply(self, messages: list[BaseMessage]) -> AIMessage:
        BUILT.append(self)
        secret = self.api_key.get_secret_value() if self.api_key else ""
        if self.does.isdigit():
            raise StatusError(int(self.does), f"not with {secret}")
        if self.does == "no temperature" and self.temperature is not None:
            raise StatusError(400, "temperature is not supported by this model")
        if self.does == "small" and self.limit > 500:
            raise StatusError(400, "max_tokens: at most 500 output tokens")
        if self.does == "bug":
            return None.nothing  # type: ignore[attr-defined]
        if self.does == "lost":
            raise ConnectionError(f"reset, {secret}")
        thinking = {"type": "thinking", "thinking": "so much to think" * 10, "signature": "x"}
        return AIMessage(
            [thinking, {"type": "text", "text": "the reply"}] if self.does == "thinks" else "the reply",
            usage_metadata=None if self.does == "uncounted" else USAGE,
            response_metadata={"stop_reason": self.does, "id": "r-1", "model": "own-2"},
        )


BUILT: list[Own] = []


class Team(Own):
    """The team of tests/tiny.py."""

    def reply(self, messages: list[BaseMessage]) -> AIMessage:
        said = [{"role": message.type, "content": message.content} for message in messages]
        body: dict[str, Any] = {"messages": said}
        if IN_WORDS in str(messages[-1].content):
            body["response_format"] = {}
        turn = team(body)
        counts = {"input_tokens": turn.tokens_in or 0, "output_tokens": turn.tokens_out or 0}
        return AIMessage(turn.text, usage_metadata={**counts, "total_tokens": sum(counts.values())})


def not_a_class() -> None:
    """Nothing that can be asked."""
