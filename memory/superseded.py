"""What of the shared memory is superseded: nothing that a run would be offered is lost where it is dropped.

Two items are alike where a run that is offered the one learns nothing from the other:

    attempts    of one task and one script (its syntax tree), with the same end: those that gained most stay
    repairs     of one error, with one cure in the same words
    cases       of one task, one run and data of the same shape: the run's best stays, no other is ever offered

Of attempts and repairs those of two runs stay: no run is offered what it or its origin itself left in the shared memory.
Items with another word on their data or from another import are not alike: who may see the one may not see the other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from memory.scores import worth

RUNS = 2


def superseded(items: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return the ids of the items that others make superfluous, sorted."""
    groups: defaultdict[tuple[Any, ...], list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    for name, item in items:
        if key := _alike(item):
            groups[key].append((name, item))
    return sorted(name for group in groups.values() for name in _dropped(group))


def _alike(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what alike items have in common; () for one that nothing supersedes."""
    kind = item["kind"]
    origin = (kind, item.get("data", ""), item.get("imported", ""))
    if kind == "attempt" and item.get("ast"):
        return (
            *origin,
            item.get("task", ""),
            item["ast"],
            item.get("status", "") == "crash",
            item.get("error", ""),
        )
    if kind == "repair":
        return *origin, item.get("error", ""), item.get("what", ""), item["text"]
    if kind == "case" and None not in (item.get("score"), item.get("baseline"), item.get("run")):
        shape = (item.get("signature", ""), " ".join(sorted(map(str, item.get("kinds", [])))))
        return *origin, item.get("task", ""), item.get("run", ""), *shape
    return ()


def _dropped(group: list[tuple[str, Mapping[str, Any]]]) -> list[str]:
    group.sort(key=lambda entry: (-_worth(entry[1]), entry[0]))
    most = 1 if group[0][1]["kind"] == "case" else RUNS
    kept: dict[str, str] = {}
    for name, item in group:
        if len(kept) < most:
            kept.setdefault(str(item.get("run", "")), name)
    return [name for name, _ in group if name not in kept.values()]


def _worth(item: Mapping[str, Any]) -> float:
    """Return what orders alike items: of a case its score, whichever way is better, of an attempt its gain."""
    before, after = item.get("score_before", item.get("baseline")), item.get("score")
    if before is None or after is None:
        return 0.0
    if item["kind"] == "case":  # a winner is better than what it came from, which says which way is better
        return worth(after, "max" if after > before else "min")
    return float(abs(after - before) if item.get("status") == "keep" else -abs(after - before))
