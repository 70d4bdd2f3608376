"""The validation score that a script reports itself, read from its output."""

import re

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
NUMBER = r"(\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)"
SECONDS_AFTER = re.compile(r"\b(?:seconds?|secs?|time)\b[^\d.\n]*" + NUMBER, re.IGNORECASE)
SECONDS_BEFORE = re.compile(NUMBER + r"\s*(?:s|secs?|seconds?)\b", re.IGNORECASE)
SAID = re.compile(r"(?:[:=]|\bis\b)\s*$")
SETTING = re.compile(r"\w\([^)]*$")  # inside a call: `LGBMClassifier(validation_fraction=0.1`


def reported_score(output: str) -> float | None:
    """Return the last validation score in `output`, None where there is none. Training scores do not count."""
    for line in reversed(output.splitlines()):
        for word in reversed(list(HELD_OUT.finditer(line))):
            if SETTING.search(line[: word.start()]):
                continue
            value = _first(line[word.end() :])
            if value is not None:
                return value
    return None


def reported_seconds(output: str) -> float | None:
    """Return the last time that `output` tells, "seconds per step 0.03" or "0.03 s"; None where there is none.

    For tasks whose scripts are timed and write no submission.
    """
    for line in reversed(output.splitlines()):
        found = SECONDS_AFTER.search(line) or SECONDS_BEFORE.search(line)
        if found:
            return float(found[1])
    return None


def _first(text: str) -> float | None:
    """Return the score in what follows the word: the number after a colon, or else the first."""
    seen = SEEN.search(text)
    text = text[: seen.start()] if seen else text
    numbers = list(DECIMAL.finditer(text))
    said = [number for number in numbers if SAID.search(text[: number.start()])]
    return float((said or numbers)[0].group()) if numbers else None
