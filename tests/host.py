"""A host with all that a hostile script is after: a home, a task with answers, services, a neighbour."""

import gzip
import json
import os
import socket
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.tasks.folder import TaskFolder, load_task
from memory.artifacts import Artifacts
from nodes.deps import Execution

HOSTILE = Path(__file__).parent / "hostile"
KEY = "BUDGETML_SECRET"
EVAL = "import csv, json\nHIGHER = True\ndef get_score(folder):\n    return 1.0\n"
# Holds its environment, in its stack too, and lets any process of its user trace it where Yama asks for that.
NEIGHBOUR = (
    "import ctypes, time; ctypes.CDLL(None).prctl(0x59616d61, -1, 0, 0, 0); print(flush=True); time.sleep(60)"
)


def script(name: str) -> str:
    """Return the text of a hostile script."""
    return (HOSTILE / f"{name}.py").read_text()


def task_in(folder: Path, env: dict[str, str], seconds: float = 20, answers: str = "2") -> TaskFolder:
    """Make a small task whose env/ holds `env` beside train.py and train.csv."""
    (folder / "env").mkdir(parents=True)
    (folder / "scoring").mkdir()
    (folder / "text.md").write_text("Predict the label.")
    (folder / "scoring/eval.py").write_text(EVAL)
    (folder / "scoring/answers.csv").write_text(f"id,label\n1,{answers}\n2,3\n")
    for name, text in {"train.py": "print('submission')\n", "train.csv": "id,x\n1,1\n", **env}.items():
        (folder / "env" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "env" / name).write_text(text)
    (folder / "task.yaml").write_text(
        "name: toy\ntext: text.md\nmetric: {name: accuracy, direction: max}\n"
        f"limits: {{seconds: {seconds}, memory_gb: 1}}\ndata: schema\npython: null\n"
    )
    return load_task(str(folder))


def box_in(folder: Path, cage: Cage, env: dict[str, str] | None = None, seconds: float = 20) -> ScriptSandbox:
    """Return a sandbox for such a task, with its own stores in `folder`."""
    task = task_in(folder / "task", env or {}, seconds)
    return ScriptSandbox(task, cage, Artifacts(folder / "artifacts"), folder / "work")


@dataclass
class Host:
    """What stands around a script; every secret of it holds `token`."""

    folder: Path
    paths: dict[str, Path]
    token: str
    servers: dict[str, socket.socket]
    neighbour: "subprocess.Popen[bytes]"
    box: ScriptSandbox

    def __post_init__(self) -> None:
        self.before = self._files()

    def is_changed(self) -> bool:
        """Tell whether a file of the home, the runs or the task was changed, made or removed."""
        return self._files() != self.before

    def is_read(self, execution: Execution) -> bool:
        """Tell whether the submission holds a secret."""
        return self.token.encode() in self.submitted(execution)

    def submitted(self, execution: Execution) -> bytes:
        """Return all bytes that were submitted."""
        return b"".join(self.box.artifacts.read(name) for name in execution.files.values())

    def is_reached(self) -> bool:
        """Tell whether a service has heard of anybody."""
        return any(_heard(name, server) for name, server in self.servers.items())

    def _files(self) -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for path in sorted((self.folder / "host").rglob("*"))
            if path.is_file()
        }


def bundled_labels() -> bytes:
    """Return the data set that comes with scikit-learn and that a task on digits could be solved with."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None
    with gzip.open(Path(found.origin).parent / "datasets/data/digits.csv.gz") as file:
        return file.read()


@contextmanager
def host(folder: Path, cage: Cage, target: str) -> Iterator[Host]:
    """Yield a host whose sandboxed scripts are told where `target` is, a path's or a service's name.

    As long as it is there, the caller has a secret in its environment and a file of secrets open.
    """
    token = f"token-{uuid.uuid4().hex}"
    paths = _files_of(folder / "host", token)
    os.environ[KEY] = token
    try:
        with (
            paths["key"].open() as key,
            _listening(folder, token) as servers,
            _neighbour(token) as neighbour,
        ):
            os.set_inheritable(key.fileno(), True)
            places: dict[str, str | int] = {name: str(path) for name, path in paths.items()}
            places |= {"unix": str(folder / "socket"), "bus": str(_bus(folder)), "abstract": token}
            places |= {name: servers[name].getsockname()[1] for name in ("tcp", "udp")}
            told = {"target": places.get(target), "neighbour": neighbour.pid, "mark": token}
            task = task_in(folder / "host/task", {"targets.json": json.dumps(told)}, answers=token)
            box = ScriptSandbox(task, cage, Artifacts(folder / "artifacts"), folder / "work")
            yield Host(folder, paths, token, servers, neighbour, box)
    finally:
        del os.environ[KEY]


def _files_of(root: Path, token: str) -> dict[str, Path]:
    """Make a home and a run; return the places that scripts are after, those of the task to come, too."""
    paths = {
        "home": root / "home",
        "profile": root / "home/.profile",
        "key": root / "home/.ssh/id_ed25519",
        "cache": root / "home/.cache/set.csv",
        "database": root / "runs/checkpoints.sqlite",
        "scorer": root / "task/scoring/eval.py",
        "answers": root / "task/scoring/answers.csv",
        "data": root / "task/env/train.csv",
    }
    for name in ("profile", "key", "cache", "database"):
        paths[name].parent.mkdir(parents=True, exist_ok=True)
    for name in ("profile", "key", "cache"):
        paths[name].write_text(token)
    with closing(sqlite3.connect(paths["database"])) as database:
        database.execute("CREATE TABLE checkpoints (id)")
    return paths


@contextmanager
def _neighbour(token: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process of the same user with a secret in its environment, as the agent's own has."""
    command, env = [sys.executable, "-S", "-c", NEIGHBOUR], {KEY: token, "PATH": os.defpath}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _listening(folder: Path, token: str) -> Iterator[dict[str, socket.socket]]:
    bus = _bus(folder)
    kinds: dict[str, tuple[int, int, str | tuple[str, int]]] = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
        "bus": (socket.AF_UNIX, socket.SOCK_STREAM, str(bus)),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{token}"),
    }
    servers: dict[str, socket.socket] = {}
    try:
        for name, (family, kind, address) in kinds.items():
            server = servers[name] = socket.socket(family, kind)
            server.bind(address)
            server.setblocking(False)
            if kind == socket.SOCK_STREAM:
                server.listen()
        yield servers
    finally:
        for server in servers.values():
            server.close()
        bus.unlink(missing_ok=True)


def _bus(folder: Path) -> Path:
    """Return where to listen: beside the user's or the system's bus, or in `folder` where neither can be."""
    user = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    place = next((path for path in (user, Path("/run")) if os.access(path, os.W_OK)), folder)
    return place / f"bus-{os.getpid()}"


def _heard(name: str, server: socket.socket) -> bool:
    try:
        if name == "udp":
            return bool(server.recv(10))
        connection, _ = server.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True
