"""What a run itself has kept: its own store, copied into the shared one at its end."""

from collections.abc import Sequence
from pathlib import Path

from memory.elsewhere import asked
from memory.embedding import SHIPPED
from memory.items import Item, item_id
from memory.merge import forgotten, merge, unmark
from memory.ranking import Found
from memory.shared import Place
from memory.similar import Where
from memory.store import Store


class Own:
    """A run's own store, held from the first item kept or looked for until it is closed."""

    def __init__(self, folder: Path, shared: Place | None) -> None:
        """Set it up without opening anything; `shared` is where what it holds is copied to."""
        self.folder, self.shared = folder, shared
        self._held: Store | None = None

    def near(self, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
        """Return the items nearest to `text`, each `where` asked in turn."""
        return asked(self._store(), text, kind, wheres) if Store(self.folder).ids() else []

    def keep(self, item: Item) -> Item:
        """Keep an item and return it as it is kept. Raises ValueError for one of no known kind or without a text."""
        item = self._anew(item) if item.get("kind") == "card" else item
        store = self._store()
        unmark(self.folder)
        store.upsert([item])
        return item

    def kept(self, kind: str) -> list[Item]:
        """Return the items of a kind; none while the store is not held, as then none was kept."""
        return [item for _, item in self._held.iterate(kind)] if self._held else []

    def close_and_merge(self) -> None:
        """Let the store go and copy what is new in it into the shared store."""
        held, self._held = self._held, None
        if held is not None:
            held.close()
        if self.shared is not None:
            merge(self.folder, self.shared)

    def _store(self) -> Store:
        if self._held is None:
            store = Store(self.folder, self.shared.embedding if self.shared else SHIPPED)
            store.open()
            self._held = store
        return self._held

    def _anew(self, card: Item) -> Item:
        """Return a card that is not forgotten: all runs of a task make the same one, and what a later one makes is new."""
        gone = forgotten(self.shared) if self.shared else set[str]()
        again = (card | ({"again": count} if count else {}) for count in range(len(gone) + 1))
        return next(one for one in again if item_id(one) not in gone)
