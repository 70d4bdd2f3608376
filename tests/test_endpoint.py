"""What is known of an endpoint: how it is kept, what is sent by it, how long a reply may be."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, Turn
from specs import spec
from test_client import ASK, SCHEMA, client, here

from budgetmlagent.models.client import SMALLEST_REPLY, limit_of
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import (
    FIELDS,
    LIMITS,
    SEEN,
    UNKNOWN,
    Endpoint,
    Endpoints,
    first_guess,
    profile,
    room_to_think,
)
from budgetmlagent.models.fields import IN_WORDS, Request, fields_of, keywords, messages_of, plain, sent
from budgetmlagent.money.usage import MOST_TOKENS

ALL = frozenset(FIELDS)
BODY = ALL - {*LIMITS}
DETAILED = SCHEMA | {"properties": {"a": {"type": "string", "maxLength": 9}}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", "sk-very-secret-0123456789")
    return tmp_path


# -- what is sent


def test_all_that_is_taken_is_sent_and_nothing_else() -> None:
    request, asked = Request(ASK, DETAILED, 0.5, 7), spec(reasoning="low")
    fields = fields_of(asked, request, Endpoint(), 99)
    form = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": DETAILED}}
    assert fields == {
        "temperature": 0.5, "seed": 7, "max_tokens": 99, "max_completion_tokens": 99, "reasoning_effort": "low",
        "response_format": form,
    }  # fmt: skip
    assert sent(fields, DETAILED) == ALL - {"json_object"}
    assert "keywords" not in sent(fields, None)
    assert fields_of(asked, request, Endpoint(ALL), 99) == {}
    assert fields_of(spec(params={"seed": 1, "top_k": 2}), request, Endpoint(ALL - {"seed"}), 9) == {
        "seed": 1,
        "top_k": 2,
    }
    assert fields_of(spec(temperature=0), request, Endpoint(ALL - {"temperature"}), 9) == {"temperature": 0}


def test_a_schema_is_asked_for_as_far_as_it_is_taken() -> None:
    request = Request(ASK, DETAILED, 0.5, 7)
    no_keywords, no_schema = Endpoint(frozenset({"keywords"})), Endpoint(frozenset({"json_schema"}))
    fields = fields_of(spec(), request, no_keywords, 9)
    assert fields["response_format"]["json_schema"]["schema"] == SCHEMA
    assert sent(fields, DETAILED) == ALL - {"json_object", "keywords", "reasoning"}
    assert messages_of(request, no_keywords) == ASK
    assert fields_of(spec(), request, no_schema, 9)["response_format"] == {"type": "json_object"}
    last = messages_of(request, no_schema)[-1]["content"]
    assert last == f"hello\n\n{IN_WORDS}{json.dumps(DETAILED)}" and ASK[-1]["content"] == "hello"
    assert messages_of(Request(ASK, None, 0.5, 7), no_schema) == ASK


def test_keywords_are_found_and_taken_out_however_deep() -> None:
    deep = {
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "properties": {"b": {"type": "string", "pattern": "x"}}},
    }
    assert keywords(deep) == {"minItems", "pattern"}
    assert keywords(plain(deep)) == set() and plain(deep)["items"]["properties"] == {"b": {"type": "string"}}


@pytest.mark.parametrize(
    ("url", "reasoning", "fields"),
    [
        ("https://api.openai.com/v1", "high", {"reasoning_effort": "high"}),
        ("https://openrouter.ai/api/v1", "high", {"reasoning": {"effort": "high"}}),
        ("https://openrouter.ai/api/v1", {"tokens": 50}, {"reasoning": {"max_tokens": 50}}),
        (
            "https://api.anthropic.com/v1",
            {"tokens": 50},
            {"thinking": {"type": "enabled", "budget_tokens": 50}},
        ),
    ],
)
def test_reasoning_is_written_as_the_host_reads_it(url: str, reasoning: Any, fields: dict[str, Any]) -> None:
    asked = fields_of(
        spec(base_url=url, reasoning=reasoning), Request(ASK, None, 0, 0), Endpoint(ALL - {"reasoning"}), 9
    )
    assert asked == fields and sent(asked, None) == {"reasoning"}


# -- room to think


def test_room_to_think_is_a_guess_until_three_replies_came() -> None:
    assert room_to_think(spec(), Endpoint()) == room_to_think(spec(), Endpoint(thoughts=[0, 0])) == UNKNOWN
    assert room_to_think(spec(), Endpoint(thoughts=[0, 0, 0])) == 0
    # Half as much again as the longest, rounded up; a thousand at least.
    assert room_to_think(spec(), Endpoint(thoughts=[9, 1001, 9])) == 1502
    assert room_to_think(spec(), Endpoint(thoughts=[9, 101, 9])) == 1000
    assert room_to_think(spec(), Endpoint(thoughts=[UNKNOWN])) == 1.5 * UNKNOWN
    assert room_to_think(spec(reasoning="none"), Endpoint()) == 0
    low, high = (room_to_think(spec(reasoning=level), Endpoint()) for level in ("low", "high"))
    assert 0 < low < high
    assert room_to_think(spec(reasoning={"tokens": 77}), Endpoint()) == 77


def test_a_limit_is_the_smallest_of_all_that_bound_it() -> None:
    none = (0, 0, 0)
    assert limit_of(spec(), Endpoint(thoughts=none), 50) == 50
    assert limit_of(spec(max_tokens=20), Endpoint(thoughts=none), 50) == 20
    assert limit_of(spec(), Endpoint(thoughts=none, most=30), 50) == 30
    assert limit_of(spec(), Endpoint(thoughts=none, most=30, fits=10), 50) == 10


def test_a_limit_is_larger_than_the_thinking_that_is_asked_for_whatever_was_seen() -> None:
    """Anthropic: "`max_tokens` must be greater than `thinking.budget_tokens`"."""
    asked = spec(reasoning={"tokens": 4000})
    assert limit_of(asked, Endpoint(thoughts=(0, 0, 0)), 600) == 4000 + SMALLEST_REPLY
    assert limit_of(asked, Endpoint(), 600) == 4600


def test_money_that_is_too_little_for_the_thinking_that_is_asked_for_is_not_spent(folder: Path) -> None:
    with FaultServer(respond=lambda body: Turn("x")) as server:
        models = client(folder, server.url, budget=0.03, spec={"reasoning": {"tokens": 4000}})
        assert models.ask(here(), ASK).fault == "refused" and server.requests == []


# -- what is kept


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "[" * 3000, '{"refused": [[1], {}], "most": NaN, "thoughts": "9"}', '{"most": true}', '{"most": -1}',
        '{"most": 0}', '{"most": 1e9}', '{"thoughts": [true, -1, 1.5, null]}', f'{{"thoughts": [{MOST_TOKENS + 1}]}}',
        '{"refused": "temperature"}', '{"refused": {"seed": 1}}', json.dumps({"refused": LIMITS}), "\ud800",
    ],
)  # fmt: skip
def test_a_file_that_says_what_no_reply_can_have_taught_says_nothing(text: str) -> None:
    kept = Endpoints()
    kept.path(spec()).parent.mkdir(parents=True)
    kept.path(spec()).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert kept.of(spec()) == Endpoint(thoughts=[])


@pytest.mark.parametrize("place", ["folder", "file above", "link to itself"])
def test_what_cannot_be_kept_is_learned_again(folder: Path, place: str) -> None:
    kept = Endpoints()
    path = kept.path(spec())
    path.parent.parent.mkdir(parents=True)
    if place == "file above":
        path.parent.write_text("")
    else:
        path.parent.mkdir()
        path.mkdir() if place == "folder" else path.symlink_to(path)
    kept.keep(spec(), Endpoint(frozenset({"seed"})))
    assert kept.of(spec()).refused <= {"seed"}


def test_what_two_learn_at_once_is_kept_of_both() -> None:
    one, two = Endpoints(), Endpoints()
    one.keep(spec(), Endpoint(frozenset({"seed"}), 500, thoughts=[1]))
    two.keep(spec(), Endpoint(frozenset({"temperature"}), None, heeds=False, thoughts=[2]))
    assert one.of(spec()) == Endpoint(frozenset({"seed", "temperature"}), 500, heeds=False, thoughts=[2])
    two.keep(spec(), Endpoint(most=900))
    assert one.of(spec()).most == 500
    one.forget(spec())
    assert one.of(spec()) == Endpoint()
    one.forget(spec())


def test_of_many_that_learn_at_once_no_word_is_lost() -> None:
    with ThreadPoolExecutor(len(BODY)) as pool:
        for _ in range(10):
            Endpoints().forget(spec())
            list(pool.map(lambda field: Endpoints().keep(spec(), Endpoint(frozenset({field}))), BODY))
            assert Endpoints().of(spec()).refused == BODY


def test_the_newest_thoughts_are_kept() -> None:
    known = Endpoint()
    for number in range(SEEN + 5):
        known = known.thought(number)
    assert list(known.thoughts) == list(range(5, SEEN + 5))


def test_of_a_model_that_was_never_asked_what_all_others_there_refuse_is_known() -> None:
    kept = Endpoints()
    kept.keep(spec(model="a"), Endpoint(frozenset({"seed", "temperature"}), 9, [5]))
    kept.keep(spec(model="b"), Endpoint(frozenset({"seed"})))
    kept.keep(spec(model="c", base_url="http://127.0.0.1:10/v1"), Endpoint())
    assert kept.of(spec(model="new")) == Endpoint(frozenset({"seed"}))
    assert kept.of(spec(model="a")).refused == {"seed", "temperature"}
    assert Endpoints(neighbours=False).of(spec(model="new")) == Endpoint(thoughts=[])


def test_what_models_yaml_says_is_the_first_guess_and_is_not_kept_as_learned() -> None:
    asked = spec(temperature=False, seed=False, schema="json")
    assert first_guess(asked).refused == {"temperature", "seed", "json_schema"}
    assert first_guess(spec(schema="words")).refused == {"json_schema", "json_object"}
    assert first_guess(spec(base_url="https://api.openai.com/v1")).refused == {"max_tokens"}
    assert first_guess(spec(base_url="https://api.openai.com/v1", model="o3-mini")).refused >= {"temperature"}
    known = profile("gpt-4o")["max_output_tokens"]
    assert first_guess(spec(model="openai/gpt-4o")) == Endpoint(most=known)
    small, large = Endpoint(most=known - 1), Endpoint(most=known + 1)
    for kept, most in ((small, known - 1), (large, known)):
        Endpoints().forget(spec(model="gpt-4o"))
        Endpoints().keep(spec(model="gpt-4o"), kept)
        assert Endpoints().of(spec(model="gpt-4o")).most == most
    Endpoints().keep(asked, first_guess(asked).without("reasoning"))
    assert Endpoints().of(spec()).refused == {"reasoning"}


def test_a_profile_yields_to_models_yaml() -> None:
    assert first_guess(spec(model="gpt-4")).refused == {"json_schema"}
    assert first_guess(spec(model="gpt-4", schema="strict")).refused == set()
    assert first_guess(spec(model="o3-mini")).refused == {"temperature"}
    assert first_guess(spec(model="o3-mini", temperature=1)).refused == set()
    assert room_to_think(spec(model="gpt-4"), Endpoint()) == 0
    by_class = ModelSpec(name="m", chat="package.module:Class", model="gpt-4o")
    assert first_guess(by_class).refused == {"json_schema", "json_object"}


def test_each_place_and_model_has_a_file_of_its_own() -> None:
    one, two = "http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"
    specs = [
        spec(base_url=url, model=model) for url in (one, two) for model in ("a/b", "a-b", "b" * 90, "b" * 91)
    ]
    specs += [ModelSpec(name="m", chat=f"package:{name}", model="a/b") for name in ("One", "Two")]
    assert len({Endpoints().path(each) for each in specs}) == len(specs)


def test_nothing_is_kept_of_embedded_models() -> None:
    embedded = spec(base_url="embedded", model="qwen2.5-coder-0.5b-instruct")
    Endpoints().keep(embedded, Endpoint(frozenset({"seed"})))
    assert not Endpoints().path(embedded).exists() and Endpoints().of(embedded).refused == frozenset()
    assert room_to_think(embedded, Endpoint(thoughts=[900] * 9)) == 0


def test_a_place_is_a_host_and_port_or_what_else_is_said() -> None:
    assert Request([], None, 0, 0, "http://h:9/v1").place == "h:9"
    assert Request([], None, 0, 0, "package:Class").place == "package:Class"
