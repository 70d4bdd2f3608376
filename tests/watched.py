"""A command, watched: what it opens, starts, imports and says, how it ends, and that it does end."""

import contextlib
import gc
import io
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from budgetmlagent.cache import state
from budgetmlagent.cli import call

STATUSES = (0, 1, 2, 3, 130)
LONGEST = 600  # characters of a line on standard error
SECONDS = 40.0
MEMORY = 1 << 31  # bytes that a command may take beyond what the process has
INNARDS = re.compile(
    r"Traceback|\b(KeyError|TypeError|AttributeError|IndexError|RecursionError|AssertionError|OverflowError|MemoryError|NotImplementedError)\b"
)
STARTS = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.sendto",
    }
)
CHANGES = frozenset(
    {
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.link",
        "os.chmod",
        "os.chown",
        "os.truncate",
        "shutil.rmtree",
        "os.utime",
    }
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PROGRAMS = frozenset({"bwrap", "prlimit", "uname"})  # the sandbox; `platform` asks for the processor
# Where the program itself writes: its scratch folders, its control groups, byte code of libraries.
OWN = re.compile(r"/dev/null$|/sys/fs/cgroup/\S*budgetml-|.*/__pycache__(/|$)|.*/\.cache/")


class HangError(BaseException):
    """The time is over; no program's `except` keeps it."""


@dataclass
class Watch:
    """What a process may do while it is `on`: write below `inside`, and read anything but `outside`."""

    inside: Path = Path("/")
    outside: Path = Path("/")
    on: bool = False
    found: list[str] = field(default_factory=list)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Take notice (`sys.addaudithook`)."""
        if not self.on:
            return
        self.on = False
        try:
            if fault := self._fault(event, args):
                self.found.append(fault)
        finally:
            self.on = True

    def _fault(self, event: str, args: tuple[Any, ...]) -> str:
        if event in ("open", "sqlite3.connect"):
            path, writes = args[0], event == "open" and bool(isinstance(args[2], int) and args[2] & WRITES)
            return "" if isinstance(path, int) or path is None else self._place(event, path, writes)
        if event in CHANGES:
            if event == "os.mkdir" and os.path.isdir(args[0]):
                return ""
            paths = [arg for arg in args[:2] if isinstance(arg, str | bytes | os.PathLike)]
            return next((fault for path in paths if (fault := self._place(event, path, True))), "")
        if event in STARTS:
            program = (
                os.path.basename(os.fsdecode(args[0]))
                if args and isinstance(args[0], str | bytes | os.PathLike)
                else ""
            )
            return "" if program in PROGRAMS else f"{event} {args!r}"[:200]
        if event == "exec" and getattr(args[0], "co_filename", "").startswith(str(self.inside)):
            return f"ran {args[0].co_filename}"
        if event == "pickle.find_class":
            return f"unpickled {args}"
        return ""

    def _place(self, event: str, path: Any, writes: bool) -> str:
        text = os.fsdecode(path).removeprefix("file:").partition("?")[0]
        if text in (":memory:", "") or "\0" in text:
            return ""
        real = os.path.realpath(text)
        if Path(real).is_relative_to(self.outside):
            return f"{event} outside: {Path(real).name}"
        if real.startswith("/dev/") and real not in (
            "/dev/null",
            "/dev/urandom",
            "/dev/random",
            "/dev/tty",
            "/dev/shm",
        ):
            return f"{event} {real}"
        if writes and not (Path(real).is_relative_to(self.inside) or _own(real)):
            return f"{event} writes {re.sub(r'/tmp/strange-[^/]*', '…', real)}"
        return ""


def _own(real: str) -> bool:
    """Whether the program may write here whatever it reads: what is made for a command alone, and what is the person's."""
    scratch = tempfile.gettempdir()
    at_home = Path(real).is_relative_to(os.path.realpath(state()))
    return at_home or real == scratch or real.startswith(f"{scratch}/budgetml-") or bool(OWN.match(real))


WATCH = Watch()


def begin() -> None:
    """Hook the watch into this process, once."""
    if not getattr(begin, "done", False):
        sys.addaudithook(WATCH)
        begin.done = True  # type: ignore[attr-defined]


@contextlib.contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """Give what is done meanwhile an end, and no more than some memory."""

    def over(*_: object) -> None:
        raise HangError

    before, was = signal.signal(signal.SIGALRM, over), resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, was[1]))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, was)


def where(error: BaseException) -> str:
    """The exception's kind and the last place of ours that it passed."""
    root = str(Path(__file__).parents[1])
    frames = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename.startswith(root) and "/tests/" not in f.filename and "/.venv/" not in f.filename
    ]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename.removeprefix(root + '/')}:{last.lineno} {last.name}"


def faults(
    command: list[str], inside: Path, outside: Path, run: Any = call, seconds: float = SECONDS
) -> list[str]:
    """Run a command and return what is wrong with what it did: one sentence each, which is the same for the same fault."""
    begin()
    out, err, found = io.StringIO(), io.StringIO(), list[str]()
    WATCH.inside, WATCH.outside, WATCH.found = inside, outside, []
    status = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limited(seconds):
            WATCH.on = True
            status = run(command)
    except HangError as error:
        found.append(f"hang: {where(error)}")
    except (Exception, SystemExit) as error:
        found.append(f"traceback: {where(error)}")
    finally:
        WATCH.on = False
    gc.collect()  # a connection would keep its lock
    found += WATCH.found
    if not found:
        found += _said(command, status, out.getvalue(), err.getvalue())
    return found


def _said(command: list[str], status: int, out: str, err: str) -> Iterator[str]:
    lines = err.splitlines()
    if status not in STATUSES:
        yield f"status {status}"
    if INNARDS.search(err):
        yield f"an exception's name: {INNARDS.search(err)[0]}: {err[:300]}"  # type: ignore[index]
    if status and not (lines or out):
        yield f"status {status} without a word"
    if status in (2, 3) and not lines and command[:2] != ["graph", "lint"]:
        yield f"status {status} without a line"
    ours = (
        [line for line in lines if line.startswith("budgetml:")] if command[0] in ("run", "resume") else lines
    )
    several = command[0] in ("graph", "run") and all(": " in line for line in lines)  # findings of a graph
    if len(ours) > 1 and not several:
        yield f"{len(lines)} lines: {err[:300]}"
    if long := [line for line in lines if len(line) > LONGEST]:
        yield f"a line of {len(long[0])} characters: {long[0][:160]}"
