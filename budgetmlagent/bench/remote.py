"""What runs on a machine of a cluster: a look at what it has, and the process that makes a run.

Ray calls these by their names, so that a machine needs this package, in the same version, and nothing of the bench's.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from budgetmlagent.bench.parcel import packed, unpack
from budgetmlagent.bench.worker import LOG, REQUEST, ROW, STEP, keep_spent

LOOK = 0.5  # seconds between two looks at how far the run is
GRACE = 30.0  # seconds that it has to end in order
WORK = "work"  # of a run's folder, where its scripts ran: nobody needs it afterwards


@dataclass(frozen=True)
class Seen:
    """What a machine is and sees."""

    host: str
    version: str
    shared: bool  # whether the bench's folder is there, too


@dataclass(frozen=True)
class Job:
    """A run for another machine."""

    folder: str  # of the cell, where the machine sees it
    environment: dict[str, str] = field(repr=False)  # with the models' keys
    request: dict[str, Any] | None = None  # what is asked for, with a parcel's paths, where it does not
    spent: float = 0.0  # dollars of the run's tries before


@dataclass(frozen=True)
class Told:
    """How far a run is, or how its process ended; a run from a parcel then comes back."""

    step: str = ""
    nano: int | None = (
        None  # nano-dollars that the run may have spent; what comes next is taken once they are noted
    )
    status: int | None = None
    back: bytes = b""


def look(token: str, secret: str) -> Seen:
    """Return what this machine is, and whether it sees the file `token` with this content."""
    from budgetmlagent import __version__

    path = Path(token)
    return Seen(socket.gethostname(), __version__, path.is_file() and path.read_text() == secret)


def work(job: Job, parcel: bytes | None) -> Iterator[Told]:
    """Make a run, telling how far it is; at its end its status and, where it came as a parcel, what it left behind.

    A machine that sees all needs no parcel. Where Ray cancels this, the run is ended in order.
    """
    if parcel is None:
        yield from _worked(Path(job.folder), job.environment)
        return
    place = Path(tempfile.mkdtemp(prefix="budgetml-"))
    try:
        unpack(parcel, place)
        cell = place / "cell"
        cell.mkdir()
        (cell / REQUEST).write_text(json.dumps(_here(job.request or {}, place)))
        keep_spent(cell, job.spent)
        for told in _worked(cell, job.environment):
            ended = told.status is not None
            yield replace(told, back=packed(_left(place), {WORK})) if ended else told
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _here(asked: dict[str, Any], place: Path) -> dict[str, Any]:
    """Return a request whose files lie in the parcel: what begins with `parcel:` is a path of it."""
    return {
        name: str(place / value.removeprefix(IN_PARCEL))
        if isinstance(value, str) and value.startswith(IN_PARCEL)
        else value
        for name, value in asked.items()
    }


IN_PARCEL = "parcel:"
BACK = "back.json"  # a run's row as it was written where it was made


def _left(place: Path) -> dict[str, Path]:
    found = {"runs": place / "runs", BACK: place / "cell" / ROW, LOG: place / "cell" / LOG}
    return {name: path for name, path in found.items() if path.exists()}


def _worked(folder: Path, environment: dict[str, str]) -> Iterator[Told]:
    ours, its = socket.socketpair()
    with ours, its, (folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "budgetmlagent.bench.worker", str(folder), str(its.fileno())], pass_fds=[its.fileno()],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=os.environ | environment,
        )  # fmt: skip
        its.close()
        try:
            yield from _telling(folder, child, ours)
        finally:
            _ended(child)


def _telling(folder: Path, child: "subprocess.Popen[bytes]", line: socket.socket) -> Iterator[Told]:
    """Tell of a run's steps, and, before each request, of what it may have spent with it."""
    said = ""
    while True:
        if select.select([line], [], [], LOOK)[0]:
            nano = b""
            with suppress(OSError):  # of a process that was killed
                nano = line.recv(64)  # it waits for our word between two
            if not nano:
                yield Told(status=child.wait())
                return
            yield Told(nano=int(nano))
            yield Told()  # taken once the one before has been noted
            with suppress(OSError):
                line.sendall(b".")
        if (now := _step(folder)) != said:
            said = now
            yield Told(said)


def _ended(child: "subprocess.Popen[bytes]") -> None:
    """End the run in order, where it still runs; then hard."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdin:
        child.stdin.close()


def _step(folder: Path) -> str:
    try:
        return (folder / STEP).read_text()
    except OSError:
        return ""
