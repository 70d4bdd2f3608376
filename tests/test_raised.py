"""Faults of any client library, and of a reply that says status 200: judged alike, without knowing the library."""

import errno
import json
import socket
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.faults.judge import Judgement, judge, judged_body
from budgetmlagent.models.faults.raised import chain, told_by

SPEC = ModelSpec(name="m", base_url="http://127.0.0.1:9/v1", model="qwen9", key="THE_KEY", price=0)
WHERE = "model 'm' at 127.0.0.1"


class Foreign(Exception):
    """An error of a library with fields of its own."""

    def __init__(self, text: str = "", **fields: Any) -> None:
        super().__init__(text)
        self.__dict__ |= fields


class TransportError(Exception):
    """As httpx calls what happens to a connection."""


class ConnectTimeout(TransportError):
    pass


class Unread:
    status_code = 503

    @property
    def text(self) -> str:
        raise httpx2.ResponseNotRead


def raised(error: Exception, cause: BaseException | None = None) -> Exception:
    """The error as it is after it was raised because of another."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def status_error(status: int, body: Any, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    """What the openai library makes of such an answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    request = httpx2.Request("POST", "http://127.0.0.1:9/v1")
    response = httpx2.Response(status, text=text, headers=headers, request=request)
    return openai.OpenAI(api_key="k")._make_status_error_from_response(response)


CHANGE = "models.yaml can change what is sent: temperature, seed, schema, reasoning, params"


def judged(error: Exception) -> Judgement:
    found = judge(error, SPEC)
    assert found
    return found


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"detail": "seed is odd"}, "rejected", "HTTP 400: seed is odd; " + CHANGE),
        (401, {"message": "key expired."}, "denied", "HTTP 401: key expired; check the key in THE_KEY"),
        (503, "", "busy", "HTTP 503: Service Unavailable"),
        (529, "", "busy", "HTTP 529"),
        (400, {"error": "Bad Request", "message": "seed is odd"}, "rejected", "HTTP 400: seed is odd; " + CHANGE),
        (404, {"error": "no x, try pulling it first"}, "denied", "HTTP 404: no x, try pulling it first; run `ollama pull qwen9`"),
        (402, {"error": {"message": "can only afford 500."}}, "denied", "HTTP 402: can only afford 500; the account needs credit"),
        (429, {"error": {"type": "insufficient_quota", "message": "no"}}, "denied", "HTTP 429: no; the account needs credit"),
        (403, {"error": {"code": 403, "message": "Your input was flagged by moderation"}}, "rejected", "HTTP 403: Your input was flagged by moderation"),
        (403, {"error": {"code": "content_filter", "message": "no"}}, "rejected", "HTTP 403: no"),
        (403, {"error": {"message": "no"}}, "denied", "HTTP 403: no; check the key in THE_KEY"),
    ],
)  # fmt: skip
def test_an_answer_is_judged_by_status_code_and_words(status: int, body: Any, kind: str, words: str) -> None:
    found = judged(status_error(status, body))
    assert (found.kind, found.detail) == (kind, f"{WHERE} answered {words}")
    assert bool(found.unbilled) == (status < 500) and found.sent


@pytest.mark.parametrize(
    "error",
    [
        Foreign(status_code=429, error='{"error": "too fast"}'),
        Foreign(code=429, message="too fast", details={"error": {"message": "too fast"}}),
        Foreign("429 too fast", status_code=429, body={"message": "too fast"}),
        Foreign("x", response=httpx2.Response(429, json={"error": {"message": "too fast"}})),
        raised(ValueError("wrapped"), Foreign(code=429, message="too fast")),
        raised(ValueError("wrapped"), raised(RuntimeError("again"), Foreign("too fast", status_code=429))),
    ],
    ids=["ollama", "google", "anthropic", "response", "wrapped", "twice"],
)
def test_another_librarys_error_is_judged_by_its_status(error: Exception) -> None:
    found = judged(error)
    assert (found.kind, found.detail) == ("busy", f"{WHERE} answered HTTP 429: too fast")
    assert found.unbilled == "HTTP 429: not billed"


def test_a_wait_that_is_asked_for_is_read_and_a_body_that_was_not_read_is_left() -> None:
    assert judged(status_error(429, {}, {"Retry-After": "7"})).after == 7
    assert judged(Foreign("library's noise", response=httpx2.Response(503))).detail.endswith(
        "Service Unavailable"
    )
    assert judged(Foreign("Error code: 503", response=Unread(), body=None)).detail.endswith(
        "Service Unavailable"
    )
    assert judged(Foreign(" (status code: 503)", status_code=503)).detail.endswith("Service Unavailable")
    assert judged(Foreign(response=Unread())).detail == f"{WHERE} answered HTTP 503: Service Unavailable"


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), False),
        (TimeoutError("slow"), True),
        (socket.gaierror(-2, "no such host"), False),
        (httpx2.ReadTimeout("slow"), True),
        (httpx2.ConnectTimeout("slow"), False),
        (TransportError("x"), True),
        (ConnectTimeout("x"), False),
        (raised(RuntimeError("wrapped"), TransportError("x")), True),
        (raised(TransportError("wrapped"), OSError(errno.EHOSTUNREACH, "no route")), False),
    ],
    ids=repr,
)
def test_a_connection_that_fails_is_busy_and_certain_only_where_nothing_was_sent(
    error: Exception, sent: bool
) -> None:
    found = judged(error)
    assert (found.kind, found.sent, found.unbilled) == ("busy", sent, "")
    assert ("gave no reply" in found.detail) == sent


@pytest.mark.parametrize(
    "error",
    [
        TypeError("a bug"),
        KeyError("code"),
        FileNotFoundError(2, "no such file"),
        ImportError("no module"),
        Foreign(code=7),
        Foreign(status_code=200),
        Foreign(code="429"),
        Foreign(status_code=True),
    ],
    ids=repr,
)
def test_what_is_none_of_a_providers_is_not_judged(error: Exception) -> None:
    assert judge(error, SPEC) is None


def test_a_chain_that_bites_its_tail_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert list(chain(one)) == [one, two] and told_by(one) is None


OK = {"choices": [{"message": {"content": "text"}, "finish_reason": "stop"}], "error": None}
ZERO = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def failed(code: Any, message: str = "said") -> dict[str, Any]:
    choice = {
        "message": {"content": ""},
        "finish_reason": "error",
        "error": {"code": code, "message": message},
    }
    return {"choices": [choice]}


@pytest.mark.parametrize(
    ("body", "kind", "words", "unbilled"),
    [
        ({"error": {"code": 429, "message": "Slow down"}}, "busy", "error 429: Slow down", True),
        (
            {"error": {"code": "402", "message": "No."}},
            "denied",
            "error 402: No; the account needs credit",
            True,
        ),
        ({"error": {"code": 401}}, "denied", "error 401: Unauthorized; check the key in THE_KEY", True),
        ({"error": {"code": 502, "message": "Idle"}}, "busy", "error 502: Idle", False),
        (
            {"error": {"code": "content_filter", "message": "No"}},
            "rejected",
            "error content_filter: No",
            False,
        ),
        ({"error": "plain words"}, "provider", "an error: plain words", False),
        ({"object": "error", "message": "seed", "code": 400}, "rejected", "error 400: seed; " + CHANGE, True),
        (failed(502, "Upstream idle timeout"), "busy", "error 502: Upstream idle timeout", False),
        (failed(502) | {"usage": ZERO}, "busy", "error 502: said", True),
        (failed(502) | {"usage": ZERO | {"prompt_tokens": 9}}, "busy", "error 502: said", False),
        (failed(429), "busy", "error 429: said", True),
        (failed(429) | {"usage": ZERO | {"cost": 0.1}}, "busy", "error 429: said", False),
    ],
    ids=str,
)
def test_an_error_within_a_200_is_judged_and_billed_as_its_usage_says(
    body: dict[str, Any], kind: str, words: str, unbilled: bool
) -> None:
    found = judged_body(body, SPEC)
    assert found and (found.kind, found.detail) == (kind, f"{WHERE} answered with {words}")
    assert bool(found.unbilled) == unbilled and found.sent


@pytest.mark.parametrize(
    "body", [OK, {}, [], None, "text", {"choices": []}, {"choices": None}, {"choices": [3]}]
)
def test_a_reply_without_an_error_is_not_judged(body: Any) -> None:
    assert judged_body(body, SPEC) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "choices", "code", "message", "usage", "object"]), inner, max_size=4
    ),
)  # fmt: skip


@given(VALUES)
def test_any_body_is_judged_in_one_line_or_not_at_all(body: Any) -> None:
    found = judged_body(body, SPEC)
    assert found is None or (len(found.detail) < 400 and "\n" not in found.detail)
