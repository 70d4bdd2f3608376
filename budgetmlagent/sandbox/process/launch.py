"""Starts a Python program on a rung of the sandbox ladder: bubblewrap, sandlock, or a bare process for `--unsafe`."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.process.usage import MB
from budgetmlagent.sandbox.process.watchdog import Limits, Outcome, Watchdog
from budgetmlagent.sandbox.rungs import bwrap, cgroup, gpus, sandlock
from budgetmlagent.sandbox.rungs.cgroup import Fence
from budgetmlagent.sandbox.rungs.door import Door
from budgetmlagent.sandbox.rungs.interpreter import Interpreter, masks, within

FENCE = 1.05  # the kernel's limit of memory, in limits


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder, chosen by the probe."""

    name: str  # bubblewrap | sandlock | unsafe
    words: str  # the policy, and which binary, for people
    binary: Path | None = None


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


def masked(job: Job) -> tuple[Path, ...]:
    """Find what is to be hidden in the folders that the job's interpreter makes visible: a walk of a second or two."""
    found = dict.fromkeys([*masks(job.python), *within(job.python, list(job.hidden))])
    return tuple(
        path for path in found if found.keys().isdisjoint(path.parents)
    )  # what hides holds nothing to hide


def launch(rung: Rung, job: Job) -> Outcome:
    """Run the job to its end; all its processes are dead on return.

    Raises UnavailableError where the sandbox itself does not start.
    """
    if rung.binary is not None:
        return _bubblewrap(rung.binary, job)
    return _in_place(job, confined=rung.name == "sandlock")


def environment(job: Job, home: str, *, isolated: bool) -> dict[str, str]:
    """The whole environment of a job: nothing of the caller's but OpenBLAS' choice of kernels."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    kept = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE",) if name in os.environ}
    return {
        "PATH": f"{job.python.prefix}/bin:/usr/bin:/bin",
        "HOME": home,
        "USER": "user",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",  # noqa: S108 - a tmpfs of its own
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp",  # noqa: S108
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",  # what a killed script had printed is not lost
        **dict.fromkeys(threads, str(cores)),
        # Threads that spin while they wait make a busy machine many times slower, and OpenBLAS' always do.
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": str(max(1, cores // 2)),
        **kept,
        **gpus.environment(job.gpu, isolated=isolated),
    }


def _bubblewrap(binary: Path, job: Job) -> Outcome:
    command = _command(job, list(job.args), fenced=True)
    outcome = _isolated(binary, job, command)
    if outcome.exit == 1 and outcome.output.startswith(b"bwrap: "):
        # Bubblewrap's own complaint or a script's lookalike: a program that only succeeds tells.
        again = _isolated(binary, job, ["/usr/bin/true"])
        if again.exit != 0:
            line = again.output.decode("utf-8", "replace").strip().partition("\n")[0]
            raise UnavailableError(f"sandbox: {line}; run `budgetml doctor`")
    return outcome


def _isolated(binary: Path, job: Job, command: list[str]) -> Outcome:
    with _fence(job) as fence, Door() as door:
        argv = bwrap.argv(
            binary,
            visible=job.python.visible(),
            masks=masked(job) if job.masks is None else job.masks,
            workspace=job.workspace,
            readonly=job.readonly,
            env=environment(job, "/workspace", isolated=True),
            network=job.network,
            devices=gpus.devices(job.gpu),
            door=door,
        )
        process = _start([*argv, *command], {}, job, keep=door.inherited)
        inner = door.enter(process, fence)
        door.open()
        return Watchdog(process, inner, job.limits, job.workspace, fence).watch()


def _in_place(job: Job, *, confined: bool) -> Outcome:
    """Run without namespaces: what would be bound is copied, into the workspace or beside it."""
    view = job.workspace.with_name(job.workspace.name + "-view")
    places = {"/workspace": job.workspace}
    view.mkdir()
    try:
        for inside, source in job.readonly.items():
            path = PurePosixPath(inside)
            known = path.is_relative_to("/workspace")
            target = job.workspace / path.relative_to("/workspace") if known else view / inside.lstrip("/")
            places[inside] = target
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)
        command = _command(job, [_outside(arg, places) for arg in job.args], fenced=False)
        with _fence(job) as fence:
            env = environment(job, str(job.workspace), isolated=False)
            if confined:
                env |= dict.fromkeys(("TMPDIR", "MPLCONFIGDIR"), str(job.workspace))
                command = sandlock.around(
                    command,
                    workspace=job.workspace,
                    visible=[*job.python.visible(), view],
                    masks=masked(job) if job.masks is None else job.masks,
                    processes=job.limits.processes,
                    network=job.network,
                    gpu=job.gpu,
                )
            process = _start([*fence, *_tied(), *command], env, job, keep=())
            return Watchdog(process, None, job.limits, job.workspace, fence).watch()
    finally:
        shutil.rmtree(view, ignore_errors=True)


def _tied() -> list[str]:
    """The command that has the kernel kill a bare process when we die, where there is one."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _outside(arg: str, places: Mapping[str, Path]) -> str:
    """Translate an argument that is a path inside."""
    for inside in sorted(places, key=len, reverse=True):
        if arg == inside or arg.startswith(inside + "/"):
            return str(places[inside]) + arg[len(inside) :]
    return arg


def _command(job: Job, args: list[str], *, fenced: bool) -> list[str]:
    # Outside a user namespace the kernel would count all the user's processes, not only the script's.
    processes = job.limits.processes if fenced else None
    fences = bwrap.fences(processes=processes, disk_bytes=int(job.limits.disk_mb * MB))
    return [*fences, str(job.python.path), *args]


def _fence(job: Job) -> AbstractContextManager[Fence]:
    """A little wider than the limits: the watchdog, which can tell shared from own memory, comes first."""
    limits = job.limits
    files = limits.disk_mb if _is_in_memory(job.workspace) else 0
    memory = int((FENCE * limits.memory_mb + files) * MB)
    return cgroup.fence(limits.processes + bwrap.THREADS, memory)


def _is_in_memory(folder: Path) -> bool:
    """Tell whether what is written in `folder` is kept in memory, as in a /tmp that is a tmpfs."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    rows = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return any(row[2] == number and row[row.index("-") + 1] in ("tmpfs", "ramfs") for row in rows)


def _start(
    command: list[str], env: dict[str, str], job: Job, keep: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=env,
        cwd=job.workspace,
        stdin=job.stdin,
        stdout=subprocess.PIPE,
        stderr=job.stderr,
        pass_fds=keep,
        start_new_session=True,
    )
