"""Runs that are kept in an archive: looked at from there, and lost by no fault of its."""

import json
import re
import shutil
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent import Session, settings
from budgetmlagent.cli import call
from budgetmlagent.errors import BudgetMLError, UnavailableError, UsageError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records import archive
from budgetmlagent.records.copies import refreshed
from budgetmlagent.records.packed import MONEY, NOTE, UNSENT, travels
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.run.order import plan
from budgetmlagent.run.request import Request
from budgetmlagent.run.view import RunView
from budgetmlagent.storage import Storage
from budgetmlagent.tasks.folder import BUNDLED
from budgetmlagent.upkeep import shared
from memory.state import NANO


@pytest.fixture(scope="module")
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


@pytest.fixture(scope="module")
def made(tmp_path_factory, server):
    """A run that has ended, and its fork, in a folder that each test has a copy of."""
    folder = tmp_path_factory.mktemp("made")
    run = tiny.session(folder, server.url, budget=1.0)
    run.run()
    fork = Session.open(run.run_id, folder / "runs").back(1).fork()
    return folder / "runs", run.run_id, fork.run_id


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An archive that the settings name."""
    place = f"file://{tmp_path}/archive"
    monkeypatch.setenv("BUDGETML_ARCHIVE", place)
    return place


@pytest.fixture
def here(tmp_path, made, place):
    """The runs folder of a machine with the run, which the archive has."""
    runs = shutil.copytree(made[0], tmp_path / "here" / "runs")
    archive.keep_ended(str(runs / made[1]), runs)
    return runs


@pytest.fixture
def there(tmp_path):
    """The runs folder of another machine, as yet without runs."""
    return tmp_path / "there" / "runs"


def said(capsys, *words) -> object:
    assert call([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def manifest(tmp_path, run) -> Path:
    return tmp_path / "archive" / "runs" / f"{run}.json"


def test_an_archive_is_read_as_a_runs_folder_is(here, made, place, tmp_path, capsys):
    run = made[1]
    for words in (["show", run], ["cost", run], ["why", run, 1]):
        one, other = (said(capsys, *words, "--runs-dir", runs) for runs in (here, place))
        assert {**other, "run_dir": ""} == {**one, "run_dir": ""}, words
    assert [each["run_id"] for each in said(capsys, "list", "--runs-dir", place)] == [run]
    assert (
        said(capsys, "cost", "--runs-dir", place)["usd"]
        == said(capsys, "cost", run, "--runs-dir", here)["usd"]
        > 0
    )
    for runs, out in ((here, "one"), (place, "other")):
        assert call(["export", run, "--out", str(tmp_path / out), "--runs-dir", str(runs)]) == 0
    one, other = (
        {p.relative_to(tmp_path / out): p.read_bytes() for p in (tmp_path / out).rglob("*") if p.is_file()}
        for out in ("one", "other")
    )
    differ = {str(path) for path in one if one[path] != other[path]}
    assert one.keys() == other.keys() and differ <= {"index.html", "view.html", "SHA256SUMS"}, differ


def test_a_content_is_kept_once_and_sent_once(here, made, tmp_path):
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "archive" / "files").iterdir()}
    names = json.loads(manifest(tmp_path, made[1]).read_bytes())["files"]
    assert {path.name for path in kept} == set(names.values()) and len(kept) < len(names)
    archive.keep_ended(str(here / made[2]), here)  # a fork shares its artifacts
    assert manifest(tmp_path, made[2]).exists()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_no_line_of_an_archive_comes_into_a_ledger_by_which_money_is_spent(here, there, made, place, capsys):
    for words in (["show", made[1]], ["resume", made[1]]):
        assert call([*words, "--runs-dir", str(there)]) == 2
        assert f"of the archive's runs, `--runs-dir {place}` tells" in capsys.readouterr().err
    with pytest.raises(UsageError, match="unknown run"):
        Session.open(made[1], there)
    assert not there.exists() or not [*there.glob("ledger*")]


def test_of_two_ends_of_a_run_the_first_is_kept(here, there, made, place, capsys):
    run = made[1]
    shutil.copytree(here, there)
    for turns, runs in enumerate((here, there), 3):
        Session.open(run, runs).extend(turns=turns)
        archive.keep(runs)
    assert "has another end of it" in capsys.readouterr().err and (there / run / UNSENT).exists()
    assert RunView.open(run, refreshed(Storage(place))).config.turns == 3
    assert RunView.open(run, there).config.turns == 4, "it is still there, and can be looked at"


def test_a_fork_s_copy_tells_the_money_of_its_origin(here, made, place):
    _, run, fork = made
    archive.keep_ended(str(here / fork), here)
    copy = refreshed(Storage(place))
    books, before = Ledger(copy / "ledger.sqlite"), Ledger(here / "ledger.sqlite")
    assert (books.spent(fork), books.cap(run)) == (before.spent(run), NANO)
    for each in (fork, run):
        assert [call.id for call in books.calls(each)] == [call.id for call in before.calls(each)]
    assert books.project_spent() == before.project_spent()


def test_a_content_that_another_run_has_is_not_written_over(here, made, tmp_path):
    """It would be torn if the sender were killed; what is torn already is put again."""
    whole = json.loads(manifest(tmp_path, made[1]).read_bytes())["files"]
    kept, torn = (tmp_path / "archive" / "files" / whole[name] for name in ("graph.yaml", "config.json"))
    kept.chmod(0o400)
    was, content = kept.stat().st_mtime_ns, torn.read_bytes()
    torn.write_bytes(b"torn")
    for path in (here / made[1] / NOTE, manifest(tmp_path, made[1])):
        path.unlink()
    (here / made[1] / UNSENT).touch()
    archive.keep(here)
    assert (kept.stat().st_mtime_ns, torn.read_bytes()) == (was, content)


def test_settings_that_are_wrong_by_now_lose_no_run_that_has_ended(here, made, monkeypatch, capsys):
    monkeypatch.setenv("BUDGETML_ARCHIVE", "./nowhere")
    archive.keep_ended(str(here / made[2]), here)
    archive.keep(here)
    assert capsys.readouterr().err.count("are not sent to the archive: ") == 2


def test_an_archive_out_of_order_loses_no_run_and_is_tried_again(tmp_path, server, place, capsys):
    (tmp_path / "archive").write_text("no folder")
    session = tiny.session(tmp_path, server.url)
    assert session.run()["status"] == "finished"
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "archive" in line]
    assert f"run {session.run_id} is not in the archive as it is now" in line and "tries again" in line
    (row,) = (row for row in shared.of_settings(tmp_path / "runs") if row["what"] == "archive")
    assert not row["ok"] and place in row["detail"]
    (tmp_path / "archive").unlink()
    (row,) = (row for row in shared.of_settings(tmp_path / "runs") if row["what"] == "archive")
    assert row["ok"] and "1 run not there yet: `budgetml resume` of one sends them all" in row["detail"]
    assert not [*(tmp_path / "archive").glob(".*")]
    assert call(["resume", session.run_id, "--runs-dir", str(tmp_path / "runs")]) == 0
    assert (
        manifest(tmp_path, session.run_id).exists()
        and not (tmp_path / "runs" / session.run_id / UNSENT).exists()
    )


def test_what_was_half_sent_is_no_run_until_it_is_sent_whole(here, made, tmp_path, place, capsys):
    run = made[1]
    manifest(tmp_path, run).unlink()  # which is written last
    first, second, *_ = sorted((tmp_path / "archive" / "files").iterdir())
    first.write_bytes(b"torn")
    second.unlink()
    (here / run / NOTE).unlink()
    (here / run / UNSENT).touch()
    assert said(capsys, "list", "--runs-dir", place) == []
    archive.keep(here)
    assert [each["run_id"] for each in said(capsys, "list", "--runs-dir", place)] == [run]
    assert RunView.open(run, refreshed(Storage(place))).done


def test_what_was_half_fetched_is_no_run_until_it_is_fetched_whole(here, made, place, tmp_path):
    run = made[1]
    digest = json.loads(manifest(tmp_path, run).read_bytes())["files"]["graph.yaml"]
    (file := tmp_path / "archive" / "files" / digest).rename(aside := tmp_path / "aside")
    for content in (None, b"another"):
        if content:
            file.write_bytes(content)
        with pytest.raises(UnavailableError) as caught:
            RunView.open(run, refreshed(Storage(place)))
        assert "\n" not in str(caught.value)
    aside.replace(file)
    assert RunView.open(run, refreshed(Storage(place))).done


def test_what_stays_goes_to_no_archive_elsewhere(tmp_path, made, monkeypatch, capsys):
    task = shutil.copytree(BUNDLED / "digits", tmp_path / "private")
    file = task / "task.yaml"
    file.write_text(file.read_text().replace("data: schema", "data: stays"))
    asked = Request(str(task), "recall", runs_dir=tmp_path / "runs")
    monkeypatch.setenv("BUDGETML_ARCHIVE", "s3://bucket/prefix")
    with pytest.raises(UsageError, match=r"`data: stays`.* go to s3://bucket/prefix"):
        plan(asked, to_run=False)
    assert plan(Request("digits", "recall", runs_dir=tmp_path / "runs"), to_run=False).config.hosts == [
        "s3://bucket"
    ]
    monkeypatch.setenv("BUDGETML_ARCHIVE", str(tmp_path / "archive"))
    run = Session(asked.task, "recall", runs_dir=asked.runs_dir)
    monkeypatch.setenv("BUDGETML_ARCHIVE", "s3://bucket/prefix")  # named after the run was begun
    for said_now in ("stays", "schema"):  # what the run quotes was to stay when it was begun
        file.write_text(re.sub("data: .*", f"data: {said_now}", file.read_text()))
        (run.folder.root / UNSENT).touch()
        archive.keep(tmp_path / "runs")
        assert "`data: stays`, so it is not sent to s3://bucket/prefix" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "work/x", "lock", "running.json", "archived", "checkpoints.sqlite-wal", "best/../../x",
             "best/a/b", "artifacts/.part-1", ".hidden", "history/index/x", "", "best/"]
)  # fmt: skip
def test_what_a_stranger_names_is_written_nowhere(name, here, made, place, tmp_path, capsys):
    assert not travels(name)
    file = manifest(tmp_path, made[1])
    whole = json.loads(file.read_bytes())
    whole["files"][name] = whole["files"]["config.json"]
    file.write_text(json.dumps(whole))
    assert said(capsys, "list", "--runs-dir", place) == []
    copy = refreshed(Storage(place))
    assert "is no run of budgetml's" in capsys.readouterr().err and not (copy / made[1]).exists()


@pytest.mark.parametrize(
    "name", ["history", "lock", "archive", "ledger.sqlite", "ledger.sqlite-wal", ".fetch-x"]
)
def test_a_run_is_not_called_as_what_lies_beside_runs(name, here, there, made, tmp_path, place, capsys):
    whole = json.loads(manifest(tmp_path, made[1]).read_bytes())
    manifest(tmp_path, name).write_text(json.dumps(whole | {"run": name}))
    assert [each["run_id"] for each in said(capsys, "list", "--runs-dir", place)] == [made[1]]
    with pytest.raises(UsageError, match="unknown run"):
        RunView.open(name, there)
    assert not there.exists()


@pytest.mark.parametrize(
    "text", ["", "[", "{}", "[" * 9000, '{"run": 1, "files": {}, "host": "", "sent": ""}']
)
def test_what_is_no_manifest_is_told_and_the_others_are_listed(text, here, made, tmp_path, place, capsys):
    manifest(tmp_path, "a-stranger").write_text(text)
    assert call(["list", "--json", "--runs-dir", place]) == 0
    out, err = capsys.readouterr()
    assert [each["run_id"] for each in json.loads(out)] == [
        made[1]
    ] and "runs/a-stranger.json: damaged" in err
    with pytest.raises(BudgetMLError) as caught:
        RunView.open("a-stranger", here)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [{"run": "other"}, {"reserved": -1, "settled": None}, {"settled": -1}, {"tokens_in": "1"}, {"key": None},
     {"number": 1 << 70}, {"reserved": 1 << 62}, {"tokens_out": 1 << 64}],
)  # fmt: skip
def test_a_strangers_lines_give_no_money_back_and_name_no_other_run(
    change, here, made, tmp_path, place, capsys
):
    file = manifest(tmp_path, made[1])
    whole = json.loads(file.read_bytes())
    files = tmp_path / "archive" / "files"
    lines = json.loads((files / whole["files"][MONEY]).read_bytes())
    lines["calls"][0] |= change
    text = json.dumps(lines).encode()
    whole["files"][MONEY] = archive.hashlib.sha256(text).hexdigest()
    (files / whole["files"][MONEY]).write_bytes(text)
    file.write_text(json.dumps(whole))
    archive.keep_ended(str(here / made[2]), here)
    for _ in range(2):  # each time that the others are listed
        copy = refreshed(Storage(place))
        assert f"the ledger's lines of run {made[1]}" in capsys.readouterr().err
        assert (copy / made[2]).is_dir() and not (copy / made[1]).exists()


def test_what_links_lead_to_is_not_sent(made, place, tmp_path, capsys):
    runs = shutil.copytree(made[0], tmp_path / "here" / "runs")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / ("a" * 64)).write_text("a key")
    shutil.rmtree(runs / made[1] / "best")
    (runs / made[1] / "best").symlink_to(tmp_path / "secret")
    archive.keep_ended(str(runs / made[1]), runs)
    assert "best: is a symbolic link" in capsys.readouterr().err and not (tmp_path / "archive").exists()


def test_a_sender_that_was_killed_when_all_was_sent_has_not_gone_on_elsewhere(here, made, tmp_path):
    run, states = here / made[1], []
    for turns in (3, 4):
        states.append((run / NOTE).read_text())
        Session.open(made[1], here).extend(turns=turns)
        archive.keep(here)
    (run / NOTE).write_text(f"{(run / NOTE).read_text()} {states[1]}")  # as it is until the end is noted
    (run / UNSENT).touch()
    assert Session.open(made[1], here).config.turns == 4
    archive.keep(here)
    assert not (run / UNSENT).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "./archive",
        "s3://key:s3cret@bucket/x",
        "s3://bucket/x?key=s3cret",
        "s3://bucket#s3cret",
        "s3://[s3cret",
        "a::s3://s3cret",
        "s3://b/s3cret\n",
    ],
)
def test_no_place_for_runs_is_quoted_with_a_secret(text, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no place for runs") as caught:
        Storage(text)
    assert "s3cret" not in str(caught.value)
    if text:
        monkeypatch.setenv("BUDGETML_ARCHIVE", text)
        with pytest.raises(UsageError, match=r"\$BUDGETML_ARCHIVE: this is no place") as caught:
            settings.archive(tmp_path / "runs")
        assert "s3cret" not in str(caught.value)


def test_what_is_no_folder_and_what_is_not_known_is_one_line(tmp_path, capsys):
    for words, told in (
        (["resume", "x", "--runs-dir", "s3://bucket/x"], "--runs-dir s3://bucket/x: a folder is needed here"),
        (["cost", "--cap", "1", "--runs-dir", "memory://bucket"], "--cap: runs in an archive are only read"),
        (["list", "--runs-dir", "nothing://x"], "archive nothing://x: Protocol not known"),
        (["list", "--runs-dir", "s3://a:b@bucket/x"], "--runs-dir: this is no place for runs"),
    ):
        assert call(words) in (2, 3)
        err = capsys.readouterr().err
        assert told in err and err.count("\n") == 1
    assert call(["list", "--runs-dir", f"file://{tmp_path}/none"]) == 0
    assert "no runs in" in capsys.readouterr().out


def test_memory_is_a_place_too_but_none_that_keeps_anything(here, made, monkeypatch):
    monkeypatch.setenv("BUDGETML_ARCHIVE", "memory://bucket/prefix")
    (row,) = [each for each in shared.of_settings(here) if each["what"] == "archive"]
    assert not row["ok"]
    assert "$BUDGETML_ARCHIVE: 'memory://bucket/prefix': what is kept there is gone" in row["detail"]
    (here / made[1] / NOTE).unlink()
    archive.send(RunDir(here / made[1]), Storage("memory://bucket/prefix"))
    assert RunView.open(made[1], refreshed(Storage("memory://bucket/prefix"))).done
