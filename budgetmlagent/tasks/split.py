"""Split row-keyed answers like a leaderboard: a public half for feedback, a private half for the verdict."""

import csv
import hashlib
import io

from budgetmlagent.errors import UsageError


def split_rows(csv_text: str, name: str) -> tuple[str, str]:
    """Split the rows of `csv_text` into (public, private) CSV texts, both with the header, in the old order.

    A row belongs to a half by the hash of (task `name`, row id = first column), so the order of the rows does
    not matter and rows of one id stay together. Half of the ids are public, the odd one is private.
    Raises UsageError where there are fewer than two ids.
    """
    try:
        header, *rows = _records(csv_text)
    except (csv.Error, ValueError) as error:
        raise UsageError(f"task {name}: answers: no CSV table with a header ({error}); repair it") from None
    ids = sorted({key for key, _ in rows}, key=lambda key: _hash(name, key))
    if len(ids) < 2:
        raise UsageError(
            f"task {name}: answers: {len(ids)} row id(s); a public and a private part take 2 or more"
        )
    public = set(ids[: len(ids) // 2])
    return (
        header[1] + "".join(text for key, text in rows if key in public),
        header[1] + "".join(text for key, text in rows if key not in public),
    )


def _records(csv_text: str) -> list[tuple[str, str]]:
    """(first field, the record's own text) of each record; the text is kept, for no writer quotes all alike."""
    lines = list(io.StringIO(csv_text, newline=""))
    reader = csv.reader(lines, strict=True)
    records, start = [], 0
    for row in reader:
        if row:
            records.append((row[0], "".join(lines[start : reader.line_num])))
        start = reader.line_num
    return records


def _hash(name: str, key: str) -> bytes:
    return hashlib.sha256(f"{name}\0{key}".encode("utf-8", "surrogatepass")).digest()
