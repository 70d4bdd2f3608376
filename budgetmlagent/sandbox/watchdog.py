"""Watches a process tree against its limits, and kills the whole of it when one is passed.

Covered: wall time, memory (PSS: pages shared by forks count once), disk written in one folder, bytes of output,
number of processes. Not covered: processor time, and memory taken and given back between two looks.
"""

import os
import select
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from budgetmlagent.errors import UnavailableError

LOOK = 0.1  # seconds between two looks at the tree
CLOSE_LOOK = 0.02  # the same when memory comes near its limit
MB = 1 << 20
# How a script ends that ran into the kernel's own limits before the watchdog looked.
TELLTALES = {
    b"[Errno 11] Resource temporarily unavailable": "processes",
    b"can't start new thread": "processes",
    b"[Errno 27] File too large": "disk",
    b"[Errno 28] No space left on device": "disk",
}


@dataclass(frozen=True)
class Limits:
    """What one run may take."""

    seconds: float
    memory_mb: float = 2048.0
    disk_mb: float = 1024.0
    output_mb: float = 8.0
    processes: int = 200


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    exit: int | None  # None where it was killed
    seconds: float
    output: bytes
    killed: str  # "" | time | memory | disk | output | processes
    memory_mb: float  # the highest seen


class Watchdog:
    """Watches one process tree. `inner` is a pidfd whose death takes the whole tree along, None without such."""

    def __init__(
        self, process: subprocess.Popen[bytes], inner: int | None, limits: Limits, disk: Path
    ) -> None:
        self.process, self.inner, self.limits, self.disk = process, inner, limits, disk
        self.started = time.monotonic()
        self.output = bytearray()
        self.memory = 0.0
        self.seen: dict[int, psutil.Process] = {}
        self.disk_before = sum(_sizes(disk))
        self.disk_look = 0.0  # time of the next look at the disk

    def watch(self) -> Outcome:
        """Wait for the end, or make it; every process of the tree is dead on return.

        Raises UnavailableError where one cannot be killed.
        """
        reason = ""
        try:
            while self.process.poll() is None and not reason:
                self._listen(until=time.monotonic() + (CLOSE_LOOK if self._is_near() else LOOK))
                reason = self._over()
        finally:
            seconds = time.monotonic() - self.started
            self._kill()
        self._drain()
        code = self.process.returncode
        reason = reason or (self._telltale() if code else "")
        return Outcome(None if reason else code, seconds, bytes(self.output), reason, self.memory)

    def _is_near(self) -> bool:
        return self.memory > 0.6 * self.limits.memory_mb or time.monotonic() - self.started < 2 * LOOK

    def _listen(self, until: float) -> None:
        """Collect output until the next look, or until the process ends."""
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        while (left := until - time.monotonic()) > 0 and len(self.output) <= self.limits.output_mb * MB:
            if not select.select([pipe], [], [], left)[0]:
                return
            chunk = os.read(pipe, 65536)
            if not chunk:  # all writers are gone: most likely it ends just now
                _wait(self.process, left)
                return
            self.output += chunk

    def _over(self) -> str:
        """Return the limit that is passed, "" for none."""
        limits, now = self.limits, time.monotonic()
        if now - self.started > limits.seconds:
            return "time"
        if len(self.output) > limits.output_mb * MB:
            return "output"
        tree = self._tree()
        if len(tree) > limits.processes:  # first, as measuring each takes a while
            return "processes"
        memory, unlinked = self._measure(tree)
        self.memory = max(self.memory, memory)
        if memory > limits.memory_mb:
            return "memory"
        if now >= self.disk_look:
            used = sum(_sizes(self.disk)) - self.disk_before + unlinked
            self.disk_look = now + 10 * (time.monotonic() - now)
            if used > limits.disk_mb * MB:
                return "disk"
        return ""

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self.process.pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        if self.inner is None:  # without a namespace, daemons that left the tree must be found again
            self.seen.update((process.pid, process) for process in tree)
        return tree

    def _measure(self, tree: list[psutil.Process]) -> tuple[float, int]:
        """Return megabytes of memory, and bytes of files on the disk that have no name any more."""
        memory, nameless = 0, dict[tuple[int, int], int]()
        for process in tree:
            memory += _memory(process)
            nameless.update(_nameless(process.pid))
        device = self.disk.stat().st_dev
        unlinked = sum(size for (where, _), size in nameless.items() if where == device)
        # A file without a name elsewhere lives in memory; where it is mapped, PSS has it already.
        memory = max(memory, sum(nameless.values()) - unlinked)
        return memory / MB, unlinked

    def _kill(self) -> None:
        """Kill the tree and wait until the last process is dead."""
        if self.inner is not None:
            _signal(self.inner)
            self.process.kill()
            self.process.wait()
            if not select.select([self.inner], [], [], 30)[0]:
                raise UnavailableError(
                    "the script's processes do not die (a hanging disk?); restart the machine"
                )
            return
        left = list(self.seen.values())
        for process in left:
            if process.is_running() and process.pid != self.process.pid:
                process.kill()
        self.process.kill()
        self.process.wait()
        psutil.wait_procs([process for process in left if process.pid != self.process.pid], timeout=5)

    def _drain(self) -> None:
        """Take what was written before the end; a daemon that got away does not keep us."""
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        while len(self.output) <= self.limits.output_mb * MB and select.select([pipe], [], [], 0)[0]:
            chunk = os.read(pipe, 65536)
            if not chunk:
                break
            self.output += chunk
        self.process.stdout.close()
        del self.output[int(self.limits.output_mb * MB) :]

    def _telltale(self) -> str:
        last = bytes(self.output[-2000:]).rstrip().rpartition(b"\n")[2]
        return next((reason for text, reason in TELLTALES.items() if text in last), "")


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _signal(pidfd: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return


def _memory(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(info, "pss", info.rss))


def _nameless(pid: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield ((device, inode), bytes) of the open regular files of a process that have no name any more."""
    try:
        entries = list(os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return
    for entry in entries:
        try:
            status = os.stat(entry.path)  # noqa: PTH116 - a Path for each descriptor of each look is slow
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
            yield (status.st_dev, status.st_ino), status.st_blocks * 512


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the bytes that each file below `folder` takes on the disk; an empty one takes a block, too."""
    stack = [str(folder)]
    while stack:
        try:
            entries = list(os.scandir(stack.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                yield max(4096, entry.stat(follow_symlinks=False).st_blocks * 512)
            except OSError:
                continue
