"""A bash in which completion was installed offers names of tasks, graphs, runs and models, and words to choose from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from budgetmlagent.cli import call

RUNS = ("digits-20260101-101010-aaaa", "flights-20260101-101010-bbbb")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where it was installed, with files of a user's own in it; every command is typed there."""
    home = tmp_path_factory.mktemp("home")
    told = bash(home, "budgetml --install-completion")
    assert told.startswith("bash completion installed in ") and "x1b" not in told
    for task in ("mine", "two words"):
        (home / task / "env").mkdir(parents=True)
    (home / "no_task").mkdir()
    (home / "coached.yaml").write_text("name: coached\nnodes: {}\n")
    (home / "team.yml").write_text("models:\n  small: {}\n")
    (home / "other.yaml").write_text("a: 1\n")
    (home / "odd.yaml").mkdir()
    for run in RUNS:
        (home / "runs" / run).mkdir(parents=True)
        (home / "runs" / run / "config.json").write_text("{}")
    return home


def bash(home: Path, script: str) -> str:
    """What a bash prints that has read its `.bashrc`."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"[ ! -f ~/.bashrc ] || . ~/.bashrc\n{script}\nexit"],
        cwd=home, env=os.environ | {"HOME": str(home), "PATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def completed(home: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    typed = " ".join(f"'{word}'" for word in ("budgetml", *words))
    ask = f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _budgetml_completion budgetml"
    return bash(home, f"{ask}; printf '%s\\n' \"${{COMPREPLY[@]}}\"").split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["res"], ["resume"]),
        (["run", "digits", "--graph", ""], ["budgetml", "paper", "recall", "single_agent", "coached.yaml"]),
        (["run", "digits", "--graph", "=", "pa"], ["paper"]),  # as bash takes `--graph=pa` apart
        (["run", "no_task/"], []),  # a path, which bash completes by itself
    ],
)
def test_bash_completes_a_name(home: Path, words: list[str], offered: list[str]) -> None:
    assert completed(home, *words) == offered


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("run ", ["digits", "distances", "flights", "glosses", "mine"]),
        ("run digits --models ", ["team.yml"]),
        ("run digits --models rep", [f"replay:runs/{run}" for run in reversed(RUNS)]),
        ("run digits --history a", ["all"]),
        ("show dig", ["digits-20260101-101010-aaaa"]),
        ("show --runs-dir nowhere ", []),
        ("list --status ", ["finished", "stopped", "failed", "underway"]),
        ("models new ol", ["ollama"]),
        ("models profile --models ", ["team.yml"]),
        ("models profile --models rep", []),
        ("models pull ", ["large", "small"]),
        ("bench --graphs paper,re", ["paper,recall"]),
    ],
)
def test_each_word_has_its_names(
    home: Path,
    typed: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command that bash asks, asked as bash does."""
    monkeypatch.chdir(home)
    asked = {"_BUDGETML_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(["budgetml", *typed.split(" ")]), "COMP_CWORD": str(len(typed.split(" ")))}  # fmt: skip
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        call([])
    assert capsys.readouterr().out.split() == offered


def test_the_runs_of_a_projects_own_folder_are_offered(home: Path, tmp_path: Path) -> None:
    (tmp_path / "budgetml.toml").write_text(f'runs = "{home / "runs"}"\n')
    (tmp_path / ".bashrc").write_text(f"source {home}/.bash_completions/budgetml.sh\n")
    assert completed(tmp_path, "why", "fl") == ["flights-20260101-101010-bbbb"]
    (tmp_path / "budgetml.toml").write_text("no TOML")
    assert completed(tmp_path, "why", "fl") == []
