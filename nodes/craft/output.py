"""What the newest execution shows a capable model: the end of its output, where it failed, and its share of the time.

Where the data may be shown, that is the output as it is; elsewhere the words of it that `told` lets through.
"""

import re
from collections.abc import Sequence

from memory.attempts import TAIL
from nodes.craft.fingerprint import frames, without_paths
from nodes.craft.told import MARK, told
from nodes.craft.told import OUTPUT as LINE
from nodes.deps import Execution

LITTLE = 0.05  # of the time limit: less is not told apart
SLOWED = 0.75  # of its time is what a script would have taken alone, where it is told that others slowed it
OUTPUT, ERROR = 800, 400  # characters of an output that is shown as it is, and of an error
LONG = 2_000  # of an output, for who changes its script
BEGUN = 0.3  # the share of it that its first lines have
CUT = "(cut here) ..."
# Of a traceback in an output whose script ended well, like one of a pool of processes that is shut down: all but its last line.
FRAMES = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*", re.MULTILINE)
PLACES, CODE = 4, 120  # lines of the script in a traceback, the innermost last, and characters of each


def ran(
    execution: Execution, script: str, known: Sequence[str], *, rows: bool, limit: float, most: int = OUTPUT
) -> str:
    """Tell of an execution of `script` in at most so many seconds; `rows` says whether the data's may be shown, in `most` characters.

    `known` are texts that the model knows, as for `told`.
    """
    printed, _, error = (
        execution.tail.partition("Traceback (most recent call last)")
        if execution.exit
        else (FRAMES.sub("", execution.tail), "", "")
    )
    output = (
        both_ends(printed, most, whole=len(execution.tail) < TAIL)
        if rows
        else told(_line(printed), *known, script=script, measured=True)
    )
    lines = [f"It took {pace(execution, limit)}."]
    left_out = ' (where there is "...", something was left out that may come of the data; numbers stay behind the name of a measure)'
    note = left_out if MARK in output and not rows else ""
    lines += [f"Of what it printed{note}: {output}"] if output else []
    places = _places(execution.tail, script) if execution.exit else []
    lines += [f"It failed at {place}" if place == places[-1] else f"by way of {place}" for place in places]
    lines += [f"The end of its error: {ending(error, ERROR)}"] if rows and error.strip() else []
    return "\n".join(lines)


def pace(execution: Execution, limit: float) -> str:
    """Return in words which share of its time an execution took: coarse, as it differs from run to run.

    Where others used the machine so much that it would have been far quicker alone, what it would have taken then is said, too:
    what it printed of its time goes with the former.
    """
    share = execution.seconds / limit if limit else 0.0
    stopped = execution.killed == "time"
    took = (
        "all of its time limit"
        if stopped
        else f"{tenths(share)} of its time limit{_in_seconds(share, limit)}"
    )
    if share < LITTLE or not is_slowed(execution.alone, execution.seconds):
        return took
    alone = execution.alone / limit
    would = f"{tenths(alone)}{_in_seconds(alone, limit)}"
    if execution.killed:
        return f"{took}, as others used the machine: what it did takes {would} alone"
    return f"{took}, as others used the machine: alone {would}" if tenths(alone) != tenths(share) else took


def is_slowed(alone: float, seconds: float) -> bool:
    """Tell whether a script that took so many seconds would have been far quicker alone; 0 where that is not known."""
    return 0 < alone <= SLOWED * seconds


def _in_seconds(share: float, limit: float) -> str:
    """Return a share of a limit of so many seconds in those, as coarsely; "" of little."""
    return f" ({_tenth(share) * limit / 10:.0f} s)" if share >= LITTLE else ""


def tenths(share: float) -> str:
    """Return a share of a limit in words, coarsely."""
    return "less than 5%" if share < LITTLE else f"about {_tenth(share) * 10}%"


def _tenth(share: float) -> int:
    return max(1, round(10 * share))


def ending(text: str, most: int) -> str:
    """Return the last lines of a text, or the last characters of a long line; what is missing is said."""
    text = without_paths(text.strip())
    if len(text) <= most:
        return text
    end = text[len(text) - max(0, most - len(CUT)) :]
    return f"{CUT}{end.partition(chr(10))[2] or end}"


def both_ends(text: str, most: int = OUTPUT, *, whole: bool = True) -> str:
    """Return a `whole` text, or its first lines and, more of it, the last ones; of what is but the end of one its last lines.

    A script says first what it has read.
    """
    text = without_paths(text.strip())
    if len(text) <= most or not whole:
        return ending(text, most)
    begun = text[: round(BEGUN * most)]
    begun = begun.rpartition("\n")[0] or begun
    return f"{begun}\n{ending(text, most - len(begun) - 1)}"


def _line(text: str) -> str:
    """Return the last lines of a text as one line that `told` does not cut."""
    lines: list[str] = []
    for line in reversed([" ".join(line.split()) for line in text.splitlines()]):
        if sum(map(len, lines)) + 2 * len(lines) + len(line) > LINE:
            break
        lines += [line] if line else []
    return "; ".join(reversed(lines))


def _places(tail: str, script: str) -> list[str]:
    """Return the script's own lines in the traceback that ends `tail`; what a script has made up is no line of it."""
    lines, defined = [line.strip() for line in script.splitlines()], set(re.findall(r"\bdef (\w+)", script))
    found = [
        f"line {number}{f', in {function}' if function in defined else ''}: {code[:CODE]}"
        for number, function, code in frames(tail)
        if 0 < number <= len(lines) and code and lines[number - 1] == code
    ]
    return found[-PLACES:]
