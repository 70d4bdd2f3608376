"""The validation score that a script reports itself, read from its output.

The script may mean harm: its output is cut first, and no expression takes more than linear time on what is left.
"""

import math
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache

from budgetmlagent.scoring.reported.claims import Claim, claims
from budgetmlagent.scoring.reported.labels import mentions, nameless, plain
from budgetmlagent.scoring.reported.measure import Measure, chosen
from budgetmlagent.scoring.reported.tidy import LONGEST, PART, tidy, uncounted
from budgetmlagent.scoring.reported.vocabulary import FILLER, SIDE

LARGEST = 1 << 20  # characters of an output that are read, its last ones
LINES = 20_000  # of these
TELLING = 500  # lines that speak of rows held out are looked into, the last ones
TELLS = re.compile(r"\d|\bnan\b|\binf", re.IGNORECASE)
# Parts of all words of SIDE: most lines have none, and are soon read.
MAY_SAY = re.compile("val|cv|hold|held|dev|oof|fold|train|fit|test|learn|sample", re.IGNORECASE)
MEAN = re.compile(r"\b(?:mean|average|avg|overall)\b", re.IGNORECASE)
CELLS = re.compile(r"[|│┃\t]+|\s{2,}")
# Numbers and gaps are possessive: an expression that gives nothing back cannot try all ways to share out a line.
NUMBER = r"(\d++(?:\.\d*+)?+(?:e[-+]?\d++)?+|\.\d++)"
TIME = r"\b(?:seconds?|secs?|time)\b"
SECONDS_AFTER = re.compile(rf"{TIME}(?:(?!{TIME})[^\d.\n])*+{NUMBER}", re.IGNORECASE)
SECONDS_BEFORE = re.compile(rf"(?<!\d){NUMBER}\s*+(?:s|secs?|seconds?)\b", re.IGNORECASE)


def reported_score(output: str, measure: Measure | None = None) -> float | None:
    """Return the last validation score in `output` that is of the task's measure, None where there is none.

    Training and test scores do not count. A mean over folds counts more than single folds do.
    """
    measure = measure or Measure()
    claim = chosen(said(output), measure)
    value = measure.score(claim) if claim else None
    return None if value is None or not math.isfinite(value) else value


def reported_seconds(output: str) -> float | None:
    """Return the last time that `output` tells, "seconds per step 0.03" or "0.03 s"; None where there is none.

    For tasks whose scripts are timed and write no submission.
    """
    for line in (line[-LONGEST:] for line in reversed(output[-LARGEST:].splitlines())):
        found = SECONDS_AFTER.search(line) or SECONDS_BEFORE.search(line)
        if found and math.isfinite(seconds := float(found[1])):
            return seconds
    return None


def said(output: str) -> Iterator[Claim]:
    """Yield what an output claims of rows held out, the last first."""
    for line, held in reversed(deque(_lines(output), maxlen=TELLING)):
        yield from claims(line, held=held)


def _lines(output: str) -> Iterator[tuple[str, bool]]:
    """Yield the lines that may claim something, with whether those above say that they are of rows held out.

    A row of a table is yielded as lines, its cells with their columns' names.
    """
    above, folds = "", False  # the last line that may be a heading of these, or a table's header
    for long in output[-LARGEST:].splitlines()[-LINES:]:
        line = long[-LONGEST:]
        held = _held(line)
        if not TELLS.search(line):
            if not line.strip() or re.search(r"[A-Za-z]", line):
                above = line if held else ""
        elif held is None:
            yield from ((row, False) for row in _row(line, above))
            if (folds and MEAN.search(line)) or (above and _is_heading(above)):
                yield line, True
        else:
            above = line if held and line.rstrip().endswith(":") else ""
            folds = folds or bool(PART.search(line))
            yield line, False


def _held(line: str) -> bool | None:
    """Tell of which rows a line speaks: True of some held out too, False of others alone, None where it does not say."""
    found = list(SIDE.finditer(plain(tidy(line)))) if MAY_SAY.search(line) else []
    return any(not match["seen"] for match in found) if found else None


@lru_cache(maxsize=1)  # asked anew for each line below it
def _is_heading(line: str) -> bool:
    """Whether a line has nothing but words that say of what the next ones are: "Validation results:"."""
    words = plain(uncounted(tidy(line)))
    words = SIDE.sub(" ", nameless(words))
    return not re.search(r"\d", words) and set(re.findall(r"[^\W\d_]+", words)) <= FILLER


def _cells(line: str) -> list[str]:
    """Return the cells of a table's row: between bars or wide gaps, or else between blanks."""
    wide = [cell.strip() for cell in CELLS.split(line.strip(" |│┃\t"))]
    return wide if len(wide) > 1 else line.split()


def _row(line: str, above: str) -> list[str]:
    """Return a row's cells as lines with the names of their columns, none where it is no row of what is `above`."""
    cells, header = (_cells(line), _cells(above)) if above else ([], [])
    cells = cells[1:] if len(cells) == len(header) + 1 else cells  # the first may count the rows
    if len(cells) < 2 or len(cells) != len(header) or any(mentions(plain(line))):
        return []
    return [f"{name}: {cell}" for name, cell in zip(header, cells, strict=True)]
