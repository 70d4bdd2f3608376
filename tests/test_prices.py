"""Prices: exact sums, a worst case that is one, and no model that is free because nobody knows it."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent.errors import UsageError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.money.prices import Price, input_bound, price_of, reported_cost, text_bytes
from budgetmlagent.money.usage import Tokens

COUNTS = st.integers(0, 2_000_000)
RATES = st.decimals(0, 1000, places=4)


def spec(**fields: Any) -> ModelSpec:
    return ModelSpec(**({"name": "m", "base_url": "http://127.0.0.1:9/v1", "model": "any-name"} | fields))


def test_a_declared_price_is_the_number_in_the_file() -> None:
    price = price_of(spec(price={"input": 0.1, "output": 0.4}))
    assert (price.input, price.output, price.cached) == (Decimal("0.1"), Decimal("0.4"), Decimal("0.1"))
    assert price.id == "price: input 0.1, output 0.4, cached 0.1"
    assert price.cost(Tokens(1_000_000, 0, 1_000_000)) == 500_000_000


@pytest.mark.parametrize(
    ("usage", "nano"),
    [((1000, 0, 0), 1_000_000), ((1000, 1000, 0), 250_000), ((1000, 400, 7), 714_000), ((10, 99, 0), 2_500)],
)
def test_cached_input_is_a_part_of_the_input(usage: tuple[int, int, int], nano: int) -> None:
    price = price_of(spec(price={"input": 1, "cached": 0.25, "output": 2}))
    assert price.cost(Tokens(*usage)) == nano


def test_an_entry_is_rounded_up_once() -> None:
    price = Price(Decimal("0.0003"), Decimal("0.0003"), Decimal("0.0003"), id="tiny")
    assert (
        price.cost(Tokens(1, 0, 1)) == price.worst_case(1, 1) == 1
    )  # 0.6 nano-dollars, not twice 0.3 rounded up
    assert price.cost(Tokens(0, 0, 0)) == 0


@given(rates=st.tuples(RATES, RATES, RATES), tokens_in=COUNTS, cached=COUNTS, tokens_out=COUNTS)
def test_the_sum_is_exact_and_no_reply_costs_more_than_the_worst_case(
    rates: tuple[Decimal, Decimal, Decimal], tokens_in: int, cached: int, tokens_out: int
) -> None:
    price = Price(*rates, id="x")
    cached = min(cached, tokens_in)
    exact = (
        (tokens_in - cached) * Fraction(rates[0])
        + cached * Fraction(rates[2])
        + tokens_out * Fraction(rates[1])
    )
    cost = price.cost(Tokens(tokens_in, cached, tokens_out))
    assert 0 <= cost - exact * 1000 < 1
    assert cost <= price.worst_case(tokens_in, tokens_out)


@given(rate_in=RATES, rate_out=RATES.filter(bool), bound=COUNTS, remaining=st.integers(-(10**9), 10**12))
def test_affordable_is_the_most_that_fits(
    rate_in: Decimal, rate_out: Decimal, bound: int, remaining: int
) -> None:
    price = Price(rate_in, rate_out, rate_in, id="x")
    room = price.affordable(bound, remaining)
    assert price.worst_case(bound, room + 1) > remaining
    assert room < 0 or price.worst_case(bound, room) <= remaining


def test_the_hosts_own_price_wins_over_a_list_price_and_that_over_a_loose_match() -> None:
    hosted = spec(base_url="https://api.openai.com/v1", model="gpt-4o", list_price_of="gpt-4-0125-preview")
    assert (price_of(hosted).id, price_of(hosted).shadow) == ("openai/gpt-4o", False)
    local = spec(model="gpt-4o", list_price_of="gpt-4-0125-preview")
    assert (price_of(local).id, price_of(local).shadow) == ("openai/gpt-4-turbo", True)
    assert price_of(spec(model="gpt-4o")).id == "openai/gpt-4o"
    assert [
        price_of(s).own for s in (hosted, local, spec(price=0), spec(price={"input": 1, "output": 1}))
    ] == ([False, False, True, True])


@given(st.one_of(st.none(), st.booleans(), st.text(), st.integers(), st.floats(), st.floats(0, 2e6)))
def test_a_reported_cost_is_a_sum_of_money_or_nothing(cost: Any) -> None:
    nano = reported_cost({"cost": cost})
    money = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 < cost < 10**6
    assert (nano is not None) == money
    assert not money or 0 <= nano - Fraction(str(cost)) * 10**9 < 1  # type: ignore[operator]
    assert reported_cost({}) is reported_cost(None) is None


def test_a_routers_fee_and_what_the_provider_behind_it_takes_are_summed() -> None:
    own: dict[str, Any] = {"is_byok": True, "cost_details": {"upstream_inference_cost": 0.005}}
    assert reported_cost({"cost": 0.00025} | own) == 5_250_000
    assert reported_cost({"cost": 0} | own) == 5_000_000
    assert reported_cost({"cost": 0.005} | own | {"is_byok": False}) == 5_000_000
    assert reported_cost({"cost": 0.001, "is_byok": True, "cost_details": None}) == 1_000_000


def test_price_zero_is_free_and_wins_over_a_list_price() -> None:
    price = price_of(spec(price=0, list_price_of="gpt-4-0125-preview"))
    assert (price.id, price.shadow, price.worst_case(10**6, 10**6), price.cost(Tokens(10**6, 0, 10**6))) == (
        ("price: 0", False, 0, 0)
    )


def test_a_shadow_price_is_that_of_the_listed_model_and_names_the_record() -> None:
    price = price_of(
        spec(base_url="embedded", model="qwen2.5-coder-1.5b-instruct", list_price_of="gpt-4-0125-preview")
    )
    assert (price.id, price.shadow) == ("openai/gpt-4-turbo", True)
    assert price.cost(Tokens(1000, 0, 1000)) == price.worst_case(1000, 1000) == 40_000_000


def test_a_hosted_model_is_found_by_its_host_and_a_loose_match_is_on_record() -> None:
    hosted = price_of(spec(base_url="https://openrouter.ai/api/v1", model="openai/gpt-4o"))
    assert (hosted.id, hosted.shadow) == ("openrouter/openai/gpt-4o", False)
    assert price_of(spec(model="deepseek-chat-v9")).id == "deepseek/deepseek-chat"


@pytest.mark.parametrize("fields", [{"list_price_of": "deepseek-chat"}, {"list_price_of": "gemini-2.5-pro"}])
@settings(max_examples=30, deadline=None)
@given(tokens_in=st.integers(0, 400_000), cached=st.integers(0, 400_000), tokens_out=st.integers(0, 50_000))
def test_hours_and_lengths_are_reserved_at_the_dearest(
    fields: dict[str, str], tokens_in: int, cached: int, tokens_out: int
) -> None:
    price = price_of(spec(**fields))
    assert 0 <= price.cost(Tokens(tokens_in, cached, tokens_out)) <= price.worst_case(tokens_in, tokens_out)


LISTED = [f"{provider.id}/{model.id}" for provider in get_snapshot().providers for model in provider.models]


@settings(max_examples=300, deadline=None)
@given(
    model=st.sampled_from(LISTED), tokens=st.builds(Tokens, *[st.integers(0, 300_000)] * 5, audio_out=COUNTS)
)
def test_no_listed_model_costs_more_than_its_worst_case(model: str, tokens: Tokens) -> None:
    try:
        price = price_of(spec(list_price_of=model))
    except UsageError:
        return  # it writes no text
    assert 0 <= price.cost(tokens) <= price.worst_case(tokens.input, tokens.output)


def test_most_listed_models_have_a_price() -> None:
    sample = LISTED[::20]
    found = [name for name in sample if _has_price(name)]
    assert len(found) > 0.8 * len(sample)


def _has_price(model: str) -> bool:
    try:
        return bool(price_of(spec(list_price_of=model)).id)
    except UsageError:
        return False


@pytest.mark.parametrize(
    ("model", "more", "nano"),
    [
        ("anthropic/claude-sonnet-4-5", {}, 3_000_000),
        ("anthropic/claude-sonnet-4-5", {"cached": 1000}, 300_000),
        ("anthropic/claude-sonnet-4-5", {"cache_write": 1000}, 3_750_000),
        ("anthropic/claude-sonnet-4-5", {"cache_write": 1000, "cache_hour": 1000}, 6_000_000),
        ("google/gemini-2.0-flash", {}, 100_000),
        ("google/gemini-2.0-flash", {"audio_in": 1000}, 700_000),
        ("gpt-4o", {"cache_write": 1000, "audio_in": 1000}, 2_500_000),  # no rates of their own
    ],
)
def test_a_kind_of_token_is_charged_at_its_own_rate(model: str, more: dict[str, int], nano: int) -> None:
    assert price_of(spec(list_price_of=model)).cost(replace(Tokens(1000, 0, 0), **more)) == nano


def test_reasoning_is_charged_at_its_own_rate_where_there_is_one() -> None:
    price = price_of(spec(list_price_of="perplexity/sonar-deep-research"))
    assert price.cost(Tokens(0, 0, 1000, thought=1000)) < price.cost(Tokens(0, 0, 1000))


def test_a_cache_write_is_reserved_at_its_rate() -> None:
    price = price_of(spec(list_price_of="anthropic/claude-3-haiku"))
    written = Tokens(1000, 0, 10, cache_write=1000)
    assert price.cost(written) == price.worst_case(1000, 10)
    assert price.affordable(1000, price.worst_case(1000, 10)) == 10


def test_a_length_that_is_dearer_is_charged_at_its_own_rate() -> None:
    price = price_of(spec(list_price_of="gemini-2.5-pro"))
    assert (
        price.cost(Tokens(100_000, 0, 0)) * 4
        == price.cost(Tokens(200_000, 0, 0)) * 2
        < price.cost(Tokens(400_000, 0, 0))
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": "text-embedding-3-small"},  # listed, but not priced for text that it writes
        {"list_price_of": "no-such-model"},
        {"base_url": "embedded", "model": "qwen2.5-coder-0.5b-instruct"},
    ],
)
def test_an_unknown_price_is_an_error_that_names_the_model_and_the_way_out(fields: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"model 'm': .*`price:`.*`list_price_of:`") as caught:
        price_of(spec(**fields))
    assert "\n" not in str(caught.value)


@given(st.lists(st.text(max_size=50), min_size=1, max_size=5), st.floats(0.125, 1))
def test_the_bound_is_never_below_what_the_ratio_says_nor_above_the_bytes(
    texts: list[str], ratio: float
) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    assert text_bytes(messages, None) == size
    assert size * ratio < input_bound(messages, None, ratio) <= input_bound(messages, None)
    assert input_bound(messages, {"type": "object"}) > input_bound(messages, None)


def test_a_chinese_text_is_bounded_by_its_bytes_and_not_by_its_characters() -> None:
    assert input_bound([{"role": "user", "content": "数据" * 100}], None) > 600
