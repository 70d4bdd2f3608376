"""What came back: the answer without the thinking, how it ended, what it cost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fault_server import FaultServer, Turn
from hypothesis import given
from hypothesis import strategies as st
from specs import spec
from test_client import ASK, client, here

from budgetmlagent.models.reading import clean, is_json, read
from budgetmlagent.models.stored import CUT, FILTERED, THOUGHT
from budgetmlagent.models.thinking import beside, tokens
from budgetmlagent.money.prices import price_of
from nodes.craft.replies import thoughts

THINKING = {"completion_tokens_details": {"reasoning_tokens": 300}}


def message(text: Any = "", usage: Any = None, finish: str = "stop", calls: Any = (), **extra: Any) -> Any:
    shown = text if isinstance(text, str) else ""
    about = {"token_usage": usage, "finish_reason": finish, "id": "r-1", "model_name": "n" * 300}
    return SimpleNamespace(
        response_metadata=about, text=shown, content=text, additional_kwargs=extra, tool_calls=list(calls)
    )


def counts(asked: int, written: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": asked, "completion_tokens": written, **more}


PRICE = price_of(spec())


@pytest.mark.parametrize(
    ("answer", "limit", "finish", "thought", "nano"),
    [
        (message("x", counts(10, 5)), 99, "stop", 0, 20_000),
        (message("x", counts(10, 500, **THINKING)), 999, "stop", 300, 1_010_000),
        (message("", counts(10, 400, **THINKING)), 999, THOUGHT, 300, 810_000),
        (message("", counts(10, 99), "length"), 99, CUT, 99, 208_000),
        (message("", counts(10, 99), "length"), 0, "length", 0, 208_000),  # an embedded model hides nothing
        (message("x", counts(10, 99), "length"), 99, "length", 0, 208_000),
        (message("", counts(0, 0), "length"), 99, CUT, 99, 777_000),  # something was cut off
        (message("", None, "length"), 99, CUT, 99, 777_000),
        (message("", counts(10, 0)), 99, "stop", 0, 10_000),
        (message("", counts(0, 0), reasoning="hm, " * 20), 99, THOUGHT, 20, 777_000),  # so was what can be seen
        (message("", None, reasoning_content="hm, " * 20), 99, THOUGHT, 20, 777_000),
        (message("", counts(10, 8), refusal="no", reasoning="hm"), 99, FILTERED, 4, 26_000),
        (message("<think>aaa</think>b", counts(10, 100)), 99, "stop", 75, 210_000),
    ],
)  # fmt: skip
def test_a_reply_is_read_counted_and_paid(
    answer: Any, limit: int, finish: str, thought: int, nano: int
) -> None:
    paid, told = read(answer, PRICE, 777_000, "", limit)
    assert (told.finish, told.thought, paid) == (finish, thought, nano)
    assert told.thought_nano == min(nano, thought * 2000) and len(told.answered) == 200


def test_what_was_cut_off_thought_for_what_was_counted_and_a_refusal_is_no_thought() -> None:
    assert read(message("", counts(10, 50), "length"), PRICE, 1, "", 99)[1].thought == 50
    withheld = message("", counts(10, 8), FILTERED, reasoning="hm")
    assert read(withheld, PRICE, 1, "", 99)[1].finish == FILTERED
    cheap = message("x", counts(10, 500, cost=0.000_001, **THINKING))
    nano, told = read(cheap, replace(PRICE, own=False), 777_000, "", 999)
    assert (nano, told.thought_nano) == (1000, 1000)


def test_a_key_is_in_nothing_that_is_kept_of_a_reply() -> None:
    key = "sk-12345678"
    told = message(key, counts(9, 9), key)
    told.response_metadata |= {"id": key, "model_name": key}
    assert key not in repr(read(told, PRICE, 1, key, 9))


def test_arguments_of_a_tool_are_the_reply_where_there_is_no_text() -> None:
    _, told = read(message("", counts(9, 9), calls=[{"args": {"a": 1}}]), PRICE, 1, "", 9)
    assert told.text == '{"a": 1}'


@given(st.integers(-5, 10**6), st.integers(-5, 10**6), st.integers(-5, 10**6), st.text(), st.text())
def test_thinking_is_never_dearer_than_its_reply(
    asked: int, written: int, hidden: int, text: str, said: str
) -> None:
    usage = counts(asked, written, completion_tokens_details={"reasoning_tokens": hidden})
    nano, told = read(message(text, usage, reasoning=said), PRICE, 777_000, "", 99)
    assert 0 <= told.thought_nano <= nano
    assert told.thought <= told.tokens_out or not told.tokens_out


def test_thinking_that_is_told_twice_counts_once() -> None:
    assert beside("", {"reasoning": "hm", "reasoning_content": "hm"}) == "hm"
    assert (
        beside([{"type": "thinking", "thinking": [{"text": "a"}]}, {"type": "text", "text": "b"}], {}) == "a"
    )
    assert beside(None, {"reasoning": None, "reasoning_content": [{"id": "x", "text": ["c", 5]}]}) == "c"
    assert tokens(900, 100, "", "") == 100 and tokens(7, 100, "long", "") == 7


def test_json_is_known_and_a_key_is_not_let_through() -> None:
    assert is_json('{"a": 1}') and is_json("") and is_json(None)
    assert not is_json('```{"a": 1}```') and not is_json("[" * 10**5)
    assert clean("a sk-12345 b", "sk-12345") == "a *** b" and clean("a none b", "none") == "a none b"
    assert clean("\ud800", "") == "?"


@pytest.mark.parametrize("quote", ['"', "'", "`", "\\n"])
def test_a_mark_within_a_string_of_a_script_is_none(quote: str) -> None:
    script = f"```python\nparts = reply.split({quote}</think>{quote})\n```"
    assert thoughts(script) == ("", script)
    assert thoughts(f"<think>hm</think>\n{script}") == ("hm", f"\n{script}")
    assert thoughts("hm</think>```python\n```") == ("hm", "```python\n```")


def test_thinking_that_is_told_in_whatever_depth_is_no_error() -> None:
    deep: Any = "hm"
    for _ in range(5000):
        deep = [deep]
    assert beside([{"type": "reasoning", "reasoning": deep}], {"reasoning": deep}) == ""


@pytest.mark.parametrize("place", ["whole", "content"])
def test_a_reply_that_is_nested_too_deep_to_be_read_is_a_fault_of_the_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", "sk-very-secret-0123456789")
    deep = "[" * 10**5
    body = deep if place == "whole" else f'{{"choices": [{{"message": {{"content": {deep}'
    with FaultServer([Turn(fault="200", said=body)]) as server:
        models = client(tmp_path, server.url)
        reply = models.ask(here(), ASK)
    assert reply.fault == "provider" and "no chat completion" in reply.detail
    assert [entry.state for entry in models.ledger.calls("r")] == ["reserved"]
