"""What it costs to start a script in the sandbox, against a bare subprocess of the same interpreter, in turn.

    python tests/benchmarks/startup.py [--rounds 20]

The script is the same and does nothing. Printed is the median of each way, how much longer that is than the bare one,
and the ratio of both. Each comes after a pause, as in a run, which starts its next runner while it asks a model.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.detached import execute
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.standby import Standby
from budgetmlagent.sandbox.process.watchdog import Limits

PAUSE = 0.4  # seconds before each: a run asks a model between two executions
TRIVIAL = ["-I", "-c", "print(1)"]


def bare(folder: Path) -> bytes:
    """Run the script as anyone would."""
    return subprocess.run([sys.executable, *TRIVIAL], cwd=folder, capture_output=True, check=True).stdout


def launched(cage: Cage) -> Callable[[Path], bytes]:
    """Return a way to run the script on a cage."""
    job = interpreter(None)
    return lambda folder: cage.launch(Job(job, TRIVIAL, folder, Limits(seconds=60))).output


def executed(cage: Cage, standby: Standby) -> Callable[[Path], bytes]:
    """Return the way that a run takes: on a cage, by a runner that has waited, or one that must be started, too."""
    python = interpreter(None)

    def way(folder: Path) -> bytes:
        job = Job(python, TRIVIAL, folder / "e/0/workspace", Limits(seconds=60))
        return execute(folder / "e", cage, lambda _: job, standby).outcome.output

    return way


def imported(folder: Path) -> bytes:
    """Start the interpreter of a runner, with what it imports, and nothing else."""
    code = "import budgetmlagent.sandbox.process.runner; print(1)"
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
    cage, standby = probe(), Standby()
    waiting = "execution, runner waits"
    ways = {
        "bare subprocess": bare,
        "launch, unsafe": launched(UNSAFE),
        f"launch, {cage.name}": launched(cage),
        waiting: executed(cage, standby),
        "execution, new runner": executed(cage, Standby()),
        "a runner's interpreter": imported,
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            if name == waiting:
                standby.prepare()
            time.sleep(PAUSE)
            value = milliseconds(way)
            if number:  # the first round fills caches: what is looked up once, and the disk's
                took[name].append(value)
    base = median(took["bare subprocess"])
    for name, values in took.items():
        middle = median(values)
        print(f"{name:24s} {middle:7.1f} ms {middle - base:+7.1f} ms {middle / base:6.2f}")


if __name__ == "__main__":
    main()
