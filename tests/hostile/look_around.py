"""Report what can be seen: namespaces, processes, descriptors, environment, rights, mounts, devices, limits."""

import json
import os
import resource
import socket
from pathlib import Path


def can_write(folder):
    try:
        Path(folder, "made").write_text("x")
    except OSError:
        return False
    return True


def text(path):
    try:
        return Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return "not to be read"


def megabytes(folder):
    status = os.statvfs(folder)
    return status.f_blocks * status.f_frsize >> 20


status = dict(
    line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
)
opened = []
for name in os.listdir("/proc/self/fd"):
    try:
        what = os.readlink(f"/proc/self/fd/{name}")
    except OSError:  # of the list itself
        continue
    if not what.startswith(("pipe:", "/dev/null") if int(name) < 3 else "/proc/"):
        opened.append(what)
mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
print(
    json.dumps(
        {
            "namespaces": {
                name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")
            },
            "processes": [name for name in os.listdir("/proc") if name.isdigit()],
            "session": os.getsid(0),
            "descriptors": opened,
            "environment": sorted(os.environ),
            "first environment": text("/proc/1/environ"),
            "capabilities": [
                status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")
            ],
            "user": [os.getuid(), os.getgid()],
            "no new privileges": status["NoNewPrivs"].strip(),
            "host": socket.gethostname(),
            "root": sorted(os.listdir("/")),
            "devices": sorted(os.listdir("/dev")),
            "writable": [p for p in ("/", "/dev", "/workspace", "/tmp", "/dev/shm") if can_write(p)],
            "writable mounts": sorted({mount[4] for mount in mounts if "rw" in mount[5].split(",")}),
            "megabytes": {folder: megabytes(folder) for folder in ("/tmp", "/dev/shm")},
            "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
            "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        }
    )
)
