"""A stranger's run, memory or graph leads to no file outside itself: neither by names, nor by links, nor by pipes."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", ["forgotten", "index", "items", "unindexed", "."])
def test_a_memory_with_a_link_is_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").mkdir()
    place = tmp_path / "history"
    if name != ".":
        place.mkdir()
    (place / name if name != "." else place).symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="is a symbolic link"):
        forget(place, ["x"])
    assert not list((tmp_path / "mine").iterdir())
