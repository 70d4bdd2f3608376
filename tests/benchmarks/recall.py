"""What recall costs with 1e3, 1e4 and 1e5 items of 500 runs, the embedding counted, and what a run's start costs then.

    python tests/benchmarks/recall.py [--sizes 1000 10000 100000] [--asked 60] [--starts 5] [--folder DIR]

For each size a memory is made up: 500 runs of 50 tasks with attempts, repairs, winners, ideas, offers and cards. Printed are the
median and the 95th percentile of what a coder (an error's repairs) and a planner (winners on data of the same shape, ideas, lessons of
similar tasks, each time for another task than before) are given, by a run that goes on, what its first recall takes, and the time from nothing to the end of a run's first executor
(its start) and first planner (which was given what is remembered), against an empty memory, in turn.
DIR had better be in memory (/dev/shm): the index of 1e5 items takes minutes to make.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from memory.artifacts import Artifacts, canonical
from memory.cards import card
from memory.history import RunHistory
from memory.items import Item, item_id
from memory.merge import SHARED, merge_pending
from memory.state import RunState
from memory.store import Store

RUNS, TASKS = 500, 50
ASKED = ("repairs", "cases", "ideas", "similar")
WHAT = "deeper trees|target encoding|log of the target|a linear blend|early stopping|lag features|a ridge on words|median imputation"
WHERE = "column age|the date|group means|test rows|the second fold|rare labels|missing values|the last window|sparse text"
ERROR = "could not convert string to float|columns are missing|input contains NaN|unknown label type|no attribute named|out of bounds"
START = """
import sys
from budgetmlagent.run.session import Session
session = Session("digits", "recall", turns=1, runs_dir=sys.argv[1])
while session.step().node not in sys.argv[2:]:
    pass
"""


def made_up(count: int) -> Iterator[Item]:
    """Yield items as runs leave them: of twenty, thirteen attempts, three repairs, two ideas, an offer and a winner; a card a task."""
    dice = random.Random(0)
    for number in range(count):
        run = number * RUNS // count
        task = run % TASKS
        said = (
            f"{dice.choice(WHAT.split('|'))} on {dice.choice(WHERE.split('|'))} with {dice.randrange(10_000)}"
        )
        item = {
            "task": f"task{task}",
            "run": f"run{run}",
            "step": number,
            "data": ("schema", "samples", "stays")[task % 3],
        }
        if number < TASKS:
            about = card(facts(number), "Predict the label.", "accuracy", "max")
            yield about | {"task": f"task{number}", "data": ("schema", "samples", "stays")[number % 3]}
        elif number % 20 == 0:
            summary = {
                "text": f"{said}. {facts(task)['summary']}",
                "script": "print(1)\n" * 100,
                "name": f"won-{number}",
            }
            yield (
                item
                | summary
                | {"kind": "case", "kinds": ["table"], "signature": f"columns {task}", "score": dice.random()}
            )
        elif number % 20 < 4:
            yield item | {
                "kind": "repair",
                "error": wrong(dice),
                "what": said,
                "text": f"{wrong(dice)} - repaired by {said}",
            }
        elif number % 20 < 6:
            words = {
                "what": said,
                "text": f"{said} {facts(task)['summary']}",
                "kinds": ["table"],
                "by": "expert",
            }
            yield item | words | {"kind": "idea"}
        elif number % 20 == 6:
            counts = {"of": f"{dice.randrange(1 << 48):012x}", "offered": 2, "helped": 1}
            yield item | counts | {"kind": "offer", "text": f"offer of {counts['of']}: 2, a new best after 1"}
        else:
            before, status = dice.random(), dice.choice(("keep", "discard", "discard", "crash"))
            gained = dice.random() / 10 if status == "keep" else 0.0
            ends = {"status": status, "gained": gained, "score_before": before, "score": before + gained}
            about = {
                "about": f"table; 100+ rows; task {task}",
                "plan": {"action": "improve", "instruction": said},
            }
            told = {"ast": f"{dice.random()}", "text": f"{said}: {status}, score {before + gained}"}
            yield item | ends | about | told | {"kind": "attempt"}


def wrong(dice: random.Random) -> str:
    """Return an error's text, of a few thousand."""
    return f"ValueError: {dice.choice(ERROR.split('|'))} in {dice.choice(WHERE.split('|'))} {dice.randrange(100)}"


def facts(task: int) -> dict[str, object]:
    """Return a task's briefing."""
    return {
        "kinds": ["table"],
        "summary": f"a table of {task * 7} columns and {task} classes",
        "signature": f"columns {task}",
    }


def build(runs: Path, count: int) -> float:
    """Write the runs' own memories and the shared one, with its index, and return the seconds that the index took."""
    (runs / SHARED / "items").mkdir(parents=True)
    for item in made_up(count):
        name, raw = item_id(item), canonical(item)
        own = runs / item["run"] / SHARED
        if not own.exists():
            (own / "items").mkdir(parents=True)
            (own / "merged").touch()
        for folder in (own, runs / SHARED):
            (folder / "items" / name).write_bytes(raw)
    started = time.perf_counter()
    with Store(runs / SHARED):
        return time.perf_counter() - started


def recalls(runs: Path, asked: int) -> dict[str, list[tuple[float, float]]]:
    """Return the milliseconds of each recall by a new run, by the clock and of computing, by what was asked."""
    artifacts = Artifacts(runs / "new" / "artifacts")
    history = RunHistory(
        folder=runs / "new" / SHARED, shared=runs / SHARED, artifacts=artifacts, cases=[], mode="all", task="new", data="schema",
        run="new", ast_key=str, signature=lambda told: str(told["signature"]),
    )  # fmt: skip
    merge_pending(runs)
    dice, took = (
        random.Random(1),
        dict[str, list[tuple[float, float]]]({kind: [] for kind in ("first", *ASKED)}),
    )
    for number in range(asked + 1):
        error = wrong(dice) if number % 2 else f"KeyError: {dice.random()} in {wrong(dice)}"
        task = {"name": "new", "direction": "max", "briefing": artifacts.put_json(facts(number % TASKS))}
        for kind in ASKED:
            began, computed = time.perf_counter(), time.process_time()
            found = history.recall("any", [kind], RunState(task=task, run={"error": error}))
            times = 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - computed)
            took["first" if number == 0 else kind].append(times)
            assert found or kind != "repairs"
    return took


def start(runs: Path, node: str) -> tuple[float, float]:
    """Return the seconds from nothing until a run's `node` has run, by the clock and of computing."""
    started, before = time.perf_counter(), os.times()
    command = [sys.executable, "-c", START, str(runs), node]
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    computed = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, computed


def main() -> None:
    """Measure, and print as it comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--asked", type=int, default=60)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for size in options.sizes:
            runs = Path(name) / str(size)
            print(f"{size} items: index made in {build(runs, size):.1f} s", flush=True)
            for kind, values in recalls(runs, options.asked).items():
                clock, computed = zip(*values, strict=True)
                print(
                    f"  recall, {kind:8s} p50 {median(clock):7.1f} ms  p95 {quantiles(clock, n=20)[-1]:7.1f} ms"
                    f"  computing p50 {median(computed):7.1f} ms",
                    flush=True,
                )
        for node in ("executor", "planner"):
            pairs = [(start(Path(name) / "empty", node), start(runs, node)) for _ in range(options.starts)]
            for what, part in (("by the clock", 0), ("computing", 1)):
                empty, full = (median(one[part] for one in side) for side in zip(*pairs, strict=True))
                ratio = f"empty {empty:.2f} s, {size} items {full:.2f} s, ratio {full / empty:.2f}"
                print(f"from nothing to a run's first {node}, {what}: {ratio}", flush=True)
    print(f"load of the machine: {os.getloadavg()[1]:.1f} on {os.cpu_count()} processors", flush=True)


if __name__ == "__main__":
    main()
