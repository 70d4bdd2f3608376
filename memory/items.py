"""What is remembered: items {kind, text, ...}, each known by the hash of its content."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from memory.artifacts import Artifacts, CorruptArtifactError, canonical

KINDS = ("attempt", "case", "repair", "idea", "card", "offer")
# Of an item, for `where` in a query; `of` is an offer's, what was offered; `model` an attempt's, what its model is known by.
FIELDS = (
    "task", "run", "step", "name", "error", "signature", "kind", "data", "status", "gained", "of", "model",
)  # fmt: skip
LEAVES = frozenset({"schema", "samples"})  # an item's word on its data with which it is no secret of its task
WORDS = ("task", "run", "name", "error", "signature", "what", "title", "script", "data", "source", "imported")
AMOUNTS = ("step", "score", "baseline", "score_before")
# Items that are not read again while their files stay the same: a step is given a few of the hundred nearest.
READ = 4_000

Item = dict[str, Any]


class StoreError(Exception):
    """A store cannot be used. One line, with what to do."""


class StoreBusyError(StoreError):
    """Another process keeps the store."""


def item_id(item: Mapping[str, Any]) -> str:
    """Return an item's id: the id of the artifact that holds it."""
    return hashlib.sha256(canonical(item)).hexdigest()


def read(folder: str, name: str) -> Item:
    """Return the item `name` of a folder. Raises KeyError where there is none, StoreError where its file is damaged."""
    path = f"{folder}/{name}"
    try:
        status = os.stat(path)  # noqa: PTH116 - in a loop
        seen = status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        item = _read(folder, name, seen)
    except (FileNotFoundError, NotADirectoryError):
        raise KeyError(name) from None
    except CorruptArtifactError as error:
        raise StoreError(f"{error}; delete that file to go on without the item") from error
    if item is None:
        raise StoreError(f"{path} is no item of the memory; delete that file to go on without it")
    return dict(item)


@lru_cache(maxsize=READ)
def _read(folder: str, name: str, seen: object) -> Item | None:  # noqa: ARG001 - a file that has changed is read again
    item = _files(folder).json(name)
    return item if is_item(item) else None


@lru_cache(maxsize=8)
def _files(folder: str) -> Artifacts:
    return Artifacts(Path(folder))


def is_item(item: Any) -> bool:
    """Whether this is what a store keeps; a stranger may have written it."""
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(field), str) for field in ("kind", "text"))
        and all(isinstance(item.get(field, ""), str | None) for field in WORDS)
        and (item["kind"] != "case" or all(isinstance(item.get(a), int | float | None) for a in AMOUNTS))
        and isinstance(item.get("kinds", []), list)
        and all(isinstance(kind, str) for kind in item.get("kinds", []))
    )


def checked(items: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return items as they are kept. Raises ValueError for one of no known kind or without a text."""
    found = [dict(item) for item in items]
    for item in found:
        if item.get("kind") not in KINDS or not str(item.get("text", "")).strip():
            raise ValueError(f"a remembered item needs a kind of {', '.join(KINDS)} and a text: {item}")
    return found


def clean(text: str) -> str:
    """Make a text that any library can encode: a program's output may hold lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def flat(item: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Return the flat fields that a query may filter by."""
    chosen = {key: item[key] for key in FIELDS if isinstance(item.get(key), str | int | float | bool)}
    return {key: clean(value) if isinstance(value, str) else value for key, value in chosen.items()}


def source(item: Mapping[str, Any]) -> str:
    """Say where an item comes from: run, step and task, and by whose export."""
    place = f"{item.get('run', '')}/{item.get('step', 0)} {item.get('task', '')}"
    return f"{place} (imported: {item['imported']})" if item.get("imported") else place
