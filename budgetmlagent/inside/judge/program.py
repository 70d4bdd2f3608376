"""Inspects a submission, calls the task's `get_score(folder)`, and again on resampled rows to learn the score's noise.

Nothing that was submitted is imported or unpickled. Prints three lines: the inspection's JSON object, written before any
code of the task runs; the score; the scores of the resamples, with "-" where there is none. What get_score raises is not
caught: its traceback on standard error is for the caller to read.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType

from .inspection import inspect
from .resampling import PATIENCE, SECONDS, Resampling

LIMIT = 300  # characters of a sentence


def main() -> None:
    """Inspect, then score."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scoring", type=Path, help="folder with eval.py; without it nothing is scored")
    parser.add_argument("--csv", help="name of the submitted table")
    parser.add_argument("--answers", type=Path, help="the part of the answers to score on")
    parser.add_argument("--ids", type=Path, help="JSON list of the ids of all rows")
    parser.add_argument("--witness", type=Path, help="folder with the starter's submission")
    parser.add_argument(
        "--fractions", action="store_true", help="the metric takes them in the place of labels"
    )
    parser.add_argument("--lenient", action="store_true", help="score whatever the inspection says")
    parser.add_argument(
        "--patient", action="store_true", help="wait longer for the resamples that are needed"
    )
    args = parser.parse_args()
    report = inspect(args)
    # What get_score prints must not be taken for its result.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({key: text[:LIMIT] for key, text in report.items()}), file=results, flush=True)
    if args.scoring and (args.lenient or not report["problem"]):
        sys.path.insert(0, str(args.scoring))
        metric = load(args.scoring)
        began = time.monotonic()
        value = score(metric, args.folder)
        seconds = time.monotonic() - began
        print(value, file=results, flush=True)
        if args.csv and args.answers and not report["problem"] and seconds < SECONDS:
            patience = PATIENCE if args.patient else SECONDS
            resampling = Resampling(
                args, lambda scoring: score(load(scoring), args.folder), patience=patience
            )
            samples = resampling.scores(value)
            print(*("-" if sample is None else sample for sample in samples), file=results, flush=True)


def load(scoring: Path) -> ModuleType:
    """Import the metric script."""
    spec = importlib.util.spec_from_file_location("eval", scoring / "eval.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(metric: ModuleType, folder: Path) -> float:
    """Call the metric. Raises TypeError where it returns no number."""
    value = metric.get_score(str(folder))
    # A text of digits would pass through float().
    if not hasattr(value, "__float__"):
        raise TypeError(f"get_score returned {type(value).__name__}, one finite number is needed")
    return float(value)
