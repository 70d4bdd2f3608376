"""How the truth about an attack is read: from outside, never by the script's own word.

A judge is called with the script's name, its target, a cage and an empty folder, and returns whether the attack
succeeded. Limits, and the refusal of odd submissions, hold under `--unsafe`, too: for those the attack without a
sandbox is a bare process in a folder of its own.
"""

import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import host
import psutil
import takings
from filelock import FileLock
from takings import LIMITS, MB, eventually

from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.workspace import remove
from budgetmlagent.scoring.scorer import SubmissionScorer
from nodes.deps import Execution, Here

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
    assert eventually(lambda: bool(_marked(mark)), takings.LONG), "the script did not start"
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
    READ.words,
    _after(lambda h, e: h.is_read(e), lambda h, f: h.token.encode() in (f / "submission.csv").read_bytes()),
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
LIMIT = Judge("why the watchdog killed; without it, what the processes have", takings.passes_its_limit)
HIDDEN = Judge(
    "why the watchdog killed; without it, the room on the disk that its end gives back", takings.hides
)
QUEUED = Judge("why the watchdog killed; without it, the machine's sockets", takings.queues)
THREADS = Judge(
    "a file that each thread leaves", _leaves(lambda folder: len(list(folder.glob("thread-*"))) >= 400)
)
HOLE = Judge(
    "the file's size", _leaves(lambda folder: (folder / "sparse").stat().st_size > LIMITS.disk_mb * MB)
)
