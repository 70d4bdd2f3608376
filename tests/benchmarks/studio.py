"""What the studio takes for a run of 1,000 steps and a graph of 100 nodes: `python tests/benchmarks/studio.py` prints milliseconds.

A recorded run is replayed, and its last steps are written down again under new numbers until there are enough.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from langgraph.checkpoint.base.id import uuid6
from recorded import REPLAY

from budgetmlagent.cli import call
from budgetmlagent.records.rundir import RunDir, all_runs
from budgetmlagent.run.view import RunView
from budgetmlagent.studio import editing, look, rows
from budgetmlagent.studio.answers import Answers
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.protocol import EditAsked, RunAsked
from budgetmlagent.studio.snapshot import Snapshot
from graphs.files import SHIPPED
from graphs.spec import GraphSpec

STEPS, NODES, TIMES = 1000, 100, 5


def lengthened(run: RunDir, steps: int) -> None:
    """Append copies of a run's newest steps until it has so many."""
    branches = RunView(run).branches
    way = branches.way
    config, after = (
        way[-1].config,
        [t for t in way if t.metadata["source"] == "loop" and t.metadata["step"] > 10],
    )
    for step, copied in zip(range(way[-1].metadata["step"] + 1, steps + 1), cycle(after), strict=False):
        checkpoint = copied.checkpoint | {"id": str(uuid6(clock_seq=step))}
        versions = checkpoint["channel_versions"]
        config = branches.saver.put(config, checkpoint, copied.metadata | {"step": step}, versions)


def large(nodes: int) -> str:
    """Return the text of a graph with so many nodes, of four rules each."""
    spec = GraphSpec.parse((SHIPPED / "budgetml.yaml").read_text(encoding="utf-8"))
    coder = spec.rules["coder"]
    text = spec.dump()
    names = [f"n{i}" for i in range(nodes - len(spec.nodes))]
    added = "".join(f"  {name}: {{run: coder, prompt: coder, ladder: [small, large]}}\n" for name in names)
    ways = "".join(
        f"  {name}:\n" + "".join(f"    - {{when: crashed, repairs: {i + 1}, to: {then}}}\n" for i in range(len(coder) - 1)) + f"    - {{to: {then}}}\n"
        for name, then in zip(names, [*names[1:], "executor"], strict=True)
    )  # fmt: skip
    return text.replace("rules:\n", f"{added}rules:\n", 1).replace(
        "# For every node", f"{ways}# For every node", 1
    )


def told(what: str, act: Callable[[], Any]) -> None:
    """Print how long it takes, the median of a few times, and how much comes of it."""
    taken = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        made = act()
        taken.append(1000 * (time.perf_counter() - begin))
    size = len(json.dumps(made, default=str)) if made is not None else 0
    print(f"{what:46s} {statistics.median(taken):8.1f} ms {size / 1000:8.0f} kB")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        assert call([*REPLAY, "--runs-dir", str(runs)]) == 0
        run = all_runs(runs)[0]
        lengthened(run, STEPS)
        place = Place(Path(folder).resolve(), runs.resolve())
        answers = Answers(place)
        told("runs: a list of one", lambda: {"runs": rows.run_rows(runs)})
        told(f"run: all {STEPS} steps", lambda: look.run(Snapshot.of(place.view(run.run_id))))
        asked = RunAsked(run=run.run_id, since=STEPS - 1)
        answers._run(asked)
        told("run: the newest step", lambda: answers._run(asked))
        told("step: one in full", lambda: look.step(place.view(run.run_id), STEPS // 2))
        told("changes: a look", answers.watcher._look)
        for i in range(200):
            shutil.copytree(
                run.root, runs / f"copy-{i}", ignore=lambda *_: ["artifacts", "checkpoints.sqlite"]
            )
        told("changes: a look at 200 runs", answers.watcher._look)
        told("runs: a list of 200", lambda: {"runs": rows.run_rows(runs)})
        text = large(NODES)
        told(f"edit: {NODES} nodes", lambda: editing.edit(place, EditAsked(graph="large.yaml", text=text)))


if __name__ == "__main__":
    main()
