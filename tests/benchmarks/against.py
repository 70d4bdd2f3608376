"""The start of an execution and `budgetml show`, this checkout against another one, in turns.

    git worktree add /tmp/before COMMIT
    python tests/benchmarks/against.py /tmp/before [--rounds 8]

Prints medians of milliseconds by the clock, and the ratios of medians and of least times. The run that is shown is made by
the other checkout, with memory alone.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[2]
COMMAND = "from budgetmlagent.cli import main; main()"
EXECUTIONS = """
import tempfile, time
from pathlib import Path
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.detached import execute
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.standby import Standby
from budgetmlagent.sandbox.process.watchdog import Limits

cage, standby, python = probe(), Standby(), interpreter(None)
for turn in range(6):
    standby.prepare()
    time.sleep(0.6)  # as in a run, in which the runner has long been started
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "e"
        job = Job(python, ["-I", "-c", "print(1)"], place / "0/workspace", Limits(seconds=60))
        began = time.perf_counter()
        execute(place, cage, lambda _: job, standby)
        if turn:  # the first one looks for what is to be hidden
            print(time.perf_counter() - began)
"""


def main() -> None:
    """Measure in turns, and print the ratios."""
    given = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    given.add_argument("other", type=Path, help="the other checkout")
    given.add_argument("--rounds", type=int, default=8)
    asked = given.parse_args()
    trees = {"other": asked.other.resolve(), "this": HERE}
    executions: dict[str, list[float]] = {which: [] for which in trees}
    shown: dict[str, list[float]] = {which: [] for which in trees}
    with tempfile.TemporaryDirectory() as name:
        runs = Path(name, "other")
        run(
            trees["other"],
            "run",
            "digits",
            "--graph=recall",
            "--turns=2",
            "--history=run",
            f"--runs-dir={runs}",
        )
        shutil.copytree(runs, Path(name, "this"))
        one = next(path.name for path in runs.glob("digits*"))
        for _ in range(asked.rounds):
            for which, tree in trees.items():
                executions[which] += map(float, python(tree, EXECUTIONS).split())
            for which, tree in (pair for _ in range(4) for pair in trees.items()):
                began = time.perf_counter()
                run(tree, "show", one, f"--runs-dir={Path(name, which)}")
                shown[which].append(time.perf_counter() - began)
    for what, seconds in (("start of an execution", executions), ("budgetml show", shown)):
        print(line(what, seconds["other"], seconds["this"]))


def line(what: str, other: list[float], this: list[float]) -> str:
    """Tell one measure in a line."""
    medians = statistics.median(other), statistics.median(this)
    told = " ms, ".join(f"{1000 * value:.0f}" for value in medians)
    return (
        f"{what}: {told} ms; ratio of medians {medians[1] / medians[0]:.2f}, "
        f"of least times {min(this) / min(other):.2f}; {len(this)} each"
    )


def run(tree: Path, *args: str) -> str:
    """Run `budgetml` of a checkout."""
    return python(tree, COMMAND, *args)


def python(tree: Path, code: str, *args: str) -> str:
    """Run code with a checkout's packages, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *args],
        env=os.environ | {"PYTHONPATH": str(tree)},
        cwd=tree,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
