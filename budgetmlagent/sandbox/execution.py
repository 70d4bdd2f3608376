"""Runs a task's scripts in the sandbox and takes what they submit."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from budgetmlagent.sandbox import names, snapshot, static
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.detached import Ended, execute
from budgetmlagent.sandbox.process.standby import Standby
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.sandbox.workspace import SCRIPT, lay_out, remove, take
from budgetmlagent.tasks.folder import TaskFolder
from budgetmlagent.tasks.pins import changed, pins
from memory.attempts import TAIL
from memory.files import parsed, read_plain, write_whole
from nodes.craft.repairs.cures import cure_runtime, cure_static
from nodes.deps import Artifacts, Execution, Finding, Here

EXECUTION = "execution-"


class ScriptSandbox:
    """`nodes.deps.Sandbox` for one task. `workdir` holds the executions of the newest step.

    `shortened` fits a limit of time into what is left of the run's. `standby` may have a runner that waits.
    `before` is what the task was pinned to where the run has begun earlier; `changed` names what is not so any more.
    """

    def __init__(
        self,
        task: TaskFolder,
        cage: Cage,
        artifacts: Artifacts,
        workdir: Path,
        shortened: Callable[[float], float] = lambda seconds: seconds,
        standby: Standby | None = None,
        before: Mapping[str, str] | None = None,
    ) -> None:
        self.task, self.cage, self.artifacts, self.workdir = task, cage, artifacts, workdir
        self.python = interpreter(task.python)
        self.shortened, self.standby = shortened, standby
        self.asked: Counter[str] = Counter()
        now = pins(task)
        self.before = dict(before or now)
        self.changed = changed(self.before, now)
        # Hashed once: the data is bound into every workspace, and no script can change it.
        self.data = {name: digest for name in task.readonly if (digest := now.get(f"env/{name}"))}

    def run(self, here: Here, script: str) -> Execution:
        """Run `script` in a fresh workspace; in a step that a crash interrupted, go on with what it had begun.

        Raises UnavailableError where the sandbox does not start.
        """
        folder = self._folder(here, script)
        kept = folder / "execution.json"
        if kept.exists():
            return Execution.of(parsed(read_plain(kept)))
        ended = execute(folder, self.cage, lambda workspace: self._job(script, workspace), self.standby)
        execution = self._taken(script, ended)
        # What a script left may be a trap for whoever looks at it there; all that is of use is an artifact now.
        write_whole(kept, json.dumps(asdict(execution)).encode(), durable=True)
        remove(ended.workspace)
        return execution

    def _taken(self, script: str, ended: Ended) -> Execution:
        """Take what a script left, all of whose processes are dead."""
        outcome = ended.outcome
        files, refused = take(ended.workspace, self.task.submission)
        output = outcome.output.decode("utf-8", "replace")
        for sentence in refused:
            output += ("" if output.endswith("\n") or not output else "\n") + sentence + "\n"
        return Execution(
            script=self.artifacts.put(script),
            exit=outcome.exit,
            seconds=round(outcome.seconds, 3),
            alone=round(outcome.alone, 3),
            output=self.artifacts.put(output),
            tail=output[-TAIL:],
            killed=outcome.killed,
            memory_mb=round(outcome.memory_mb, 1),
            files={name: self.artifacts.put(content) for name, content in files.items()},
            lost=ended.lost,
            refused=len(refused),
            snapshot=snapshot.take(ended.workspace, self.artifacts, self.data),
        )

    def _job(self, script: str, workspace: Path) -> Job:
        task = self.task
        bound = lay_out(task, script, workspace)
        limits = Limits(
            seconds=self.shortened(task.seconds),
            memory_mb=task.memory_gb * 1024,
            disk_mb=task.disk_gb * 1024,
            output_mb=task.output_mb,
            processes=task.processes,
        )
        return Job(
            self.python, [SCRIPT], workspace, limits,
            readonly=bound, hidden=(task.scoring, self.workdir), network=task.network, gpu=task.gpu,
        )  # fmt: skip

    def _folder(self, here: Here, script: str) -> Path:
        """Return the folder of the step's next execution of `script`; those of steps before are removed.

        A step that is repeated after a crash asks for the same ones in the same order.
        """
        step = hashlib.sha256(here.call.encode()).hexdigest()[:16]
        for folder in self.workdir.glob(f"{EXECUTION}*"):
            if not folder.name.startswith(f"{EXECUTION}{step}-"):
                remove(folder)
        name = f"{EXECUTION}{step}-{hashlib.sha256(script.encode('utf-8', 'replace')).hexdigest()[:16]}"
        self.asked[name] += 1
        return self.workdir / f"{name}-{self.asked[name]}"

    def check(self, script: str) -> Sequence[Finding]:
        """Return what would certainly fail. The script is read, never run."""
        return static.check(script, self.python, self.task.env)

    def names(self) -> Mapping[str, str]:
        """Return public names of the interpreter's libraries and the module to import each from."""
        return names.index(self.cage, self.python)

    def integrity(self, refused: int = 0) -> dict[str, Any]:
        """Return the integrity verdict: whether the task is what it was.

        `checked` counts its files and settings, `attempts` what was tried against them and the `refused` submissions: no
        plain files.
        """
        found = changed(self.before, pins(self.task))
        return {
            "ok": not found,
            "checked": len(self.before),
            "changed": found,
            "attempts": refused + len(found),
        }


class LibraryRepairs:
    """`nodes.deps.Repairs` by rules, bound to the interpreter of a sandbox and its libraries."""

    def __init__(self, sandbox: ScriptSandbox) -> None:
        self._sandbox = sandbox

    def before(self, script: str, sources: Sequence[str]) -> tuple[str, list[str]]:
        """Mend what the static check finds."""
        return cure_static(script, self._sandbox.check(script), self._sandbox.names(), sources)

    def after(self, script: str, tail: str, sources: Sequence[str]) -> tuple[str, list[str]]:
        """Mend what the error at the end of the output says."""
        return cure_runtime(script, tail, self._sandbox.names(), sources)
