"""What a run answers, as objects that can be read: a table in a terminal, the same in a notebook, and plain data to code.

Each is what it was before, a list or a mapping; only what is shown of it is for people.
"""

import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import fill
from typing import Any

from budgetmlagent.foreign import visible
from budgetmlagent.money.report import Cost
from budgetmlagent.records import steps
from budgetmlagent.records.events import Event
from graphs.model import Graph
from memory.artifacts import CorruptArtifactError
from memory.attempts import Attempt, Reader
from memory.attempts import line as in_a_line

Rows = Sequence[Sequence[str]]
LONGEST = 100  # characters of a cell
NARROW = 10  # columns to which a column of a terminal's table shrinks
WHOLE = 20  # characters of a cell that stay on one line
UNTOLD = ("route.passed", "route.was", "route.seconds")  # what `why` tells, and bookkeeping
# A page's MathJax takes two dollar signs for a formula; it passes over these classes (versions 3 and 4; version 2).
PLAIN = "mathjax_ignore tex2jax_ignore"
TAGS = {"+": "ins", "-": "del"}  # of a diff's lines
BACK = {"+": "rgba(0,114,178,.22)", "-": "rgba(213,94,0,.22)"}


class Shown(ABC):
    """Something with a heading and a table."""

    def _heading(self) -> str:
        return ""

    @abstractmethod
    def _table(self) -> tuple[Sequence[str], Rows]:
        """Return the names of the columns, and the rows."""

    def __repr__(self) -> str:
        """The table as text; in a terminal each line of it fits."""
        room = columns()
        heading = "\n".join(
            fill(told, room or len(told) + 1, break_long_words=False) for told in self._heading().splitlines()
        )
        return visible("\n".join(filter(None, [heading, text_table(*self._table(), room)])))

    def _repr_html_(self) -> str:
        heading = "".join(f"<div><b>{escape(line)}</b></div>" for line in self._heading().splitlines())
        return f'<div class="{PLAIN}">{heading}{html_table(*self._table())}</div>'


def columns() -> int:
    """Return the columns of the terminal that standard output is; 0 where it is none, as in a notebook, and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def text_table(names: Sequence[str], rows: Rows, room: int = 0) -> str:
    """Return a table as text, each column as wide as its widest cell, all together no wider than `room` (0: any width)."""
    lines = [list(names), *([steps.shortened(cell, LONGEST) for cell in row] for row in rows)]
    if len(lines) == 1:
        return ""
    widths = _fitted([max(map(len, column)) for column in zip(*lines, strict=True)], room)
    told = [
        "  ".join(steps.shortened(c, w).ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join(told)


def _fitted(widths: Sequence[int], room: int) -> list[int]:
    """Return widths of columns that fit into `room` with two blanks between them: the widest give way, down to `NARROW`."""
    left, fitted = room - 2 * (len(widths) - 1), list(widths)
    while room and sum(fitted) > left and max(fitted) > NARROW:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def html_table(names: Sequence[str], rows: Rows) -> str:
    """Return a table as HTML; every cell is escaped."""
    head = "".join(f"<th {_style(name)}>{escape(name)}</th>" for name in names)
    cells = ("".join(f"<td {_style(cell)}>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""


def html_diff(lines: Sequence[str]) -> str:
    """Return the lines of a unified diff as HTML, in colours that a light and a dark page both bear; each is escaped."""
    return "\n".join(
        f'<{TAGS[line[0]]} style="text-decoration:none;background:{BACK[line[0]]}">{escape(line)}</{TAGS[line[0]]}>'
        if line[:1] in TAGS
        else escape(line)
        for line in lines
    )


def _style(cell: str) -> str:
    wrap = "white-space:nowrap" if len(cell) <= WHOLE else "overflow-wrap:break-word;white-space:normal"
    return f'style="text-align:left;vertical-align:top;{wrap}"'


class Timeline(Shown, list[Event]):
    """The events of a run, one a step. Changes by hand, which have a step's number of their own, are rows of its table alone.

    `edits` are those since the newest step.
    """

    def __init__(
        self,
        events: Sequence[Event],
        graph: Graph,
        artifacts: Reader,
        edits: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(events)
        self._graph, self._artifacts, self._edits = graph, artifacts, edits

    def _heading(self) -> str:
        return "" if self else "no step yet"

    def _table(self) -> tuple[Sequence[str], Rows]:
        names = ("step", "turn", "node", "what it did", "best", "spent", "why it went on to")
        rows, node = list[Sequence[str]](), ""
        for e in self:
            rows += [self._edited(edit, node) for edit in e["edits"]]
            node = e["node"]
            rows.append(
                (
                    str(e["step"]),
                    str(e["turn"]),
                    node,
                    steps.shortened(_done(e, self._artifacts), 60),
                    steps.number(e["score"]),
                    steps.money(e["usd"]),
                    steps.why(e, self._graph),
                )
            )
        return names, [*rows, *(self._edited(edit, node) for edit in self._edits)]

    def _edited(self, edit: Mapping[str, Any], node: str) -> Sequence[str]:
        """Return the row of a change by hand, after which the newest decision, that of `node`, was taken again."""
        why = steps.in_words(node, str(edit["route"].get("rule", "")), self._graph)
        return (str(edit["step"]), "", "(edited)", steps.edited(edit), "", "", why)


def _done(event: Event, artifacts: Reader) -> str:
    try:
        return steps.happened(event, artifacts)
    except (FileNotFoundError, CorruptArtifactError) as error:
        return f"cannot be read: {error}"


class Why(Shown, Event):
    """An event, with why it led where it led."""

    def __init__(self, event: Event, graph: Graph, artifacts: Reader) -> None:
        super().__init__(event)
        self.__dict__["_shown"] = (graph, _done(event, artifacts))

    def _heading(self) -> str:
        graph, done = self.__dict__["_shown"]
        return f"step {self['step']}, {self['node']}: {done}\nwhy: {steps.why(self, graph)}"

    def _table(self) -> tuple[Sequence[str], Rows]:
        route = self["route"]
        rules = [("it fired", route), *(("passed over", passed) for passed in route["passed"])]
        return ("", "rule", "saw"), [(what, r["rule"], steps.saw(r["saw"])) for what, r in rules]


class Changes(Shown, dict[str, tuple[Any, Any]]):
    """What a step changed in the state: field -> (before, after)."""

    def _heading(self) -> str:
        return "" if self else "nothing changed"

    def _table(self) -> tuple[Sequence[str], Rows]:
        parts = [part for field, pair in self.items() for part in _parts(field, *pair)]
        rows = [(name, plain(one), plain(other)) for name, one, other in parts if name not in UNTOLD]
        return ("field", "before", "after"), [row for row in rows if row[1] != row[2]]


def _parts(field: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield a field, of a mapping its keys that changed."""
    if not isinstance(before or {}, dict) or not isinstance(after, dict):
        yield field, before, after
        return
    old: dict[str, Any] = before or {}
    for key in dict.fromkeys([*old, *after]):
        if old.get(key) != after.get(key):
            yield f"{field}.{key}", old.get(key), after.get(key)


@dataclass(frozen=True, repr=False)
class Spent(Shown, Cost):
    """What a run cost, a line for each node and model that was asked."""

    def _heading(self) -> str:
        reserved = f", {steps.money(self.usd_reserved)} of it reserved" if self.usd_reserved else ""
        return f"{steps.money(self.usd)} in {len(self.calls)} requests{reserved}"

    def _table(self) -> tuple[Sequence[str], Rows]:
        asked = dict.fromkeys((c["node"], c["model"]) for c in self.calls)
        return ("node", "model", "requests", "tokens in", "tokens out", "cost"), [
            (node, model, str(len(some)), _sum(some, "tokens_in"), _sum(some, "tokens_out"), steps.money(sum(c["usd"] for c in some)))
            for node, model in asked
            for some in [[c for c in self.calls if (c["node"], c["model"]) == (node, model)]]
        ]  # fmt: skip


def _sum(calls: Sequence[Mapping[str, Any]], key: str) -> str:
    return str(sum(call[key] for call in calls))


class Supplied(Shown, list[dict[str, Any]]):
    """What memory supplied to a node, the best first."""

    def _heading(self) -> str:
        return "" if self else "memory supplied nothing"

    def _table(self) -> tuple[Sequence[str], Rows]:
        return ("kind", "name", "what it says"), [
            (str(item.get("kind", "")), str(item.get("name", "")), plain(says(item))) for item in self
        ]


def says(item: Mapping[str, Any]) -> Any:
    """Return what a recalled item says: of an attempt of the run itself, what was tried and what came of it."""
    told = next((item[key] for key in ("title", "what", "text", "change") if item.get(key)), "")
    if told or not item.get("status"):
        return told or item.get("plan", "")
    try:
        return in_a_line(Attempt.of(item))
    except CorruptArtifactError as error:
        return f"cannot be read: {error}"


class Summary(Shown, dict[str, Any]):
    """The summary of a run: all keys of run.json, of which a table shows those that a person asks for first."""

    def _heading(self) -> str:
        return f"{self['task']}: {self['status']}, {self['reason']}"

    def _table(self) -> tuple[Sequence[str], Rows]:
        private = (self["private_baseline"], self["private_best"])
        gain = "unknown" if self["gain_pct"] is None else f"{self['gain_pct']:+.1f}%"
        error = "" if self.get("gain_se_pct") is None else f" ± {self['gain_se_pct']:.1f}"
        return ("", ""), [
            (f"{self['metric']} during the run", f"{steps.number(self['baseline'])} → {steps.number(self['best'])}"),
            (f"{self['metric']} at the end", " → ".join(map(steps.number, private))),
            ("gain", f"{gain}{error}{', a success' if self['success'] else ''}"),
            ("brought by", self["best_by"] or "nothing"),
            ("money", f"{steps.money(self['usd'])} of ${self['budget']:.2f}, {self['calls']} requests"),
            ("turns, steps", f"{self['turns']}, {self['steps']}"),
            ("moves to dearer help", str(len(self["escalations"]))),
            ("run", self["run_id"]),
        ]  # fmt: skip


def plain(value: Any) -> str:
    """Return a value in a short line of words: an artifact's hash is none, of a list its length, of a mapping its keys."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        is_hash = len(value) == 64 and set(value) <= set("0123456789abcdef")
        return "(kept as a file)" if is_hash else steps.shortened(value, LONGEST)
    if isinstance(value, dict):
        told = (f"{key}: {plain(item)}" for key, item in value.items() if item not in (None, "", [], {}))
        return steps.shortened("; ".join(told), LONGEST) or "-"
    return f"{len(value)} items" if isinstance(value, list | tuple) else str(value)
