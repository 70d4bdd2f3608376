"""The kernel's fence around the number of processes and the memory of a tree, where control groups can be made.

Root can, and an ordinary user whose own group was handed to him, as systemd does.

RLIMIT_NPROC never stops a process of the machine's root user, not even inside a user namespace that calls it 1000: a
script that forks as fast as it can then fills the process table before a watchdog gets its turn. A control group does,
and it holds memory to the page, however busy the machine is.
"""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from budgetmlagent.errors import UnavailableError

ROOT, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'
NUMBERS = itertools.count()
DELEGATED = "systemd-run --user --scope -p Delegate=yes"  # starts a program in such a group
CALLERS = "budgetml-callers"  # of version 2: where those stand who make groups beside it
# Files of the kernel's version 1 and version 2 of groups; the first that is there is meant.
MOST = {"pids": ("pids.max",), "memory": ("memory.limit_in_bytes", "memory.max")}
NO_SWAP = ("memory.swappiness", "memory.swap.max")
VICTIMS = ("memory.oom_control", "memory.events")
REFUSALS = ("pids.events",)


class Fence:
    """The groups of one tree, none where none can be made. Iterating gives the words to stand before a command."""

    def __init__(self) -> None:
        self.groups: dict[str, Path] = {}  # controller -> folder

    def __iter__(self) -> Iterator[str]:
        if self.groups:
            yield from ("/bin/sh", "-c", JOIN, "sh", *map(str, self._doors()), "--")

    def take(self, pid: int) -> None:
        """Put a process in the groups, with all that it will start from now on. Raises UnavailableError."""
        for door in self._doors():
            try:
                door.write_text(str(pid))
            except ProcessLookupError:  # it has ended
                return
            except OSError as error:
                raise UnavailableError(f"sandbox: {door}: {error.strerror}; run `budgetml doctor`") from None

    def _doors(self) -> list[Path]:
        return [group / "cgroup.procs" for group in dict.fromkeys(self.groups.values())]

    def struck(self) -> bool:
        """Tell whether the kernel has killed a process of the tree for its memory."""
        return self._counted("memory", VICTIMS, "oom_kill ")

    def refused(self) -> bool:
        """Tell whether the kernel has refused the tree a process or a thread."""
        return self._counted("pids", REFUSALS, "max ")

    def _counted(self, controller: str, files: tuple[str, ...], event: str) -> bool:
        if controller not in self.groups:
            return False
        rows = _there(self.groups[controller], files).read_text().splitlines()
        return any(row.startswith(event) and not row.endswith(" 0") for row in rows)


def home(controller: str = "pids") -> Path | None:
    """Return where groups with such a limit can be made, None where they cannot."""
    tops = (ROOT / controller, ROOT) if os.geteuid() == 0 else ()
    return next(
        (group for group in itertools.chain(tops, own(controller)) if _gives(group, controller)), None
    )


def own(controller: str, root: Path = ROOT, mine: Path = MINE) -> Iterator[Path]:
    """Yield the groups in which this process stands: of version 1 for the controller, of version 2."""
    for line in mine.read_text().splitlines():
        _, names, path = line.split(":", 2)
        if not names or controller in names.split(","):
            group = root / names / path.lstrip("/")
            yield group.parent if group.name == CALLERS else group


def _gives(group: Path, controller: str) -> bool:
    """Tell whether groups can be made in `group` and have such a limit."""
    if not (os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)):
        return False
    control = group / "cgroup.subtree_control"
    if not control.exists():
        return group != ROOT  # version 1
    return controller in control.read_text().split() or _handed_on(group, controller)


def _handed_on(group: Path, controller: str) -> bool:
    """Have a group of version 2 hand a controller on to groups in it; tell whether it does.

    No process may stand in a group that does. Ours go to one of their own, but nobody else's.
    """
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    with suppress(OSError):
        there = set(map(int, (group / "cgroup.procs").read_text().split()))
        if there <= ours and controller in (group / "cgroup.controllers").read_text().split():
            (group / CALLERS).mkdir(exist_ok=True)
            for pid in there:
                (group / CALLERS / "cgroup.procs").write_text(str(pid))
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
            return True
    return False


@contextmanager
def fence(processes: int, memory: int | None = None) -> Iterator[Fence]:
    """Make groups for at most `processes` (threads count) and `memory` bytes (files in memory count, swap is none).

    All that ran in them must be dead in the end.
    """
    made, name = Fence(), f"budgetml-{os.getpid()}-{next(NUMBERS)}"
    try:
        for controller, most in (("pids", processes), ("memory", memory)):
            root = home(controller)
            if root is None or most is None:
                continue
            _sweep(root)
            with suppress(OSError):  # a container's read-only file system: the watchdog remains
                group = root / name
                group.mkdir(exist_ok=True)
                made.groups[controller] = group
                _there(group, MOST[controller]).write_text(str(most))
                if controller == "memory":
                    _there(group, NO_SWAP).write_text("0")
        yield made
    finally:
        for group in dict.fromkeys(made.groups.values()):
            _remove(group)


def _there(group: Path, names: tuple[str, ...]) -> Path:
    return next((group / name for name in names if (group / name).exists()), group / names[-1])


def _sweep(root: Path) -> None:
    """Remove what callers that were killed have left; a group in which something still runs stays."""
    for group in root.glob("budgetml-*-*"):
        owner = group.name.split("-")[1]
        if not Path("/proc", owner).exists():
            with suppress(OSError):
                group.rmdir()


def _remove(group: Path) -> None:
    for number in range(20):  # the kernel takes a moment to forget the dead
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(min(0.001 * 2**number, 0.1))
