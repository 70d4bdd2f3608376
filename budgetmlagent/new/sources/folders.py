"""A folder as Kaggle lays it out: train, test without the answers, and a submission that shows what is asked for."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.new.sources.archives import ENDING
from budgetmlagent.new.tablefile import Table
from budgetmlagent.wording import some

SHOWN = 20  # columns that are named
STEM = re.compile(r"[^a-z]")


def read(folder: Path, target: str, read_file: Callable[[Path], Table]) -> Table:
    """Read the training table; the others tell what is predicted, and what is not known then. Raises UsageError."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    train = _one(files, "train", folder)
    if train is None:
        names = ", ".join(path.name for path in files[:10]) or "nothing"
        raise UsageError(f"{folder}: has no table called train, only {names}; give the table's own path")
    table = read_file(train)
    test = _one(files, "test", folder)
    sample = _one(files, "submission", folder)
    known, asked = _header(test, read_file), _header(sample, read_file) or []
    notes = [
        *table.notes,
        f"the table is {train.name}; its rows alone have answers, so rows of it are held out",
    ]
    missing = [name for name in table.header if known is not None and name not in known]
    found = target or _asked(table.header, asked, missing)
    several = [name for name in asked[1:] if name in table.header]
    if not found and several:
        raise UsageError(
            f"--target: is needed, one of {some(several, SHOWN)}, which {sample and sample.name} asks for"
        )
    gone = [name for name in missing if name != found] if found in missing else []
    if gone:
        notes.append(
            f"{', '.join(map(repr, gone))} stands in {train.name} alone, so it is not known beforehand: left out"
        )
    keep = [place for place, name in enumerate(table.header) if name not in gone]
    return replace(
        table,
        header=[table.header[place] for place in keep],
        rows=[[row[place] for place in keep] for row in table.rows],
        notes=notes,
        target=found,
    )


def _header(path: Path | None, read_file: Callable[[Path], Table]) -> list[str] | None:
    """The names of a table's columns; None where there is none, or an archive holds another thing: pictures, say."""
    try:
        return read_file(path).header if path else None
    except UsageError:
        if path and path.suffix.lower() == ENDING:
            return None
        raise


def _asked(header: list[str], asked: list[str], missing: list[str]) -> str:
    """What the folder itself says is to be predicted, "" where it does not."""
    said = [name for name in asked[1:] if name in header]
    return said[0] if len(said) == 1 else missing[0] if len(missing) == 1 else ""


def _one(files: list[Path], word: str, folder: Path) -> Path | None:
    """The file that is called so, but for marks and digits, or else the one that has the word. Raises UsageError."""
    stems = {path: STEM.sub("", path.name.partition(".")[0].lower()) for path in files}
    found = [path for path in files if stems[path] == word] or [path for path in files if word in stems[path]]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(f"{folder}: {names} could each be meant; give the path of one table")
    return found[0] if found else None
