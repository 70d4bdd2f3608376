"""`budgetml.toml`: read within bounds, and obeyed once a person has confirmed what it says of where texts go."""

import os
import shutil
import socket

import pytest
import tiny

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.run.order import plan
from budgetmlagent.run.request import Request
from budgetmlagent.settings import confirm, memory_hosts, shared_memory
from budgetmlagent.tasks.folder import BUNDLED
from memory.embedding import SHIPPED, Embedding
from memory.merge import SHARED
from memory.shared import Place


@pytest.fixture(autouse=True)
def person(tmp_path, monkeypatch):
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    for name in ("BUDGETML_MEMORY", "BUDGETML_EMBEDDING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "person"


def written(tmp_path, text):
    (tmp_path / "budgetml.toml").write_text(text)
    return tmp_path / "runs"


SERVER = 'memory = "http://127.0.0.1:{port}"'


@pytest.fixture
def listening():
    """A port where nobody may knock: what is sent there would be seen."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free.listen()
        free.settimeout(0)
        yield free


def nobody_came(listening):
    with pytest.raises(BlockingIOError):
        listening.accept()
    return True


def test_what_a_folder_says_is_obeyed_once_it_is_confirmed(tmp_path, capsys, listening, monkeypatch):
    port = listening.getsockname()[1]
    runs = written(tmp_path, SERVER.format(port=port))
    tiny.task(tmp_path)
    for arguments in (["memory", "stats"], ["memory", "search", "x"], ["memory", "forget", "--task", "t"], ["memory", "list"],
                      ["run", str(tmp_path / "tiny"), "--graph", "recall"]):  # fmt: skip
        assert call([*arguments, "--runs-dir", str(runs)]) == UsageError.status, arguments
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"memory = 'http://127.0.0.1:{port}'" in said
        assert "add --trust" in said
    assert nobody_came(listening)
    with pytest.raises(UsageError, match="trust=True"):
        Session(str(tmp_path / "tiny"), "recall", runs_dir=runs)
    assert not runs.exists()
    confirm(runs, trust=True)
    assert "confirmed from now on: memory" in capsys.readouterr().err
    assert shared_memory(runs).server == f"http://127.0.0.1:{port}"
    written(tmp_path, SERVER.format(port=port) + '\nembedding = "http://mine.example/v1 m MY_KEY"')
    with pytest.raises(UsageError, match="MY_KEY"):  # it says more than was confirmed
        shared_memory(runs)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(UsageError, match="add --trust"):  # the same words in another folder
        shared_memory(written(elsewhere, SERVER.format(port=port)))


def test_a_word_that_cannot_be_kept_is_asked_for_again(tmp_path, person, capsys):
    runs = written(tmp_path, 'embedding = "http://127.0.0.1:1/v1 m"')
    confirm(runs, trust=True)
    (person / "settings.json").write_text("[1")
    with pytest.raises(UsageError, match="add --trust"):
        shared_memory(runs)


def test_what_a_person_says_needs_no_confirmation(tmp_path, monkeypatch):
    runs = written(tmp_path, 'memory = "http://other.example:1"\nembedding = "shipped"')
    with pytest.raises(UsageError, match="other"):
        shared_memory(runs)
    monkeypatch.setenv("BUDGETML_MEMORY", "http://mine.example:1")
    assert shared_memory(runs) == Place(runs / SHARED, "http://mine.example:1")
    monkeypatch.setenv("BUDGETML_EMBEDDING", "https://api.example/v1 large MY_KEY")
    assert shared_memory(runs).embedding == Embedding("https://api.example/v1", "large", "MY_KEY")
    assert memory_hosts(runs) == ["mine.example:1", "api.example"]
    hosts = plan(Request("digits", "recall", runs_dir=runs)).config.hosts
    assert hosts == ["api.example", "mine.example:1"]  # who is sent to is said
    private = shutil.copytree(BUNDLED / "digits", tmp_path / "private")
    file = private / "task.yaml"
    file.write_text(file.read_text().replace("data: schema", "data: stays"))
    assert (
        plan(Request(str(private), "recall", runs_dir=runs)).config.hosts == []
    )  # and what stays goes to nobody
    monkeypatch.setenv("BUDGETML_EMBEDDING", "http://127.0.0.1:1/v1 small")
    assert memory_hosts(runs) == ["mine.example:1"]
    monkeypatch.setenv("BUDGETML_MEMORY", "ftp://other:1")
    with pytest.raises(UsageError, match=r"\$BUDGETML_MEMORY"):
        shared_memory(runs)


@pytest.mark.parametrize(
    "text",
    [
        "memory = 1",
        "memory = [",
        "memoy = ''",
        "memory = 'x'",
        "memory = 'http://u:p@h:1'",
        "memory = 'http://h:x'",
        "embedding = 'http://h/v1'",
        "embedding = ['shipped']",
        "a = " + "[" * 9000,
        b"\xff".decode("latin-1"),
    ],
)
def test_the_file_is_read_within_bounds(tmp_path, text):
    runs = written(tmp_path, "")
    assert shared_memory(runs) == Place(runs / SHARED, "", SHIPPED)
    (tmp_path / "budgetml.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"budgetml\.toml") as caught:
        confirm(runs, trust=True) or shared_memory(runs)
    assert "\n" not in str(caught.value)


def test_a_pipe_in_its_place_is_no_settings(tmp_path):
    os.mkfifo(tmp_path / "budgetml.toml")
    with pytest.raises(UsageError, match="is no plain file"):
        shared_memory(tmp_path / "runs")
