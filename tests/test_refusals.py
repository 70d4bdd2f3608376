"""What a refusal teaches, read from its words and met over a wire."""

from pathlib import Path

import pytest
from fault_server import FaultServer, Turn
from hypothesis import given
from hypothesis import strategies as st
from test_client import ASK, SCHEMA, client, here

from budgetmlagent.models.client import SMALLEST_REPLY
from budgetmlagent.models.endpoint import (
    FIELDS,
    Endpoint,
    Endpoints,
)
from budgetmlagent.models.fields import Request
from budgetmlagent.models.refusals import LEAST, narrowed
from budgetmlagent.models.waiting import Patience, Waits
from budgetmlagent.money.prices import input_bound
from memory.state import NANO

ALL = frozenset(FIELDS)
BIG = 10_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", "sk-very-secret-0123456789")
    return tmp_path


def after(
    words: str, limit: int = BIG, param: str = "", carried: frozenset[str] = ALL - {"keywords"}
) -> Endpoint | None:
    return narrowed(Endpoint(), carried, set(), limit, param, words)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("Unsupported value: 'temperature' does not support 0.2", "temperature"),
        ("random_seed: no such field", "seed"),
        ("max_output_tokens is no field of ours", "max_tokens"),
        ("max_completion_tokens is no field of ours", "max_completion_tokens"),
        ("max_tokens: use 'max_completion_tokens' instead", "max_tokens"),
        ("Unknown name thinking.budget_tokens", "reasoning"),
        ("json_object is unavailable", "json_object"),
        ("seedling and my_temperature", None),
        ("the prompt is too long", None),
    ],
)
def test_the_field_that_is_named_first_is_left_out(words: str, field: str | None) -> None:
    known = after(words, carried=ALL - {"keywords", "json_schema"})
    assert known == (field and Endpoint(frozenset({field})))


def test_what_the_error_names_in_its_own_place_counts_above_its_words() -> None:
    known = after("use another temperature with this seed", param="body.seed")
    assert known == Endpoint(frozenset({"seed"}))


def test_a_field_that_was_not_sent_is_not_left_out() -> None:
    assert after("temperature", carried=frozenset({"seed"})) is None


def test_a_keyword_of_the_schema_is_left_out_before_the_schema() -> None:
    words = "response_format: 'maxLength' is not permitted"
    both = frozenset({"json_schema", "keywords"})
    assert narrowed(Endpoint(), both, {"maxLength"}, BIG, "", words) == Endpoint(frozenset({"keywords"}))
    without = narrowed(Endpoint(), both - {"keywords"}, {"maxLength"}, BIG, "", words)
    assert without == Endpoint(frozenset({"json_schema"}))
    assert narrowed(Endpoint(), both, {"maxLength"}, BIG, "", "maxLengths: schema") == Endpoint(
        frozenset({"json_schema"})
    )


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("max_tokens is too large: 10000. This model supports at most 512", 512),
        ("max_tokens: the valid range is [1, 8192]", 8192),
        ("max_tokens: the valid range is [32, 8192]", 8192),
        ("max_tokens: the valid range is [1,8192]", 8192),
        ("max_tokens may be at most 8,192", 8192),
        ("max_tokens: 10000 > 4096", 4096),
        ("Expected a value <= 4096 for max_tokens", 4096),
        ("max_tokens is greater than what is allowed", BIG // 2),
        (f"max_tokens is too high, {LEAST - 1} or {BIG}", BIG // 2),
        (f"max_tokens is too high, {LEAST} will do", LEAST),
        ("max_tokens is too large " + "9" * 5000, BIG // 2),
    ],
)
def test_a_limit_that_is_too_large_is_made_as_large_as_may_be(words: str, most: int) -> None:
    assert after(words) == Endpoint(most=most)


def test_a_window_is_too_small_for_a_limit_that_is_not_called_by_its_name() -> None:
    words = (
        "This model's maximum context length is 4096 tokens. However, you requested {} tokens (2100 in the messages, {} in"
        " the completion). Please reduce the length of the messages or completion."
    )
    assert after(words.format(4700, 2600), 2600) == Endpoint(fits=1300)
    assert after(words.format(2110, LEAST), LEAST) is None
    assert after(words.format(4700, 2600), 2500) is None  # it is about the messages alone


def test_a_limit_beside_which_the_prompt_has_no_room_is_no_lesson_for_later() -> None:
    words = "max_tokens is too large for a maximum context length of 8192"
    assert after(words) == Endpoint(fits=BIG // 2)
    assert after(words, LEAST + 1) == Endpoint(fits=(LEAST + 1) // 2)
    assert after(words, LEAST) is None


@pytest.mark.parametrize(
    "words", ["must be greater than `thinking.budget_tokens`", "is too small", "expected >= 16"]
)
def test_a_limit_that_is_too_small_is_neither_made_smaller_nor_left_out(words: str) -> None:
    assert after(f"`max_tokens` {words}") is None


def test_a_limit_of_which_no_size_will_do_is_left_out_and_no_size_of_it_is_learned() -> None:
    known: Endpoint | None = Endpoint()
    for _ in range(20):
        assert known
        limit = min(BIG, known.most or BIG)
        known = narrowed(known, ALL - known.refused, set(), limit, "", "max_tokens exceeds")
        if known and known.refused:
            break
    assert known == Endpoint(frozenset({"max_tokens"}))


def test_markup_and_other_names_are_no_size() -> None:
    assert after("<html>no max_tokens here</html>") == Endpoint(frozenset({"max_tokens"}))


@given(st.text(), st.text(max_size=30), st.integers(1, 10**6), st.frozensets(st.sampled_from(FIELDS)))
def test_any_words_teach_something_new_or_nothing(
    words: str, name: str, limit: int, carried: frozenset[str]
) -> None:
    known = narrowed(Endpoint(), carried, {"maxLength"}, limit, name, words)
    assert known is None or known != Endpoint()
    assert known is None or known.refused <= carried


# -- asked over a wire


def test_a_field_that_the_user_gave_is_sent_once_and_its_refusal_is_told(folder: Path) -> None:
    for params in ({"temperature": 1}, {"response_format": {"type": "json_schema", "json_schema": None}}):
        with FaultServer(
            respond=lambda body: Turn("temperature, response_format: no", fault="400")
        ) as server:
            models = client(
                folder, server.url, spec={"params": params, "temperature": False, "schema": "words"}
            )
            reply = models.ask(here(), ASK, schema=SCHEMA)
        assert reply.fault == "rejected" and "temperature, response_format: no" in reply.detail
        assert len(server.requests) == 1


def test_a_prompt_that_fills_the_window_is_said_to_be_too_long(folder: Path) -> None:
    words = "max_tokens is too large: the maximum context length is 4096 tokens"
    with FaultServer(respond=lambda body: Turn(words, fault="400")) as server:
        reply = client(folder, server.url).ask(here(), ASK)
    assert reply.fault == "rejected" and "take a model with a larger window" in reply.detail
    assert Endpoints().of(client(folder, server.url).models["small"]).most is None


def test_a_thought_that_is_longer_than_can_be_is_no_lesson(folder: Path) -> None:
    usage = {"completion_tokens_details": {"reasoning_tokens": 10**6}}
    with FaultServer(respond=lambda body: Turn("x", usage=usage)) as server:
        models = client(folder, server.url, budget=99)
        models.ask(here(), ASK, max_tokens=50)
        assert models.endpoints.of(models.models["small"]).thoughts[-1] == 100


def test_a_reply_that_heeds_no_schema_is_asked_in_words_from_then_on(folder: Path) -> None:
    with FaultServer([Turn("no", finish="length"), Turn("no")], lambda body: Turn('{"a": "b"}')) as server:
        models = client(folder, server.url)
        for step in (1, 2, 3):
            models.ask(here(step), ASK, schema=SCHEMA)
    assert ["response_format" in asked.body for asked in server.requests] == [True, True, False]


def test_the_key_is_in_no_picture_of_a_request() -> None:
    assert "secret" not in repr(Request(ASK, None, 0, 0, "http://x/v1", "secret"))


def test_a_wait_begins_anew_after_a_reply_and_what_is_meanwhile_is_begun_once_an_ask(folder: Path) -> None:
    begun: list[int] = []
    waited: list[float] = []
    script = [
        Turn(fault="429"),
        Turn(fault="429"),
        Turn("seed: unknown", fault="400"),
        Turn("x"),
        Turn(fault="429"),
    ]
    patience = Patience(Waits(sleep=waited.append, now=lambda: 0.0))
    with FaultServer(script) as server:
        models = client(folder, server.url, patience=patience, meanwhile=lambda: begun.append(1))
        faults = [models.ask(here(step), ASK).fault for step in range(5)]
    assert faults == ["busy", "busy", "", "busy", ""] and len(begun) == 5
    assert waited[1] >= 1.5 and waited[2] <= 1.25


def test_a_reply_that_was_cut_off_amid_its_thinking_has_three_times_the_room_the_next_time(
    folder: Path,
) -> None:
    with FaultServer([Turn("x" * 400, message={"content": None}, finish="length")]) as server:
        models = client(folder, server.url)
        assert [models.ask(here(step), ASK, max_tokens=1000).fault for step in (1, 2)] == ["thought", ""]
    assert [asked.body["max_tokens"] for asked in server.requests] == [1000, 1000 + 3000]


def test_what_is_left_of_a_budget_buys_an_answer_beside_the_usual_thinking(folder: Path) -> None:
    with FaultServer(respond=lambda body: Turn("x")) as server:
        for thoughts, fault in (((100, 500, 500), "refused"), ((100, 100, 500), "")):
            models = client(folder, server.url, budget=0.004)
            models.endpoints.forget(models.models["small"])
            models.endpoints.keep(models.models["small"], Endpoint(thoughts=thoughts))
            reply = models.ask(here(), ASK, max_tokens=500)
            assert reply.fault == fault, reply
    assert "it thinks for about" not in reply.detail


def test_the_last_nano_dollar_buys_the_smallest_reply_and_one_less_does_not(folder: Path) -> None:
    with FaultServer(respond=lambda body: Turn("x")) as server:
        exact = client(folder, server.url).prices["small"].worst_case(input_bound(ASK, None), SMALLEST_REPLY)
        for run, budget, fault in (("exact", exact, ""), ("less", exact - 1, "refused")):
            models = client(folder / run, server.url, budget=budget / NANO)
            assert models.ask(here(), ASK, max_tokens=500).fault == fault
    assert [asked.body["max_tokens"] for asked in server.requests] == [SMALLEST_REPLY]
