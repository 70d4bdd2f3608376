"""The interpreter that a task names, and what else is started outside the sandbox: by the person's word, without keys."""

import ast
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.keyless import keyless
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.tasks.folder import load_task

SECRET = "sk-a-secret-of-mine"
REAL = Path(sys.executable).resolve()
ROOT = Path(__file__).parents[1]
TOLD = "import json, os\nopen({!r}, 'w').write(json.dumps(dict(os.environ)))\n"


@pytest.fixture(autouse=True)
def person(tmp_path, monkeypatch) -> Path:
    """The state of a person who has a secret in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MY_SECRET", SECRET)
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    return tmp_path / "person"


def environment_at(folder: Path, marker: Path, *, link: bool = True) -> Path:
    """Make a virtual environment that writes down its variables when it is started; return its interpreter."""
    packages = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    packages.mkdir(parents=True)
    (packages / "told.py").write_text(TOLD.format(str(marker)))
    # Not `sitecustomize`: Debian has one of its own, which is found first.
    (packages / "told.pth").write_text("import told\n")
    (folder / "pyvenv.cfg").write_text(f"home = {REAL.parent}\n")
    (folder / "bin").mkdir(exist_ok=True)
    python = folder / "bin" / REAL.name
    python.symlink_to(REAL) if link else shutil.copy(REAL, python)
    return python


def task_with(folder: Path, python: str) -> Path:
    task = folder / "tiny"
    if not task.exists():
        tiny.task(folder)
    text = (task / "task.yaml").read_text().partition("python:")[0]
    (task / "task.yaml").write_text(f"{text}python: {python}\n")
    return task


def test_a_task_does_not_bring_its_interpreter(tmp_path):
    task = task_with(tmp_path, "null")
    environment_at(task, tmp_path / "marker")
    (task / "usr").symlink_to(REAL.parent)  # Python looks beside it, too
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "python3").symlink_to(task / "bin" / REAL.name)
    (outside / "bin").symlink_to(task / "bin")
    named = (
        f"bin/{REAL.name}", f"../tiny/bin/{REAL.name}", f"usr/{REAL.name}", str(task / "bin" / REAL.name),
        f"../outside/bin/{REAL.name}", str(outside / "python3"), f"{outside}/../tiny/usr/{REAL.name}",
    )  # fmt: skip
    for python in named:
        task_with(tmp_path, python)
        assert call(["run", str(task), "--trust"]) == 2, python
        with pytest.raises(UsageError, match="lies in the task's folder; name an interpreter"):
            load_task(str(task))
    assert not (tmp_path / "marker").exists()
    for python in named[:3]:  # what it would have run
        subprocess.run([os.path.abspath(task / python), "-I", "-c", ""], check=True)
        (tmp_path / "marker").unlink()


def test_only_an_interpreter_is_one(tmp_path):
    script = tmp_path / "python3.11"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/marker\n")
    script.chmod(0o755)
    (tmp_path / "python3").symlink_to("/bin/ls")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "python3.9").write_bytes(b"\x7fELF")  # nobody may start it
    for python, words in {
        str(script): "is no Python interpreter", str(tmp_path / "python3"): "is no Python interpreter",
        "/bin/sh": "is no Python interpreter", str(tmp_path / "round"): "python:", "/": "is no program",
        str(tmp_path / "python3.9"): "is no program", "~nobody-of-this-name/python3": "python:", "/a\\0": "python:",
    }.items():  # fmt: skip
        task = task_with(tmp_path, json.dumps(python))
        with pytest.raises(UsageError, match=words) as refused:
            load_task(str(task))
        assert "\n" not in str(refused.value)
    assert not (tmp_path / "marker").exists()


def test_a_new_interpreter_is_asked_for_once_and_gets_no_key(tmp_path, person, capsys):
    python, marker = environment_at(tmp_path / "venv", tmp_path / "marker", link=False), tmp_path / "marker"
    task = str(task_with(tmp_path, str(python)))
    looks = (["run", task, "--dry-run"], ["show", "tiny"], ["graph", "lint", "budgetml"])
    for command in (["run", task], *looks):
        status = call(command)
        assert not marker.exists(), command
        if command[0] == "run" and len(command) == 2:
            (line,) = capsys.readouterr().err.splitlines()
            assert status == 2 and f"starts {python} as you" in line and "--trust (trust=True)" in line
    assert not list(tmp_path.glob("runs/*/config.json")) and not (person / "programs.json").exists()
    with pytest.raises(UsageError, match="--trust"):
        interpreter(python)
    subprocess.run([python, "-I", "-c", ""], check=True)  # as it was started before
    assert json.loads(marker.read_text())["MY_SECRET"] == SECRET
    marker.unlink()

    run = Session(task, "recall", trust=True).folder.root
    assert not marker.exists()
    interpreter(load_task(task).python)
    assert SECRET not in marker.read_text() and json.loads(marker.read_text()).keys() < {
        "PATH",
        "LANG",
        "LC_CTYPE",
    }
    Session(task, "recall")
    assert stat.S_IMODE((person / "programs.json").stat().st_mode) == 0o600

    (person / "programs.json").unlink()
    with pytest.raises(UsageError, match="add --trust"):
        Session.open(run).extend(turns=1)
    Session.open(run, trust=True).extend(turns=1)
    with python.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UsageError, match="the program that you trusted has changed"):
        Session(task, "recall")
    link = tmp_path / "elsewhere"
    link.symlink_to(python)
    with pytest.raises(UsageError, match=re.escape(f"{link} ({python})")):
        Session(str(task_with(tmp_path, str(link))), "recall")
    Session(str(task_with(tmp_path, sys.executable)), "recall")  # that is running: it needs no word


def test_programs_outside_the_sandbox_get_no_keys(monkeypatch):
    for name in ("MY_SECRET", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, SECRET)
    assert SECRET not in keyless().values() and keyless("HF_TOKEN")["HF_TOKEN"] == SECRET
    for path in (ROOT / "budgetmlagent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if path.match("bench/remote.py") or path.match("studio/drive.py"):
                continue  # what it starts is budgetml itself, which asks models
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "subprocess.run",
                "subprocess.Popen",
            ):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert "env" in given and "os.environ" not in given["env"], f"{path}:{node.lineno}"
