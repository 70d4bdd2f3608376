"""What a terminal and a notebook tell of recorded runs: progress, lists, forks, comparisons; and what they refuse in a line."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from recorded import GRAPH, RECORDING

from budgetmlagent import GraphSpec, Session
from budgetmlagent.cli import call
from budgetmlagent.cli.console import Console
from budgetmlagent.cli.live import Live
from budgetmlagent.errors import BudgetMLError, InterruptedRunError, UsageError
from budgetmlagent.records.rundir import RunDir

MODELS = f"replay:{RECORDING}"
INSTRUCTION = "use ExtraTreesClassifier(n_estimators=500)"


def begin(folder: Path, **options: Any) -> Session:
    return Session("digits", models=MODELS, runs_dir=folder, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a run of two turns, which stands after its second plan, and a fork of it by hand."""
    folder = tmp_path_factory.mktemp("side") / "runs"
    session = begin(folder)
    session.run(until=lambda event: event.node == "planner" and event.turn == 2)
    session.fork(plan={"instruction": INSTRUCTION})
    return folder


@pytest.fixture
def session(folder: Path) -> Session:
    return next(run for run in opened(folder) if not run.config.fork)


@pytest.fixture
def fork(folder: Path) -> Session:
    return next(run for run in opened(folder) if run.state.plan.get("instruction") == INSTRUCTION)


def opened(folder: Path) -> list[Session]:
    return [Session.open(path.parent) for path in folder.glob("*/config.json")]


# -- replays


def test_a_replay_is_begun_as_the_recorded_run_was(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    was = RunDir(RECORDING).config()
    for name in ("turns", "history", "seed", "budget", "graph"):
        assert getattr(session.config, name) == getattr(was, name), name
    assert session.graph == GraphSpec.load(RECORDING / "graph.yaml")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"turns": 3, "history": "all"}, "recorded with turns 8, not 3, history run, not all;"),
        ({"graph": "recall"}, "recorded with another graph;"),
        ({"budget": 0.5}, "recorded with budget 0.25, not 0.5;"),
        ({"turns": 8, "seed": 0, "graph": GRAPH}, ""),
    ],
)
def test_what_a_replay_has_otherwise_is_said_before_it_starts(
    options: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = begin(tmp_path, **options)
    said = capsys.readouterr().err
    assert words in said and bool(words) == bool(said) and not session.timeline
    assert all(
        getattr(session.config, name, value) == value for name, value in options.items() if name == "turns"
    )


def test_another_task_than_the_recorded_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Session("flights", models=MODELS, runs_dir=tmp_path)
    assert "recorded with task digits, not flights" in capsys.readouterr().err


# -- names and edits


@pytest.mark.parametrize(
    "until, words",
    [
        ("evalator", r"unknown node 'evalator' \(did you mean 'evaluator'\?\)"),
        (1, r"run\(until=1\): .* stands after step \d+; goto\(1\) goes back"),
        (-1, "stands after step"),
        (1.5, "a node's name, a step's number or a function"),
        (True, "a node's name"),
    ],
)
def test_a_run_is_not_paid_for_where_its_stop_cannot_come(until: Any, words: str, session: Session) -> None:
    steps = len(session.timeline)
    with pytest.raises(UsageError, match=words):
        session.run(until=until)
    assert len(session.timeline) == steps


@pytest.mark.parametrize(
    "change, words",
    [
        ({"plan": {"instrution": "x"}}, r"unknown key of plan 'instrution' \(did you mean 'instruction'\?\)"),
        ({"counts": {"faild": 1}}, "did you mean 'failed'"),
        ({"counts": {"failed": "one"}}, r"counts\['failed'\]: input should be a valid integer"),
        ({"rungs": {"plannr": 1}}, "did you mean 'planner'"),
        ({"rungs": {"planner": 3}}, "0 to 2 is needed: recall, small, large"),
        ({"rungs": {"planner": -1}}, "0 to 2 is needed"),
        ({"notes": {"planer": {}}}, "did you mean 'planner'"),
        ({"task": {"turn": 3}}, "did you mean 'turns'"),
        ({"best": {"scor": 1.0}}, "did you mean 'score'"),
        ({"turn": "two"}, "turn: input should be a valid integer"),
        ({"plan": "improve"}, "plan: input should be a valid dictionary"),
        ({"script": 7}, "script: input should be a valid string"),
        ({"plam": {}}, "did you mean 'plan'"),
        ({"route": {"to": "coder"}}, "the rules decide it anew"),
    ],
)
def test_an_edit_is_checked_to_its_keys(change: dict[str, Any], words: str, session: Session) -> None:
    runs = len(opened(session.folder.root.parent))
    with pytest.raises(UsageError, match=words):
        session.fork(**change)
    assert len(opened(session.folder.root.parent)) == runs


def test_an_instruction_in_the_place_of_a_case_is_one_to_carry_out(fork: Session, session: Session) -> None:
    assert session.state.plan["action"] == "apply" and session.state.plan["case"]
    plan = fork.state.plan
    assert (plan["action"], plan["instruction"], plan["case"]) == ("improve", INSTRUCTION, "")
    assert fork.next == "coder"


@pytest.mark.parametrize(
    "node, change, lost",
    [
        ("planner", {"plan": {"instruction": "x"}}, "plan['instruction']"),
        ("planner", {"plan": {"action": "improve"}}, ""),  # it looks at the action that was
        ("planner", {"counts": {"failed": 4}, "turn": 0, "task": {"turns": 3}}, ""),
        ("coder", {"plan": {"instruction": "x", "action": "improve"}, "rungs": {"coder": 1}}, ""),
        ("coder", {"script": "pass"}, "script"),
        ("evaluator", {"best": {"score": 0.1}, "counts": {"failed": 1}}, ""),
        ("expert", {"advice": "x"}, "advice"),
    ],
)
def test_what_the_next_node_makes_anew_is_known(node: str, change: dict[str, Any], lost: str) -> None:
    from budgetmlagent.run import edits

    told = edits.lost(change, GraphSpec.load("budgetml"), node)
    assert [f"makes {lost} anew" in line for line in told] == [True] * bool(lost)


def test_a_fork_says_what_will_be_overwritten(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    before = next(e for e in session.timeline if e.node == "evaluator")
    session.goto(before.step).fork(plan={"instruction": "x"})
    assert "planner runs next and makes plan['instruction'] anew" in capsys.readouterr().err


def test_the_nearest_or_the_newest_run_is_offered(folder: Path, fork: Session, tmp_path: Path) -> None:
    newest = max(path.parent.name for path in folder.glob("*/config.json"))
    with pytest.raises(UsageError, match=r"\d runs begin with it; the newest is digits-") as raised:
        Session.open("digits", folder)
    assert newest[: len("digits-20260101-000000")] in str(raised.value)
    with pytest.raises(UsageError, match=r"did you mean digits-\d"):
        Session.open("digts", folder)
    with pytest.raises(UsageError, match=f"did you mean {fork.run_id}"):
        Session.open(f"{fork.run_id[:-1]}x", folder)
    with pytest.raises(UsageError, match="`budgetml list` shows"):
        Session.open("zzz", folder)


@pytest.mark.parametrize(
    "options, told, typed",
    [
        ({"budget": "a lot"}, "budget='a lot': a number is needed", ""),
        ({"budget": -1}, "budget=-1: a number of dollars", "--budget -1: "),
        ({"budget": float("nan")}, "budget=nan: a number of dollars", ""),
        ({"budget": True}, "budget=True: a number", ""),
        ({"turns": 2.5}, "turns=2.5: a whole number", ""),
        ({"turns": 0}, "turns=0: at least 1", "--turns 0: "),
        ({"seed": "x"}, "seed='x': a whole number", ""),
        ({"history": "some"}, "history='some': one of off, run, all", "--history some: "),
        ({"project_budget": -1.0}, "project_budget=-1.0", "--project-budget -1.0: "),
        ({"minutes": "ten"}, "minutes='ten'", ""),
        ({"approve": "exprt"}, "approve='exprt'", "--approve exprt: "),
        ({"direction": "up"}, "direction='up': max or min", "--direction up: "),
        ({"unsafe": "no"}, "unsafe='no': True or False", ""),
        ({"models": {"a": 1}}, "models={'a': 1}: a word or a path", ""),
        ({"graph": 3}, "graph=3: ", ""),
    ],
)
def test_each_caller_is_told_of_options_by_its_own_names(
    options: dict[str, Any], told: str, typed: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        Session("digits", runs_dir=tmp_path, **{"models": MODELS} | options)
    assert str(raised.value).startswith(told) and "--" not in str(raised.value)
    assert raised.value.typed.startswith(typed)
    assert not list(tmp_path.iterdir())


# -- notebooks


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
    assert f"interrupted; `budgetml resume {stopped.run_id}` goes on" in raised.value.typed
    assert raised.value._render_traceback_() == [str(raised.value)]
    assert stopped.summary["status"] == "stopped"


def test_completion_shows_what_is_a_graphs_own() -> None:
    shown = {name for name in dir(GraphSpec.load("budgetml")) if not name.startswith("_")}
    assert {"set_rule", "nodes", "save", "load", "fork", "model_copy"} <= shown
    assert not {"json", "dict", "schema", "parse_raw", "model_dump", "model_fields"} & shown


# -- progress


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_turn_is_one_line_that_fits(width: int, session: Session) -> None:
    lines = shown(session, Console(file=io.StringIO(), width=width)).splitlines()
    assert [line.split()[1] for line in lines] == ["0/8", "1/8", "2/8"], (
        "the last one is not over, and told at the end"
    )
    assert all(len(line) <= width for line in lines)
    assert "keep 0.8087" in lines[0] and "keep 0.953" in lines[1] and "unfinished" in lines[2]
    assert ("best" in lines[0]) == (width == 160)


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


def shown(session: Session, console: Console) -> str:
    live = Live(session)
    live.console, live.status = console, console.status("")
    for event in session.timeline:
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


# -- lists and comparisons


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    capsys.readouterr()
    assert call(list(command)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_forks_are_listed_below_what_they_come_from(
    folder: Path, session: Session, fork: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *rows = printed(capsys, "list", "--runs-dir", str(folder)).splitlines()
    assert head.split() == ["run", "status", "score", "gain", "money", "turns", "begun", "graph"]
    assert rows[0].split()[:3] == [session.run_id, "stopped", "0.953"]
    assert any(row.startswith(f"└ {fork.run_id}") for row in rows[1:])
    assert {row.split()[-1] for row in rows} == {"budgetml"}


def test_the_list_can_be_narrowed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listed(*options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            printed(capsys, "list", "--json", "--runs-dir", str(folder), *options)
        )
        return found

    every = listed()
    assert len(every) == len(opened(folder)) and {"run_id", "status", "usd", "begun"} <= every[0].keys()
    assert listed("--task", "digits", "--status", "stopped", "--since", "2020-01-01") == every
    assert listed("--status", "failed") == listed("--since", "2999-01-01T10:00") == []
    for wrong in ["--task", "digts"], ["--status", "finishd"], ["--since", "yesterday"]:
        assert call(["list", *wrong, "--runs-dir", str(folder)]) == 2
    assert "did you mean 'digits'" in capsys.readouterr().err


def test_runs_that_say_they_come_from_each_other_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, origin in ("a", "b"), ("b", "a"), ("c", 7):
        run = tmp_path / name
        run.mkdir()
        (run / "config.json").write_text("{}")
        told = {
            "run_id": name,
            "graph": "g",
            "status": "failed",
            "usd": 0,
            "gain_pct": None,
            "fork": {"runs": [origin]},
        }
        (run / "run.json").write_text(json.dumps(told))
    rows = printed(capsys, "list", "--runs-dir", str(tmp_path)).splitlines()[1:]
    assert sorted(row.replace("└", "").split()[0] for row in rows) == ["a", "b", "c"]


def test_two_runs_part_where_one_was_edited(
    session: Session, fork: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    found = session.compare(fork.run_id)
    assert found.parting and (found.parting.node, found.parting.why) == ("coder", "edited by hand")
    assert (found.parting.one, found.parting.other) == ("nothing", "plan")
    assert found.parting.step == session.timeline[-1].step + 1
    assert found.script == [] and found.settings == {}
    told = json.loads(
        printed(
            capsys,
            "diff",
            session.run_id,
            fork.run_id,
            "--json",
            "--runs-dir",
            str(session.folder.root.parent),
        )
    )
    assert told == json.loads(json.dumps(found.as_json()))
    assert [run["run_id"] for run in told["runs"]] == [session.run_id, fork.run_id]
    assert session.compare(session).parting is None and "nowhere" in str(session.compare(session))


def test_two_runs_part_where_another_rule_leads_on(session: Session, tmp_path: Path) -> None:
    graph = GraphSpec.parse(
        session.graph.dump().replace("{when: case_left, to: planner}", "{when: case_left, to: coder}")
    )
    other = begin(tmp_path, graph=graph)
    other.run(until="evaluator")
    found = session.compare(other)
    assert found.parting and (found.parting.step, found.parting.node) == (2, "evaluator")
    assert found.parting.why == "another rule led on" and found.parting.other.endswith("→ coder")
    assert any(line.startswith("-") for line in found.script) and "they part" in found._repr_html_()


def test_runs_of_two_tasks_are_not_compared(session: Session, tmp_path: Path) -> None:
    other = Session("flights", models=MODELS, runs_dir=tmp_path)
    with pytest.raises(UsageError, match="two tasks cannot be compared"):
        session.compare(other)


# -- completion and help


def test_a_shell_is_offered_names(
    folder: Path, fork: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer import Context

    from budgetmlagent.cli import names

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("")
    (tmp_path / "mytask").mkdir()
    assert names.tasks("di") == ["digits", "distances"] and names.tasks("my") == ["mytask/"]
    assert names.graphs("") == ["budgetml", "paper", "recall", "single_agent", "mine.yaml", "mytask/"]
    assert names.embedded("s") == ["small"]

    def at(folder: Path) -> Any:
        context: Any = Context.__new__(Context)
        context.params = {"runs_dir": folder}
        return context

    assert fork.run_id in names.runs(at(folder), "digits-") and names.runs(at(folder), "x") == []
    assert names.models(at(folder), "mi") == ["mine.yaml"] and names.models(at(folder), "re") == ["replay:"]
    assert f"replay:{fork.folder.root}" in names.models(at(folder), "replay:")
    assert names.runs(at(tmp_path / "none"), "") == [] and names.tasks("/no/such/folder/") == []
    assert names.graphs("\0/") == []


@pytest.mark.parametrize("group", ["", "graph", "models", "memory", "new"])
def test_no_summary_of_a_command_is_cut(
    group: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert call([*group.split(), "--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert len(commands) > 3 and not [line for line in commands if line.endswith("...")]


def test_an_error_of_ours_is_typed_as_it_is_told() -> None:
    assert BudgetMLError("x: is wrong").typed == "x: is wrong"
