"""Attacks as root and as an ordinary user: root has each carried out by a child process that has given root up.

The interpreter may lie where root alone can enter, as in /root. The child has a view of the file system of its own, in
which the folders above it are empty and open; it is bubblewrap that makes it, without any fence.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import attacks
import fences

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages import cgroup
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.bubblewrap import found
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.process.probe import probe

USERS = ("root", "ordinary") if os.geteuid() == 0 else ("ordinary",)
UID = "61234"  # of no account
REPOSITORY = Path(__file__).resolve().parents[1]


def answer(cage: Cage, kind: str, name: str = "") -> bool | list[str]:
    """Carry out an attack ("held": on the cage, "free": without), or try what a fence is for ("stands", "down").

    For "sights" and "doors" return all that is seen and should not be, and the system calls that are let through.
    """
    with tempfile.TemporaryDirectory(prefix="budgetml-attack-", ignore_cleanup_errors=True) as folder:
        if kind in ("held", "free"):
            return attacks.outcome(attacks.NAMES[name], cage if kind == "held" else UNSAFE, Path(folder))
        if kind in ("sights", "doors"):
            return sorted(getattr(fences, kind)(cage, Path(folder)))
        fence = next(fence for fence in fences.FENCES if fence.name == name)
        return fences.is_open(fence, cage, Path(folder), stands=kind == "stands")


class Attacker:
    """Answers for one user. `missing` says why it cannot, "" where it can."""

    def __init__(self, user: str) -> None:
        self.user, self.missing = user, ""
        self.child: subprocess.Popen[str] | None = None
        if user == USERS[0]:
            self.cage = probe()
        else:
            self._start()

    def ask(self, kind: str, name: str = "") -> bool | list[str]:
        """Return `answer`'s answer. A child that has failed at one is started anew for the next."""
        if self.child is not None and self.child.poll() is not None:
            self._start()
            assert self.child, self.missing
        if self.child is None:
            return answer(self.cage, kind, name)
        assert self.child.stdin is not None and self.child.stdout is not None
        print(json.dumps([kind, name]), file=self.child.stdin, flush=True)
        line = self.child.stdout.readline()
        if not line:
            self.close()
        assert line, f"the child that is an ordinary user has failed at {name}; its error stands above"
        return json.loads(line)

    def lacks(self, needs: str) -> str:
        """Say why what `needs` something cannot be tried here, "" where it can."""
        if needs == attacks.GROUPS:
            there = self.user != "root" or cgroup.home() is not None
        elif needs.startswith("/"):
            there = os.access(needs, os.W_OK)
        else:
            there = needs in ("", os.uname().machine) or shutil.which(needs) is not None
        return self.missing or ("" if there else f"needs {needs}")

    def close(self) -> None:
        """End the child."""
        if self.child is not None:
            self.child.communicate()

    def _start(self) -> None:
        command = become([sys.executable, "-B", str(Path(__file__).resolve())])
        if not command:
            self.missing = "no bubblewrap or setpriv with which root could become an ordinary user"
            return
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if line != "ready\n":
            self.child.communicate()
            self.child, self.missing = None, f"an ordinary user cannot: {line.strip() or 'it did not start'}"


def become(command: list[str], before: Iterable[str] = ()) -> list[str]:
    """Return what runs a command as an ordinary user, behind `before` that root still runs; [] where nothing does."""
    setpriv, binaries = shutil.which("setpriv"), found()
    if setpriv is None or not binaries:
        return []
    view = [str(binaries[0].binary), "--dev-bind", "/", "/", "--die-with-parent"]
    needed = {Path(sys.prefix), Path(sys.base_prefix), REPOSITORY}
    closed = {folder for path in needed for folder in path.parents if not folder.stat().st_mode & 0o001}
    for top in sorted(closed):
        if closed.isdisjoint(top.parents):
            view += ["--perms", "0755", "--tmpfs", str(top)]
    for path in sorted(needed):
        if not closed.isdisjoint(path.parents):
            for folder in reversed(path.parents):
                if not closed.isdisjoint(folder.parents):
                    view += ["--perms", "0755", "--dir", str(folder)]
            view += ["--bind", str(path), str(path)]
    user = [setpriv, f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    env = ["env", "-i", f"PATH={os.environ['PATH']}", f"PYTHONPATH={REPOSITORY}", "LANG=C.UTF-8"]
    return [*view, "--", *before, *user, *env, *command]


def main() -> None:
    """Answer the questions that come, a line each."""
    try:
        cage = probe()
    except UnavailableError as error:
        print(error)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(cage, *json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
