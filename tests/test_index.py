"""The index of a store: found by field and by text alike, still open after use, and never older than what is on disk."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import forked
import pytest

from memory.embedding import SHIPPED
from memory.facts import Facts
from memory.index import Index
from memory.items import FIELDS, StoreError
from memory.marks import NAME, look, mark, marked
from memory.store import Store

OTHER = """
import os, signal, sys
from pathlib import Path
from memory.store import Store
with Store(Path(sys.argv[1])) as store:
    store.upsert([{"kind": "repair", "text": f"written elsewhere {sys.argv[2]}", "error": "E", "data": "schema"}])
    if sys.argv[3:]:
        os.kill(os.getpid(), signal.SIGKILL)
"""
LEAVING = {"data": {"$in": ["schema", "samples"]}}


def elsewhere(folder, number, *killed):
    status, output = anew(OTHER, folder, number, *killed)
    assert status == (-signal.SIGKILL if killed else 0), output


def anew(code, *arguments):
    """The exit status and the output of a process that has had no index open."""
    with TemporaryDirectory() as folder:
        return forked.run(code, Path(folder), *arguments)


def item(k, **more):
    return {
        "kind": "repair",
        "text": f"text {k}",
        "error": f"E{k % 3}",
        "task": f"t{k % 2}",
        "data": "schema",
    } | more


def test_fields_and_texts_find_the_same_items_at_the_same_distance(tmp_path):
    with Store(tmp_path) as store:
        names = store.upsert([*(item(k) for k in range(12)), item(12, data="stays"), item(0, kind="case")])
        near = dict(store.query("text 3", "repair", 50))
        assert set(near) == set(names[:13])
        assert dict(store.query("text 3", "repair", 50, LEAVING)) == {name: near[name] for name in names[:12]}
        for where, wanted in (
            ({"error": "E0"}, names[0:13:3]),
            ({"$and": [{"error": "E0"}, LEAVING]}, names[0:12:3]),
            ({"$and": [{"error": "E0"}, {"task": "t0"}]}, names[0:13:6]),
            ({"data": {"$in": ["stays"]}}, names[12:13]),
            ({"error": "none"}, []),
        ):
            assert dict(store.query("text 3", "repair", 50, where)) == pytest.approx(
                {n: near[n] for n in wanted}, abs=2e-4
            )
        ((first, _),) = store.query("text 3", "repair", 1, {"error": "E0"})
        assert first == names[3]
        with pytest.raises(KeyError):
            store.query("x", "repair", 1, {"id = '' OR": "1"})


@pytest.mark.parametrize("few", [0, 3000])
def test_a_text_is_found_behind_a_crowd_of_equal_ones(tmp_path, few):
    """Chroma's graph does not lead to it: its neighbours are all in the crowd."""
    words = ["age", "date", "group", "label", "price", "weight", "colour", "length"]
    rare = [f"KeyError: no {one} of {other}" for one, other in combinations(words, 2)]
    crowds = [[f"ValueError: kind {k % 5}" for k in range(60)] for _ in rare]
    texts = [text for one, crowd in zip(rare, crowds, strict=True) for text in (*crowd, one)]
    index = Index(tmp_path / "index", SHIPPED, few=few)
    names = [f"{number:064d}" for number in range(len(texts))]
    fields = {"kind": "repair", "data": "schema"}
    index.put([(name, text, fields) for name, text in zip(names, texts, strict=True)])
    for where in (None, LEAVING):
        found = [index.nearest(text, "repair", 20, where)[0] for text in rare]
        assert found == [(name, 1.0) for name, text in zip(names, texts, strict=True) if text in rare]
    if few:
        like = index.nearest("KeyError: no height of colour", "repair", 20, None)
        assert {texts[int(name)] for name, _ in like} <= set(rare)
    index.close()


def test_an_index_stays_open_until_somebody_else_has_written(tmp_path):
    folder = tmp_path / "s"
    with Store(folder) as store:
        store.upsert([item(0)])
        used = store._indexes[0]
    with Store(folder) as store:
        assert store._indexes[0] is used
    elsewhere(folder, 1)
    with Store(folder) as store:
        assert store._indexes[0] is not used
        assert store.query("written elsewhere 1", "repair", 1)[0][1] == 1.0
        store.upsert([item(5)])
    elsewhere(folder, 2, "killed")
    with Store(folder) as store, Store(tmp_path / "other") as other:
        other.upsert([item(9)])
        assert store.count() == len(store.ids()) == 4
        used = store._indexes[0]
    shutil.rmtree(folder / "index")
    with Store(folder) as store:
        assert (store._indexes[0] is used, store.count()) == (False, 4)


def test_what_was_left_here_is_opened_as_it_is_and_another_file_or_a_copy_is_made_anew(tmp_path):
    folder = tmp_path / "s"
    with Store(folder) as store:
        store.upsert(item(k) for k in range(30))
    index, database = folder / "index", folder / "index" / "chroma.sqlite3"
    first = database.stat()
    elsewhere(folder, 1)
    assert database.stat().st_ino == first.st_ino and marked(index)
    raw = bytearray(database.read_bytes())
    raw[8192:20000] = b"\xff" * (20000 - 8192)
    database.write_bytes(raw)
    os.utime(database, ns=(first.st_atime_ns, first.st_mtime_ns))  # as a stranger's archive would have it
    assert not marked(index)
    for place in (folder, Path(shutil.copytree(folder, tmp_path / "received"))):
        with Store(place) as store:
            assert store.count() == 31
            assert (place / "index" / "chroma.sqlite3").read_bytes()[8192:20000] != bytes(raw[8192:20000])


def test_a_mark_that_others_could_have_written_is_not_believed(tmp_path):
    with Store(tmp_path) as store:
        store.upsert([item(0)])
    index = tmp_path / "index"
    assert marked(index)
    (index / NAME).chmod(0o622)
    assert not marked(index)
    (index / NAME).chmod(0o600)
    (index / "chroma.sqlite3-journal").write_bytes(b"what SQLite would take over first")
    assert not marked(index)


# Numbers on which Chroma's own code ends the process.
FATAL = (
    "UPDATE collections SET schema_str = replace(schema_str, '\"max_neighbors\":16', '\"max_neighbors\":0')"
)
OPEN = """
import sys
from pathlib import Path
from memory.marks import look, mark
from memory.store import Store
index = Path(sys.argv[1]) / "index"
if sys.argv[2] == "left":
    mark(index, look(index))
with Store(Path(sys.argv[1])) as store:
    print(store.query("text 3", "repair", 1))
"""


def test_an_index_that_would_end_the_process_is_made_anew(tmp_path):
    with Store(tmp_path) as store:
        store.upsert(item(k) for k in range(40))
    with closing(sqlite3.connect(tmp_path / "index" / "chroma.sqlite3")) as db, db:
        db.execute(FATAL)
    there = tmp_path / "index" / "0a1b"
    there.mkdir()
    (there / "index_metadata.pickle").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    status, output = anew(OPEN, tmp_path, "left")
    assert status < 0 and "[('" not in output  # without the guard
    (there / "index_metadata.pickle").touch()
    status, output = anew(OPEN, tmp_path, "received")
    assert status == 0 and output.startswith("[('"), output
    assert not there.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER more AFTER INSERT ON items BEGIN DELETE FROM items; END",
        "CREATE VIEW more AS SELECT 1",
        "ALTER TABLE items ADD COLUMN more AS (zeroblob(900000000))",
        "CREATE INDEX more ON items (length(id))",
    ],
)
def test_a_table_that_computes_is_refused(tmp_path, statement):
    path = tmp_path / "facts.sqlite3"
    Facts(path, FIELDS, "").close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(sqlite3.DatabaseError, match="none of budgetml's"):
        Facts(path, FIELDS, "")


def test_what_is_wrong_with_the_table_is_one_line(tmp_path):
    with Store(tmp_path) as store:
        store.upsert([item(0)])
    Index._kept.pop(tmp_path / "index").close()
    with closing(sqlite3.connect(tmp_path / "index" / "facts.sqlite3")) as db:
        db.execute("CREATE VIEW more AS SELECT 1")
    mark(tmp_path / "index", look(tmp_path / "index"))
    with pytest.raises(StoreError, match=r"holds a view that is none of budgetml's.*is made again") as caught:
        Store(tmp_path).open()
    assert "\n" not in str(caught.value)


def test_what_an_index_has_and_the_folder_has_not_is_not_given(tmp_path):
    """Somebody else may have written the index: it can name what there is no item of, or a path."""
    with Store(tmp_path) as store:
        (name,) = store.upsert([item(0)])
        fields = {"kind": "repair", "error": "E0", "data": "schema"}
        store._indexes[0].put([("0" * 64, "text 0", fields), (f"../items/{name}", "text 0", fields)])
        assert [hit for hit, _ in store.query("text 0", "repair", 9)] == [name]
        assert [hit for hit, _ in store.having("repair", {"error": "E0"}, 9)] == [name]


def test_the_greatest_come_first_and_what_has_no_number_last(tmp_path):
    gains = (0.5, "much", 2, None, -1.0, True)
    with Store(tmp_path) as store:
        names = [store.upsert([item(3 * k, gained=gain, of=f"o{k}")])[0] for k, gain in enumerate(gains)]
        found = [name for name, _ in store.having("repair", {"error": "E0"}, 9)]
        assert found[:4] == [names[2], names[5], names[0], names[4]]
        assert set(found[4:]) == {names[1], names[3]}
        assert [name for name, _ in store.having("repair", {"of": "o3"}, 1)] == [names[3]]
        others = {name for name, _ in store.query("text", "repair", 9, {"of": {"$nin": ["o1", "o2"]}})}
        assert others == {names[0], *names[3:]}


@pytest.mark.parametrize("part", ["facts.sqlite3", "chroma.sqlite3"])
def test_either_part_of_an_index_is_made_again(tmp_path, part):
    with Store(tmp_path) as store:
        names = store.upsert(item(k) for k in range(4))
    (tmp_path / "index" / part).unlink()
    if part == "facts.sqlite3":
        (tmp_path / "index" / part).write_bytes(b"")
    with Store(tmp_path) as store:
        assert (
            len(store.query("text", "repair", 9))
            == len(store.query("text", "repair", 9, {"data": "schema"}))
            == 4
        )
        assert store.ids() == sorted(names)


def test_a_table_of_another_shape_is_made_anew(tmp_path):
    with Store(tmp_path) as store:
        store.upsert([item(0, of="o")])
    Index._kept.pop(tmp_path / "index").close()
    Index(tmp_path / "index", SHIPPED, FIELDS[:-1]).close()
    with Store(tmp_path) as store:
        assert len(store.query("text", "repair", 9, {"of": "o"})) == 1


def test_an_index_of_an_earlier_version_shows_nothing_that_stays(tmp_path):
    """It had one collection a kind, whatever an item said of its data."""
    with Store(tmp_path) as store:
        names = store.upsert([item(0), item(1, data="stays")])
        mixed = store._indexes[0]._collection("repair")
        mixed.upsert(ids=names, embeddings=SHIPPED.vectors(["text 0", "text 1"]))
        assert mixed.count() == 2
    Index._kept.pop(tmp_path / "index").close()
    (tmp_path / "index" / "facts.sqlite3").unlink()
    with Store(tmp_path) as store:
        assert [name for name, _ in store.query("text", "repair", 9, LEAVING)] == names[:1]
        assert len(store.query("text", "repair", 9)) == 2
