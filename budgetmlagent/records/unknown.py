"""Money that is held for requests whose outcome is unknown: how much it is, and how to go on with a run that it stopped."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.records import hints
from budgetmlagent.wording import counted
from memory.state import NANO

Calls = Sequence[Mapping[str, Any]]


def held(calls: Calls) -> int:
    """Return how many nano-dollars of these calls are held."""
    return sum(call["usd_nano"] for call in calls if call["state"] == "reserved")


def told(nano: int, run: Path, number: int | None = None) -> str:
    """Say how much is held of the money of the run in this folder, for a `number` of requests, and what shows them; "" for nothing."""
    if not nano:
        return ""
    whose = "requests" if number is None else counted(number, "request")
    shown = hints.command("cost", run)
    return f"${nano / NANO:.4f} is held for {whose} whose outcome is unknown, which `{shown}` shows"


def of_run(calls: Calls, run: Path) -> str:
    """Say what these calls of a run hold; "" for nothing."""
    return told(held(calls), run, sum(call["state"] == "reserved" for call in calls))


def resumed(calls: Calls, budget: int, run: Path) -> str:
    """Return the command that goes on with a run: with as much more of its `budget`, in nano-dollars, as these calls hold."""
    more = math.ceil(100 * (budget + held(calls)) / NANO) / 100
    return hints.command("resume", run, f"--budget {more:.2f}" if held(calls) else "")
