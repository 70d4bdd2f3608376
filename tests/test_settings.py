"""`budgetml.toml`: read within bounds, and obeyed once a person has confirmed what it says of where texts go."""

import os
import re
import shutil
import socket

import pytest
import tiny

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.place import place_of
from budgetmlagent.postgres import REACH, Address, fault
from budgetmlagent.run.options import settled
from budgetmlagent.run.order import plan
from budgetmlagent.run.request import Request
from budgetmlagent.settings import (
    VARIABLES,
    confirm,
    ledger,
    memory_hosts,
    of_runs,
    runs_folder,
    shared_memory,
)
from budgetmlagent.tasks.folder import BUNDLED
from memory.embedding import SHIPPED, Embedding
from memory.merge import SHARED
from memory.shared import Place


@pytest.fixture(autouse=True)
def person(tmp_path, monkeypatch):
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    for name in VARIABLES.values():
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
        "budget = 'x'",
        "budget = -1",
        "budget = true",
        "turns = 1.5",
        "turns = 0",
        "turns = nan",
        "history = 'some'",
        "runs = 3",
        "ledger = 'sqlite:///x'",
        "ledger = 'postgresql://u:p/w@h/d'",
        "ledger = 'postgresql://u:p#w@h/d'",
        "ledger = 'postgresql://u:p?w@h/d'",
        "ledger = 'postgresql://u:p%w@h/d'",
        "checkpoints = 'postgresql://h'",
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


PLAIN = """\
runs = "{runs}"
budget = 0.5
project_budget = 3
turns = 4
history = "run"
models = "mine.yaml"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with settings in which commands are given; its runs are elsewhere."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    (tmp_path / "project" / "budgetml.toml").write_text(PLAIN.format(runs=tmp_path / "far" / "runs"))
    return tmp_path / "far" / "runs"


def test_a_run_is_begun_as_the_project_says_and_the_command_line_wins(project, tmp_path, monkeypatch):
    assert runs_folder() == project
    asked = Request("digits", runs_dir=project)
    with pytest.raises(UsageError, match=r"asks for budget = 0.5, history = 'run', models = 'mine.yaml'"):
        settled(asked)
    told = settled(Request("digits", runs_dir=project, trust=True))
    assert (told.budget, told.project_budget, told.turns, told.history) == (0.5, 3, 4, "run")
    assert told.models == str(tmp_path / "project" / "mine.yaml") and told.graph == "budgetml"
    monkeypatch.setenv("BUDGETML_BUDGET", "2")
    monkeypatch.setenv("BUDGETML_MODELS", "other.yaml")
    told = settled(asked)  # as confirmed before, whatever is set in its place
    assert (told.budget, told.models, told.turns) == (2, "other.yaml", 4)
    assert settled(Request("digits", budget=7.0, turns=1, runs_dir=project)).budget == 7
    assert of_runs(tmp_path / "third" / "runs", trust=False) == {"budget": 2, "models": "other.yaml"}
    monkeypatch.setenv("BUDGETML_TURNS", "many")
    with pytest.raises(UsageError, match=r"\$BUDGETML_TURNS: 'many': a whole number"):
        settled(asked)


def test_commands_are_of_the_projects_runs(project, monkeypatch, capsys):
    assert call(["list"]) == 0
    assert str(project) in capsys.readouterr().out
    monkeypatch.setenv("BUDGETML_RUNS", "others")
    assert call(["list"]) == 0
    assert "no runs in others" in capsys.readouterr().out
    assert call(["list", "--runs-dir", "given"]) == 0
    assert "no runs in given" in capsys.readouterr().out


def test_settings_beside_the_runs_are_of_those_runs(project):
    confirm(project, trust=True)
    project.parent.mkdir()
    (project.parent / "budgetml.toml").write_text("budget = 9")
    assert of_runs(project, trust=False)["budget"] == 0.5, "who stands beside the file is of its mind"
    assert of_runs(project.parent / "more", trust=True) == {"budget": 9}


def test_a_password_is_shown_to_nobody_and_kept_nowhere(tmp_path, person, capsys, monkeypatch):
    runs = written(tmp_path, 'ledger = "postgresql://me:s3cr%40t@db.example:1/d?sslpassword=s3cr%40t"')
    said = []
    with pytest.raises(UsageError, match=re.escape("postgresql://me@db.example:1/d")) as caught:
        ledger(runs)
    said += [str(caught.value)]
    confirm(runs, trust=True)
    said += [
        *capsys.readouterr(),
        repr(ledger(runs)),
        f"{ledger(runs)}",
        (person / "settings.json").read_text(),
    ]
    assert ledger(runs).url.endswith("s3cr%40t")
    written(tmp_path, 'ledger = "postgresql://me:another@db.example:1/d"')
    assert ledger(runs), "another password is no other place"
    written(tmp_path, 'ledger = "postgresql://me:s3cr%40t@db.example:1/d?host=evil.example"')
    with pytest.raises(UsageError, match=re.escape("host=evil.example")) as caught:
        ledger(runs)
    said += [str(caught.value)]
    monkeypatch.setenv("BUDGETML_LEDGER", "postgresql://me:s3cr@t/x@h/d")
    with pytest.raises(UsageError, match=r"\$BUDGETML_LEDGER: this is no address") as caught:
        ledger(runs)
    said += [str(caught.value), ledger_said(tmp_path)]
    assert not [line for line in said if "s3cr" in line or "another" in line]


def ledger_said(folder) -> str:
    """Return what libpq says of a database, of which it was asked with this password."""
    address = Address("postgresql://me:s3cr%40t@h/d")
    return address.clean('could not use "s3cr@t" or s3cr%40t\nof me')


def test_runs_that_have_a_ledger_elsewhere_get_no_second_one(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    runs.mkdir()
    monkeypatch.setenv("BUDGETML_LEDGER", "postgresql://me:word@db.example/d")
    assert place_of(runs) == Address("postgresql://me:word@db.example/d")
    monkeypatch.delenv("BUDGETML_LEDGER")
    with pytest.raises(
        UsageError, match=re.escape("ledger at postgresql://me@db.example/d: name that database by `ledger`")
    ):
        place_of(runs)
    other = tmp_path / "other" / "runs"
    Ledger(place_of(other)).open_run("r", 1)
    monkeypatch.setenv("BUDGETML_LEDGER", "postgresql://me:word@db.example/d")
    with pytest.raises(UsageError, match="has the money of earlier runs here") as caught:
        place_of(other)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://u@127.0.0.1:5/d", True),
        ("postgresql://u@[::1]/d", True),
        ("postgresql:///d", True),
        ("postgresql:///d?host=/run/postgresql", True),
        ("postgresql://localhost,db.example/d", False),
        ("postgresql://127.0.0.1/d?host=db.example", False),
        ("postgresql://127.0.0.1/d?hostaddr=10.1.1.1", False),
    ],
)
def test_what_stays_goes_to_no_database_elsewhere(tmp_path, monkeypatch, url, local):
    assert Address(url).local == local
    monkeypatch.setenv("BUDGETML_CHECKPOINTS", url)
    task = shutil.copytree(BUNDLED / "digits", tmp_path / "private")
    file = task / "task.yaml"
    told = plan(Request(str(task), "recall", runs_dir=tmp_path / "runs"), to_run=False).config.hosts
    assert told == ([] if local else sorted(Address(url).hosts))
    file.write_text(file.read_text().replace("data: schema", "data: stays"))
    if local:
        assert plan(Request(str(task), "recall", runs_dir=tmp_path / "runs"), to_run=False).config.hosts == []
    else:
        with pytest.raises(UsageError, match="data: stays"):
            plan(Request(str(task), "recall", runs_dir=tmp_path / "runs"), to_run=False)


def test_what_to_do_is_not_read_from_a_port_that_looks_like_a_fault():
    said = fault(
        "ledger", Address("postgresql://h:41253/d2842501"), OSError("port 41253: the system is starting up")
    )
    assert said.endswith(REACH)  # so it is asked again
