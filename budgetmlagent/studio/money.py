"""A run's money cut by rule, by node and by model, each part with the steps that it was spent in."""

from collections.abc import Callable, Iterable
from itertools import pairwise

from budgetmlagent.records.events import Event
from budgetmlagent.studio.replies import Money, Part
from budgetmlagent.studio.rows import worded
from budgetmlagent.studio.snapshot import Snapshot
from memory.state import NANO


def of_run(run: Snapshot) -> Money:
    """Return what a run has spent, of what."""
    view, timeline = run.view, run.timeline
    cap = view.ledger.cap(view.run_id)
    reserved = sum(call["usd_nano"] for call in run.calls if call["state"] == "reserved") / NANO
    ways = {after.step: before for before, after in pairwise(timeline)}

    def rule(event: Event) -> tuple[str, str]:
        before = ways.get(event.step)
        if before is None:
            return "", "the start"
        edits = [edit["route"] for edit in event["edits"] if edit.get("route")]
        route = edits[-1] if edits else before["route"]
        return before["node"], worded(view.spec, before["node"], str(route.get("rule", "")))

    return Money(
        budget=cap / NANO,
        usd=run.usd,
        settled=run.usd - reserved,
        reserved=reserved,
        left=max(0, view.ledger.left(view.run_id)) / NANO,
        by_node=_parts(timeline, lambda event: (event["node"], event["node"])),
        by_model=_parts(timeline, lambda event: ("", event["model"] or "")),
        by_rule=_parts(timeline, rule),
    )


def _parts(timeline: Iterable[Event], key: Callable[[Event], tuple[str, str]]) -> list[Part]:
    """Cut what was spent; what cost nothing is no part. The dearest comes first."""
    parts = dict[tuple[str, str], Part]()
    for event in timeline:
        if event["usd"] > 0:
            node, name = key(event)
            part = parts.setdefault((node, name), Part(name=name, node=node, usd=0.0, steps=[]))
            part["usd"] += event["usd"]
            part["steps"].append(event["step"])
    return sorted(parts.values(), key=lambda part: -part["usd"])
