"""Watching a run from a notebook: a line a step, in one output of the cell that is updated in place."""

import sys
import time
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from budgetmlagent.foreign import visible
from budgetmlagent.records import steps
from budgetmlagent.records.events import Event
from budgetmlagent.run.shown import PLAIN, columns
from graphs.policy import END

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

DONE = 70  # characters of what a step did
KEPT = 12  # of the newest steps, shown while it runs


def watching(run: "RunView") -> Callable[[Event], None] | None:
    """Return what is to be called after each step; None outside IPython, where nothing is shown."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return Watch(run) if get_ipython() is not None else None


class Watch:
    """The newest steps, and the node that runs now. Needs no widgets: any front end of Jupyter updates a display."""

    def __init__(self, run: "RunView") -> None:
        from IPython.display import display

        self._run, self._began, self._lines, self._now = run, time.monotonic(), list[str](), run.next
        self._usd = run.cost.usd
        self._handle: Any = display(self, display_id=True)  # type: ignore[no-untyped-call]

    def __call__(self, event: Event) -> None:
        """Show one step more."""
        self._usd += event["usd"]
        self._now = event["route"]["to"]
        self._lines.append(self._line(event))
        self._handle.update(self)

    def _line(self, event: Event) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        where = f"step {event['step']} turn {event['turn']}/{self._run.config.turns}"
        begin = f"{minutes}:{seconds:02d} {where} {event['node']}: "
        end = f" · best {steps.number(event['score'])} · {steps.money(self._usd)}"
        room = max(columns() - len(begin) - len(end), 10) if columns() else DONE
        return begin + steps.shortened(steps.happened(event, self._run.artifacts), min(room, DONE)) + end

    def _waits(self) -> str:
        return "ended" if self._now == END else f"{self._now} …"

    def __repr__(self) -> str:
        """The newest step: a terminal shows a line a step."""
        return visible(self._lines[-1] if self._lines else self._waits())

    def _repr_html_(self) -> str:
        earlier = len(self._lines) - KEPT
        lines = [*([f"… {earlier} steps before"] if earlier > 0 else []), *self._lines[-KEPT:], self._waits()]
        told = "".join(f"<div>{escape(line)}</div>" for line in lines)
        return f'<div class="{PLAIN}" style="font-size:12px;line-height:1.4">{told}</div>'
