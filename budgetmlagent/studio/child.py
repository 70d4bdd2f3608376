"""The process that goes on with one run for the studio: only a main thread can be interrupted inside a call.

It reads one order from standard input, a JSON object, and says on standard output, a JSON object a line, that it has taken the run and
how that ended. Whoever reads that may be gone by then; the run goes on to where it was ordered to.
"""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from budgetmlagent import disk
from budgetmlagent.errors import BudgetMLError, InterruptedRunError, UsageError
from budgetmlagent.records.events import Event
from budgetmlagent.run.until import Until

INTERRUPTED = 130


def main() -> int:
    """Carry the order out and return the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        import graphs.compile  # noqa: F401 - while it waits: both take seconds
        from budgetmlagent.run.session import Session  # noqa: F401

        text = sys.stdin.read()
        if not text:
            return 0  # nobody is there any more
        order: dict[str, Any] = json.loads(text)
        with disk.clear():
            _carry_out(order)
    except BudgetMLError as error:
        _say(error=str(error).splitlines()[0], status=error.status)
        return error.status
    except InterruptedRunError as interrupt:
        _say(ended=interrupt.typed)
        return INTERRUPTED
    except KeyboardInterrupt:
        _say(ended="interrupted")
        return INTERRUPTED
    _say(ended="")
    return 0


def _carry_out(order: Mapping[str, Any]) -> None:
    from budgetmlagent.run.session import Session

    action = order["action"]
    if action == "start":
        session = Session(**order["request"])
    else:
        session = Session.open(order["run"], order["runs_dir"])
        if order.get("step") is not None:
            session.goto(order["step"])
    if action == "fork":
        given = {name: order[name] for name in ("budget", "turns") if order.get(name) is not None}
        session = session.fork(replies=order["replies"], **given, **order["fields"])
    elif action == "graph":
        session.graph = _graph(order["text"])
    elif action == "extend":
        session.extend(order.get("budget"), order.get("turns"), order.get("minutes"))
    elif action == "back":
        session.stay()
    elif action in ("approve", "decline"):
        session.approve(action == "approve")
    _say(run=session.run_id)
    if order["go"]:
        session.run(until=_until(order), on_step=lambda _: None)
    elif action in ("step", "approve", "decline"):  # a word is for the call that waits: it is kept nowhere
        session.step()


def _graph(text: str) -> Any:
    from graphs.spec import GraphError, GraphSpec

    try:
        return GraphSpec.parse(text, "the edited graph")
    except GraphError as error:
        raise UsageError(error.lines[0]) from None


def _until(order: Mapping[str, Any]) -> Until | None:
    """Return where to stop: after a node, at a step, or once a rule has fired."""
    rule: str | None = order.get("until_rule")
    if rule:
        fired: Callable[[Event], bool] = lambda event: event["route"].get("rule") == rule  # noqa: E731
        return fired
    node, step = order.get("until_node"), order.get("until_step")
    return node if node is not None else step


def _say(**what: Any) -> None:
    with suppress(OSError):
        print(json.dumps(what), flush=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
