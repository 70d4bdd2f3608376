"""The memory that runs share: a folder beside them, and, where one is set, a server for what may leave this machine."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory.embedding import SHIPPED, Embedding
from memory.files import read_plain
from memory.items import KINDS, LEAVES, Item, checked, item_id
from memory.server import Server, whole
from memory.store import Store, leaves

FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Place:
    """Where the shared memory is: a folder, and a server's address or ""; and who embeds."""

    folder: Path
    server: str = ""
    embedding: Embedding = SHIPPED

    def __str__(self) -> str:
        return f"{self.server} and {self.folder}" if self.server else str(self.folder)

    def exists(self) -> bool:
        """Whether anything can be remembered there already."""
        return bool(self.server) or self.folder.exists()


class Shared(Store):
    """A folder's items, and a server's: read from both, written to the server where their data may leave this machine."""

    def __init__(self, place: Path | Place) -> None:
        self.place = place if isinstance(place, Place) else Place(place)
        self.server = Server(self.place.server, self.place.embedding) if self.place.server else None
        super().__init__(self.place.folder, self.place.embedding)

    def open(self) -> None:
        """Open the folder's index, and see that the server answers. Raises StoreError."""
        if self.server:
            self.server.reach()
        super().open()

    def _leave(self, item: Item) -> bool:
        return self.server is not None and item.get("data") in LEAVES and whole(item)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return those that are neither there nor forgotten."""
        gone = self.forgotten()
        left = [name for name in names if name not in gone and name not in self]
        there = set(self.server.ids()) if self.server and left else set()
        return [name for name in left if name not in there]

    def ids(self) -> list[str]:
        """Return the ids of all items, sorted."""
        return sorted({*super().ids(), *(self.server.ids() if self.server else ())})

    def own(self) -> list[str]:
        """Return the ids of the folder's items, sorted."""
        return super().ids()

    def get(self, name: str) -> Item:
        """Return the item `name`. Raises KeyError where there is none, StoreError where it is damaged."""
        return self.find([name])[name]

    def find(self, names: Iterable[str], kind: str = "") -> dict[str, Item]:
        """Return those of these items that are there; of one `kind`, where all are. Raises StoreError for a damaged one."""
        chosen = list(names)
        here = {name: super(Shared, self).get(name) for name in chosen if self.server is None or name in self}
        away = [name for name in chosen if name not in here]
        found = here | (self.server.find(away, *([kind] if kind else [])) if self.server and away else {})
        return {name: found[name] for name in chosen if name in found}

    def iterate(self, kind: str = "") -> Iterator[tuple[str, Item]]:
        """Yield (id, item) of one kind or of all, the folder's first."""
        for name in self.own():
            item = super().get(name)
            if kind in ("", item["kind"]):
                yield name, item
        if self.server:
            there = set(self.own())
            names = [name for name in self.server.ids(*([kind] if kind else [])) if name not in there]
            yield from self.server.find(names).items()

    def count(self, kind: str = "") -> int:
        """Return how many items the indexes have."""
        return super().count(kind) + (self.server.count(*([kind] if kind else KINDS)) if self.server else 0)

    def upsert(self, items: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep items where they belong and return their ids. Raises ValueError for what is none."""
        found = {item_id(item): item for item in checked(items)}
        away = {name: item for name, item in found.items() if self._leave(item)}
        super().upsert(item for name, item in found.items() if name not in away)
        if self.server and away:
            self.server.put(away)
        return list(found)

    def query(
        self, text: str, kind: str, n: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Return the `n` nearest items that `where` fits as (id, cosine similarity), best first, ties by id.

        The server is asked where `where` asks for nothing but what may leave this machine: so may the question then.
        """
        hits = dict(super().query(text, kind, n, where))
        if self.server and text.strip() and leaves(where):
            hits = dict(self.server.query(text, kind, n, where)) | hits
        return sorted(hits.items(), key=lambda hit: (-hit[1], hit[0]))[:n]

    def having(self, kind: str, where: Mapping[str, Any], n: int) -> list[tuple[str, float]]:
        """Return `n` items that have what `where` says as (id, gain), those of the greatest gain first; of both as `query`."""
        hits = dict(super().having(kind, where, n))
        if self.server and leaves(where):
            hits = dict(self.server.having(kind, where, n)) | hits
        return sorted(hits.items(), key=lambda hit: (-hit[1], hit[0]))[:n]

    def stamp(self) -> tuple[int, int]:
        """Return what is another when somebody has learned something; nothing needs to be open."""
        items = self.folder / "items"
        return items.stat().st_mtime_ns if items.is_dir() else 0, self.server.count(
            *KINDS
        ) if self.server else 0

    def delete(self, names: Iterable[str]) -> None:
        """Remove items from both."""
        chosen = list(names)
        if self.server:
            self.server.delete(chosen)
        super().delete(chosen)

    def forgotten(self) -> set[str]:
        """Return the ids that were forgotten."""
        path = self.folder / FORGOTTEN
        here = set(read_plain(path).decode("ascii", "replace").split()) if path.exists() else set()
        return here | (self.server.forgotten() if self.server else set())

    def forget(self, names: Iterable[str]) -> None:
        """Remove items for good, with the store open: no later merge brings them back."""
        chosen = sorted(names)
        # The lists first: killed in between, the item is still seen and can be forgotten again.
        with (self.folder / FORGOTTEN).open("a", encoding="ascii") as file:
            file.writelines(f"{name}\n" for name in chosen)
        if self.server:
            self.server.forget(chosen)
        self.delete(chosen)
