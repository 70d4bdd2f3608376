"""The index of a store: Chroma finds the nearest texts, an SQLite table beside it what is equal, and what Chroma passed by.

Made again when missing.

    INDEX/chroma.sqlite3 ...    Chroma's: for each kind a collection of what may leave this machine, and one of what stays
    INDEX/facts.sqlite3         the items' fields and vectors (`memory/facts.py`)
    INDEX/left                  what its files were like when they were left here (`memory/marks.py`)

Whoever uses it holds the store's lock. The last one used stays open in this process, since to open it takes long where there is
much in it: used again is what nobody else has written to meanwhile.
"""

import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from memory import believed
from memory.embedding import Embedding
from memory.facts import Facts, Value, Where
from memory.items import FIELDS, KINDS, LEAVES
from memory.marks import look, mark, marked

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI

BATCH = 1_000  # items in one write
# Items of a kind that are compared one by one, in 12 ms: Chroma's graph leads to no text behind many that are equal, or equally far.
FEW = 5_000
SAID = "said"  # the field by which the table knows a text
FACTS = "facts.sqlite3"
COSINE: Any = {"hnsw": {"space": "cosine"}}

Entry = tuple[str, str, Mapping[str, Value]]  # id, text, fields with `kind`


class IndexDamagedError(Exception):
    """What is on disk is no index."""


class Index:
    """An open index. Those in use are open in a process, and one that is not."""

    _kept: ClassVar[dict[Path, "Index"]] = {}

    def __init__(
        self, folder: Path, embedding: Embedding, fields: Sequence[str] = FIELDS, few: int = FEW
    ) -> None:
        self.folder, self.embedding, self.few = folder, embedding, few
        self._database = folder / "chroma.sqlite3"
        self._collections: dict[str, Collection] = {}
        self._users = 0
        self._close = ExitStack()
        with ExitStack() as undo, self._clear():
            self._facts = self._opened([*fields, SAID])
            undo.callback(self._facts.close)
            self._check()
            self._client = self._connect(undo)
            self._there = {each.name for each in self._client.list_collections()}
            self._close = undo.pop_all()
        self._seen = look(self.folder)

    @classmethod
    def at(cls, folder: Path, embedding: Embedding) -> "Index":
        """Return the index in a folder, the one still open where it is as it was left. Raises IndexDamagedError."""
        kept = cls._kept.get(folder)
        left = kept and kept._seen and look(folder) == kept._seen
        if not kept or kept.embedding != embedding or not (kept._users or left):
            for path in [path for path, index in cls._kept.items() if not index._users]:
                cls._kept.pop(path).close()
            kept = cls._kept[folder] = cls(folder, embedding)
        kept._users += 1
        return kept

    def close(self) -> None:
        """Close it for good."""
        self._collections = {}
        self._close.close()

    def leave(self) -> None:
        """Let it go: what it is like now is noted, to see whether somebody else writes to it."""
        self._users -= 1
        self._seen = look(self.folder)
        if self._seen:
            mark(self.folder, self._seen)

    def _opened(self, fields: Sequence[str]) -> Facts:
        """Return the table; all of the index begins anew where it was not left here, or by another embedding or version."""
        made = str(self.embedding)
        if self.folder.exists() and not marked(self.folder):
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = Facts(self.folder / FACTS, fields, made)
        if not facts.fresh:
            return facts
        facts.close()
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        return Facts(self.folder / FACTS, fields, made)

    # Whether it is whole.

    @property
    def settled(self) -> bool:
        """Whether it has had all items once."""
        return self._facts.settled

    def settle(self) -> None:
        """Note that it has all items."""
        with self._clear():
            self._facts.settle()

    def _check(self) -> None:
        """Raise where its database computes, or names what Chroma would build."""
        if self._database.exists() and self._database.stat().st_size:
            with closing(sqlite3.connect(f"{self._database.resolve().as_uri()}?mode=ro", uri=True)) as db:
                believed.check(db)

    @contextmanager
    def _clear(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, sqlite3.Error, UnicodeDecodeError) as error:
            raise IndexDamagedError(str(error)) from error

    def _connect(self, undo: ExitStack) -> "ClientAPI":
        import chromadb
        from chromadb.config import Settings

        # Without a `.env` of the current folder, which could name classes to be imported and hosts to be asked.
        settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
        client = chromadb.PersistentClient(path=self.folder, settings=settings)
        undo.callback(client.close)  # type: ignore[attr-defined]  # its declared type lacks it
        return client

    # What is in it.

    def _collection(self, name: str) -> "Collection":
        if name not in self._collections:
            # The vectors are given: Chroma is to build nothing that makes any.
            self._collections[name] = self._client.get_or_create_collection(
                name, configuration=COSINE, embedding_function=None
            )
            self._there.add(name)
        return self._collections[name]

    def _of(self, *kinds: str) -> "list[Collection]":
        names = [name for kind in kinds for name in (kind, f"{kind}-stays")]
        return [self._collection(name) for name in names if name in self._there]

    def count(self, *kinds: str) -> int:
        """Return how many items it has of these kinds."""
        with self._clear():
            return sum(each.count() for each in self._of(*kinds))

    def ids(self) -> tuple[set[str], set[str]]:
        """Return the ids that all of it has, and those that a part of it has."""
        with self._clear():
            near = {name for each in self._of(*KINDS) for name in each.get(include=[])["ids"]}
            equal = self._facts.ids()
        return near & equal, near | equal

    def put(self, entries: Sequence[Entry]) -> None:
        """Add items or replace them. Texts are Unicode that can be written. Raises StoreError where nobody embeds them."""
        parts: dict[str, list[Entry]] = {}
        for entry in entries:
            kind, data = entry[2]["kind"], entry[2].get("data")
            parts.setdefault(f"{kind}" if data in LEAVES else f"{kind}-stays", []).append(entry)
        for name, every in parts.items():
            for start in range(0, len(every), BATCH):
                part = every[start : start + BATCH]
                vectors: Any = self.embedding.vectors([text for _, text, _ in part])
                with self._clear():
                    self._collection(name).upsert(ids=[each for each, _, _ in part], embeddings=vectors)
                    self._facts.put(
                        [
                            (item, {**fields, SAID: _said(text)}, vector.tobytes())
                            for (item, text, fields), vector in zip(part, vectors, strict=True)
                        ]
                    )

    def delete(self, names: Sequence[str]) -> None:
        """Remove items; one that is not there is nothing."""
        with self._clear():
            for start in range(0, len(names), BATCH):
                part = list(names[start : start + BATCH])
                for each in self._of(*KINDS):
                    each.delete(ids=part)
                self._facts.delete(part)

    def nearest(self, text: str, kind: str, n: int, where: Where | None) -> list[tuple[str, float]]:
        """Return the `n` items of a kind nearest to a text, as (id, cosine similarity), best first, ties by id.

        None is missed among `few`, nor where a filter asks for more than what may leave; among more, none of the same text.
        """
        vector = self.embedding.vectors([text])[0]
        with self._clear():
            if where and not _leaving(where):
                return self._facts.nearest(vector, kind, n, where)
            names = [kind] if where else [kind, f"{kind}-stays"]
            hits = {
                name: cosine
                for collection in names
                if collection in self._there
                for name, cosine in _asked(self._collection(collection), vector, n)
            }
            # What Chroma's graph leads to no way: among few all of that, else what says the same.
            rest = {} if self.count(kind) <= self.few else {SAID: _said(text)}
            hits |= self._facts.nearest(vector, kind, n, {"$and": [where or {}, rest]})
        return sorted(hits.items(), key=lambda hit: (-hit[1], hit[0]))[:n]

    def having(self, kind: str, where: Where, n: int) -> list[tuple[str, float]]:
        """Return `n` items of a kind that `where` fits, as (id, gain), those of the greatest gain first."""
        with self._clear():
            return self._facts.having(kind, where, n)


def _said(text: str) -> int:
    """Return a number that equal texts have in common, and hardly any others."""
    return zlib.crc32(text.encode())


def _leaving(where: Where) -> bool:
    """Say whether a filter asks for all that may leave this machine, and for nothing else."""
    wanted = where.get("data")
    return len(where) == 1 and isinstance(wanted, Mapping) and set(wanted.get("$in", ())) == LEAVES


def _asked(collection: "Collection", vector: Any, n: int) -> list[tuple[str, float]]:
    found = collection.query(query_embeddings=[vector], n_results=n, include=["distances"])
    distances = (found["distances"] or [[]])[0]
    return [(name, round(1.0 - d, 4)) for name, d in zip(found["ids"][0], distances, strict=True)]
