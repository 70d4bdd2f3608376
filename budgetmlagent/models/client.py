"""The model client: what is asked is reserved in the ledger before it is sent, each request by itself.

What a provider does wrong is a `Reply` with a fault, for the graph to route on. Nothing that may be billed is retried
here: that is a step of the graph, with a reservation of its own. Only a request that the endpoint refused to read, for a
field that it does not know, is written otherwise and sent at once.
"""

import hashlib
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from budgetmlagent.errors import UsageError
from budgetmlagent.models.approval import Approval, declined
from budgetmlagent.models.config import EMBEDDED, ModelSpec, api_key, host
from budgetmlagent.models.endpoint import FIELDS, Endpoint, Endpoints, may_think, room_to_think
from budgetmlagent.models.fields import LIMITS, Request, fields_of, keywords, messages_of, sent
from budgetmlagent.models.refusals import narrowed
from budgetmlagent.models.stored import FILTERED, THOUGHT, call_of, prompt_record, reply_of
from budgetmlagent.models.thinking import beside, tokens
from budgetmlagent.models.waiting import Patience
from budgetmlagent.money.ledger import Account, Answer, Call, Refused, Reservation
from budgetmlagent.money.prices import input_bound, price_of, reported_cost, text_bytes
from nodes.craft.replies import thoughts
from nodes.deps import Artifacts, Here, Message, Reply

if TYPE_CHECKING:
    import openai

    from budgetmlagent.models.faults import Judgement
    from budgetmlagent.models.server import EmbeddedServer

LONG_SECONDS, USUAL_SECONDS = (
    600.0,
    120.0,
)  # for a reply: of a model that may think or runs here, and of others
SMALLEST_REPLY = 64  # output tokens; a call is not shrunk below this
TRIES = (
    len(FIELDS) + 4
)  # requests of one ask: what is refused is left out, a limit that is too large made smaller
MOST_TOKENS = 2**31  # a larger count is none
LONGEST_NAME = 200  # characters of a model's name in a reply
# Characters; a shorter key ("none", "test") is a placeholder, which may be a word of the reply too.
SECRET_LENGTH = 8


@dataclass(frozen=True)
class Ask:
    """One question of a node, and what it is reserved with."""

    spec: ModelSpec
    call: Call
    request: Request
    room: int  # output tokens that the node asks for
    bound: int  # input tokens at most
    role_cap: int | None  # nano-dollars that the node may spend in its run


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
        endpoints: Endpoints | None = None,
    ) -> None:
        """Raises UsageError for a model whose price is unknown."""
        self.models, self.prices = models, {name: price_of(spec) for name, spec in models.items()}
        self.account, self.ledger, self.artifacts, self.seed = account, account.ledger, artifacts, seed
        self.start_embedded, self.approval = start_embedded, approval or Approval()
        self.patience = patience or Patience()
        self.waits = self.patience.waits
        self.endpoints = endpoints or Endpoints()
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
        """Ask `here.model` for one reply; a repeated step gets its stored reply for nothing, on another branch too.

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
        request = Request(messages, schema, temperature, _seed(self.seed, here), url, key)
        bound = input_bound(messages, schema, self.ledger.ratio(call))
        asked, known = Ask(spec, call, request, max_tokens, bound, here.budget), self.endpoints.of(spec)
        worst = self.prices[spec.name].worst_case(bound, limit_of(spec, known, max_tokens))
        if not self.approval.granted(here, worst, self.ledger.left(self.account.run)):
            return Reply(fault="declined", detail=declined(here, worst))
        self.meanwhile()
        return self._fit(asked, known)

    def _endpoint(self, spec: ModelSpec) -> tuple[str, str]:
        """The address and key of a model."""
        if spec.base_url != EMBEDDED:
            return spec.base_url, (api_key(spec) or "").strip()
        if self.start_embedded is None:
            raise UsageError(f"model {spec.name!r} is embedded, and this client was given no way to start it")
        served = self.start_embedded(spec)
        return served.base_url, served.api_key

    def _fit(self, asked: Ask, known: Endpoint) -> Reply:
        """Ask, and ask again without what the endpoint refuses, until it has read the request."""
        for _ in range(TRIES):
            if not any(map(known.takes, LIMITS)):
                break
            answer = self._try(asked, known)
            if isinstance(answer, Reply):
                return answer
            known = answer
        spec = asked.spec
        detail = f"model {spec.name!r} at {host(spec)} takes no limit of a reply's length: nothing bounds what it costs"
        return Reply(fault="denied", detail=detail)

    def _try(self, asked: Ask, known: Endpoint) -> Reply | Endpoint:
        """Send one request, reserved before; what is known of the endpoint now, where it refused to read it."""
        import openai

        from budgetmlagent.models.faults import MALFORMED, judge
        from budgetmlagent.models.openai_chat import ask

        spec, request = asked.spec, asked.request
        room, limit = self._reserve(asked, known)
        if isinstance(room, Refused):
            return Reply(fault="refused", detail=room.sentence(asked.call) + _to_think(known))
        fields = fields_of(spec, request, known, limit)
        long = spec.base_url == EMBEDDED or may_think(spec, known)
        seconds = self.patience.seconds(spec.timeout or (LONG_SECONDS if long else USUAL_SECONDS))
        try:
            with self.waits.asking(spec.name):
                message = ask(spec, request, messages_of(request, known), fields, seconds)
        except openai.APIStatusError as error:
            narrower = _narrowed(error, asked, known, fields, limit)
            reply = self._failed(judge(error, spec), request, room)
            return reply if narrower is None else narrower
        except (openai.OpenAIError, *MALFORMED) as error:
            return self._failed(judge(error, spec), request, room)
        self.waits.answered(urlsplit(request.url).netloc)
        return self._settle(asked, known, room, message, limit)

    def _reserve(self, asked: Ask, known: Endpoint) -> tuple[Reservation | Refused, int]:
        """Reserve the worst case, with fewer output tokens where that does not fit."""
        price, limit = self.prices[asked.call.model], limit_of(asked.spec, known, asked.room)
        least = min(limit, SMALLEST_REPLY + _usual(known))
        while True:
            room = self.ledger.reserve(asked.call, price.worst_case(asked.bound, limit), asked.role_cap)
            if isinstance(room, Reservation):
                return room, limit
            limit = min(price.affordable(asked.bound, room.remaining), limit - 1)
            if limit < least:
                return replace(room, worst=price.worst_case(asked.bound, least)), limit

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

    def _settle(self, asked: Ask, known: Endpoint, room: Reservation, message: Any, limit: int) -> Reply:
        """Enter what a reply cost and what it says; learn from it how long the model thinks."""
        spec, key, about = asked.spec, asked.request.key, message.response_metadata
        price = self.prices[spec.name]
        # Some say in a field of its own that the model would not answer, and call the reply complete.
        refusal = message.additional_kwargs.get("refusal")
        finish = FILTERED if refusal else str(about.get("finish_reason") or "")
        thinking, text = thoughts(_clean(str(message.text or refusal or ""), key))
        thinking += beside(message.content, message.additional_kwargs)
        usage, cost = _usage(about.get("token_usage"), text), reported_cost(about.get("token_usage"))
        nano, note = price.charge(usage, cost, room.worst)
        tokens_in, cached, tokens_out = usage or (0, 0, 0)
        thought = tokens(_reported(about.get("token_usage")), tokens_out, thinking, text)
        cut = finish == "length" and not text.strip() and spec.base_url != EMBEDDED
        if cut:
            thought = tokens_out or limit  # unseen, but there is nothing else that it can have been
        if thought and not text.strip() and finish != FILTERED:
            finish = THOUGHT
        answer = Answer(
            text=text,
            finish=_clean(finish, key),
            reply=self.artifacts.put(text),
            request=_clean(str(about.get("id") or ""), key),
            tokens_in=tokens_in,
            cached=cached,
            tokens_out=tokens_out,
            thought=thought,
            thought_nano=min(nano, price.cost(0, 0, thought)),
            note=note,
            # Where the provider does not say, LangChain gives the name that was asked for.
            answered=_clean(str(about.get("model_name") or ""), key)[:LONGEST_NAME],
        )
        self.ledger.settle(room.id, nano, answer)
        # A thought that was cut off would have gone on, nobody knows for how long.
        self.endpoints.keep(spec, known.thought(2 * limit if cut else thought))
        return reply_of(answer)


def limit_of(spec: ModelSpec, known: Endpoint, room: int) -> int:
    """Output tokens that a reply may have: `room` for the answer, and room to think."""
    limits = (room + room_to_think(spec, known), spec.max_tokens, known.most, known.fits)
    return min(limit for limit in limits if limit)


def _usual(known: Endpoint) -> int:
    """Tokens that the model is known to think for, usually; 0 where nothing is known."""
    return math.ceil(statistics.median(known.thoughts)) if known.thoughts else 0


def _to_think(known: Endpoint) -> str:
    """Say how much of a call that was refused is thinking."""
    usual = _usual(known)
    return f"; it thinks for about {usual} tokens before it answers" if usual else ""


def _narrowed(
    error: "openai.APIStatusError", asked: Ask, known: Endpoint, fields: Mapping[str, Any], limit: int
) -> Endpoint | None:
    """Return what a refused request taught; None where it was not about a field of ours."""
    if error.status_code not in (400, 422):
        return None
    schema = asked.request.schema
    param = str(error.param or "")
    return narrowed(known, sent(fields, schema), keywords(schema), limit, param, error.response.text)


def _seed(seed: int, here: Here) -> int:
    """A seed of its own for each step, the same in each run of the same seed."""
    digest = hashlib.sha256(f"{seed}/{here.step}/{here.node}".encode()).digest()
    return int.from_bytes(digest[:4]) & 0x7FFFFFFF


def _usage(reported: Any, text: str) -> tuple[int, int, int] | None:
    """Tokens in, cached, out, as the provider counted them; None where it does not say, or says 0 of a `text`.

    Out are all that were not asked: some count hidden reasoning in the total alone.
    """
    if not isinstance(reported, Mapping):
        return None
    details = reported.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    counts = reported.get("prompt_tokens"), cached or 0, reported.get("completion_tokens")
    if not all(isinstance(count, int) and 0 <= count <= MOST_TOKENS for count in counts):
        return None
    tokens_in, cached, tokens_out = (int(count or 0) for count in counts)
    total = reported.get("total_tokens")
    if isinstance(total, int) and total <= MOST_TOKENS:
        tokens_out = max(tokens_out, total - tokens_in)
    return None if text and not (tokens_in and tokens_out) else (tokens_in, cached, tokens_out)


def _reported(usage: Any) -> int:
    """Tokens of thinking that a provider counted."""
    details = usage.get("completion_tokens_details") if isinstance(usage, Mapping) else None
    count = details.get("reasoning_tokens") if isinstance(details, Mapping) else None
    return count if isinstance(count, int) and 0 <= count <= MOST_TOKENS else 0


def _clean(text: str, key: str) -> str:
    """The text as one that can be stored: valid Unicode, and without the key, should a provider echo it."""
    text = text.encode("utf-8", "replace").decode()
    return text.replace(key, "***") if len(key) >= SECRET_LENGTH else text
