"""No cage but the limits, for `--unsafe`: what would be bound is copied, into the workspace or beside it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Outcome, Watchdog


@dataclass(frozen=True)
class Bare(Cage):
    """A bare process that the watchdog holds to its limits."""

    name: ClassVar[str] = "unsafe"

    @property
    def words(self) -> str:
        """See `Cage`."""
        return "UNSAFE: a bare process, with limits but no isolation, on the user's word"

    def launch(self, job: Job) -> Outcome:
        """See `Cage`."""
        view = job.workspace.with_name(job.workspace.name + "-view")
        view.mkdir()
        try:
            places = _copied(job, view)
            # Without a user namespace the kernel would count all the user's processes, not only the script's.
            command = job.command([_outside(arg, places) for arg in job.args], processes=None)
            env = job.environment(str(job.workspace), isolated=False)
            with job.fence() as fence:
                process = job.start([*fence, *_tied(), *self.around(command, env, job, view)], env)
                return Watchdog(process, None, job.limits, job.workspace, fence).watch()
        finally:
            shutil.rmtree(view, ignore_errors=True)

    def around(self, command: list[str], env: dict[str, str], job: Job, view: Path) -> list[str]:
        """Return the command line that runs `command`, changing `env` if need be; `view` holds what was copied."""
        del env, job, view
        return command


UNSAFE = Bare()


def _copied(job: Job, view: Path) -> dict[str, Path]:
    """Copy what would be bound; return each path inside and where it is to be found outside."""
    places = {"/workspace": job.workspace}
    for inside, source in job.readonly.items():
        path = PurePosixPath(inside)
        known = path.is_relative_to("/workspace")
        target = job.workspace / path.relative_to("/workspace") if known else view / inside.lstrip("/")
        places[inside] = target
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    return places


def _outside(arg: str, places: Mapping[str, Path]) -> str:
    """Translate an argument that is a path inside."""
    for inside in sorted(places, key=len, reverse=True):
        if arg == inside or arg.startswith(inside + "/"):
            return str(places[inside]) + arg[len(inside) :]
    return arg


def _tied() -> list[str]:
    """The command that has the kernel kill a bare process when we die, where there is one."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
