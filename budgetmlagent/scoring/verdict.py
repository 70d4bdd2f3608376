"""What a sealed scorer printed: numbers, and why there are none."""

import json
import math
import re
from dataclasses import dataclass

from budgetmlagent.sandbox.process.watchdog import Outcome
from budgetmlagent.tasks.folder import TaskFolder
from nodes.craft.fingerprint import LIMIT

MOST_SAMPLES = 100
MOST_BYTES = 4096  # of a line of numbers
NUMBER = re.compile(rb"-?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|nan|inf)")
FRAME = re.compile(r'File "[^"]*/eval\.py", line (\d+)')
RAISED = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)", re.MULTILINE)


@dataclass(frozen=True)
class Raised:
    """An exception of the metric script."""

    line: str  # of eval.py, "" where it did not get there
    error: str  # "ValueError: ..."


def place(task: TaskFolder, raised: Raised) -> str:
    """Return where eval.py raised: its path, with the line where that is known."""
    file = task.scoring / "eval.py"
    return f"{file}:{raised.line}" if raised.line else str(file)


def printed(output: bytes) -> tuple[dict[str, str] | None, float | None, tuple[float | None, ...]]:
    """Return the inspection's report, the score and its samples, as far as they were printed."""
    report, score, samples, *_ = [*output.split(b"\n"), b"", b"", b""]
    told = dict(json.loads(report)) if report else None  # printed before anyone else's code ran
    value, resampled = _numbers(score), _numbers(samples)
    finite = all(sample is None or math.isfinite(sample) for sample in resampled)
    return told, value[0] if len(value) == 1 else None, resampled if finite else ()


def _numbers(line: bytes) -> tuple[float | None, ...]:
    """Read a line of numbers and dashes; nothing where it holds anything else or too much."""
    words = line.split()
    odd = len(line) > MOST_BYTES or len(words) > MOST_SAMPLES
    if odd or not all(word == b"-" or NUMBER.fullmatch(word) for word in words):
        return ()
    return tuple(None if word == b"-" else float(word) for word in words)


def fault(outcome: Outcome, errors: str, function: str, value: float | None = None) -> Raised:
    """Say why a function of the metric script gave no usable value, from what it wrote to standard error."""
    if value is not None:
        return Raised("", f"{function} returned {value}")
    if outcome.killed:
        return Raised("", f"{function} went over its limit of {outcome.killed}")
    *_, last = [None, *RAISED.finditer(errors)]
    if outcome.exit != 1 or last is None:
        return Raised("", f"{function} ended without a value")
    frames = FRAME.findall(last[0])
    return Raised(frames[-1] if frames else "", last[1].strip()[:LIMIT])
