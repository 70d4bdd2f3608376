"""What a notebook and a terminal show of a run: where it stands, what the newest step changed, score and money."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from html import escape
from typing import TYPE_CHECKING, Any

from budgetmlagent.foreign import visible
from budgetmlagent.records import advice, events
from budgetmlagent.records.events import Event
from graphs.drawing.mermaid import mermaid, outline
from graphs.drawing.picture import PictureError, svg
from graphs.policy import END
from graphs.spec import GraphSpec
from memory.scores import percent_better, rises
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

LONGEST = 120  # characters of a value that are shown
UNTOLD = ("route.passed", "route.was", "route.seconds")  # what `why` tells, and bookkeeping
HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


@dataclass(frozen=True)
class Card:
    """All that is shown of a run."""

    run_id: str
    task: str
    graph: GraphSpec
    events: Sequence[Event]  # the path to where it stands
    current: str  # the node that runs next; END where the run is over
    turn: int
    turns: int
    diff: Mapping[str, tuple[Any, Any]]  # what the newest step changed: field -> (before, after)
    scripts: tuple[str, str]  # the script's text before and after the newest step
    metric: str
    direction: str
    baseline: float | None
    best: float | None
    usd: float
    budget_usd: float
    advised: str = ""  # where the idea that the plan carries out comes from; "" for any other plan
    waits: str = ""  # the call that waits for a person's word, and how to answer

    @property
    def title(self) -> str:
        """Where the run stands, in a line."""
        step = self.events[-1]["step"] if self.events else 0
        then = "ended" if self.current == END else f"next {self.current}"
        return f"graph {self.graph.name} · step {step} · turn {self.turn}/{self.turns} · {then}"

    @property
    def score(self) -> str:
        """The best so far against the baseline."""
        if self.baseline is None or self.best is None:
            return f"{self.metric}: no score yet"
        gain = percent_better(self.baseline, self.best, self.direction)
        better = "higher" if rises(self.direction) else "lower"
        return f"{self.metric} {self.baseline:.5g} → {self.best:.5g} ({gain:+.1f}%; {better} is better)"

    @property
    def money(self) -> str:
        """What was spent of the budget."""
        return f"${self.usd:.4f} of ${self.budget_usd:.2f}"

    @property
    def spent(self) -> float:
        """The part of the budget that was spent, 0 to 1."""
        return min(1.0, self.usd / self.budget_usd) if self.budget_usd else 0.0

    @property
    def escalations(self) -> list[str]:
        """Every move up a ladder and every way to the expert, a line each."""
        moved = events.escalations(self.events)
        return [f"step {move['step']}, {move['from']}: {move['rule']}" for move in moved]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """The newest step's changes, of a mapping those of its keys; values shortened."""
        parts = (part for field, pair in self.diff.items() for part in _parts(field, *pair))
        told = [(name, _short(before), _short(after)) for name, before, after in parts if name not in UNTOLD]
        return [row for row in told if row[1] != row[2]]

    @property
    def script_diff(self) -> list[str]:
        """What the newest step changed of the script, as a unified diff without names of files."""
        before, after = (text.splitlines() for text in self.scripts)
        return list(unified_diff(before, after, lineterm=""))[2:]


def card_of(run: "RunView") -> Card:
    """Return what is to be shown of a run as it stands."""
    state, timeline = run.state, run.timeline
    diff = run.diff() if timeline else {}
    before, after = (run.artifacts.text(id) if id else "" for id in diff.get("script", ("", "")))
    return Card(
        run_id=run.run_id,
        task=run.task.name,
        graph=run.spec,
        events=timeline,
        current=run.next,
        turn=state.turn,
        turns=run.config.turns,
        diff=diff,
        scripts=(before, after),
        metric=run.task.metric,
        direction=run.task.direction,
        baseline=state.task.get("baseline"),
        best=state.best.get("score"),
        usd=run.cost.usd,
        budget_usd=state.task.get("budget", run.config.budget) / NANO,
        advised=advice.of_step(timeline[-1], timeline, run.artifacts) if timeline else "",
        waits=run.waits,
    )


def _parts(field: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(before or {}, dict) or not isinstance(after, dict):
        yield field, before, after
        return
    old: dict[str, Any] = before or {}
    for key in dict.fromkeys([*old, *after]):
        if old.get(key) != after.get(key):
            yield f"{field}.{key}", old.get(key), after.get(key)


def _short(value: Any) -> str:
    """Return a value in one short line: of an artifact's id its beginning, of a long list its length."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = HASH.sub(r"\1…", " ".join(text.split()))
    if len(text) <= LONGEST:
        return text
    return f"{len(value)} items" if isinstance(value, list) else text[: LONGEST - 1] + "…"


# Colours come from the page, so that light and dark themes both do; only the picture stands on white.
STYLE = """
.budgetml{font:13px/1.45 system-ui,sans-serif;max-width:1280px}
.budgetml .cols{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start}
.budgetml .pic{flex:5 1 520px;min-width:0;background:#fff;border-radius:8px;padding:8px;color:#1f2328}
.budgetml .side{flex:3 1 320px;min-width:0}
.budgetml .dim{opacity:.65}
.budgetml .bar{height:6px;border-radius:3px;background:rgba(128,128,128,.3);margin:2px 0 8px}
.budgetml .bar i{display:block;height:6px;border-radius:3px;background:#0072b2}
.budgetml table{border-collapse:collapse;width:100%;table-layout:fixed;margin:6px 0}
.budgetml th,.budgetml td{text-align:left;vertical-align:top;padding:2px 6px;overflow-wrap:anywhere;
 border-bottom:1px solid rgba(128,128,128,.3);background:transparent;color:inherit}
.budgetml th:first-child{width:10em}
.budgetml pre{margin:4px 0;overflow:auto;max-height:260px;background:transparent;color:inherit;font-size:12px}
.budgetml pre.wide{max-height:none}
.budgetml ins{text-decoration:none;background:rgba(0,114,178,.22)}
.budgetml del{text-decoration:none;background:rgba(213,94,0,.22)}
"""


def html(card: Card) -> str:
    """Return one screen of HTML that stands by itself. Scripts and replies are hostile: every text is escaped."""
    parts = [
        f"<style>{STYLE}</style>",
        f'<div><b>{escape(card.task)}</b> · {escape(card.title)} <span class="dim">{escape(card.run_id)}</span></div>',
        *([f"<div><b>{escape(card.waits)}</b></div>"] if card.waits else []),
        f'<div class="cols"><div class="pic">{_picture(card)}</div><div class="side">',
        f"<div>{escape(card.score)}</div><div>{escape(card.money)}</div>",
        f'<div class="bar"><i style="width:{100 * card.spent:.1f}%"></i></div>',
        *_escalations(card),
        *([f'<div class="dim">the idea: {escape(card.advised)}</div>'] if card.advised else []),
        *_changes(card),
        *_script(card),
        "</div></div>",
    ]
    return f'<div class="budgetml">{"".join(parts)}</div>'


def _picture(card: Card) -> str:
    try:
        return svg(mermaid(card.graph, card.events, card.current))
    except PictureError:
        return f'<pre class="wide">{escape(outline(card.graph, card.events, card.current))}</pre>'


def _escalations(card: Card) -> Iterator[str]:
    yield f"<div>escalations: {len(card.escalations) or 'none'}</div>"
    for line in card.escalations[-5:]:
        yield f'<div class="dim">{escape(line)}</div>'


def _changes(card: Card) -> Iterator[str]:
    if not card.diff:
        return
    yield "<table><tr><th>field</th><th>before</th><th>after</th></tr>"
    for row in card.changes:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    yield "</table>"


def _script(card: Card) -> Iterator[str]:
    lines = card.script_diff
    if not lines:
        return
    marks = {"+": "ins", "-": "del"}
    tags = [marks.get(line[:1]) for line in lines]
    text = "\n".join(
        f"<{tag}>{escape(line)}</{tag}>" if tag else escape(line)
        for line, tag in zip(lines, tags, strict=True)
    )
    yield f"<details><summary>script: +{tags.count('ins')} −{tags.count('del')} lines</summary>"
    yield f"<pre>{text}</pre></details>"


def terminal(card: Card) -> Any:
    """Return the same for a terminal, as a renderable of rich: the outline stands for the picture."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table("field", "before", "after", box=None, pad_edge=False)
    for row in card.changes:
        table.add_row(*(Text(visible(cell)) for cell in row))
    styles = {"+": "blue", "-": "red"}
    diff = [Text(visible(line), styles.get(line[:1], "")) for line in card.script_diff]
    policy = [
        Text(visible(line), "bold reverse" if line.startswith("▶") else "")
        for line in outline(card.graph, card.events, card.current).splitlines()
    ]
    return Group(
        Text(visible(f"{card.task} · {card.title} · {card.run_id}"), "bold"),
        *([Text(visible(card.waits), "bold")] if card.waits else []),
        *policy,
        Text(visible(card.score)),
        Text(card.money),
        ProgressBar(total=1.0, completed=card.spent, width=40),
        Text(f"escalations: {len(card.escalations) or 'none'}"),
        *(Text(visible(f"  {line}")) for line in card.escalations[-5:]),
        *([Text(visible(f"the idea: {card.advised}"))] if card.advised else []),
        table,
        *diff,
    )
