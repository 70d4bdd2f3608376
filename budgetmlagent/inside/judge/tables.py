"""CSV tables as text cells: read, decoded and written without trust in what they hold.

The briefing's reader wants to understand any table; here one form is allowed, and each fault is said in a sentence. It
also stays apart because each folder of `inside` is alone in its sandbox.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

Table = dict[str, list[str]]  # column -> cells
WORD = 40  # characters of a cell, id or name in a sentence
FIELD = 1 << 24  # characters of one cell
NEWLINE = b"\n"


def read(path: Path) -> Table:
    """Read a CSV file as text cells. Raises ValueError where it is no table of even rows with a header."""
    try:
        return _table(decoded(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path.name} is no CSV table: {error}") from None


def _table(text: str) -> Table:
    csv.field_size_limit(FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        why = {"unexpected end of data": "a quote is opened and never closed"}.get(str(error), str(error))
        raise ValueError(f"line {reader.line_num}: {why}") from None
    if not rows:
        raise ValueError("it is empty")
    header = rows[0]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise ValueError(f"the column {twice[:WORD]!r} occurs twice")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} cells, the header has {len(header)}")
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(header)}


def decoded(content: bytes) -> str:
    """Decode a text file. Raises ValueError that says how to write it."""
    remedy = "; write it with encoding='utf-8'"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"it is UTF-16{remedy}")
    null = content.find(b"\0")
    if null >= 0:
        raise ValueError(f"line {content.count(NEWLINE, 0, null) + 1} has a null byte: it is no text{remedy}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (len(content) - len(error.object))  # a byte order mark is left out of `object`
        line = content.count(NEWLINE, 0, at) + 1
        raise ValueError(f"line {line} has the byte 0x{content[at]:02x}: it is no UTF-8{remedy}") from None


def write(path: Path, table: Table) -> None:
    """Write a table over the file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def plain(cell: str) -> str:
    """Return one text for all ways to write an id: 7, 7.0 and " 7"."""
    text = cell.strip()
    value = number(text)
    return str(int(value)) if value is not None and value.is_integer() and abs(value) < 1e15 else text


def number(cell: str) -> float | None:
    """Return the cell's finite number, None for anything else."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def shown(cell: str) -> str:
    """Return the beginning of a cell, in quotes where it would not be seen as it is."""
    return cell[:WORD] if cell.isprintable() and cell.strip() else repr(cell[:WORD])


def named(names: Sequence[str]) -> str:
    """Return the first names in quotes."""
    return ", ".join(repr(name[:WORD]) for name in names[:5]) + (", ..." if len(names) > 5 else "")
