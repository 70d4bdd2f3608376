"""The second rung: the library sandlock (Landlock, seccomp and a supervisor), for kernels where bubblewrap cannot be.

There are no namespaces: a script sees the host's real paths and process ids, but it opens only what is granted here.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from budgetmlagent import inside
from budgetmlagent.sandbox.rungs.bwrap import NETWORK_FILES

MAIN = Path(inside.__file__ or "").with_name("sandlocked.py")
READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/proc",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)
WRITABLE = ("/dev/null",)
ANYWHERE = ("tcp://*:*", "udp://*:*")


def installed() -> str:
    """Return the library's version, "" where the extra is not installed."""
    try:
        return version("sandlock")
    except PackageNotFoundError:
        return ""


def around(
    command: Sequence[str],
    *,
    workspace: Path,
    visible: Iterable[Path],
    masks: Iterable[Path],
    processes: int,
    network: bool,
    gpu: str,
) -> list[str]:
    """Return the command line of a supervisor that runs `command` confined, in its own process tree.

    `visible` may be read, `masks` in it may not; only `workspace` is writable.
    """
    readable = [*READABLE, *map(str, visible), *(NETWORK_FILES if network else ())]
    policy = {
        "fs_readable": [path for path in readable if Path(path).exists()],
        "fs_writable": [str(workspace), *WRITABLE],
        "fs_denied": [str(path) for path in masks],
        "net_allow": list(ANYWHERE) if network else [],
        "max_processes": processes,
        "cwd": str(workspace),
        "gpu_devices": [] if gpu == "all" else [int(number) for number in gpu.split(",")] if gpu else None,
    }
    return [sys.executable, "-I", str(MAIN), json.dumps(policy), *command]
