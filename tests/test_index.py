"""The index of a store: found by field and by text alike, still open after use, and never older than what is on disk."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from memory.index import Index
from memory.store import FIELDS, KINDS, Store, StoreError
from tests.test_history import ROOT

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
    done = subprocess.run([sys.executable, "-c", OTHER, folder, str(number), *killed], cwd=ROOT, check=False)
    assert done.returncode == (-signal.SIGKILL if killed else 0)


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


def test_an_index_stays_open_until_somebody_else_has_written(tmp_path):
    folder = tmp_path / "s"
    with Store(folder) as store:
        store.upsert([item(0)])
        used = store._index
    with Store(folder) as store:
        assert store._index is used
    elsewhere(folder, 1)
    with Store(folder) as store:
        assert store._index is not used
        assert store.query("written elsewhere 1", "repair", 1)[0][1] == 1.0
        store.upsert([item(5)])
    elsewhere(folder, 2, "killed")
    with Store(folder) as store, Store(tmp_path / "other") as other:
        other.upsert([item(9)])
        assert store.count() == len(store.ids()) == 4
        used = store._index
    shutil.rmtree(folder / "index")
    with Store(folder) as store:
        assert (store._index is used, store.count()) == (False, 4)


def test_what_was_seen_whole_is_not_checked_again_unless_it_is_another_file(tmp_path):
    with Store(tmp_path) as store:
        store.upsert(item(k) for k in range(300))
        index = store._index
    mark, database = tmp_path / "index" / "sound", tmp_path / "index" / "chroma.sqlite3"
    assert mark.read_bytes() == index._look()
    found = database.stat()
    raw = bytearray(database.read_bytes())
    raw[8192:20000] = b"\xff" * (20000 - 8192)
    database.write_bytes(raw)
    os.utime(database, ns=(found.st_atime_ns, found.st_mtime_ns))  # as a stranger's archive would have it
    assert mark.read_bytes() != index._look()
    with pytest.raises(StoreError, match="damaged"):
        Store(tmp_path).open()


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
        store.upsert([item(0)])
    Index._kept.pop(tmp_path / "index").close()
    Index(tmp_path / "index", KINDS, FIELDS[1:]).close()
    with Store(tmp_path) as store:
        assert len(store.query("text", "repair", 9, {"task": "t0"})) == 1


def test_an_index_of_an_earlier_version_shows_nothing_that_stays(tmp_path):
    """It had one collection a kind, whatever an item said of its data."""
    with Store(tmp_path) as store:
        names = store.upsert([item(0), item(1, data="stays")])
        mixed = store._index._collection("repair")
        mixed.upsert(ids=names, documents=["text 0", "text 1"])
        assert len(store.query("text", "repair", 9, LEAVING)) == 2
    Index._kept.pop(tmp_path / "index").close()
    (tmp_path / "index" / "facts.sqlite3").unlink()
    with Store(tmp_path) as store:
        assert [name for name, _ in store.query("text", "repair", 9, LEAVING)] == names[:1]
        assert len(store.query("text", "repair", 9)) == 2
