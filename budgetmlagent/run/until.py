"""Where a run is to stop: what is said of it is checked before anything runs, and is paid for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from budgetmlagent.errors import UsageError
from budgetmlagent.records.events import Event
from budgetmlagent.wording import unknown
from graphs.policy import END

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

Until = str | int | Callable[[Event], bool]


def ends(run: "RunView", until: Until | None) -> Callable[[Event], bool]:
    """Return what says of a step whether it is the last. Raises UsageError for what no step of `run` to come can be."""
    if until is None:
        return lambda _: False
    if callable(until):
        return until
    if isinstance(until, str):
        if until not in run.spec.nodes:
            raise UsageError(f"run(until={until!r}): {unknown('node', until, run.spec.nodes)}")
        return lambda event: event.node == until
    if not isinstance(until, int) or isinstance(until, bool):
        what = "a node's name, a step's number or a function of the event is needed"
        raise UsageError(f"run(until={until!r}): {what}")
    if until <= (here := run.branches.step):
        back = f"; goto({until}) goes back" if until >= 0 else ""
        raise UsageError(f"run(until={until}): run {run.run_id} stands after step {here}{back}")
    return lambda event: event.step >= until


def stopped(run: "RunView") -> str:
    """Say after which step the run stopped, and in which node."""
    if not run.branches.step:
        return "stopped in the first step"
    where = "before the best was scored" if run.next == END else f"in {run.next}"
    return f"stopped after step {run.branches.step}, {where}"
