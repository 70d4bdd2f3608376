"""Watches a process tree against its limits, and kills the whole of it when one is passed.

Covered: wall time, memory (PSS: pages shared by forks count once), disk written in one folder, bytes of output,
number of processes. Not covered: processor time, which is only counted (`alone.py`), and memory taken and given back between two looks. The next look
comes the sooner, the less room there is: by then nothing can have gone far over its limit.
"""

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages.cgroup import Fence
from budgetmlagent.sandbox.process import hideouts, usage
from budgetmlagent.sandbox.process.alone import Alone
from budgetmlagent.sandbox.process.usage import MB, Seen

SLOWEST, FASTEST = 0.1, 0.004  # seconds between two looks
MEMORY_RATE = 8 << 30  # bytes a second: as fast as a few cores can take fresh memory
DISK_RATE = 4 << 30  # the same of a disk, which is the page cache first
HIDING = 1.0  # seconds in which what is on its way arrives
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
    alone: float = 0.0  # seconds that it would have taken with the machine for itself; 0.0: unknown


class Watchdog:
    """Watches one process tree. `inner` is a pidfd whose death takes the whole tree along, None without such."""

    def __init__(
        self, process: subprocess.Popen[bytes], inner: int | None, limits: Limits, disk: Path, fence: Fence
    ) -> None:
        self.process, self.inner, self.limits, self.fence = process, inner, limits, fence
        self.started = time.monotonic()
        self.output = bytearray()
        self.memory, self.used = 0, 0  # bytes: the highest, and an upper bound of what is in use
        self.recorded = 0  # bytes that were mapped when the highest was last looked for
        self.seen: dict[int, psutil.Process] = {}
        self.alone = Alone()
        self.halted = False
        self.note = ""  # a sentence behind the output, where the reason does not say it all
        self.hiding = 0.0  # since when files may be hidden, 0 where they may not
        self.disk = usage.Disk(disk, limits.disk_mb * MB)

    def watch(self) -> Outcome:
        """Wait for the end, or make it; every process of the tree is dead on return.

        Raises UnavailableError where one cannot be killed.
        """
        reason, pause = "", FASTEST
        try:
            while self.process.poll() is None and not reason:
                self._listen(until=min(time.monotonic() + pause, self.started + self.limits.seconds))
                began = time.monotonic()
                reason = self._over()
                pause = self._pause(time.monotonic() - began)
        finally:
            seconds = time.monotonic() - self.started
            self._kill()
        self._drain()
        code = self.process.returncode
        reason = reason or self._struck() or (self._telltale() if code else "")
        if self.note:
            self.output += (b"\n" if self.output else b"") + self.note.encode()
        code, alone = None if reason else code, self.alone.seconds(seconds)
        return Outcome(code, seconds, bytes(self.output), reason, self.memory / MB, alone)

    def _pause(self, look: float) -> float:
        """Return the seconds until the next look: no limit can be passed by much in them, and no half of the time is looking."""
        if self.disk.count is not None:  # the sooner it is done, the less is written meanwhile
            return 0.0
        room, age = self.limits.memory_mb * MB - self.used, time.monotonic() - self.started
        soonest = min(room / MEMORY_RATE, self.disk.room() / DISK_RATE, 0.3 * age)
        return max(look, min(SLOWEST, max(FASTEST, soonest)))

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
        limits = self.limits
        if time.monotonic() - self.started >= limits.seconds:
            return "time"
        if len(self.output) > limits.output_mb * MB:
            return "output"
        tree = self._tree()
        if len(tree) > limits.processes:  # first, as measuring each takes a while
            return "processes"
        seen = [Seen.of(pid) for pid in tree]
        unlinked, in_memory = usage.nameless(seen, self.disk.device)
        # The second one is the first process inside, which ends last.
        buffers = usage.buffered(seen[1].place) if len(seen) > 1 else 0
        if self._is_full(seen, in_memory, buffers):
            return "memory"
        if self.disk.look(unlinked) or self._hides(seen):
            return "disk"
        if self.disk.urgent != self.halted:
            self._halt(self.disk.urgent)
        if not self.halted:  # last, as what is over a limit goes on meanwhile
            self.alone.look(tree)
        return self._struck()

    def _hides(self, tree: list[Seen]) -> bool:
        """Tell whether the disk has lost more than the limit while files may be where they cannot be counted.

        For a moment they may be, as when processes hand each other open files.
        """
        if self.halted or not self.disk.may_hide():
            return False
        now = time.monotonic()
        if not (where := hideouts.found(tree, self.disk.locked, self.disk.folder)):
            self.hiding = 0.0
            self.disk.is_clear()
            return False
        self.hiding = self.hiding or now
        if now - self.hiding < HIDING:
            return False
        self.note = (
            f"stopped: the disk has lost more than the limit, and files are {where}: they cannot be counted\n"
        )
        return True

    def _halt(self, halted: bool) -> None:
        """Let the tree stand still, or go on. Counting many files takes long, above all on a busy machine."""
        self.halted = halted
        told: set[int] = set()
        while new := set(self._tree()) - told:  # one may be born meanwhile
            for pid in new:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP if halted else signal.SIGCONT)
            told |= new

    def _struck(self) -> str:
        """Name what was passed where the kernel's fence was quicker: memory, unless it is that of too many processes."""
        if not self.fence.struck():
            return ""
        if self.fence.refused():
            return "processes"
        self.memory = max(self.memory, int(self.limits.memory_mb * MB))
        return "memory"

    def _tree(self) -> list[int]:
        if self.inner is not None:
            return usage.tree([self.process.pid])
        # Without a namespace, daemons that left the tree must be found again.
        alive = [pid for pid, known in self.seen.items() if known.is_running()]
        tree = usage.tree([self.process.pid, *alive])
        for pid in tree:
            if pid not in self.seen:
                with suppress(psutil.NoSuchProcess):
                    self.seen[pid] = psutil.Process(pid)
        return tree

    def _is_full(self, tree: list[Seen], in_memory: int, buffers: int) -> bool:
        """Tell whether the memory is passed. `in_memory` are bytes of files in memory that have no name, `buffers` of sockets.

        What is mapped is cheap to know and never less than what is in use: the dear look is for the limit and for a new
        height.
        """
        mapped = sum(seen.mapped + seen.tables for seen in tree)
        limit = self.limits.memory_mb * MB
        self.used = mapped + in_memory + buffers
        if self.used > limit or self.used > 1.05 * self.recorded:
            shares = [usage.proportional(seen) for seen in tree]
            # A file in memory that is mapped is in the shares already.
            files = max(0, in_memory - sum(file for _, file in shares))
            self.recorded = max(self.recorded, self.used)
            self.used = sum(whole for whole, _ in shares) + files + buffers
            self.memory = max(self.memory, self.used)
        return self.used > limit

    def _kill(self) -> None:
        """Kill the tree and wait until the last process is dead."""
        if self.inner is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.inner, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            if not select.select([self.inner], [], [], 30)[0]:
                raise UnavailableError(
                    "the script's processes do not die (a hanging disk?); restart the machine"
                )
            return
        left = [process for process in self.seen.values() if process.pid != self.process.pid]
        for process in left:
            if process.is_running():
                process.kill()
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(left, timeout=5)

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
    """Wait for the end without looking time and again, as `Popen.wait` with a timeout does."""
    handle = os.pidfd_open(process.pid)
    try:
        select.select([handle], [], [], seconds)
    finally:
        os.close(handle)
