"""Events: one line a step, projected from the checkpoints and the ledger, so that they can be made again from them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict  # pydantic checks no other before Python 3.12

from budgetmlagent.errors import UnavailableError
from budgetmlagent.models.recorded import RecordedEvent
from budgetmlagent.records import hints
from budgetmlagent.records.points import Decided, Point, checked
from memory.files import parsed, read_plain
from memory.state import NANO, escalates, recall_key, role_ahead

WRITTEN = ("route", "history", "spent")  # by every decision, an edit's too


class Routed(TypedDict):
    """What a line of an events.jsonl has beside what a replay takes from it."""

    route: Decided


class Event(dict[str, Any]):
    """What happened in one step. Its keys can be read as attributes too: `event.node`, `event.route`."""

    @property
    def role(self) -> str:
        """The role that the step's node declares; its name where that says it."""
        return str(self.get("role") or self["node"])

    @property
    def is_look(self) -> bool:
        """Whether the step ran a look into the data, which is no attempt and no turn."""
        return self.role == "executor" and self["plan"].get("action") == "look"

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"an event has no {name!r}; it has {', '.join(self)}") from None


def event(
    before: Point, after: Point, calls: Sequence[Mapping[str, Any]], edits: Sequence[Mapping[str, Any]] = ()
) -> Event:
    """Return the event of the step from `before` to `after`; `calls` are the requests of the run, its own among them.

    Its node is where the step before led; `edits` are what was edited by hand since then.
    """
    was, values = before.values, after.values
    node = was.get("route", {}).get("to") or after.start
    run, route, head = values.get("run", {}), dict(values.get("route", {})), values.get("head", "")
    route.pop("was", None)
    ran = run.get("execution") != was.get("run", {}).get("execution")
    briefed = values.get("task", {}).get("briefing")
    role = role_ahead(was.get("route", {}))
    made = [c for c in calls if c["task"] in before.tasks]
    last = made[-1] if made else {}
    return Event(
        {
            "step": after.step,
            "node": node,
            "model": last.get("model"),
            "calls": len(made),
            "seconds": route.pop("seconds", 0.0),
            "usd": sum(c["usd_nano"] for c in made) / NANO,
            "tokens_in": sum(c["tokens_in"] for c in made),
            "tokens_out": sum(c["tokens_out"] for c in made),
            "cached": sum(c["cached"] for c in made),
            "thought": sum(c["thought"] for c in made),
            "prompt": last.get("prompt"),
            "reply": last.get("reply"),
            "history": values.get("history", []),
            "recalled": [item["id"] for item in was.get("history", [])],
            "score": values.get("best", {}).get("score"),
            "fault": values.get("fault", {}),
            "route": route,
            "turn": values.get("turn", 0),
            "rung": was.get("rungs", {}).get(node, 0),
            "plan": values.get("plan", {}),
            "execution": run.get("execution") if ran else None,
            "lost": run.get("lost", 0) if ran else 0,
            "attempt": head if head != was.get("head", "") else None,
            "briefing": briefed if briefed != was.get("task", {}).get("briefing") else None,
            "recall_key": recall_key(values),
            "graph": after.graph,
            "edits": list(edits),
        }
        | ({"role": role} if role not in ("", node) else {})
    )


def timeline(path: Sequence[Point], calls: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    """Yield every step's event, with what was edited by hand since the step before."""
    edits: list[dict[str, Any]] = []
    for before, after in pairwise(path):
        if not after.loop:
            edits.append(_edit(before, after))
        elif after.step > 0:
            yield event(before, after, calls, edits)
            edits = []


def newest_edits(path: Sequence[Point]) -> list[dict[str, Any]]:
    """Return what was edited by hand since the newest step."""
    last = max((i for i, point in enumerate(path) if point.loop), default=0)
    return [_edit(before, after) for before, after in pairwise(path[last:])]


def _edit(before: Point, after: Point) -> dict[str, Any]:
    """Tell what was changed by hand: fields, graph, and where that leads."""
    fields = sorted(k for k in after.values if after.values[k] != before.values.get(k) and k not in WRITTEN)
    route = {k: v for k, v in after.values.get("route", {}).items() if k != "was"}
    return {
        "step": after.step,
        "fields": fields,
        "graph": after.graph,
        "route": route,
        "history": after.values.get("history", []),
        "recall_key": recall_key(after.values),
    }


def read(path: Path) -> list[Event]:
    """Read an events.jsonl. Raises UnavailableError, naming the line, where one is no event."""
    found = []
    for number, line in enumerate(read_plain(path).split(b"\n"), start=1):
        try:
            if line:
                found.append(Event(checked(Routed, checked(RecordedEvent, parsed(line)))))
        except ValueError:
            again = f"`{hints.command('doctor', path.parent, '--rebuild')}` makes it again"
            raise UnavailableError(f"{path}:{number}: is no event of a run; {again}") from None
    return found


def as_file(events: Iterable[Event]) -> bytes:
    """Return an events.jsonl's content."""
    return "".join(map(as_line, events)).encode()


def as_line(event: Event) -> str:
    """Return the event as its line."""
    return json.dumps(event, ensure_ascii=False) + "\n"


def escalations(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return every move up a ladder and every way to the expert, with its reason."""
    return [
        {
            "step": event["step"],
            "from": event["node"],
            "to": event["route"]["to"],
            "up": event["route"].get("up", ""),
            "rule": event["route"]["rule"],
            "saw": event["route"]["saw"],
        }
        for event in events
        if escalates(event["route"])
    ]
