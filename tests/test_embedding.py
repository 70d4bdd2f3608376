"""Who makes the vectors: a change of it makes the index anew from the items, and what stays is embedded on this machine."""

import pytest
from chromadb.utils.embedding_functions import DefaultEmbeddingFunction, register_embedding_function
from fault_server import FaultServer, Turn

from memory.embedding import SHIPPED, Embedding, named
from memory.index import Index
from memory.items import StoreError
from memory.store import Store

LEAVING = {"data": {"$in": ["schema", "samples"]}}
SECRET = "sk-of-a-person"


def item(k, data="schema"):
    return {"kind": "repair", "text": f"text{k} of {data}", "error": f"E{k}", "data": data}


@register_embedding_function
class Lengths(DefaultEmbeddingFunction):
    """A function of Chroma's by its name."""

    def __call__(self, input):
        return [[float(len(text)), 1.0] for text in input]

    @staticmethod
    def name():
        return "of_a_test"


@pytest.fixture
def endpoint():
    with FaultServer() as server:
        yield server


def texts(server):
    return [text for request in server.requests for text in request.body["input"]]


@pytest.mark.parametrize(
    ("text", "embedding"),
    [
        ("shipped", SHIPPED),
        ("http://127.0.0.1:8080/v1/ m", Embedding("http://127.0.0.1:8080/v1", "m")),
        ("https://api.example/v1 m KEY", Embedding("https://api.example/v1", "m", "KEY")),
        ("sentence_transformer", Embedding(function="sentence_transformer")),
    ],
)
def test_a_setting_names_an_embedding(text, embedding):
    assert named(text) == embedding


@pytest.mark.parametrize(
    "text",
    ["", "http://h/v1", "ftp://h/v1 m", "http:///v1 m", "http://u:p@h m", "http://h/v1?k=x m", "http://h:x m", "a b c d"],
)  # fmt: skip
def test_what_names_no_embedding_is_refused(text):
    with pytest.raises(ValueError, match=r".") as caught:
        named(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("embedding", "local"),
    [
        (SHIPPED, True),
        (Embedding("http://localhost:1/v1", "m"), True),
        (Embedding("http://[::1]:1/v1", "m"), True),
        (Embedding("http://127.0.0.1.example/v1", "m"), False),
        (Embedding(function="default"), True),
        (Embedding(function="openai"), False),
        (Embedding(function="ollama"), False),
    ],
)
def test_what_is_not_on_this_machine_is_told(embedding, local):
    assert (embedding.local, embedding.host == "") == (local, local)


def test_another_embedding_makes_the_index_anew_from_the_items(tmp_path, endpoint, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    other = named(f"{endpoint.url} small MY_KEY")
    with Store(tmp_path) as store:
        names = store.upsert([item(k) for k in range(70)] + [item(70, "stays")])
    with Store(tmp_path, other) as store:
        assert store.count() == len(texts(endpoint)) == 71
        assert {request.key for request in endpoint.requests} == {SECRET}
        assert max(len(request.body["input"]) for request in endpoint.requests) == 64
        assert dict(store.query("text7 of schema", "repair", 20, LEAVING))[names[7]] == 1.0
        assert (
            store.query("text70 of stays", "repair", 1)[0][0] == names[70]
        )  # on this machine: it may be asked
        assert store.having("repair", {"error": "E9"}, 2) == [(names[9], float("-inf"))]
    asked = len(endpoint.requests)
    with Store(tmp_path, other) as store:
        assert len(endpoint.requests) == asked
        store.upsert([item(71)])
    with Store(tmp_path) as store:
        assert (store.count(), len(endpoint.requests)) == (72, asked + 1)


def test_an_index_that_was_half_made_is_gone_on_with(tmp_path, endpoint):
    """What was asked of an endpoint, and perhaps paid for, is not asked again."""
    other = named(f"{endpoint.url} small")
    with Store(tmp_path) as store:
        store.upsert([item(k) for k in range(150)])
    endpoint.script = [Turn(), Turn(), Turn(fault="401")]
    with pytest.raises(StoreError, match="does not answer"):
        Store(tmp_path, other).open()
    Index._kept.pop(tmp_path / "index").close()
    with Store(tmp_path, other) as store:
        assert store.count() == len(store.having("repair", {"data": "schema"}, 200)) == 150
        assert len(texts(endpoint)) == 150 + 22  # those of the failed request


def test_what_stays_is_embedded_on_this_machine_alone(tmp_path, endpoint, monkeypatch):
    monkeypatch.setenv("http_proxy", endpoint.url.removesuffix("/v1"))
    away = named("http://embedder.example/v1 large")
    with Store(tmp_path, away) as store:
        closed, opened, silent = store.upsert([item(1, "stays"), item(2), item(3) | {"data": None}])
        assert texts(endpoint) == ["text2 of schema"]
        assert {name for name, _ in store.query("text of stays", "repair", 9)} == {closed, opened, silent}
        assert {name for name, _ in store.query("text1", "repair", 9, {"error": "E1"})} == {closed}
        assert len(endpoint.requests) == 1
        assert store.query("text2 of schema", "repair", 9, LEAVING) == [(opened, 1.0)]
        found = store.query("text2", "repair", 9, {"$and": [{"error": "E2"}, LEAVING]})
        assert [name for name, _ in found] == [opened]
        assert texts(endpoint)[1:] == ["text2 of schema", "text2"]
        assert store.count() == 3
        store.delete([opened])
        assert store.query("text2 of schema", "repair", 9, LEAVING) == []
    with Store(tmp_path, away) as store:  # made anew, too, with nothing but what may leave
        store.upsert([item(4)])
    for folder in (tmp_path / "index", tmp_path / "index-away"):
        Index._kept.pop(folder).close()
    (tmp_path / "index-away/facts.sqlite3").unlink()
    with Store(tmp_path, away) as store:
        assert len(store.query("text4 of schema", "repair", 9, LEAVING)) == 1
    assert not [text for text in texts(endpoint) if "stays" in text or "text1" in text or "text3" in text]


ANSWERS = [[], {"data": []}, {"data": [{"index": 0, "embedding": [0.0, 0.0]}]}, {"data": [{"index": 0, "embedding": ["a"]}]},
           {"data": [{"index": 0, "embedding": [1e999]}]}, {"data": [{"index": 0, "embedding": 3}]}, {"data": [{"embedding": [1.0]}]}]  # fmt: skip


@pytest.mark.parametrize(
    "turn",
    [*(Turn(said=said) for said in ANSWERS), *(Turn(fault=f) for f in ("401", "404", "redirect", "invalid_json", "error_body", "empty", "deep"))],
    ids=range(len(ANSWERS) + 7),
)  # fmt: skip
def test_an_endpoint_that_gives_no_vectors_is_one_line_without_the_key(endpoint, monkeypatch, turn):
    monkeypatch.setenv("MY_KEY", SECRET)
    endpoint.script = [turn]
    with pytest.raises(StoreError, match="does not answer as it should") as caught:
        named(f"{endpoint.url} small MY_KEY").vectors(["a"])
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_item_that_nobody_embeds_is_kept_and_found_later(tmp_path, endpoint):
    endpoint.script = [Turn(fault="401")]
    with Store(tmp_path, named(f"{endpoint.url} small")) as store:
        with pytest.raises(StoreError, match="does not answer"):
            store.upsert([item(1)])
        assert (store.count(), len(store.ids())) == (0, 1)
    with Store(tmp_path, named(f"{endpoint.url} small")) as store:
        assert store.count() == 1


def test_an_endpoint_that_is_busy_is_asked_again(endpoint):
    endpoint.script = [Turn(fault="429")]
    assert len(named(f"{endpoint.url} small").vectors(["a"])) == 1
    assert len(endpoint.requests) == 2


def test_a_key_that_is_not_set_is_one_line(monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(StoreError, match="set MY_KEY to its key"):
        named("http://127.0.0.1:9/v1 small MY_KEY").vectors(["a"])


def test_a_function_of_chromas_embeds(tmp_path):
    with Store(tmp_path, named("of_a_test")) as store:
        assert not store.embedding.local
        store.upsert([item(1, "schema"), item(22, "samples")])
        assert store.query("sixteen letters.", "repair", 1, LEAVING)[0][1] == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(StoreError, match="Chroma has no embedding function of this name"):
        named("nobody").vectors(["a"])
