"""Valid files made wrong in every way a stranger could: another value anywhere in a tree, bytes, other kinds of files.

Each change is drawn from a `random.Random`, so that a seed, or hypothesis, says which it is.
"""

import csv
import io
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import ormsgpack
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

TRIPWIRE = (
    "tripwire"  # a module that a stranger's file names; it lies in the current folder and may not be run
)
SECRET = "secret.txt"  # a file outside of what a stranger gave


def nested(depth: int, how: str = "list") -> Any:
    """A value that is this deep."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if how == "list" else {"a": value}
    return value


NUMBERS = (
    0,
    -1,
    1,
    3,
    2**31,
    2**63 - 1,
    -(2**63),
    2**63,
    10**30,
    10**400,
    0.5,
    -0.0,
    1e308,
    1e-320,
    float("nan"),
    float("inf"),
    -float("inf"),
)
TEXTS = (
    "", " ", "a", "\n", "x" * 50_000, "\x1b]0;owned\x07\x9b2J", "\0", "\u202e\u2028", "\ud800", "é𝔘", "../../../secret.txt", "..", ".", "/",
    "~", "~nobody/x", "/dev/zero", "/dev/stdin", "/proc/self/environ", "a/../../b", f"{TRIPWIRE}:go", f"{TRIPWIRE}.py", f"{TRIPWIRE}:prompt.md",
    "os:system", "0" * 64, "9" * 5000, "1e999", "-1", "{}", "%s %d {0} {x}", "{{ 7 * 7 }}", "<script>", "http://127.0.0.1:9/v1",
    "http://[::1", "file:///etc/passwd", "END", "planner", "null", "'; DROP TABLE calls; --", "a\\b", "C:\\x", "*" * 40, "(a*)*b", "[", "**/*",
)  # fmt: skip


def values(chance: Random, outside: Path) -> Any:
    """A value of any type."""
    match chance.randrange(6):
        case 0:
            return chance.choice([None, True, False])
        case 1:
            return chance.choice(NUMBERS)
        case 2 | 3:
            return chance.choice(
                [*TEXTS, str(outside / SECRET), str(outside), os.path.relpath(outside / SECRET)]
            )
        case 4:
            return chance.choice(
                [[], {}, [None], [[]], {"": ""}, {"a": 1}, [1, "a", None], list(range(2000)), ["a"] * 9]
            )
    return nested(chance.choice([3, 60, 300, 1100]), chance.choice(["list", "dict"]))


Place = tuple[Any, Any]  # a container, and a key of it


def places(tree: Any) -> Iterator[Place]:
    """Every place of a tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        inner = (
            list(node.items())
            if isinstance(node, dict)
            else list(enumerate(node))
            if isinstance(node, list)
            else []
        )
        for key, value in inner:
            yield node, key
            waiting.append(value)


def changed(tree: Any, chance: Random, outside: Path) -> Any:
    """The tree with one to three places that are not what they were; it is changed itself."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        there = list(places(tree))
        if not there or chance.random() < 0.02:
            return values(chance, outside)
        node, key = chance.choice(there)
        others = [other[key2] for other, key2 in [chance.choice(there)]]
        match chance.randrange(8):
            case 0:
                del node[key]
            case 1 if isinstance(node, dict):
                node[chance.choice([*TEXTS, f"{key} ", str(key).upper()])] = node.pop(key)
            case 2 if isinstance(node, dict):
                node[chance.choice(TEXTS)] = values(chance, outside)
            case 2:
                node.insert(key, values(chance, outside))
            case 3:
                node[key] = json.loads(json.dumps(others[0], default=str))
            case 4:
                node[key] = near(node[key], chance)
            case _:
                node[key] = values(chance, outside)
    return tree


def near(value: Any, chance: Random) -> Any:
    """A value that is nearly the same: negative, huge, as text, as a list, with more behind it."""
    if isinstance(value, bool) or value is None:
        return chance.choice([0, 1, "true", [value]])
    if isinstance(value, int | float):
        return chance.choice(
            [-value, value + 1, value * 10**12, str(value), float(value), [value], value + 0.5]
        )
    if isinstance(value, str):
        more = chance.choice(TEXTS[:-1])
        return chance.choice(
            [
                value + more,
                more + value,
                value[: len(value) // 2],
                [value],
                {value: 1},
                value.upper(),
                "../" + value,
            ]
        )
    return chance.choice([str(value)[:200], [value], {"a": value}, len(value)])


# -- bytes


def spoiled(raw: bytes, chance: Random) -> bytes:
    """The bytes in another encoding, cut off, with some flipped, doubled or put in."""
    at = chance.randrange(len(raw) + 1)
    match chance.randrange(9):
        case 0:
            return b""
        case 1:
            return raw[:at]
        case 2:
            out = bytearray(raw or b"x")
            for _ in range(chance.choice([1, 3, 40])):
                out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
            return bytes(out)
        case 3:
            scraps = [b"\0", b"\xff", b"\xed\xa0\x80", b"\r", b"\x1b[2J", b"\x85", "\u2028".encode(), b"\t", b"{", b"]", b": ", b"- ", b"&a ", b"*a",
                      b"!!python/object/apply:os.system ['x']\n", b"%YAML 9.9\n---\n", b"\n---\n", b"<<: ", b"? ", b"|9\n", b"'", b'"', b"#",
                      b"!!binary x", b"!!timestamp 9", b"2001-99-99", b"0o9", b"1_0", b"!<x> ", b"!!set {a}", b"!!omap [a: 1]", b"!!float x", b"!!int x"]  # fmt: skip
            return raw[:at] + chance.choice(scraps) + raw[at:]
        case 4:
            return b"\xef\xbb\xbf" + raw
        case 5:
            text = raw.decode("utf-8", "replace")
            return text.encode(chance.choice(["utf-16", "utf-32", "utf-16-le", "utf-7"]), "replace")
        case 6:
            return raw + raw
        case 7:
            return (
                raw[:at]
                + chance.choice([b"[", b"{", b"{a: ", b"- ", b"(", b"\n  ", b'{"a":', b"not ", b"lambda:"])
                * chance.choice([40, 900, 30_000])
                + raw[at:]
            )
    return bytes(chance.randrange(256) for _ in range(chance.choice([1, 20, 4000])))


# -- what stands in a file's place


def replaced(path: Path, chance: Random, outside: Path) -> str:
    """Put something that is no plain file where a file was."""
    what = chance.choice(
        [
            "nothing",
            "folder",
            "pipe",
            "zero",
            "secret",
            "outside",
            "dangling",
            "loop",
            "locked",
            "hard",
            "socket",
        ]
    )
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    match what:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "zero":
            path.symlink_to("/dev/zero")
        case "secret":
            path.symlink_to(outside / SECRET)
        case "outside":
            path.symlink_to(outside)
        case "dangling":
            path.symlink_to(outside / "missing")
        case "loop":
            path.symlink_to(path.name)
        case "hard":
            os.link(outside / SECRET, path)
        case "locked":
            path.write_bytes(b"")
            path.chmod(0)
    return f"{path.name} became {what}"


# -- trees of each kind of file


def text_of(tree: Any) -> bytes:
    """A tree as JSON, which is YAML too."""
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")


def tree(path: Path, chance: Random, outside: Path) -> None:
    """Change the tree that a YAML or JSON file holds."""
    raw = path.read_bytes()
    value = (
        json.loads(raw)
        if path.suffix == ".json" or raw[:1] in (b"{", b"[")
        else YAML(typ="safe").load(raw.decode())
    )
    path.write_bytes(text_of(changed(value, chance, outside)))


def lines(path: Path, chance: Random, outside: Path) -> None:
    """Change the tree of a line of JSON lines; take one out or double it."""
    every = path.read_bytes().splitlines()
    at = chance.randrange(len(every))
    match chance.randrange(6):
        case 0:
            del every[at]
        case 1:
            every.insert(chance.randrange(len(every)), every[at])
        case _:
            every[at] = text_of(changed(json.loads(every[at]), chance, outside))
    path.write_bytes(b"\n".join(every) + b"\n")


def table(path: Path, chance: Random, outside: Path) -> None:
    """Change cells of a CSV."""
    rows = list(csv.reader(io.StringIO(path.read_text())))
    for _ in range(chance.choice([1, 2, 30])):
        row = chance.choice(rows)
        row[chance.randrange(len(row))] = str(values(chance, outside))[:100_000]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    path.write_bytes(out.getvalue().encode("utf-8", "surrogatepass"))


# -- databases


def cell(chance: Random, outside: Path) -> Any:
    """What SQLite can hold in a column, whatever type it declares."""
    value = values(chance, outside)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(2**70)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass") if chance.random() < 0.3 or "\ud800" in value else value
    return (
        value
        if isinstance(value, int | float | None)
        else text_of(value).decode("utf-8", "replace")[:1_000_000]
    )


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


def database(path: Path, chance: Random, outside: Path) -> None:
    """Change cells, columns, tables; plant views, triggers and columns that compute for ever or take all memory."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        names = [
            row[0]
            for row in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        ]
        if not names:
            return
        name = chance.choice(names)
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
        column, quoted = chance.choice(columns), ", ".join(columns)
        endless = f"{ENDLESS} SELECT {', '.join(f'i AS {c}' for c in columns)} FROM n"
        some = (
            f"WHERE rowid IN (SELECT rowid FROM {name} ORDER BY random() LIMIT {chance.choice([1, 3, 1000])})"
        )
        some = "" if name == "sums" else some
        changes: list[str | Callable[[], Any]] = [
            lambda: db.execute(f"UPDATE OR REPLACE {name} SET {column} = ? {some}", (cell(chance, outside),)),
            lambda: db.execute(f"UPDATE OR REPLACE {name} SET {column} = ? {some}", (cell(chance, outside),)),
            lambda: db.execute(f"UPDATE OR REPLACE {name} SET {column} = ? {some}", (cell(chance, outside),)),
            lambda: state(db, chance, outside),
            lambda: state(db, chance, outside),
            lambda: state(db, chance, outside),
            f"DELETE FROM {name}",
            f"DROP TABLE {name}",
            f"ALTER TABLE {name} RENAME COLUMN {column} TO other",
            f"ALTER TABLE {name} DROP COLUMN {column}",
            f"ALTER TABLE {name} ADD COLUMN more TEXT DEFAULT 'x'",
            f"ALTER TABLE {name} RENAME TO old; CREATE VIEW {name} AS SELECT * FROM old",
            f"DROP TABLE {name}; CREATE VIEW {name} AS {endless}",
            f"ALTER TABLE {name} RENAME TO old; CREATE VIEW {name} AS SELECT {quoted.replace(column, f'zeroblob(900000000) AS {column}')} FROM old",
            f"ALTER TABLE {name} RENAME TO old; CREATE TABLE {name} AS SELECT * FROM old",
            f"ALTER TABLE {name} ADD COLUMN more AS (length(zeroblob(900000000)))",
            f"CREATE TRIGGER more AFTER INSERT ON {name} BEGIN INSERT INTO {name} SELECT * FROM ({endless}) WHERE {columns[0]} < 0; END",
            f"CREATE TRIGGER more BEFORE UPDATE ON {name} BEGIN SELECT max({columns[0]}) FROM ({endless}); END",
            f"CREATE TRIGGER more BEFORE INSERT ON {name} BEGIN SELECT raise(ABORT, 'a\x1b[2Jb'); END",
            f"DROP TABLE {name}; CREATE VIRTUAL TABLE {name} USING fts5({quoted})",
            f"PRAGMA user_version = {chance.choice([0, 1, 2, -5, 99, 2**31 - 1])}",
            f"PRAGMA application_id = 7; PRAGMA journal_mode = {chance.choice(['DELETE', 'TRUNCATE', 'WAL', 'PERSIST'])}",
            f"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE x(' WHERE name = '{name}'",
            f"PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 9999 WHERE name = '{name}'",
            f"DELETE FROM {name}; PRAGMA encoding = 'UTF-16'; VACUUM",
            f"CREATE INDEX more ON {name} (abs({column}))",
        ]  # fmt: skip
        change = chance.choice(changes)
        try:
            change() if callable(change) else db.executescript(change)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, OverflowError, TypeError):
            return  # what SQLite does not take, no stranger can have either


def state(db: sqlite3.Connection, chance: Random, outside: Path) -> None:
    """Change a state that a checkpoint holds, or what a step had written."""
    name, column = chance.choice(
        [("checkpoints", "checkpoint")] * 3 + [("writes", "value"), ("checkpoints", "metadata")]
    )
    rows = db.execute(
        f"SELECT rowid, {column} FROM {name} ORDER BY checkpoint_id DESC LIMIT {chance.choice([1, 5, 50])}"
    ).fetchall()
    number, raw = chance.choice(rows)
    if column == "metadata":
        new = text_of(changed(json.loads(raw), chance, outside))
    else:
        inner = ormsgpack.unpackb(raw)
        new = ormsgpack.packb(changed(inner, chance, outside), option=ormsgpack.OPT_NON_STR_KEYS)
    db.execute(f"UPDATE {name} SET {column} = ? WHERE rowid = ?", (new, number))


# -- one change


def mutate(path: Path, chance: Random, outside: Path) -> None:
    """Change what lies at `path` in one way that fits it."""
    draw = chance.random()
    if path.is_dir() or draw < 0.12:
        replaced(path, chance, outside)
        return
    raw = path.read_bytes()
    way = {
        ".yaml": tree,
        ".json": tree,
        ".jsonl": lines,
        ".csv": table,
        ".sqlite": database,
        ".sqlite3": database,
    }.get(path.suffix)
    if way is None and raw[:1] == b"{":
        way = tree
    if way and draw < 0.85:
        try:
            way(path, chance, outside)
            return
        except (ValueError, RecursionError, OverflowError, TypeError, LookupError, sqlite3.Error, YAMLError):
            path.write_bytes(raw)  # it has no such form: then its bytes
    path.write_bytes(spoiled(raw, chance))


__all__ = ["ENDLESS", "SECRET", "TRIPWIRE", "changed", "mutate", "nested", "replaced", "spoiled"]
