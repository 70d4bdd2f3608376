"""models.yaml: what is read, what is refused and how that is worded, where requests go, and where keys come from."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budgetmlagent.errors import UsageError
from budgetmlagent.models.catalog import list_models, price_words
from budgetmlagent.models.config import ModelSpec, host, is_loopback, load_models
from budgetmlagent.models.keys import api_key
from budgetmlagent.money.prices import Rates

Write = Callable[[str], Path]
REMOTE = "models:\n  a:\n    base_url: http://h/v1\n    model: x\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a models.yaml and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "models.yaml"
        path.write_text(text)
        return path

    return write


def remote(base_url: str, **more: object) -> ModelSpec:
    return ModelSpec.model_validate({"name": "m", "base_url": base_url, "model": "x", **more})


def test_the_shipped_models_are_embedded_and_need_no_key() -> None:
    models = load_models()
    assert list(models) == ["small", "large"]
    assert models["small"].price == 0
    assert models["large"].list_price_of == "gpt-4-0125-preview"
    assert all(is_loopback(spec) and spec.key is None for spec in models.values())


def test_a_whole_file(write: Write) -> None:
    models = load_models(
        write(
            "models:\n"
            "  paid: {base_url: https://openrouter.ai/api/v1/, model: openai/gpt-4o, key: A_KEY, max_tokens: 900}\n"
            "  priced:\n"
            "    base_url: http://127.0.0.1:8191/v1\n"
            "    model: any-name\n"
            "    price: {input: 0.1, output: 0.4, cached: 0}\n"
            "    context: 8192\n"
            "  own: {base_url: embedded, model: /models/mine.gguf, price: 0.0}\n"
            "  nobodys: {base_url: http://127.0.0.1:8191/v1, model: nobodys}\n"
        )
    )
    assert models["paid"].base_url == "https://openrouter.ai/api/v1"
    assert models["priced"].price == Rates(input=Decimal("0.1"), output=Decimal("0.4"), cached=Decimal(0))
    assert models["own"].price == 0
    assert [price_words(spec) for spec in models.values()] == [
        "list price of openai/gpt-4o",
        "$0.1 in, 0.4 out, 0 cached per million tokens",
        "free",
        "no price is known",
    ]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "1: models", "is wanted"),
        ("- a\n", "1: models", "is wanted"),
        ("models: {}\n", "1: models", "is wanted"),
        ("models:\n  a: {base_url: embedded\n", "3", "not YAML"),
        ("models:\n  a: 1\n  a: 2\n", "3", "duplicate key"),
        ("models:\n  a: small\n", "2: a", "is wanted"),
        ("models:\n  recall: {}\n", "2: recall", "taken"),
        ("models:\n  7: {}\n", "2: 7", "no model's name"),
        ("models:\n  a: {base_url: embedded, model: x.gguf}\nmore: 1\n", "3: more", "unknown"),
        ("models:\n  a:\n    model: x\n", "2: a.base_url", "required"),
        (
            "models:\n  a:\n    base_url: embedded\n    model: gpt-9\n",
            "4: a.model",
            "no embedded model 'gpt-9'",
        ),
        ("models:\n  a:\n    base_url: ftp://h/v1\n    model: x\n", "3: a.base_url", "is wanted"),
        ("models:\n  a:\n    base_url: http://me:pw@h/v1\n    model: x\n", "3: a.base_url", "is wanted"),
        (REMOTE + "    prise: 0\n", "5: a.prise", "not permitted"),
        (REMOTE + "    name: b\n", "5: a.name", "unknown"),
        (REMOTE + "    price: cheap\n", "5: a.price", "0 or {input"),
        (REMOTE + "    price: 3\n", "5: a.price", "0 or {input"),
        (REMOTE + "    price: false\n", "5: a.price", "0 or {input"),
        (REMOTE + "    price:\n      input: 1\n      output: -1\n", "7: a.price.output", "or equal to 0"),
        (REMOTE + "    price: {input: .inf, output: 1}\n", "5: a.price.input", "finite"),
        (REMOTE + "    price: {input: 1}\n", "5: a.price.output", "required"),
        (REMOTE + "    temperature: true\n", "5: a.temperature", "valid number"),
        (REMOTE + "    temperature: 3\n", "5: a.temperature", "or equal to 2"),
        (REMOTE + "    temperature: .nan\n", "5: a.temperature", "or equal to 2"),
        (REMOTE + "    timeout: true\n", "5: a.timeout", "valid number"),
        (REMOTE + "    timeout: .inf\n", "5: a.timeout", "or equal to 86400"),
        (REMOTE + "    max_tokens: true\n", "5: a.max_tokens", "valid integer"),
        (REMOTE + "    seed: 1\n", "5: a.seed", "valid boolean"),
        (REMOTE + "    reasoning: max\n", "5: a.reasoning", "'low', 'medium', 'high' or 'none'"),
        (REMOTE + "    reasoning:\n      tokens: 0\n", "6: a.reasoning.tokens", "or equal to 1"),
        (
            REMOTE + "    reasoning: {tokens: 9}\n    max_tokens: 9\n",
            "6: a.max_tokens",
            "no room for an answer",
        ),
        (REMOTE + "    params: {stream: true}\n", "5: a.params", "'stream' is set by budgetml"),
        (REMOTE + "    params: {n_predict: 9}\n", "5: a.params", "'n_predict' is set by budgetml"),
        (REMOTE + "    params: {x: [.nan]}\n", "5: a.params", "a number that JSON has not"),
        (REMOTE + "    params: {extra_headers: {Authorization: x}}\n", "5: a.params", "looks like a key"),
        (REMOTE + "    params: {a: [{api_key: x}]}\n", "5: a.params", "looks like a key"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(write: Write, text: str, where: str, what: str) -> None:
    path = write(text)
    with pytest.raises(UsageError) as refused:
        load_models(path)
    assert str(refused.value).startswith(f"{path}:{where}: ")
    assert what in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_key_written_out_is_refused_and_not_repeated(write: Write) -> None:
    path = write("models:\n  a: {base_url: http://h/v1, model: x, key: sk-or-v1-0123}\n")
    with pytest.raises(UsageError, match=r":2: a\.key: the name of an environment variable") as refused:
        load_models(path)
    assert "0123" not in str(refused.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read: No such file"):
        load_models(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"models: \xff\n")
    with pytest.raises(UsageError, match=r"latin\.yaml: is no UTF-8 text"):
        load_models(tmp_path / "latin.yaml")


PIECES = [
    "models:",
    "\n",
    "  ",
    "a",
    ": ",
    "{",
    "}",
    "[",
    ",",
    "base_url",
    "embedded",
    "price",
    "0",
    "&x",
    "*x",
    "'",
    "<<",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_any_text_is_read_or_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        models = load_models(path)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert models


@pytest.mark.parametrize(
    ("base_url", "name", "loopback"),
    [
        ("embedded", "127.0.0.1", True),
        ("http://127.0.0.1:8191/v1", "127.0.0.1", True),
        ("http://127.8.8.8/v1", "127.8.8.8", True),
        ("http://localhost:11434/v1", "localhost", True),
        ("http://LOCALHOST/v1", "localhost", True),
        ("http://[::1]:8080/v1", "::1", True),
        ("http://0.0.0.0:1/v1", "0.0.0.0", False),
        ("http://10.0.0.7/v1", "10.0.0.7", False),
        ("https://localhost.example.com/v1", "localhost.example.com", False),
        ("https://127.0.0.1.example.com/v1", "127.0.0.1.example.com", False),
    ],
)
def test_where_requests_go(base_url: str, name: str, loopback: bool) -> None:
    spec = ModelSpec(name="m", base_url=base_url, model="x.gguf")
    assert host(spec) == name
    assert is_loopback(spec) is loopback


@pytest.mark.parametrize(
    "base_url",
    ["http://a\\@127.0.0.1/v1", "http://127.0.0.1@a/v1", "http://h/v1?x=1", "http:///v1", "h", "http://h\n"],
)
def test_an_address_with_two_readings_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="is wanted"):
        remote(base_url)


def test_keys_come_from_the_environment_and_then_from_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = remote("https://example.com/v1", key="BUDGETML_TEST_KEY")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUDGETML_TEST_KEY", raising=False)
    with pytest.raises(UsageError, match="set BUDGETML_TEST_KEY"):
        api_key(spec)
    Path(".env").write_text("BUDGETML_TEST_KEY='from file'\n")
    assert [api_key(spec), api_key(spec)] == ["from file"] * 2
    said = capsys.readouterr().err
    assert said == f"budgetml: BUDGETML_TEST_KEY is taken from {tmp_path.resolve() / '.env'}\n"
    monkeypatch.setenv("BUDGETML_OTHER", "another secret")
    Path(".env").write_text("BUDGETML_TEST_KEY=${BUDGETML_OTHER}\n")
    assert api_key(spec) == "${BUDGETML_OTHER}"
    monkeypatch.setenv("BUDGETML_TEST_KEY", "from environment")
    assert api_key(spec) == "from environment" and capsys.readouterr().err == ""
    assert api_key(remote("http://127.0.0.1/v1")) is None


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk–dash"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOME_KEY", raising=False)
    (tmp_path / ".env").write_text(f"SOME_KEY='{key}'\n")
    with pytest.raises(UsageError, match="SOME_KEY holds more than a key") as told:
        api_key(remote("http://h/v1", key="SOME_KEY"))
    assert key not in str(told.value)


def test_the_list_says_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path))
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    others = {"own": remote("embedded", model=str(own)), "far": remote("https://example.com/v1", key="K")}
    small, _, mine, far = json.loads(json.dumps(list_models(load_models() | others)))
    assert (small["present"], small["bytes"], small["price"]) == (False, 491_400_064, "free")
    assert Path(small["path"]).parent == tmp_path / "models"
    assert (mine["present"], mine["bytes"], mine["path"]) == (True, 4, str(own))
    assert (far["path"], far["present"], far["bytes"], far["host"]) == (None, None, None, "example.com")


def test_a_recorded_run_has_no_models_to_ask():
    with pytest.raises(
        UsageError, match=r"--models replay:runs/x: a recorded run has no models to ask; name a models\.yaml"
    ):
        load_models(Path("replay:runs/x"))
