"""A stranger's run, memory or graph leads to no file outside itself: neither by names, nor by links, nor by pipes."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.records import rundir
from budgetmlagent.records.rundir import RunConfig, RunDir
from budgetmlagent.scoring.witness import Witness
from budgetmlagent.share import export
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.attempts import Execution
from memory.items import StoreError
from memory.merge import forget

OUTWARD = ("../x", "/x", "..", ".", "", "a/x", "x\0")
RECORD = {"script": "s", "exit": 0, "seconds": 1.0, "output": "o"}
CONFIG = RunConfig(
    run_id="toy-1", task="toy", graph="budgetml", budget=1, turns=1, seed=0, history="off", models={}, sandbox="", hosts=[],
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return rundir.create(tmp_path / "runs", CONFIG, "name: x")


# -- names


@pytest.mark.parametrize("name", OUTWARD)
def test_no_record_names_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    artifacts = Artifacts(tmp_path / "artifacts")
    content = artifacts.put("x")
    with pytest.raises(CorruptArtifactError, match="no file's name"):
        Execution.of({**RECORD, "files": {"submission.csv": content, name: content}})
    path = tmp_path / "witness.json"
    path.write_text(json.dumps({name: content}))
    Witness(path, artifacts).lay_out(tmp_path / "inner")
    assert not list((tmp_path / "inner").iterdir()) and not (tmp_path / "x").exists()


def test_other_names_are_kept(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "artifacts")
    files = {"..csv": artifacts.put("a"), "a b.csv": artifacts.put("b")}
    assert Execution.of({**RECORD, "files": files}).files == files
    witness = Witness(tmp_path / "witness.json", artifacts)
    witness.keep(files)
    witness.lay_out(tmp_path / "inner")
    assert (tmp_path / "inner" / "..csv").read_text() == "a"


@pytest.mark.parametrize("out", ["out", "out.zip"])
@pytest.mark.parametrize("name", ["../x", "/x", "best/../../x"])
def test_an_export_lies_in_its_place(tmp_path: Path, out: str, name: str) -> None:
    with pytest.raises(UsageError, match="outside the export"):
        export.write(tmp_path / out, "run", {name: b"x"})
    assert not (tmp_path / "x").exists() and not (tmp_path / "out.zip").exists()


def test_a_run_is_called_by_a_name(run: RunDir) -> None:
    run.write("config.json", asdict(CONFIG) | {"run_id": "../other/data"})
    with pytest.raises(UnavailableError, match=r"run_id: .* is no name"):
        run.config()


# -- links


def test_a_linked_run_is_not_among_the_runs(run: RunDir, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "mine").symlink_to(run.root)
    assert rundir.all_runs(tmp_path / "others") == []
    assert [each.run_id for each in rundir.all_runs(run.root.parent)] == [CONFIG.run_id]


@pytest.mark.parametrize(
    "name",
    [
        "forgotten",
        "index",
        "items",
        "unindexed",
        ".",
        "index/chroma.sqlite3",
        "index/0a1b",
    ],
)
def test_a_memory_with_a_link_is_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").mkdir()
    place = tmp_path / "history"
    if name != ".":
        (place / name).parent.mkdir(parents=True)
    (place / name if name != "." else place).symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="is a symbolic link"):
        forget(place, ["x"])
    assert not list((tmp_path / "mine").iterdir())


@pytest.mark.parametrize("name", ["index/chroma.sqlite3", "index/0a1b", f"items/{'0' * 64}"])
@pytest.mark.parametrize("to", ["file", "folder", "nothing"])
def test_no_command_follows_a_link_deep_in_a_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, to: str
) -> None:
    mine, runs = tmp_path / "mine", tmp_path / "runs"
    (mine / "folder").mkdir(parents=True)
    (mine / "file").write_text("PRIVATE")
    item = {"kind": "attempt", "run": "r", "task": "t", "step": 1, "text": "trees"}
    (mine / "export.jsonl").write_text(json.dumps(item | {"id": "0" * 64}) + "\n")
    kept = Artifacts(runs / "history" / "items").put_json(item)
    (runs / "history" / name).parent.mkdir(exist_ok=True)
    (runs / "history" / name).symlink_to(mine / to)
    before = {path: path.stat().st_mtime_ns for path in [mine, *mine.rglob("*")]}
    looks = [["list"], ["show", kept[:9]], ["export", "--out", str(tmp_path / "out.jsonl")], ["compact"]]
    for command in [*looks, ["import", str(mine / "export.jsonl")], ["forget", kept[:9]]]:
        status = call(["memory", *command, "--runs-dir", str(runs)])
        out, err = capsys.readouterr()
        # An item is read by its hash, and written in the place of whatever has its name: a link among them does no harm.
        assert status == (0 if command in looks or name.startswith("items") else 3), (command, err)
        assert "PRIVATE" not in out + err and len(err.splitlines()) == (status > 0), err
    assert {path: path.stat().st_mtime_ns for path in [mine, *mine.rglob("*")]} == before


def test_a_run_that_a_link_stands_for_is_neither_removed_nor_merged(
    run: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, item = tmp_path / "others", {"kind": "attempt", "run": "r", "task": "t", "step": 1, "text": "trees"}
    runs.mkdir()
    kept = Artifacts(run.history / "items").put_json(item)
    (runs / "linked").symlink_to(run.root)
    there = set(run.root.rglob("*"))
    for name in ("linked", "lin", str(runs / "linked")):
        assert call(["clean", name, "--yes", "--runs-dir", str(runs)]) == 2
        assert "linked: is a symbolic link to" in capsys.readouterr().err
    assert call(["memory", "list", "--runs-dir", str(runs)]) == 0
    assert kept[:9] not in capsys.readouterr().out
    assert set(run.root.rglob("*")) == there
    assert call(["clean", str(run.root), "--yes", "--runs-dir", str(runs)]) == 0
    assert not run.root.exists()


@pytest.mark.parametrize("command", [["models", "new", "openai"], ["new", "graph", "models"]])
def test_what_is_new_is_not_written_through_a_link_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("models.yaml").symlink_to(tmp_path / "mine")
    assert call(command) == 2
    assert "models.yaml: is there already" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    Path("models.yaml").unlink()
    assert call(command) == 0
