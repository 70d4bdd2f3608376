"""The sandbox against hostile scripts. What happened is judged from outside, and each attack works without it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from budgetmlagent.errors import RunFailedError, UnavailableError
from budgetmlagent.sandbox import bwrap, cgroup
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.interpreter import Interpreter, interpreter, masks
from budgetmlagent.sandbox.launch import Job, Rung, launch
from budgetmlagent.sandbox.probe import UNSAFE, probe
from budgetmlagent.sandbox.sealed import run_module
from budgetmlagent.sandbox.watchdog import Limits
from budgetmlagent.sandbox.workspace import take
from budgetmlagent.tasks.folder import TaskFolder, load_task
from memory.artifacts import Artifacts
from nodes.deps import Execution, Here

HOSTILE = Path(__file__).parent / "hostile"
NEIGHBOUR = "BUDGETML_SECRET_OF_A_NEIGHBOUR"
MARK = "left-behind-by-a-script"


@pytest.fixture(scope="session")
def rung() -> Rung:
    return probe()


def task_in(folder: Path, env: dict[str, str], seconds: float = 20) -> TaskFolder:
    (folder / "env").mkdir(parents=True)
    (folder / "scoring").mkdir()
    (folder / "text.md").write_text("Predict the label.")
    (folder / "scoring/eval.py").write_text("HIGHER = True\ndef get_score(folder):\n    return 1.0\n")
    (folder / "scoring/answers.csv").write_text("id,label\n1,2\n2,3\n")
    for name, text in {"train.py": "print('submission')\n", "train.csv": "id,x\n1,1\n", **env}.items():
        (folder / "env" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "env" / name).write_text(text)
    (folder / "task.yaml").write_text(
        "name: toy\ntext: text.md\nmetric: {name: accuracy, direction: max}\n"
        f"limits: {{seconds: {seconds}, memory_gb: 1}}\ndata: schema\npython: null\n"
    )
    return load_task(str(folder))


def box_in(folder: Path, rung: Rung, env: dict[str, str] | None = None, seconds: float = 20) -> ScriptSandbox:
    task = task_in(folder / "task", env or {}, seconds)
    return ScriptSandbox(task, rung, Artifacts(folder / "artifacts"), folder / "work")


def hostile(name: str) -> str:
    return (HOSTILE / f"{name}.py").read_text()


# What a script could reach


@dataclass
class Scene:
    """Things of the host that a script must not reach."""

    folder: Path
    servers: dict[str, socket.socket]
    neighbour: subprocess.Popen[bytes]

    def targets(self) -> str:
        return json.dumps(
            {
                "secret": str(self.folder / "secret"),
                "write": str(self.folder / "home/written"),
                "tcp": self.servers["tcp"].getsockname()[1],
                "udp": self.servers["udp"].getsockname()[1],
                "unix": str(self.folder / "socket"),
                "abstract": f"budgetml-{os.getpid()}",
                "neighbour": self.neighbour.pid,
            }
        )

    def truths(self, execution: Execution, artifacts: Artifacts) -> set[str]:
        """What was reached, as seen from outside."""
        found = {name for name, server in self.servers.items() if self.reached(name, server)}
        submitted = b"".join(artifacts.read(name) for name in execution.files.values())
        if b"secret" in submitted:
            found.add("read")
        if NEIGHBOUR.encode() in submitted:
            found.add("environment")
        if (self.folder / "home/written").exists():
            found.add("write")
        if self.neighbour.poll() is not None:
            found.add("kill")
        return found

    @staticmethod
    def reached(name: str, server: socket.socket) -> bool:
        try:
            if name == "udp":
                return bool(server.recv(10))
            connection, _ = server.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True


@contextmanager
def listening(folder: Path) -> Iterator[dict[str, socket.socket]]:
    kinds = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0budgetml-{os.getpid()}"),
    }
    servers = {}
    for name, (family, kind, address) in kinds.items():
        servers[name] = socket.socket(family, kind)
        servers[name].bind(address)
        servers[name].setblocking(False)
        if kind == socket.SOCK_STREAM:
            servers[name].listen()
    try:
        yield servers
    finally:
        for server in servers.values():
            server.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "secret").write_text("secret")
    neighbour = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(60)"], env={NEIGHBOUR: "1", "PATH": os.defpath}
    )
    with listening(tmp_path) as servers:
        yield Scene(tmp_path, servers, neighbour)
    neighbour.kill()
    neighbour.wait()


ATTACKS = {
    "write_outside": "write",
    "read_secret": "read",
    "link_secret": "read",
    "read_environments": "environment",
    "read_memory": "read",
    "connect_tcp": "tcp",
    "send_udp": "udp",
    "connect_unix": "unix",
    "connect_abstract": "abstract",
    "kill_neighbour": "kill",
    "bundled_data": "read",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_contained(name: str, rung: Rung, scene: Scene, tmp_path: Path) -> None:
    held = box_in(tmp_path / "held", rung, {"targets.json": scene.targets()})
    execution = held.run(Here(), hostile(name))
    assert scene.truths(execution, held.artifacts) == set(), execution.tail
    assert execution.killed == ""
    free = box_in(tmp_path / "free", UNSAFE, {"targets.json": scene.targets()})
    execution = free.run(Here(), hostile(name))
    assert ATTACKS[name] in scene.truths(execution, free.artifacts), "the attack itself does not work"


def test_libraries_work_although_their_data_sets_are_hidden(rung: Rung, tmp_path: Path) -> None:
    script = "from sklearn.datasets import make_classification as m\nprint(m(20)[0].shape)"
    execution = box_in(tmp_path, rung).run(Here(), script)
    assert (execution.exit, execution.tail) == (0, "(20, 20)\n")


def test_data_is_as_it_was_after_an_attack(rung: Rung, tmp_path: Path) -> None:
    box = box_in(tmp_path, rung)
    before = (box.task.env / "train.csv").read_text()
    assert "done []" in box.run(Here(), hostile("alter_data")).tail
    assert (box.task.env / "train.csv").read_text() == before
    assert box.seal() == {"ok": True, "checked": 3, "changed": [], "attempts": 0}
    free = box_in(tmp_path / "free", UNSAFE)
    assert "done ['write', 'remove'" in free.run(Here(), hostile("alter_data")).tail


def test_seal_names_what_was_changed(rung: Rung, tmp_path: Path) -> None:
    box = box_in(tmp_path, rung)
    (box.task.scoring / "answers.csv").write_text("id,label\n1,1\n")
    (box.task.env / "train.csv").unlink()
    verdict = box.seal()
    assert (verdict["ok"], verdict["changed"]) == (False, ["env/train.csv", "scoring/answers.csv"])


# What a script can see


@pytest.fixture(scope="session")
def seen(rung: Rung, tmp_path_factory: pytest.TempPathFactory) -> dict:
    secret = {"OPENAI_API_KEY": "not to be seen"}
    os.environ.update(secret)
    try:
        execution = box_in(tmp_path_factory.mktemp("seen"), rung).run(Here(), hostile("look_around"))
    finally:
        del os.environ["OPENAI_API_KEY"]
    assert execution.exit == 0, execution.tail
    return json.loads(execution.tail)


@pytest.mark.parametrize("kind", ["user", "pid", "net", "ipc", "uts", "cgroup", "mnt"])
def test_namespace_is_its_own(kind: str, seen: dict) -> None:
    assert seen["namespaces"][kind] != os.readlink(f"/proc/self/ns/{kind}")


def test_nothing_of_the_caller_is_seen(seen: dict) -> None:
    assert len(seen["processes"]) <= 3
    assert seen["session"] > 0, "the session is the caller's: its terminal can be typed into"
    assert seen["descriptors"] == []
    assert seen["first environment"] == ""
    assert "OPENAI_API_KEY" not in seen["environment"]
    assert seen["host"] == "sandbox"
    assert seen["user"] == [1000, 1000]


def test_no_capability_and_few_writable_places(seen: dict) -> None:
    assert {int(caps, 16) for caps in seen["capabilities"]} == {0}
    assert seen["no new privileges"] == "1"
    assert seen["writable"] == ["/workspace", "/tmp", "/dev/shm"]
    assert "home" not in seen["root"] or str(interpreter(None).prefix).startswith("/home")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
def test_doors_into_the_kernel_are_shut(rung: Rung, tmp_path: Path) -> None:
    execution = box_in(tmp_path, rung).run(Here(), hostile("kernel_doors"))
    assert execution.exit == 0, execution.tail
    assert {name: got for name, got in json.loads(execution.tail).items() if got != [-1, 1]} == {}


def test_argv_holds_every_strict_flag(tmp_path: Path) -> None:
    argv = bwrap.argv(
        Path("bwrap"),
        visible=[Path("/opt/py")],
        masks=[],
        workspace=tmp_path,
        readonly={},
        env={},
        seccomp=7,
        info=8,
    )
    flags = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--cap-drop",
        "--uid",
        "--gid",
        "--hostname",
        "--size",
        "--perms",
        "--remount-ro",
        "--chdir",
        "--seccomp",
        "--proc",
        "--dev",
    ]
    assert [flag for flag in flags if flag not in argv] == []
    assert argv.index("/tmp") < argv.index("/opt/py"), "a tmpfs after a bind would hide it"
    assert argv[argv.index("--cap-drop") + 1] == "ALL"
    assert argv[-1] == "--"


def test_masks_cover_every_installation_that_is_visible(tmp_path: Path) -> None:
    packages = [
        tmp_path / "lib/python3.11/site-packages",
        tmp_path / "envs/other/lib/python3.9/site-packages",
    ]
    for root in packages:
        for name in (
            "one/datasets/data/iris.csv", "two/datasets/flights.py", "two/datasets/flights.csv.gz",
            "three/_data/cars.json", "four_datasets/_data/cars.json", "budgetmlagent/tasks/bundled/x/scoring/eval.py",
            "five/code.py", "five/table.csv",
        ):  # fmt: skip
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
    found = {
        str(p)
        for p in masks(Interpreter(Path("python"), tmp_path, tmp_path, "3.11"))
        if tmp_path in p.parents
    }
    hidden = [
        "one/datasets/data",
        "two/datasets/flights.csv.gz",
        "four_datasets/_data",
        "budgetmlagent/tasks",
    ]
    assert found == {str(root / name) for root in packages for name in hidden}


# What a script may take

LIMITS = {
    "forks": "processes",
    "fork_bomb": "processes",
    "memory_one": "memory",
    "memory_four": "memory",
    "memory_nameless": "memory",
    "fill_disk": "disk",
    "fill_disk_nameless": "disk",
    "many_files": "disk",
    "fill_shm": "disk",
    "flood": "output",
    "deaf": "time",
}


@pytest.mark.parametrize("name", LIMITS)
def test_limit_is_named(name: str, rung: Rung, tmp_path: Path) -> None:
    seconds = 1.0 if LIMITS[name] == "time" else 20.0
    limits = Limits(seconds=seconds, memory_mb=160, disk_mb=16, output_mb=1, processes=60)
    started = time.monotonic()
    outcome = launch(rung, Job(interpreter(None), ["-c", hostile(name)], tmp_path, limits))
    assert (outcome.killed, outcome.exit) == (LIMITS[name], None), outcome.output[-500:]
    assert len(outcome.output) <= 1 << 20
    assert time.monotonic() - started < 15


def test_limits_hold_without_isolation_too(tmp_path: Path) -> None:
    limits = Limits(seconds=20, memory_mb=160)
    outcome = launch(UNSAFE, Job(interpreter(None), ["-c", hostile("memory_one")], tmp_path, limits))
    assert outcome.killed == "memory"


def test_forks_that_share_memory_are_counted_once(rung: Rung, tmp_path: Path) -> None:
    script = "import os, time\nheld = b'x' * (80 << 20)\nfor _ in range(4):\n    if not os.fork(): break\ntime.sleep(0.6)"
    outcome = launch(rung, Job(interpreter(None), ["-c", script], tmp_path, Limits(20, memory_mb=200)))
    assert (outcome.exit, outcome.killed) == (0, "")
    assert 80 < outcome.memory_mb < 200


@pytest.mark.skipif(os.geteuid() != 0 or cgroup.home() is None, reason="for root, with control groups")
def test_root_is_fenced_though_the_kernel_exempts_it() -> None:
    script = (
        "import os, time\nn = 0\ntry:\n    for n in range(40):\n"
        "        if not os.fork(): time.sleep(1); os._exit(0)\nexcept OSError: pass\nprint(n)"
    )
    free = subprocess.run(
        ["prlimit", "--nproc=10", sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert free.stdout == "39\n", "the kernel does hold root: the control group is not needed any more"
    with cgroup.fence(10) as join:
        held = subprocess.run(
            [*join, sys.executable, "-c", script], check=False, capture_output=True, text=True
        )
    assert int(held.stdout) < 10


def left_behind() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if MARK in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_no_process_outlives_its_run(rung: Rung, tmp_path: Path) -> None:
    assert "left" in box_in(tmp_path, rung).run(Here(), hostile("daemon")).tail
    assert left_behind() == []
    subprocess.run([sys.executable, "-c", hostile("daemon")], check=True, capture_output=True)
    daemons = left_behind()
    assert len(daemons) == 1, "the attack itself does not work"
    daemons[0].kill()


def test_nothing_runs_on_when_the_caller_is_killed(rung: Rung, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from budgetmlagent.sandbox.interpreter import interpreter
from budgetmlagent.sandbox.launch import Job, Rung, launch
from budgetmlagent.sandbox.watchdog import Limits
args = ["-c", "import time; time.sleep(60)", {MARK!r}]
launch(Rung("bubblewrap", "", Path({str(rung.binary)!r})), Job(interpreter(None), args, Path({str(tmp_path)!r}), Limits(60)))
"""
    caller = subprocess.Popen([sys.executable, "-c", code])
    assert eventually(lambda: any(p.ppid() != caller.pid and p.name() != "bwrap" for p in left_behind()))
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    assert eventually(lambda: not left_behind())


def eventually(holds, seconds: float = 8) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


# What a script submits

SUBMISSIONS = {
    "submit_symlink": "submission.csv is a symbolic link: refused",
    "submit_fifo": "submission.csv is a pipe: refused",
    "submit_folder": "submission.csv is a folder: refused",
    "submit_hardlink": "submission.csv has a second name (a hard link): refused",
    "submit_huge": "submission.csv has 64.0 MiB, 64 are the most: refused",
}


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_only_a_plain_file_is_a_submission(name: str, rung: Rung, scene: Scene, tmp_path: Path) -> None:
    box = box_in(tmp_path / "box", rung, {"targets.json": scene.targets()})
    execution = box.run(Here(), hostile(name))
    assert execution.exit == 0, execution.tail
    assert execution.files == {}
    assert execution.tail.endswith(SUBMISSIONS[name] + "\n")
    assert box.seal()["attempts"] == 1


def test_submission_is_taken_whole(rung: Rung, tmp_path: Path) -> None:
    box = box_in(tmp_path, rung)
    execution = box.run(Here(), "open('submission.csv', 'wb').write(bytes(range(256)) * 1000)")
    assert box.artifacts.read(execution.files["submission.csv"]) == bytes(range(256)) * 1000
    (tmp_path / "top").mkdir()
    (tmp_path / "top/submission.npz").write_bytes(b"1")
    assert take(tmp_path / "top", "submission.*") == ({"submission.npz": b"1"}, [])
    assert take(tmp_path / "top", "submission.csv") == ({}, [])


def test_what_a_script_planted_is_gone_in_the_next_run(rung: Rung, tmp_path: Path) -> None:
    box = box_in(tmp_path, rung)
    assert box.run(Here(), hostile("plant_module")).exit == 0
    assert (
        box.run(Here(), "import os, json\nprint(sorted(os.listdir('.')))").tail
        == "['train.csv', 'train.py']\n"
    )


# How a run is recorded


@pytest.mark.parametrize("name", ["bubblewrap", "unsafe"])
def test_benign_script(name: str, rung: Rung, tmp_path: Path) -> None:
    box = box_in(tmp_path, rung if name == "bubblewrap" else UNSAFE, {"helper/part.py": "WORD = 'helped'"})
    script = "import os, sys, time\nfrom helper.part import WORD\ntime.sleep(0.3)\nprint(WORD, os.environ['HOME'] != '/root')\nprint('bad', file=sys.stderr)\nsys.exit(3)"
    execution = box.run(Here(), script)
    assert (execution.exit, execution.killed, execution.tail) == (3, "", "helped True\nbad\n")
    assert 0.3 <= execution.seconds < 5
    assert box.artifacts.text(execution.script) == script
    assert box.artifacts.text(execution.output) == execution.tail
    assert execution.memory_mb > 1


def test_a_long_output_keeps_its_end(rung: Rung, tmp_path: Path) -> None:
    execution = box_in(tmp_path, rung).run(Here(), "print('x' * 100000)\nprint('end')")
    assert len(execution.tail) == 4000
    assert execution.tail.endswith("x\nend\n")


def test_a_folder_of_data_is_bound_as_one_and_a_free_file_copied(rung: Rung, tmp_path: Path) -> None:
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
    box = ScriptSandbox(load_task(str(task)), rung, Artifacts(tmp_path / "artifacts"), tmp_path / "work")
    script = "import os\nopen('free.txt', 'w').write('2')\nprint(sorted(os.listdir('data')))\nopen('data/0.csv', 'w')"
    execution = box.run(Here(), script)
    assert "['0.csv', '1.csv', '2.csv']" in execution.tail
    assert "Read-only file system: 'data/0.csv'" in execution.tail
    assert (task / "env/free.txt").read_text() == "1"


# The rungs, and code of ours


def test_probe_is_one_clear_line_where_nothing_works(rung: Rung, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    code = "from budgetmlagent.sandbox.probe import probe\nprobe()"
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
    code = "from budgetmlagent.sandbox.bwrap import binaries\nfrom budgetmlagent.sandbox.probe import Rung, _fault\nb = binaries()[0]\nprint(_fault(Rung('bubblewrap', '', b.path)))"
    done = subprocess.run([sys.executable, "-c", code], check=False, env=env, capture_output=True, text=True)
    assert "a benign program could not write its own workspace" in done.stdout, done.stderr


def test_unsafe_is_marked(rung: Rung) -> None:
    assert rung.name == "bubblewrap"
    assert probe(unsafe=True).name == "unsafe"
    assert "UNSAFE" in probe(unsafe=True).words


@pytest.mark.parametrize("name", ["bubblewrap", "unsafe"])
def test_run_module(name: str, rung: Rung, tmp_path: Path) -> None:
    code = tmp_path / "brief"
    code.mkdir()
    (code / "__main__.py").write_text(
        "import sys, os\nprint(open(sys.argv[1] + '/a').read(), file=sys.stdout)\nprint('noise', file=sys.stderr)"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_text("text")
    chosen = rung if name == "bubblewrap" else UNSAFE
    assert (
        run_module(chosen, code, mounts_ro={"/data": tmp_path / "data"}, args=["/data"], seconds=20)
        == "text\n"
    )
    with pytest.raises(RunFailedError, match="brief: IndexError"):
        run_module(chosen, code, mounts_ro={}, args=[], seconds=20)
    (code / "__main__.py").write_text("while True: pass")
    with pytest.raises(RunFailedError, match="went over its limit of time"):
        run_module(chosen, code, mounts_ro={}, args=[], seconds=0.5)
