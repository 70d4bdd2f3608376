"""What other runs have stored, as a run may see it: without its own items, and what its task must not be shown."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from memory.items import LEAVES
from memory.ranking import Found
from memory.shared import Place, Shared
from memory.similar import Where
from memory.store import Store

WIDE = 100  # nearest items that are looked at before those are left out that this branch must not see
# Which items a task may be shown, by what each says of data: only one whose data stay, too, may see those of such tasks.
# Its items are made from what it sees, and so no other's models ever get at them. An item that says nothing may be of one.
LEAVE = tuple(sorted(LEAVES))

STAYS = "stays"
MADE = ("attempt", "case", "idea", "repair")  # kinds that models make

T = TypeVar("T")


@dataclass(frozen=True)
class Elsewhere:
    """The shared memory; `place` is None for a run that is given nothing of it."""

    place: Place | None
    data: str
    """The task's word on what of its data may leave this machine."""
    family: frozenset[str]
    """The run and those that it comes from: what they have in there is left out."""
    home: str = ""
    """The task, where all of the run's models are on this machine: they are shown what stays of it, too."""

    def look(self, use: Callable[["Ask"], list[T]]) -> list[T]:
        """Ask the shared store, open for this one moment."""
        if self.place is None or not self.place.exists():
            return []
        with Shared(self.place) as store:
            return use(Ask(store, self))

    def near(self, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
        """Return the items nearest to `text`, each `where` asked in turn."""
        return self.look(lambda ask: ask.near(text, kind, wheres)) if wheres else []

    def stamp(self) -> object:
        """Return what is another when somebody has learned something since."""
        return Shared(self.place).stamp() if self.place else None

    def narrow(self, where: Where) -> Where:
        """Narrow a query to the items that this run's task may be shown, wherever its models are."""
        return both(where, {"data": {"$in": list(LEAVE)}}) if self.data in LEAVE else where

    def staying(self, where: Where) -> list[Where]:
        """Return the query narrowed to what stays of this very task, where that is for this run's models but not in `narrow`."""
        if not self.home or self.data not in LEAVE:
            return []
        return [both(where, {"$and": [{"task": self.home}, {"data": STAYS}]})]

    def learned_here(self) -> bool:
        """Say whether other runs have left what stays of this task: what this run makes may be made from it."""
        if not self.staying(None):
            return False
        return bool(
            self.look(lambda ask: [hit for kind in MADE for hit in ask.having(kind, {"data": STAYS}, 1)])
        )


@dataclass(frozen=True)
class Ask:
    """The shared store while it is open (`memory.similar.Ask`)."""

    store: Shared
    elsewhere: Elsewhere

    def near(self, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
        """Return the items nearest to `text`, each `where` asked in turn."""
        narrowed = [each for where in wheres for each in self._seen(where)]
        return self._others(asked(self.store, text, kind, narrowed))

    def having(self, kind: str, where: Mapping[str, Any], n: int) -> list[Found]:
        """Return `n` items that have what `where` says, those of the greatest gain first."""
        gains = {
            name: gain for each in self._seen(where) for name, gain in self.store.having(kind, each or {}, n)
        }
        return self._found(kind, sorted(gains, key=lambda name: (-gains[name], name))[:n])

    def sample(self, kind: str, where: Mapping[str, Any], n: int) -> list[Found]:
        """Return `n` items that have what `where` says, whatever they gained: an id is a hash, and so the first ids are any."""
        found = (self.store.having(kind, each or {}, sys.maxsize) for each in self._seen(where))
        return self._found(kind, sorted({name for hits in found for name, _ in hits})[:n])

    def _found(self, kind: str, names: Sequence[str]) -> list[Found]:
        return self._others([(name, item, 1.0) for name, item in self.store.find(names, kind).items()])

    def _seen(self, where: Where) -> list[Where]:
        return [self.elsewhere.narrow(where), *self.elsewhere.staying(where)]

    def _others(self, found: list[Found]) -> list[Found]:
        return [hit for hit in found if hit[1].get("run") not in self.elsewhere.family]


def both(where: Where, more: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what asks for both."""
    return {"$and": [where, more]} if where else more


def asked(store: Store, text: str, kind: str, wheres: Sequence[Where]) -> list[Found]:
    """Return the items of a store nearest to `text`, each `where` asked in turn."""
    hits = dict(hit for where in wheres for hit in store.query(text, kind, WIDE, where))
    return [(name, item, hits[name]) for name, item in store.find(hits, kind).items()]
