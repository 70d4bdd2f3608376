"""Items on disk: JSON files by hash are the truth, and an index finds their ids by texts (Chroma) and by fields.

    FOLDER/items/SHA256   one item each; the name is the item's id
    FOLDER/index/         `memory/index.py`; made again from the items when it is missing
    FOLDER/unindexed      there while the index may lag behind the items: a killed writer leaves it
    FOLDER/lock           held by the one process that has the index open
    FOLDER/merged         of a run's store: its items are all in the shared store
    FOLDER/forgotten      of the shared store: ids that must not come back, one a line

Several processes that have one Chroma folder open lose each other's items. So it is opened under the lock only:
a run holds its own store while it lasts, and opens the shared store for one short operation at a time.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from memory.artifacts import Artifacts, CorruptArtifactError, canonical
from memory.index import Index, IndexDamagedError

KINDS = ("attempt", "case", "repair")
FIELDS = (
    "task",
    "run",
    "step",
    "name",
    "error",
    "signature",
    "kind",
    "data",
)  # of an item, for `where` in a query
PATIENCE = 60.0  # seconds to wait for another process to leave a store
READ = 2_000  # items that are not read again while their files stay the same: a step is given one of the hundred nearest
# What Chroma says of a disk, not of its files.
REFUSED = ("disk is full", "readonly database", "unable to open", "os error")

Item = dict[str, Any]


class StoreError(Exception):
    """A store cannot be used. One line, with what to do."""


class StoreBusyError(StoreError):
    """Another process keeps the store."""


def item_id(item: Mapping[str, Any]) -> str:
    """Return an item's id: the id of the artifact that holds it."""
    return hashlib.sha256(canonical(item)).hexdigest()


class Store:
    """A folder of items. Reading items by id needs nothing; the index is open inside `with` only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = ExitStack()
        self._unindexed = folder / "unindexed"

    @cached_property
    def _files(self) -> Artifacts:
        return Artifacts(self.folder / "items")

    @cached_property
    def _lock(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        # One lock a process and path: two sessions of one run (a fork) share the store, two processes do not.
        return FileLock(self.folder / "lock", is_singleton=True, thread_local=False)

    @property
    def held(self) -> bool:
        """Whether this very process holds the store."""
        return self._lock.is_locked

    @contextmanager
    def hold(self, patience: float = PATIENCE) -> Iterator[None]:
        """Keep other processes out. Raises StoreBusyError where one stays for `patience` seconds."""
        try:
            self._lock.acquire(timeout=patience)
        except Timeout:
            what = "is in use by another process; wait for it to end, or end it"
            raise StoreBusyError(f"the memory in {self.folder} {what}") from None
        try:
            yield
        finally:
            self._lock.release()

    # Items by id: plain files, which appear whole and never change.

    def __contains__(self, name: str) -> bool:
        return (self.folder / "items" / name).exists()

    def ids(self) -> list[str]:
        """Return the ids of all items, sorted."""
        folder = self.folder / "items"
        return sorted(p.name for p in folder.iterdir() if len(p.name) == 64) if folder.is_dir() else []

    def get(self, name: str) -> Item:
        """Return the item `name`. Raises KeyError where there is none, StoreError where its file is damaged."""
        try:
            status = (self.folder / "items" / name).stat()
            seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            return dict(_read(self.folder / "items", name, seen))
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(name) from None
        except CorruptArtifactError as error:
            raise StoreError(f"{error}; delete that file to go on without the item") from error

    def iterate(self, kind: str = "") -> Iterator[tuple[str, Item]]:
        """Yield (id, item) in the order of the ids, of one kind or of all."""
        for name in self.ids():
            item = self.get(name)
            if kind in ("", item["kind"]):
                yield name, item

    # The index.

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """Turn what is said of a damaged index into one line."""
        try:
            yield
        except (IndexDamagedError, sqlite3.Error) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> StoreError:
        index, told = f"the memory's index {self.folder / 'index'}", " ".join(what.split())[:120]
        if any(word in what for word in REFUSED):
            return StoreError(f"{index} cannot be written ({told}); make room or let it be written")
        remedy = "delete that folder: it is made again from the items beside it"
        return StoreError(f"{index} is damaged ({told}); {remedy}")

    def open(self) -> None:
        """Take the lock, open the index and make it whole. Raises StoreError where that cannot be done."""
        with ExitStack() as undo:
            undo.enter_context(self.hold())
            index = self.folder / "index"
            parts = [index / "chroma.sqlite3", index / "facts.sqlite3"]
            if not all(part.exists() and part.stat().st_size for part in parts):
                self._unindexed.touch()
            with self._clear():
                self._index = Index.at(index, KINDS, FIELDS)
            undo.callback(self._index.leave)
            if self._unindexed.exists() or not self._index.settled:
                self.sync()
            self._open = undo.pop_all()

    def close(self) -> None:
        """Let the index and the lock go. Closing a closed store is nothing."""
        self._open.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def count(self, kind: str = "") -> int:
        """Return how many items the index has, of one kind or of all."""
        with self._clear():
            return self._index.count(*([kind] if kind else KINDS))

    def upsert(self, items: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep items {kind, text, ...} and return their ids; an item that is there already is kept once.

        Raises ValueError for an item of no known kind or without a text.
        """
        found = checked(items)
        self._unindexed.touch()
        entries = [(self._files.put_json(item), item) for item in found]
        self._put(entries)
        self._unindexed.unlink(missing_ok=True)
        return [name for name, _ in entries]

    def _put(self, entries: Iterable[tuple[str, Item]]) -> None:
        with self._clear():
            self._index.put([(name, clean(item["text"]), flat(item)) for name, item in entries])

    def query(
        self, text: str, kind: str, n: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Return the `n` nearest items that `where` fits as (id, cosine similarity), best first, ties by id.

        `where` is {field: value} or {field: {"$in": values}} of `FIELDS`, or {"$and": [several]}.
        """
        if not text.strip():
            return []
        with self._clear():
            return self._index.nearest(clean(text), kind, n, where)

    def delete(self, names: Iterable[str]) -> None:
        """Remove items: their files, then their entries in the index."""
        chosen = list(names)
        self._unindexed.touch()
        for name in chosen:
            (self.folder / "items" / name).unlink(missing_ok=True)
        with self._clear():
            self._index.delete(chosen)
        self._unindexed.unlink(missing_ok=True)

    def sync(self) -> None:
        """Make the index agree with the files."""
        wanted = set(Store.ids(self))
        with self._clear():
            whole, there = self._index.ids()
            self._index.delete(sorted(there - wanted))
        self._put([(name, self.get(name)) for name in sorted(wanted - whole)])
        with self._clear():
            self._index.settle()
        self._unindexed.unlink(missing_ok=True)


@lru_cache(maxsize=READ)
def _read(folder: Path, name: str, seen: object) -> Item:  # noqa: ARG001 - a file that has changed is read again
    item: Item = _files_of(folder).json(name)
    return item


@lru_cache(maxsize=8)
def _files_of(folder: Path) -> Artifacts:
    return Artifacts(folder)


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


def flat(item: Item) -> dict[str, str | int | float | bool]:
    """Return the flat fields that a query may filter by."""
    chosen = {key: item[key] for key in FIELDS if isinstance(item.get(key), str | int | float | bool)}
    return {key: clean(value) if isinstance(value, str) else value for key, value in chosen.items()}
