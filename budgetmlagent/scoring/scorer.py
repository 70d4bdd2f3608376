"""Scores submissions in a sandbox of its own, where the answers are and the script is not run by us.

What comes back from there is a score, its samples and a sentence of our own inspection: numbers, and no text that the
submission could choose freely.
"""

import builtins
import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from budgetmlagent.errors import RunFailedError
from budgetmlagent.inside import judge
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.process.watchdog import Limits, Outcome
from budgetmlagent.sandbox.trusted import run_code
from budgetmlagent.sandbox.workspace import lay_out
from budgetmlagent.scoring.reported.heard import Heard
from budgetmlagent.scoring.reported.output import reported_score, reported_seconds
from budgetmlagent.scoring.verdict import Raised, fault, place, printed
from budgetmlagent.scoring.witness import Witness, takes_fractions
from budgetmlagent.tasks.folder import TaskFolder
from budgetmlagent.tasks.split import groups_of, split_rows
from budgetmlagent.tasks.taskfile import read_text
from memory.artifacts import Artifacts
from memory.noise import is_hidden, noise_of
from memory.scores import worth
from nodes.deps import Execution, Score

JUDGE = Path(judge.__file__ or "").parent
ROUNDS = 3  # where get_score measures the script itself, and the clock decides
REFUSED = re.compile(r"^.+: refused$", re.MULTILINE)


@dataclass(frozen=True)
class Final:
    """The private scores of the starter's submission and of the best; None where a submission has none."""

    baseline: float | None
    best: float | None
    noise: float | None  # standard error of their difference, in the metric's units; None where it is unknown
    hidden: bool = False  # the noise is unknown, and the best's submission is why


@dataclass(frozen=True)
class Answers:
    """Answers to score on."""

    name: str  # of their file in the scorer's folder
    rows: str  # its text, for the rows to score on
    ids: list[str]  # of all rows that a submission must have

    def count(self) -> int:
        """Return how many rows there are to score on."""
        return len(_first_column(self.rows))


def judge_limits(task: TaskFolder) -> Limits:
    """Return the generous limits of eval.py's own work."""
    return Limits(seconds=max(120.0, 2 * task.seconds), memory_mb=max(2.0, task.memory_gb) * 1024)


def is_baseline(task: TaskFolder, execution: Execution, artifacts: Artifacts) -> bool:
    """Tell whether the execution is one of the starter, whose faults are the task's."""
    return execution.script == artifacts.put(task.starter)


class SubmissionScorer:
    """`nodes.deps.Scorer` for one task; the private part is opened by `final` alone.

    The predictions are compared with the answers' own range, and with the starter's, which the file `witness` tells (by
    default one in `workdir`). `limits` are those of one judgement, by default generous ones.
    """

    def __init__(
        self,
        task: TaskFolder,
        cage: Cage,
        artifacts: Artifacts,
        workdir: Path,
        *,
        limits: Limits | None = None,
        witness: Path | None = None,
    ) -> None:
        self.task, self.cage, self.artifacts, self.workdir = task, cage, artifacts, workdir
        self.limits = limits or judge_limits(task)
        self.patient = (
            True  # False where the starter's own score has no known noise: no other's will have one
        )
        self.heard = Heard(task, artifacts, workdir)
        self.witness = Witness(witness or workdir / "witness.json", artifacts)

    def score(self, execution: Execution) -> Score:
        """Score on the public part, or read the script's own word where there is none.

        Raises RunFailedError where the metric script fails on the starter's submission.
        """
        if self.task.feedback == "reported":
            return self.reported(execution, self.inspected(execution))
        problem = self._missing(execution) or self._unlike(execution)
        return Score(problem=problem) if problem else self._judge(execution, self._part(0))

    def inspected(self, execution: Execution) -> Score:
        """Say what is wrong with a submission, without a score.

        Raises RunFailedError for the starter's own, where it is missing or cannot be read.
        """
        problem = self._missing(execution) or self._unlike(execution)
        return Score(problem=problem) if problem else self._judge(execution, scored=False)

    def _unlike(self, execution: Execution) -> str:
        """Say that no file is called as the starter's are, "" where one is; keep the starter's own as the witness."""
        if is_baseline(self.task, execution, self.artifacts):
            self.witness.keep(execution.files)
            return ""
        return self.witness.other_name(execution.files)

    def reported(self, execution: Execution, seen: Score) -> Score:
        """Read the script's own word, after its submission was `seen`: the number beside the starter's metric."""
        if is_baseline(self.task, execution, self.artifacts):
            self.heard.hear(execution)
        output = self.artifacts.text(execution.output)
        value = None if seen.problem else reported_score(output, self.heard.measure())
        if value is None and not execution.files and not seen.problem:
            value = reported_seconds(output)
        return Score(value, problem=seen.problem, reported=True, suspect=seen.suspect)

    def on_rows(self, execution: Execution, answers: Answers) -> Score:
        """Score a submission that is for other rows than the task's own.

        Raises RunFailedError where the metric script fails on the starter's submission.
        """
        return (
            Score(problem=missing)
            if (missing := self._missing(execution))
            else self._judge(execution, answers)
        )

    def final(self, baseline: Execution, best: Execution) -> Final:
        """Return the private scores of the two, measured in turn.

        Raises RunFailedError where the metric script fails on the starter's submission.
        """
        same = baseline.script == best.script
        rounds = 1 if baseline.files else ROUNDS
        scores: list[tuple[Score, Score]] = []
        for _ in range(rounds):
            first = self._private(baseline)
            scores.append((first, first if same else self._private(best)))
        before, after = (self._best(list(repeats)) for repeats in zip(*scores, strict=True))
        noise = noise_of(before.samples, after.samples, paired=before.paired and after.paired)
        hidden = noise is None and is_hidden(before.samples, paired=before.paired)
        return Final(before.value, after.value, noise, hidden)

    def _private(self, execution: Execution) -> Score:
        return Score() if self._missing(execution) else self._judge(execution, self._part(1))

    def _best(self, repeats: Sequence[Score]) -> Score:
        """Return the best of repeated measurements, with all of them as its samples."""
        if len(repeats) == 1:
            return repeats[0]
        known = [score.value for score in repeats if score.value is not None]
        best = max(known, key=lambda value: worth(value, self.task.direction), default=None)
        return Score(best, samples=tuple(known))

    def _missing(self, execution: Execution) -> str:
        """Say that a submission is missing, "" where it is there or the task asks for none."""
        task = self.task
        if execution.files or not (task.answers or "submission" in task.starter):
            return ""
        refused = REFUSED.findall(execution.tail) if execution.refused else []  # else the script's own line
        problem = refused[-1] if refused else f"the script wrote no {task.submission}"
        if is_baseline(self.task, execution, self.artifacts):
            raise RunFailedError(f"{task.env / 'train.py'}: the starter's submission is missing: {problem}")
        return problem

    def _judge(self, execution: Execution, answers: Answers | None = None, *, scored: bool = True) -> Score:
        """Inspect a submission and, if `scored`, call get_score: on these answers, or as the scorer's folder is."""
        baseline = is_baseline(self.task, execution, self.artifacts)
        table = next((name for name in sorted(execution.files) if name.endswith(".csv")), "")
        if not execution.files and not scored:
            return Score()
        args = ["/workspace"] + (["--csv", table] if table else []) + (["--lenient"] if baseline else [])
        args += ["--patient"] if self.patient and not baseline else []
        args += ["--fractions"] if takes_fractions(self.task, scored=scored) else []
        if scored:
            args += ["--scoring", "/scoring"]
        with scratch("answers", self.workdir) as folder:
            mounts = {"/scoring": self.task.scoring} if scored else {}
            if not baseline and self.witness.files:
                self.witness.lay_out(folder / "witness")
                mounts |= {"/witness": folder / "witness"}
                args += ["--witness", "/witness"]
            if answers:
                (folder / "rows.csv").write_text(answers.rows, "utf-8")
                (folder / "ids.json").write_text(json.dumps(answers.ids), "utf-8")
                mounts |= {f"/scoring/{answers.name}": folder / "rows.csv", "/ids.json": folder / "ids.json"}
                args += ["--answers", f"/scoring/{answers.name}", "--ids", "/ids.json"]
            outcome, errors = self._run(execution, mounts, args)
        score = self._read(outcome, errors, table, baseline=baseline, scored=scored)
        self.patient = is_hidden(score.samples, paired=score.paired) if baseline else self.patient
        return replace(score, rows=answers.count()) if answers and score.value is not None else score

    def _part(self, part: int) -> Answers | None:
        """Return the public (0) or private (1) part of the answers, None where nothing is split."""
        if self.task.answers is None:
            return None
        text = read_text(self.task.scoring / self.task.answers, "the answers")
        halves = split_rows(text, self.task.name, groups_of(self.task.scoring, self.task.name))
        return Answers(self.task.answers, halves[part], _first_column(text))

    def _run(self, execution: Execution, mounts: Mapping[str, Path], args: list[str]) -> tuple[Outcome, str]:
        task = self.task
        script = self.artifacts.text(execution.script)
        with scratch("scoring", self.workdir) as folder:
            bound = lay_out(task, script, folder)
            for name, content in execution.files.items():
                if f"/workspace/{name}" not in bound:
                    (folder / name).write_bytes(self.artifacts.read(content))
            return run_code(self.cage, JUDGE, folder, {**bound, **mounts}, args, self.limits, task.python)

    def _read(self, outcome: Outcome, errors: str, table: str, *, baseline: bool, scored: bool) -> Score:
        """Read what the judge printed. For the starter's submission every fault is the metric script's."""
        report, value, samples = printed(outcome.output)
        if report is None:
            return self._unread(table, outcome, errors, baseline=baseline)
        if report["problem"] and not baseline:
            return Score(problem=report["problem"])
        suspect = "" if baseline else report["suspect"]
        if not scored:
            return Score(suspect=suspect)
        if value is not None and math.isfinite(value):
            return Score(value, suspect=suspect, samples=samples, paired=bool(samples))
        raised = fault(outcome, errors, "get_score", value)
        if baseline:
            where = place(self.task, raised)
            raise RunFailedError(
                f"{where}: {raised.error}, on the starter's own submission; repair the metric script"
            )
        where = f" (line {raised.line} of eval.py)" if raised.line else ""
        refusal = f"the metric refuses the submission: {self._told(raised, table)}{where}"
        return Score(problem=report["columns"] or refusal)

    def _unread(self, table: str, outcome: Outcome, errors: str, *, baseline: bool) -> Score:
        """Say that the inspection itself did not come to its end."""
        why = fault(outcome, errors, "get_score").error
        if outcome.killed:
            why = f"it takes more {outcome.killed} than the limit"
        problem = f"{table or 'the submission'} cannot be read: {why}"
        if baseline:
            raise RunFailedError(f"{self.task.env / 'train.py'}: the starter's {problem}; make it smaller")
        return Score(problem=problem)

    def _told(self, raised: Raised, table: str) -> str:
        """Return what is the metric's of an exception: all of it where it read a table that holds text alone.

        Another file may have been unpickled: then the process was the submission's, and its words are not the metric's.
        """
        if table:
            return raised.error
        kind = raised.error.partition(":")[0]
        return kind if isinstance(getattr(builtins, kind, None), type) else "an exception"


def _first_column(text: str) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
