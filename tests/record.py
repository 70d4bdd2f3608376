"""Make the recordings of real replies that the tests replay: one run of each bundled task by the embedded models.

    python tests/record.py [TASK ...]
    python tests/record.py --keep RUN_FOLDER NAME    # a run that was made elsewhere, by other models

A recording is a run's folder without what a replay does not read. It holds scripts, logs, prompts, replies and scores. In those
called `*_capable`, both models were played by a strong language model behind an endpoint whose replies are written by hand; it saw
the requests alone. They are runs of `tests/benchmarks/arms.py`.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from budgetmlagent import Session
from budgetmlagent.tasks.folder import bundled

RECORDINGS = Path(__file__).parent / "recordings"
NEEDED = ("config.json", "graph.yaml", "events.jsonl", "final.json", "run.json", "artifacts")
TURNS = 8


def record(task: str) -> None:
    """Run `task` afresh and put what a replay needs into `recordings/TASK`."""
    with tempfile.TemporaryDirectory() as runs:
        session = Session(task, budget=0.25, turns=TURNS, history="run", runs_dir=runs)
        session.run(
            on_step=lambda event: print(
                task, event["step"], event["node"], event["fault"], file=sys.stderr, flush=True
            )
        )
        keep(session.folder.root, task)


def keep(run: Path, recording: str) -> None:
    """Put what a replay needs of a run's folder into `recordings/RECORDING`."""
    target = RECORDINGS / recording
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in NEEDED:
        source = run / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, target / name)
    anonymous(target, run)


def anonymous(target: Path, root: Path) -> None:
    """Leave out where it was recorded, and by which binary: that is nobody's business."""
    for name in ("config.json", "run.json"):
        if not (target / name).exists():
            continue
        told = json.loads((target / name).read_text(encoding="utf-8"))
        told.pop("sandbox_facts", None)
        text = json.dumps(told, indent=1, ensure_ascii=False).replace(str(root), target.name)
        (target / name).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Record the tasks that are named, else all bundled ones; or keep a run that is there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("tasks", nargs="*")
    parser.add_argument("--keep", nargs=2, metavar=("RUN_FOLDER", "NAME"))
    options = parser.parse_args()
    if options.keep:
        keep(Path(options.keep[0]), options.keep[1])
        return
    for name in options.tasks or bundled():
        record(name)


if __name__ == "__main__":
    main()
