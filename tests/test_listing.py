"""`budgetml list`: the runs with their forks as a tree, filtered, in columns that a terminal has room for."""

import json
import shutil
from pathlib import Path

import pytest
from terminals import at_a_terminal

from budgetmlagent.cli import call

RECORDING = Path(__file__).parent / "recordings" / "digits"
# Each run: its task, status, score and the run that it is a fork of, in the order in which they were begun.
RUNS = {
    "digits-20260101-101010-aaaa": ("digits", "finished", 0.97651, ""),
    "flights-20260102-090000-bbbb": ("flights", "failed", None, ""),
    "digits-20260103-101010-cccc": ("digits", "stopped", 0.5, "digits-20260101-101010-aaaa"),
    "digits-20260104-101010-dddd": ("digits", "finished", 0.25, "digits-20260103-101010-cccc"),
    "digits-20260105-101010-eeee": ("digits", "finished", 0.125, "digits-20260101-101010-aaaa"),
}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder, in the current one."""
    monkeypatch.chdir(tmp_path)
    told = json.loads((RECORDING / "run.json").read_text())
    for name, (task, status, best, origin) in RUNS.items():
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        shutil.copy(RECORDING / "config.json", folder)
        fork = {"fork": {"runs": [origin], "step": 1, "replies": "live"}} if origin else {}
        one = told | fork | {"run_id": name, "task": task, "status": status, "best": best}
        (folder / "run.json").write_text(json.dumps(one))
    return tmp_path / "runs"


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """The lines of a list without its head."""
    assert call(["list", *options]) == 0
    return capsys.readouterr().out.splitlines()[1:]


def ends(lines: list[str]) -> list[str]:
    """The end of each run's id, after what stands before it."""
    return [
        f"{line[: line.index(' digits') + 1 if '└' in line else 0]}{line.split('-')[3][:4]}" for line in lines
    ]


def test_forks_stand_below_what_they_come_from(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(listed(capsys)) == ["aaaa", "└ cccc", "  └ dddd", "└ eeee", "bbbb"]


def test_a_fork_whose_origin_is_filtered_out_stands_by_itself(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(listed(capsys, "--since", "2026-01-02")) == ["bbbb", "cccc", "└ dddd", "eeee"]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--task", "flights"], "b"), (["--status", "stopped"], "c"), (["--since", "2026-01-04"], "de"),
        (["--since", "2026-01-04T10:10"], "de"), (["--since", "2026-01-04T10:11"], "e"),
        (["--since", "2026-01-03 10:11", "--status", "finished", "--task", "digits"], "de"),
    ],
)  # fmt: skip
def test_each_filter_leaves_what_fits(
    runs: Path, capsys: pytest.CaptureFixture[str], options: list[str], left: str
) -> None:
    assert "".join(line.split("-")[3][0] for line in listed(capsys, *options)) == left
    assert call(["list", *options, "--json"]) == 0
    assert [run["run_id"][-1] for run in json.loads(capsys.readouterr().out)] == list(left)


def test_where_none_fits_that_is_said_and_is_no_error(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["list", "--since", "2030-01-01"]) == 0
    assert capsys.readouterr().out == "none of the 5 runs in runs fits\n"
    assert call(["list", "--status", "failed", "--task", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert call(["list", "--runs-dir", "nowhere", "--task", "digits"]) == 0
    assert capsys.readouterr().out == "no runs in nowhere\n"


def test_a_file_is_no_folder_of_runs(tmp_path, capsys):
    (tmp_path / "ledger").write_text("")
    for words in (["list"], ["cost"], ["run", "digits"]):
        assert call([*words, "--runs-dir", str(tmp_path / "ledger")]) == 2
        assert capsys.readouterr().err.endswith("ledger: a folder is needed, and this is a file\n")


@pytest.mark.parametrize(("columns", "head"), [(40, "run"), (80, "turns"), (160, "graph")])
def test_a_line_fits_the_terminal_and_ends_with_a_whole_column(runs: Path, columns: int, head: str) -> None:
    status, told = at_a_terminal(columns, "list")
    lines = told.splitlines()
    assert status == 0
    assert len(lines) == len(RUNS) + 1 and max(map(len, lines)) <= columns
    assert lines[0].endswith(head) or columns == 40
    assert "\x1b" not in "".join(lines)
