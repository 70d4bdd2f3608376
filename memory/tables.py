"""SQLite files that somebody else may have written: what in one would compute, as whoever made it wished.

An expression alone can compute for hours: to look for one long text within another is a step that nothing interrupts.
"""

import re
import sqlite3
from collections.abc import Collection

# Bytes of a value that SQLite makes or reads: a column can be declared to compute a gigabyte.
LARGEST = 1 << 26
CONSTANT = re.compile(r"[-+]?[\w.]+|'[^']*'|\"[^\"]*\"")  # what a column's default may be
COMPUTES = re.compile(r"\s*CREATE\s+VIRTUAL|.*\bCHECK\b", re.IGNORECASE | re.DOTALL)
INDEX = re.compile(
    r"CREATE (UNIQUE )?INDEX\s+\w+\s+ON\s+\w+\s*\([\w\s,]+\)(\s+WHERE\s+\w+\s+IS\s+NOT\s+NULL)?"
)


def only_tables(db: sqlite3.Connection, known: Collection[str] = ()) -> None:
    """Raise sqlite3.DatabaseError where the schema computes: it could do so for ever, or change what is written.

    Nothing but tables of plain columns and their indexes is let pass, and what is declared as one of `known` says.
    """
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        if sql in known:
            continue
        if kind not in ("table", "index") or COMPUTES.match(str(sql or "")):
            raise sqlite3.DatabaseError(f"it holds a {kind} that is none of budgetml's")
        if kind == "table" and any(
            row[6] or not CONSTANT.fullmatch(row[4] or "NULL")
            for row in db.execute("SELECT * FROM pragma_table_xinfo(?)", (name,))
        ):
            raise sqlite3.DatabaseError("a column of it is computed, which is none of budgetml's")
        if kind == "index" and (
            not INDEX.fullmatch(sql or "CREATE INDEX of_itself ON its (own)")
            or any(row[1] == -2 for row in db.execute("SELECT * FROM pragma_index_xinfo(?)", (name,)))
        ):
            raise sqlite3.DatabaseError("an index of it is computed, which is none of budgetml's")
