"""The team runs, and is charged rightly, at every kind of endpoint; and a client asks no more often than it has to."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from endpoint_runs import REFUSED, at_kind, shortcomings
from endpoints import KINDS, only_one, unknown
from fault_server import FaultServer, Request, Turn, completion
from hypothesis import example, given, settings
from hypothesis import strategies as st
from manners import FORMS, LIMITS, Manners, Refusal, answering, format_is
from test_client import ASK, SCHEMA, client, here

from budgetmlagent.money.usage import Tokens

FORMATS = ("json_schema", "json_object")
FIELDS = ("temperature", "seed", *LIMITS, "reasoning_effort", *FORMATS)
WORDS = (
    "Unsupported parameter: '{name}' is not supported with this model.",
    "Unrecognized request argument supplied: {name}",
    'Invalid JSON payload received. Unknown name "{name}": Cannot find field.',
    "{name}: Extra inputs are not permitted",
    'json: unknown field "{name}"',
    "Argument not supported on this model: {name}",
)
FORMAT_WORDS = (
    "This response_format type is unavailable now",
    "Invalid parameter: 'response_format' of type '{name}' is not supported with this model.",
    "Failed to deserialize the JSON body into the target type: response_format.type: unknown variant `{name}` at line 1",
)


# The others differ in what a single ask tells; `make endpoints` runs them all.
RUN = ("openai", "deepseek", "claude", "limit_most")


@pytest.mark.parametrize(
    "kind", [kind if kind in RUN else pytest.param(kind, marks=pytest.mark.soak) for kind in KINDS]
)
def test_two_runs_end_in_order_and_cost_what_the_server_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    assert shortcomings(*at_kind(kind, tmp_path)) == []


@pytest.mark.parametrize("limit", [64, 500, 5000])
@pytest.mark.parametrize("kind", KINDS)
def test_the_server_bills_its_thinking_within_the_limit_and_says_so(kind: str, limit: int) -> None:
    manners = KINDS[kind]
    messages = [{"role": "system", "content": "Answer with JSON only."}, {"role": "user", "content": "go on"}]
    request = Request("", "", {"messages": messages, "max_tokens": limit})
    turn = answering(replace(manners, refuses=()), tiny.team)(request.body)
    reply = completion(turn, request)
    assert request.billed
    tokens_in, _, tokens_out = request.billed
    usage, (choice,) = reply["usage"], reply["choices"]
    assert usage["total_tokens"] == tokens_in + tokens_out
    assert (choice["finish_reason"] == "length") == (tokens_out == limit) and tokens_out <= limit
    assert manners.thinks <= tokens_out or choice["finish_reason"] == "length"
    if manners.counts == "inside":
        assert usage["completion_tokens_details"]["reasoning_tokens"] == min(manners.thinks, limit)
    if manners.counts in ("", "inside"):
        assert usage["completion_tokens"] == tokens_out


def refusal(name: str, words: str) -> Refusal:
    """Refuse a field, or a type of response_format, whatever it holds."""
    if name in FORMATS:
        return Refusal("response_format", words.replace("{name}", name), format_is(name))
    return unknown(name, words.replace("{name}", name))


@st.composite
def endpoints(draw: st.DrawFn) -> Manners:
    """An endpoint that refuses any subset of the fields, in any words and form of body."""
    names = draw(st.lists(st.sampled_from(FIELDS), unique=True))
    words = {name: draw(st.sampled_from(FORMAT_WORDS if name in FORMATS else WORDS)) for name in names}
    said = [refusal(name, words[name]) for name in names]
    if "temperature" not in names and draw(st.booleans()):
        said.append(only_one("invalid temperature: only 1 is allowed for this model"))
    form, status = draw(st.sampled_from(FORMS)), draw(st.sampled_from((400, 422)))
    return Manners(refuses=tuple(said), form=form, status=status)


@settings(max_examples=40, deadline=None)
@given(manners=endpoints(), reasoning=st.sampled_from((None, "low")))
@example(manners=Manners(refuses=tuple(refusal(name, WORDS[0]) for name in LIMITS)), reasoning=None)
def test_an_ask_ends_after_as_many_tries_as_there_are_fields_that_are_refused(
    manners: Manners, reasoning: str | None
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        FaultServer(respond=answering(manners, lambda body: Turn('{"a": "yes"}'))) as server,
    ):
        patch.setenv("BUDGETML_CACHE", str(Path(folder) / "cache"))
        models = client(Path(folder), server.url, spec={"key": None, "reasoning": reasoning})
        first = models.ask(here(1), ASK, schema=SCHEMA, max_tokens=50)
        asked = len(server.requests)
        assert asked <= len(manners.refuses) + 1
        unbounded = {refused.field for refused in manners.refuses} >= set(LIMITS)
        if unbounded:  # what a reply may cost could not be known
            assert first.fault and first.detail and "\n" not in first.detail
        else:
            assert (first.fault, first.text) == ("", '{"a": "yes"}'), first.detail
            second = models.ask(here(2), ASK, schema=SCHEMA, max_tokens=50)
            assert (second.fault, len(server.requests)) == ("", asked + 1)  # what was found out is known
        books(models, server)


def books(models: Any, server: FaultServer) -> None:
    """Check that the ledger says of each request what the server does."""
    entries = models.ledger.calls("r")
    refused = [entry for entry in entries if entry.note.startswith(REFUSED)]
    assert len(refused) == sum(bool(request.refused) for request in server.requests)
    assert all((entry.state, entry.nano) == ("settled", 0) for entry in refused)
    cost = models.prices["small"].cost
    assert models.spent() == sum(cost(Tokens(*asked.billed)) for asked in server.requests if asked.billed)
    assert len(entries) == len(server.requests)
