"""Any chat model of LangChain as a model of the team: its reply, its faults and its money are what an endpoint's are."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from own_chat import BUILT
from tiny import session, task

from budgetmlagent.errors import RunFailedError, UsageError
from budgetmlagent.models.catalog import list_models
from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import Endpoint, Endpoints
from budgetmlagent.models.waiting import Patience, Waits
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.money.prices import price_of
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.deps import Here

KEY = "sk-very-secret-0123456789"
ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLAUDE = "langchain_anthropic:ChatAnthropic"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    BUILT.clear()


def client(tmp_path: Path, **fields: Any) -> ModelClient:
    usual = {"name": "own", "chat": "own_chat:Own", "model": "own-1", "key": "TEST_KEY"}
    spec = ModelSpec(**{**usual, "price": {"input": 1, "output": 10, "cached": 0.25}, **fields})
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.open_run("r", NANO)
    # No thinker: a limit is the room for the answer alone.
    Endpoints().keep(spec, Endpoint(thoughts=(0, 0, 0)))
    patience = Patience(Waits(sleep=lambda _: None))
    return ModelClient({"own": spec}, Account(ledger, "r"), Artifacts(tmp_path / "a"), patience=patience)


def does(tmp_path: Path, what: str) -> ModelClient:
    return client(tmp_path, params={"does": what})


HERE = Here(node="coder", model="own", step=1, call="task-1")


def test_a_reply_is_read_and_paid_and_its_class_is_built_with_limits_and_key(tmp_path: Path) -> None:
    models = does(tmp_path, "end_turn")
    reply = models.ask(HERE, ASK, max_tokens=50)
    assert (reply.text, reply.fault) == ("the reply", "")
    assert models.spent() == 60 * 1000 + 40 * 250 + 20 * 10_000
    (entry,) = models.ledger.calls("r")
    assert (entry.request, entry.answered, entry.cached, entry.finish) == ("r-1", "own-2", 40, "end_turn")
    (chat,) = BUILT
    assert (chat.name_of_model, chat.limit, chat.max_retries, chat.cache) == ("own-1", 50, 0, False)
    assert chat.api_key and chat.api_key.get_secret_value() == KEY
    assert models.ask(HERE, ASK, max_tokens=50) == reply and len(BUILT) == 1


def test_json_is_asked_for_by_words(tmp_path: Path) -> None:
    models = client(tmp_path, chat="own_chat:Free", key=None, price=0)
    assert models.ask(HERE, ASK, schema=SCHEMA).text.endswith(json.dumps(SCHEMA))


def test_thinking_is_counted_and_no_part_of_the_answer(tmp_path: Path) -> None:
    models = does(tmp_path, "thinks")
    assert models.ask(HERE, ASK).text == "the reply"
    (entry,) = models.ledger.calls("r")
    assert entry.thought == round(20 * 160 / 169)


@pytest.mark.parametrize(
    ("end", "fault"),
    [("max_tokens", "truncated"), ("MAX_TOKENS", "truncated"), ("SAFETY", "rejected"), ("refusal", "rejected"), ("STOP", "")],
)  # fmt: skip
def test_how_a_reply_ended_is_understood_in_the_words_of_each_package(
    tmp_path: Path, end: str, fault: str
) -> None:
    assert does(tmp_path, end).ask(HERE, ASK).fault == fault


def test_a_reply_without_usage_is_settled_at_the_worst_case(tmp_path: Path) -> None:
    models = does(tmp_path, "uncounted")
    assert models.ask(HERE, ASK).text == "the reply"
    (entry,) = models.ledger.calls("r")
    assert (entry.nano, entry.note) == (entry.reserved, "the reply has no usage: settled at the worst case")


@pytest.mark.parametrize(
    ("what", "kind", "state"),
    [("401", "denied", "settled"), ("429", "busy", "settled"), ("500", "busy", "reserved"), ("lost", "busy", "reserved")],
)  # fmt: skip
def test_what_its_client_raises_is_judged_as_a_providers_fault(
    tmp_path: Path, what: str, kind: str, state: str
) -> None:
    models = does(tmp_path, what)
    reply = models.ask(HERE, ASK)
    (entry,) = models.ledger.calls("r")
    assert (reply.fault, entry.state, entry.nano == 0) == (kind, state, state == "settled")
    assert KEY not in reply.detail and "***" in reply.detail


def test_what_it_refuses_is_left_out_and_learned(tmp_path: Path) -> None:
    assert does(tmp_path, "no temperature").ask(HERE, ASK, temperature=0.5).text == "the reply"
    assert [chat.temperature for chat in BUILT] == [0.5, None]
    models = does(tmp_path / "more", "small")
    assert models.ask(HERE, ASK, max_tokens=900).text == "the reply"
    assert [chat.limit for chat in BUILT[2:]] == [900, 500] and BUILT[-1].temperature is None


def test_a_bug_in_it_ends_the_run_with_one_line_and_its_reservation_stays(tmp_path: Path) -> None:
    models = does(tmp_path, "bug")
    with pytest.raises(RunFailedError) as caught:
        models.ask(HERE, ASK)
    line = "model 'own': own_chat:Own raised AttributeError: 'NoneType' object has no attribute 'nothing' (own_chat.py:"
    assert str(caught.value).startswith(line) and isinstance(caught.value.__cause__, AttributeError)
    assert [entry.state for entry in models.ledger.calls("r")] == ["reserved"]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"chat": "no_such:Class"}, "chat: 'no_such:Class': no module 'no_such'; is its package installed?"),
        ({"chat": "own_chat:Owm"}, "chat: 'own_chat:Owm': module 'own_chat' has no 'Owm' (did you mean 'Own'?)"),
        ({"chat": "own_chat:not_a_class"}, "own_chat:not_a_class is no chat model of LangChain"),
        ({"chat": "own_chat:Free", "key": None}, "own_chat:Free has no argument for the most tokens of a reply"),
        ({"chat": "own_chat:Free", "price": 0}, "own_chat:Free has no argument for a key: leave out `key:`"),
        ({"params": {"limit": 9}}, "own_chat:Own params: 'limit' is set by budgetml"),
        ({"params": {"max_retries": 3}}, "own_chat:Own params: 'max_retries' is set by budgetml"),
        ({"params": {"model_kwargs": {"num_predict": 9}}}, "own_chat:Own params: 'num_predict' is set by budgetml"),
        ({"params": {"extra_body": {"n": 9}}}, "own_chat:Own params: 'n' is set by budgetml"),
        ({"params": {"dose": "x"}}, "own_chat:Own params: it has no argument 'dose' (did you mean 'does'?)"),
        ({"params": {"does": 3}}, "own_chat:Own cannot be built: does: Input should be a valid string"),
        ({"reasoning": "low"}, "own_chat:Own has no argument for `reasoning:`"),
        (
            {"chat": CLAUDE, "params": {"base_url": "http://127.0.0.1:9", "anthropic_api_url": "https://a.b"}},
            f"{CLAUDE} params: base_url and anthropic_api_url are one argument",
        ),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line_and_nothing_is_reserved(
    tmp_path: Path, fields: dict[str, Any], line: str
) -> None:
    models = client(tmp_path, **fields)
    with pytest.raises(UsageError) as caught:
        models.ask(HERE, ASK)
    assert str(caught.value).startswith(f"model 'own': {line}")
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)
    assert models.ledger.calls("r") == []


def test_one_on_this_machine_is_not_asked_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    models = client(tmp_path, params={"base_url": "http://127.0.0.1:8"})
    with pytest.raises(UsageError, match=r"set NO_PROXY=127\.0\.0\.1"):
        models.ask(HERE, ASK)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert models.ask(HERE, ASK).text == "the reply"


def test_its_price_is_found_with_the_provider_of_its_package() -> None:
    def listed(**fields: Any) -> str:
        return price_of(ModelSpec(name="own", **fields)).id

    assert listed(chat=CLAUDE, model="claude-sonnet-4-5") == "anthropic/claude-sonnet-4-5"
    gemini = "langchain_google_genai:ChatGoogleGenerativeAI"
    assert listed(chat=gemini, model="gemini-2.5-flash") == "google/gemini-2.5-flash"
    assert listed(chat="own_chat:Own", model="gpt-4o") == "openai/gpt-4o"
    router = {"base_url": "https://openrouter.ai/api/v1"}
    found = listed(chat="langchain_openai:ChatOpenAI", model="openai/gpt-4o", params=router)
    assert found.startswith("openrouter/")


def models_file(folder: Path, **more: Any) -> Path:
    def entry(model: str) -> dict[str, Any]:
        return {"chat": "own_chat:Team", "model": model, "price": {"input": 1, "output": 2}, **more}

    path = folder / "own.yaml"
    path.write_text(json.dumps({"models": {"small": entry("s"), "large": entry("l")}}))
    return path


def test_a_whole_run_by_such_a_team_is_charged_and_told(tmp_path: Path) -> None:
    run = session(tmp_path, "http://127.0.0.1:9/v1", models=models_file(tmp_path), budget=1.0)
    run.run()
    assert run.summary["status"] == "finished" and run.summary["best"] == 1.0
    calls = run.ledger.calls(run.run_id)
    assert calls and all(entry.nano == 1000 * (entry.tokens_in + 2 * entry.tokens_out) for entry in calls)
    assert run.config.hosts == ["own_chat:Team"]


def test_data_that_stays_goes_to_no_class_whose_address_is_not_known(tmp_path: Path) -> None:
    file = task(tmp_path) / "task.yaml"
    file.write_text(file.read_text() + "data: stays\n")
    with pytest.raises(UsageError, match=r"not on this machine: small \(own_chat:Team\)"):
        session(tmp_path, "http://127.0.0.1:9/v1", models=models_file(tmp_path))
    here = models_file(tmp_path, params={"base_url": "http://127.0.0.1:8"})
    assert session(tmp_path, "", models=here).config.hosts == ["127.0.0.1"]


def test_the_list_of_models_names_the_class() -> None:
    (row,) = list_models({"own": ModelSpec(name="own", chat=CLAUDE, model="claude-x")})
    assert (row["chat"], row["base_url"], row["host"], row["loopback"]) == (CLAUDE, "", CLAUDE, False)


class _Claude(BaseHTTPRequestHandler):
    """Anthropic's Messages API, as far as one reply or one error goes."""

    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["x-api-key"] or self.headers["Authorization"]
        self.server.asked.append((self.path, key, body))
        status, said = self.server.turns.pop(0)
        raw = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def message(text: str, stop: str) -> dict[str, Any]:
    thought = {"type": "thinking", "thinking": "Let me see.", "signature": "x"}
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "any-name",
        "content": [thought, {"type": "text", "text": text}], "stop_reason": stop, "stop_sequence": None,
        "usage": {
            "input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5, "output_tokens": 12,
        },
    }  # fmt: skip


def error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}


@pytest.fixture
def claude() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Claude)
    server.asked, server.turns = [], []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_langchains_anthropic_is_asked_in_its_own_protocol(tmp_path: Path, claude: Any) -> None:
    url = f"http://127.0.0.1:{claude.server_port}"
    claude.turns = [
        (400, error("invalid_request_error", "temperature: not supported")),
        (200, message("the reply", "end_turn")),
        (529, error("overloaded_error", f"Overloaded {KEY}")),
        (200, message("cut", "max_tokens")),
    ]
    asked = {"chat": CLAUDE, "model": "any-name", "reasoning": {"tokens": 1024}, "params": {"base_url": url}}
    models = client(tmp_path, **asked)
    reply = models.ask(HERE, ASK, max_tokens=2000)
    assert (reply.text, reply.fault) == ("the reply", "")
    refused, entry = models.ledger.calls("r")
    assert (refused.nano, entry.request, entry.tokens_in, entry.cached) == (0, "msg_1", 45, 30)
    assert entry.nano == 15 * 1000 + 30 * 250 + 12 * 10_000 and entry.thought > 0
    (path, key, body), (_, _, again) = claude.asked
    assert path == "/v1/messages" and KEY in key and "stream" not in body
    assert body["max_tokens"] == 2000 and body["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert "temperature" in body and "temperature" not in again
    step = Here(node="coder", model="own", step=2, call="task-2")
    reply = models.ask(step, ASK)
    detail = "model 'own' at 127.0.0.1 answered HTTP 529: Overloaded ***"
    assert (reply.fault, reply.detail) == ("busy", detail)
    assert models.ask(step, ASK, max_tokens=3000).fault == "truncated" and len(claude.asked) == 4
