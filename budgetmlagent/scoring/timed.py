"""Times a function of a script from outside: by a clock, and on inputs, that the script cannot reach.

The function's process says when it has loaded the script. Only then are the inputs, made elsewhere from seeds that were
never used before, handed to it, and the clock of this process runs until the last byte of the results is back. Whatever
the script does in its process, it can therefore be fast in one way only: to have the results early. They are compared
in another sandbox, and count only where all are right.
"""

import secrets
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from budgetmlagent.errors import RunFailedError
from budgetmlagent.inside import timed as inside_timed
from budgetmlagent.inside.timed import LENGTH, READY
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.process.watchdog import Limits, Outcome
from budgetmlagent.sandbox.trusted import CODE, run_code
from budgetmlagent.sandbox.workspace import MOST_BYTES, lay_out, take
from budgetmlagent.scoring.scorer import Final, is_baseline, judge_limits
from budgetmlagent.scoring.verdict import Raised, fault, place
from budgetmlagent.tasks.folder import TaskFolder
from budgetmlagent.tasks.taskfile import Timed
from memory.artifacts import Artifacts
from memory.noise import noise_of
from nodes.deps import Execution, Score

MAIN = Path(inside_timed.__file__)


@dataclass(frozen=True)
class Timing:
    """One measurement: seconds and the packed results, or a sentence why there are none."""

    seconds: float = 0.0
    results: bytes = b""
    problem: str = ""


class TimedScorer:
    """`nodes.deps.Scorer` for one task whose function `timed.function` is to be fast.

    The score is the median of seconds: each repeat has inputs of its own, and the least would be that of the easiest.
    """

    def __init__(
        self, task: TaskFolder, timed: Timed, cage: Cage, artifacts: Artifacts, workdir: Path
    ) -> None:
        self.task, self.timed, self.cage, self.artifacts, self.workdir = task, timed, cage, artifacts, workdir
        self.limits = Limits(seconds=task.seconds, memory_mb=task.memory_gb * 1024)
        self.judge_limits = judge_limits(task)

    def score(self, execution: Execution) -> Score:
        """Time the function of an execution's script on fresh inputs.

        Raises RunFailedError where eval.py fails, or the starter's results are not right.
        """
        return self._measure([execution])[0]

    def final(self, baseline: Execution, best: Execution) -> Final:
        """Return the seconds of the two, measured in alternation on the same fresh inputs; None for wrong results.

        Raises RunFailedError where eval.py fails, or the starter's results are not right.
        """
        same = baseline.script == best.script
        scores = self._measure([baseline] if same else [baseline, best])
        first, last = scores[0], scores[-1]
        noise = None if same else noise_of(first.samples, last.samples, paired=False)
        return Final(first.value, last.value, noise)

    def _measure(self, executions: Sequence[Execution]) -> list[Score]:
        """Time the scripts in turn, once on each of the inputs; one that failed is not called again."""
        inputs = self._inputs()
        timings: list[list[Timing]] = [[] for _ in executions]
        for data in inputs.values():
            for execution, past in zip(executions, timings, strict=True):
                if not past or not past[-1].problem:
                    past.append(self._time(execution, data))
        return [self._score(e, inputs, past) for e, past in zip(executions, timings, strict=True)]

    def _inputs(self) -> dict[int, bytes]:
        """Let eval.py make the packed inputs of each repeat, by their seeds."""
        seeds = [secrets.randbits(32) for _ in range(self.timed.repeats)]
        with scratch("inputs", self.workdir) as folder:
            outcome, errors = self._run_ours(folder, "make", seeds)
            files, refused = take(folder, "*.npz")
        if outcome.exit != 0 or refused:
            raised = Raised("", refused[0]) if refused else fault(outcome, errors, "make_inputs")
            raise RunFailedError(f"{place(self.task, raised)}: make_inputs: {raised.error}; repair it")
        return {seed: files[f"{seed}.npz"] for seed in seeds}

    def _time(self, execution: Execution, inputs: bytes) -> Timing:
        """Load the script in a sandbox without the scoring folder, and time one round of calls."""
        inside = f"{CODE}/{MAIN.name}"
        script = self.artifacts.text(execution.script)
        ours, theirs = socket.socketpair()
        with scratch("timing", self.workdir) as folder, ours, theirs:
            bound = lay_out(self.task, script, folder)
            job = Job(
                interpreter(self.task.python), ["-I", inside, "call", self.timed.function], folder,
                self.limits, readonly={**bound, inside: MAIN}, hidden=(self.task.scoring, self.workdir),
                stdin=theirs.fileno(),
            )  # fmt: skip
            with ThreadPoolExecutor(1) as pool:
                talk = pool.submit(_converse, ours, inputs)
                try:
                    outcome = self.cage.launch(job)
                finally:
                    # Nobody answers any more. What has arrived can still be read.
                    ours.shutdown(socket.SHUT_RDWR)
        return talk.result() or Timing(problem=self._failure(outcome))

    def _failure(self, outcome: Outcome) -> str:
        """Say why no results came."""
        function = self.timed.function
        if outcome.killed:
            return f"{function} was stopped when it was timed: it went over its limit of {outcome.killed}"
        last = outcome.output.decode("utf-8", "replace").strip().rpartition("\n")[2].strip()[:300]
        if outcome.exit != 0 and last:
            return f"{function} failed when it was timed: {last}"
        return f"the script ended before {function} had returned its results"

    def _score(self, execution: Execution, inputs: Mapping[int, bytes], timings: Sequence[Timing]) -> Score:
        """Compare the results, all of which must be right."""
        problem = timings[-1].problem or self._difference(execution, inputs, timings)
        if not problem:
            samples = tuple(round(timing.seconds, 6) for timing in timings)
            return Score(statistics.median(samples), samples=samples, paired=False)
        if is_baseline(self.task, execution, self.artifacts):
            raise RunFailedError(f"{self.task.env / 'train.py'}: the starter: {problem}")
        return Score(problem=problem)

    def _difference(
        self, execution: Execution, inputs: Mapping[int, bytes], timings: Sequence[Timing]
    ) -> str:
        """Let eval.py compare the results, in a sandbox that the script has never seen; "" where they are right."""
        with scratch("results", self.workdir) as folder:
            for (seed, data), timing in zip(inputs.items(), timings, strict=True):
                (folder / f"{seed}.npz").write_bytes(data)
                (folder / f"{seed}.results.npz").write_bytes(timing.results)
            outcome, errors = self._run_ours(folder, "check", list(inputs))
        if outcome.exit == 0:
            return ""
        raised = fault(outcome, errors, "check")
        if is_baseline(self.task, execution, self.artifacts):
            raise RunFailedError(
                f"{place(self.task, raised)}: check: {raised.error}, on the starter's own results; repair one of them"
            )
        return f"{self.timed.function} returned wrong results: {raised.error.removeprefix('ValueError: ')}"

    def _run_ours(self, folder: Path, phase: str, seeds: Sequence[int]) -> tuple[Outcome, str]:
        args, mounts = [phase, "/scoring", *map(str, seeds)], {"/scoring": self.task.scoring}
        return run_code(self.cage, MAIN, folder, mounts, args, self.judge_limits, self.task.python)


def _converse(channel: socket.socket, inputs: bytes) -> Timing | None:
    """Hand over the inputs when the other side is ready, and time its answer; None where none came."""
    with suppress(OSError), channel.makefile("rb") as reader:  # OSError: the other side is gone
        if reader.read(1) != READY:
            return None
        started = time.perf_counter()
        channel.sendall(len(inputs).to_bytes(LENGTH, "big") + inputs)
        size = int.from_bytes(reader.read(LENGTH), "big")
        if size > MOST_BYTES:
            channel.shutdown(socket.SHUT_RDWR)  # or it would go on sending
            found = f"{size / (1 << 20):.1f} MiB"
            return Timing(problem=f"the results have {found}, {MOST_BYTES >> 20} are the most")
        results = reader.read(size)
        seconds = time.perf_counter() - started
        if size and len(results) == size:
            return Timing(seconds, results)
    return None
