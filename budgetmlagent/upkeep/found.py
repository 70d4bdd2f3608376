"""What `budgetml memory search|stats` shows: what a step would be given for a text and why, and what there is of it all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.settings import shared_memory
from budgetmlagent.upkeep.imports import POLICIES, STAYS
from budgetmlagent.upkeep.memory import known, one_line, shortly
from budgetmlagent.wording import counted, one_of
from memory.elsewhere import Ask, Elsewhere
from memory.history import ALIKE
from memory.items import KINDS, Item, source
from memory.lessons import read
from memory.merge import merge_pending
from memory.ranking import Tally, Wanted, hybrid
from memory.shared import Shared
from memory.similar import tallied

EXACT = ("error", "signature", "name")  # fields by which an item is meant, whatever its text says


def search(
    runs_dir: Path, text: str, *, kind: str | None = None, data: str = "schema", most: int = 10
) -> list[dict[str, Any]]:
    """Return the `most` remembered items that fit `text` best, in the order in which they rank.

    Each is what a list says of it with `exact` (the field that is the very text, or ""), `similarity` (cosine), `gain` (of its
    score over the one before, None where it has none), how often it was `offered` and `helped`, `source`, and `why` in words.
    Exact ones come first, then as `memory.ranking` has it. Left out is what a task that says `data` of its data would not be shown.
    Raises UsageError for an empty text, an unknown kind and another word on data.
    """
    known(kind)
    if not text.strip():
        raise UsageError("memory search: the text is empty; give an error, a plan or words on a task")
    if data not in POLICIES:
        raise OptionError("data", data, one_of(POLICIES, data))
    if most < 1:
        raise UsageError(f"--most {most}: a number of at least 1 is needed")
    kinds = [each for each in KINDS if each != "offer"] if kind is None else [kind]
    with one_line():
        merge_pending(runs_dir, place := shared_memory(runs_dir))
        return Elsewhere(place, data, frozenset()).look(lambda ask: _ranked(ask, text, kinds))[:most]


def _ranked(ask: Ask, text: str, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Return what is found, in the order in which a step is given it."""
    wheres = [*({field: text} for field in EXACT), None]
    found = {hit[0]: hit for kind in kinds for hit in ask.near(text, kind, wheres)}
    tallies = tallied(list(found), ask)
    lessons = {name: read(item) for name, item, _ in found.values()}
    gains = {name: lesson.above_noise for name, lesson in lessons.items() if lesson}
    ranked = hybrid(Wanted(text, error=text, signature=text), list(found.values()), gains, tallies)
    ranked.sort(key=lambda hit: not _exact(hit[1], text))  # by its name, too
    return [_hit(*hit, text, tallies.get(hit[0], (0, 0))) for hit in ranked]


def _exact(item: Item, text: str) -> str:
    return next((field for field in EXACT if item.get(field) == text), "")


def _hit(name: str, item: Item, similarity: float, text: str, tally: Tally) -> dict[str, Any]:
    found = {
        "exact": _exact(item, text),
        "similarity": similarity,
        "gain": _gain(item),
        "offered": tally[0],
        "helped": tally[1],
        "source": source(item),
    }
    return shortly(name, item) | found | {"why": _why(found, str(item["kind"]))}


def _gain(item: Mapping[str, Any]) -> float | None:
    """Return by how much the score changed, in the metric's units."""
    before, after = item.get("score_before", item.get("baseline")), item.get("score")
    return None if before is None or after is None else round(after - before, 6)


def _why(found: Mapping[str, Any], kind: str) -> str:
    far = ", too far for a repair" if kind == "repair" and found["similarity"] < ALIKE else ""
    near = f"similarity {found['similarity']:.2f}{far}"
    exact = f"the same {found['exact']}" if found["exact"] else ""
    gain = "" if found["gain"] is None else f"score changed by {found['gain']:+.5g}"
    offered = (
        f"offered {counted(found['offered'], 'time')}, a new best after {found['helped']}"
        if found["offered"]
        else ""
    )
    return "; ".join(filter(None, [exact, near, gain, offered]))


def stats(runs_dir: Path) -> dict[str, Any]:
    """Return {place, items, kinds, tasks, runs, data, imported, forgotten, bytes, index} of the shared store.

    The counters are by number, most first; `data` counts an item that says nothing as "stays"; `bytes` are {items, index} on
    disk; `index` says whether it is whole.
    """
    with one_line():
        merge_pending(runs_dir, place := shared_memory(runs_dir))
        store = Shared(place)
        items = [item for _, item in store.iterate()]
        entries, gone = _entries(store), len(store.forgotten())
    counted = {
        "kinds": Counter(item["kind"] for item in items),
        "tasks": Counter(item.get("task", "") for item in items),
        "runs": Counter(item["run"] for item in items if item.get("run")),  # a card is of no run
        "data": Counter(item.get("data") or STAYS for item in items),
        "imported": Counter(item["imported"] for item in items if item.get("imported")),
    }
    whole = "whole" if entries == len(items) else f"has {entries} of {len(items)} items"
    return {
        "place": str(place),
        "items": len(items),
        **{name: dict(counts.most_common()) for name, counts in counted.items()},
        "forgotten": gone,
        "bytes": {part: _size(store.folder / part) for part in ("items", "index")},
        "index": whole,
    }


def _entries(store: Shared) -> int:
    if not store.place.exists():
        return 0
    with store:
        return store.count()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
