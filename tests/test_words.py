"""A provider's words: one line from any form of error body, and never a failure of their own."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent.models.faults.words import MOST, marks, said

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "loc", "msg", "metadata", "raw", "code"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
PAGE = """<!DOCTYPE html>
<html><head><style>h1 {color: red}</style><title>502 Bad&nbsp;Gateway &amp; more</title></head><body>x</body></html>"""
FORBIDDEN = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "No such model", "code": 404}}, "No such model"),
        ({"message": "No such model", "code": "x"}, "No such model"),
        ({"detail": "CUDA out of memory"}, "CUDA out of memory"),
        ({"detail": [FORBIDDEN]}, "seed: Extra inputs are not permitted"),
        ({"object": "error", "message": {"detail": [FORBIDDEN]}}, "seed: Extra inputs are not permitted"),
        ({"detail": [{"loc": ["body"], "msg": "Field required"}]}, "Field required"),
        ({"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "bad"}]}, "messages.0.role: bad"),
        ({"error": "model requires more memory"}, "model requires more memory"),
        ({"statusCode": 400, "error": "Bad Request", "message": "seed is odd"}, "seed is odd"),
        ({"error": "invalid_client", "error_description": "The key expired"}, "The key expired"),
        ([{"error": {"code": 400, "message": "Unknown name", "status": "INVALID_ARGUMENT"}}], "Unknown name"),
        ({"errors": [{"message": "No route"}]}, "No route"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "Too Many Requests"}}},
            "Too Many Requests",
        ),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"raw": json.dumps({"error": {"message": "seed is odd"}})},
                }
            },
            "seed is odd",
        ),
        ({"error": {"message": "Provider returned error", "metadata": {}}}, "Provider returned error"),
        ({"error": {"message": "Flagged", "metadata": {"raw": "more"}}}, "Flagged"),
        ({"error": {"type": "overloaded_error"}}, "overloaded_error"),
        ("unsupported\n  field seed", "unsupported field seed"),
        (PAGE, "502 Bad Gateway & more"),
        ("<html><h1>Not <b>here</b></h1>or there</html>", "Not here"),
        ("<html><body>Sign in to the\nguest network</body></html>", "Sign in to the guest network"),
        ("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", "Access Denied"),
        (b'{"message": "in bytes"}', "in bytes"),
        ("\x1b[31mred\x1b[0m\x00 \u202edrow", "red drow"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_each_form_of_a_body_is_read_parsed_or_not(body: Any, words: str) -> None:
    assert said(body) == words
    if not isinstance(body, str | bytes):
        assert said(json.dumps(body)) == words


@pytest.mark.parametrize("body", ["", " \n", None, {}, [], "{}", {"error": None}, {"error": {"code": 5}}, 7])
def test_without_words_there_is_the_phrase_of_the_status(body: Any) -> None:
    assert (said(body, 503), said(body, 529), said(body)) == ("Service Unavailable", "", "")


def test_a_long_text_is_cut_after_a_sentence_or_else_a_word() -> None:
    first = "This request requires more credits, or fewer tokens than that."
    assert said(f"{first} {'You asked for more ' * 20}.") == first
    assert said("word " * 100) == "word " * 31 + "…"
    assert said("字" * 500).startswith("字" * 100)


def test_a_key_that_is_cut_in_two_is_left_out() -> None:
    key = "sk-very-secret-0123456789"
    for room in range(MOST - len(key) - 3, MOST + 3):
        words = said("x" * (room - 1) + " " + key + " and so on" * 9)
        assert key in words or "sk-" not in words


def test_what_is_nested_without_an_end_or_is_no_json_is_read_as_far_as_it_goes() -> None:
    deep: Any = "bottom"
    for _ in range(500):
        deep = {"error": [deep]}
    assert said(deep, 500) == "Internal Server Error"
    assert said("[" * 100_000).startswith("[") or said("[" * 100_000) == ""
    assert said('{"error": "half') == '{"error": "half'


@settings(deadline=None)
@given(ANY, st.integers(-1, 1000))
def test_any_value_gives_one_short_line(body: Any, status: int) -> None:
    words = said(body, status)
    assert (
        len(words) <= MOST and words == " ".join(words.split()) and (words.isprintable() or "\ufffd" in words)
    )
    assert isinstance(marks(body), str)


@settings(deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(["<title>", "</title>", "<h1", ">", "<", "&amp;", "<!", "a "])).map("".join)
)
def test_any_text_gives_one_short_line(text: str) -> None:
    words = said(text)
    assert len(words) <= MOST and words == " ".join(words.split())


def test_marks_are_what_programs_read() -> None:
    quota = {"error": {"message": "m", "type": "insufficient_quota", "code": None}}
    assert (marks(quota), marks(json.dumps([quota]))) == ("insufficient_quota", "insufficient_quota")
    assert marks({"code": 429, "type": "x", "message": "m"}) == "429 x"
    assert marks("plain") == marks(None) == ""
