"""A command at a terminal of its own."""

import os
import pty
import subprocess
import sys
from fcntl import ioctl
from struct import pack
from termios import TIOCSWINSZ


def at_a_terminal(columns: int, *command: str, **more: str) -> tuple[int, str]:
    """The status of a command, and what it writes to a terminal of so many columns; `more` is its environment."""
    ours, its = pty.openpty()
    ioctl(its, TIOCSWINSZ, pack("HHHH", 40, columns, 0, 0))
    here = {
        name: value
        for name, value in os.environ.items()
        if name not in ("COLUMNS", "LINES", "NO_COLOR", "TERM")
    }
    with subprocess.Popen(
        [sys.executable, "-m", "budgetmlagent", *command],
        stdin=its,
        stdout=its,
        stderr=its,
        env=here | {"TERM": "xterm"} | more,
    ) as started:
        os.close(its)
        told = b""
        try:
            while part := os.read(ours, 4096):
                told += part
        except OSError:  # its end of the terminal is closed
            pass
    os.close(ours)
    return started.returncode, told.decode().replace("\r\n", "\n")
