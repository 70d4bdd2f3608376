"""Expressions that read what scripts and endpoints say take time in proportion to its length, whatever it is crafted of."""

import time
from collections.abc import Callable

import pytest

from budgetmlagent.models.endpoint import Endpoint
from budgetmlagent.models.faults.words import said
from budgetmlagent.models.refusals import narrowed
from budgetmlagent.scoring.reported.output import LARGEST, LONGEST, reported_score, reported_seconds
from budgetmlagent.scoring.scorer import REFUSED
from budgetmlagent.scoring.verdict import FRAME, RAISED
from nodes.craft.fingerprint import error_line, fingerprint
from nodes.craft.replies import json_object, thoughts
from nodes.craft.told import told

UNITS = (
    "a", "1", "1.", ".", "1e", "-1", " ", "\t", "\n", "=", ":", "= ", "is ", "a(", "a(b)", "val(", "val 1", "val ", "-val ",
    "cv=1 ", "val 0.5 train", "val LGBM(a=0.1 ", "seconds ", "seconds . ", "time 1", "1 s", "1s ", "1.5e", "'", '"', "'a' ",
    "/", "a/", "file:/", "{", "}", "[", "<", "<title>", "<script", "\x1b[1;", ": refused", "x: refused\n",
    'File "', 'File "/eval.py"', "Traceback (most recent call last):\n", " x\n", "a.", "Error", "a.Error: ", "<think>",
    "</think>", "max_tokens ", "max_tokens_", "9" * 50 + " ", "thinking.a", "。", ". ", "context ",
)  # fmt: skip
LINES = (
    "val a 1\n", "val  rmse\n1  2\n", "from 0.1 to 0.2 ", "1,111,", "-> ", "fold 1 ", "f1 - ", "val (rmse ", "val acc, ", "[1",
)  # fmt: skip
FAILED = 'Traceback (most recent call last):\n  File "train.py", line 1\nValueError: '


def refusal(text: str) -> object:
    return narrowed(Endpoint(), {"max_tokens", "reasoning"}, set(), 4000, "", text)


READERS: dict[str, Callable[[str], object]] = {
    "score": reported_score,
    "seconds": reported_seconds,
    "refused": REFUSED.findall,
    "raised": lambda text: RAISED.findall(f"Traceback (most recent call last):\n{text}"),
    "frame": FRAME.findall,
    "error": lambda text: error_line((FAILED + text)[-4000:]),  # what is kept of an output for it
    "told": lambda text: told(text, text),
    "fingerprint": lambda text: fingerprint((FAILED + text)[-4000:]),
    "thoughts": thoughts,
    "json": json_object,
    "words": lambda text: said(text, 400),
    "page": lambda text: said(f"<html>{text}", 400),
    "refusal": refusal,
}


def seconds(read: Callable[[str], object], text: str) -> float:
    """The best of several times of the processor, which other work here does not lengthen; each has to end."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        read(text)
        best = min(best, time.process_time() - began)
        if best > 0.5:
            break
    return best


@pytest.mark.parametrize("name", READERS)
def test_twice_the_length_takes_twice_the_time(name: str) -> None:
    read, length = READERS[name], 20_000
    for unit in UNITS + (LINES if name == "score" else ()):
        for end in ("", "!", ")"):
            once, twice = (unit * (n // len(unit)) + end for n in (length, 2 * length))
            long = seconds(read, twice)
            # What is done in no time tells nothing, but for what is bounded as a whole.
            assert long < 0.15 or long < 3 * seconds(read, once), (unit, end, long)


def test_a_quadratic_expression_would_be_seen() -> None:
    """The positive control."""
    import re

    crafted = re.compile(r"\w\([^)]*$")
    once, twice = (seconds(crafted.search, "a(" * (n // 2) + ")") for n in (10_000, 20_000))
    assert twice > 0.15 and twice > 2.5 * once


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ("val acc = 0.5", 0.5),
        ("val 0.1\n" + "x" * 5000 + " validation accuracy: 0.7", 0.7),
        ("cv 0.9 of LGBMClassifier(validation_fraction 0.1", 0.9),
        ("LGBM(a=1) val score 3 of 5: 0.25", 0.25),
        ("val 0.3\n" + "noise\n" * 1000, 0.3),
        ("val 0.3\n" + "x" * (LARGEST + LONGEST), None),
    ],
)
def test_what_is_said_is_read_as_before(output: str, score: float | None) -> None:
    assert reported_score(output) == score


@pytest.mark.parametrize(
    ("output", "time_told"),
    [("took 12.5 s", 12.5), ("seconds per step 0.03", 0.03), ("time . time 2e-3", 0.002), ("v1.2.3 s", 2.3), ("5", None),
     ("1.5sec", 1.5), ("run time (seconds): .25", 0.25), ("time: none", None)],
)  # fmt: skip
def test_a_time_is_read_as_before(output: str, time_told: float | None) -> None:
    assert reported_seconds(output) == time_told
