"""Runs whose money and states are in a database: gone on with, forked, removed, looked at, and read as strictly as a file."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import tiny
from servers import postgres

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.run.view import RunView
from budgetmlagent.upkeep import doctor, shared
from tests.test_strangers import FOREIGN

pytestmark = pytest.mark.scale


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = postgres().database()
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    monkeypatch.setenv("BUDGETML_LEDGER", url)
    monkeypatch.setenv("BUDGETML_CHECKPOINTS", url)
    return url


@pytest.fixture
def run(tmp_path: Path, url: str) -> Session:
    """A run after two steps."""
    run = Session(str(tiny.task(tmp_path)), "recall", runs_dir=tmp_path / "runs", turns=3)
    run.step()
    run.step()
    return run


def count(url: str, of: str) -> int:
    with psycopg.connect(url) as db:
        (found,) = db.execute(
            "SELECT count(*) FROM checkpoints WHERE starts_with(thread_id, %s)", (of,)
        ).fetchone()
        return int(found)


def test_another_process_goes_on_and_the_files_hold_neither_states_nor_passwords(
    run: Session, url: str, tmp_path: Path
) -> None:
    runs, before = tmp_path / "runs", len(run.timeline)
    command = [sys.executable, "-m", "budgetmlagent", "resume", run.run_id, "--runs-dir", str(runs), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    view = RunView.open(run.run_id, runs)
    assert view.done and len(view.timeline) > before
    fork = Session.open(run.run_id, runs).back(2).fork()
    assert fork.run()["status"] == "finished"
    assert all(row["ok"] for row in doctor.of_run(fork.run_id, runs, rebuild=True))
    assert not list(runs.rglob("*.sqlite"))
    told = (
        done.stdout
        + done.stderr
        + "".join(p.read_text("utf-8", "replace") for p in tmp_path.rglob("*") if p.is_file())
    )
    assert postgres().password not in told and "postgresql://tester@" in told
    assert count(url, run.run_id) and count(url, fork.run_id)
    assert call(["clean", fork.run_id, "--yes", "--runs-dir", str(runs)]) == 0
    assert count(url, run.run_id) and not count(url, fork.run_id), "the origin's states stay"


def test_a_run_is_not_begun_anew_where_the_setting_is_forgotten(
    run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUDGETML_CHECKPOINTS")
    with pytest.raises(UsageError, match="name that database by `checkpoints`"):
        RunView.open(run.run_id, tmp_path / "runs")
    assert not run.folder.checkpoints.exists()


def test_a_run_that_was_begun_in_a_file_stays_there(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUDGETML_CHECKPOINTS")
    run = Session(str(tiny.task(tmp_path)), "recall", runs_dir=tmp_path / "runs", turns=3)
    run.step()
    monkeypatch.setenv("BUDGETML_CHECKPOINTS", url)
    assert len(Session.open(run.run_id, tmp_path / "runs").timeline) == 1
    assert run.folder.states == run.folder.checkpoints


def test_an_archive_carries_the_folder_to_who_names_the_same_database(
    run: Session,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = f"file://{tmp_path}/archive"
    monkeypatch.setenv("BUDGETML_ARCHIVE", place)
    assert run.run()["status"] == "finished"
    for words in (["list"], ["show", run.run_id], ["cost", run.run_id]):
        assert call([*words, "--runs-dir", place]) == 0
    monkeypatch.delenv("BUDGETML_CHECKPOINTS")
    capsys.readouterr()
    assert call(["show", run.run_id, "--runs-dir", place]) == 2
    assert "name that database by `checkpoints`" in capsys.readouterr().err


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_the_database_names_is_not_made(run: Session, url: str, tmp_path: Path, foreign) -> None:
    kind, content = foreign(tmp_path / "marker")
    with psycopg.connect(url) as db:
        db.execute("UPDATE checkpoint_blobs SET type = %s, blob = %s WHERE type <> 'empty'", (kind, content))
    with pytest.raises(UnavailableError, match="none of budgetml's") as caught:
        RunView.open(run.run_id, tmp_path / "runs").timeline  # noqa: B018
    assert not (tmp_path / "marker").exists() and "\n" not in str(caught.value)


def test_the_doctor_says_which_right_is_missing(
    run: Session, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    assert [row["ok"] for row in shared.of_settings(runs)] == [True, True]
    name, database = f"w{os.getpid()}_{postgres().port}", url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"DROP ROLE IF EXISTS {name}")
        db.execute(f"CREATE USER {name} PASSWORD 'w'")
    weak = f"postgresql://{name}:w@127.0.0.1:{postgres().port}/{database}"
    monkeypatch.setenv("BUDGETML_LEDGER", weak)
    monkeypatch.setenv("BUDGETML_CHECKPOINTS", weak)
    for row in shared.of_settings(runs):
        assert not row["ok"] and f"user {name} may not" in row["detail"] and "GRANT" in row["detail"]
    with psycopg.connect(url, autocommit=True) as db:
        for schema in ("budgetml", "public"):
            db.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
            db.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}")
    assert all(row["ok"] for row in shared.of_settings(runs)), [*shared.of_settings(runs)]
    assert Session.open(run.run_id, runs).run()["status"] == "finished", "and these rights are enough"
