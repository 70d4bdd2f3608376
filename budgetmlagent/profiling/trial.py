"""Runs the scripts that models write in exercises: in a sandbox, beside copies of the exercises' tables."""

import shutil
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from budgetmlagent.errors import UnavailableError
from budgetmlagent.profiling.exercises import FOLDER
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.sandbox.workspace import SCRIPT

LIMITS = Limits(seconds=30, memory_mb=1024, disk_mb=64, output_mb=1, processes=64)
NEEDED = ("numpy", "pandas", "sklearn")  # by the exercises


class Trial:
    """A place to run scripts in. Raises UnavailableError where no sandbox works here, or a library is missing."""

    def __init__(self, *, unsafe: bool = False) -> None:
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            what = f"{', '.join(missing)}: not installed, and scripts of the exercises use them"
            raise UnavailableError(f"{what}: run `pip install 'budgetmlagent[local]'`")
        self.cage: Cage = probe(unsafe=unsafe)
        self.python = interpreter(None)

    @cached_property
    def masks(self) -> tuple[Path, ...]:
        """What is to be hidden from each script, looked for once."""
        return Job(self.python, [], FOLDER, LIMITS).masked()

    def run(self, script: str, files: tuple[str, ...]) -> tuple[str, str]:
        """Run a script beside `files`; return what it printed, and what is wrong with how it ended, "" for nothing."""
        with scratch("profile") as folder:
            for name in files:
                shutil.copyfile(FOLDER / name, folder / name)
            (folder / SCRIPT).write_text(script, encoding="utf-8", errors="replace")
            outcome = self.cage.launch(Job(self.python, [SCRIPT], folder, LIMITS, masks=self.masks))
        output = outcome.output.decode("utf-8", "replace")
        if outcome.killed:
            return output, f"stopped: {outcome.killed}"
        return output, "" if outcome.exit == 0 else "the script crashed"
