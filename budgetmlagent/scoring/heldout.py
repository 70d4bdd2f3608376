"""Scores scripts on rows that budgetml holds out itself, where a task has no public answers.

The script runs a second time: the training table lacks these rows then, and they are its test table. The task's own
eval.py judges what it predicts, so that all attempts of a run are scored on the same rows by the same code. Where no
rows can be held out, or the starter gets no score on them, a script's own word has to do.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from budgetmlagent.errors import RunFailedError
from budgetmlagent.sandbox.brief import brief
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.scoring.scorer import Answers, Final, SubmissionScorer, is_baseline
from budgetmlagent.tasks.folder import TaskFolder
from budgetmlagent.tasks.heldout import HeldOut, hold_out
from budgetmlagent.tasks.sharing import RANDOM
from memory.artifacts import Artifacts
from memory.files import write_whole
from nodes.craft.fingerprint import error_line
from nodes.deps import Execution, Here, Score


class HeldOutScorer:
    """`nodes.deps.Scorer` for one task without public answers. `workdir` keeps what was held out until the run's end.

    `shortened` fits a limit of time into what is left of the run's.
    """

    def __init__(
        self,
        task: TaskFolder,
        cage: Cage,
        artifacts: Artifacts,
        workdir: Path,
        shortened: Callable[[float], float] = lambda seconds: seconds,
        *,
        witness: Path | None = None,
    ) -> None:
        self.task, self.cage, self.artifacts, self.shortened = task, cage, artifacts, shortened
        self.workdir = workdir / "heldout"
        self.scorer = SubmissionScorer(task, cage, artifacts, workdir, witness=witness)
        self.rows: HeldOut | None = None
        self.sandbox: ScriptSandbox | None = None  # that of the rows held out

    def score(self, execution: Execution) -> Score:
        """Score on the rows that were held out, or read the script's own word.

        Raises RunFailedError where the metric script fails on the starter's submission.
        """
        seen = self.scorer.inspected(execution)
        self._begin(execution if is_baseline(self.task, execution, self.artifacts) else None)
        if seen.problem or seen.suspect or self.sandbox is None:
            return self.scorer.reported(execution, seen)
        return self._measured(self.artifacts.text(execution.script))

    def final(self, baseline: Execution, best: Execution) -> Final:
        """Return the private scores of the two, as the task's scorer gives them on the true test rows."""
        return self.scorer.final(baseline, best)

    def _measured(self, script: str) -> Score:
        """Run a script on the rows that were held out, and let the task's metric judge what it predicts."""
        assert self.sandbox is not None and self.rows is not None
        execution = self.sandbox.run(Here(call="held out"), script)
        if execution.killed:
            limit = self.task.allowed()[execution.killed]
            return Score(
                problem=f"on held-out rows the script went over its limit of {execution.killed} ({limit})"
            )
        if execution.exit != 0:
            return Score(problem=f"on held-out rows the script fails: {error_line(execution.tail)}")
        return self.scorer.on_rows(execution, Answers(self.rows.answers, self.rows.truth, self.rows.ids))

    def _begin(self, baseline: Execution | None) -> None:
        """Hold rows out, once, if the starter gets a score on them. `baseline` is its execution, where it is at hand."""
        kept = self.workdir / "starter.json"
        first = not kept.exists()
        known = self._first(baseline or self._starter()) if first else json.loads(kept.read_text())
        if self.sandbox is None and known["submission"]:
            submission = self.artifacts.read(known["submission"])
            self.rows = hold_out(self.task, submission, known["split"])
            self.sandbox = self._laid_out(self.rows) if self.rows else None
        if first:
            if self.sandbox is not None and not self._scores_the_starter():
                self.sandbox = None
            self.workdir.mkdir(parents=True, exist_ok=True)
            known |= {} if self.sandbox else {"submission": ""}
            write_whole(kept, json.dumps(known).encode(), durable=True)

    def _first(self, starter: Execution) -> dict[str, Any]:
        """Return what the rows to hold out are chosen by: the starter's submission, and how the test rows differ."""
        self.scorer.heard.hear(starter)
        submission = self._submission(starter)
        facts = brief(self.task, self.cage, starter, self.artifacts) if submission else {}
        return {"submission": submission, "split": (facts.get("table") or {}).get("split", RANDOM)}

    def _starter(self) -> Execution:
        """Run the starter on the task's own files: its run ended before, and goes on now."""
        place = self.workdir / "starter"
        sandbox = ScriptSandbox(self.task, self.cage, self.artifacts, place, self.shortened)
        return sandbox.run(Here(call="starter"), self.task.starter)

    def _submission(self, execution: Execution) -> str:
        """Return the artifact of a submission that is one table, "" for any other."""
        match list(execution.files.items()):
            case [(name, artifact)] if name.endswith(".csv"):
                return artifact
        return ""

    def _scores_the_starter(self) -> bool:
        try:
            return self._measured(self.task.starter).value is not None
        except RunFailedError:  # eval.py does not judge these rows: it knows the test rows by another way
            return False

    def _laid_out(self, rows: HeldOut) -> ScriptSandbox:
        """Lay the task's files out beside the changed tables; return the sandbox that runs scripts on them."""
        env = self.workdir / "env"
        for path in self.task.env.rglob("*"):
            place = env / path.relative_to(self.task.env)
            if path.is_dir() or place.exists():
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            changed = rows.tables.get(place.relative_to(env).as_posix())
            if changed is None:
                place.symlink_to(path.resolve())
            else:
                write_whole(place, changed)
        task = replace(self.task, env=env)
        return ScriptSandbox(task, self.cage, self.artifacts, self.workdir / "runs", self.shortened)
