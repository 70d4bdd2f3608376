"""What many runs at once gain: the same runs one after the other, and several at once; or on one machine of a cluster and two.

    python tests/benchmarks/scale.py [--runs 12] [--jobs 2] [--delay 0.5]
    python tests/benchmarks/scale.py --ray [--cores 1]      # two raylets on this machine, against one

The models are a scripted server whose replies take `--delay` seconds, so that runs mostly wait, as they do for hosted models.
Printed are the seconds of each way and the ratio. All else that a run does is real: sandbox, scorer, ledger, checkpoints.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tiny
from fault_server import FaultServer, Turn
from raylets import raylets


def bench(folder: Path, out: str, runs: int, *words: str) -> float:
    """Run a bench and return its seconds."""
    command = [
        sys.executable, "-m", "budgetmlagent", "bench", "--tasks", str(folder / "tiny"), "--models", str(folder / "models.yaml"),
        "--graphs", "single_agent", "--seeds", ",".join(map(str, range(runs))), "--turns", "3", "--history", "off",
        "--out", str(folder / out), "--json", *words,
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.monotonic() - began
    rows = json.loads(done.stdout.splitlines()[-1])["rows"]
    ended = [row["status"] for row in rows]
    if ended != ["finished"] * runs:
        raise SystemExit(f"not all runs ended in order: {ended}: {rows[0].get('reason')}")
    return seconds


def ratio(what: Sequence[str], before: float, after: float) -> None:
    """Print a line."""
    print(f"{what[0]}: {before:.1f} s; {what[1]}: {after:.1f} s; ratio {before / after:.2f}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--delay", type=float, default=0.5)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--cores", type=int, default=1)
    asked = parser.parse_args()

    def slowly(body: dict) -> Turn:
        return replace(tiny.team(body), delay=asked.delay)

    with tempfile.TemporaryDirectory() as place, FaultServer(respond=slowly) as server:
        folder = Path(place)
        tiny.task(folder)
        tiny.models(folder, server.url)
        if asked.ray:
            took = []
            for count in (1, 2):
                with raylets(count, asked.cores) as nodes:
                    took.append(bench(folder, f"nodes{count}", asked.runs, "--ray", nodes.address))
            ratio(("one node", "two nodes"), *took)
        else:
            one = bench(folder, "one", asked.runs, "--jobs", "1")
            ratio(
                ("one at once", f"{asked.jobs} at once"),
                one,
                bench(folder, "many", asked.runs, "--jobs", str(asked.jobs)),
            )


if __name__ == "__main__":
    main()
