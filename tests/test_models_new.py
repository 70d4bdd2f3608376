"""`budgetml models new`: a models.yaml for a provider that loads and is priced, and what it will cost."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.config import load_models
from budgetmlagent.models.providers import PROVIDERS, Provider, chosen, provider_of
from budgetmlagent.models.served import ends, served, size
from budgetmlagent.money.pricelist import listed
from budgetmlagent.money.prices import price_of
from budgetmlagent.new import modelsfile

HOSTED = [name for name, provider in PROVIDERS.items() if provider.listed_as]
LOCAL = [name for name in PROVIDERS if name not in HOSTED]
SECRET = "sk-of-this-test-0123456789"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in HOSTED:
        monkeypatch.delenv(str(PROVIDERS[name].key), raising=False)
    return tmp_path


@contextmanager
def serving(body: Any, status: int = 200) -> Iterator[str]:
    """A server on loopback that gives `body` to every GET."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/v1/models"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status if found else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def having(*names: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


def made(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert call(["models", "new", *words, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("name", HOSTED)
def test_a_hosted_providers_file_loads_and_is_priced(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = made(capsys, name)
    specs = load_models(Path("models.yaml"))
    assert list(specs) == ["small", "large"] and told["path"] == "models.yaml"
    small, large = (price_of(spec) for spec in specs.values())
    assert specs["small"].model != specs["large"].model
    assert 0 < small.input <= large.input and 0 < small.output < large.output
    for role, spec in specs.items():
        assert spec.price is None, "the list's price is looked up at each run"
        assert (spec.base_url, spec.key) == (PROVIDERS[name].base_url, PROVIDERS[name].key)
        row = told["models"][role]
        assert (row["model"], row["base_url"], row["key"]) == (spec.model, spec.base_url, spec.key)
        # The very entry: names are matched loosely, and a model of another name would be another price.
        assert row["price"] == price_of(spec).id == f"{PROVIDERS[name].listed_as}/{spec.model}"
    assert max(map(len, Path("models.yaml").read_text().splitlines())) <= 120
    assert 0 < told["worst_case_usd"]["small"] < told["worst_case_usd"]["large"]
    assert told["calls"]["small"] > told["calls"]["large"] >= 1, "the default budget goes some way"


def test_the_newest_of_the_first_family_that_is_listed_is_taken() -> None:
    ids = [model.id for model in listed("anthropic")]
    opus = [i for i in ids if re.fullmatch(r"claude-opus-\d+(-\d)?", i)]
    newest = max(opus, key=lambda name: [int(number) for number in name.split("-")[2:]])
    provider = Provider("https://api.anthropic.com/v1", None, "anthropic", ("claude-opus-#",), ("gone-#",))
    with pytest.raises(UnavailableError, match=r"genai-prices [\d.]+ has none of gone-# at anthropic"):
        chosen(provider)
    two = chosen(replace(provider, large=("gone-#", "claude-sonnet-#", "claude-opus-#")))
    assert len(opus) > 2 and two["small"][0].model == newest
    assert two["large"][0].model.startswith("claude-sonnet-") and two["large"][1].context
    assert listed("no such provider") == []


def test_the_comments_say_price_key_and_further_fields(capsys: pytest.CaptureFixture[str]) -> None:
    told = made(capsys, "openai", "--out", "sub/mine.yaml")
    text = Path("sub/mine.yaml").read_text()
    for rates in (row["usd_per_mtok"] for row in told["models"].values()):
        assert f"# ${rates['input']:g} in, ${rates['output']:g} out per million tokens" in text
    assert "genai-prices" in text and "OPENAI_API_KEY" in text
    for key in ("temperature", "seed", "schema", "reasoning", "timeout", "params", "max_tokens", "price"):
        assert f"#   {key}: " in text


def test_the_worst_case_is_that_of_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    told = made(capsys, "deepseek")
    options = ["--models", "models.yaml", "--dry-run", "--json"]
    assert call(["run", told["task"], "--budget", str(told["budget"]), *options]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert {key: dry[key] for key in ("worst_case_usd", "calls")} == {
        key: told[key] for key in ("worst_case_usd", "calls")
    }


def test_people_are_told_what_to_do_next_and_never_the_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(["models", "new", "groq", "--out", "a b.yaml"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("wrote a b.yaml\n") and "the key is missing: set GROQ_API_KEY" in said
    assert "budgetml models check --models 'a b.yaml'" in said
    assert "budgetml models profile --models 'a b.yaml'" in said
    assert "budgetml run digits --models 'a b.yaml'" in said and "calls at the worst" in said
    Path(".env").write_text(f"GROQ_API_KEY={SECRET}\n")
    assert call(["models", "new", "groq", "--out", "b.yaml"]) == 0
    said = capsys.readouterr().out
    assert "GROQ_API_KEY is set" in said and SECRET not in said + Path("b.yaml").read_text()
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert made(capsys, "openai")["key_set"] is True


def test_a_file_that_is_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("models.yaml").write_text("mine")
    assert call(["models", "new", "openai"]) == 2
    out, error = capsys.readouterr()
    assert not out and error == "budgetml: models.yaml: is there already; nothing was written\n"
    assert Path("models.yaml").read_text() == "mine"


def test_an_unknown_provider_is_one_line_and_help_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["models", "new", "opnai"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "'opnai'" in error and all(name in error for name in PROVIDERS)
    with pytest.raises(UsageError):
        provider_of("")
    assert call(["models", "new", "--help"]) == 0
    words = capsys.readouterr().out.replace("\n", " ")
    assert all(name in words for name in PROVIDERS)
    assert not list(Path().iterdir())


def test_a_local_server_is_asked_which_models_it_has(folder: Path) -> None:
    names = [
        "qwen3:8b",
        "nomic-embed-text:latest",
        "it's:0.6b",
        "qwen3:30b-a3b",
        "mystery:latest",
        "bad\nname:90b",
        7,
    ]
    with serving(having(*names)) as url:
        team = modelsfile.local("ollama", replace(PROVIDERS["ollama"], base_url=url))
    modelsfile.write(team, folder / "models.yaml")
    specs = load_models(folder / "models.yaml")
    assert [spec.model for spec in specs.values()] == ["it's:0.6b", "qwen3:30b-a3b"]
    assert all(price_of(spec).id == "price: 0" and spec.key is None for spec in specs.values())
    told = modelsfile.told(team, folder / "models.yaml")
    assert told["calls"] == {"small": None, "large": None} and told["key_set"] is None and not told["note"]
    text = (folder / "models.yaml").read_text()
    assert "# The server has qwen3:8b, it's:0.6b, qwen3:30b-a3b, mystery:latest.\n" in text


@pytest.mark.parametrize("name", LOCAL)
def test_where_sizes_are_not_told_both_are_the_same(name: str) -> None:
    with serving(having("mine", "yours")) as url:
        team = modelsfile.local(name, replace(PROVIDERS[name], base_url=url))
    assert {spec.model for spec in team.specs.values()} == {"mine"}
    assert "choose" in team.about[-1] and not team.note


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (having(), 200, "has no chat model yet"),
        (having("nomic-embed-text"), 200, "has no chat model yet"),
        (b"<html>", 200, "gives no list of models"),
        ([1], 200, "gives no list of models"),
        ({"data": None}, 200, "gives no list of models"),
        (having("x"), 401, "gives no list of models"),
    ],
)
def test_without_models_there_is_a_placeholder(body: Any, status: int, why: str, folder: Path) -> None:
    with serving(body, status) as url:
        team = modelsfile.local("vllm", replace(PROVIDERS["vllm"], base_url=url))
    assert why in team.note and PROVIDERS["vllm"].shown_by in team.note
    modelsfile.write(team, folder / "models.yaml")
    assert (
        f"# Put the name of a model of the server in the place of {modelsfile.PLACEHOLDER}: `"
        in (folder / "models.yaml").read_text()
    ), "a comment says what to do"
    assert load_models(folder / "models.yaml")["large"].model == modelsfile.PLACEHOLDER


def test_no_server_is_said() -> None:
    with serving(having("x")) as url:
        pass
    with pytest.raises(UnavailableError, match=f"no server answers at {url}"):
        served(url)


def test_sizes_are_read_from_names() -> None:
    told = {"Qwen/Qwen2.5-7B-Instruct-1M": 7, "mixtral:8x7b": 56, "gemma3:270m": 0.27, "llama3.2:latest": 0}
    assert {name: size(name) for name in told} == told
    assert ends(["a:latest", "b-70b", "c-8b"]) == ("c-8b", "b-70b")
