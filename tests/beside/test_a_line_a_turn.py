"""A run that goes on tells a line a turn, which fits the width; colour is for a terminal that has it."""

import io
from collections.abc import Sequence

import pytest

from budgetmlagent import Session
from budgetmlagent.cli.console import Console
from budgetmlagent.cli.live import Live, begun, who
from budgetmlagent.cli.progress import ending
from budgetmlagent.records.events import Event
from budgetmlagent.records.steps import happened
from graphs.policy import END


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_turn_is_one_line_that_fits(width: int, session: Session) -> None:
    lines = shown(session, Console(file=io.StringIO(), width=width)).splitlines()
    assert [line.split()[1] for line in lines] == ["0/8", "1/8", "2/8"], (
        "the last one is not over, and told at the end"
    )
    assert all(len(line) <= width for line in lines)
    assert "keep 0.8087" in lines[0] and "keep 0.953" in lines[1] and "unfinished" in lines[2]
    assert ("best" in lines[0]) == (width == 160)
    assert lines[0].split()[2] == "-" and lines[1].split()[2] == "memory", "the starter is nobody's idea"


def test_at_the_end_no_line_tells_of_models_that_were_not_asked(session: Session) -> None:
    summary = dict(session.summary)
    assert summary["calls"] == 0 and not {"by", "tokens"} & {
        row.split()[0] for row in ending(summary, session.graph).splitlines()
    }
    asked = summary | {"calls": 1, "usd_by_node": {"coder": 0.5}, "tokens_by_node": {"coder": 9}}
    assert "by node         coder $0.5000 (9 tokens)" in ending(asked, session.graph)


def test_a_node_behind_the_attempt_has_no_line_of_its_own(session: Session) -> None:
    """What it did belongs to the next turn's line; where it ends the run, the turn is told already."""
    steps = list[Event]()
    for event in session.timeline:
        own = event | {"node": "critic", "role": "", "attempt": "", "execution": ""}
        steps += [event, Event(own)] if event.attempt else [event]
    told = shown(session, Console(file=io.StringIO(), width=80), steps).splitlines()
    assert told == shown(session, Console(file=io.StringIO(), width=80)).splitlines()
    last = next(i for i, event in enumerate(steps) if event.turn == 1 and event.node == "critic")
    ended = [*steps[:last], Event(steps[last] | {"route": steps[last].route | {"to": END}})]
    assert shown(session, Console(file=io.StringIO(), width=80), ended).splitlines() == told[:2]


def test_a_run_that_is_gone_on_with_tells_the_whole_turn_in_which_it_stood(session: Session) -> None:
    """Also what an earlier process did of it: the model that planned is named, not memory in its place."""
    plan = Event(session.timeline[-1] | {"model": "large", "rung": 2})
    told, turn = begun([*session.timeline[:-1], plan])
    assert (told, turn) == (1, [plan]) and who(turn, session.graph) == "large"
    assert begun([]) == (-1, []) and begun([plan]) == (-1, [plan])


def test_a_look_has_a_line_of_its_own_and_is_called_one(session: Session) -> None:
    steps = list[Event]()
    for event in session.timeline:
        steps.append(event)
        if event.attempt and event.turn == 1:
            plan = {"action": "look", "instruction": "print ten rows"}
            own = event | {"plan": plan, "attempt": None, "fault": {}, "model": "large", "rung": 1}
            nodes = {"planner": "coder", "coder": "executor", "executor": "planner"}
            steps += [Event(own | {"node": node, "route": {"to": to}}) for node, to in nodes.items()]
    look = steps[len(steps) - [*reversed([e.is_look for e in steps])].index(True) - 1]
    told = shown(session, Console(file=io.StringIO(), width=80), steps).splitlines()
    plain = shown(session, Console(file=io.StringIO(), width=80)).splitlines()
    assert [*told[:2], *told[3:]] == plain
    assert told[2].split()[1] == "1/8" and "look: print ten rows" in told[2] and " looked " in told[2]
    assert begun(steps[: steps.index(look) + 1]) == (1, [])
    said = [happened(event, session.artifacts) for event in steps[steps.index(look) - 2 : steps.index(look)]]
    assert said == ["large plans a look: print ten rows", "large wrote the look"]
    ran = Event(look | {"execution": "x"})
    assert happened(ran, session.artifacts) == "looked into the data: no attempt"


def test_a_turn_without_a_script_is_told_before_the_look_that_follows_it(session: Session) -> None:
    begin = next(n for n, event in enumerate(session.timeline) if event.attempt and event.turn == 1) + 1
    own = session.timeline[begin - 1] | {"turn": 2, "attempt": None, "fault": {}, "model": "large", "rung": 1}
    change, look = ({"action": word, "instruction": "of ten rows"} for word in ("improve", "look"))
    fault = {"kind": "unparsable", "detail": "no script"}
    steps = [
        Event(own | {"node": node, "role": node, "plan": plan, "fault": what, "route": {"to": to}})
        for node, plan, what, to in (
            ("planner", change, {}, "coder"),
            ("coder", change, fault, "planner"),
            ("planner", look, {}, "coder"),
            ("coder", look, {}, "executor"),
            ("executor", look, {}, "planner"),
        )
    ]
    console = Console(file=io.StringIO(), width=80)
    told = shown(session, console, [*session.timeline[:begin], *steps]).splitlines()
    assert [line.split()[1] for line in told] == ["0/8", "1/8", "2/8", "2/8"]
    assert " no script" in told[2] and " looked " in told[3]


def test_colour_is_for_a_terminal_that_has_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn() -> str:
        return shown(
            session, Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
        )

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32mkeep" in drawn().replace(" keep", "keep") and "\\x1b" not in drawn()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in drawn()
    assert "\x1b" not in shown(session, Console(file=io.StringIO(), width=80))


def shown(session: Session, console: Console, steps: Sequence[Event] | None = None) -> str:
    live = Live(session)
    live.console, live.status = console, console.status("")
    live.told, live.turn = -1, []  # as before its first step
    for event in session.timeline if steps is None else steps:
        live.step(event)
    live.__exit__(None, None, None)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_rich_writes_past_the_guard_while_a_status_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich puts a stream of its own before standard error then, and would hand its codes to the guard as text."""
    from budgetmlagent import foreign

    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with foreign.guarded():
        console = Console(stderr=True)
        with console.status("working"):
            console.print("done")
    assert "done" in out.getvalue() and "\x1b[" in out.getvalue() and "\\x1b" not in out.getvalue()
