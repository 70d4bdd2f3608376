"""Recordings from strangers: whatever they hold instead of what a run leaves, a replay ends in one line, and soon."""

import gc
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError
from budgetmlagent.records.rundir import RunDir
from memory.artifacts import Artifacts

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("recorded")
    with FaultServer(respond=tiny.team) as server:
        session = tiny.session(folder, server.url, turns=1)
        session.run()
    root = session.folder.root
    del session
    gc.collect()
    yield root


def replay(recording: Path, task: Path, runs: Path) -> int:
    return call(
        ["run", str(task), "--models", f"replay:{recording}", "--turns", "1", "--history", "off", "--runs-dir", str(runs)]
    )  # fmt: skip


def of_event(field: str, raw: str, kept: str = "") -> Change:
    """Put `raw` JSON for `field` in every event that has one there."""

    def change(folder: Path) -> None:
        path = folder / "events.jsonl"
        events = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [json.dumps({**e, field: "@@"} if e.get(kept or field) else e) for e in events]
        path.write_text("".join(line.replace('"@@"', raw) + "\n" for line in lines))

    return change


def of_artifact(field: str, put: Callable[[Path], Any]) -> Change:
    """Do something to the first artifact that an event names in `field`."""

    def change(folder: Path) -> None:
        events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        path = folder / "artifacts" / next(event[field] for event in events if event[field])
        path.unlink()
        put(path)

    return change


def of_record(field: str, **odd: Any) -> Change:
    """Name, in `field`, an artifact with odd values, whose hash is right."""

    def change(folder: Path) -> None:
        events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        artifacts = Artifacts(folder / "artifacts")
        record = artifacts.json(next(event[field] for event in events if event[field]))
        of_event(field, json.dumps(artifacts.put_json(record | odd)))(folder)

    return change


def of_file(name: str, text: str | None) -> Change:
    """Write another file; a pipe where `text` is None."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name) if text is None else (folder / name).write_text(text)

    return change


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD = {
    "infinite dollars": of_event("usd", "1e400", "model"),
    "no number of dollars": of_event("usd", "NaN", "model"),
    "negative dollars": of_event("usd", "-1", "model"),
    "dollars in words": of_event("usd", '"many"', "model"),
    "dollars of 10,000 digits": of_event("usd", "9" * 10_000, "model"),
    "more dollars than there are": of_event("usd", "1e300", "model"),
    "absurd tokens": of_event("tokens_in", "9" * 40, "model"),
    "a list for a model": of_event("model", "[[]]"),
    "a number for a way": of_event("route", "7"),
    "a name that leads out": of_event("reply", '"../../../../etc/passwd"'),
    "a name that no file has": of_event("execution", '"\\u0000"'),
    "a pipe for a reply": of_artifact("reply", os.mkfifo),
    "a device for a reply": of_artifact("reply", lambda path: path.symlink_to("/dev/zero")),
    "a huge file for an execution": of_artifact("execution", huge),
    "a list for an execution": of_artifact("execution", lambda path: path.write_text("[]")),
    "an execution without end": of_record("execution", seconds="long"),
    "files by number": of_record("execution", files=[1]),
    "an attempt with a list for a score": of_record("attempt", score=[[]]),
    "a pipe for the events": of_file("events.jsonl", None),
    "scores in words": of_file("final.json", '{"attempt": "a", "private_best": "best"}'),
    "scores in a list": of_file("final.json", "[5]"),
    "nothing but brackets": of_file("final.json", "[" * 100_000),
}


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in ODD.items()])
def test_an_odd_recording_is_one_line(
    change: Change, recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(recorded, tmp_path / "recording")
    change(folder)
    assert replay(folder, recorded.parent.parent / "tiny", tmp_path / "runs") in (1, 2, 3)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("budgetml: ")]
    assert len(said) == 1 and len(said[0]) < 1100


def test_what_is_whole_is_replayed(recorded: Path, tmp_path: Path) -> None:
    assert replay(recorded, recorded.parent.parent / "tiny", tmp_path / "runs") == 0


@pytest.mark.parametrize("name", ["best/../../elsewhere", "../elsewhere", "/tmp/elsewhere"])
def test_a_run_writes_no_file_outside(name: str, tmp_path: Path) -> None:
    (tmp_path / "run/best").mkdir(parents=True)
    with pytest.raises(UnavailableError, match="the run has a file called"):
        RunDir(tmp_path / "run").write_bytes(name, b"")
    (tmp_path / "run/best/../../elsewhere").write_bytes(b"")  # where it would be
    assert (tmp_path / "elsewhere").exists()
