"""Prices: what a call costs and what it can cost at most, in nano-dollars, rounded up once.

The user's own `price:` wins. Else a request is reserved at the dearest rate that genai-prices (offline, Decimal) has of
the model at its host, of the model that it stands for (`list_price_of:`) or of its name alone, and settled at what the
provider says it cost, else at the true rate. A model whose price nobody knows is an error, never free.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.money.usage import MOST_REPORTED, Tokens
from nodes.deps import Message

TEMPLATE_TOKENS = 96  # of a chat template, with the system prompt that some templates add by themselves
MESSAGE_TOKENS = 16  # of the marks around one message
SCHEMA_TOKENS = 256  # of what a provider writes around a schema
PER_TOKEN = 1000  # nano-dollars a token, at one dollar per million tokens
# Rates by kind of token, as genai-prices calls them: of what can be in an answer to us, who send text and ask no
# provider to keep it for an hour.
INPUTS = ("input_mtok", "cache_read_mtok", "cache_write_mtok")
OUTPUTS = ("output_mtok", "output_reasoning_mtok", "output_audio_mtok")
ANY_PROVIDER = "litellm"  # genai-prices' id of a proxy: takes "provider/" apart, and any other name as it is
# langchain_anthropic, langchain_google_genai: what follows is a provider to genai-prices.
PACKAGES = "langchain_"

Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Rates(BaseModel):
    """A price as models.yaml declares it, in dollars per million tokens. Without `cached`, cached input costs as `input`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Dollars
    output: Dollars
    cached: Dollars | None = None


class Priced(Protocol):
    """What a price is found by: a `ModelSpec`, or anything like it."""

    name: str
    base_url: str
    chat: str | None
    model: str
    price: Literal[0] | Rates | None
    list_price_of: str | None

    @property
    def params(self) -> Mapping[str, Any]:
        """Arguments of the class `chat`, `base_url` among them."""


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens; the highest ones where they depend on the hour or on the length."""

    input: Decimal
    output: Decimal
    cached: Decimal  # of the part of the input that a provider's cache served
    id: str
    own: bool = False  # the user's word, above what a provider reports
    shadow: bool = False  # a free model, accounted as the one that it stands for
    request: Decimal = Decimal(0)  # dollars per request
    # Of any kind of input, and of output: cache writes, reasoning.
    dearest: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    record: Any = None  # genai-prices' record of the model, which knows hours and lengths

    def worst_case(self, bound_in: int, max_out: int) -> int:
        """Nano-dollars that a request with these numbers of tokens costs at most."""
        return math.ceil(self._floor(bound_in) + max_out * self._most_out() * PER_TOKEN)

    def affordable(self, bound_in: int, remaining: int) -> int:
        """Output tokens that `remaining` nano-dollars buy after the input; -1 where not even that fits."""
        left, rate = remaining - self._floor(bound_in), self._most_out()
        return int(left // (rate * PER_TOKEN)) if left >= 0 and rate else -1

    def _floor(self, bound_in: int) -> Decimal:
        return bound_in * max(self.input, self.cached, self.dearest[0]) * PER_TOKEN + self.request * 10**9

    def _most_out(self) -> Decimal:
        return max(self.output, self.dearest[1])

    def charge(self, usage: Tokens | None, reported: int | None, worst: int) -> tuple[int, str]:
        """Nano-dollars that a reply is settled at, and the note of its entry.

        `usage` is what the provider counted, `reported` what it says that it cost; `worst` was reserved.
        """
        if reported is not None and not self.own:
            return reported, "the cost that the provider reported"
        if usage is None:
            return worst, "the reply has no usage: settled at the worst case"
        return self.cost(usage), ""

    def cost(self, tokens: Tokens) -> int:
        """Nano-dollars that a request cost."""
        parts = tokens.parted()
        if self.record is not None:
            dollars: Decimal = self.record.model.calc_price(_usage(parts), self.record.provider).total_price
            return math.ceil(dollars * 10**9)
        fresh = (parts.input - parts.cached) * self.input
        return math.ceil((fresh + parts.cached * self.cached + parts.output * self.output) * PER_TOKEN)


def _usage(parts: Tokens) -> Any:
    """The same for genai-prices, which wants to be told that the parts do not overlap."""
    from genai_prices import Usage

    return Usage(
        input_tokens=parts.input,
        cache_read_tokens=parts.cached,
        cache_write_tokens=parts.cache_write,
        cache_write_1h_tokens=parts.cache_hour,
        input_audio_tokens=parts.audio_in,
        output_tokens=parts.output,
        output_reasoning_tokens=parts.thought,
        output_audio_tokens=parts.audio_out,
        cache_audio_read_tokens=0,
        cache_audio_write_tokens=0,
        cache_audio_write_1h_tokens=0,
        output_audio_reasoning_tokens=0,
    )


def price_of(spec: Priced) -> Price:
    """Find the price of a model. Raises UsageError, naming the model, where nobody knows it."""
    if spec.price is not None:
        return _own(spec.price)
    hosted = spec.base_url != EMBEDDED
    problem = f"the price of {spec.model!r} is unknown"
    found = _at_home(spec) if hosted else None
    if found is None and spec.list_price_of:
        problem = f"list_price_of: {spec.list_price_of!r} is in no price list"
        found = _listed(spec.list_price_of, shadow=True)
    elif found is None and hosted:
        found = _listed(spec.model)  # may match loosely, so it yields to the user's word
    if found is None:
        raise UsageError(
            f"model {spec.name!r}: {problem}; declare `price:` (0, or {{input, output}} in dollars per million tokens)"
            " or `list_price_of:` (the listed model that it stands for)"
        )
    return found


def _at_home(spec: Priced) -> Price | None:
    """Look a model up where it is asked: at its address, else with the provider that its LangChain package is named after."""
    url = spec.base_url or str(spec.params.get("base_url") or "")
    package = (spec.chat or "").partition(".")[0].partition(":")[0]
    if url or not package.startswith(PACKAGES):
        return _listed(spec.model, url) if url else None
    return _listed(spec.model, provider=package.removeprefix(PACKAGES))


def _own(rates: Literal[0] | Rates) -> Price:
    if rates == 0:
        return Price(Decimal(0), Decimal(0), Decimal(0), id="price: 0", own=True)
    cached = rates.input if rates.cached is None else rates.cached
    shown = {"input": rates.input, "output": rates.output, "cached": cached}
    name = ", ".join(f"{key} {rate:f}" for key, rate in shown.items())
    return Price(rates.input, rates.output, cached, id=f"price: {name}", own=True)


def _listed(
    model: str, base_url: str = "", *, provider: str = ANY_PROVIDER, shadow: bool = False
) -> Price | None:
    """Look a model up at its host, with a provider, or by its name alone, which may carry one ("openai/gpt-4o")."""
    from genai_prices import Usage, calc_price

    nothing = Usage(input_tokens=0, output_tokens=0)
    try:
        if base_url:
            record = calc_price(nothing, model, provider_api_url=base_url)
        else:
            record = calc_price(nothing, model, provider_id=provider)
    except LookupError:
        return None
    now = datetime.now(UTC)
    # Some models are dearer at some hours: look at the whole coming day, every ten minutes.
    hours = [record.model.get_prices(now + timedelta(minutes=10 * tens)) for tens in range(145)]
    text_in, text_out = _highest(hours, "input_mtok"), _highest(hours, "output_mtok")
    if text_in is None or text_out is None:
        return None  # a record that does not price text
    cached, request = _highest(hours, "cache_read_mtok"), _highest(hours, "requests_kcount")
    into, out = ([_highest(hours, key) or Decimal(0) for key in keys] for keys in (INPUTS, OUTPUTS))
    return Price(
        text_in,
        text_out,
        text_in if cached is None else cached,
        id=f"{record.provider.id}/{record.model.id}",
        shadow=shadow,
        request=(request or Decimal(0)) / 1000,
        dearest=(max(into), max(out)),
        record=record,
    )


def _highest(hours: Sequence[Any], key: str) -> Decimal | None:
    """The highest rate of all hours and tiers, for some models are dearer above some length; None where none is."""
    rates = [getattr(hour, key) for hour in hours]
    tiers = [tier.price for rate in rates for tier in getattr(rate, "tiers", ())]
    return max([*tiers, *(getattr(rate, "base", rate) for rate in rates if rate is not None)], default=None)


def reported_cost(usage: Any) -> int | None:
    """Nano-dollars that the provider says a request cost (`cost` of its usage, in dollars); None where it does not say.

    Where a router asks another provider by the user's own key there, its fee is `cost`, and what that provider takes is
    `cost_details.upstream_inference_cost`. A sum of 0 is no word: a proxy that does not know the price says 0 too.
    """
    if not isinstance(usage, Mapping):
        return None
    parts, details = [usage.get("cost")], usage.get("cost_details")
    if usage.get("is_byok") and isinstance(details, Mapping):
        parts.append(details.get("upstream_inference_cost"))
    dollars = [Decimal(str(part)) for part in parts if _is_dollars(part)]
    return math.ceil(sum(dollars) * 10**9) if any(dollars) else None


def _is_dollars(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_REPORTED


def text_bytes(messages: Sequence[Message], schema: Mapping[str, Any] | None) -> int:
    """UTF-8 bytes of a request's text: no tokenizer makes more tokens than that of it."""
    texts = [message["content"] for message in messages] + ([json.dumps(schema)] if schema else [])
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def input_bound(messages: Sequence[Message], schema: Mapping[str, Any] | None, ratio: float = 1.0) -> int:
    """Input tokens at most. `ratio` tightens it: the tokens per byte that the model is known to need (`Ledger.ratio`)."""
    marks = TEMPLATE_TOKENS + MESSAGE_TOKENS * len(messages) + (SCHEMA_TOKENS if schema else 0)
    return marks + math.ceil(text_bytes(messages, schema) * ratio)
