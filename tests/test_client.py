"""The client at the fault server: each fault is the right reply and the right money, and the key is never seen."""

import contextlib
import json
import resource
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, Turn
from langchain_core.messages import AIMessage

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.chat.deadline import LARGEST
from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import Endpoint, Endpoints
from budgetmlagent.models.reading import LONGEST_NAME, read
from budgetmlagent.models.waiting import UNREACHED, Patience, Waits
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.money.prices import input_bound
from budgetmlagent.money.usage import Tokens
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.craft.choice import parse
from nodes.deps import Here

NO_THINKER = (0, 0, 0)  # tokens of thinking in the replies before: a limit is the room for the answer alone
KEY = "sk-very-secret-0123456789"
RATES = {"input": 1, "output": 10, "cached": 0.25}
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nothing on loopback may go through a proxy
    with FaultServer() as running:
        yield running


def client(tmp_path: Path, url: str, budget: float = 1.0, **more: Any) -> ModelClient:
    fields = {"name": "small", "base_url": url, "model": "any-name", "key": "TEST_KEY", "price": RATES}
    spec = ModelSpec(**(fields | more.pop("spec", {})))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.open_run("r", round(budget * NANO))
    Endpoints().keep(spec, Endpoint(thoughts=NO_THINKER))
    return ModelClient({"small": spec}, Account(ledger, "r"), Artifacts(tmp_path / "a"), **more)


def here(step: int = 1) -> Here:
    return Here(node="coder", model="small", step=step, call=f"task-{step}")


def test_a_reply_is_paid_stored_and_given_again_for_nothing(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url, seed=3)
    server.script = [Turn("the reply", tokens_in=100, tokens_out=20, cached=40)]
    first = models.ask(here(), ASK, schema=SCHEMA, max_tokens=50, temperature=0.5)
    again = client(tmp_path, server.url, seed=3).ask(
        here(), ASK, schema=SCHEMA, max_tokens=50, temperature=0.5
    )
    assert first == again and (first.text, first.fault) == ("the reply", "")
    assert len(server.requests) == 1
    assert models.spent() == 60 * 1000 + 40 * 250 + 20 * 10_000
    (entry,) = models.ledger.calls("r")
    assert (entry.step, entry.node, entry.model, entry.finish) == (1, "coder", "small", "stop")
    assert entry.request.startswith("chatcmpl-") and models.artifacts.text(entry.reply) == "the reply"
    prompt = models.artifacts.json(entry.prompt)
    assert prompt == {"messages": ASK, "schema": SCHEMA, "max_tokens": 50, "temperature": 0.5}


def test_a_request_carries_both_limits_a_seed_and_the_schema_where_there_is_one(
    tmp_path: Path, server: FaultServer
) -> None:
    models = client(tmp_path, server.url)
    for step in (1, 2):
        models.ask(here(step), ASK, max_tokens=50)
    models.ask(here(3), ASK, max_tokens=50, schema=SCHEMA)
    one, two, three = (request.body for request in server.requests)
    assert one["max_tokens"] == one["max_completion_tokens"] == 50
    assert one["seed"] != two["seed"] and "response_format" not in one
    assert three["response_format"]["json_schema"]["schema"] == SCHEMA
    assert one["messages"] == ASK and not one.get("stream") and server.requests[0].key == KEY


def test_the_servers_own_count_is_the_ledgers_to_the_nano_dollar(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url)
    server.script = [Turn("x" * n, cached=n % 5) for n in range(1, 40, 7)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda step: models.ask(here(step), ASK), range(10)))
    counts = [request.billed for request in server.requests if request.billed]
    price = models.prices["small"]
    assert len(counts) == 10
    assert models.spent() == sum(price.cost(Tokens(*count)) for count in counts)
    assert sum(entry.tokens_in for entry in models.ledger.calls("r")) == sum(count[0] for count in counts)


@pytest.mark.parametrize(
    ("turn", "kind", "hint"),
    [
        (
            Turn(fault="400"),
            "rejected",
            "; models.yaml can change what is sent: temperature, seed, schema, reasoning, params",
        ),
        (Turn(fault="400", code="content_filter"), "rejected", ""),
        (Turn(fault="413"), "rejected", ""),
        (Turn(fault="401"), "denied", "; check the key in TEST_KEY"),
        (Turn(fault="402"), "denied", "; the account needs credit"),
        (Turn(fault="403"), "denied", "; check the key in TEST_KEY"),
        (Turn(fault="403", code="content_policy_violation"), "rejected", ""),
        (Turn(fault="404"), "denied", "; check base_url and model in models.yaml"),
        (Turn(fault="429"), "busy", ""),
        (Turn(fault="429", code="insufficient_quota"), "denied", "; the account needs credit"),
    ],
    ids=lambda value: value.fault + value.code if isinstance(value, Turn) else "",
)
def test_a_request_that_the_provider_refused_costs_nothing(
    tmp_path: Path, server: FaultServer, turn: Turn, kind: str, hint: str
) -> None:
    waited: list[float] = []
    models = client(tmp_path, server.url, patience=Patience(Waits(sleep=waited.append)))
    server.script = [replace(turn, text=f"not with {KEY}")]
    reply = models.ask(here(), ASK)
    assert (reply.text, reply.fault) == ("", kind)
    assert reply.detail == f"model 'small' at 127.0.0.1 answered HTTP {turn.fault}: not with ***{hint}"
    assert (models.spent(), len(server.requests)) == (0, 1)
    assert [(entry.state, entry.text) for entry in models.ledger.calls("r")] == [("settled", None)]
    assert models.ask(here(), ASK).text == "hello"  # a refusal is no reply: the step may try again
    assert len(waited) == (kind == "busy")


@pytest.mark.parametrize(
    ("turn", "kind", "words"),
    [
        (Turn(fault="408"), "busy", "answered HTTP 408"),
        (Turn(fault="500"), "busy", "answered HTTP 500"),
        (Turn(fault="503"), "busy", "answered HTTP 503"),
        (Turn(fault="529"), "busy", "answered HTTP 529"),
        (Turn(fault="redirect"), "denied", "answered HTTP 307"),
        (Turn(fault="409"), "provider", "answered HTTP 409"),
        (Turn(fault="reset_before"), "busy", "gave no reply"),
        (Turn("x" * 400, fault="reset_during"), "busy", "gave no reply"),
        (Turn(fault="reset_after"), "busy", "gave no reply"),
        (Turn(fault="hang", delay=1.5), "busy", "gave no reply"),
        (Turn(fault="drip", delay=0.05), "busy", "gave no reply"),
        (Turn(fault="empty"), "provider", "no chat completion"),
        (Turn(fault="invalid_json"), "provider", "no chat completion"),
        (Turn(fault="no_choices"), "provider", "no chat completion"),
        (Turn(fault="null_choices"), "provider", "no chat completion"),
        (Turn(fault="error_body"), "provider", "answered with an error: upstream failed for ***"),
    ],
    ids=lambda value: value.fault if isinstance(value, Turn) else "",
)
def test_an_unknown_outcome_keeps_its_reservation_and_is_not_retried(
    tmp_path: Path, server: FaultServer, turn: Turn, kind: str, words: str
) -> None:
    waited: list[float] = []
    patience = Patience(Waits(sleep=waited.append))
    models = client(tmp_path, server.url, patience=patience, spec={"timeout": 1.0})
    server.script = [turn]
    reply = models.ask(here(), ASK, max_tokens=200)
    assert reply.fault == kind and words in reply.detail and "\n" not in reply.detail
    assert models.spent() == models.prices["small"].worst_case(input_bound(ASK, None), 200)
    assert [entry.state for entry in models.ledger.calls("r")] == ["reserved"]
    assert len(server.requests) == (0 if turn.fault == "reset_before" else 1)
    assert models.ask(here(), ASK, max_tokens=200).text == "hello"
    assert [entry.id[-2:] for entry in models.ledger.calls("r")] == ["/1", "/2"]
    assert len(waited) == (kind == "busy")


def test_what_was_never_sent_is_no_call(tmp_path: Path, server: FaultServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    waited: list[float] = []
    models = client(tmp_path, f"http://127.0.0.1:{port}/v1", patience=Patience(Waits(sleep=waited.append)))
    reply = [models.ask(here(), ASK) for _ in range(4)][-1]
    assert (reply.fault, reply.detail) == (
        ("busy", "model 'small' at 127.0.0.1 cannot be reached; check base_url and the network")
    )
    assert (models.spent(), models.ledger.calls("r")) == (0, [])
    assert len(waited) == 3 and max(waited) <= UNREACHED


def test_how_long_a_host_asks_to_be_left_is_told_where_that_is_longer_than_it_is(
    tmp_path: Path, server: FaultServer
) -> None:
    for seconds, words in (("86400", "; it asks to wait 86400 s"), ("0", "")):
        server.script = [Turn("slow down", fault="429", retry_after=seconds)]
        reply = client(tmp_path, server.url).ask(here(), ASK)
        assert reply.detail == f"model 'small' at 127.0.0.1 answered HTTP 429: slow down{words}"


REMOTE = {"base_url": "https://192.0.2.2/v1"}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "ALL_PROXY",
            "socks5://u:secret@127.0.0.1:1",
            "ALL_PROXY names a SOCKS proxy, which needs a package more",
        ),
        ("https_proxy", "foo://u:secret@127.0.0.1:1", "https_proxy holds no address of a proxy"),
        ("HTTP_PROXY", "http://u:secret@127.0.0.1:no", "HTTP_PROXY holds no address of a proxy"),
        ("SSL_CERT_FILE", "/secret/of/nobody.pem", "SSL_CERT_FILE names certificates that are not there"),
    ],
)
def test_what_keeps_a_client_from_being_built_is_one_line_and_no_call(
    tmp_path: Path,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setenv(variable, value)
    models = client(tmp_path, server.url, spec=REMOTE)
    reply = models.ask(here(), ASK)
    assert reply.fault == "denied" and reply.detail.startswith(f"model 'small': {words}")
    assert "secret" not in reply.detail and "\n" not in reply.detail
    assert (models.spent(), models.ledger.calls("r")) == (0, [])


def test_a_proxy_has_nothing_to_do_with_this_machines_own_server(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    assert client(tmp_path, server.url).ask(here(), ASK).text == "hello"


@pytest.mark.parametrize("host", ["999.1.1.1", "a..b"])
def test_an_address_that_is_none_is_one_line_and_no_call(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.delenv("HTTP_PROXY")
    models = client(tmp_path, server.url, spec={"base_url": f"http://{host}/v1"})
    reply = models.ask(here(), ASK)
    assert reply.fault == "denied" and reply.detail.endswith("cannot be asked; check base_url")
    assert (models.spent(), models.ledger.calls("r")) == (0, [])


@pytest.mark.parametrize(("fault", "text"), [("filtered", "I can"), ("refusal", "I cannot"), ("refusal", "")])
def test_a_reply_that_was_withheld_is_paid_and_rejected(
    tmp_path: Path, server: FaultServer, fault: str, text: str
) -> None:
    models = client(tmp_path, server.url)
    server.script = [Turn(text, fault=fault)]
    reply = models.ask(here(), ASK)
    if text:
        assert (reply.text, reply.fault) == (text, "rejected")
        assert reply.detail == "the provider's content filter withheld the reply"
    else:
        assert (reply.text, reply.fault) == ("", "")  # an empty reply, which no node can use
    assert models.ask(here(), ASK) == reply and len(server.requests) == 1
    (billed,) = [request.billed for request in server.requests]
    assert billed and models.spent() == models.prices["small"].cost(Tokens(*billed))


@pytest.mark.parametrize(
    "turn", [Turn("Sure!"), Turn(fault="schema"), Turn("")], ids=["prose", "echo", "empty"]
)
def test_a_schema_that_is_ignored_is_for_the_node_to_find(
    tmp_path: Path, server: FaultServer, turn: Turn
) -> None:
    models = client(tmp_path, server.url)
    server.script = [turn]
    reply = models.ask(here(), ASK, schema=SCHEMA)
    assert reply.fault == "" and reply.text == (json.dumps(SCHEMA) if turn.fault else turn.text)
    assert [entry.state for entry in models.ledger.calls("r")] == ["settled"]
    assert isinstance(parse(reply.text), str)


def test_a_body_that_is_far_too_large_is_no_reply(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url, spec={"price": 0})
    server.script = [Turn("x" * (LARGEST + 1))]
    reply = models.ask(here(), ASK, max_tokens=LARGEST)
    assert reply.fault == "provider" and "larger than" in reply.detail
    assert [entry.state for entry in models.ledger.calls("r")] == ["reserved"]


DEEP_THOUGHT = {"content": None, "reasoning_content": json.loads("[" * 400 + "]" * 400)}


@pytest.mark.parametrize(
    "turn",
    [
        *(Turn("fine", fault=fault) for fault in ("bomb", "odd_packing", "not_packed", "deep")),
        Turn(message=DEEP_THOUGHT),
    ],
    ids=lambda turn: turn.fault or "deep thought",
)
def test_a_body_that_would_take_the_machine_is_a_fault_of_the_provider(
    tmp_path: Path, server: FaultServer, turn: Turn
) -> None:
    models = client(tmp_path, server.url)
    server.script = [turn, Turn("better")]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reply = models.ask(here(1), ASK, max_tokens=50)
    assert reply.fault == "provider" and "small" in reply.detail and "\n" not in reply.detail
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # KiB
    assert [entry.state for entry in models.ledger.calls("r")] == ["reserved"]
    assert models.ask(here(2), ASK, max_tokens=50).text == "better"


def test_what_is_packed_though_nobody_asked_for_it_is_read(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url)
    server.script = [Turn("fine", fault="packed")]
    assert models.ask(here(), ASK, max_tokens=50).text == "fine"


@pytest.mark.parametrize("fault", ["no_usage", "odd_usage"])
def test_a_reply_without_usage_is_settled_at_the_worst_case(
    tmp_path: Path, server: FaultServer, fault: str
) -> None:
    models = client(tmp_path, server.url)
    server.script = [Turn("fine", fault=fault)]
    assert models.ask(here(), ASK, max_tokens=50).text == "fine"
    (entry,) = models.ledger.calls("r")
    assert entry.nano == entry.reserved > 0 and entry.state == "settled"
    assert entry.note == "the reply has no usage: settled at the worst case"


@pytest.mark.parametrize(
    ("turn", "nano"),
    [
        (Turn("fine", tokens_in=1000, tokens_out=50, usage={"total_tokens": 5050}), 1_000_000 + 40_500_000),
        (Turn("fine", tokens_in=1000, tokens_out=50, usage={"total_tokens": 7}), 1_000_000 + 500_000),
        (Turn("fine", tokens_in=0, tokens_out=0), None),
        (Turn("fine", tokens_in=1000, tokens_out=0), None),
    ],
    ids=["hidden in the total", "a total too small", "nothing counted", "no output counted"],
)
def test_output_is_what_was_not_asked_and_a_text_is_never_free(
    tmp_path: Path, server: FaultServer, turn: Turn, nano: int | None
) -> None:
    models = client(tmp_path, server.url)
    server.script = [turn]
    assert models.ask(here(), ASK, max_tokens=50).text == "fine"
    (entry,) = models.ledger.calls("r")
    assert entry.nano == (entry.reserved if nano is None else nano) and entry.state == "settled"


@pytest.mark.parametrize(
    ("code", "kind", "state", "hint"),
    [
        ("429", "busy", "settled", ""),
        ("402", "denied", "settled", "the account needs credit"),
        ("401", "denied", "settled", "check the key in TEST_KEY"),
        ("502", "busy", "reserved", ""),
    ],
)
def test_an_error_within_a_200_is_judged_by_its_code(
    tmp_path: Path, server: FaultServer, code: str, kind: str, state: str, hint: str
) -> None:
    waited: list[float] = []
    models = client(tmp_path, server.url, patience=Patience(Waits(sleep=waited.append)))
    server.script = [Turn(fault="error_code", code=code)]
    reply = models.ask(here(), ASK, max_tokens=50)
    assert (
        reply.fault == kind
        and f"error {code}: Provider returned error" in reply.detail
        and hint in reply.detail
    )
    (entry,) = models.ledger.calls("r")
    assert entry.state == state and (entry.nano == 0) == (state == "settled")


def test_usage_above_the_reservation_is_entered_as_it_is_and_ends_the_money(
    tmp_path: Path, server: FaultServer
) -> None:
    models = client(tmp_path, server.url, budget=0.01)
    server.script = [Turn("dear", tokens_in=1_000_000, tokens_out=100_000)]
    assert models.ask(here(), ASK, max_tokens=50).text == "dear"
    assert models.spent() == 2 * NANO
    reply = models.ask(here(2), ASK, max_tokens=50)
    assert reply.fault == "refused" and reply.detail.endswith(
        "and $0.000000 is left of the budget of the run"
    )
    assert len(server.requests) == 1


def test_a_reply_that_was_cut_off_keeps_its_text_and_is_paid(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url)
    server.script = [Turn("abcdefgh" * 10, fault="length")]
    reply = models.ask(here(), ASK, max_tokens=4)
    assert (reply.text, reply.fault, reply.detail) == (
        ("abcdefghabcdefgh", "truncated", "the reply was cut off after 4 tokens")
    )
    assert models.ask(here(), ASK, max_tokens=4) == reply and len(server.requests) == 1
    assert models.spent() == models.prices["small"].cost(Tokens(4, 0, 4))


def test_a_budget_for_three_calls_buys_three_requests(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url, spec={"price": {"input": 0, "output": 10}})
    worst = models.prices["small"].worst_case(0, 100)
    models.ledger.set_cap("r", 3 * worst)
    server.respond = lambda body: Turn("x" * 400)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda step: models.ask(here(step), ASK, max_tokens=100), range(8)))
    assert [reply.fault for reply in replies].count("refused") == 5
    assert len(server.requests) == 3 and models.spent() == 3 * worst


def test_a_call_that_does_not_fit_is_shrunk_and_then_refused(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url)
    price, bound = models.prices["small"], input_bound(ASK, None)
    models.ledger.set_cap("r", price.worst_case(bound, 300))
    assert models.ask(here(), ASK, max_tokens=1000).fault == ""
    assert server.requests[0].body["max_tokens"] == server.requests[0].body["max_completion_tokens"] == 300
    models.ledger.set_cap("r", models.spent() + price.worst_case(bound, 63))
    reply = models.ask(here(2), ASK, max_tokens=1000)
    assert reply.fault == "refused" and reply.detail.startswith("a call of model 'small' may cost $0.00")
    assert models.ask(here(2), ASK, max_tokens=60).fault == ""  # a smaller wish is not shrunk
    assert len(server.requests) == 2
    models.ledger.set_cap("r", models.spent() + price.worst_case(bound, 400))
    reply = models.ask(here(3), ASK, max_tokens=1000, least=401)
    assert (
        reply.fault == "refused" and len(server.requests) == 2
    )  # a script that would be cut off is not paid for
    assert models.ask(here(4), ASK, max_tokens=1000, least=400).fault == ""


def test_the_cap_that_refuses_is_named_and_a_call_is_shrunk_to_the_tightest(
    tmp_path: Path, server: FaultServer
) -> None:
    models = client(tmp_path, server.url)
    price, bound = models.prices["small"], input_bound(ASK, None)
    capped = replace(here(), budget=price.worst_case(bound, 200))
    assert (
        models.ask(capped, ASK, max_tokens=1000).fault == "" and server.requests[0].body["max_tokens"] == 200
    )
    refused = models.ask(replace(here(2), budget=models.spent()), ASK)
    assert refused.detail.endswith("and $0.000000 is left of the budget of node 'coder'")
    models.ledger.set_project_cap(models.spent() + price.worst_case(bound, 100))
    assert (
        models.ask(here(3), ASK, max_tokens=1000).fault == "" and server.requests[1].body["max_tokens"] == 100
    )
    models.ledger.set_project_cap(0)
    refused = models.ask(here(4), ASK)
    assert refused.fault == "refused" and refused.detail.endswith("is left of the budget of the project")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("spec", "cost", "nano"),
    [
        ({"price": None, "list_price_of": "gpt-4o"}, 0.0123456789, 12_345_679),
        ({"price": None, "model": "gpt-4o"}, 2, 2 * NANO),  # above the reservation: entered as it is
        ({"price": None, "model": "gpt-4o"}, 0, 100 * 2500 + 20 * 10_000),  # 0 is no word
        ({"price": None, "model": "gpt-4o"}, "0.1", 100 * 2500 + 20 * 10_000),
        ({"price": None, "model": "gpt-4o"}, -1.0, 100 * 2500 + 20 * 10_000),
        ({"price": None, "model": "gpt-4o"}, True, 100 * 2500 + 20 * 10_000),
        ({}, 0.0123456789, 100 * 1000 + 20 * 10_000),  # the user's own price
        ({"price": 0}, 0.0123456789, 0),
    ],
)
def test_a_cost_that_the_provider_reports_yields_to_the_users_price_alone(
    tmp_path: Path, server: FaultServer, spec: dict[str, Any], cost: Any, nano: int
) -> None:
    models = client(tmp_path, server.url, spec=spec)
    server.script = [Turn("fine", tokens_in=100, tokens_out=20, cost=cost)]
    assert models.ask(here(), ASK, max_tokens=50).text == "fine"
    (entry,) = models.ledger.calls("r")
    assert (entry.nano, entry.state) == (nano, "settled")
    assert entry.note.startswith("the cost that the provider reported") == (nano in (12_345_679, 2 * NANO))
    assert ("above the reservation" in entry.note) == (nano > entry.reserved)


@pytest.mark.usefixtures("interruptible")
def test_an_exception_refunds_nothing(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url)

    def interrupt(body: dict[str, Any]) -> Turn:
        signal.raise_signal(signal.SIGINT)
        return Turn("too late", delay=0.2)

    server.respond = interrupt
    with pytest.raises(KeyboardInterrupt):
        models.ask(here(), ASK, max_tokens=50)
    (entry,) = models.ledger.calls("r")
    assert (entry.state, entry.nano) == (
        "reserved",
        models.prices["small"].worst_case(input_bound(ASK, None), 50),
    )


def test_no_money_buys_free_models_alone(tmp_path: Path, server: FaultServer) -> None:
    assert client(tmp_path, server.url, budget=0).ask(here(), ASK).fault == "refused"
    free = client(tmp_path, server.url, budget=0, spec={"price": 0})
    assert free.ask(here(), ASK).text == "hello"
    assert [entry.nano for entry in free.ledger.calls("r")] == [0]


def test_the_bound_tightens_when_the_model_is_known(tmp_path: Path, server: FaultServer) -> None:
    models = client(tmp_path, server.url)
    long = [{"role": "user", "content": "x" * 4000}]
    for step in range(4):
        models.ask(here(step), long, max_tokens=1)
    rooms = [entry.reserved for entry in models.ledger.calls("r")]
    assert rooms[0] == rooms[1] == rooms[2] > 2 * rooms[3]
    assert rooms[3] > models.prices["small"].worst_case(1000, 1)


def test_the_key_is_in_no_output(
    tmp_path: Path, server: FaultServer, capfd: pytest.CaptureFixture[str]
) -> None:
    models = client(tmp_path, server.url)
    server.script = [
        Turn(f"your key is {KEY}"),
        Turn(fault="401"),
        Turn(fault="500"),
        Turn(fault="error_body"),
    ]
    replies = [models.ask(here(step), ASK) for step in range(4)]
    assert replies[0].text == "your key is ***"
    assert KEY not in "".join(capfd.readouterr()) + repr(replies) + repr(models.ledger.calls("r"))
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()


def test_a_missing_key_and_an_unknown_model_are_errors_before_any_money(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = client(tmp_path, server.url)
    with pytest.raises(UsageError, match=r"unknown model 'huge'; there is small in models.yaml"):
        models.ask(Here(node="coder", model="huge"), ASK)
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(UsageError, match="set TEST_KEY"):
        models.ask(here(), ASK)
    assert models.ledger.calls("r") == []


def test_an_embedded_model_is_asked_at_its_server_and_one_that_cannot_start_stays_an_error(
    tmp_path: Path, server: FaultServer
) -> None:
    class Served:
        base_url, api_key = server.url, "of-the-server"

    def broken(spec: ModelSpec) -> Served:
        raise UnavailableError(f"model {spec.name!r} does not start")

    embedded = {"base_url": "embedded", "model": "qwen2.5-coder-0.5b-instruct", "key": None, "price": 0}
    assert (
        client(tmp_path, "", spec=embedded, start_embedded=lambda spec: Served()).ask(here(), ASK).text
        == "hello"
    )
    assert server.requests[0].key == "of-the-server"
    with pytest.raises(UnavailableError, match="model 'small' does not start"):
        client(tmp_path, "", spec=embedded, start_embedded=broken).ask(here(2), ASK)


def test_text_that_is_no_unicode_is_stored_all_the_same(tmp_path: Path, server: FaultServer) -> None:
    server.script = [Turn("odd \ud800 text")]
    assert client(tmp_path, server.url).ask(here(), ASK).text == "odd ? text"


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 OK\r\nX-A: {}", "HTTP/1.1 102 Processing\r\n\r\n"], ids=["drips", "interim"]
)
def test_a_head_without_end_is_waited_for_no_longer_than_a_reply(tmp_path: Path, head: str) -> None:
    """Each byte that arrives begins a client library's own time anew."""
    ended: list[str] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(head.encode())
            for _ in range(2000):  # a hundred seconds
                time.sleep(0.05)
                connection.sendall(b"a" if "X-A" in head else head.encode())
            ended.append(head)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(serve, listener)
        port = listener.getsockname()[1]
        models = client(tmp_path, f"http://127.0.0.1:{port}/v1", spec={"timeout": 0.6, "key": None})
        reply = models.ask(here(), ASK, max_tokens=200)
        assert not ended
    assert reply.fault == "busy" and "gave no reply" in reply.detail
    assert [entry.state for entry in models.ledger.calls("r")] == ["reserved"]


def test_of_a_reply_only_its_text_may_be_long(tmp_path: Path, server: FaultServer) -> None:
    price = client(tmp_path, server.url).prices["small"]
    about = {"id": "i" * 10**6, "finish_reason": "f" * 10**6, "model_name": "m" * 10**6}
    _, answer = read(AIMessage("x" * 10**6, response_metadata=about), price, 1, "", 10)
    assert len(answer.text or "") == 10**6
    assert max(map(len, (answer.request, answer.finish, answer.answered))) <= LONGEST_NAME
