"""How the truth about an attack is read: from outside, never by the script's own word.

A judge is called with the script's name, its target, a cage and an empty folder, and returns whether the attack
succeeded. Limits, and the refusal of odd submissions, hold under `--unsafe`, too: for those the attack without a
sandbox is a bare process in a folder of its own.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import host
import psutil
from filelock import FileLock

from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.sandbox.workspace import remove
from budgetmlagent.scoring.scorer import SubmissionScorer
from nodes.deps import Execution, Here

MB = 1 << 20
LIMITS = Limits(seconds=20, memory_mb=160, disk_mb=8, output_mb=1, processes=60)
MOST = {
    "processes": LIMITS.processes,
    "memory": LIMITS.memory_mb,
    "disk": LIMITS.disk_mb,
    "output": LIMITS.output_mb,
}
PATIENCE = 2.0  # seconds in which what was told to die must be dead
SETTING = Path("/proc/sys/fs/lease-break-time")  # harmless: seconds that a lease of a file lasts
CALLER = """
import sys
from pathlib import Path
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.bubblewrap import Bubblewrap
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Limits
binary, folder = sys.argv[1:]
sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)", sys.stdin.read()]
args = ["-S", "-c", f"import subprocess; subprocess.run({sleeper!r})"]  # of a child: a bare script itself is tied to us
cage = Bubblewrap(Path(binary)) if binary else UNSAFE
cage.launch(Job(interpreter(None), args, Path(folder), Limits(60)))
"""


@dataclass(frozen=True)
class Judge:
    """What is looked at, in words, and the look: (script, target, cage, folder) -> whether it succeeded."""

    words: str
    succeeded: Callable[[str, str, Cage, Path], bool]


Look = Callable[[host.Host, Execution], bool]


def _after(look: Look, bare: Callable[[host.Host, Path], bool] | None = None):
    """Run the script on a host and look at what it left there; `bare` looks where no sandbox was at all."""

    def succeeded(name: str, target: str, cage: Cage, folder: Path) -> bool:
        with host.host(folder, cage, target) as around:
            if bare is None or cage.binary is not None:
                return look(around, around.box.run(Here(), host.script(name)))
            place = folder / "bare"
            shutil.copytree(around.box.task.env, place)
            command = [sys.executable, "-c", host.script(name)]
            subprocess.run(command, cwd=place, check=True, close_fds=False, stdout=subprocess.DEVNULL)
            try:
                return bare(around, place)
            finally:
                remove(place)

    return succeeded


def _has_capabilities(around: host.Host, execution: Execution) -> bool:
    """Tell whether the kernel gave the script capabilities, by the status of its process."""
    lines = around.submitted(execution).decode().splitlines()
    return any(line.startswith("CapEff:") and int(line.split()[1], 16) for line in lines)


def _runs_hooks(around: host.Host, folder: Path) -> bool:
    """Ask git for the state of whatever the script has left, and see whether its program ran."""
    for left in [folder, *folder.rglob("*")]:
        if left.is_dir():
            subprocess.run(["git", "status"], cwd=left, check=False, capture_output=True)
    return around.is_changed()


def _misleads_the_scorer(around: host.Host, execution: Execution) -> bool:
    """Have the submission scored by an eval.py that imports modules of the planted names."""
    box = around.box
    scorer = SubmissionScorer(box.task, box.cage, box.artifacts, box.workdir)
    return scorer.score(execution).value != 1.0


def _misleads_python(around: host.Host, folder: Path) -> bool:
    command = [sys.executable, "-c", host.EVAL]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode != 0


def _is_odd(around: host.Host, folder: Path) -> bool:
    status = (folder / "submission.csv").lstat()
    return not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_size > 64 * MB


def _is_left(around: host.Host, *_: object) -> bool:
    left = _marked(around.token)
    for process in left:
        process.kill()
    return bool(left)


def _marked(mark: str) -> list[psutil.Process]:
    """Return the scripts that live and have `mark` among their arguments; not what starts them, which has it, too."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if mark in (process.info["cmdline"] or [])
        and process.info["cmdline"][:2] == [sys.executable, "-S"]
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _outlives_its_caller(name: str, target: str, cage: Cage, folder: Path) -> bool:
    """Kill a process that waits for a script, and see whether the script runs on."""
    mark = f"marked-{folder}"
    command = [sys.executable, "-c", CALLER, str(cage.binary or ""), str(folder)]
    caller = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert caller.stdin is not None
    caller.stdin.write(mark.encode())
    caller.stdin.close()
    assert eventually(lambda: bool(_marked(mark)), 20), "the script did not start"
    caller.kill()
    caller.wait()
    left = _marked(mark)
    outlives = not eventually(lambda: not any(_is_alive(process) for process in left), PATIENCE)
    for process in left:
        if outlives and _is_alive(process):
            process.kill()
    return outlives


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _changes_the_kernel(name: str, target: str, cage: Cage, folder: Path) -> bool:
    with FileLock(Path(tempfile.gettempdir(), "budgetml-setting.lock")):  # there is one kernel
        before = SETTING.read_text()
        cage.launch(Job(interpreter(None), ["-c", host.script(name)], folder, LIMITS))
        if changed := SETTING.read_text() != before:
            SETTING.write_text(before)
    return changed


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds, `seconds` at most; tell whether it did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def _passes_its_limit(name: str, target: str, cage: Cage, folder: Path) -> bool:
    """Run under small limits; on a cage, the watchdog must have killed for the reason `target`."""
    if cage.binary is None:
        return _takes_more(name, target, folder)
    seconds = 1 if target == "time" else LIMITS.seconds
    limits = Limits(seconds, LIMITS.memory_mb, LIMITS.disk_mb, LIMITS.output_mb, LIMITS.processes)
    outcome = cage.launch(Job(interpreter(None), ["-c", host.script(name)], folder, limits))
    return (outcome.killed, outcome.exit) != (target, None) or len(outcome.output) > LIMITS.output_mb * MB


def _takes_more(name: str, what: str, folder: Path) -> bool:
    """Run a bare process until it has taken more of `what` than the limits allow."""
    place = folder / "bare"
    place.mkdir()
    command = [sys.executable, "-c", host.script(name)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=place, stdout=output, stderr=output, start_new_session=True)
    try:
        if what == "time":
            time.sleep(0.5)
            process.terminate()
            return not eventually(lambda: process.poll() is not None, 0.7)
        return eventually(lambda: _taken(what, process.pid, place) > MOST[what], 20)
    finally:
        _end(process)
        _shared(process.pid).unlink(missing_ok=True)


def _hides_on_disk(name: str, target: str, cage: Cage, folder: Path) -> bool:
    """Do as `_passes_its_limit` for files that cannot be seen: of a bare process, its end must give their room back."""
    if cage.binary is not None:
        return _passes_its_limit(name, target, cage, folder)
    before = _room(folder)
    process = subprocess.Popen([sys.executable, "-c", host.script(name)], cwd=folder, start_new_session=True)
    lost = eventually(lambda: before - _room(folder) > MOST[target], 20)
    time.sleep(0.2)
    before = _room(folder)
    _end(process)
    return lost and eventually(lambda: _room(folder) - before > MOST[target], PATIENCE)


def _room(folder: Path) -> float:
    """Return the megabytes that are free on a folder's disk."""
    status = os.statvfs(folder)
    return status.f_bfree * status.f_frsize / MB


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _taken(what: str, pid: int, place: Path) -> float:
    """Return what a tree of processes has: a number of processes, or megabytes."""
    root = psutil.Process(pid)
    tree = [root, *root.children(recursive=True)]
    if what == "processes":
        return len(tree)
    if what == "output":
        return place.with_name("output").stat().st_size / MB
    opened = []
    with suppress(PermissionError):  # such a process takes what it maps
        opened = [path.stat() for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_file()]
    nameless = sum(status.st_blocks * 512 for status in opened if status.st_nlink == 0)
    if what == "memory":
        return (sum(_held(process.pid) for process in tree) + nameless) / MB
    for locked in filter(Path.is_dir, place.iterdir()):
        locked.chmod(0o700)
    named = [file.stat() for file in (*place.rglob("*"), _shared(pid)) if file.exists()]
    return (nameless + sum(max(4096, status.st_blocks * 512) for status in named)) / MB


def _held(pid: int) -> int:
    """Return the bytes that a process has in memory, page tables included, as that of its threads tells which lives."""
    of_threads = []
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        rows = dict(line.split(":", 1) for line in status.read_text().splitlines())
        of_threads.append(
            sum(int(rows[name].split()[0]) * 1024 for name in ("VmRSS", "VmPTE") if name in rows)
        )
    return max(of_threads, default=0)


def _shared(pid: int) -> Path:
    """Return the file that fill_shm writes."""
    return Path(f"/dev/shm/big-{pid}")


def _leaves(holds: Callable[[Path], bool]):
    """Judge by the files in the folder after a run under small limits."""

    def succeeded(name: str, target: str, cage: Cage, folder: Path) -> bool:
        if cage.binary is None:
            subprocess.run([sys.executable, "-c", host.script(name)], cwd=folder, check=True)
        else:
            cage.launch(Job(interpreter(None), ["-c", host.script(name)], folder, LIMITS))
        return holds(folder)

    return succeeded


CHANGED = Judge("all files of home, runs and task", _after(lambda h, _: h.is_changed()))
READ = Judge("the secret's bytes in what was submitted", _after(lambda h, e: h.is_read(e)))
INHERITED = Judge(
    READ.words, _after(lambda h, e: h.is_read(e), lambda h, f: h.token in (f / "submission.csv").read_text())
)
LABELS = Judge(
    "the library's file, byte by byte", _after(lambda h, e: h.submitted(e) == host.bundled_labels())
)
REACHED = Judge("the listening socket", _after(lambda h, _: h.is_reached()))
KILLED = Judge("the process", _after(lambda h, _: h.neighbour.poll() is not None))
ROOT = Judge("its capabilities by the kernel's word, as submitted", _after(_has_capabilities))
KERNEL = Judge("the setting", _changes_the_kernel)
LEFT = Judge("the machine's processes", _after(_is_left, _is_left))
HOOKED = Judge(
    "git, called on all that is left, and the home",
    _after(lambda h, _: _runs_hooks(h, h.box.workdir), _runs_hooks),
)
PLANTED = Judge("the score that an importing scorer gives", _after(_misleads_the_scorer, _misleads_python))
TAKEN = Judge("what was taken as the submission", _after(lambda h, e: bool(e.files), _is_odd))
ORPHAN = Judge("the machine's processes after a SIGKILL", _outlives_its_caller)
LIMIT = Judge("why the watchdog killed; without it, what the processes have", _passes_its_limit)
HIDDEN = Judge(
    "why the watchdog killed; without it, the room on the disk that its end gives back", _hides_on_disk
)
THREADS = Judge(
    "a file that each thread leaves", _leaves(lambda folder: len(list(folder.glob("thread-*"))) >= 400)
)
HOLE = Judge(
    "the file's size", _leaves(lambda folder: (folder / "sparse").stat().st_size > LIMITS.disk_mb * MB)
)
