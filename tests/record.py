"""Make the recordings of real replies that the tests replay: one run of each bundled task by the embedded models.

    python tests/record.py [TASK ...]

A recording is a run's folder without what a replay does not read. It holds scripts, logs, prompts, replies and scores.
"""

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
        # Where it was recorded is nobody's business.
        text = (
            (target / "run.json").read_text(encoding="utf-8").replace(str(session.folder.root), target.name)
        )
        (target / "run.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or bundled():
        record(name)
