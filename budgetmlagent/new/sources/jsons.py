"""JSON: a list of records, a record a line, columns, or one of these within an object."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UsageError
from budgetmlagent.new.encoding import decoded
from budgetmlagent.new.sources import values
from budgetmlagent.new.tablefile import LARGEST, Table

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
ENDINGS = (".json", ".json.gz", *LINES)
KEY = "key"  # how the column is called that says under which key a record stands
Record = dict[str, Any]


def read(path: Path, table: str, target: str) -> Table:
    """Read a file. Raises UsageError."""
    with values.opened(path) as raw, gzip.open(raw) if path.name.lower().endswith(".gz") else raw as file:
        try:
            content = file.read(LARGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{path}: cannot be read: {error}") from None
    if len(content) > LARGEST:
        raise UsageError(f"{path}: has more than {LARGEST >> 20} MiB as text; take a part of it")
    try:
        text, notes = decoded(content)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    try:
        found = _parsed(text, path)
        where, records = _records(found, table, target, str(path))
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply for a table") from None
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = [[record.get(name) for name in names] for record in records]
    return values.table(names, rows, str(path), [*notes, *where])


def _parsed(text: str, path: Path) -> Any:
    """The value of a file, or the list of the values of its lines. Raises UsageError."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not path.name.lower().endswith(LINES):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data" or not lines or not lines[0][1].strip().endswith("}"):
                raise UsageError(
                    f"{path}:{error.lineno}: is no JSON: {error.msg[0].lower()}{error.msg[1:]}; repair it"
                ) from None
    found = []
    for number, line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{path}:{number}: is no JSON: {error.msg[0].lower()}{error.msg[1:]}; repair the line"
            ) from None
    return found


def _records(found: Any, wanted: str, target: str, where: str) -> tuple[list[str], list[Record]]:
    """The records of a value, with what is to be said of where they lie. Raises UsageError."""
    records = None if wanted else _plain(found)
    if records is not None:
        return [], records
    inner = found.items() if isinstance(found, dict) else ()
    tables = {str(key): made for key, value in inner if (made := _plain(value))}
    if not tables:
        raise UsageError(
            f"{where}: holds no table: a list of objects with the same keys is one, or an object of columns"
        )

    def columns(key: str) -> list[str]:
        return list(dict.fromkeys(name for record in tables[key] for name in record))

    name = values.one(tables, columns, wanted, target, where, "table")
    return [f"the table is {name!r} of the file's object"], tables[name]


def _plain(found: Any) -> list[Record] | None:
    """The records of a list of objects or of rows below a header, or of columns; None where it is neither."""
    match found:
        case [dict(), *_] if all(isinstance(record, dict) for record in found):
            return [dict(_flat(record)) for record in found]
        case [[*header], *rows] if header and all(isinstance(name, str) for name in header):
            return _rows(header, rows)
        case {"columns": [*header], "data": [*rows]} if all(isinstance(name, str) for name in header):
            return _rows(header, rows)
        case dict() if found and all(isinstance(column, list) for column in found.values()):
            sizes = {len(column) for column in found.values()}
            cells = [cell for column in found.values() for cell in column[:1]]
            if len(sizes) == 1 and not any(isinstance(cell, dict | list) for cell in cells):
                return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
        case dict() if found and all(isinstance(column, dict) for column in found.values()):
            if _by_key(found):
                return [{KEY: key, **dict(_flat(record))} for key, record in found.items()]
            places = list(dict.fromkeys(place for column in found.values() for place in column))
            return [{name: column.get(place) for name, column in found.items()} for place in places]
    return None


def _by_key(found: dict[str, Record]) -> bool:
    """Whether an object holds records by their keys, and not columns by their names: more of them than fields, which are named."""
    fields = {name for record in found.values() for name in record}
    return len(found) > len(fields) and KEY not in fields and not all(map(str.isdigit, fields))


def _rows(header: list[Any], rows: list[Any]) -> list[Record] | None:
    even = all(isinstance(row, list) and len(row) == len(header) for row in rows)
    return (
        [dict(zip(header, row, strict=True)) for row in rows]
        if even and len(set(header)) == len(header)
        else None
    )


def _flat(record: Record, before: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of a record, those of objects within it as `outer.inner`."""
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, None if value == {} else value
