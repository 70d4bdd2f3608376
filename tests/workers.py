"""The processes of this one that make a bench's runs here (`budgetmlagent.bench.here.Child`), killed from outside."""

import os
from contextlib import suppress

import psutil


def kill() -> None:
    """Kill them, and come back when they are gone; their exit statuses are left for whoever started them."""
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, ChildProcessError):  # any child may end, or have ended, meanwhile
            if "budgetmlagent.bench.worker" in child.cmdline():
                child.kill()
                os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
