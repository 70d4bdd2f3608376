"""Starts runners, the next one ahead of its time: their interpreter and imports take longer than a sandbox does."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

RUNNER = "budgetmlagent.sandbox.process.runner"
RUNNERS = (RUNNER, "budgetmlagent.sandbox.runner")  # the other: of a version before this one, still at work
KEPT = ("OPENBLAS_CORETYPE", "TMPDIR")  # all that a runner is given of our environment: none of our keys


class Standby:
    """Keeps one runner that waits for its job. It ends by itself when its owner does."""

    def __init__(self) -> None:
        self.waiting: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start the next runner, if it can be: whoever needs one is told why not."""
        if self.waiting is None:
            with suppress(OSError):
                self.waiting = _start(Path(os.devnull))

    def run(self, folder: Path) -> "subprocess.Popen[bytes]":
        """Let a runner that belongs to nobody run the job of `folder`, the one that waits or a new one.

        Its last words go to the file `errors` there.
        """
        errors = folder / "errors"
        errors.touch()
        runner, self.waiting = self.waiting or _start(errors), None
        if not _told(runner, folder):  # it was killed while it waited
            runner.wait()
            runner = _start(errors)
            _told(runner, folder)
        return runner

    def close(self) -> None:
        """End the runner that waits."""
        if self.waiting is not None:
            self.waiting.kill()
            self.waiting.communicate()
            self.waiting = None


def _start(errors: Path) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with errors.open("ab") as words:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", RUNNER],
            env={"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[3]), **kept},
            stdin=subprocess.PIPE,
            stdout=words,
            stderr=words,
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
