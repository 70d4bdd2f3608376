"""The second cage: the library sandlock (Landlock, seccomp and a supervisor), for kernels where bubblewrap cannot be.

There are no namespaces: a script sees the host's real paths and process ids, but it opens only what is granted here.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from budgetmlagent import inside
from budgetmlagent.sandbox.cages import gpus
from budgetmlagent.sandbox.cages.bare import Bare
from budgetmlagent.sandbox.cages.bubblewrap import NETWORK_FILES
from budgetmlagent.sandbox.cages.cage import HELD, NO_NETWORK
from budgetmlagent.sandbox.cages.job import Job

MAIN = Path(inside.__file__ or "").with_name("sandlocked.py")
READABLE = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives",
    "/proc", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
WRITABLE = ("/dev/null",)
ANYWHERE = ("tcp://*:*", "udp://*:*")


@dataclass(frozen=True)
class Sandlock(Bare):
    """A bare process that the kernel lets open no more than it needs; the masks deny what lies in what it needs."""

    name: ClassVar[str] = "sandlock"
    origin: str = "sandlock"
    instead: str = "there is none"  # why bubblewrap was passed over

    @property
    def words(self) -> str:
        """See `Cage`."""
        return (
            f"sandlock {self.version}: {NO_NETWORK}, {HELD}, by Landlock without namespaces; "
            f"bubblewrap was passed over ({self.instead})"
        )

    @property
    def version(self) -> str:
        """The library's version, "" where the extra is not installed."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("sandlock")
        except PackageNotFoundError:
            return ""

    def around(self, command: list[str], env: dict[str, str], job: Job, view: Path) -> list[str]:
        """Return the command line of a supervisor that runs `command` confined, in its own process tree."""
        env["TMPDIR"] = str(job.workspace)
        granted = [*job.python.visible(), view, *(NETWORK_FILES if job.network else ())]
        readable = [*READABLE, *map(str, granted)]
        policy = {
            "fs_readable": [path for path in readable if Path(path).exists()],
            "fs_writable": [str(job.workspace), *WRITABLE],
            "fs_denied": [str(path) for path in job.masked()],
            "net_allow": list(ANYWHERE) if job.network else [],
            "max_processes": job.limits.processes,
            "cwd": str(job.workspace),
            "gpu_devices": gpus.numbers(job.gpu) if job.gpu else None,  # of an empty list it makes all
        }
        return [sys.executable, "-I", str(MAIN), json.dumps(policy), *command]
