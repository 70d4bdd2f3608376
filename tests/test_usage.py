"""Usage: each form that a provider's counts come in, and never less than it bills."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent.money.usage import MOST_TOKENS, Tokens, tokens_of

PLAIN = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just([]), st.just({})
)
NUMBERS = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (PLAIN, Tokens(1000, 0, 200)),
        ({"prompt_tokens": 1000, "completion_tokens": 200}, Tokens(1000, 0, 200)),
        (PLAIN | {"total_tokens": None}, Tokens(1000, 0, 200)),
        ({"prompt_tokens": 1e3, "completion_tokens": 200.0, "total_tokens": 1200.0}, Tokens(1000, 0, 200)),
        ({"prompt_tokens": "1000", "completion_tokens": "200", "total_tokens": "1200"}, Tokens(1000, 0, 200)),
        (PLAIN | {"completion_tokens": 0}, Tokens(1000, 0, 200)),
        (PLAIN | {"total_tokens": 7}, Tokens(1000, 0, 200)),
        (
            PLAIN
            | {"prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 100, "audio_tokens": 9}}
            | {"completion_tokens_details": {"reasoning_tokens": 150, "audio_tokens": 8}},
            Tokens(1000, 400, 200, thought=150, cache_write=100, audio_in=9, audio_out=8),
        ),
        (PLAIN | {"prompt_tokens_details": None, "completion_tokens_details": None}, Tokens(1000, 0, 200)),
        (PLAIN | {"prompt_cache_hit_tokens": 300, "prompt_cache_miss_tokens": 700}, Tokens(1000, 300, 200)),
        (PLAIN | {"cached_tokens": 300}, Tokens(1000, 300, 200)),
        (
            PLAIN | {"cache_read_input_tokens": 300, "cache_creation_input_tokens": 50},
            Tokens(1000, 300, 200, cache_write=50),
        ),
        (
            PLAIN | {"cache_creation_input_tokens": 50, "cache_creation": {"ephemeral_1h_input_tokens": 20}},
            Tokens(1000, 0, 200, cache_write=50, cache_hour=20),
        ),
    ],
    ids=lambda value: "" if isinstance(value, Tokens) else str(value)[:60],
)
def test_each_form_of_a_count_is_read(usage: dict[str, Any], tokens: Tokens) -> None:
    assert tokens_of(usage, "text") == tokens


def test_langchains_own_form_is_read() -> None:
    usage = {
        "input_tokens": 1000,
        "output_tokens": 200,
        "total_tokens": 1200,
        "input_token_details": {"cache_read": 400, "cache_creation": 100, "audio": 9},
        "output_token_details": {"reasoning": 150, "audio": 8},
    }
    whole = Tokens(1000, 400, 200, thought=150, cache_write=100, audio_in=9, audio_out=8)
    assert tokens_of(usage, "text") == whole
    kept = {"cache_creation": 0, "ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 30}
    stored = tokens_of(usage | {"input_token_details": kept}, "text")
    assert stored == Tokens(1000, 0, 200, thought=150, cache_write=100, cache_hour=30, audio_out=8)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        # Hidden reasoning in the total alone, with and without a count of its own.
        (
            {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 5050},
            Tokens(1000, 0, 4050, thought=4000),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 50,
                "completion_tokens_details": {"reasoning_tokens": 400},
            },
            Tokens(9, 0, 450, thought=400),
        ),
        # A cache's tokens beside the input, as more than all of it or as the total says.
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 99},
            Tokens(109, 99, 5),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 5,
                "total_tokens": 165,
                "cache_read_input_tokens": 60,
            },
            Tokens(160, 60, 5),
        ),
    ],
    ids=["total", "reasoning", "more than all", "in the total"],
)
def test_what_is_counted_beside_is_added(usage: dict[str, Any], tokens: Tokens) -> None:
    assert tokens_of(usage, "text") == tokens


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "1200",
        {},
        {"total_tokens": 1200},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": -5, "completion_tokens": 5, "total_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000},
        {"prompt_tokens": 0, "completion_tokens": 200, "total_tokens": 200},
        PLAIN | {"completion_tokens": True},
        PLAIN | {"completion_tokens": 0.5},
        PLAIN | {"completion_tokens": float("nan")},
        PLAIN | {"completion_tokens": "9" * 5000},
        PLAIN | {"completion_tokens": "²"},
        PLAIN | {"total_tokens": MOST_TOKENS + 1},
        PLAIN | {"prompt_tokens_details": {"cached_tokens": -1}},
    ],
    ids=lambda usage: str(usage)[:60],
)
def test_what_does_not_say_is_unknown(usage: Any) -> None:
    assert tokens_of(usage, "text") is None


def test_no_text_may_have_cost_nothing() -> None:
    assert tokens_of({"prompt_tokens": 7, "completion_tokens": 0}, "") == Tokens(7, 0, 0)


@given(
    st.dictionaries(st.sampled_from([*PLAIN, "prompt_tokens_details", "cached_tokens"]), ODD),
    st.text(max_size=1),
)
def test_any_usage_is_a_set_of_counts_or_unknown(usage: dict[str, Any], text: str) -> None:
    found = tokens_of(usage, text)
    assert found is None or all(0 <= count <= 3 * MOST_TOKENS for count in vars(found).values())


@given(st.builds(Tokens, *[NUMBERS] * 8))
def test_parts_fit_into_their_whole(tokens: Tokens) -> None:
    parts = tokens.parted()
    assert (parts.input, parts.output) == (tokens.input, tokens.output)
    assert parts.audio_in + parts.cache_write + parts.cached <= parts.input
    assert parts.audio_out + parts.thought <= parts.output and parts.cache_hour <= parts.cache_write
    assert min(vars(parts).values()) >= 0 and parts.parted() == parts
