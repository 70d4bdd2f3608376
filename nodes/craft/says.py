"""What an attempt's execution says for it: its own validation score, what it left out for lack of time, and how slowed it was.

An idea that was not carried out for lack of time has not failed.
"""

import re
from collections.abc import Sequence
from math import isclose
from typing import NamedTuple

from memory.attempts import Attempt, Execution, Reader
from nodes.craft.told import MARK, measured, told

VALIDATION = re.compile(r"(?i)\b(?:valid\w*|val|cv|oof|held[- ]?out|hold[- ]?out|cross[- ]?val\w*)\b")
SKIPPED = re.compile(
    r"(?i)\bskip(?:s|ped|ping)?\b.*\btime\b|\b(?:out|short|lack) of time\b|\btime (?:is|was) (?:up|over)\b"
)
# What a reader knows anyway: the words that the coder is asked to say it in.
FORM = re.compile(r"(?i)^\W*skipped\W+|\W*\bfor (?:lack|want) of time\W*$")
NUMBER = re.compile(r"-?[0-9]+\.?[0-9]*(?:[eE]-?[0-9]+)?")
LOOKED = 200_000  # characters of the end of an output
WIDEST = 300  # of a line that is read; longer ones say something else
LINES, LONGEST = 3, 160  # lines that are told of what was left out, the last ones; characters of all of them


class Says(NamedTuple):
    """What is said, in words and numbers that a model may hear; "" for nothing."""

    validation: str = ""
    skipped: str = ""
    alone: float = 0.0  # seconds that it would have taken with the machine for itself; 0.0: unknown


NOTHING = Says()


def says(attempt: Attempt, artifacts: Reader, known: Sequence[str] = ()) -> Says:
    """Return what the execution of an attempt says; `known` are texts that the model knows, as for `told`."""
    if not attempt.execution:
        return NOTHING
    execution = Execution.of(artifacts.json(attempt.execution))
    output = artifacts.text(execution.output) if execution.output else execution.tail
    script = artifacts.text(attempt.script)
    # A score that is reported is that very number.
    own = "" if attempt.reported else validation(output, script)
    return Says(own, skipped(output, script, known), execution.alone)


def validation(output: str, script: str) -> str:
    """Return the validation score that a script printed last, of those numbers that a model may be told."""
    lines = (line for line in reversed(_lines(output)) if VALIDATION.search(line))
    return next((numbers[0] for line in lines if (numbers := measured(line, script))), "")


def scored_line(attempt: Attempt, artifacts: Reader, known: Sequence[str]) -> str:
    """Return the line in which an attempt printed its score, in words that a model may hear; "" where it was not its own word."""
    if not attempt.reported or attempt.score is None or not attempt.execution:
        return ""
    execution, script = Execution.of(artifacts.json(attempt.execution)), artifacts.text(attempt.script)
    output = artifacts.text(execution.output) if execution.output else execution.tail
    at = [
        line for line in _lines(output) if any(isclose(float(n), attempt.score) for n in NUMBER.findall(line))
    ]
    return told(at[-1].strip(), *known, script=script, measured=True) if at else ""


def skipped(output: str, script: str, known: Sequence[str]) -> str:
    """Return what a script says that it left out for lack of time."""
    said = list(dict.fromkeys(line.strip() for line in _lines(output) if SKIPPED.search(line)))[-LINES:]
    what = (FORM.sub("", FORM.sub("", told(line, *known, script=script))) or MARK for line in said)
    return "; ".join(what)[:LONGEST]


def _lines(output: str) -> list[str]:
    return [line for line in output[-LOOKED:].splitlines() if len(line) <= WIDEST]
