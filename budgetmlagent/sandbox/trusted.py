"""Runs trusted, standalone code of ours on data that a script or a stranger wrote, in a sandbox of its own."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from budgetmlagent.errors import RunFailedError, UnavailableError
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.process.watchdog import Limits, Outcome

CODE = "/code"
MEMORY_MB = 4096.0


def run_module(
    cage: Cage,
    code: Path,
    *,
    mounts_ro: Mapping[str, Path],
    args: Sequence[str],
    seconds: float,
    python: Path | None = None,
) -> str:
    """Run `python -I CODE ARGS` on read-only data and return its standard output.

    `code` is a file, or a folder with `__main__.py`; `mounts_ro` maps absolute paths inside to host paths, and `args`
    speaks of the paths inside. Raises RunFailedError, with the last line of its errors, where it does not exit with 0.
    """
    with scratch("trusted") as folder:
        limits = Limits(seconds=seconds, memory_mb=MEMORY_MB)
        outcome, errors = run_code(cage, code, folder, mounts_ro, args, limits, python)
    if outcome.exit != 0:
        why = f"went over its limit of {outcome.killed}" if outcome.killed else errors.rpartition("\n")[2]
        raise RunFailedError(f"{code.name}: {why or f'ended with status {outcome.exit}'}")
    return outcome.output.decode("utf-8", "replace")


def run_code(
    cage: Cage,
    code: Path,
    workspace: Path,
    mounts_ro: Mapping[str, Path],
    args: Sequence[str],
    limits: Limits,
    python: Path | None,
) -> tuple[Outcome, str]:
    """Run `python -I CODE ARGS` in a workspace; return the outcome and what it wrote to standard error."""
    inside = f"{CODE}/{code.name}"
    bound = {path: source.resolve() for path, source in {inside: code, **mounts_ro}.items()}
    command = ["-I", inside, *args]
    with tempfile.TemporaryFile() as errors:
        job = Job(interpreter(python), command, workspace, limits, readonly=bound, stderr=errors.fileno())
        outcome = cage.launch(job)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - (1 << 20)))  # an exception stands at the end
        text = errors.read(1 << 20).decode("utf-8", "replace").strip()
    if outcome.exit == 1 and text.startswith("bwrap: "):
        raise UnavailableError(f"sandbox: {text.splitlines()[0]}; run `budgetml doctor`")
    return outcome, text
