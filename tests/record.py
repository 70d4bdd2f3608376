"""Make the recordings of real replies that the tests replay: one run of each bundled task by the embedded models.

    python tests/record.py [TASK ...]

A recording is a run's folder without what a replay does not read. It holds scripts, logs, prompts, replies and scores.
"""

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
        target = RECORDINGS / task
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in NEEDED:
            source = session.folder.root / name
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, target / name)
        anonymous(target, session.folder.root)


def anonymous(target: Path, root: Path) -> None:
    """Leave out where it was recorded, and by which binary: that is nobody's business."""
    for name in ("config.json", "run.json"):
        if not (target / name).exists():
            continue
        told = json.loads((target / name).read_text(encoding="utf-8"))
        told.pop("sandbox_facts", None)
        text = json.dumps(told, indent=1, ensure_ascii=False).replace(str(root), target.name)
        (target / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or bundled():
        record(name)
