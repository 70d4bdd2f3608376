"""The model client: what is asked is reserved in the ledger before it is sent, each request by itself.

What a provider does wrong is a `Reply` with a fault, for the graph to route on. Nothing that may be billed is retried
here: that is a step of the graph, with a reservation of its own. Only a request that the endpoint refused to read, for a
field that it does not know, is written otherwise and sent at once.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any, Protocol

from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.able import guess
from budgetmlagent.models.approval import Approval, declined
from budgetmlagent.models.config import ModelSpec, host
from budgetmlagent.models.endpoint import FIELDS, LIMITS, Endpoint, Endpoints, least_to_think, room_to_think
from budgetmlagent.models.faults.raised import UNREAD, told_by
from budgetmlagent.models.fields import Request, fields_of, keywords, messages_of, sent
from budgetmlagent.models.keys import api_key
from budgetmlagent.models.reading import clean, is_json, read
from budgetmlagent.models.refusals import narrowed
from budgetmlagent.models.stored import CUT, call_of, prompt_record, reply_of
from budgetmlagent.models.waiting import Patience
from budgetmlagent.money.ledger import Account, Answer, Call, Refused, Reservation
from budgetmlagent.money.prices import input_bound, price_of, text_bytes
from budgetmlagent.wording import unknown
from nodes.able import WEAKEST, Able
from nodes.deps import Artifacts, Here, Message, Reply

if TYPE_CHECKING:
    from budgetmlagent.models.faults.judge import Judgement

# For a reply: of a model that may think or runs here, and of others.
LONG_SECONDS, USUAL_SECONDS = 600.0, 120.0
SMALLEST_REPLY = 64  # output tokens; a call is not shrunk below this
# Requests of one ask: what is refused is left out, a limit that is too large made smaller.
TRIES = len(FIELDS) + 4


class Served(Protocol):
    """Where an embedded model is served, by this process or another one; both may raise UnavailableError."""

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client."""
        ...

    @property
    def api_key(self) -> str:
        """The key that it takes."""
        ...


@dataclass(frozen=True)
class Ask:
    """One question of a node, and what it is reserved with."""

    spec: ModelSpec
    call: Call
    request: Request
    tokens: int  # of output, that the node asks for
    least: int  # of output, below which a reply is of no use to it
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
        start_embedded: Callable[[ModelSpec], Served] | None = None,
        patience: Patience | None = None,
        approval: Approval | None = None,
        meanwhile: Callable[[], None] = lambda: None,
        endpoints: Endpoints | None = None,
        able: Mapping[str, Able] | None = None,
    ) -> None:
        """`able` is what is believed of the models, by name; of others it is guessed.

        Raises UsageError for a model whose price is unknown.
        """
        self.models, self.prices = models, {name: price_of(spec) for name, spec in models.items()}
        self.account, self.ledger, self.artifacts, self.seed = account, account.ledger, artifacts, seed
        self.start_embedded, self.approval = start_embedded, approval or Approval()
        self.patience = patience or Patience()
        self.waits = self.patience.waits
        self.endpoints = endpoints or Endpoints()
        self.meanwhile = meanwhile  # what is started while the model thinks
        self.believed = able or {}

    def spent(self) -> int:
        """Nano-dollars of this run: settled calls plus reservations of unknown outcome."""
        return self.account.spent()

    def able(self, model: str) -> Able:
        """What `model` can do, by what this client was told or a guess; the weakest for what is no model."""
        if model in self.believed:
            return self.believed[model]
        return guess(self.models[model]) if model in self.models else WEAKEST

    def ask(
        self,
        here: Here,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 1024,
        temperature: float = 0.2,
        least: int = 0,
    ) -> Reply:
        """Ask `here.model` for one reply; a repeated step gets its stored reply for nothing, on another branch too.

        Raises UsageError for an unknown model or a missing key, UnavailableError where an embedded model cannot start.
        """
        spec = self.models.get(here.model)
        if spec is None:
            raise UsageError(f"{unknown('model', here.model, self.models)} in models.yaml")
        prompt = self.artifacts.put_json(prompt_record(messages, schema, max_tokens, temperature))
        size = text_bytes(messages, schema)
        call = call_of(self.account.run, here, spec.model, self.prices[spec.name].id, prompt, size=size)
        if stored := self.account.paid(call):
            return reply_of(stored)
        import langchain_openai  # noqa: F401 - slow: not between the reservation and the request

        url, key = self._endpoint(spec)
        request = Request(messages, schema, temperature, _seed(self.seed, here), url, key)
        self.waits.before(request.place)  # with nothing reserved: an interrupt here costs nothing
        bound = input_bound(messages, schema, self.ledger.ratio(call))
        asked, known = (
            Ask(spec, call, request, max_tokens, least, bound, here.budget),
            self.endpoints.of(spec),
        )
        worst = self.prices[spec.name].worst_case(bound, limit_of(spec, known, max_tokens))
        if not self.approval.granted(here, worst, self.ledger.left(self.account.run)):
            return Reply(fault="declined", detail=declined(here, worst))
        self.meanwhile()
        return self._fit(asked, known)

    def _endpoint(self, spec: ModelSpec) -> tuple[str, str]:
        """The address and key of a model; the class in the place of an address where that alone knows it."""
        if spec.chat:
            from budgetmlagent.models.chat import any_chat

            return host(spec), any_chat.ready(spec)
        if spec.base_url != EMBEDDED:
            return spec.base_url, (api_key(spec) or "").strip()
        if self.start_embedded is None:
            raise UsageError(f"model {spec.name!r} is embedded, and this client was given no way to start it")
        served = self.start_embedded(spec)
        return served.base_url, served.api_key

    def _fit(self, asked: Ask, known: Endpoint) -> Reply:
        """Ask, and ask again without what the endpoint refuses, until it has read the request."""
        for _ in range(TRIES):
            answer = self._try(asked, known)
            if isinstance(answer, Reply):
                return answer
            if not any(map(answer.takes, LIMITS)):
                break
            known = answer
        spec = asked.spec
        detail = (
            f"model {spec.name!r} at {host(spec)} takes no limit of a reply's length, without which nothing bounds what it"
            f" costs; see what it says to `budgetml models check`, and say what else to send in models.yaml"
        )
        return Reply(fault="denied", detail=detail)

    def _try(self, asked: Ask, known: Endpoint) -> Reply | Endpoint:
        """Send one request, reserved before; what is known of the endpoint now, where it refused to read it."""
        from budgetmlagent.models.chat import any_chat, openai_chat

        spec, request = asked.spec, asked.request
        room, limit = self._reserve(asked, known)
        if isinstance(room, Refused):
            return Reply(fault="refused", detail=room.sentence(asked.call) + _to_think(known), cap=room.cap)
        fields = fields_of(spec, request, known, limit)
        long = spec.base_url == EMBEDDED or room_to_think(spec, known) > 0
        seconds = self.patience.shortened(spec.timeout or (LONG_SECONDS if long else USUAL_SECONDS))
        way = any_chat if spec.chat else openai_chat
        with self.waits.asking(spec.name):
            answer = way.ask(spec, request, messages_of(request, known), fields, seconds)
        if isinstance(answer, Exception):
            reply = self._failed(_fault_of(answer, spec, request.key), request, room)
            return _narrowed(answer, asked, known, fields, limit) or reply
        self.waits.answered(request.place)
        return self._settle(asked, known, room, answer, limit)

    def _reserve(self, asked: Ask, known: Endpoint) -> tuple[Reservation | Refused, int]:
        """Reserve the worst case, with fewer output tokens where that does not fit."""
        price, limit = self.prices[asked.call.model], limit_of(asked.spec, known, asked.tokens)
        useful = max(SMALLEST_REPLY, asked.least)
        least = min(limit, useful + max(known.usual, least_to_think(asked.spec)))
        while True:
            room = self.ledger.reserve(asked.call, price.worst_case(asked.bound, limit), asked.role_cap)
            if isinstance(room, Reservation):
                return room, limit
            limit = min(price.affordable(asked.bound, room.remaining), limit - 1)
            if limit < least:
                return replace(room, worst=price.worst_case(asked.bound, least)), limit

    def _failed(self, fault: "Judgement", request: Request, room: Reservation) -> Reply:
        """Enter what is known of a request that brought no reply."""
        place = request.place
        if not fault.sent:
            self.ledger.release(room.id)
        elif fault.unbilled:
            self.ledger.settle(room.id, 0, Answer(note=fault.unbilled))
        if fault.kind == "busy" and not fault.sent:
            self.waits.unreached(place)
        elif fault.kind == "busy":
            self.waits.busy(place, fault.after)
        else:
            self.waits.answered(place)
        return Reply(fault=fault.kind, detail=" ".join(clean(fault.detail, request.key).split())[:400])

    def _settle(self, asked: Ask, known: Endpoint, room: Reservation, message: Any, limit: int) -> Reply:
        """Enter what a reply cost and what it says; learn from it how long the model thinks."""
        spec, price = asked.spec, self.prices[asked.spec.name]
        embedded = spec.base_url == EMBEDDED
        nano, answer = read(message, price, room.worst, asked.request.key, 0 if embedded else limit)
        self.ledger.settle(room.id, nano, replace(answer, reply=self.artifacts.put(answer.text or "")))
        # A thought that was cut off would have gone on, nobody knows for how long.
        # One that is said to be longer than that is a wrong count.
        learned = known.thought(2 * limit if answer.finish == CUT else min(answer.thought, 2 * limit))
        if asked.request.schema is not None and answer.finish == "stop" and not is_json(answer.text):
            learned = replace(learned, heeds=False)
        self.endpoints.keep(spec, learned)
        return reply_of(answer)


def limit_of(spec: ModelSpec, known: Endpoint, tokens: int) -> int:
    """Output tokens that a reply may have: `tokens` for the answer, and room to think."""
    wanted = tokens + room_to_think(spec, known)
    if least := least_to_think(spec):
        wanted = max(wanted, least + SMALLEST_REPLY)
    limits = (wanted, spec.max_tokens, known.most, known.fits)
    return min(limit for limit in limits if limit)


def _to_think(known: Endpoint) -> str:
    """Say how much of a call that was refused is thinking."""
    return f"; it thinks for about {known.usual} tokens before it answers" if known.usual else ""


def _fault_of(error: Exception, spec: ModelSpec, key: str) -> "Judgement":
    """The fault of a provider behind `error`. Raises what is none."""
    from budgetmlagent.models.chat.any_chat import bug
    from budgetmlagent.models.faults.judge import UNBUILT, judge, unreadable

    if fault := judge(error, spec):
        return fault
    if spec.chat and not isinstance(error, JSONDecodeError):
        raise bug(error, spec, key) from error
    if isinstance(error, UNBUILT):
        raise error
    return unreadable(spec)


def _narrowed(
    error: Exception, asked: Ask, known: Endpoint, fields: Mapping[str, Any], limit: int
) -> Endpoint | None:
    """Return what a refused request taught; None where it was not about a field of ours."""
    told, schema = told_by(error), asked.request.schema
    if told is None or told.status not in UNREAD:
        return None
    # What stands in `params` is the user's word, which is sent again as it is.
    ours = {name: value for name, value in fields.items() if name not in asked.spec.params}
    return narrowed(known, sent(ours, schema), keywords(schema), limit, told.param, told.text)


def _seed(seed: int, here: Here) -> int:
    """A seed of its own for each step, the same in each run of the same seed."""
    digest = hashlib.sha256(f"{seed}/{here.step}/{here.node}".encode()).digest()
    return int.from_bytes(digest[:4]) & 0x7FFFFFFF
