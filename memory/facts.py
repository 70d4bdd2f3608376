"""Items found by what they are exactly: an SQLite table of their fields, with each text's vector to rank them by.

Chroma finds the nearest of a hundred thousand in a millisecond, but takes a second where it has to filter them. It is made
again from the items, as the rest of the index.
"""

import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.tables import only_tables

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Value = str | int | float | bool
Where = Mapping[str, Any]
GAIN = "gained"  # the field by which rows are put in order
PART = 1_000  # rows that are compared at once
WHOLE = 1
MADE = 2  # another number where an index has to be made again: collections or vectors are others


class Facts:
    """A table with a row for each item: its id, its kind, those of `fields` that it has, and its vector."""

    def __init__(self, path: Path, fields: Sequence[str], made: str) -> None:
        """Open it, or make it; one of another shape is made anew, empty. `made` says how the vectors are made.

        Raises sqlite3.Error, also for one that computes: somebody else may have written it.
        """
        self.fields = [field for field in fields if field != "kind"]
        columns = ", ".join(f"{field}" for field in self.fields)
        self._schema = [
            f"CREATE TABLE items (id TEXT UNIQUE, kind TEXT, {columns})",
            "CREATE TABLE vectors (id TEXT UNIQUE, vector BLOB)",  # apart: a row of fields is to be small
            f"CREATE INDEX by_gain ON items (kind, task, status, {GAIN})",
            *(
                f"CREATE INDEX by_{field} ON items (kind, {field}) WHERE {field} IS NOT NULL"
                for field in self.fields
            ),
        ]
        self._mark = zlib.crc32(repr((MADE, self._schema, made)).encode()) >> 1
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            only_tables(self._db)
            self.fresh = not self._same()
            """Whether it was made just now: it was missing, of another shape, or its vectors are made otherwise."""
            if self.fresh:
                self._renew(path)
        except sqlite3.Error:
            self._db.close()
            raise

    def _same(self) -> bool:
        found = self._db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        mark = self._db.execute("PRAGMA user_version").fetchone()[0]
        return mark == self._mark and sorted(sql for (sql,) in found) == sorted(self._schema)

    def _renew(self, path: Path) -> None:
        self._db.close()
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._transaction():
            for statement in (*self._schema, f"PRAGMA user_version = {self._mark}"):
                self._db.execute(statement)

    def _transaction(self) -> "sqlite3.Connection":
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    @property
    def settled(self) -> bool:
        """Whether the index has been whole once since it was made."""
        return bool(self._db.execute("PRAGMA application_id").fetchone()[0] == WHOLE)

    def settle(self) -> None:
        """Note that the index is whole."""
        self._db.execute(f"PRAGMA application_id = {WHOLE}")

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def ids(self) -> set[str]:
        """Return the ids of all rows."""
        return {name for (name,) in self._db.execute("SELECT id FROM items")}

    def put(self, rows: Sequence[tuple[str, Mapping[str, Value], bytes]]) -> None:
        """Keep rows of id, fields (with `kind`) and vector."""
        marks = ", ".join("?" * (len(self.fields) + 2))
        with self._transaction():
            self._db.executemany(
                f"INSERT OR REPLACE INTO items VALUES ({marks})",  # noqa: S608 - nothing but marks
                [
                    (name, facts["kind"], *(_kept(field, facts.get(field)) for field in self.fields))
                    for name, facts, _ in rows
                ],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(name, vector) for name, _, vector in rows]
            )

    def delete(self, names: Sequence[str]) -> None:
        """Remove rows."""
        with self._transaction():
            for table in ("items", "vectors"):
                self._db.executemany(
                    f"DELETE FROM {table} WHERE id = ?",  # noqa: S608 - of these two
                    [(name,) for name in names],
                )

    def nearest(self, vector: "Vectors", kind: str, n: int, where: Where) -> list[tuple[str, float]]:
        """Return the `n` rows of a kind nearest to a vector of length 1 among those that `where` fits, as (id, cosine)."""
        import numpy as np

        condition, values = self._condition(where)
        rows = self._db.execute(
            f"SELECT id, vector FROM items JOIN vectors USING (id) WHERE kind = ? AND length(vector) = ? AND {condition}",  # noqa: S608 - own columns
            (kind, vector.nbytes, *values),
        )
        hits: list[tuple[str, float]] = []
        while found := rows.fetchmany(PART):
            vectors = np.frombuffer(b"".join(row for _, row in found), dtype=np.float32).reshape(
                len(found), -1
            )
            near = np.einsum(
                "ij,j->i", vectors, vector
            )  # by rows: what is beside it does not change an item's sum
            cosines = near.astype(float).round(4).tolist()
            hits += zip((name for name, _ in found), cosines, strict=True)
            hits = sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:n]
        return hits

    def having(self, kind: str, where: Where, n: int) -> list[tuple[str, float]]:
        """Return `n` rows of a kind that `where` fits, as (id, gain), those of the greatest gain first, those without one last."""
        condition, values = self._condition(where)
        found = self._db.execute(
            f"SELECT id, {GAIN} FROM items WHERE kind = ? AND {condition} ORDER BY {GAIN} DESC, id LIMIT ?",  # noqa: S608 - own columns
            (kind, *values, n),
        )
        return [(str(name), number(gain)) for name, gain in found]

    def _condition(self, where: Where) -> tuple[str, list[Value]]:
        """Return `where`, in Chroma's form of equals, $in, $nin and $and, as SQL and its values. Raises KeyError for another."""
        parts, values = [], list[Value]()
        for field, wanted in where.items():
            if field == "$and":
                for condition, more in map(self._condition, wanted):
                    parts.append(condition)
                    values += more
                continue
            if field not in self.fields:
                raise KeyError(field)
            ((how, several),) = wanted.items() if isinstance(wanted, Mapping) else [("$in", [wanted])]
            marks = ", ".join("?" * len(several))
            parts.append(
                {"$in": f"{field} IN ({marks})", "$nin": f"({field} IS NULL OR {field} NOT IN ({marks}))"}[
                    how
                ]
            )
            values += several
        return " AND ".join(parts) or "TRUE", values


def _kept(field: str, value: Value | None) -> Value | None:
    return value if field != GAIN or isinstance(value, int | float) else None


def number(value: object) -> float:
    """Return a gain as a number, that of an item without one as less than any."""
    return float(value) if isinstance(value, int | float) else float("-inf")
