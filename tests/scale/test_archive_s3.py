"""An archive in S3: another machine reads it, a server that is away, and senders that are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer
from servers import PLACE, S3
from ways import Way

from budgetmlagent.records import archive
from budgetmlagent.records.copies import refreshed
from budgetmlagent.records.packed import NOTE, UNSENT
from budgetmlagent.run.view import RunView
from budgetmlagent.storage import Storage
from budgetmlagent.upkeep import doctor

pytestmark = [pytest.mark.scale, pytest.mark.filterwarnings("ignore")]
KEEP = (
    "import sys, pathlib; from budgetmlagent.records import archive; archive.keep(pathlib.Path(sys.argv[1]))"
)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(respond=tiny.team) as server:
        yield server


def budgetml(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "budgetmlagent", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kept() -> set[str]:
    with Storage(PLACE).opened() as (fs, top):
        return {path.removeprefix(f"{top}/") for path in fs.find(top)}


def by(way: Way) -> dict[str, str]:
    """Return the environment of who goes to the server by `way`."""
    return {**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{way.own}"}


def test_runs_are_read_from_anywhere_and_no_file_or_line_has_the_key(
    s3: S3, server: FaultServer, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    tiny.task(tmp_path)
    models, said = tiny.models(tmp_path, server.url), list[str]()
    here.mkdir()
    (here / "budgetml.toml").write_text(f'archive = "{PLACE}"\n')
    begin = ["run", tmp_path / "tiny", "--models", models, "--turns", 2, "--history", "off"]
    refused = budgetml(*begin, "--runs-dir", here / "runs")
    assert refused.returncode == 2 and PLACE in refused.stderr and not kept(), "nobody has confirmed it"
    done = budgetml(*begin, "--trust", "--json", "--runs-dir", here / "runs")
    run = json.loads(done.stdout)["run_id"]
    said += [done.stdout, done.stderr]
    for words in (["list"], ["show", run], ["cost", run], ["cost"]):
        looked = budgetml(*words, "--json", "--runs-dir", PLACE)
        assert looked.returncode == 0 and run in looked.stdout, looked.stderr
        said += [looked.stdout, looked.stderr]
    said += [
        *(f.read_text("utf-8", "replace") for f in tmp_path.rglob("*") if f.is_file()),
    ]
    assert not [text for text in said if s3.environment["AWS_SECRET_ACCESS_KEY"] in text]


def test_a_server_that_is_away_loses_no_run(
    s3: S3, server: FaultServer, tmp_path: Path, capfd, monkeypatch
) -> None:
    monkeypatch.setenv("BUDGETML_ARCHIVE", PLACE)
    s3.close()
    run = tiny.session(tmp_path, server.url)
    assert run.run()["status"] == "finished"
    lines = [line for line in capfd.readouterr().err.splitlines() if "archive" in line]
    assert len(lines) == 1 and "Could not connect" in lines[0]
    looked = budgetml("doctor", "--runs-dir", tmp_path / "runs")
    assert looked.returncode == 3 and f"BAD archive: archive {PLACE}: Could not connect" in looked.stdout
    s3.start()
    looked = budgetml("doctor", "--runs-dir", tmp_path / "runs")
    assert "The specified bucket does not exist; make the bucket" in looked.stdout
    with Storage("s3://bucket").opened() as (fs, _):
        fs.mkdir("bucket")
    looked = budgetml("doctor", "--runs-dir", tmp_path / "runs")
    assert f"ok  archive: {PLACE}: it can be written; 1 run not there yet" in looked.stdout and not kept()
    assert budgetml("resume", run.run_id, "--runs-dir", tmp_path / "runs").returncode == 0
    assert f"runs/{run.run_id}.json" in kept()


def test_senders_that_are_killed_leave_whole_runs_or_none(
    s3: S3, server: FaultServer, tmp_path: Path, monkeypatch
) -> None:
    run = tiny.session(tmp_path, server.url)
    run.run()
    monkeypatch.setenv("BUDGETML_ARCHIVE", PLACE)
    (run.folder.root / UNSENT).touch()
    command = [sys.executable, "-c", KEEP, str(tmp_path / "runs")]
    through = Way(s3.port, b"PUT /bucket/", at=0)
    subprocess.run(command, check=True, env=by(through))
    through.close()
    with Storage(PLACE).opened() as (fs, top):
        fs.rm(top, recursive=True)
    (run.folder.root / NOTE).unlink()
    (run.folder.root / UNSENT).touch()
    manifest = f"runs/{run.run_id}.json"
    assert through.seen > 4
    for at in (2, through.seen // 2, through.seen):
        way = Way(s3.port, b"PUT /bucket/", at=at)
        child = subprocess.Popen(command, env=by(way))
        way.then = child.kill
        assert child.wait() == -signal.SIGKILL, "the positive control: it was killed in the middle"
        way.close()
        assert manifest not in kept()
    assert kept(), "all but the manifest is there"
    archive.keep(tmp_path / "runs")
    assert manifest in kept() and not (run.folder.root / UNSENT).exists()
    copy = refreshed(Storage(PLACE))
    fetched = RunView.open(run.run_id, copy)
    assert fetched.done and fetched.summary | {"run_dir": ""} == run.summary | {"run_dir": ""}
    assert all(row["ok"] for row in doctor.of_run(run.run_id, copy, rebuild=False))


def test_rows_of_a_bench_are_in_the_archive_when_it_has_ended(
    s3: S3, server: FaultServer, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("BUDGETML_ARCHIVE", PLACE)
    tiny.task(tmp_path)
    words = ["bench", "--tasks", tmp_path / "tiny", "--models", tiny.models(tmp_path, server.url), "--seeds", "0,1", "--turns", 2,
             "--jobs", 2, "--out", tmp_path / "bench", "--json"]  # fmt: skip
    done = budgetml(*words)
    rows = json.loads(done.stdout)["rows"]
    assert [row["status"] for row in rows] == ["finished"] * 2, done.stderr
    assert {f"runs/{row['run_id']}.json" for row in rows} <= kept()
    assert not [*(tmp_path / "bench" / "runs").glob(f"*/{UNSENT}")]
