"""The fence around the number of processes where the kernel's own does not hold.

RLIMIT_NPROC never stops a process of the machine's root user, not even inside a user namespace that calls it 1000: a
script that forks as fast as it can then fills the process table before a watchdog gets its turn. A control group does.
"""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOTS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))  # version 1, version 2
JOIN = 'echo 0 > "$1" || exit 125; shift; exec "$@"'
NUMBERS = itertools.count()


def home() -> Path | None:
    """Return where groups with a limit of processes can be made, None where they cannot or need not be."""
    if os.geteuid() != 0:
        return None
    for root in ROOTS:
        control = root / "cgroup.subtree_control"
        enabled = "pids" in control.read_text().split() if control.exists() else root.name == "pids"
        if enabled and os.access(root, os.W_OK) and (root / "cgroup.procs").exists():
            return root
    return None


@contextmanager
def fence(processes: int) -> Iterator[list[str]]:
    """Make a group for at most `processes` (threads count); yield what joins it, to stand before a command.

    Nothing stands there where no group can be made. All that ran in the group must be dead in the end.
    """
    root = home()
    group = root / f"budgetml-{os.getpid()}-{next(NUMBERS)}" if root else None
    try:
        if root is not None and group is not None:
            _sweep(root)
            group.mkdir()
            (group / "pids.max").write_text(str(processes))
    except OSError:  # a container's read-only file system: the watchdog remains
        group = None
    try:
        yield ["/bin/sh", "-c", JOIN, "sh", str(group / "cgroup.procs")] if group else []
    finally:
        if group is not None:
            _remove(group)


def _sweep(root: Path) -> None:
    """Remove what callers that were killed have left; a group in which something still runs stays."""
    for group in root.glob("budgetml-*-*"):
        owner = group.name.split("-")[1]
        if not Path("/proc", owner).exists():
            with suppress(OSError):
                group.rmdir()


def _remove(group: Path) -> None:
    for _ in range(50):  # the kernel takes a moment to forget the dead
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.02)
