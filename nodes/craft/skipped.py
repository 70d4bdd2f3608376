"""What a script left out for lack of time, by its own words: an idea that was not carried out has not failed."""

import re
from collections.abc import Sequence

from nodes.craft.told import MARK, told

SAID = re.compile(
    r"(?i)\bskip(?:s|ped|ping)?\b.*\btime\b|\b(?:out|short|lack) of time\b|\btime (?:is|was) (?:up|over)\b"
)
# What a reader knows anyway: the words that the coder is asked to say it in.
FORM = re.compile(r"(?i)^\W*skipped\W+|\W*\bfor (?:lack|want) of time\W*$")
LOOKED = 200_000  # characters of the end of an output
WIDEST = 300  # of a line that says so; longer ones say something else
LINES, LONGEST = 3, 160  # lines that are told, the last ones, and characters of all of them


def skipped(output: str, script: str, known: Sequence[str]) -> str:
    """Return what a script says that it left out for lack of time, in words that a model may hear; "" where it says nothing.

    `known` are texts that the model knows, as for `told`.
    """
    lines = (line.strip() for line in output[-LOOKED:].splitlines() if len(line) <= WIDEST)
    said = list(dict.fromkeys(line for line in lines if SAID.search(line)))[-LINES:]
    what = (FORM.sub("", FORM.sub("", told(line, *known, script=script))) or MARK for line in said)
    return "; ".join(what)[:LONGEST]
