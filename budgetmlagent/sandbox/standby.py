"""Starts runners, the next one ahead of its time: their interpreter and imports take longer than a sandbox does."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

RUNNER = "budgetmlagent.sandbox.runner"
KEPT = ("OPENBLAS_CORETYPE", "TMPDIR")  # all that a runner is given of our environment: none of our keys


class Standby:
    """Keeps one runner that waits for its job. It ends by itself when its owner does."""

    def __init__(self) -> None:
        self.waiting: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start the next runner."""
        if self.waiting is None:
            self.waiting = _start()

    def run(self, folder: Path) -> "subprocess.Popen[bytes]":
        """Let a runner that belongs to nobody run the job of `folder`, the one that waits or a new one."""
        runner, self.waiting = self.waiting or _start(), None
        if not _told(runner, folder):  # it was killed while it waited
            runner.wait()
            runner = _start()
            _told(runner, folder)
        return runner

    def close(self) -> None:
        """End the runner that waits."""
        if self.waiting is not None:
            self.waiting.kill()
            self.waiting.communicate()
            self.waiting = None


def _start() -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", RUNNER],
        env={"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2]), **kept},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # until it has its folder
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        bufsize=0,
    )


def _told(runner: "subprocess.Popen[bytes]", folder: Path) -> bool:
    """Write the folder, in one piece, and hang up."""
    assert runner.stdin is not None
    with suppress(BrokenPipeError), runner.stdin:
        runner.stdin.write(json.dumps(str(folder)).encode() + b"\n")
        return True
    return False
