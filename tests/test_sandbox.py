"""The sandbox: what it takes from a script, how a run is recorded, which cage is chosen. Attacks: test_attacks.py."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import host
import pytest
from host import box_in

from budgetmlagent.errors import RunFailedError, UnavailableError
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import Interpreter, interpreter, masks
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.sandbox.trusted import run_module
from budgetmlagent.sandbox.workspace import take
from budgetmlagent.tasks.folder import load_task
from memory.artifacts import Artifacts
from nodes.deps import Here


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


def test_libraries_work_although_their_data_sets_are_hidden(cage: Cage, tmp_path: Path) -> None:
    script = "from sklearn.datasets import make_classification as m\nprint(m(20)[0].shape)"
    execution = box_in(tmp_path, cage).run(Here(), script)
    assert (execution.exit, execution.tail) == (0, "(20, 20)\n")


def test_seal_holds_after_an_attack(cage: Cage, tmp_path: Path) -> None:
    box = box_in(tmp_path, cage, {"targets.json": '{"target": "train.csv"}'})
    assert box.run(Here(), host.script("alter_data")).exit == 0
    assert {"env/train.csv", "env/train.py", "scoring/eval.py", "text of task.yaml"} <= set(box.before)
    assert box.integrity() == {"ok": True, "checked": len(box.before), "changed": [], "attempts": 0}


def test_seal_names_what_was_changed(cage: Cage, tmp_path: Path) -> None:
    box = box_in(tmp_path, cage)
    (box.task.scoring / "answers.csv").write_text("id,label\n1,1\n")
    (box.task.env / "train.csv").unlink()
    verdict = box.integrity()
    assert (verdict["ok"], verdict["changed"]) == (False, ["env/train.csv", "scoring/answers.csv"])


def test_of_an_environment_in_a_project_only_the_environment_is_visible(cage: Cage, tmp_path: Path) -> None:
    """`python -m venv .` makes one in the folder of a project, beside its keys, answers and other files."""
    project = tmp_path / "project"
    venv.create(project, symlinks=True, with_pip=False)
    (project / ".env").write_text("KEY=a-secret-of-mine")
    packages = next(project.glob("lib/python*/site-packages"))
    (packages / "mine.py").write_text("NAME = 'installed'")
    base = interpreter(None).base_prefix
    own = Interpreter(project / "bin/python", project, base, "3.11", (packages,))
    code = f"import mine, os, sys\nprint(mine.NAME, sys.prefix, sorted(os.listdir({str(project)!r})))\nopen({str(project / '.env')!r})"
    said = _said(cage, own, code, tmp_path / "held")
    assert f"installed {project} ['bin', 'include', 'lib'" in said and ".env'" not in said.splitlines()[0]
    assert "FileNotFoundError" in said

    class Whole(Interpreter):
        def visible(self) -> tuple[Path, ...]:
            return self.prefixes()

        def links(self) -> tuple[Path, ...]:
            return ()

    said = _said(cage, Whole(own.path, project, base, "3.11", (packages,)), code, tmp_path / "open")
    assert "'.env'" in said and "FileNotFoundError" not in said


def _said(cage: Cage, python: Interpreter, code: str, workspace: Path) -> str:
    workspace.mkdir()
    outcome = cage.launch(Job(python, ["-I", "-c", code], workspace, Limits(seconds=20)))
    return outcome.output.decode()


def test_masks_cover_every_installation_that_is_visible(tmp_path: Path) -> None:
    own = tmp_path / "lib/python3.11/site-packages"
    shared = tmp_path / "envs/shared/lib/python3.11/site-packages"
    foreign = tmp_path / "lib/other/lib/python3.9/site-packages"
    for root in (own, shared, foreign):
        for name in (
            "one/datasets/data/iris.csv", "two/datasets/flights.py", "two/datasets/flights.csv.gz",
            "three/_data/cars.json", "four_datasets/_data/cars.json", "budgetmlagent/tasks/bundled/x/scoring/eval.py",
            "five/code.py", "five/table.csv",
        ):  # fmt: skip
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
    (tmp_path / "lib/linked/lib/python3.10").mkdir(parents=True)
    (tmp_path / "lib/linked/lib/python3.10/site-packages").symlink_to("/nowhere")
    python = Interpreter(Path("python"), tmp_path, tmp_path, "3.11", (own, shared))
    found = {str(p) for p in masks(python) if tmp_path in p.parents}
    hidden = [
        "one/datasets/data",
        "two/datasets/flights.csv.gz",
        "four_datasets/_data",
        "budgetmlagent/tasks",
    ]
    assert found == {str(foreign), *(str(root / name) for root in (own, shared) for name in hidden)}
    # A second mask below one could not be mounted.
    inner = (own / "budgetmlagent/tasks/bundled", foreign / "one", own / "five")
    job = Job(python, [], tmp_path, Limits(1), hidden=inner)
    assert {p for p in job.masked() if p in inner} == {own / "five"}


# What a script submits

SUBMISSIONS = {
    "submit_symlink": "submission.csv is a symbolic link: refused",
    "submit_fifo": "submission.csv is a pipe: refused",
    "submit_folder": "submission.csv is a folder: refused",
    "submit_hardlink": "submission.csv has a second name (a hard link): refused",
    "submit_huge": "submission.csv has 64.0 MiB, 64 are the most: refused",
}


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_only_a_plain_file_is_a_submission(name: str, cage: Cage, tmp_path: Path) -> None:
    box = box_in(tmp_path, cage, {"targets.json": '{"target": "/etc/passwd"}'})
    execution = box.run(Here(), host.script(name))
    assert execution.exit == 0, execution.tail
    assert execution.files == {}
    assert execution.tail.endswith(SUBMISSIONS[name] + "\n")
    assert execution.refused == 1 and box.integrity(execution.refused)["attempts"] == 1


def test_submission_is_taken_whole(cage: Cage, tmp_path: Path) -> None:
    box = box_in(tmp_path, cage)
    execution = box.run(Here(), "open('submission.csv', 'wb').write(bytes(range(256)) * 1000)")
    assert box.artifacts.read(execution.files["submission.csv"]) == bytes(range(256)) * 1000
    (tmp_path / "top").mkdir()
    (tmp_path / "top/submission.npz").write_bytes(b"1")
    assert take(tmp_path / "top", "submission.*") == ({"submission.npz": b"1"}, [])
    assert take(tmp_path / "top", "submission.csv") == ({}, [])


# How a run is recorded


@pytest.mark.parametrize("name", ["bubblewrap", "unsafe"])
def test_benign_script(name: str, cage: Cage, tmp_path: Path) -> None:
    box = box_in(tmp_path, cage if name == "bubblewrap" else UNSAFE, {"helper/part.py": "WORD = 'helped'"})
    script = "import os, sys, time\nfrom helper.part import WORD\ntime.sleep(0.3)\nprint(WORD, os.environ['HOME'] != '/root')\nprint('bad', file=sys.stderr)\nsys.exit(3)"
    execution = box.run(Here(), script)
    assert (execution.exit, execution.killed, execution.tail) == (3, "", "helped True\nbad\n")
    assert 0.3 <= execution.seconds < 5
    assert box.artifacts.text(execution.script) == script
    assert box.artifacts.text(execution.output) == execution.tail
    assert execution.memory_mb > 1


def test_a_long_output_keeps_its_end(cage: Cage, tmp_path: Path) -> None:
    execution = box_in(tmp_path, cage).run(Here(), "print('x' * 100000)\nprint('end')")
    assert len(execution.tail) == 4000
    assert execution.tail.endswith("x\nend\n")


def test_a_folder_of_data_is_bound_as_one_and_a_free_file_copied(cage: Cage, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    task = tmp_path / "task"
    (task / "env/data").mkdir(parents=True)
    (task / "scripts").mkdir()
    for i in range(3):
        (task / f"env/data/{i}.csv").write_text("1")
    (task / "env/free.txt").write_text("1")
    (task / "env/train.py").write_text("")
    (task / "scripts/research_problem.txt").write_text("Do it.")
    (task / "scripts/read_only_files.txt").write_text("data/*\n")
    (task / "scripts/eval.py").write_text("HIGHER = True\ndef get_score(folder):\n    return 1.0\n")
    box = ScriptSandbox(load_task(str(task)), cage, Artifacts(tmp_path / "artifacts"), tmp_path / "work")
    script = "import os\nopen('free.txt', 'w').write('2')\nprint(sorted(os.listdir('data')))\nopen('data/0.csv', 'w')"
    execution = box.run(Here(), script)
    assert "['0.csv', '1.csv', '2.csv']" in execution.tail
    assert "Read-only file system: 'data/0.csv'" in execution.tail
    assert (task / "env/free.txt").read_text() == "1"


# The rungs, and code of ours


def test_probe_is_one_clear_line_where_nothing_works(cage: Cage, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    code = "from budgetmlagent.sandbox.process.probe import probe\nprobe()"
    # A machine of another kind has no trusted wheel, so that only the broken one is left.
    code = "import platform\nplatform.machine = lambda: 'other'\n" + code
    env = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], check=False, env=env, capture_output=True, text=True)
    line = done.stderr.strip().rpartition("\n")[2]
    assert "UnavailableError: sandbox: bubblewrap does not work here (PATH: " in line
    assert "--unsafe" in line
    assert UnavailableError.status == 3


def test_a_sandbox_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(
        f"#!{sys.executable}\nimport os, sys\nargs = sys.argv[sys.argv.index('--') + 1:]\nos.execv(args[0], args)\n"
    )
    fake.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:/usr/bin"}
    code = "from budgetmlagent.sandbox.cages.bubblewrap import found\nfrom budgetmlagent.sandbox.process.probe import tried\nprint(tried(found()[0]))"
    done = subprocess.run([sys.executable, "-c", code], check=False, env=env, capture_output=True, text=True)
    assert "it did not hold a read" in done.stdout, done.stderr


def test_unsafe_is_marked(cage: Cage) -> None:
    assert cage.name == "bubblewrap"
    assert probe(unsafe=True).name == "unsafe"
    assert "UNSAFE" in probe(unsafe=True).words


@pytest.mark.parametrize("name", ["bubblewrap", "unsafe"])
def test_run_module(name: str, cage: Cage, tmp_path: Path) -> None:
    code = tmp_path / "brief"
    code.mkdir()
    (code / "__main__.py").write_text(
        "import sys, os\nprint(open(sys.argv[1] + '/a').read(), file=sys.stdout)\nprint('noise', file=sys.stderr)"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_text("text")
    chosen = cage if name == "bubblewrap" else UNSAFE
    assert (
        run_module(chosen, code, mounts_ro={"/data": tmp_path / "data"}, args=["/data"], seconds=20)
        == "text\n"
    )
    with pytest.raises(RunFailedError, match="brief: IndexError"):
        run_module(chosen, code, mounts_ro={}, args=[], seconds=20)
    (code / "__main__.py").write_text("while True: pass")
    with pytest.raises(RunFailedError, match="went over its limit of time"):
        run_module(chosen, code, mounts_ro={}, args=[], seconds=0.5)
