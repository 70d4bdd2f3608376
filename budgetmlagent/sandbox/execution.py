"""Runs a task's scripts in the sandbox and takes what they submit."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.sandbox import gate, names
from budgetmlagent.sandbox.interpreter import interpreter
from budgetmlagent.sandbox.launch import Job, Rung, launch
from budgetmlagent.sandbox.watchdog import Limits
from budgetmlagent.sandbox.workspace import SCRIPT, TaskFiles, take, workspace
from nodes.deps import Artifacts, Execution, Finding, Here

TAIL = 4000  # characters


class ScriptSandbox:
    """`nodes.deps.Sandbox` for one task. `workdir` holds the workspaces while they live."""

    def __init__(self, task: TaskFiles, rung: Rung, artifacts: Artifacts, workdir: Path) -> None:
        self.task, self.rung, self.artifacts, self.workdir = task, rung, artifacts, workdir
        self.python = interpreter(task.python)
        self.attempts = 0  # submissions that were no plain file
        self.before = self._sealed()

    def run(self, here: Here, script: str) -> Execution:  # noqa: ARG002 - every run is alike, whoever asks
        """Run `script` in a fresh workspace.

        Raises UnavailableError where the sandbox does not start.
        """
        task = self.task
        limits = Limits(
            seconds=task.seconds,
            memory_mb=task.memory_gb * 1024,
            disk_mb=task.disk_gb * 1024,
            output_mb=task.output_mb,
            processes=task.processes,
        )
        with workspace(task, script, self.workdir) as (folder, bound):
            hidden = (task.scoring, self.workdir)
            job = Job(
                self.python, [SCRIPT], folder, limits,
                readonly=bound, hidden=hidden, network=task.network, gpu=task.gpu,
            )  # fmt: skip
            outcome = launch(self.rung, job)
            files, refused = take(folder, task.submission)
        self.attempts += len(refused)
        output = outcome.output.decode("utf-8", "replace")
        for sentence in refused:
            output += ("" if output.endswith("\n") or not output else "\n") + sentence + "\n"
        return Execution(
            script=self.artifacts.put(script),
            exit=outcome.exit,
            seconds=round(outcome.seconds, 3),
            output=self.artifacts.put(output),
            tail=output[-TAIL:],
            killed=outcome.killed,
            memory_mb=round(outcome.memory_mb, 1),
            files={name: self.artifacts.put(content) for name, content in files.items()},
        )

    def check(self, script: str) -> Sequence[Finding]:
        """Return what would certainly fail. The script is read, never run."""
        return gate.check(script, self.python, self.task.env)

    def names(self) -> Mapping[str, str]:
        """Return public names of the interpreter's libraries and the module to import each from."""
        return names.index(self.rung, self.python)

    def seal(self) -> dict[str, Any]:
        """Return the integrity verdict: whether scorer, answers and read-only files are what they were.

        `checked` counts files, `attempts` what was tried against them and submissions that were no plain file.
        """
        now = self._sealed()
        changed = sorted(
            name for name in self.before.keys() | now.keys() if self.before.get(name) != now.get(name)
        )
        return {
            "ok": not changed,
            "checked": len(self.before),
            "changed": changed,
            "attempts": self.attempts + len(changed),
        }

    def _sealed(self) -> dict[str, str]:
        """Hash the files that no script may change, by a name relative to the task."""
        task = self.task
        files = {f"env/{name}": task.env / name for name in task.readonly}
        for path in sorted(task.scoring.rglob("*")):
            if "__pycache__" not in path.parts:
                files[f"{task.scoring.name}/{path.relative_to(task.scoring).as_posix()}"] = path
        return {name: _sha256(path) for name, path in files.items() if path.is_file()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
