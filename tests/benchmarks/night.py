"""Make the bench that notebooks/05_many_runs.ipynb looks at: memory alone, small models and capable ones, by recorded replies.

    python tests/benchmarks/night.py      writes night.json beside it; minutes

Each task has a recording of its own for each set of models, and each recording its budget, so each is a bench of its own; their rows
are put together as those of one, without where they lay on this machine.
"""

import json
import tempfile
from pathlib import Path

from budgetmlagent.cli import call

HERE = Path(__file__).resolve().parent
RECORDINGS = HERE.parent / "recordings"
TASKS = ("digits", "flights")
OF_HERE = ("run_dir", "sandbox_facts")  # where it was made, and by which binary: that is nobody's business


def main() -> None:
    """Make the runs and keep their rows."""
    with tempfile.TemporaryDirectory() as scratch:
        text = json.dumps([row for task in TASKS for row in rows_of(task, Path(scratch))], indent=1)
        (HERE / "night.json").write_text(
            text.replace(f"replay:{scratch}/", "").replace(f"{scratch}/", "") + "\n"
        )


def rows_of(task: str, scratch: Path) -> list[dict]:
    """Return the rows of a task's runs."""
    found = []
    for name, recording in {"memory": None, "small": task, "capable": f"{task}_capable"}.items():
        words = ["--graphs", "recall", "--turns", "8"]
        if recording:
            models, graph = linked(scratch / name, RECORDINGS / recording), scratch / "budgetml.yaml"
            linked(graph, models / "graph.yaml")  # the one of the time
            told = json.loads((models / "config.json").read_text())
            limits = ["--turns", str(told["turns"]), "--budget", str(told["budget"] / 1e9)]
            words = ["--graphs", str(graph), "--models", f"replay:{models}", *limits]
        out = scratch / task / name
        if status := call(["bench", "--tasks", task, "--jobs", "1", "--out", str(out), *words]):
            raise SystemExit(status)
        rows = json.loads((out / "results.json").read_text())
        found += [{key: row[key] for key in row if key not in OF_HERE} for row in rows]
    return found


def linked(place: Path, to: Path) -> Path:
    """Let a place lead there: what a setting is called is the same for each task."""
    place.unlink(missing_ok=True)
    place.symlink_to(to)
    return place


if __name__ == "__main__":
    main()
