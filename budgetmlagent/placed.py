"""Where a store stands that can be a file or a database: a note beside the file's place says so, for who forgets the setting.

Money that one machine keeps in a file, while others keep theirs on a server, would have two budgets.
"""

from contextlib import suppress
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.postgres import Address
from memory.files import read_plain, write_whole

LONGEST = 1_000  # bytes of a note


def placed(file: Path, address: Address | None, setting: str) -> Path | Address:
    """Return the store's place: `address` where that is set, else `file`. From then on a note says which database it is.

    Raises UsageError where the note says that it is on a server, and none is set.
    """
    note = file.with_suffix(".server")
    if address is None and note.exists():
        raise UsageError(
            f"{note}: {setting} at {_read(note)}: name that database by `{setting}` in budgetml.toml or by"
            f" BUDGETML_{setting.upper()}"
        )
    if address is None:
        return file
    if file.parent.is_dir() and not note.exists():
        with suppress(OSError):  # a folder that is only looked at
            write_whole(note, f"{address}\n".encode())
    return address


def _read(note: Path) -> str:
    try:
        return read_plain(note, LONGEST).decode("utf-8").strip()
    except (OSError, ValueError):
        return "a server"
