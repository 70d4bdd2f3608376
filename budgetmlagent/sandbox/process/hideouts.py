"""Where a script can keep files so that no count finds them, and how that is told from outside.

Such files have no name, and no descriptor that an onlooker could follow: they are on their way in a socket's queue, a mapping
alone holds them, they lie in a folder that cannot be listed, or belong to a process whose descriptors cannot be read. Their
size cannot be known. Of most programs, nothing is ever in such a place for longer than a moment.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from budgetmlagent.sandbox.process.usage import Seen

IN_FLIGHT = re.compile(rb"^scm_fds:\s+[1-9]", re.MULTILINE)  # since Linux 5.8; in the fdinfo of a socket


def found(tree: Iterable[Seen], locked: Iterable[str], workspace: Path) -> str:
    """Say in which way files of the tree may be hidden, "" for none.

    `locked` are folders that could not be listed, `workspace` is the one folder on the disk that is writable: inside it is
    /workspace. Costs milliseconds for each process.
    """
    mapped = [b" /workspace/", b" " + os.fsencode(workspace) + b"/"]
    for seen in tree:
        try:
            if any(_is_sending(seen.place, name) for name in os.listdir(f"{seen.place}/fd")):  # noqa: PTH208
                return "on their way in a socket"
            rows = Path(seen.place, "maps").read_bytes().splitlines()
        except PermissionError:
            return "open in a process that cannot be read"
        except OSError:  # it has ended meanwhile
            continue
        if any(row.endswith(b" (deleted)") and any(name in row for name in mapped) for row in rows):
            return "mapped alone"
    return "in a folder that cannot be listed" if any(locked) else ""


def _is_sending(place: str, name: str) -> bool:
    """Tell whether a descriptor is of a socket in which other descriptors wait to be received."""
    try:
        if not os.readlink(f"{place}/fd/{name}").startswith("socket:"):  # noqa: PTH115
            return False
        return IN_FLIGHT.search(Path(place, "fdinfo", name).read_bytes()) is not None
    except FileNotFoundError:
        return False
