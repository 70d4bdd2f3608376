"""One execution, in a process of its own: `python -m budgetmlagent.sandbox.process.runner`, its folder by standard input.

It owns sandbox, limits and log, and belongs to no terminal and no parent: who asked for the execution may be killed at
any moment. The folder holds `job.json` (what to run), `run.json` (who runs it), `log` and `result.json`, which appears
whole when every process of the script is dead. A runner that is killed itself takes the sandbox along.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import psutil

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages import seccomp
from budgetmlagent.sandbox.cages.bare import Bare
from budgetmlagent.sandbox.cages.bubblewrap import Bubblewrap
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import Interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.cages.sandlock import Sandlock
from budgetmlagent.sandbox.process.watchdog import Limits, Outcome
from memory.files import write_whole

BOOT = Path("/proc/sys/kernel/random/boot_id")
CAGES: dict[str, type[Cage]] = {cage.name: cage for cage in (Bubblewrap, Sandlock, Bare)}


def main() -> None:
    """Wait for the name of a folder, and run its job to its end, unless another process has taken it."""
    with suppress(UnavailableError):  # it is told when the filter is needed
        seccomp.program(network=False)  # takes as long as starting a script does
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        return  # whoever would have had a job is gone
    folder = Path(json.loads(line))
    os.chdir(folder)  # by which `clean` knows that it is in use
    with Path("errors").open("ab") as errors:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(errors.fileno(), stream.fileno())
    me = psutil.Process()
    if not claim(folder, {"pid": me.pid, "started": me.create_time(), "boot": BOOT.read_text().strip()}):
        return
    cage, job = read_job(folder)
    try:
        outcome = cage.launch(job)
    except UnavailableError as error:
        _tell(folder, {"unavailable": str(error)})
        return
    (folder / "log").write_bytes(outcome.output)
    told = {k: v for k, v in asdict(outcome).items() if k != "output"}
    _tell(folder, {**told, "bytes": len(outcome.output)})


def _tell(folder: Path, result: Mapping[str, Any]) -> None:
    write_whole(folder / "result.json", json.dumps(result).encode(), durable=True)


def claim(folder: Path, who: Mapping[str, Any]) -> bool:
    """Write down who runs the job, {} for nobody; False where that is settled already."""
    part = folder / f".run-{os.getpid()}"
    part.write_text(json.dumps(who))
    try:
        os.link(part, folder / "run.json")  # unlike a rename it fails where there is one
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True


def runner_of(folder: Path) -> psutil.Process | None:
    """Return the process that runs the job, None where it is dead: a pid alone may be another's by now."""
    said = json.loads((folder / "run.json").read_text())
    if said.get("boot") != BOOT.read_text().strip():
        return None
    try:
        process = psutil.Process(said["pid"])
        alive = process.create_time() == said["started"] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if alive else None


def read_result(folder: Path) -> Outcome | None:
    """Return how the job ended, None where nobody knows: the log of one from before a crash of the machine may be cut off.

    Raises UnavailableError where the sandbox did not start.
    """
    path = folder / "result.json"
    if not path.exists():
        return None
    said = json.loads(path.read_text())
    if "unavailable" in said:
        raise UnavailableError(said["unavailable"])
    output = (folder / "log").read_bytes()
    whole = len(output) == said.pop("bytes", -1)
    return Outcome(output=output, **said) if whole else None


def write_job(folder: Path, cage: Cage, job: Job) -> None:
    """Write what is to be run. Only a runner that is alive reads it: it need not be on the disk."""
    said = {"cage": [cage.name, vars(cage)], "job": vars(job)}
    plain = json.dumps(said, default=lambda part: vars(part) if is_dataclass(part) else str(part))
    write_whole(folder / "job.json", plain.encode())


def read_job(folder: Path) -> tuple[Cage, Job]:
    """Read it back."""
    said: dict[str, Any] = json.loads((folder / "job.json").read_text())
    (name, cage), job = said["cage"], said["job"]
    python = job["python"]
    path, prefix, base = (Path(python[name]) for name in ("path", "prefix", "base_prefix"))
    paths = {
        "python": Interpreter(path, prefix, base, python["version"], tuple(map(Path, python["packages"]))),
        "limits": Limits(**job["limits"]),
        "workspace": Path(job["workspace"]),
        "readonly": {inside: Path(source) for inside, source in job["readonly"].items()},
        "hidden": tuple(map(Path, job["hidden"])),
        "masks": tuple(map(Path, job["masks"])),
    }
    return CAGES[name](**cage | {"binary": cage["binary"] and Path(cage["binary"])}), Job(**job | paths)


if __name__ == "__main__":
    main()
    os._exit(0)  # somebody waits, and taking an interpreter down takes some milliseconds
