"""Another team's export, taken into the shared memory: what a stranger wrote is checked before anything is kept."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from budgetmlagent.errors import UsageError
from memory.files import parsed, read_plain
from memory.items import KINDS, Item, item_id

MOST = 256 << 20  # bytes of an export
LONGEST = 256 << 10  # bytes of one of its lines
ITEMS = 200_000
NAME = re.compile(r"[\w .@+-]{1,60}", re.ASCII)
STAYS = "stays"
POLICIES = (STAYS, "schema", "samples")
# What makes a case of the bank: it is filled in or applied by our own code, and comes from nobody else.
OURS = ("template", "edit", "shared")
Name = Annotated[str, Field(min_length=1, max_length=200)]
Short = Annotated[str, Field(max_length=20_000)]


class Foreign(BaseModel):
    """What is asked of an item from elsewhere, beside a known kind; whatever else it tells is plain JSON."""

    model_config = ConfigDict(extra="allow", strict=True)
    text: Annotated[str, Field(pattern=r"\S", max_length=20_000)]
    task: Name
    run: Name
    step: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    name: Short = ""
    title: Short = ""
    error: Short = ""
    signature: Short = ""
    what: Short = ""
    script: str = ""
    kinds: list[Name] = []
    score: float | None = None
    score_before: float | None = None
    baseline: float | None = None


def named(path: Path, name: str | None) -> str:
    """Return by which name an import is known: `name`, or the file's. Raises UsageError for one of other characters."""
    chosen = path.stem if name is None else name
    if not NAME.fullmatch(chosen):
        raise UsageError(
            f"--name {chosen!r}: give a name of up to 60 letters, digits, spaces and . @ + - _ for where the file comes from"
        )
    return chosen


def read(path: Path, origin: str) -> list[tuple[Item, Item]]:
    """Return the items of an export, each as it was there and as it is kept here: with `imported`, and its task's word on data.

    Cases of the bank are left out, since everybody has the bank. Raises UsageError for whatever is wrong, by its line.
    """
    try:
        raw = read_plain(path, MOST)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    lines = raw.splitlines()
    if len(lines) > ITEMS:
        raise UsageError(f"{path}: has {len(lines)} lines; {ITEMS} items at most are taken in at once")
    return list(_items(path, lines, origin))


def _items(path: Path, lines: list[bytes], origin: str) -> Iterator[tuple[Item, Item]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            item = _item(f"{path}:{number}", line)
            item.pop("id", None)
            if "run" in item or item["kind"] != "case":
                yield item, _ours(f"{path}:{number}", item, origin)


def _item(where: str, line: bytes) -> Item:
    if len(line) > LONGEST:
        raise UsageError(f"{where}: has {len(line)} bytes; an item has at most {LONGEST}")
    try:
        value = parsed(line.decode("utf-8"))
    except ValueError as error:
        raise UsageError(
            f"{where}: no JSON in UTF-8 ({error}); give a file that `budgetml memory export` wrote"
        ) from None
    if not isinstance(value, dict) or value.get("kind") not in KINDS:
        raise UsageError(f"{where}: no item, which is a JSON object with a kind of {', '.join(KINDS)}")
    if not _plain(value):
        raise UsageError(f"{where}: has a number that is not finite, or a text that is no Unicode")
    return value


def _ours(where: str, item: Item, origin: str) -> Item:
    """Return the item as it is kept: its provenance as it says, where it was found, and the stricter word where it has none."""
    of_all_runs = item["kind"] == "card" and item.get("run") == ""
    try:
        Foreign.model_validate(item | ({"run": "all"} if of_all_runs else {}))
    except ValidationError as error:
        wrong = error.errors()[0]
        raise UsageError(f"{where}: {'.'.join(map(str, wrong['loc'])) or 'item'}: {wrong['msg']}") from None
    if theirs := [field for field in OURS if item.get(field)]:
        raise UsageError(f"{where}: has a {theirs[0]}, which only cases of the bank beside the program have")
    before = item.get("imported")
    by_way = f"{before} > {origin}"[-200:] if isinstance(before, str) and before else origin
    data = item.get("data")
    return item | {"imported": by_way, "data": data if data in POLICIES else STAYS}


def _plain(value: Any) -> bool:
    """Say whether every number is finite and every text can be written as UTF-8."""
    if isinstance(value, dict):
        return all(_plain(key) and _plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not isinstance(value, float) or math.isfinite(value)


def new(items: list[tuple[Item, Item]], there: set[str]) -> list[Item]:
    """Return what is not there yet: neither from an earlier import, nor because it was exported from here."""
    return [ours for theirs, ours in items if not {item_id(theirs), item_id(ours)} & there]
