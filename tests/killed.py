"""Goes on with a run in a process of its own, which kills itself where it is told to: at the n-th passing of a seam.

Nothing of the application is changed for that: a profile function watches which functions it enters and leaves.
"""

import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal

from forked import SERVER
from langgraph.checkpoint.sqlite import SqliteSaver

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.sandbox.process import detached
from memory.history import RunHistory


@dataclass(frozen=True)
class Seam:
    """Where a function is entered or left; `name`, if given, must be the value of its argument of that name.

    `method`, if given, must be what it does in a transaction: it is the same function around several of the ledger's.
    """

    event: Literal["call", "return"]
    code: CodeType
    name: str = ""
    method: Any = None

    def passed(self, event: str, frame: FrameType) -> bool:
        """Whether this event of its function is a passing."""
        return (
            event == self.event
            and self.name in ("", frame.f_locals.get("name"))
            and self.method in (None, frame.f_locals.get("method"))
        )


SEAMS = {
    "reserved": Seam("return", Ledger._entered.__code__, method=Ledger._entered.__wrapped__),
    "reply stored": Seam("call", Ledger.settle.__code__, method=Ledger.settle.__wrapped__),
    "settled": Seam("return", Ledger.settle.__code__, method=Ledger.settle.__wrapped__),
    "executed": Seam("return", detached.execute.__code__),
    "remembered": Seam("return", RunHistory.remember.__code__),
    "writes": Seam("return", SqliteSaver.put_writes.__code__),
    "checkpoint": Seam("return", SqliteSaver.put.__code__),
    "ended": Seam("call", Session._finish.__code__),
    "final scores": Seam("return", RunDir.write.__code__, name="final.json"),
}


def start(folder: Path, seam: str = "", passing: int = 1) -> Any:
    """Return the process that goes on with the run in `folder`, and dies at that passing of `seam`, if one is given."""
    process = SERVER.Process(target=_resume, args=(folder, seam, passing))
    process.start()
    return process


def _resume(folder: Path, seam: str, passing: int) -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    if seam:
        _die_at(SEAMS[seam], passing)
    sys.exit(call(["resume", str(folder)]))


def _die_at(seam: Seam, passing: int) -> None:
    left = [None] * passing  # popping is atomic: LangGraph writes from several threads

    def watch(frame: FrameType, event: str, _: object) -> None:
        # Asked for every call that the process makes: most are told apart by this alone.
        if frame.f_code is seam.code and seam.passed(event, frame):
            left.pop()
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(watch)
    sys.setprofile(watch)
