"""A Python program that is to run, and what is the same of it in every cage: its environment, its limits, its start."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from budgetmlagent.sandbox.cages import cgroup, gpus
from budgetmlagent.sandbox.cages.cgroup import Fence
from budgetmlagent.sandbox.cages.interpreter import Interpreter, masks, within
from budgetmlagent.sandbox.process.usage import MB
from budgetmlagent.sandbox.process.watchdog import Limits

FENCE = 1.05  # the kernel's limit of memory, in limits
THREADS = 32 + 16 * (os.cpu_count() or 1)  # which the kernel counts as processes, and the watchdog does not


@dataclass(frozen=True)
class Job:
    """A Python program to run. Paths inside are those of the sandbox."""

    python: Interpreter
    args: Sequence[str]  # of the interpreter; paths inside
    workspace: Path  # the one writable folder, /workspace inside
    limits: Limits
    readonly: Mapping[str, Path] = field(default_factory=dict)  # path inside -> what is bound there
    hidden: tuple[Path, ...] = ()  # never visible, should they lie in the interpreter's folders
    stderr: int = subprocess.STDOUT
    masks: tuple[Path, ...] | None = None  # all that is to be hidden, where that was found out before
    network: bool = False  # the host's
    gpu: str = ""  # "", "all" or numbers of GPUs, "0,1"
    stdin: int = subprocess.DEVNULL

    def masked(self) -> tuple[Path, ...]:
        """Return what is to be hidden in the folders that the interpreter makes visible: a walk of a second or two."""
        if self.masks is not None:
            return self.masks
        found = {f"{path}/": path for path in [*masks(self.python), *within(self.python, list(self.hidden))]}
        outer: list[str] = []
        for inside in sorted(found):
            if not outer or not inside.startswith(outer[-1]):  # what hides holds nothing to hide
                outer.append(inside)
        return tuple(map(found.__getitem__, outer))

    def environment(self, home: str, *, isolated: bool) -> dict[str, str]:
        """Return the job's whole environment: nothing of the caller's but OpenBLAS' choice of kernels."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
        kept = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE",) if name in os.environ}
        return {
            "PATH": f"{self.python.prefix}/bin:/usr/bin:/bin",
            "HOME": home,
            "USER": "user",
            "LANG": "C.UTF-8",
            "TMPDIR": "/tmp",  # noqa: S108 - a tmpfs of its own
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": "/tmp" if isolated else home,  # noqa: S108 - outside the sandbox /tmp is everybody's
            "PYTHONHASHSEED": "0",
            "PYTHONWARNINGS": "ignore",
            "PYTHONUNBUFFERED": "1",  # what a killed script had printed is not lost
            **dict.fromkeys(threads, str(cores)),
            # Threads that spin while they wait make a busy machine many times slower, and OpenBLAS' always do.
            "OMP_WAIT_POLICY": "PASSIVE",
            "OPENBLAS_NUM_THREADS": str(max(1, cores // 2)),
            **kept,
            **gpus.environment(self.gpu, isolated=isolated),
        }

    def command(self, args: Sequence[str], *, processes: int | None) -> list[str]:
        """Return the command line of the interpreter behind the kernel's own limits; `processes` None sets none."""
        fences = kernel_limits(processes=processes, disk_bytes=int(self.limits.disk_mb * MB))
        return [*fences, str(self.python.path), *args]

    def fence(self) -> AbstractContextManager[Fence]:
        """Make groups a little wider than the limits: the watchdog, which can tell shared from own memory, comes first."""
        limits = self.limits
        files = limits.disk_mb if _is_in_memory(self.workspace) else 0
        memory = int((FENCE * limits.memory_mb + files) * MB)
        return cgroup.fence(limits.processes + THREADS, memory)

    def start(
        self, command: list[str], env: Mapping[str, str], keep: tuple[int, ...] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start `command` in the workspace, in a session of its own; it inherits the descriptors `keep`."""
        return subprocess.Popen(
            command,
            env=env,
            cwd=self.workspace,
            stdin=self.stdin,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            pass_fds=keep,
            start_new_session=True,
        )


def kernel_limits(*, processes: int | None, disk_bytes: int) -> list[str]:
    """Return the kernel's own limits as a `prlimit` command, the second fence behind the watchdog; [] without prlimit."""
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin") or shutil.which("prlimit")
    if prlimit is None:
        return []
    nproc = [f"--nproc={processes + THREADS}"] if processes else []
    return [prlimit, *nproc, f"--fsize={disk_bytes}", "--core=0", "--nofile=1024"]


def _is_in_memory(folder: Path) -> bool:
    """Tell whether what is written in `folder` is kept in memory, as in a /tmp that is a tmpfs."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    rows = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return any(row[2] == number and row[row.index("-") + 1] in ("tmpfs", "ramfs") for row in rows)
