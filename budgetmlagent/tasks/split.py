"""Split row-keyed answers like a leaderboard: a public half for feedback, a private half for the verdict."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.tasks.taskfile import read_text

GROUPS = "groups.csv"  # beside the answers: an id and what it belongs to, a customer, say


def split_rows(csv_text: str, name: str, groups: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Split the rows of `csv_text` into (public, private) CSV texts, both with the header, in the old order.

    A row belongs to a half by the hash of (task `name`, row id = first column), so the order of the rows does
    not matter and rows of one id stay together. Half of the ids are public, the odd one is private. With `groups`
    (id -> group) all rows of a group lie in one half, and the halves are as even as that allows.
    Raises UsageError where there are fewer than two ids, or groups.
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
    public = _grouped(ids, name, groups) if groups else set(ids[: len(ids) // 2])
    return (
        header[1] + "".join(text for key, text in rows if key in public),
        header[1] + "".join(text for key, text in rows if key not in public),
    )


def groups_of(scoring: Path, name: str) -> dict[str, str]:
    """What each id belongs to, by the file GROUPS of the scorer's folder; {} without one. Raises UsageError."""
    if not (scoring / GROUPS).exists():
        return {}
    text = read_text(scoring / GROUPS, "the groups that stay in one half of the answers")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if any(len(row) != 2 for row in rows):
        raise UsageError(
            f"task {name}: {GROUPS}: a row has other than two cells, an id and its group; repair it"
        )
    return dict(rows[1:])


def _grouped(ids: Collection[str], name: str, groups: Mapping[str, str]) -> set[str]:
    """The public ids: group by group, the largest first, each into the half that is smaller so far."""
    sizes = Counter(groups.get(key, key) for key in ids)
    if len(sizes) < 2:
        raise UsageError(
            f"task {name}: {GROUPS}: all answers belong to one group; a public and a private part take 2 or more"
        )
    public, size, rest = set[str](), 0, 0
    for group in sorted(sizes, key=lambda group: (-sizes[group], _hash(name, group))):
        if size < rest:
            public.add(group)
            size += sizes[group]
        else:
            rest += sizes[group]
    return {key for key in ids if groups.get(key, key) in public}


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
