"""Items on disk: JSON files by hash are the truth, and Chroma is an index from texts to their ids.

    FOLDER/items/SHA256   one item each; the name is the item's id
    FOLDER/index/         Chroma's database; made again from the items when it is missing
    FOLDER/believed       how the index was left here; another one is made anew
    FOLDER/unindexed      there while the index may lag behind the items: a killed writer leaves it
    FOLDER/lock           held by the one process that has the index open
    FOLDER/merged         of a run's store: its items are all in the shared store
    FOLDER/forgotten      of the shared store: ids that must not come back, one a line

Several processes that have one Chroma folder open lose each other's items. So it is opened under the lock only:
a run holds its own store while it lasts, and opens the shared store for one short operation at a time.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from memory import believed, index
from memory.artifacts import Artifacts, CorruptArtifactError, canonical
from memory.files import odd
from memory.locks import MODE, PATIENCE, keep_to_oneself

if TYPE_CHECKING:
    from chromadb import Collection

KINDS = ("attempt", "case", "repair", "idea", "card", "offer")
# Of an item, for `where` in a query; `of` is an offer's, what was offered.
FIELDS = ("task", "run", "step", "name", "error", "signature", "kind", "data", "status", "gained", "of")
# What Chroma says of a disk, not of its files.
REFUSED = ("disk is full", "readonly database", "unable to open", "os error")
BATCH = 1_000  # items in one write to the index

Item = dict[str, Any]


WORDS = ("task", "run", "name", "error", "signature", "what", "title", "script", "data", "source", "imported")
AMOUNTS = ("step", "score", "baseline", "score_before")


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
        self._collections: dict[str, Collection] = {}
        self._unindexed = folder / "unindexed"

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
        if link := next(odd(self.folder), None) if not self.folder.is_symlink() else self.folder:
            what = "a symbolic link" if link.is_symlink() else "no plain file"
            raise StoreError(f"{link}: is {what}, and no memory has any; put a plain file in its place")
        try:
            self._lock.acquire(timeout=patience)
        except Timeout:
            what = "is in use by another process; wait for it to end, or end it"
            raise StoreBusyError(f"the memory in {self.folder} {what}") from None
        try:
            if self._lock.lock_counter == 1:  # no other session of this process has the index open
                believed.drop_unknown(self.folder)
            yield
        finally:
            self._lock.release()

    # Items by id: plain files, which appear whole and never change.

    def ids(self) -> list[str]:
        """Return the ids of all items, sorted; what is no plain file is none."""
        folder = self.folder / "items"
        if not folder.is_dir():
            return []
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if len(e.name) == 64 and e.is_file(follow_symlinks=False))

    def get(self, name: str) -> Item:
        """Return the item `name`. Raises KeyError where there is none, StoreError where its file is damaged."""
        try:
            item: Item = self._files.json(name)
        except FileNotFoundError:
            raise KeyError(name) from None
        except CorruptArtifactError as error:
            raise StoreError(f"{error}; delete that file to go on without the item") from error
        if not _is_item(item):
            path = self.folder / "items" / name
            raise StoreError(f"{path} is no item of the memory; delete that file to go on without it")
        return item

    def iterate(self, kind: str = "") -> Iterator[tuple[str, Item]]:
        """Yield (id, item) in the order of the ids, of one kind or of all."""
        for name in self.ids():
            item = self.get(name)
            if kind in ("", item["kind"]):
                yield name, item

    # The index.

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """Turn what Chroma says of a damaged database into one line."""
        from chromadb.errors import ChromaError

        try:
            yield
        except ChromaError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> StoreError:
        index, told = f"the memory's index {self.folder / 'index'}", " ".join(what.split())[:120]
        if any(word in what for word in REFUSED):
            return StoreError(f"{index} cannot be written ({told}); make room or let it be written")
        remedy = "delete that folder: it is made again from the items beside it"
        return StoreError(f"{index} is damaged ({told}); {remedy}")

    def _sound(self) -> None:
        """Raise StoreError where the index is no whole SQLite file of ours: on one Chroma ends the process, past any except."""
        if self._empty:
            return
        try:
            # Open for writing: what a killed writer left half done is undone before anything is read.
            with closing(sqlite3.connect(f"{self._database.resolve().as_uri()}?mode=rw", uri=True)) as db:
                index.check(db)
                verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
                if not db.execute("SELECT name FROM sqlite_master").fetchone():
                    return  # its first writer was killed: Chroma begins it anew
                db.execute("SELECT sql FROM sqlite_master UNION ALL SELECT sql FROM migrations").fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._damaged(str(error)) from None
        if verdict != "ok":
            raise self._damaged(verdict)

    @property
    def _database(self) -> Path:
        return self.folder / "index" / "chroma.sqlite3"

    @property
    def _empty(self) -> bool:
        return not self._database.exists() or not self._database.stat().st_size

    def open(self) -> None:
        """Take the lock, open the index and make it whole. Raises StoreError where that cannot be done."""
        with ExitStack() as undo:
            undo.enter_context(self.hold())
            undo.callback(believed.believe, self.folder)
            if self._empty:
                self._unindexed.touch()
            self._sound()
            with self._clear():
                self._connect(undo)
            if self._unindexed.exists():
                self.sync()
            self._open = undo.pop_all()

    def _connect(self, undo: ExitStack) -> None:
        import chromadb
        from chromadb.config import Settings

        from memory.embedding import WordEmbedding

        path = self.folder / "index"
        # Without a `.env` of the current folder, which could name classes to be imported and hosts to be asked.
        settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
        client = chromadb.PersistentClient(path=path, settings=settings)
        undo.callback(client.close)  # type: ignore[attr-defined]  # its declared type lacks it
        self._collections = {
            kind: client.get_or_create_collection(kind, embedding_function=WordEmbedding())  # type: ignore[arg-type]
            for kind in KINDS
        }

    def close(self) -> None:
        """Close the index and let the lock go. Closing a closed store is nothing."""
        self._collections = {}
        self._open.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def count(self, kind: str = "") -> int:
        """Return how many items the index has, of one kind or of all."""
        with self._clear():
            return sum(c.count() for name, c in self._collections.items() if kind in ("", name))

    def upsert(self, items: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep items {kind, text, ...} and return their ids; an item that is there already is kept once.

        Raises ValueError for an item of no known kind or without a text.
        """
        found = [dict(item) for item in items]
        for item in found:
            if item.get("kind") not in KINDS or not str(item.get("text", "")).strip():
                raise ValueError(f"a remembered item needs a kind of {', '.join(KINDS)} and a text: {item}")
        self._unindexed.touch()
        entries = [(self._files.put_json(item), item) for item in found]
        self._index(entries)
        self._unindexed.unlink(missing_ok=True)
        return [name for name, _ in entries]

    def _index(self, entries: Sequence[tuple[str, Item]]) -> None:
        for kind in KINDS:
            chosen = {name: item for name, item in entries if item["kind"] == kind}
            names = list(chosen)
            for start in range(0, len(names), BATCH):
                part = names[start : start + BATCH]
                with self._clear():
                    self._collections[kind].upsert(
                        ids=part,
                        documents=[_clean(chosen[name]["text"]) for name in part],
                        metadatas=[_metadata(chosen[name]) for name in part],
                    )

    def query(
        self, text: str, kind: str, n: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Return the `n` nearest items as (id, cosine similarity), best first, ties by id."""
        if not text.strip():
            return []
        with self._clear():
            found = self._collections[kind].query(
                query_texts=[_clean(text)],
                n_results=n,
                where=dict(where) if where else None,
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        hits = [(name, round(1.0 - d, 4)) for name, d in zip(found["ids"][0], distances, strict=True)]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

    def having(self, kind: str, where: Mapping[str, Any], by: str, n: int) -> list[str]:
        """Return the ids of `n` items that have what `where` says, those with the greatest field `by` first.

        Nothing is embedded, and no item is missed: a search of the nearest may pass by one that is behind many equal texts.
        """
        with self._clear():
            found = self._collections[kind].get(where=dict(where), include=["metadatas"])
        fields = zip(found["ids"], found["metadatas"] or [], strict=True)
        ranked = [(_number(values.get(by)), name) for name, values in fields]
        return [name for _, name in sorted(ranked, key=lambda one: (-one[0], one[1]))[:n]]

    def delete(self, names: Iterable[str]) -> None:
        """Remove items: their files, then their entries in the index."""
        self._unindexed.touch()
        for name in names:
            (self.folder / "items" / name).unlink(missing_ok=True)
        self.sync()

    def sync(self) -> None:
        """Make the index agree with the files."""
        wanted = set(self.ids())
        missing = set(wanted)
        for collection in self._collections.values():
            with self._clear():
                there = set(collection.get(include=[])["ids"])
                if there - wanted:
                    collection.delete(ids=sorted(there - wanted))
            missing -= there
        self._index([(name, self.get(name)) for name in sorted(missing)])
        self._unindexed.unlink(missing_ok=True)


def _clean(text: str) -> str:
    """Make a text that any library can encode: a program's output may hold lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("-inf")


def _metadata(item: Item) -> dict[str, str | int | float | bool]:
    """Return the flat fields that a query may filter by."""
    chosen = {key: item[key] for key in FIELDS if isinstance(item.get(key), str | int | float | bool)}
    return {key: _clean(value) if isinstance(value, str) else value for key, value in chosen.items()}


def _is_item(item: Any) -> bool:
    """Whether this is what `upsert` keeps; a stranger may have written it."""
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(field), str) for field in ("kind", "text"))
        and all(isinstance(item.get(field, ""), str | None) for field in WORDS)
        and (item["kind"] != "case" or all(isinstance(item.get(a), int | float | None) for a in AMOUNTS))
        and isinstance(item.get("kinds", []), list)
        and all(isinstance(kind, str) for kind in item.get("kinds", []))
    )
