"""Items on disk: JSON files by hash are the truth, and an index finds their ids by texts (Chroma) and by fields.

    FOLDER/items/SHA256   one item each; the name is the item's id
    FOLDER/index/         `memory/index.py`; made again from the items when it is missing, or for another embedding
    FOLDER/index-away/    the same of what may leave this machine, where the embedding is made elsewhere
    FOLDER/unindexed      there while the index may lag behind the items: a killed writer leaves it
    FOLDER/lock           held by the one process that has the index open
    FOLDER/merged         of a run's store: its items are all in the shared store
    FOLDER/forgotten      of the shared store: ids that must not come back, one a line

Several processes that have one Chroma folder open lose each other's items. So it is opened under the lock only:
a run holds its own store while it lasts, and opens the shared store for one short operation at a time.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from memory.artifacts import NAME, Artifacts
from memory.embedding import SHIPPED, Embedding
from memory.files import odd
from memory.index import FACTS, Index, IndexDamagedError
from memory.items import KINDS, LEAVES, Item, StoreBusyError, StoreError, checked, clean, flat, read
from memory.locks import MODE, PATIENCE, keep_to_oneself
from memory.progress import parts

# What Chroma says of a disk, not of its files.
REFUSED = ("disk is full", "readonly database", "unable to open", "os error")


class Store:
    """A folder of items. Reading items by id needs nothing; the index is open inside `with` only."""

    def __init__(self, folder: Path, embedding: Embedding = SHIPPED) -> None:
        self.folder, self.embedding = folder, embedding
        self._open = ExitStack()
        self._indexes: list[Index] = []
        self._unindexed, self._items = folder / "unindexed", str(folder / "items")

    @cached_property
    def _files(self) -> Artifacts:
        return Artifacts(self.folder / "items")

    @cached_property
    def _lock(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        keep_to_oneself(self.folder)
        # One lock a process and path: two sessions of one run (a fork) share the store, two processes do not.
        return FileLock(self.folder / "lock", mode=MODE, is_singleton=True, thread_local=False)

    @property
    def held(self) -> bool:
        """Whether this very process holds the store."""
        return self._lock.is_locked

    @contextmanager
    def hold(self, patience: float = PATIENCE) -> Iterator[None]:
        """Keep other processes out. Raises StoreBusyError where one stays for `patience` seconds.

        Raises StoreError where a link in the store leads elsewhere: what is written would go there.
        """
        if (
            link := next(odd(self.folder, without=self.folder / "items"), None)
            if not self.folder.is_symlink()
            else self.folder
        ):
            what = "a symbolic link" if link.is_symlink() else "no plain file"
            raise StoreError(f"{link}: is {what}, and no memory has any; put a plain file in its place")
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
        return bool(NAME.fullmatch(name)) and os.path.exists(f"{self._items}/{name}")  # noqa: PTH110 - in a loop

    def ids(self) -> list[str]:
        """Return the ids of all items, sorted; what is no plain file is none."""
        folder = self.folder / "items"
        if not folder.is_dir():
            return []
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if len(e.name) == 64 and e.is_file(follow_symlinks=False))

    def get(self, name: str) -> Item:
        """Return the item `name`. Raises KeyError where there is none, StoreError where its file is damaged."""
        return read(self._items, name)

    def find(self, names: Iterable[str], kind: str = "") -> dict[str, Item]:  # noqa: ARG002 - a server asks by kind
        """Return these items by id; of one `kind`, where all are. Raises what `get` raises."""
        return {name: self.get(name) for name in names}

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

    def _places(self) -> dict[Path, Embedding]:
        """Return each index's folder and who embeds for it: what stays on this machine is embedded on it."""
        here, away = self.folder / "index", self.folder / "index-away"
        return {here: self.embedding} if self.embedding.local else {here: SHIPPED, away: self.embedding}

    def open(self) -> None:
        """Take the lock, open the index and make it whole. Raises StoreError where that cannot be done."""
        with ExitStack() as undo:
            undo.enter_context(self.hold())
            self._indexes = []
            for folder, embedding in self._places().items():
                needed = [folder / "chroma.sqlite3", folder / FACTS]
                if not all(file.exists() and file.stat().st_size for file in needed):
                    self._unindexed.touch()
                with self._clear():
                    self._indexes.append(Index.at(folder, embedding))
                undo.callback(self._indexes[-1].leave)
            if self._unindexed.exists() or not all(index.settled for index in self._indexes):
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
            return self._indexes[0].count(*([kind] if kind else KINDS))

    def upsert(self, items: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep items {kind, text, ...} and return their ids; an item that is there already is kept once.

        Raises ValueError for an item of no known kind or without a text.
        """
        found = checked(items)
        self._unindexed.touch()
        entries = [(self._files.put_json(item), item) for item in found]
        for index in self._indexes:
            self._put(index, entries)
        self._unindexed.unlink(missing_ok=True)
        return [name for name, _ in entries]

    def _put(self, index: Index, entries: Iterable[tuple[str, Item]]) -> None:
        chosen = [(name, item) for name, item in entries if self._belongs(index, item)]
        with self._clear():
            index.put([(name, clean(item["text"]), flat(item)) for name, item in chosen])

    def _belongs(self, index: Index, item: Mapping[str, Any]) -> bool:
        return index.embedding.local or item.get("data") in LEAVES

    def query(
        self, text: str, kind: str, n: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Return the `n` nearest items that `where` fits as (id, cosine similarity), best first, ties by id.

        `where` is {field: value}, {field: {"$in": values}} or {field: {"$nin": values}} of `FIELDS`, or {"$and": [several]}.
        The text is embedded on this machine, unless `where` asks for nothing but what may leave it.
        """
        if not text.strip():
            return []
        with self._clear():
            index = self._indexes[-1 if leaves(where) else 0]
            return self._there(index.nearest(clean(text), kind, n, where))

    def having(self, kind: str, where: Mapping[str, Any], n: int) -> list[tuple[str, float]]:
        """Return `n` items that have what `where` says as (id, gain), those of the greatest gain first, those without one last.

        Nothing is embedded, and no item is missed: a search of the nearest may pass by one that is behind many equal texts.
        """
        with self._clear():
            return self._there(self._indexes[0].having(kind, where, n))

    def _there(self, found: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        """Leave out what has no item: a stranger may have written the index."""
        return [hit for hit in found if Store.__contains__(self, hit[0])]

    def delete(self, names: Iterable[str]) -> None:
        """Remove items: their files, then their entries in the index."""
        chosen = list(names)
        self._unindexed.touch()
        for name in chosen:
            (self.folder / "items" / name).unlink(missing_ok=True)
        with self._clear():
            for index in self._indexes:
                index.delete(chosen)
        self._unindexed.unlink(missing_ok=True)

    def sync(self) -> None:
        """Make the index agree with the files; with a bar on a terminal, where that takes a while."""
        wanted = set(Store.ids(self))
        for index in self._indexes:
            with self._clear():
                whole, there = index.ids()
                index.delete(sorted(there - wanted))
            for part in parts(sorted(wanted - whole), index.embedding.batch):
                self._put(index, [(name, Store.get(self, name)) for name in part])
            with self._clear():
                index.settle()
        self._unindexed.unlink(missing_ok=True)


def leaves(where: Mapping[str, Any] | None) -> bool:
    """Whether a filter asks for nothing but what may leave this machine: then so may the question."""
    if not where:
        return False
    wanted = where.get("data")
    asked = wanted.get("$in", ()) if isinstance(wanted, Mapping) else [wanted]
    return bool(asked and set(asked) <= LEAVES) or any(map(leaves, where.get("$and", ())))
