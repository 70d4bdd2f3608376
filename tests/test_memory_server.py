"""A Chroma server for what several machines learn: a real one, by itself, on this machine."""

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.run.order import plan
from budgetmlagent.run.request import Request
from budgetmlagent.settings import shared_memory
from budgetmlagent.upkeep import found, memory
from memory.items import StoreError
from memory.merge import SHARED, merge_pending
from memory.shared import Place, Shared
from memory.store import Store
from tests.test_history import ROOT, Run, attempt_item

CHROMA = Path(sys.executable).parent / "chroma"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    command = [CHROMA, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(600):
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
        run.history.shared = shared_memory(here)
        run.history.remember(repair(what=name))
        run.history.close_and_merge()
    assert merge_pending(here, shared_memory(here)) == 0
    new = Run(there, "new")
    new.history.shared = shared_memory(there)
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


def test_a_server_that_is_not_there_is_one_line(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        (tmp_path / "budgetml.toml").write_text(f'memory = "http://127.0.0.1:{taken.getsockname()[1]}"\n')
        command = ["memory", "search", "x", "--runs-dir", str(tmp_path / "runs")]
        assert call(command) == UnavailableError.status
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "does not answer" in said
        assert "chroma run" in said


def test_the_setting_is_read_within_bounds(tmp_path, monkeypatch):
    path, runs = tmp_path / "budgetml.toml", tmp_path / "runs"
    assert shared_memory(runs) == Place(runs / SHARED)
    path.write_text('memory = "https://chroma.example:1234/"\n')
    assert shared_memory(runs).server == "https://chroma.example:1234/"
    monkeypatch.setenv("BUDGETML_MEMORY", "http://other:1")
    assert shared_memory(runs).server == "http://other:1"
    assert plan(Request("digits", "recall", runs_dir=runs)).config.hosts == [
        "other:1"
    ]  # who is sent to is said
    monkeypatch.setenv("BUDGETML_MEMORY", "ftp://other:1")
    with pytest.raises(UsageError, match=r"\$BUDGETML_MEMORY"):
        shared_memory(runs)
    monkeypatch.delenv("BUDGETML_MEMORY")
    for text in (
        "memory = 1",
        "memory = [",
        "memoy = ''",
        "memory = 'x'",
        "memory = 'http://u:p@h:1'",
        "memory = 'http://h:x'",
        "a = " + "[" * 9000,
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"budgetml\.toml") as caught:
            shared_memory(runs)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="no TOML"):
        shared_memory(runs)
    shutil.rmtree(runs, ignore_errors=True)
