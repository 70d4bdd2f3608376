"""An index that somebody else may have written: Chroma builds no class that it names, and it computes nothing."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import watched
from chromadb import PersistentClient
from chromadb.config import Settings
from chromadb.utils.embedding_functions import DefaultEmbeddingFunction, register_embedding_function

from memory.believed import check
from memory.items import StoreError
from memory.marks import look, mark
from memory.store import Store

NONE = '{"type":"legacy"}'
THEIRS = '{"type":"known","name":"of_a_stranger","config":{"trust_remote_code":true}}'
ITEM = {"kind": "case", "text": "scale the columns", "name": "scale", "task": "t"}
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
built: list[dict[str, Any]] = []


@register_embedding_function
class OfAStranger(DefaultEmbeddingFunction):
    """Stands for a class that Chroma knows and that would import a model's own code."""

    @staticmethod
    def name() -> str:
        return "of_a_stranger"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> DefaultEmbeddingFunction:
        built.append(config)
        return OfAStranger()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with Store(tmp_path_factory.mktemp("made") / "history") as first:
        first.upsert([ITEM])
    return first.folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    built.clear()
    store = Store(shutil.copytree(made, tmp_path / "history"))
    left(store)
    return store


def left(store: Store) -> None:
    """Say of the index that it is as it was left here: one that was not is made anew before it is looked at."""
    mark(store.folder / "index", look(store.folder / "index"))


def altered(store: Store, *statements: str) -> None:
    with closing(sqlite3.connect(store.folder / "index" / "chroma.sqlite3")) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    left(store)


def test_a_class_that_a_strangers_index_names_is_not_built(store: Store) -> None:
    first = f"instr(schema_str, '{NONE}')"
    rest = f"substr(schema_str, {first} + {len(NONE)})"
    altered(store, f"UPDATE collections SET schema_str = substr(schema_str, 1, {first} - 1) || '{THEIRS}' || {rest}")  # fmt: skip
    with pytest.raises(StoreError, match=r"names an embedding that is none of budgetml's.*is made again from the items"):  # fmt: skip
        store.open()
    assert not built
    client = PersistentClient(store.folder / "index", Settings(_env_file=None, anonymized_telemetry=False))
    cases = client.get_or_create_collection("case-stays", embedding_function=None)
    cases.upsert(ids=["a"], embeddings=[[0.0] * 256])
    client.close()
    assert built  # without the check


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"UPDATE collections SET config_json_str = '{{\"embedding_function\":{THEIRS}}}'", "an embedding"),
        ('UPDATE collections SET config_json_str = \'{"embedding_function":{"name":"openai"}}\'', "an embedding"),
        ('UPDATE collections SET config_json_str = \'{"embedding_function":"openai"}\'', "an embedding"),
        ("UPDATE collections SET config_json_str = x'7b7d'", "an embedding"),
        (f"UPDATE collections SET config_json_str = '{'[' * 200}'", "no JSON"),
        ("CREATE TRIGGER more AFTER INSERT ON collections BEGIN DELETE FROM embeddings; END", "holds a trigger"),
        (f"CREATE VIEW more AS {ENDLESS} SELECT i FROM n", "holds a view"),
        ("CREATE VIRTUAL TABLE more USING fts5(a)", "none of budgetml's"),
        ("ALTER TABLE segments ADD COLUMN more AS (zeroblob(900000000))", "is computed"),
    ],
)  # fmt: skip
def test_an_index_that_computes_or_names_classes_is_refused(store: Store, statement: str, said: str) -> None:
    altered(store, statement)
    with watched.limited(), pytest.raises(StoreError, match=said):
        store.open()


def test_a_view_in_the_place_of_a_table_of_an_index_has_no_end_unless_it_is_refused(store: Store) -> None:
    altered(
        store,
        "DROP TABLE migrations",
        f"CREATE VIEW migrations AS {ENDLESS} SELECT '' AS sql FROM n WHERE i < 0",
    )
    with watched.limited(), pytest.raises(StoreError, match="holds a view"):
        store.open()
    with closing(sqlite3.connect(store.folder / "index" / "chroma.sqlite3")) as db:
        db.set_progress_handler(lambda: 1, 1_000_000)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            db.execute("SELECT sql FROM migrations").fetchall()  # what has no end without the check


def test_an_index_of_ours_is_believed(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / "index" / "chroma.sqlite3")) as db:
        check(db)
    with store:
        assert store.count("case") == 1 and store.query("scale columns", "case", 1)
