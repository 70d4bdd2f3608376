"""A stranger's unfinished run: it spends no money, sends no key and leaves no sandbox but by the person's word."""

import asyncio
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.cli.live import Live
from budgetmlagent.dev import make_graph
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records import owner
from memory.state import NANO

SECRET = "sk-a-secret-of-mine"


@pytest.fixture(autouse=True)
def person(tmp_path, monkeypatch) -> Path:
    """The state of a person who has a secret in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MY_SECRET", SECRET)
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    return tmp_path / "person"


LEAVES = "\ntry:\n    open({!r}, 'w').close()\nexcept OSError:\n    pass\n"


@pytest.fixture
def hosts():
    with FaultServer(respond=tiny.team) as theirs, FaultServer(respond=lambda _: Turn(fault="401")) as mine:
        yield theirs, mine


@pytest.fixture
def run(tmp_path, hosts, monkeypatch) -> Path:
    """A run that another person has begun, whose config asks for all that there is."""
    tiny.task(tmp_path, tiny.STARTER + LEAVES.format(str(tmp_path / "marker")))
    theirs = tmp_path / "theirs.yaml"
    theirs.write_text(
        tiny.models(tmp_path, hosts[0].url).read_text().replace("price:", "key: MY_SECRET, price:")
    )
    tiny.models(tmp_path, hosts[1].url)
    with monkeypatch.context() as patch:
        patch.setenv("BUDGETML_CACHE", str(tmp_path / "stranger"))
        session = Session(
            str(tmp_path / "tiny"), models=theirs, budget=50, turns=1, history="off", runs_dir=tmp_path / "runs",
            unsafe=True,
        )  # fmt: skip
    return session.folder.root


def arrived(server: FaultServer) -> str:
    return " ".join(request.key for request in server.requests)


def config_of(run: Path) -> dict:
    return json.loads((run / "config.json").read_text())


def test_where_a_run_is_taken_for_ones_own_all_that_it_says_is_done(run, tmp_path, hosts):
    owner.seal(run, (run / "config.json").read_bytes())
    Session.open(run).run(until=lambda event: bool(event.model))
    assert SECRET in arrived(hosts[0]) and (tmp_path / "marker").exists()


def test_a_strangers_run_goes_on_by_the_persons_word(run, tmp_path, hosts, capsys):
    assert call(["show", str(run), "--json"]) == 0
    capsys.readouterr()
    assert call(["resume", str(run)]) == call(["resume", str(run), "--unsafe", "--budget", "9"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "asks its model 'small' at http://127.0.0.1" in first and "with the key in MY_SECRET" in first
    assert "--models FILE" in first and first == second
    assert hosts[0].requests == [] and not (tmp_path / "marker").exists() and config_of(run)["unsafe"]

    assert call(["resume", str(run), "--models", "models.yaml"]) == 3  # my endpoint wants a key
    told = capsys.readouterr().err
    for line in (
        "is not known as yours (begun by somebody else, or by an older version): its sandbox, money, hosts and keys are yours to say", "it says $50.00: it may spend $0.25 in all",
        "it says unsafe: true: its scripts run in the sandbox", "with the key in MY_SECRET: it is asked at http://127.0.0.1",
    ):  # fmt: skip
        assert told.count(line) == (2 if "MY_SECRET" in line else 1), line
    assert hosts[0].requests == [] and hosts[1].requests and SECRET not in arrived(hosts[1])
    assert not (tmp_path / "marker").exists()
    assert (config_of(run)["unsafe"], Ledger(run.parent / "ledger.sqlite").cap(run.name)) == (
        False,
        NANO // 4,
    )
    assert owner.is_own(run)
    Session.open(run).extend(turns=2)  # now it is the person's
    assert capsys.readouterr().err == "" and hosts[0].requests == []


@pytest.mark.parametrize("own", [True, False])
def test_what_a_stranger_says_his_scripts_left_is_not_taken(run, tmp_path, own):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "secret").write_text("x")
    (run / "work" / "execution-1").mkdir(parents=True)
    (run / "work" / "execution-1" / "workspace").symlink_to(tmp_path / "mine")
    if own:
        owner.seal(run, (run / "config.json").read_bytes())
    Session.open(run, models="models.yaml").extend(turns=2)
    assert (run / "work").exists() == own and (tmp_path / "mine" / "secret").exists()


def test_what_is_given_holds(run, tmp_path, capsys):
    session = Session.open(run, models="models.yaml", unsafe=True)
    session.extend(budget=2)
    assert (session.ledger.cap(run.name), config_of(run)["unsafe"]) == (2 * NANO, True)
    told = capsys.readouterr().err
    assert "it may spend $2.00 in all" in told and "unsafe" not in told
    Session.open(run).extend(turns=3)
    assert capsys.readouterr().err == ""
    (tmp_path / "other.yaml").write_text("models: {tiny: {base_url: embedded, model: any}}")
    with pytest.raises(UsageError):
        Session.open(run, models="other.yaml").extend(turns=3)


def test_a_fork_takes_no_more_from_it(run, hosts):
    before = (run / "config.json").read_bytes()
    with pytest.raises(UsageError, match="and asks its model 'small'"):
        Session.open(run).fork()
    fork = Session.open(run, models="models.yaml").fork()
    assert (fork.config.unsafe, fork.config.hosts) == (False, ["127.0.0.1"])
    assert str(hosts[1].url) in str(fork.config.models) and str(hosts[0].url) not in str(fork.config.models)
    assert owner.is_own(fork.folder.root) and not owner.is_own(run)
    assert fork.ledger.cap(fork.run_id) == NANO // 4 and (run / "config.json").read_bytes() == before


def test_nobody_else_can_say_whose_run_it_is(run, tmp_path):
    mine = tiny.session(tmp_path, "http://127.0.0.1:9/v1").folder.root
    assert owner.is_own(mine) and not owner.is_own(run)
    assert stat.S_IMODE((tmp_path / "person/owner.key").stat().st_mode) == 0o600
    shutil.copy(mine / "owner", run / "owner")  # another's seal
    assert not owner.is_own(run)
    copy = Path(shutil.copytree(mine, tmp_path / "copy" / mine.name))
    assert owner.is_own(copy)
    Session.open(mine, unsafe=True).extend(turns=1)
    assert owner.is_own(mine) and config_of(mine)["unsafe"]
    # What was passed on comes back, maybe with other scripts in it.
    assert not owner.is_own(Path(shutil.copytree(mine, tmp_path / "back" / mine.name)))
    mine = copy
    (mine / "config.json").write_text(
        (mine / "config.json").read_text().replace('"unsafe": false', '"unsafe": true')
    )
    assert not owner.is_own(mine)
    Session.open(mine, models="models.yaml").extend(turns=1)
    assert config_of(mine)["unsafe"] is False
    owner.seal(copy, b"what is about to be written")
    assert owner.is_own(copy)  # until then the other holds


def test_langgraph_dev_does_not_go_on_with_it(run):
    thread = run.name.removeprefix("tiny-")

    async def served():
        at = {"configurable": {"thread_id": thread}}
        async with make_graph(at, SimpleNamespace(execution_runtime=object())):
            pass

    with pytest.raises(UsageError, match="begin another, in a new thread"):
        asyncio.run(served())


def test_what_the_task_asks_for_now_is_told(run, tmp_path, capsys):
    with (tmp_path / "tiny/task.yaml").open("a") as file:
        file.write("network: on\ngpu: [0]\n")
    with Live(Session.open(run, models="models.yaml")):
        pass
    assert "NETWORK ON, GPUs 0" in capsys.readouterr().err


def test_a_strangers_run_takes_no_other_runs_name(run):
    for name, words in {"": "is no name", "another": "has to bear its name"}.items():
        config = config_of(run) | {"run_id": name}
        (run / "config.json").write_text(json.dumps(config))
        with pytest.raises((UsageError, UnavailableError), match=words):
            Session.open(run, models="models.yaml").extend(turns=1)
    assert Ledger(run.parent / "ledger.sqlite").project_cap() is None


FREE = "CREATE TRIGGER free AFTER INSERT ON calls BEGIN UPDATE sums SET nano = 0; END"


def test_a_strangers_ledger_gives_no_money(run):
    ledger, file = Ledger(run.parent / "ledger.sqlite"), run.parent / "ledger.sqlite"
    call_of = (
        "INSERT INTO calls (id, key, number, run, step, node, model, served, price, prompt, bytes, reserved, settled, created)"
        " VALUES (?, ?, 1, ?, 1, 'coder', 'm', 'm', 'p', '', 1, ?, ?, 0)"
    )
    with closing(sqlite3.connect(file)) as db:
        db.execute(call_of, ("a/1", "t/1/coder", run.name, NANO // 10, NANO // 10))
        db.execute("UPDATE sums SET nano = 0")
        db.commit()
    assert ledger.left(run.name) == 50 * NANO  # nothing has been spent
    Session.open(run, models="models.yaml").extend(turns=1)
    assert (ledger.spent(run.name), ledger.left(run.name)) == (NANO // 10, NANO // 4 - NANO // 10)
    with closing(sqlite3.connect(file)) as db:
        db.execute(FREE)
        db.commit()
    with pytest.raises(UnavailableError, match="a trigger that is none of budgetml's"):
        Session.open(run)
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TRIGGER free")
        db.commit()
    (run / "owner").unlink()
    with closing(sqlite3.connect(file)) as db:
        db.execute(call_of, ("b/1", "t/2/coder", run.name, 1, -NANO // 20))
        db.commit()
    with pytest.raises(UnavailableError, match="calls that gave money back"):
        Session.open(run, models="models.yaml").extend(turns=1)
