"""Scores submissions in a sandbox of its own, where the answers are and the script is not run by us."""

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.errors import RunFailedError
from budgetmlagent.sandbox.launch import Rung
from budgetmlagent.sandbox.reported import reported_score, reported_seconds
from budgetmlagent.sandbox.sealed import run_code
from budgetmlagent.sandbox.watchdog import Limits, Outcome
from budgetmlagent.sandbox.workspace import TaskFiles, workspace
from memory.artifacts import Artifacts
from nodes.deps import Execution, Score

MAIN = Path(__file__).with_name("score_main.py")
ROUNDS = 3  # where get_score measures the script itself, and the clock decides
REFUSED = re.compile(r"^.+: refused$", re.MULTILINE)
FRAME = re.compile(r'File "[^"]*/eval\.py", line (\d+)')
Split = Callable[[str, str], tuple[str, str]]  # (CSV text, task name) -> (public, private)


@dataclass(frozen=True)
class Raised:
    """An exception of the metric script."""

    line: str  # of eval.py, "" where it did not get there
    error: str  # "ValueError: ..."


class SealedScorer:
    """`nodes.deps.Scorer` for one task; the private part is opened by `final` alone.

    `split` cuts row-keyed answers in two. `target` describes the training target, {column: {"labels": [...]} or
    {"min": x, "max": y}}; without it the predictions are compared with the answers' own range.
    """

    def __init__(
        self,
        task: TaskFiles,
        rung: Rung,
        artifacts: Artifacts,
        workdir: Path,
        *,
        split: Split,
        target: Mapping[str, Any] | None = None,
    ) -> None:
        self.task, self.rung, self.artifacts, self.workdir = task, rung, artifacts, workdir
        self.split, self.target = split, target

    def score(self, execution: Execution) -> Score:
        """Score on the public part, or read the script's own word where there is none.

        Raises RunFailedError where the metric script fails on the starter's submission.
        """
        if missing := self._missing(execution):
            return Score(problem=missing)
        if self.task.feedback == "reported":
            seen = self._judge(execution, part=None, scored=False)
            output = self.artifacts.text(execution.output)
            value = reported_score(output)
            if value is None and not execution.files:
                value = reported_seconds(output)
            return Score(
                value=None if seen.problem else value,
                problem=seen.problem,
                reported=True,
                suspect=seen.suspect,
            )
        return self._judge(execution, part=0, scored=True)

    def final(self, baseline: Execution, best: Execution) -> tuple[float | None, float | None]:
        """Return the private scores of the two, measured in turn; None where a submission has none.

        Raises RunFailedError where the metric script fails on the starter's submission.
        """
        same = baseline.script == best.script
        rounds = 1 if baseline.files else ROUNDS
        scores: list[tuple[float | None, float | None]] = []
        for _ in range(rounds):
            first = self._private(baseline)
            scores.append((first, first if same else self._private(best)))
        return self._best([pair[0] for pair in scores]), self._best([pair[1] for pair in scores])

    def _private(self, execution: Execution) -> float | None:
        return None if self._missing(execution) else self._judge(execution, part=1, scored=True).value

    def _best(self, values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return (max if self.task.direction == "max" else min)(known) if known else None

    def _missing(self, execution: Execution) -> str:
        """Say that a submission is missing, "" where it is there or the task asks for none."""
        task = self.task
        if execution.files or not (task.answers or "submission" in task.starter):
            return ""
        refused = REFUSED.findall(execution.tail)
        problem = refused[-1] if refused else f"the script wrote no {task.submission}"
        if self._is_baseline(execution):
            raise RunFailedError(f"{task.env / 'train.py'}: the starter's submission is missing: {problem}")
        return problem

    def _is_baseline(self, execution: Execution) -> bool:
        return execution.script == self.artifacts.put(self.task.starter)

    def _judge(self, execution: Execution, *, part: int | None, scored: bool) -> Score:
        """Inspect a submission and, if `scored`, call get_score: on part 0 (public), 1 (private) or all answers."""
        baseline = self._is_baseline(execution)
        table = next((name for name in sorted(execution.files) if name.endswith(".csv")), "")
        if not table and not scored:
            return Score()
        args = ["/workspace"] + (["--csv", table] if table else []) + (["--lenient"] if baseline else [])
        if self.target:
            args += ["--target", json.dumps(self.target)]
        if scored:
            args += ["--scoring", "/scoring"]
        with tempfile.TemporaryDirectory(prefix="budgetml-answers-") as name:
            mounts = {"/scoring": self.task.scoring} if scored else {}
            if self.task.answers and scored and part is not None:
                mounts |= self._answers(Path(name), part)
                args += ["--answers", f"/scoring/{self.task.answers}", "--ids", "/ids.json"]
            outcome, errors = self._run(execution, mounts, args)
        return self._read(outcome, errors, baseline=baseline, scored=scored)

    def _answers(self, folder: Path, part: int) -> dict[str, Path]:
        """Write one part of the answers, and the ids of all rows; return where they are to be bound."""
        assert self.task.answers is not None
        text = (self.task.scoring / self.task.answers).read_text("utf-8-sig")
        parts = self.split(text, self.task.name)
        (folder / "part.csv").write_text(parts[part], "utf-8")
        (folder / "ids.json").write_text(json.dumps(_first_column(text)), "utf-8")
        return {f"/scoring/{self.task.answers}": folder / "part.csv", "/ids.json": folder / "ids.json"}

    def _run(self, execution: Execution, mounts: Mapping[str, Path], args: list[str]) -> tuple[Outcome, str]:
        task = self.task
        limits = Limits(seconds=max(120.0, 2 * task.seconds), memory_mb=max(2.0, task.memory_gb) * 1024)
        script = self.artifacts.text(execution.script)
        with workspace(task, script, self.workdir) as (folder, bound):
            for name, content in execution.files.items():
                if f"/workspace/{name}" not in bound:
                    (folder / name).write_bytes(self.artifacts.read(content))
            return run_code(self.rung, MAIN, folder, {**bound, **mounts}, args, limits, task.python)

    def _read(self, outcome: Outcome, errors: str, *, baseline: bool, scored: bool) -> Score:
        """Read what the harness printed. For the starter's submission every fault is the metric script's."""
        file = self.task.scoring / "eval.py"
        lines = [json.loads(line) for line in outcome.output.decode("utf-8", "replace").splitlines()]
        report = lines[0] if lines else {"problem": "", "columns": "", "suspect": ""}
        if report["problem"] and not baseline:
            return Score(problem=report["problem"])
        if not scored and lines:
            return Score(suspect="" if baseline else report["suspect"])
        value = lines[1]["value"] if len(lines) > 1 else None
        if isinstance(value, float):
            return Score(value=value, suspect="" if baseline else report["suspect"])
        raised = fault(outcome, errors, "get_score", value)
        if baseline:
            where = f"{file}:{raised.line}" if raised.line else str(file)
            raise RunFailedError(
                f"{where}: {raised.error}, on the starter's own submission; repair the metric script"
            )
        where = f" (line {raised.line} of eval.py)" if raised.line else ""
        return Score(problem=report["columns"] or f"the metric refuses the submission: {raised.error}{where}")


def fault(outcome: Outcome, errors: str, function: str, value: Any = None) -> Raised:
    """Say why a function of the metric script gave no usable value, from what it wrote to standard error."""
    if value is not None:
        return Raised("", f"{function} returned {value}")
    if outcome.killed:
        return Raised("", f"{function} went over its limit of {outcome.killed}")
    frames = FRAME.findall(errors)
    last = errors.rpartition("\n")[2].strip()[:300]
    return Raised(frames[-1] if frames else "", last or f"{function} ended without a value")


def _first_column(text: str) -> list[str]:
    import csv
    import io

    return [row[0] for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
