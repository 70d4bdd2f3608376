"""A database of a stranger's that computes is refused before anything is asked of it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from budgetmlagent.errors import UnavailableError
from budgetmlagent.records.checkpoints import Checkpoints
from memory.tables import only_tables

ENDLESS = "instr(hex(zeroblob(9000000)), hex(zeroblob(4000000)) || value)"  # hours a row, and past Ctrl-C
WRITES = (
    "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('INSERT INTO t VALUES (?)', ('a',))"
)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE t (value, CHECK (value))",
        "CREATE TABLE t (value cHeCk(value))",
        "CREATE TABLE t (value DEFAULT (zeroblob(900000000)))",
        "CREATE TABLE t (value DEFAULT /* ( */ (zeroblob(900000000)))",
        "CREATE TABLE t (value, more AS (zeroblob(900000000)))",
        f"CREATE TABLE t (value); CREATE INDEX i ON t ({ENDLESS})",
        f"CREATE TABLE t (value); CREATE INDEX i ON t (value) WHERE {ENDLESS}",
        "CREATE TABLE t (value, more); CREATE INDEX i ON t (value LIKE more)",
        "CREATE VIEW t AS SELECT 1 AS value",
        "CREATE TABLE t (value); CREATE TRIGGER i AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "CREATE VIRTUAL TABLE t USING fts5(value)",
    ],
)
def test_what_computes_is_refused(tmp_path: Path, script: str) -> None:
    path = tmp_path / "checkpoints.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
        with pytest.raises(sqlite3.DatabaseError, match="none of budgetml's"):
            only_tables(db)
    with pytest.raises(UnavailableError, match=r"checkpoints\.sqlite: .* none of budgetml's"):
        Checkpoints(path)


def test_what_is_declared_as_langgraph_does_is_no_harm() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        SqliteSaver(db).setup()
        db.execute("CREATE TABLE t (a INTEGER NOT NULL DEFAULT -1, b TEXT DEFAULT 'x', c DEFAULT CURRENT_TIMESTAMP, UNIQUE (a, b))")  # fmt: skip
        db.execute("CREATE UNIQUE INDEX i ON t (a, b COLLATE NOCASE DESC) WHERE a IS NOT NULL")
        only_tables(db)


def test_without_the_guard_an_expression_has_no_end(tmp_path: Path) -> None:
    """The positive control."""
    path = tmp_path / "db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"CREATE TABLE t (value); CREATE INDEX i ON t ({ENDLESS})")
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-I", "-c", WRITES, path], timeout=1, check=False)
