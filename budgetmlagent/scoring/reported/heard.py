"""What the starter printed: it tells what all later scripts must report. It is kept for as long as the run goes on."""

from pathlib import Path

from budgetmlagent.scoring.reported.measure import Measure, measured
from budgetmlagent.scoring.reported.output import said
from budgetmlagent.scoring.reported.source import printed
from budgetmlagent.tasks.folder import TaskFolder
from memory.artifacts import Artifacts
from memory.files import write_whole
from nodes.deps import Execution


class Heard:
    """Knows what a task's reported scores are a measure of. `workdir` keeps the starter's output by its artifact."""

    def __init__(self, task: TaskFolder, artifacts: Artifacts, workdir: Path) -> None:
        self.task, self.artifacts, self.workdir = task, artifacts, workdir
        self.kept = workdir / "starter-output"

    def hear(self, starter: Execution) -> None:
        """Keep what the starter printed."""
        self.workdir.mkdir(parents=True, exist_ok=True)
        write_whole(self.kept, starter.output.encode(), durable=True)

    def measure(self) -> Measure:
        """Return what is measured, by what the starter printed; before it ran, by what its source would print."""
        if self.kept.exists():
            return measured(self.task, list(said(self.artifacts.text(self.kept.read_text()))))
        return measured(self.task, list(said(printed(self.task.starter))), values=False)
