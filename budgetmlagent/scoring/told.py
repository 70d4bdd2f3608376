"""What a scorer says, as models may hear it: its own words and the task's, not a header or cell that it quotes.

A script chooses what it submits and prints, and so what a scorer quotes of that.
"""

from dataclasses import replace
from pathlib import Path

from budgetmlagent.inside import judge
from budgetmlagent.sandbox import workspace
from budgetmlagent.scoring import heldout, scorer, timed, verdict
from budgetmlagent.tasks.folder import TaskFolder
from memory.artifacts import Artifacts
from nodes.craft.told import told
from nodes.deps import Execution, Score, Scorer

MODULES = (workspace, heldout, scorer, timed, verdict)
OURS = [*Path(judge.__file__ or "").parent.glob("*.py"), *(Path(module.__file__ or "") for module in MODULES)]
# Digits of a score, each of which is room for a piece of a cell: of one that a script reports itself, and of one measured.
REPORTED, MEASURED = 4, 6


class ToldScorer:
    """`nodes.deps.Scorer` that leaves out of another's sentences what is neither ours nor the task's nor the script's."""

    def __init__(self, scorer: Scorer, task: TaskFolder, artifacts: Artifacts) -> None:
        self.scorer, self.artifacts = scorer, artifacts
        files = [*OURS, task.scoring / "eval.py"]
        texts = [file.read_text("utf-8", "replace") for file in files if file.is_file()]
        self.known = [*texts, task.text, task.starter, task.submission, self._header(task)]

    def _header(self, task: TaskFolder) -> str:
        """Return the names of the answers' columns, which a submission must have."""
        if not task.answers:
            return ""
        with (task.scoring / task.answers).open(encoding="utf-8", errors="replace") as file:
            return file.readline(10_000)

    def score(self, execution: Execution) -> Score:
        """Raises what the scorer raises."""
        score = self.scorer.score(execution)
        script = self.artifacts.text(execution.script)
        said = (score.problem, score.suspect)
        problem, suspect = (words and told(words, *self.known, script=script) for words in said)
        digits = REPORTED if score.reported else MEASURED
        value = None if score.value is None else float(f"{score.value:.{digits}g}")
        return replace(score, value=value, problem=problem, suspect=suspect)
