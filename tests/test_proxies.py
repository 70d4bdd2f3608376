"""The person's proxy: requests to models go through it, those to this machine never, and it is named without its password."""

from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer
from test_client import ASK, client, here

from budgetmlagent.cli import call
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.embedded.fetch import FetchError, from_hub
from budgetmlagent.models.faults.surroundings import proxy_before, shown_proxies
from budgetmlagent.models.proxies import Proxy, proxy_for

REMOTE = "http://192.0.2.2:18931/v1"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-0123456789")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def models_yaml(folder: Path, url: str = REMOTE) -> str:
    file = folder / "models.yaml"
    rows = "".join(
        f'  {name}: {{base_url: "{url}", model: m, price: {{input: 2, output: 8}}}}\n'
        for name in ("small", "large")
    )
    file.write_text(f"models:\n{rows}")
    return str(file)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_remote_model_is_asked_through_the_proxy_and_quietly(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultServer() as proxy:
        monkeypatch.setenv(variable, f"http://u:secret@127.0.0.1:{proxy.server_port}")
        reply = client(tmp_path, REMOTE).ask(here(), ASK)
        assert reply.text == "hello"
        assert len(proxy.requests) == 1
    assert not caplog.records  # LangChain would warn that the proxy is not used


def test_one_on_this_machine_never_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer() as proxy, FaultServer() as own:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        assert client(tmp_path, own.url).ask(here(), ASK).text == "hello"
        assert (len(proxy.requests), len(own.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("variables", "url", "shown"),
    [
        ({"HTTP_PROXY": "http://u:secret@proxy.corp:3128"}, REMOTE, "http://proxy.corp:3128 (HTTP_PROXY)"),
        ({"HTTP_PROXY": "proxy.corp:3128"}, REMOTE, "http://proxy.corp:3128 (HTTP_PROXY)"),
        ({"HTTP_PROXY": "http://a:1", "http_proxy": "http://b:2"}, REMOTE, "http://b:2 (http_proxy)"),
        ({"HTTP_PROXY": "http://a:1", "http_proxy": ""}, REMOTE, None),
        ({"HTTPS_PROXY": "http://a:1"}, REMOTE, None),
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "http://b:2"}, REMOTE, "http://b:2 (ALL_PROXY)"),
        ({"all_proxy": "socks5://u:secret@b:2"}, "https://api.corp/v1", "socks5://b:2 (all_proxy)"),
        ({"HTTP_PROXY": "http://a:1", "NO_PROXY": "192.0.2.2"}, REMOTE, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": ".corp, other"}, "https://api.corp/v1", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, "https://api.corp/v1", None),
        ({"HTTP_PROXY": "http://a:1"}, "http://localhost:8000/v1", None),
        ({"HTTP_PROXY": "http://a:1"}, "http://[::1]:8000/v1", None),
        ({"HTTP_PROXY": "http://u:secret@a:port"}, REMOTE, "HTTP_PROXY"),
    ],
)  # fmt: skip
def test_which_proxy_stands_before_a_model(
    variables: dict[str, str], url: str, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_before(ModelSpec(name="small", base_url=url, model="m"))
    assert (found and found.shown) == shown
    assert "secret" not in repr(found)


def test_an_embedded_model_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://a:1")
    embedded = ModelSpec(name="small", base_url="embedded", model="qwen2.5-coder-0.5b-instruct")
    elsewhere = ModelSpec(name="large", base_url="https://api.corp/v1", model="m")
    assert proxy_before(embedded) is None
    assert shown_proxies([embedded, elsewhere, elsewhere]) == ["http://a:1 (ALL_PROXY)"]


BAD = [
    ("ALL_PROXY", "socks5://u:secret@127.0.0.1:1", "ALL_PROXY names a SOCKS proxy, which needs a package more: pip install"),
    ("https_proxy", "socks5h://127.0.0.1:1", "https_proxy names a SOCKS proxy"),
    ("HTTP_PROXY", "http://u:secret@host:port", "HTTP_PROXY holds no address of a proxy: correct it"),
    ("HTTP_PROXY", "secret://127.0.0.1:1", "HTTP_PROXY holds no address of a proxy"),
    ("http_proxy", "http:secret", "http_proxy holds no address of a proxy"),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "value", "words"), BAD)
def test_one_that_cannot_be_used_ends_a_run_before_it_begins(
    variable: str, value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setenv(variable, value)
    task, runs = str(tiny.task(tmp_path)), tmp_path / "runs"
    arguments = ["run", task, "--models", models_yaml(tmp_path), "--runs-dir", str(runs)]
    for more in ([], ["--dry-run"]):
        assert call([*arguments, *more]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"budgetml: model 'small': {words}")
        assert said.count("\n") == 1 and "secret" not in said
    assert not runs.exists()
    # The positive control: the model on this machine needs no proxy.
    assert call(["run", task, "--models", models_yaml(tmp_path, "http://127.0.0.1:1/v1"), "--dry-run"]) == 0


def test_it_is_named_once_by_a_dry_run_and_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://u:secret@127.0.0.1:1")
    models, runs = models_yaml(tmp_path), str(tmp_path / "runs")
    assert call(["run", str(tiny.task(tmp_path)), "--models", models, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("by proxy   http://127.0.0.1:1 (HTTP_PROXY)\n") == 1
    assert call(["models", "check", "--models", models, "--runs-dir", runs]) == 3
    said = capsys.readouterr()
    assert said.out.count("by proxy http://127.0.0.1:1 (HTTP_PROXY)\n") == 1
    assert "cannot be reached by the proxy http://127.0.0.1:1 (HTTP_PROXY); check that proxy" in said.out
    assert "secret" not in said.out + said.err


def test_the_doctor_names_each_and_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://u:secret@proxy.corp:3128")
    monkeypatch.setenv("ALL_PROXY", "socks5://u:secret@proxy.corp:1080")
    assert call(["doctor", "--runs-dir", str(tmp_path)]) == 3
    said = capsys.readouterr().out
    assert "ok  proxy: http://proxy.corp:3128 (HTTPS_PROXY)\n" in said
    assert "BAD proxy: ALL_PROXY names a SOCKS proxy" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks5://u:secret@127.0.0.1:1", "ALL_PROXY names a SOCKS proxy, by which nothing is fetched"),
        ("http:secret", "ALL_PROXY holds no address of a proxy"),
        ("http://127.0.0.1:1", "Connection refused"),
    ],
)
def test_a_download_goes_by_it_too(
    value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "HF_ENDPOINT", "http://hub.invalid"
    )  # which no name server knows: only a proxy could be refused
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(FetchError, match=words) as raised:
        from_hub("some/repo", "file", 10, tmp_path / "part")
    assert "secret" not in str(raised.value)


def test_without_a_variable_there_is_none() -> None:
    assert proxy_for("https://api.corp/v1") is None
    assert Proxy("HTTP_PROXY", "http://a:1").fault == ""
