"""What a notebook and a terminal show of a run: score and money so far, what the newest step did and why, its script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from html import escape
from typing import TYPE_CHECKING, Any

from budgetmlagent.foreign import visible
from budgetmlagent.records import advice, events, steps
from budgetmlagent.records.events import Event
from budgetmlagent.run.curve import Curve, curve_of, svg
from budgetmlagent.run.shown import PLAIN, html_diff
from graphs.drawing import picture
from graphs.drawing.mermaid import mermaid, outline
from graphs.policy import END
from graphs.spec import GraphSpec
from memory.scores import percent_better, rises
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

SHORT = 16  # lines of a script's diff that are shown without a click


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
    done: str  # what the newest step did, in words
    why: str  # the rule that fired there, in words
    scripts: tuple[str, str]  # the script's text before and after the newest step
    curve: Curve
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
        metric = self.curve.metric
        if self.baseline is None or self.best is None:
            return f"{metric}: no score yet"
        gain = percent_better(self.baseline, self.best, self.direction)
        better = "higher" if rises(self.direction) else "lower"
        return f"{metric} {self.baseline:.5g} → {self.best:.5g} ({gain:+.1f}%; {better} is better)"

    @property
    def money(self) -> str:
        """What was spent of the budget."""
        return f"{steps.money(self.usd)} of ${self.budget_usd:.2f}"

    @property
    def spent(self) -> float:
        """The part of the budget that was spent, 0 to 1."""
        return min(1.0, self.usd / self.budget_usd) if self.budget_usd else 0.0

    @property
    def newest(self) -> list[tuple[str, str]]:
        """The newest step in words: what it did, and why it led where it led."""
        if not self.events:
            return []
        event = self.events[-1]
        told = [(f"step {event['step']}, {event['node']}", self.done), ("because of", self.why)]
        return told + ([("the idea", self.advised)] if self.advised else [])

    @property
    def escalations(self) -> list[str]:
        """Every move up a ladder and every way to the expert, a line each."""
        asked = [event for event in self.events if events.escalations([event])]
        return [f"step {e['step']}, {e['node']}: {steps.why(e, self.graph)}" for e in asked]

    @property
    def script_diff(self) -> list[str]:
        """What the newest step changed of the script, as a unified diff without names of files."""
        before, after = (text.splitlines() for text in self.scripts)
        return list(unified_diff(before, after, lineterm=""))[2:]


def card_of(run: "RunView") -> Card:
    """Return what is to be shown of a run as it stands."""
    state, timeline = run.state, run.timeline
    changed = run.diff().get("script", ("", "")) if timeline else ("", "")
    before, after = (run.artifacts.text(id) if id else "" for id in changed)
    return Card(
        run_id=run.run_id,
        task=run.task.name,
        graph=run.spec,
        events=timeline,
        current=run.next,
        turn=state.turn,
        turns=run.config.turns,
        done=steps.happened(timeline[-1], run.artifacts) if timeline else "",
        why=steps.why(timeline[-1], run.spec) if timeline else "",
        scripts=(before, after),
        curve=curve_of(run.task.metric, timeline, run.artifacts),
        direction=run.task.direction,
        baseline=state.task.get("baseline"),
        best=state.best.get("score"),
        usd=run.cost.usd,
        budget_usd=state.task.get("budget", run.config.budget) / NANO,
        advised=advice.of_step(timeline[-1], timeline, run.artifacts) if timeline else "",
        waits=run.waits,
    )


# Colours come from the page, so that light and dark themes both do; pictures of the graph look to it themselves.
STYLE = """
.budgetml{font:13px/1.45 system-ui,sans-serif;max-width:1100px}
.budgetml .cols{display:flex;flex-wrap:wrap;gap:4px 24px;align-items:center;margin:4px 0}
.budgetml .cols>div{flex:1 1 300px;min-width:0}
.budgetml .dim{opacity:.65}
.budgetml .bar{height:8px;border:1px solid currentColor;border-radius:5px;overflow:hidden;margin:3px 0 8px;max-width:300px}
.budgetml .bar i{display:block;height:100%;background:#0072b2}
.budgetml div,.budgetml summary{overflow-wrap:anywhere}
.budgetml summary{cursor:pointer}
.budgetml pre{margin:4px 0;overflow:auto;max-height:260px;background:transparent;color:inherit;font-size:12px}
.budgetml pre.wide{max-height:none}
"""


def html(card: Card) -> str:
    """Return one screen of HTML that stands by itself. Scripts and replies are hostile: every text is escaped."""
    parts = [
        f"<style>{picture.STYLE}{STYLE}</style>",
        f'<div><b>{escape(card.task)}</b> · {escape(card.title)} <span class="dim">{escape(card.run_id)}</span></div>',
        *([f"<div><b>{escape(card.waits)}</b></div>"] if card.waits else []),
        f'<div class="cols"><div>{svg(card.curve)}</div>' if card.events else '<div class="cols">',
        f"<div><div>{escape(card.score)}</div><div>{escape(card.money)}</div>",
        f'<div class="bar"><i style="width:{100 * card.spent:.1f}%"></i></div>',
        *_escalations(card),
        "</div></div>",
        *(
            f'<div><span class="dim">{escape(what)}:</span> {escape(said)}</div>'
            for what, said in card.newest
        ),
        *_script(card),
        *_graph(card),
    ]
    return f'<div class="budgetml {PLAIN}">{"".join(parts)}</div>'


def _graph(card: Card) -> Iterator[str]:
    """Yield the graph with what the run has met, and the whole of it on a click."""
    try:
        if card.events:
            met = picture.svg(mermaid(card.graph, card.events, card.current, brief=True))
            yield f'<div class="budgetml-pic">{met}</div>'
        whole = picture.framed(picture.svg(mermaid(card.graph, card.events, card.current)))
    except picture.PictureError:
        whole = f'<pre class="wide">{escape(outline(card.graph, card.events, card.current))}</pre>'
    yield f"<details><summary>the whole graph</summary>{whole}</details>"


def _escalations(card: Card) -> Iterator[str]:
    yield f"<div>escalations: {len(card.escalations) or 'none'}</div>"
    for line in card.escalations[-3:]:
        yield f'<div class="dim">{escape(line)}</div>'


def _script(card: Card) -> Iterator[str]:
    lines = card.script_diff
    if not lines:
        return
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    shown = " open" if len(lines) <= SHORT else ""
    yield f"<details{shown}><summary>the script: +{added} −{removed} lines</summary>"
    yield f"<pre>{html_diff(lines)}</pre></details>"


def terminal(card: Card) -> Any:
    """Return the same for a terminal, as a renderable of rich: the outline stands for the picture."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

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
        *(Text(visible(f"  {line}")) for line in card.escalations[-3:]),
        *(Text(visible(f"{what}: {said}")) for what, said in card.newest),
        *diff,
    )
