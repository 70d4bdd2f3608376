"""One table from whatever `--data` names: a kind of source is a row of `KINDS`, or else text."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.new.shape import JUDGED, Shape
from budgetmlagent.new.sources import archives, arrows, books, databases, folders, jsons
from budgetmlagent.new.tablefile import Table, read_table


@dataclass(frozen=True)
class Wanted:
    """Which table of a source: its name, "" for the only one, or else the only one with the column `target`; how text is shaped."""

    table: str = ""
    target: str = ""
    shape: Shape = JUDGED


Reader = Callable[[Path, str, str], Table]
# By the end of a file's name. All take the path, the table's name and the target.
KINDS: dict[tuple[str, ...], Reader] = {
    books.ENDINGS: books.read,
    databases.ENDINGS: databases.read_file,
    arrows.ENDINGS: arrows.read,
    jsons.ENDINGS: jsons.read,
}


def read(data: str, wanted: Wanted) -> Table:
    """Read the table that `data` names: a file, a folder, or a URL of a database. Raises UsageError in one line."""
    if databases.is_url(data):
        wanted.shape.check("a database")
        return databases.read_url(data, wanted.table, wanted.target)
    path = Path(data)
    if path.is_dir():
        return folders.read(
            path, wanted.target, lambda file: _file(file, Wanted(target=wanted.target, shape=wanted.shape))
        )
    return _file(path, wanted)


def name_of(data: str, wanted: Wanted) -> str:
    """What a task's folder is called after: nothing of a URL but the table's name, for it may hold a password."""
    return (
        (wanted.table or "table") if databases.is_url(data) else Path(data).resolve().name.partition(".")[0]
    )


def _file(path: Path, wanted: Wanted) -> Table:
    if path.name.lower().endswith(archives.ENDING):
        return archives.read(path, lambda inner: read(str(inner), wanted))
    for endings, reader in KINDS.items():
        if path.name.lower().endswith(endings):
            wanted.shape.check(str(path))
            return reader(path, wanted.table, wanted.target)
    if wanted.table:
        raise UsageError(f"--table {wanted.table!r}: {path} holds one table; leave the option out")
    return read_table(path, wanted.shape)
