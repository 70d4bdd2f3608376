"""New files are written all or none, and never over one that is there."""

from collections.abc import Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError


def write_new(files: Mapping[Path, str]) -> None:
    """Write the texts, with the folders that they need. Raises UsageError."""
    for path in files:
        if path.exists():
            raise UsageError(f"{path}: is there already; nothing was written")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from None
