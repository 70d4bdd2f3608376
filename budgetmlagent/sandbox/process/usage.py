"""Measures what a process tree takes of memory and disk, so cheaply that it can be done every few milliseconds."""

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil

MB = 1 << 20
MEMORY = re.compile(rb"Vm(RSS|Swap|PTE):\s+(\d+)")  # in a process's status, kilobytes
CHILDREN = Path("/proc/thread-self/children").exists()
SOCKETS = re.compile(rb"^sockets: used (\d+)", re.MULTILINE)  # in a network namespace's sockstat
SOCKET = (
    2 * 212992
)  # bytes that one can hold: the kernel's default of a buffer, and the parcel that passes it
SLICE = 1000  # files that one look counts: memory must be looked at in between
BLOCK = 4096  # bytes that an empty file is taken to have


def tree(roots: Iterable[int]) -> list[int]:
    """Return the ids of the processes `roots` and of all that descend from them."""
    found = dict.fromkeys(roots)
    stack = list(found)
    while stack:
        born = [child for child in _children(stack.pop()) if child not in found]
        found.update(dict.fromkeys(born))
        stack += born
    return list(found)


def _children(pid: int) -> list[int]:
    if not CHILDREN:  # a kernel without that file: slow, and right as well
        try:
            return [child.pid for child in psutil.Process(pid).children()]
        except psutil.NoSuchProcess:
            return []
    found: list[int] = []
    for thread in _names(f"/proc/{pid}/task"):
        found += map(int, read(f"/proc/{pid}/task/{thread}/children").split())
    return found


@dataclass(frozen=True)
class Seen:
    """A process as everybody may see it. Bytes of memory; what it shares counts in each that does."""

    place: str  # the folder in /proc that tells of it
    mapped: int  # what it maps, swapped out or not
    tables: int  # the kernel's tables for that, which can be most of it

    @classmethod
    def of(cls, pid: int) -> "Seen":
        """Look at a process; one that is gone has nothing.

        Where the first thread has ended before the others, its folder is empty, and that of another thread tells.
        """
        sizes = _memory(f"/proc/{pid}")
        if sizes is None:
            for thread in _names(f"/proc/{pid}/task"):
                place = f"/proc/{pid}/task/{thread}"
                if sizes := _memory(place):
                    return cls(place, *sizes)
        return cls(f"/proc/{pid}", *(sizes or (0, 0)))


def _memory(place: str) -> tuple[int, int] | None:
    status = read(f"{place}/status")
    # The first line is a name that the process gives itself; it holds no line break.
    rows = MEMORY.findall(status, max(0, status.find(b"\nVm"))) if b"\nVmRSS:" in status else []
    sizes = {name: 1024 * int(number) for name, number in rows}
    return (sizes[b"RSS"] + sizes.get(b"Swap", 0), sizes.get(b"PTE", 0)) if rows else None


def proportional(seen: Seen) -> tuple[int, int]:
    """Return the bytes of memory that are a process's own share (PSS, swapped ones too), and those of files in memory.

    All that it maps, where its own share may not be known. Costs milliseconds for each gigabyte.
    """
    rows = (line.split() for line in read(f"{seen.place}/smaps_rollup").splitlines()[1:])
    kilobytes = {row[0]: int(row[1]) for row in rows}
    if not kilobytes:
        return seen.mapped + seen.tables, 0
    whole = kilobytes.get(b"Pss:", 0) + kilobytes.get(b"SwapPss:", 0)
    return whole * 1024 + seen.tables, kilobytes.get(b"Pss_Shmem:", 0) * 1024


def nameless(tree: Iterable[Seen], disk: int) -> tuple[int, int]:
    """Return the bytes of open files that have no name any more: those on the device `disk`, and those in memory."""
    sizes: dict[tuple[int, int], int] = {}
    for seen in tree:
        for name in _names(f"{seen.place}/fd"):
            try:
                status = os.stat(f"{seen.place}/fd/{name}")  # noqa: PTH116 - a Path for each of each look is slow
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                sizes[status.st_dev, status.st_ino] = status.st_blocks * 512
    there = sum(size for (device, _), size in sizes.items() if device == disk)
    return there, sum(sizes.values()) - there


def buffered(place: str) -> int:
    """Return the bytes that the sockets of a process's network namespace can hold, 0 where that is ours too.

    Counted are those as well that nobody has any more, but whose parcels wait.
    """
    try:
        if os.path.samestat(os.stat(f"{place}/ns/net"), os.stat("/proc/self/ns/net")):  # noqa: PTH116
            return 0
    except OSError:  # it has ended meanwhile
        return 0
    used = SOCKETS.search(read(f"{place}/net/sockstat"))
    return int(used[1]) * SOCKET if used else 0


class Disk:
    """The bytes that were written below a folder since it was first looked at.

    Counting files takes long where there are many. So they are counted when the file system has lost nearly as much
    space as would pass the limit, or when the last count is old, and then a slice in each look.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = folder, limit
        self.device = folder.stat().st_dev
        self.locked: list[str] = []  # folders that the last count could not enter
        self.before = sum(_sizes(folder, []))
        self.used = 0  # bytes, by the last count
        self.free = self._free()  # when the last count began
        self.clear = self.free  # when it was last known that all is counted
        self.count: Iterator[int] | None = None  # one that is under way
        self.began, self.counted = 0.0, 0
        self.latest = 0.0  # when the next count must begin
        self.urgent = False  # one is under way that may find too much: nothing should be written meanwhile

    def look(self, unlinked: int) -> bool:
        """Tell whether more than the limit is in use, `unlinked` bytes of files without a name included."""
        now = time.monotonic()
        if self.count is None:
            self.urgent = self.room() <= 0
            if now < self.latest and not self.urgent:
                return False
            self.began, self.counted, self.free = now, -self.before, self._free()
            self.locked = []
            self.count = _sizes(self.folder, self.locked)
        part = list(islice(self.count, SLICE))
        self.counted += sum(part)
        if len(part) < SLICE:
            self.used, self.count, self.urgent = self.counted, None, False
            self.latest = now + max(0.1, 10 * (time.monotonic() - self.began))
        return self.counted + unlinked > self.limit

    def room(self) -> float:
        """Return the bytes until the next count: nine tenths of what is left, as the file system tells.

        Others may have taken some of it, or freed some.
        """
        return 0.9 * (self.limit - self.used) - self._lost(self.free)

    def may_hide(self) -> bool:
        """Tell whether the file system has lost more than the limit since it was last `clear`."""
        return self._lost(self.clear) > self.limit

    def is_clear(self) -> None:
        """Take note that nothing is hidden now: whatever was lost is counted, or others have it."""
        self.clear = self._free()

    def _lost(self, free: tuple[int, int]) -> int:
        blocks, files = (before - now for before, now in zip(free, self._free(), strict=True))
        return max(0, blocks, files)

    def _free(self) -> tuple[int, int]:
        """Return the bytes of free blocks, and of free inodes as if each took a block."""
        status = os.statvfs(self.folder)
        return status.f_bfree * status.f_frsize, status.f_ffree * BLOCK


def _sizes(folder: Path, locked: list[str]) -> Iterator[int]:
    """Yield the bytes that each file below `folder` takes on the disk; an empty one takes a block, too.

    `locked` gets the folders that cannot be listed.
    """
    stack = [str(folder)]
    while stack:
        place = stack.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    yield _size(entry)
        except PermissionError:
            locked.append(place)
        except OSError:  # it was removed meanwhile
            continue


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return max(BLOCK, entry.stat(follow_symlinks=False).st_blocks * 512)
    except OSError:
        return 0


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - as above
    except OSError:
        return []


def read(path: str) -> bytes:
    """Return what the kernel says, nothing where the process is gone."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return file.read()
    except OSError:
        return b""
