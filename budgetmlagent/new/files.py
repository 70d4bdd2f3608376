"""New files are written all or none, and never over one that is there."""

import os
from collections.abc import Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError


def write_new(files: Mapping[Path, str]) -> None:
    """Write the texts, with the folders that they need. Raises UsageError."""
    for path in files:
        if os.path.lexists(path):  # a link to what is not there yet, too: it would be written elsewhere
            raise UsageError(f"{path}: is there already; nothing was written")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from None
