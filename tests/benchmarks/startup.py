"""What it costs to start a script in the sandbox, against a bare subprocess of the same interpreter, in turn.

    python tests/benchmarks/startup.py [--rounds 20]

The script is the same and does nothing. Printed is the median of each way in milliseconds, and its ratio to the bare one.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from budgetmlagent.sandbox.detached import execute
from budgetmlagent.sandbox.interpreter import interpreter
from budgetmlagent.sandbox.launch import Job, Rung, launch
from budgetmlagent.sandbox.probe import UNSAFE, probe
from budgetmlagent.sandbox.watchdog import Limits

TRIVIAL = ["-I", "-c", "print(1)"]


def bare(folder: Path) -> bytes:
    """Run the script as anyone would."""
    return subprocess.run([sys.executable, *TRIVIAL], cwd=folder, capture_output=True, check=True).stdout


def launched(rung: Rung) -> Callable[[Path], bytes]:
    """Return a way to run the script on a rung."""
    job = interpreter(None)
    return lambda folder: launch(rung, Job(job, TRIVIAL, folder, Limits(seconds=60))).output


def executed(rung: Rung) -> Callable[[Path], bytes]:
    """Return the way that a run takes: on a rung, by a runner of its own, which starts an interpreter, too."""
    python = interpreter(None)
    return lambda folder: (
        execute(
            folder / "e", rung, lambda place: Job(python, TRIVIAL, place, Limits(seconds=60))
        ).outcome.output
    )


def imported(folder: Path) -> bytes:
    """Start the interpreter of a runner, with what it imports, and nothing else."""
    code = "import budgetmlagent.sandbox.runner; print(1)"
    return subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=folder, capture_output=True, check=True
    ).stdout


def milliseconds(way: Callable[[Path], bytes]) -> float:
    """Return how long one run takes, in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        assert way(Path(name)) == b"1\n"
        return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure the ways in turn, so that a busy machine is as busy for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    rung = probe()
    ways = {
        "bare subprocess": bare,
        "launch, unsafe": launched(UNSAFE),
        f"launch, {rung.name}": launched(rung),
        "a runner's interpreter": imported,
        "execution by a runner": executed(rung),
    }
    for way in ways.values():  # what is looked up once, and the disk's cache
        milliseconds(way)
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            took[name].append(milliseconds(way))
    base = median(took["bare subprocess"])
    for name, values in took.items():
        print(f"{name:22s} {median(values):7.1f} ms   {median(values) / base:5.2f}")


if __name__ == "__main__":
    main()
