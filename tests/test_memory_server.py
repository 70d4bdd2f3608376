"""A Chroma server for what several machines learn: a real one, by itself, on this machine."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chromadb import HttpClient
from chromadb.config import Settings
from chromadb.utils.embedding_functions import DefaultEmbeddingFunction, register_embedding_function
from fault_server import FaultServer

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError
from budgetmlagent.settings import shared_memory
from budgetmlagent.upkeep import found, memory
from memory.embedding import named
from memory.items import StoreError
from memory.merge import SHARED, merge_pending
from memory.server import Server, address
from memory.shared import Place, Shared
from memory.store import Store
from tests.test_history import ROOT, Run, attempt_item

LEAVING = {"data": {"$in": ["schema", "samples"]}}
CHROMA = Path(sys.executable).parent / "chroma"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    command = [CHROMA, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(2400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        process.kill()


def repair(**more):
    return {"kind": "repair", "error": "E", "what": "w", "text": "E: w", "step": 1} | more


def test_what_one_machine_learns_another_is_given_but_nothing_that_stays(
    server, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("BUDGETML_MEMORY", server)
    here, there = tmp_path / "here/runs", tmp_path / "there/runs"
    for name, data in (("open", "schema"), ("closed", "stays")):
        run = Run(here, name, data=data)
        run.history.own.shared = shared_memory(here)
        run.history.remember(repair(what=name))
        run.history.close_and_merge()
    assert merge_pending(here, shared_memory(here)) == 0
    new = Run(there, "new")
    new.history.own.shared = shared_memory(there)
    (given,) = new.recall("coder", new.state(error="E"))
    assert (given["what"], given["source"]) == ("open", "open/1 t")
    assert found.search(there, "E", data="stays") == []  # what stays is not even asked about elsewhere
    assert {hit["run"] for hit in found.search(here, "E", data="stays")} == {"closed"}
    assert {hit["run"] for hit in found.search(here, "E")} == {"open"}
    told = found.stats(there)
    assert (told["items"], told["index"], told["place"].startswith(server)) == (1, "whole", True)
    with Shared(Place(tmp_path / "x", server)) as store:  # straight from the server: nothing of it is there
        assert [item["run"] for _, item in store.iterate()] == ["open"]

    memory.export(there, tmp_path / "out.jsonl")
    assert memory.take_in(there, tmp_path / "out.jsonl") == {"imported": 0, "known": 1}
    assert memory.forget(there, run="open") == 1
    assert {line["run"] for line in memory.list_items(here)} == {"bank", "closed"}
    (here / "open" / SHARED / "merged").unlink()
    assert merge_pending(here, shared_memory(here)) == 0  # forgotten there is forgotten everywhere
    assert Shared(shared_memory(here)).server.ids() == []


@pytest.mark.soak
def test_three_machines_write_to_one_server_at_once(server, tmp_path):
    code = """
import sys
from pathlib import Path
from memory.merge import merge
from memory.shared import Place
print(merge(Path(sys.argv[1]), Place(Path(sys.argv[2]), sys.argv[3])))
"""
    writers = []
    for k in range(3):
        with Store(tmp_path / f"w{k}" / SHARED) as store:
            store.upsert(attempt_item(f"w{k}", step, data="samples") for step in range(40))
        arguments = [tmp_path / f"w{k}" / SHARED, tmp_path / f"m{k}", server]
        writers.append(
            subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE)
        )
    assert [int(writer.communicate(timeout=60)[0]) for writer in writers] == [40] * 3
    with Shared(Place(tmp_path / "new", server)) as store:
        assert store.count("attempt") == len(dict(store.iterate("attempt"))) == 120


def test_an_item_that_was_changed_on_the_server_is_refused(server, tmp_path):
    with Shared(Place(tmp_path / "one", server)) as store:
        (name,) = store.upsert([attempt_item("c", 1, data="schema", task="changed")])
        item = json.dumps(store.get(name) | {"text": "another"})
        store.server._collection("attempt").update(ids=[name], metadatas=[{"item": item}])
        with pytest.raises(StoreError, match="its hash is another"):
            store.get(name)
        store.delete([name])


def test_a_run_that_was_merged_elsewhere_is_merged_here(server, tmp_path):
    with Store(tmp_path / "r" / SHARED) as store:
        (name,) = store.upsert([attempt_item("r", 7, data="schema", task="moved")])
    place = Place(tmp_path / SHARED, server)
    assert (merge_pending(tmp_path, place), merge_pending(tmp_path, place)) == (1, 0)
    assert (merge_pending(tmp_path), merge_pending(tmp_path)) == (1, 0)
    assert Store(tmp_path / SHARED).ids() == [name]


def test_another_embedding_finds_what_others_have_written(server, tmp_path):
    """Each machine may embed as it likes: the server keeps a machine's vectors beside the items."""
    here = Place(tmp_path / "here", server)
    with FaultServer() as endpoint, Shared(here) as first:
        there = Place(tmp_path / "there", server, named(f"{endpoint.url} small"))
        before = len(first.server.ids())
        old, gone = first.upsert([repair(run=run, data="schema", task="e", what=run) for run in ("a", "b")])
        with Shared(there) as second:
            assert sum(len(asked.body["input"]) for asked in endpoint.requests) == before + 2
            assert dict(second.query("E: w", "repair", 99, LEAVING))[old] == 1.0
            (new,) = second.upsert([repair(run="c", data="schema", task="e", what="c")])
            assert dict(first.query("E: w", "repair", 99, LEAVING)).keys() >= {old, gone, new}
        first.forget([gone])
        with Shared(there) as second:
            assert {old, new} <= dict(second.query("E: w", "repair", 99, LEAVING)).keys()
            assert gone not in dict(second.query("E: w", "repair", 99, LEAVING))
            second.delete([old, new])
        assert len(first.server.ids()) == before


def test_a_class_that_a_server_names_is_not_built(server, tmp_path):
    """Whoever reaches the server can write its collections' settings."""
    built = []

    @register_embedding_function
    class OfAnother(DefaultEmbeddingFunction):
        def __init__(self, config=None):
            built.append(config)

        @staticmethod
        def name():
            return "of_another"

        @staticmethod
        def build_from_config(config):
            return OfAnother(config)

    host, port, _ = address(server)
    client = HttpClient(host=host, port=port, settings=Settings(_env_file=None, anonymized_telemetry=False))
    client.delete_collection("budgetml-offer")
    client.create_collection("budgetml-offer", embedding_function=OfAnother())
    built.clear()
    with pytest.raises(StoreError, match="names an embedding that is none of budgetml's"):
        Server(server).count("offer")
    assert not built
    client.delete_collection("budgetml-offer")
    assert Server(server).count("offer") == 0


def test_a_server_that_is_not_there_is_one_line(tmp_path, capsys, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        monkeypatch.setenv("BUDGETML_MEMORY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        command = ["memory", "search", "x", "--runs-dir", str(tmp_path / "runs")]
        assert call(command) == UnavailableError.status
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "does not answer" in said
        assert "chroma run" in said
