"""Score and money over the steps of a run as a small picture, which needs no library; or as a figure of matplotlib."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Any

from budgetmlagent.records import steps
from budgetmlagent.records.events import Event
from graphs.drawing.overlay import LINE
from memory.attempts import Records

WIDTH, LEFT, RIGHT = 460, 8, 92  # of the picture; beside the lines there is room for the newest values
PANELS = {"score": (10, 62), "money": (84, 28)}  # top and height of each
COLOURS = {"score": LINE["taken"], "money": LINE["expert"]}  # both are told on white and on black
FREE = "$0: nothing was asked that costs money"
Points = Sequence[tuple[int, float]]  # step and value


@dataclass(frozen=True)
class Curve:
    """The best score after each step, each attempt's score, the dollars spent by then."""

    metric: str
    best: Points
    attempts: Points
    spent: Points

    def _repr_svg_(self) -> str:
        return svg(self)

    def __repr__(self) -> str:
        """One line."""
        best = steps.number(self.best[-1][1]) if self.best else "no score yet"
        return f"<{self.metric} {best} for {steps.money(self.spent[-1][1] if self.spent else 0.0)}>"


def curve_of(metric: str, events: Sequence[Event], artifacts: Records) -> Curve:
    """Return the curve of a run's events."""
    best = [(e["step"], e["score"]) for e in events if e["score"] is not None]
    sums = accumulate(e["usd"] for e in events)
    spent = [(e["step"], usd) for e, usd in zip(events, sums, strict=True)]
    return Curve(metric, best, steps.scores(events, artifacts), spent)


def svg(curve: Curve) -> str:
    """Return the picture as SVG; its text has the colour of the page around it."""
    last = max((step for step, _ in curve.spent), default=1)
    parts = [*_panel("score", curve.best, curve.attempts, last), *_panel("money", curve.spent, (), last)]
    if curve.best:
        parts += _told("score", curve.metric, steps.number(curve.best[-1][1]))
    if curve.spent:
        parts += _told("money", "spent", steps.money(curve.spent[-1][1]))
    parts.append(f'<text x="{LEFT}" y="126">step 0 to {last}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 130" width="{WIDTH}" height="130" role="img"'
        f' style="max-width:100%;height:auto" font-size="11" font-family="system-ui,sans-serif" fill="currentColor">'
        f"<title>{escape(curve.metric)} and money over the steps</title>{''.join(parts)}</svg>"
    )


def _panel(name: str, line: Points, dots: Points, last: int) -> Iterator[str]:
    top, height = PANELS[name]
    values = [value for _, value in (*line, *dots)] + ([0.0] if name == "money" else [])
    low, high = min(values, default=0.0), max(values, default=0.0)
    bottom, right = top + height, WIDTH - RIGHT

    def place(step: int, value: float) -> tuple[float, float]:
        up = (value - low) / (high - low) if high > low else 0.5 * (name == "score")
        return LEFT + (right - LEFT) * step / last, bottom - height * up

    yield f'<path d="M{LEFT} {bottom}H{right}" stroke="currentColor" opacity=".25" fill="none"/>'
    for step, value in dots:
        x, y = place(step, value)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" opacity=".4"><title>step {step}: {value:.5g}</title></circle>'
    if line:
        path = "".join(f"H{x:.1f}V{y:.1f}" for x, y in (place(*point) for point in line))
        x, y = place(*line[0])
        yield f'<path d="M{x:.1f} {y:.1f}{path}H{right}" stroke="{COLOURS[name]}" stroke-width="2" fill="none"/>'


def _told(name: str, what: str, value: str) -> Iterator[str]:
    top, height = PANELS[name]
    x, y = WIDTH - RIGHT + 6, top + height / 2
    yield f'<text x="{x}" y="{y:.0f}">{escape(steps.shortened(what, 14))}</text>'
    yield f'<text x="{x}" y="{y + 14:.0f}" font-weight="bold">{escape(value)}</text>'


def figure(curve: Curve) -> Any:
    """Return the same as a figure of matplotlib. Raises ImportError where it is not installed."""
    from matplotlib import pyplot

    drawn, (above, below) = pyplot.subplots(2, sharex=True, figsize=(7, 4), height_ratios=(2, 1))
    above.step(*_columns(curve.best), where="post", color=COLOURS["score"], label="best")
    above.scatter(*_columns(curve.attempts), s=14, color="grey", alpha=0.6, label="attempts")
    above.set_ylabel(curve.metric)
    above.legend(frameon=False)
    below.step(*_columns(curve.spent), where="post", color=COLOURS["money"])
    below.set(xlabel="step", ylabel="dollars", ylim=(0, None))
    if not any(usd for _, usd in curve.spent):
        below.set_yticks([])
        below.text(0.5, 0.5, FREE, transform=below.transAxes, ha="center", va="center", color="dimgrey")
    drawn.tight_layout()
    pyplot.close(drawn)  # or a notebook would show it a second time
    return drawn


def _columns(points: Points) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]
