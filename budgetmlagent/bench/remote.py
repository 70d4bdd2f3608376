"""What runs on a machine of a cluster: a look at what it has, and the process that makes a run.

Ray calls these by their names, so that a machine needs this package, in the same version, and nothing of the bench's.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from budgetmlagent.bench.parcel import packed, unpack
from budgetmlagent.bench.worker import LOG, REQUEST, ROW, STEP

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
    parcel: Any = (
        None  # what a machine that sees nothing needs, as a reference to an archive; None: it sees all
    )
    request: dict[str, Any] | None = None  # what is asked for, with the parcel's paths


@dataclass(frozen=True)
class Told:
    """How far a run is, or how its process ended; a run from a parcel then comes back."""

    step: str = ""
    status: int | None = None
    back: bytes = b""


def look(token: str, secret: str) -> Seen:
    """Return what this machine is, and whether it sees the file `token` with this content."""
    from budgetmlagent import __version__

    path = Path(token)
    return Seen(socket.gethostname(), __version__, path.is_file() and path.read_text() == secret)


def work(job: Job) -> Iterator[Told]:
    """Make a run, telling how far it is; at its end its status and, where it came as a parcel, what it left behind.

    Where Ray cancels this, the run is ended in order.
    """
    if job.parcel is None:
        yield from _worked(Path(job.folder), job.environment)
        return
    import ray

    place = Path(tempfile.mkdtemp(prefix="budgetml-"))
    try:
        unpack(ray.get(job.parcel), place)
        cell = place / "cell"
        cell.mkdir()
        (cell / REQUEST).write_text(json.dumps(_here(job.request or {}, place)))
        for told in _worked(cell, job.environment):
            back = packed(_left(place), {WORK}) if told.status is not None else b""
            yield Told(told.step, told.status, back)
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


def _left(place: Path) -> dict[str, Path]:
    found = {"runs": place / "runs", ROW: place / "cell" / ROW, LOG: place / "cell" / LOG}
    return {name: path for name, path in found.items() if path.exists()}


def _worked(folder: Path, environment: dict[str, str]) -> Iterator[Told]:
    with (folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "budgetmlagent.bench.worker", str(folder)],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=os.environ | environment,
        )  # fmt: skip
    said = ""
    try:
        while True:
            try:
                yield Told(said, child.wait(LOOK))
                return
            except subprocess.TimeoutExpired:
                if (now := _step(folder)) != said:
                    said = now
                    yield Told(said)
    finally:
        _ended(child)


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
