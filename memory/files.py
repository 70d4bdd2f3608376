"""Files that are there whole or not at all, whatever becomes of their writer."""

import os
import secrets
from pathlib import Path

PART = ".part-"  # how the name of a half-written file begins


def write_whole(path: Path, content: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Write a file that appears, or takes the place of the one there, whole; a `durable` one outlives a power cut.

    Any number of writers may write the same file at once. Raises OSError, and then leaves nothing half written.
    """
    part = path.with_name(PART + secrets.token_hex(8))
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # a full disk needs the room


def half_written(folder: Path) -> list[Path]:
    """Return what a killed writer left in `folder`."""
    return sorted(folder.glob(f"{PART}*"))
