"""What any submission holds, as columns of text cells: of a table, of arrays, of JSON, of lines of text.

Arrays are read without NumPy and never unpickled, and of a large one only some places, the same in each array of its size.
"""

import ast
import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .tables import decoded, read

SAMPLED = 20_000  # places of an array, and values of a JSON file, that are looked at
LARGEST = 1 << 28  # bytes of one array
MANY_KEYS = 20  # of a JSON object, from which they are ids and no names
CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
UNREADABLE = (
    ValueError, LookupError, TypeError, SyntaxError, OSError, EOFError, RecursionError, struct.error, zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """Text cells under one name; of an array its shape, too."""

    cells: list[str]
    shape: tuple[int, ...] = ()


Columns = dict[str, Column]


def columns(path: Path) -> Columns:
    """Return what a submission holds by name; {} where its form is not known or it is damaged."""
    try:
        match path.suffix.lower():
            case ".csv":
                return {name: Column(cells) for name, cells in read(path).items()}
            case ".npy":
                with path.open("rb") as file:
                    return {path.name: array(file, path.stat().st_size)}
            case ".npz":
                return dict(archive(path))
            case ".json":
                return leaves(json.loads(decoded(path.read_bytes())))
            case ".jsonl":
                return leaves(
                    [json.loads(line) for line in decoded(path.read_bytes()).splitlines() if line.strip()]
                )
            case ".txt":
                return {path.name: Column(decoded(path.read_bytes()).splitlines())}
    except UNREADABLE:
        pass
    return {}


def archive(path: Path) -> Iterator[tuple[str, Column]]:
    """Yield the arrays of an .npz file by their keys."""
    with zipfile.ZipFile(path) as file:
        for entry in file.infolist():
            if entry.file_size <= LARGEST:
                with file.open(entry) as member:
                    yield (
                        entry.filename.removesuffix(".npy"),
                        array(io.BytesIO(member.read(LARGEST)), entry.file_size),
                    )


def array(file: BinaryIO, size: int) -> Column:
    """Read an array in NumPy's format; one of pickled objects, or too large, has no cells."""
    version = file.read(8)[6]
    (length,) = struct.unpack("<H", file.read(2)) if version == 1 else struct.unpack("<I", file.read(4))
    header = ast.literal_eval(file.read(min(length, 1 << 16)).decode("latin-1"))
    shape, kind = tuple(map(int, header["shape"])), str(header["descr"])
    if size > LARGEST or (kind[1:] not in CODES and kind[1:2] not in ("U", "S")):
        return Column([], shape)
    return Column(cells(file.read(), kind, math.prod(shape)), shape)


def cells(data: bytes, kind: str, count: int) -> list[str]:
    """Return values of an array, evenly from all places, as text; truth values are 1 and 0."""
    places = range(0, count, max(1, count // SAMPLED))
    order, code = ">" if kind.startswith(">") else "<", kind[1:]
    if code in CODES:
        packed = struct.Struct(order + CODES[code])
        values = (packed.unpack_from(data, place * packed.size)[0] for place in places)
        return [str(int(value) if code == "b1" else value) for value in values]
    width = int(code[1:]) * (4 if code[0] == "U" else 1)
    name = "latin-1" if code[0] == "S" else "utf-32-be" if order == ">" else "utf-32-le"
    return [data[place * width : (place + 1) * width].decode(name).rstrip("\0") for place in places]


def leaves(value: Any) -> Columns:
    """Return the plain values of a JSON value by the way that leads to them, [] for each list on it."""
    found: dict[str, list[str]] = {}
    waiting = [("", value)]
    for way, inner in waiting:  # it grows
        if len(waiting) > SAMPLED:
            break
        if isinstance(inner, list):
            waiting += [(f"{way}[]", each) for each in inner]
        elif isinstance(inner, dict):
            ids = len(inner) > MANY_KEYS
            waiting += [(f"{way}{{}}" if ids else f"{way}.{key}", each) for key, each in inner.items()]
        else:
            found.setdefault(way, []).append("" if inner is None else str(inner))
    return {way or "the value": Column(texts) for way, texts in found.items()}
