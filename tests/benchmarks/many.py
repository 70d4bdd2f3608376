"""Many runs in one folder: what `list`, `cost`, `memory search` and `bench --report` take, and whether it grows more than the runs do.

    python tests/benchmarks/many.py [--runs 1000] [--times 20] [--postgres]

The folder is made here: each run with its settings, summary, four requests in the ledger, four lessons in the memory and its row of a
bench of two graphs and five tasks. Each command is
asked in this process, so that its own work is seen and not Python's start. Beside the wall's clock the processor's is told, which a
machine that others keep busy does not move as much.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tiny

from budgetmlagent import Session
from budgetmlagent.bench import found, results
from budgetmlagent.bench.plan import Plan, cells
from budgetmlagent.bench.worker import ROW
from budgetmlagent.cli import call
from budgetmlagent.money.ledger import Answer, Call, Ledger, Reservation
from budgetmlagent.money.place import place_of
from memory.merge import SHARED
from memory.shared import Place, Shared

CALLS = 4
RUNS = "--runs-dir"
COMMANDS = (
    (["list"], RUNS),
    (["cost"], RUNS),
    (["memory", "search", "the model overfits small tables"], RUNS),
    (["bench", "--report"], "--out"),
)
PLAN = Plan(tasks=["a", "b", "c", "d", "e"], graphs=["budgetml", "recall"])
WORDS = ("tree", "linear", "boosting", "scaling", "folds", "depth", "noise", "dates", "leak", "target")


def made(folder: Path, first: Path, begin: int, end: int) -> None:
    """Make runs `begin` to `end`, each as the `first` one is."""
    ledger, items = Ledger(place_of(folder)), []
    config, summary = (json.loads((first / name).read_text()) for name in ("config.json", "run.json"))
    for number in range(begin, end):
        name = f"tiny-20260101-{number:06d}-abcd"
        (folder / name).mkdir()
        for file, told in (("config.json", config), ("run.json", summary)):
            (folder / name / file).write_text(
                json.dumps(told | {"run_id": name, "run_dir": str(folder / name)})
            )
        ledger.open_run(name, 10**9)
        for step in range(CALLS):
            asked = Call(
                key=f"{name}/{step}/coder",
                run=name,
                step=step,
                node="coder",
                model="small",
                served="m",
                price="p",
                bytes=900,
            )
            room = ledger.reserve(asked, 1000)
            assert isinstance(room, Reservation)
            ledger.settle(room.id, 500, Answer(text="x", tokens_in=300, tokens_out=50))
            text = f"{WORDS[number % 10]} {WORDS[step * 3 % 10]} helped on table {number}: the model overfits less"
            items.append({"kind": "repair", "error": "E", "what": f"{number}-{step}", "text": text, "step": step, "run": name, "task": "tiny", "data": "schema"})  # fmt: skip
    with Shared(Place(folder / SHARED)) as store:
        store.upsert(items)


def benched(folder: Path, first: Path, runs: int) -> None:
    """Make the rows of the bench in `folder` so many, as the `first` run is, each of another gain."""
    summary = json.loads((first / "run.json").read_text())
    ways = len(PLAN.tasks) * len(PLAN.graphs)
    plan = PLAN.model_copy(update={"seeds": list(range(-(-runs // ways)))})
    results.begin(folder, plan, go_on=True)
    for number, cell in enumerate(cells(plan)[:runs]):
        at = folder / found.CELLS / cell.name
        at.mkdir(parents=True, exist_ok=True)
        name = f"tiny-20260101-{number:06d}-abcd"
        told = {
            "run_id": name,
            "run_dir": str(folder / found.RUNS / name),
            "gain_pct": number % 37 / 10,
            "direction": "max",
        }
        told |= {"private_baseline": 0.5, "private_best": 0.5 + number % 37 / 2000, "usd": number % 11 / 100}
        (at / ROW).write_text(json.dumps(summary | told))


def seconds(command: list[str], folder: Path, times: int) -> tuple[list[float], list[float]]:
    """Return what each of so many calls took by the wall's clock and by the processor's, each sorted."""
    took, worked = [], []
    for _ in range(times + 1):
        begin, busy = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            status = call([*command, str(folder)])
        took.append(time.perf_counter() - begin)
        worked.append(time.process_time() - busy)
        assert status == 0, command
    return sorted(took[1:]), sorted(worked[1:])  # the first one imports


def main() -> None:
    """Print the times, and the ratio of the times over the ratio of the runs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--postgres", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["BUDGETML_CACHE"] = f"{place}/cache"
        if chosen.postgres:
            import servers

            os.environ["BUDGETML_LEDGER"] = servers.postgres().database()
        bench = Path(place)
        folder = bench / found.RUNS
        where = {RUNS: folder, "--out": bench}
        run = Session(str(tiny.task(Path(place))), "recall", runs_dir=folder, turns=1)
        run.run()
        few = chosen.runs // 4
        made(folder, run.folder.root, 0, few)
        benched(bench, run.folder.root, few)
        before = {
            command[0]: seconds([*command, option], where[option], chosen.times)
            for command, option in COMMANDS
        }
        made(folder, run.folder.root, few, chosen.runs)
        benched(bench, run.folder.root, chosen.runs)
        print(
            f"{chosen.runs} runs: p95 by the wall's clock and by the processor's; the latter's median as a multiple of that of a"
            " quarter of the runs"
        )
        for command, option in COMMANDS:
            wall, busy = seconds([*command, option], where[option], chosen.times)
            growth, p95 = median(busy) / median(before[command[0]][1]), int(0.95 * (len(wall) - 1))
            print(f"{' '.join(command[:2]):14} {wall[p95]:6.3f} s {busy[p95]:6.3f} s  x{growth:.1f}")


if __name__ == "__main__":
    main()
