"""What of an index's database is not believed, before Chroma opens it: somebody else may have written it.

A collection keeps which class made its vectors, and Chroma builds that class as it opens the collection: one of those
that it knows imports a model's own code from wherever the stored settings say.
"""

import sqlite3
from typing import Any

from memory.files import parsed
from memory.tables import only_tables

NOBODYS = ("unknown", "legacy")  # kinds of embedding that Chroma builds nothing for
WORDS = "CREATE VIRTUAL TABLE embedding_fulltext_search USING fts5(string_value, tokenize='trigram')"


def check(db: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError where the file computes, or names a class to be built: our vectors need none."""
    only_tables(db, (WORDS,))
    columns = {row[1] for row in db.execute("PRAGMA table_info(collections)")}
    for column in sorted(columns & {"config_json_str", "schema_str"}):
        for (text,) in db.execute(f"SELECT {column} FROM collections WHERE {column} IS NOT NULL"):  # noqa: S608
            if not isinstance(text, str) or not builds_nothing(_value(text)):
                raise sqlite3.DatabaseError("it names an embedding that is none of budgetml's")


def builds_nothing(settings: Any) -> bool:
    """Whether a collection's settings name no class that Chroma would build."""
    level = [settings]
    for node in level:  # it grows
        if isinstance(node, dict) and not _is_plain(node):
            return False
        level += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return True


def _is_plain(node: dict[str, Any]) -> bool:
    """Whether a mapping names no embedding. A key of an item may be called `name`, which leads to a mapping."""
    name, kind = node.get("name"), node.get("type")
    if "embedding_function" in node and not isinstance(node["embedding_function"], dict | None):
        return False
    return not isinstance(name, str) and (not isinstance(kind, str) or kind in NOBODYS)


def _value(text: str) -> Any:
    try:
        return parsed(text)
    except ValueError as error:
        raise sqlite3.DatabaseError(f"a collection's settings are no JSON: {error}") from None
