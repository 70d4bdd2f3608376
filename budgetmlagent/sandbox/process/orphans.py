"""Sandboxes that never began: bubblewrap's inner process waits for the word of a runner that was killed in that moment.

`--die-with-parent` holds from a little later on, so nothing else would ever end it. No script runs in it.
"""

from contextlib import suppress
from pathlib import Path

import psutil

from budgetmlagent.sandbox.process.standby import RUNNER


def end_orphans(workdir: Path) -> None:
    """Kill each process of bubblewrap on a folder below `workdir` that has lost its parent.

    To be called by the one process whose folder it is, before it starts a sandbox there. What keeps one is told by its
    command line: a runner, or the bubblewrap outside, which names `workdir` too.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended meanwhile, or is another user's
            program = Path(next(iter(process.cmdline()), ""))
            if program.name == "bwrap" and _names(process, workdir):
                parent = process.parent()
                if parent is None or not (RUNNER in parent.cmdline() or _names(parent, workdir)):
                    process.kill()


def _names(process: psutil.Process, workdir: Path) -> bool:
    return any(word.startswith(f"{workdir}/") for word in process.cmdline())
