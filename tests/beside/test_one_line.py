"""In a notebook a mistake is a line, an interrupt says how to go on, and completion shows what is ours."""

import re
from pathlib import Path
from typing import Any

import pytest

from budgetmlagent import GraphSpec, Session
from budgetmlagent.errors import InterruptedRunError


def test_a_notebook_shows_a_line_where_no_line_of_the_program_is_at_fault(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns |= {"Session": Session, "GraphSpec": GraphSpec, "session": session}
    for cell in (
        "Session('digitz')",
        "Session('digits', budget='a lot')",
        "GraphSpec.load('budgetmll')",
        "session.back(99)",
    ):
        shell.run_cell(cell)
        (line,) = capsys.readouterr().out.splitlines()
        assert re.match(r"\w+Error: ", line), cell
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out


def test_an_interrupt_says_after_which_step_and_how_to_go_on(tmp_path: Path, session: Session) -> None:
    def interrupt(event: Any) -> None:
        if event.step == 2:
            raise KeyboardInterrupt

    stopped = session.goto(1).fork()
    with pytest.raises(InterruptedRunError) as raised:
        stopped.run(on_step=interrupt)
    assert str(raised.value).startswith("stopped after step 2, in planner: interrupted; run() goes on")
    runs = stopped.folder.root.parent
    typed, said = raised.value.typed, str(raised.value)
    assert typed.endswith(f"interrupted; `budgetml resume {stopped.run_id} --runs-dir {runs}` goes on")
    assert said.endswith(f"another day Session.open({stopped.run_id!r}, runs_dir={str(runs)!r}).run()")
    assert raised.value._render_traceback_() == [said] and stopped.summary["reason"] in typed
    assert stopped.summary["status"] == "stopped"


def test_an_interrupt_at_the_end_says_that_the_best_is_not_scored_yet(session: Session) -> None:
    def interrupt(event: Any) -> None:
        raise KeyboardInterrupt

    last = next(event.step for event in session.timeline if event.node == "executor" and event.turn == 1)
    with pytest.raises(InterruptedRunError) as raised:
        session.goto(last).fork(turns=1).run(on_step=interrupt)
    assert re.match(r"stopped after step \d+, before the best was scored: interrupted", str(raised.value))


def test_completion_shows_what_is_a_graphs_own() -> None:
    shown = {name for name in dir(GraphSpec.load("budgetml")) if not name.startswith("_")}
    assert {"set_rule", "nodes", "save", "load", "fork", "model_copy"} <= shown
    assert not {"json", "dict", "schema", "parse_raw", "model_dump", "model_fields"} & shown
