"""A Chroma server that several machines share: it holds whole items, by their hash, of tasks whose data may leave a machine.

    budgetml-KIND        a record each: id, text and vector, fields to filter by, and the item itself as `item`
    budgetml-KIND-MARK   the same with vectors of another embedding than the shipped one, by its mark, without the item
    budgetml-forgotten   ids that must not come back

What stays goes to no server: `memory/shared.py` keeps it in the folder, as without one.
"""

import json
import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from memory.artifacts import canonical
from memory.away import AwayError, is_away, patient
from memory.believed import builds_nothing
from memory.embedding import SHIPPED, Embedding
from memory.facts import GAIN, number
from memory.files import parsed
from memory.index import BATCH, COSINE
from memory.items import KINDS, Item, StoreError, clean, flat, is_item, item_id
from memory.progress import parts

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI

KNOCK = 5.0  # seconds to reach it
PAGE = 5_000  # ids that are asked for at once
FORGOTTEN = "forgotten"
RECORDS = {
    "add",
    "count",
    "delete",
    "get",
    "query",
    "update",
    "upsert",
}  # ends of addresses whose answers name no class


def address(text: str) -> tuple[str, int, bool]:
    """Return a server's host, port and whether it speaks TLS. Raises ValueError for what is no http://HOST:PORT."""
    parts = urlsplit(text)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username
        or parts.path.strip("/")
        or parts.query
    ):
        raise ValueError(f"{text!r} is no address of a Chroma server: give it as http://HOST:PORT")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 8000), parts.scheme == "https"


@cache
def _client(place: str) -> "ClientAPI":
    import chromadb
    from chromadb.config import Settings

    host, port, tls = address(place)
    settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
    client = chromadb.HttpClient(host=host, port=port, ssl=tls, settings=settings)
    # The library's client has no other place where an answer can be looked at before it builds what that names.
    client._server._session.event_hooks = {"response": [_believe]}  # type: ignore[attr-defined]
    return client


def _believe(response: Any) -> None:
    """Raise ValueError for a collection that names a class to be built: whoever reaches the server can write it."""
    if response.url.path.rstrip("/").rpartition("/")[2] in RECORDS:
        return
    answer = parsed(response.read() or b"null")
    for each in answer if isinstance(answer, list) else [answer]:
        if isinstance(each, dict) and not builds_nothing(
            [each.get("configuration_json"), each.get("schema")]
        ):
            raise ValueError("a collection names an embedding that is none of budgetml's")


class Server:
    """Items on a server. It takes care of its own locks: any number of machines write at once."""

    def __init__(self, place: str, embedding: Embedding = SHIPPED) -> None:
        self.place, self.embedding = place, embedding
        self._collections: dict[str, Collection] = {}

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """Turn whatever the server or the way to it says into one line."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, httpx.HTTPError, OSError, ValueError) as error:
            told = " ".join(str(error).split())[:120] or type(error).__name__
            what = "start it (chroma run), or name another by BUDGETML_MEMORY or `memory` in budgetml.toml"
            raise (AwayError if is_away(error) else StoreError)(
                f"the memory at {self.place} does not answer as it should ({told}); {what}"
            ) from error

    @patient
    def reach(self) -> None:
        """Raise StoreError where nobody answers there."""
        with self._clear():
            host, port, _ = address(self.place)
            socket.create_connection((host, port), timeout=KNOCK).close()
            _client(self.place).heartbeat()
        if self.embedding != SHIPPED:
            self._sync()

    def _collection(self, name: str) -> "Collection":
        if name not in self._collections:
            self._collections[name] = _client(self.place).get_or_create_collection(
                f"budgetml-{name}", configuration=COSINE, embedding_function=None
            )
        return self._collections[name]

    def _near(self, kind: str) -> "Collection":
        """Return the collection with this machine's vectors: other machines may have another embedding."""
        mark = "" if self.embedding == SHIPPED else f"-{zlib.crc32(str(self.embedding).encode()):08x}"
        return self._collection(f"{kind}{mark}")

    def _sync(self) -> None:
        """Embed as this machine does what others have written or forgotten."""
        for kind in KINDS:
            with self._clear():
                if self._near(kind).count() == self._collection(kind).count():
                    continue
                there, wanted = set(self._names(self._near(kind))), set(self._names(self._collection(kind)))
                if there - wanted:
                    self._near(kind).delete(ids=sorted(there - wanted))
            for part in parts(sorted(wanted - there), self.embedding.batch):
                self._embed(kind, self.find(part, kind))

    @patient
    def ids(self, *kinds: str) -> list[str]:
        """Return the ids of all items, or of some kinds, sorted."""
        with self._clear():
            return sorted(name for kind in kinds or KINDS for name in self._names(self._collection(kind)))

    def _names(self, collection: "Collection") -> Iterator[str]:
        for start in range(0, collection.count(), PAGE):
            yield from collection.get(include=[], limit=PAGE, offset=start)["ids"]

    @patient
    def find(self, names: Sequence[str], *kinds: str) -> dict[str, Item]:
        """Return those of these items that are there. Raises StoreError for one that is not what its id promises."""
        found: dict[str, Item] = {}
        with self._clear():
            for start in range(0, len(names), BATCH):
                for kind in kinds or KINDS:
                    got = self._collection(kind).get(
                        ids=list(names[start : start + BATCH]), include=["metadatas"]
                    )
                    found |= {
                        name: _item(facts)
                        for name, facts in zip(got["ids"], got["metadatas"] or [], strict=True)
                    }
        if wrong := next((name for name, item in found.items() if item_id(item) != name), None):
            raise StoreError(
                f"the memory at {self.place}: item {wrong} was changed: its hash is another; delete it there"
            )
        return found

    @patient
    def put(self, items: Mapping[str, Item]) -> None:
        """Keep items by their ids; what was forgotten meanwhile goes again."""
        for kind in sorted({item["kind"] for item in items.values()}):
            chosen = {name: item for name, item in items.items() if item["kind"] == kind}
            self._write(self._collection(kind), SHIPPED, chosen, whole=True)
            if self.embedding != SHIPPED:
                self._embed(kind, chosen)
        if gone := self.forgotten() & items.keys():  # whoever forgets says so before he deletes
            self.delete(gone)

    def _embed(self, kind: str, items: Mapping[str, Item]) -> None:
        self._write(self._near(kind), self.embedding, items, whole=False)

    def _write(
        self, where: "Collection", embedding: Embedding, items: Mapping[str, Item], *, whole: bool
    ) -> None:
        names = list(items)
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            vectors: Any = embedding.vectors([clean(items[name]["text"]) for name in part])
            fields = [
                flat(items[name])
                | ({"item": canonical(items[name]).decode("utf-8", "replace")} if whole else {})
                for name in part
            ]
            with self._clear():
                where.upsert(ids=part, metadatas=[*fields], embeddings=vectors)

    @patient
    def query(self, text: str, kind: str, n: int, where: Mapping[str, Any] | None) -> list[tuple[str, float]]:
        """Return the `n` nearest items of a kind as (id, cosine similarity)."""
        vector: Any = self.embedding.vectors([clean(text)])
        with self._clear():
            found = self._near(kind).query(
                query_embeddings=vector,
                n_results=n,
                where=dict(where) if where else None,
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        return [(name, round(1.0 - d, 4)) for name, d in zip(found["ids"][0], distances, strict=True)]

    @patient
    def having(self, kind: str, where: Mapping[str, Any], n: int) -> list[tuple[str, float]]:
        """Return `n` items of a kind that have what `where` says as (id, gain), those of the greatest gain first."""
        with self._clear():
            found = self._collection(kind).get(where=dict(where), include=["metadatas"])
        fields = zip(found["ids"], found["metadatas"] or [], strict=True)
        ranked = [(name, number(values.get(GAIN))) for name, values in fields]
        return sorted(ranked, key=lambda one: (-one[1], one[0]))[:n]

    @patient
    def count(self, *kinds: str) -> int:
        """Return how many items there are of these kinds."""
        with self._clear():
            return sum(self._collection(kind).count() for kind in kinds)

    @patient
    def delete(self, names: Iterable[str]) -> None:
        """Remove items; one that is not there is nothing."""
        chosen = sorted(names)
        with self._clear():
            for start in range(0, len(chosen), BATCH):
                for kind in KINDS:
                    for each in (self._collection(kind), self._near(kind)):
                        each.delete(ids=chosen[start : start + BATCH])

    @patient
    def forgotten(self) -> set[str]:
        """Return the ids that were forgotten."""
        with self._clear():
            return set(self._names(self._collection(FORGOTTEN)))

    @patient
    def forget(self, names: Iterable[str]) -> None:
        """Note that items must not come back."""
        chosen = sorted(names)
        with self._clear():
            for start in range(0, len(chosen), BATCH):
                part = chosen[start : start + BATCH]
                nowhere: Any = [[0.0] for _ in part]
                self._collection(FORGOTTEN).upsert(ids=part, embeddings=nowhere)


def _item(facts: Mapping[str, Any] | None) -> Item:
    item = parsed(str((facts or {}).get("item", "")))
    if not is_item(item):
        raise ValueError("a record is no item")
    return dict(item)


def whole(item: Item) -> bool:
    """Say whether an item comes back from a server as it was: JSON in UTF-8."""
    try:
        return bool(json.loads(canonical(item).decode("utf-8")) == item)
    except ValueError:
        return False
