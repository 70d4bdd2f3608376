"""Runs are looked at while their files come and go: what is taken away at that moment is no fault."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from budgetmlagent.records import rundir
from budgetmlagent.records.rundir import RunConfig
from budgetmlagent.studio.answers import Answers
from budgetmlagent.studio.place import Place

LOOKS = 500
BEGUN = RunConfig(
    run_id="toy-1", task="toy", graph="budgetml", budget=1, turns=1, seed=0, history="off", models={}, sandbox="", hosts=[],
)  # fmt: skip
# A run is taken and left without end, another one is removed and put back.
COMES_AND_GOES = """
import sys
from pathlib import Path
from budgetmlagent.records import live
from budgetmlagent.records.rundir import RunDir
from memory.files import write_whole
held, removed = (RunDir(Path(path)) for path in sys.argv[1:])
config = (removed.root / "config.json").read_bytes()
print("now", flush=True)
while True:
    live.take(held)
    (removed.root / "config.json").unlink()
    live.leave(held)
    write_whole(removed.root / "config.json", config)
"""


def test_a_run_that_is_taken_left_or_removed_while_it_is_looked_at_is_no_fault(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    held, removed = (rundir.create(runs / name, BEGUN, "name: x").root for name in ("", "more"))
    removed = removed.rename(runs / "toy-2")
    answers = Answers(Place(tmp_path, runs))
    command = [sys.executable, "-c", COMES_AND_GOES, str(held), str(removed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "now\n"
        try:
            for _ in range(LOOKS):
                answers.watcher._look()
                status, reply = answers.answer("runs", json.dumps({}).encode())
                assert status == 200, reply
                assert [row["reason"] for row in reply["runs"] if row["stands"] == "damaged"] == []
        finally:
            process.kill()


def test_a_run_is_one_once_all_is_there_that_it_was_begun_with(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        rundir.create(tmp_path, BEGUN, "name: \ud800")  # a graph that cannot be written
    assert rundir.all_runs(tmp_path) == []
