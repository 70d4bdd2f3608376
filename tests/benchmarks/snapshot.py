"""What a snapshot of a workspace costs: 100 MB the first time, and the next time, against a plain copy.

    python tests/benchmarks/snapshot.py [--mb 100] [--files 25] [--rounds 5]

Printed are the medians of some rounds, in milliseconds, and the ratio to copying the folder.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from budgetmlagent.sandbox.snapshot import MB, take
from memory.artifacts import Artifacts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mb", type=int, default=100, help="in all")
    parser.add_argument("--files", type=int, default=25, help="of equal size, at most 16 MB each")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rounds = [measure(options.mb, options.files) for _ in range(options.rounds)]
    copy, *others = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{options.mb} MB in {options.files} files, median of {options.rounds}")
    print(f"{'plain copy':24s} {copy * 1000:8.1f} ms")
    for what, seconds in zip(
        ("first snapshot", "next, all the same", "next, one file is new"), others, strict=True
    ):
        print(f"{what:24s} {seconds * 1000:8.1f} ms   {seconds / copy:5.2f} of a copy")


def measure(mb: int, files: int) -> tuple[float, float, float, float]:
    """Return the seconds of a copy, of a first snapshot, of the same again, and of one with one new file."""
    with tempfile.TemporaryDirectory() as name:
        work, store = Path(name, "work"), Artifacts(Path(name, "artifacts"))
        work.mkdir()
        for i in range(files):
            (work / f"{i}.bin").write_bytes(os.urandom(mb * MB // files))

        def snapshot() -> object:
            return take(work, store, {}, most_bytes=2 * mb * MB)

        copy = seconds(lambda: shutil.copytree(work, Path(name, "copy")))
        first, again = seconds(snapshot), seconds(snapshot)
        (work / "0.bin").write_bytes(os.urandom(mb * MB // files))
        return copy, first, again, seconds(snapshot)


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
