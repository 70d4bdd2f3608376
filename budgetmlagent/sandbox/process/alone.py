"""How long a tree of processes would have taken with the machine for itself, by what the kernel says of each process."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from budgetmlagent.sandbox.process.usage import read

TICKS = os.sysconf("SC_CLK_TCK")  # of processor time a second
NANO = 1e9


@dataclass(frozen=True)
class Times:
    """Seconds of one process."""

    computed: float  # by all of its threads together
    waited: float  # by its first thread: it could have run, and others had the processors

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Look at a process; None where it is gone, or where the kernel does not count."""
        # Behind the name, which may hold anything: the state, and the times as the twelfth and thirteenth field.
        stat, queue = (
            read(f"/proc/{pid}/stat").rpartition(b")")[2].split(),
            read(f"/proc/{pid}/schedstat").split(),
        )
        if len(stat) < 13 or len(queue) < 2:
            return None
        return cls((int(stat[11]) + int(stat[12])) / TICKS, int(queue[1]) / NANO)


class Alone:
    """Looks at a tree while it runs. What a process did between the last look and its end is not seen."""

    def __init__(self) -> None:
        self.times: dict[int, Times] = {}  # of those that have ended, too

    def look(self, tree: Iterable[int]) -> None:
        """Take note of what each process has computed and waited until now."""
        self.times |= {pid: times for pid in tree if (times := Times.of(pid))}

    def seconds(self, taken: float) -> float:
        """Return what of the seconds that the tree has `taken` it would have taken alone; 0.0 where that is not known.

        The longest wait of one process is taken off: waits of several may be at the same time. It is never less than all
        processors need for what was computed, as processes also wait for others of their own tree.
        """
        if not self.times:
            return 0.0
        waited = max(times.waited for times in self.times.values())
        computed = sum(times.computed for times in self.times.values())
        return min(taken, max(taken - waited, computed / len(os.sched_getaffinity(0))))
