"""What a shell is offered, and what help says."""

from pathlib import Path
from typing import Any

import pytest

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import BudgetMLError


def test_a_shell_is_offered_names(
    folder: Path, fork: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer import Context

    from budgetmlagent.cli import names

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("models:\n  small: {}\n")
    (tmp_path / "way.yaml").write_text("nodes:\n  planner: {}\n")
    (tmp_path / "mytask" / "env").mkdir(parents=True)
    (tmp_path / "myother").mkdir()
    assert names.tasks("di") == ["digits", "distances"] and names.tasks("my") == ["mytask"]
    assert names.graphs("") == ["budgetml", "paper", "recall", "single_agent", "way.yaml"]
    assert names.embedded("s") == ["small"]

    def at(folder: Path) -> Any:
        context: Any = Context.__new__(Context)
        context.params = {"runs_dir": folder}
        return context

    assert fork.run_id in names.runs(at(folder), "digits-") and names.runs(at(folder), "x") == []
    assert names.models(at(folder), "mi") == ["mine.yaml"] == names.models(at(folder), "")
    assert f"replay:{fork.folder.root}" in names.models(at(folder), "replay:")
    assert names.runs(at(tmp_path / "none"), "") == [] and names.tasks("/no/such/folder/") == []
    assert names.graphs("\0/") == []


@pytest.mark.parametrize("group", ["", "graph", "models", "memory", "new"])
def test_no_summary_of_a_command_is_cut(
    group: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert call([*group.split(), "--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert len(commands) > 3 and not [line for line in commands if line.endswith("...")]


def test_an_error_of_ours_is_typed_as_it_is_told() -> None:
    assert BudgetMLError("x: is wrong").typed == "x: is wrong"
