"""A table of a database: an SQLite file by the standard library, any other by SQLAlchemy.

A URL may hold a password, so nothing of one is said but its scheme, and what drivers say is read for its parts first.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.new.sources import values
from budgetmlagent.new.tablefile import LARGEST, Table
from memory.tables import LARGEST as LONGEST

ENDINGS = (".sqlite", ".sqlite3", ".db", ".db3")
URL = re.compile(r"[A-Za-z][A-Za-z0-9_+.-]*://")
OWN = re.compile(r"sqlite:///(?P<path>[^?]+)")  # the standard library reads it
AT_ONCE = 10_000  # rows that are fetched at once
HIDDEN = "***"


def is_url(data: str) -> bool:
    """Whether `--data` names a database by its URL."""
    return URL.match(data) is not None


def read_file(path: Path, table: str, target: str) -> Table:
    """Read a table of an SQLite file, which is not changed. Raises UsageError."""
    values.opened(path).close()
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            kinds = "'table', 'view'" if table else "'table'"
            found = db.execute(f"SELECT name FROM sqlite_master WHERE type IN ({kinds})")  # noqa: S608
            names = [name for (name,) in found if not name.startswith("sqlite_")]

            def columns(name: str) -> list[str]:
                return [row[1] for row in db.execute("SELECT * FROM pragma_table_info(?)", (name,))]

            chosen = values.one(names, columns, table, target, str(path), "table")
            rows = db.execute(f'SELECT * FROM "{chosen.replace(chr(34), chr(34) * 2)}"')  # noqa: S608
            header = [column[0] for column in rows.description]
            return values.table(header, _bounded(rows, str(path)), f"{path}, table {chosen!r}")
    except sqlite3.Error as error:
        raise UsageError(f"{path}: is no SQLite table that can be read: {error}") from None


def read_url(url: str, table: str, target: str) -> Table:
    """Read a table of the database at `url`, called `NAME` or `SCHEMA.NAME`. Raises UsageError, UnavailableError."""
    if own := OWN.fullmatch(url):
        return read_file(Path(unquote(own["path"])), table, target)
    where = f"{URL.match(url)[0]}{HIDDEN}" if URL.match(url) else HIDDEN  # type: ignore[index]
    try:
        import sqlalchemy
    except ImportError:
        raise values.needed("sqlalchemy", "and databases are read with it") from None
    try:
        return _queried(sqlalchemy.create_engine(url, hide_parameters=True), table, target, where)
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"{where}: its driver needs the package {error.name!r}, which is not installed; install it"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, OSError, ValueError) as error:
        cause = getattr(error, "orig", None) or error
        said = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
        raise UsageError(f"{where}: cannot be read: {_without_secrets(said, url)}") from None


def _queried(engine: Any, wanted: str, target: str, where: str) -> Table:
    """Read the table by an engine of SQLAlchemy."""
    import sqlalchemy

    try:
        with engine.connect() as connection:
            found = sqlalchemy.inspect(connection)
            schema, _, name = wanted.rpartition(".")
            if wanted and wanted in (*found.get_table_names(), *found.get_view_names()):
                schema, name = "", wanted
            elif not wanted or not schema:
                names = found.get_table_names()

                def columns(table: str) -> list[str]:
                    return [column["name"] for column in found.get_columns(table)]

                name = values.one(names, columns, wanted, target, where, "table")
            chosen = sqlalchemy.table(name, schema=schema or None)
            query: Any = sqlalchemy.select(sqlalchemy.literal_column("*")).select_from(chosen)
            rows = connection.execution_options(stream_results=True, max_row_buffer=AT_ONCE).execute(query)
            return values.table(list(rows.keys()), _bounded(rows, where), f"{where}, table {name!r}")
    finally:
        engine.dispose()


def _bounded(rows: Iterable[Sequence[Any]], where: str) -> list[tuple[Any, ...]]:
    """All rows. Raises UsageError where they are larger than a table may be."""
    found, size = list[tuple[Any, ...]](), 0
    for row in rows:
        size += sum(len(cell) if isinstance(cell, str | bytes) else 8 for cell in row)
        if size > LARGEST:
            raise UsageError(
                f"{where}: the table has more than {LARGEST >> 20} MiB; make a smaller view of it"
            )
        found.append(tuple(row))
    return found


def _without_secrets(said: str, url: str) -> str:
    """What a driver said without what may be a secret: all between the scheme and the host, and the values of options."""
    before, _, _ = url.rpartition("@")
    parts = re.split(r"://|:", before, maxsplit=2)[2:]
    parts += [option.partition("=")[2] for option in re.split(r"[?&]", url)[1:]]
    forms = {form for part in parts for form in (part, unquote(part), unquote_plus(part)) if form}
    for secret in sorted(forms, key=len, reverse=True):
        said = said.replace(secret, HIDDEN)
    return said.replace(url, HIDDEN)
