"""The validation score that a script reports itself, read from its output.

The script may mean harm: its output is cut first, and no expression takes more than linear time on what is left.
"""

import re
from collections.abc import Iterator

LARGEST = 1 << 20  # characters of an output that are read, its last ones
LONGEST = 1000  # of a line, its last ones too: what is said there has the last word
MOST = 8  # words in a line that may introduce a score
NEAR = 40  # characters before a number, among which is what introduces it
# A word for the held-out part of the training data. "value", "device" and "develop" are none.
HELD_OUT = re.compile(
    r"(?<![a-z])(?:val(?:id(?:ation|ated?|ating)?)?|cross[-_ ]?val(?:idation|idated)?|cv|hold-?out|held-?out|dev|oof)"
    r"(?:[-_]?set)?(?![a-z])",
    re.IGNORECASE,
)
SEEN = re.compile(r"(?<![a-z])(?:train|training|fit|test|time|seconds?|elapsed)(?![a-z])", re.IGNORECASE)
# Scores have a decimal point or an exponent; counts of folds, rows and epochs have none.
DECIMAL = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+)(?:e[-+]?\d+)?(?!\w|\.\d)|(?<![\w.])[-+]?\d+e[-+]?\d+", re.IGNORECASE
)
# Numbers and gaps are possessive: an expression that gives nothing back cannot try all ways to share out a line.
NUMBER = r"(\d++(?:\.\d*+)?+(?:e[-+]?\d++)?+|\.\d++)"
TIME = r"\b(?:seconds?|secs?|time)\b"
SECONDS_AFTER = re.compile(rf"{TIME}(?:(?!{TIME})[^\d.\n])*+{NUMBER}", re.IGNORECASE)
SECONDS_BEFORE = re.compile(rf"(?<!\d){NUMBER}\s*+(?:s|secs?|seconds?)\b", re.IGNORECASE)
SAID = re.compile(r"(?:[:=]|\bis\b)\s*$")
CALLED = re.compile(r"\w\(")


def reported_score(output: str) -> float | None:
    """Return the last validation score in `output`, None where there is none. Training scores do not count."""
    for line in _lines(output):
        for word in list(HELD_OUT.finditer(line))[: -MOST - 1 : -1]:
            # A setting inside a call is no score: `LGBMClassifier(validation_fraction=0.1`.
            if CALLED.search(line, line.rfind(")", 0, word.start()) + 1, word.start()):
                continue
            value = _first(line[word.end() :])
            if value is not None:
                return value
    return None


def reported_seconds(output: str) -> float | None:
    """Return the last time that `output` tells, "seconds per step 0.03" or "0.03 s"; None where there is none.

    For tasks whose scripts are timed and write no submission.
    """
    for line in _lines(output):
        found = SECONDS_AFTER.search(line) or SECONDS_BEFORE.search(line)
        if found:
            return float(found[1])
    return None


def _lines(output: str) -> Iterator[str]:
    """Yield the lines of an output, the last one first, as far as they are read."""
    return (line[-LONGEST:] for line in reversed(output[-LARGEST:].splitlines()))


def _first(text: str) -> float | None:
    """Return the score in what follows the word: the number after a colon, or else the first."""
    seen = SEEN.search(text)
    text = text[: seen.start()] if seen else text
    numbers = list(DECIMAL.finditer(text))
    said = [number for number in numbers if SAID.search(text, max(0, number.start() - NEAR), number.start())]
    return float((said or numbers)[0].group()) if numbers else None
