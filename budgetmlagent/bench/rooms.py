"""How much of this machine a bench may use: what is free, and what the control groups that it stands in leave it.

A container or a SLURM job sees the whole machine's memory and cores, and is stopped or slowed at its own limits.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from budgetmlagent.sandbox.cages.cgroup import MINE, ROOT, own

MEMORY = ("memory.max", "memory.limit_in_bytes")  # version 2, version 1


def memory(groups: Path = ROOT, mine: Path = MINE) -> int:
    """Return the bytes that are free here, and within each group's limit."""
    told = [_number(group / name) for group in _above("memory", groups, mine) for name in MEMORY]
    free = int(psutil.virtual_memory().available)
    return min([free, *(most for most in told if most is not None)])


def cores(groups: Path = ROOT, mine: Path = MINE) -> int:
    """Return the cores that this process may use, at least one: those it may run on, and each group's share of their time."""
    shares = [share for group in _above("cpu", groups, mine) if (share := _share(group)) is not None]
    return max(1, int(min([len(os.sched_getaffinity(0)), *shares])))


def _share(group: Path) -> float | None:
    """Return of how many cores' time a group has, None where it has no limit."""
    with suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    quota_us, period_us = (_number(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return quota_us / period_us if quota_us and period_us and quota_us > 0 else None


def _number(path: Path) -> int | None:
    """Return the number in a file; None where there is none, such as `max`."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def _above(controller: str, root: Path, mine: Path) -> Iterator[Path]:
    """Yield the groups in which this process stands, and all above them."""
    with suppress(OSError):
        for group in own(controller, root, mine):
            yield from (each for each in (group, *group.parents) if each.is_relative_to(root))
