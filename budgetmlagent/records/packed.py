"""A run as plain files that can lie anywhere: those of its folder, its states as one file, and the ledger's lines of it.

What only this machine needs stays: locks, the note of who runs it, the folder where scripts work, indexes, which are made again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from budgetmlagent.disk import DATABASE_ERRORS, remedy
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.carried import as_text
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records import live
from budgetmlagent.records.rundir import WRITTEN_WHOLE, RunDir
from memory.files import is_name
from memory.tables import only_tables

MONEY = "ledger.json"  # the ledger's lines: no file of the folder
CONFIG, STATES = "config.json", "checkpoints.sqlite"
NOTE, UNSENT = "archived", "unsent"  # which archived state the folder is; that it has more than the archive
STAYS = {"lock", live.NOTE, live.PAUSE, NOTE, UNSENT, MONEY}


def names(run: RunDir) -> Iterator[str]:
    """Yield the names of the files that travel as they are."""
    for folder in WRITTEN_WHOLE:
        place = run.root / folder
        found = sorted(path.name for path in place.glob("*") if path.is_file() and not path.is_symlink())
        yield from (name for each in found if travels(name := each if folder == "." else f"{folder}/{each}"))


def travels(name: str) -> bool:
    """Whether a file of this name is one of a run that may lie elsewhere; somebody else may have written it."""
    folder, _, last = name.rpartition("/")
    plain = is_name(last) and not last.startswith(".")
    if folder:
        return plain and folder in WRITTEN_WHOLE[1:]
    return plain and last not in STAYS and not (last.startswith(STATES) and last != STATES)


def files(run: RunDir, scratch: Path) -> dict[str, Path]:
    """Return all that makes the run, by name; what is no plain file yet is written into `scratch`.

    Raises UnavailableError where a store cannot be read.
    """
    found = {name: run.root / name for name in names(run)}
    if STATES in found:
        found[STATES] = _copy_of_states(run.checkpoints, scratch / STATES)
    (scratch / MONEY).write_bytes(as_text(Ledger(run.ledger).carried(run.run_id)))
    return found | {MONEY: scratch / MONEY}


def _copy_of_states(states: Path, copy: Path) -> Path:
    """Return a file with all that is committed, whatever of it still stands in the log beside it."""
    try:
        with (
            closing(sqlite3.connect(f"{states.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            only_tables(source)
            source.backup(target)
    except DATABASE_ERRORS as error:
        raise UnavailableError(f"checkpoints {states}: {error}; {remedy(error)}") from error
    return copy
