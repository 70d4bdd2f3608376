"""One request through LangChain's ChatOpenAI: no retries, no redirects, no stream, no cache."""

import warnings
from collections.abc import Mapping
from typing import Any

import openai
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from openai import DefaultHttpxClient
from pydantic import SecretStr

from budgetmlagent.models.chat.deadline import Deadline, is_deep
from budgetmlagent.models.config import ModelSpec, is_loopback
from budgetmlagent.models.faults.judge import MALFORMED, UNBUILT
from budgetmlagent.models.fields import Request
from budgetmlagent.models.thinking import PARTS

DEEPEST = 50  # levels of a reply's JSON; a chat completion has six


class Chat(ChatOpenAI):
    """ChatOpenAI that keeps what OpenAI's own endpoint has not: thinking beside the content, and errors of a choice."""

    def _create_chat_result(
        self, response: dict[str, Any] | openai.BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        raw = response if isinstance(response, dict) else response.model_dump(warnings=False)
        if is_deep(raw, DEEPEST):
            raise ValueError("nested too deep")
        if raw.get("error") or any(choice.get("error") for choice in raw.get("choices") or []):
            raise ValueError(raw)
        result = super()._create_chat_result(response, generation_info)
        for generation, choice in zip(result.generations, raw["choices"], strict=True):
            told = {name: choice["message"][name] for name in PARTS if choice["message"].get(name)}
            generation.message.additional_kwargs |= told
        return result


def ask(
    spec: ModelSpec,
    request: Request,
    messages: list[dict[str, str]],
    fields: Mapping[str, Any],
    timeout: float,
) -> BaseMessage | Exception:
    """Send one request. Returns what the client library raises for one."""
    with Deadline(timeout) as deadline:
        answer = _asked(spec, request, messages, fields, timeout, deadline)
    if deadline.passed and isinstance(answer, openai.APIConnectionError):
        return openai.APITimeoutError(request=answer.request)
    return answer


def _asked(
    spec: ModelSpec,
    request: Request,
    messages: list[dict[str, str]],
    fields: Mapping[str, Any],
    timeout: float,
    deadline: Deadline,
) -> BaseMessage | Exception:
    try:
        with DefaultHttpxClient(
            # A proxy has nothing to do with this machine's own servers, and a redirect would lead to an undeclared host.
            trust_env=not is_loopback(spec),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
            verify=request.url.startswith("https:"),  # loading certificates takes 70 ms
            event_hooks={"request": [deadline.watch], "response": [deadline.bound]},
        ) as http:
            chat = Chat(
                model=spec.model,
                base_url=request.url,
                api_key=SecretStr(request.key or "none"),
                timeout=timeout,
                max_retries=0,
                streaming=False,
                use_responses_api=False,
                cache=False,
                openai_proxy=None,
                http_client=http,
                # Without these it would build a second client, which nobody asks, and warn of a proxy that is used.
                async_client=object(),
                http_socket_options=(),
                extra_body=dict(fields),
            )
            with warnings.catch_warnings():
                # LangChain tells its users what to pass in the place of a schema that was refused; ours need not know.
                warnings.simplefilter("ignore", UserWarning)
                return chat.invoke(messages)
    except (openai.OpenAIError, *UNBUILT, *MALFORMED) as error:
        return error
