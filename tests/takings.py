"""What a script takes of memory, disk, processes and output, as judges see it who know nothing of the watchdog."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import host
import psutil

from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Limits

MB = 1 << 20
FULL_SOCKET = 212992  # bytes that wait in one whose sender could send no more
LONG = 120.0  # seconds after which a busy machine is no excuse any more
LIMITS = Limits(seconds=20, memory_mb=160, disk_mb=8, output_mb=1, processes=60)
MOST = {
    "processes": LIMITS.processes,
    "memory": LIMITS.memory_mb,
    "disk": LIMITS.disk_mb,
    "output": LIMITS.output_mb,
}


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds, `seconds` at most; tell whether it did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def passes_its_limit(name: str, target: str, cage: Cage, folder: Path) -> bool:
    """Run under small limits; on a cage, the watchdog must have killed for the reason `target`.

    It measures: on a busy machine another limit may strike first, so that it has three tries.
    """
    if cage.binary is None:
        return _takes_more(name, target, folder)
    seconds = 1 if target == "time" else LIMITS.seconds
    limits = Limits(seconds, LIMITS.memory_mb, LIMITS.disk_mb, LIMITS.output_mb, LIMITS.processes)
    job = Job(interpreter(None), ["-c", host.script(name)], folder, limits)
    ends = (cage.launch(job) for _ in range(3))
    return not any(
        (end.killed, end.exit) == (target, None) and len(end.output) <= LIMITS.output_mb * MB for end in ends
    )


def _takes_more(name: str, what: str, folder: Path) -> bool:
    """Run a bare process until it has taken more of `what` than the limits allow."""
    place = folder / "bare"
    place.mkdir()
    command = [sys.executable, "-c", host.script(name)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=place, stdout=output, stderr=output, start_new_session=True)
    try:
        if what == "time":
            assert eventually(lambda: (folder / "output").stat().st_size > 0, LONG), "it never was deaf"
            process.terminate()
            return not eventually(lambda: process.poll() is not None, 0.7)
        return eventually(lambda: _taken(what, process.pid, place) > MOST[what], LONG)
    finally:
        _end(process)
        _shared(process.pid).unlink(missing_ok=True)


def hides(name: str, target: str, cage: Cage, folder: Path) -> bool:
    """Do as `passes_its_limit` for files that cannot be seen: of a bare process, its end must give their room back."""
    if cage.binary is not None:
        return passes_its_limit(name, target, cage, folder)
    before = _room(folder)
    process = _bare(name, folder)
    lost = eventually(lambda: before - _room(folder) > MOST[target], LONG)
    time.sleep(0.2)
    before = _room(folder)
    _end(process)
    return lost and eventually(lambda: _room(folder) - before > MOST[target], LONG)


def queues(name: str, target: str, cage: Cage, folder: Path) -> bool:
    """Do as `passes_its_limit` for memory in sockets; a bare process must have as many as can hold that."""
    if cage.binary is not None:
        return passes_its_limit(name, target, cage, folder)
    before = _sockets()
    process = _bare(name, folder)
    try:
        return eventually(lambda: (_sockets() - before) * FULL_SOCKET > MOST[target] * MB, LONG)
    finally:
        _end(process)


def _bare(name: str, folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", host.script(name)], cwd=folder, start_new_session=True)


def _room(folder: Path) -> float:
    """Return the megabytes that are free on a folder's disk."""
    status = os.statvfs(folder)
    return status.f_bfree * status.f_frsize / MB


def _sockets() -> int:
    """Return the number of sockets on the machine, those that nobody has any more included."""
    return int(Path("/proc/net/sockstat").read_text().split()[2])


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
        opened = _there(Path(f"/proc/{pid}/fd").iterdir())
    files = [status for status in opened if stat.S_ISREG(status.st_mode)]
    nameless = sum(status.st_blocks * 512 for status in files if status.st_nlink == 0)
    if what == "memory":
        return (sum(_held(process.pid) for process in tree) + nameless) / MB
    for locked in filter(Path.is_dir, place.iterdir()):
        locked.chmod(0o700)
    named = _there((*place.rglob("*"), _shared(pid)))
    return (nameless + sum(max(4096, status.st_blocks * 512) for status in named)) / MB


def _there(paths: Iterable[Path]) -> list[os.stat_result]:
    """Return what files are like, without those that went while they were looked at."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append(path.stat())
    return found


def _held(pid: int) -> int:
    """Return the bytes that a process has in memory, page tables included, as that of its threads tells which lives."""
    of_threads = []
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended
            continue
        rows = dict(line.split(":", 1) for line in text.splitlines())
        of_threads.append(
            sum(int(rows[name].split()[0]) * 1024 for name in ("VmRSS", "VmPTE") if name in rows)
        )
    return max(of_threads, default=0)


def _shared(pid: int) -> Path:
    """Return the file that fill_shm writes."""
    return Path(f"/dev/shm/big-{pid}")
