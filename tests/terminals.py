"""A command at a terminal of its own."""

import os
import pty
from fcntl import ioctl
from struct import pack
from termios import TIOCSWINSZ

import forked


def at_a_terminal(columns: int, *command: str, **more: str) -> tuple[int | None, str]:
    """The status of a command, and what it writes to a terminal of so many columns; `more` is its environment."""
    ours, its = pty.openpty()
    ioctl(its, TIOCSWINSZ, pack("HHHH", 40, columns, 0, 0))
    here = {
        name: value
        for name, value in os.environ.items()
        if name not in ("COLUMNS", "LINES", "NO_COLOR", "TERM")
    }
    process = forked.begun([its] * 3, command, here | {"TERM": "xterm"} | more)
    os.close(its)
    told = b""
    try:
        while part := os.read(ours, 4096):
            told += part
    except OSError:  # its end of the terminal is closed
        pass
    process.join()
    os.close(ours)
    return process.exitcode, told.decode().replace("\r\n", "\n")
