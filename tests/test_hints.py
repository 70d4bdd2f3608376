"""What is said of a run can be typed as it is said, wherever its folder lies."""

from pathlib import Path

import pytest

from budgetmlagent.records import hints


@pytest.mark.parametrize(
    ("runs", "typed", "opened"),
    [
        ("runs", "budgetml resume a-run --turns 9", "Session.open('a-run')"),
        ("mine", "budgetml resume a-run --turns 9 --runs-dir mine", "Session.open('a-run', runs_dir='mine')"),
        ("my own/runs", "--runs-dir 'my own/runs'", "Session.open('a-run', runs_dir='my own/runs')"),
        ("../others", "--runs-dir ABOVE/others", "Session.open('a-run', runs_dir='ABOVE/others')"),
    ],
)
def test_the_folder_of_runs_is_named_where_it_is_not_the_usual_one(
    runs: str, typed: str, opened: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    above = str(tmp_path)
    for run in (Path(runs) / "a-run", (here / runs / "a-run").resolve()):
        said = hints.command("resume", run, "--turns 9")
        assert said.endswith(typed.replace("ABOVE", above)) and said.startswith(
            "budgetml resume a-run --turns 9"
        )
        assert hints.opened(run) == opened.replace("ABOVE", above)


def test_where_the_current_folder_was_removed_the_whole_path_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, run = tmp_path / "gone", tmp_path / "runs" / "a-run"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert hints.opened(run) == f"Session.open('a-run', runs_dir='{run.parent}')"
    assert hints.command("show", run) == f"budgetml show a-run --runs-dir {run.parent}"


def test_a_folder_that_the_settings_name_is_named_in_python_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUDGETML_RUNS", str(tmp_path / "mine"))
    assert hints.command("show", tmp_path / "mine" / "a-run") == "budgetml show a-run"
    assert hints.opened(tmp_path / "mine" / "a-run") == "Session.open('a-run', runs_dir='mine')"
    assert hints.command("show", tmp_path / "runs" / "a-run") == "budgetml show a-run --runs-dir runs"
