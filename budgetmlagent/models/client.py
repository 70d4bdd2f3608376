"""The model client: at most one request per ask, reserved in the ledger before it is sent.

What a provider does wrong is a `Reply` with a fault, for the graph to route on. Nothing is retried here: a retry is a
step of the graph with a reservation of its own.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from budgetmlagent.errors import UsageError
from budgetmlagent.models.approval import Approval, declined
from budgetmlagent.models.config import EMBEDDED, ModelSpec, api_key, host, is_loopback
from budgetmlagent.models.stored import FILTERED, call_of, prompt_record, reply_of
from budgetmlagent.models.waiting import Patience
from budgetmlagent.money.ledger import Account, Answer, Call, Refused, Reservation
from budgetmlagent.money.prices import input_bound, price_of, reported_cost, text_bytes
from budgetmlagent.money.usage import Tokens, tokens_of
from nodes.deps import Artifacts, Here, Message, Reply

if TYPE_CHECKING:
    from budgetmlagent.models.faults import Judgement
    from budgetmlagent.models.server import EmbeddedServer

EMBEDDED_SECONDS, REMOTE_SECONDS = 600.0, 120.0
SMALLEST_REPLY = 64  # output tokens; a call is not shrunk below this
ONE_LIMIT_ONLY = ("openai.com", "azure.com", "volces.com")  # refuse max_tokens beside max_completion_tokens
LONGEST_NAME = 200  # characters of a model's name in a reply
# Characters; a shorter key ("none", "test") is a placeholder, which may be a word of the reply too.
SECRET_LENGTH = 8


@dataclass(frozen=True)
class Request:
    """All that is sent to a model, but for the room left to the reply."""

    messages: Sequence[Message]
    schema: Mapping[str, Any] | None
    temperature: float
    seed: int
    url: str
    key: str


class ModelClient:
    """Asks the models of models.yaml on a run's money (`nodes.deps.Models`)."""

    def __init__(
        self,
        models: Mapping[str, ModelSpec],
        account: Account,
        artifacts: Artifacts,
        *,
        seed: int = 0,
        start_embedded: Callable[[ModelSpec], "EmbeddedServer"] | None = None,
        patience: Patience | None = None,
        approval: Approval | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Raises UsageError for a model whose price is unknown."""
        self.models, self.prices = models, {name: price_of(spec) for name, spec in models.items()}
        self.account, self.ledger, self.artifacts, self.seed = account, account.ledger, artifacts, seed
        self.start_embedded, self.approval = start_embedded, approval or Approval()
        self.patience = patience or Patience()
        self.waits = self.patience.waits
        self.meanwhile = meanwhile  # what is started while the model thinks

    def spent(self) -> int:
        """Nano-dollars of this run: settled calls plus reservations of unknown outcome."""
        return self.account.spent()

    def ask(
        self,
        here: Here,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 1024,
        temperature: float = 0.2,
    ) -> Reply:
        """Send one request to `here.model`; a repeated step gets its stored reply for nothing, on another branch too.

        Raises UsageError for an unknown model or a missing key, UnavailableError where an embedded model cannot start.
        """
        spec = self.models.get(here.model)
        if spec is None:
            raise UsageError(
                f"model {here.model!r} is not in models.yaml, which has {', '.join(self.models)}"
            )
        prompt = self.artifacts.put_json(prompt_record(messages, schema, max_tokens, temperature))
        size = text_bytes(messages, schema)
        call = call_of(self.account.run, here, spec.model, self.prices[spec.name].id, prompt, size=size)
        if stored := self.account.paid(call):
            return reply_of(stored)
        import langchain_openai  # noqa: F401 - slow: not between the reservation and the request

        url, key = self._endpoint(spec)
        self.waits.before(urlsplit(url).netloc)  # with nothing reserved: an interrupt here costs nothing
        bound = input_bound(messages, schema, self.ledger.ratio(call))
        limit = min(max_tokens, spec.max_tokens or max_tokens)
        worst = self.prices[spec.name].worst_case(bound, limit)
        if not self.approval.granted(here, worst, self.ledger.left(self.account.run)):
            return Reply(fault="declined", detail=declined(here, worst))
        self.meanwhile()
        room, limit = self._reserve(call, bound, limit, here.budget)
        if isinstance(room, Refused):
            return Reply(fault="refused", detail=room.sentence(call))
        request = Request(messages, schema, temperature, _seed(self.seed, here), url, key)
        return self._send(spec, request, room, limit)

    def _endpoint(self, spec: ModelSpec) -> tuple[str, str]:
        """The address and key of a model."""
        if spec.base_url != EMBEDDED:
            return spec.base_url, (api_key(spec) or "").strip()
        if self.start_embedded is None:
            raise UsageError(f"model {spec.name!r} is embedded, and this client was given no way to start it")
        served = self.start_embedded(spec)
        return served.base_url, served.api_key

    def _reserve(
        self, call: Call, bound: int, limit: int, role_cap: int | None
    ) -> tuple[Reservation | Refused, int]:
        """Reserve the worst case, with fewer output tokens where that does not fit."""
        price, least = self.prices[call.model], min(limit, SMALLEST_REPLY)
        while True:
            room = self.ledger.reserve(call, price.worst_case(bound, limit), role_cap)
            if isinstance(room, Reservation):
                return room, limit
            limit = min(price.affordable(bound, room.remaining), limit - 1)
            if limit < least:
                return replace(room, worst=price.worst_case(bound, least)), limit

    def _send(self, spec: ModelSpec, request: Request, room: Reservation, limit: int) -> Reply:
        """Send the request and settle it; where its outcome is unknown the reservation stays."""
        import openai

        from budgetmlagent.models.faults import MALFORMED, UNBUILT, judge, unreadable

        try:
            message = self._invoke(spec, request, limit)
        except (openai.OpenAIError, *UNBUILT, *MALFORMED) as error:
            fault = judge(error, spec)
            if fault is None and isinstance(error, UNBUILT):
                raise
            return self._failed(fault or unreadable(spec), request, room)
        self.waits.answered(urlsplit(request.url).netloc)
        return self._settle(spec, request, room, message)

    def _failed(self, fault: "Judgement", request: Request, room: Reservation) -> Reply:
        """Enter what is known of a request that brought no reply."""
        place = urlsplit(request.url).netloc
        if not fault.sent:
            self.ledger.release(room.id)
        elif fault.unbilled:
            self.ledger.settle(room.id, 0, Answer(note=fault.unbilled))
        if fault.kind == "busy":
            self.waits.busy(place, fault.after)
        else:
            self.waits.answered(place)
        return Reply(fault=fault.kind, detail=" ".join(_clean(fault.detail, request.key).split())[:400])

    def _invoke(self, spec: ModelSpec, request: Request, limit: int) -> Any:
        """One request through LangChain: no retries, no redirects, no stream, no cache."""
        from langchain_openai import ChatOpenAI
        from openai import DefaultHttpxClient
        from pydantic import SecretStr

        from budgetmlagent.models.deadline import bounded

        # LangChain sends max_completion_tokens, which some servers ignore.
        body: dict[str, Any] = {} if host(spec).endswith(ONE_LIMIT_ONLY) else {"max_tokens": limit}
        if request.schema is not None:
            form = {"name": "reply", "strict": True, "schema": request.schema}
            # Not with_structured_output: that loses the text and the usage of a reply that is cut off.
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        timeout = self.patience.seconds(EMBEDDED_SECONDS if spec.base_url == EMBEDDED else REMOTE_SECONDS)
        # A proxy has nothing to do with this machine's own servers, and a redirect would lead to an undeclared host.
        http_client = DefaultHttpxClient(
            trust_env=not is_loopback(spec),
            follow_redirects=False,
            verify=request.url.startswith("https:"),  # loading certificates takes 70 ms
            event_hooks={"response": [bounded(timeout)]},
        )
        with http_client as http:
            chat = ChatOpenAI(
                model=spec.model,
                base_url=request.url,
                api_key=SecretStr(request.key or "none"),
                max_completion_tokens=limit,
                temperature=request.temperature,
                seed=request.seed,
                timeout=timeout,
                max_retries=0,
                streaming=False,
                use_responses_api=False,
                cache=False,
                openai_proxy=None,
                http_client=http,
                extra_body=body,
            )
            return chat.invoke([dict(message) for message in request.messages])

    def _settle(self, spec: ModelSpec, request: Request, room: Reservation, message: Any) -> Reply:
        about = message.response_metadata
        # Some say in a field of its own that the model would not answer, and call the reply complete.
        refusal = message.additional_kwargs.get("refusal")
        finish = FILTERED if refusal else str(about.get("finish_reason") or "")
        text = _clean(str(message.text or refusal or ""), request.key)
        usage, cost = tokens_of(about.get("token_usage"), text), reported_cost(about.get("token_usage"))
        nano, note = self.prices[spec.name].charge(usage, cost, room.worst)
        counted = usage or Tokens(0, 0, 0)
        answer = Answer(
            text=text,
            finish=_clean(finish, request.key),
            reply=self.artifacts.put(text),
            request=_clean(str(about.get("id") or ""), request.key),
            tokens_in=counted.input,
            cached=counted.cached,
            tokens_out=counted.output,
            note=note,
            # Where the provider does not say, LangChain gives the name that was asked for.
            answered=_clean(str(about.get("model_name") or ""), request.key)[:LONGEST_NAME],
        )
        self.ledger.settle(room.id, nano, answer)
        return reply_of(answer)


def _seed(seed: int, here: Here) -> int:
    """A seed of its own for each step, the same in each run of the same seed."""
    digest = hashlib.sha256(f"{seed}/{here.step}/{here.node}".encode()).digest()
    return int.from_bytes(digest[:4]) & 0x7FFFFFFF


def _clean(text: str, key: str) -> str:
    """The text as one that can be stored: valid Unicode, and without the key, should a provider echo it."""
    text = text.encode("utf-8", "replace").decode()
    return text.replace(key, "***") if len(key) >= SECRET_LENGTH else text
