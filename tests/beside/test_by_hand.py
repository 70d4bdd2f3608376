"""Names and edits of a person: what is wrong is refused in a line, with the nearest name, before anything runs."""

import shutil
from pathlib import Path
from typing import Any, TypedDict

import pytest
from two_runs import INSTRUCTION, MODELS, begin, opened

from budgetmlagent import GraphSpec, Session
from budgetmlagent.errors import UsageError
from memory.state import RunState
from nodes.deps import Deps


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
        ({"turn": -5}, r"fork\(turn=-5\): 0 or more is needed"),
        ({"spent": -10}, "0 or more"),
        ({"counts": {"misses": -3}}, r"fork\(counts=\{'misses': -3\}\): 0 or more"),
        ({"counts": {"ways": {"small": {"tries": -1, "spent": 0, "gains": [-2.0]}}}}, "0 or more"),
        ({"task": {"budget": -1}}, "0 or more"),
        ({"task": {"direction": "up"}}, "one of max, min"),
        ({"plan": {"action": "aply"}}, r"\(did you mean 'apply'\?\)"),
        ({"plan": {"action": "improve", "of": ["x"]}}, "the id of an artifact"),
        ({"plan": {"case": "table_forst"}}, r"unknown case 'table_forst' \(did you mean 'table_forest'\?\)"),
        ({"plan": {"case": "0" * 64}}, "the id of an artifact of the run, 64 hexadecimal digits, is needed"),
        ({"fault": {"kind": "bsy"}}, r"\(did you mean 'busy'\?\)"),
        ({"head": "abc"}, r"fork\(head='abc'\): the id of an artifact"),
        ({"script": "0" * 64}, "the id of an artifact"),
        ({"script": " "}, "the text of a script"),
    ],
)
def test_an_edit_is_checked_to_its_keys(change: dict[str, Any], words: str, session: Session) -> None:
    runs = len(opened(session.folder.root.parent))
    with pytest.raises(UsageError, match=words):
        session.fork(**change)
    assert len(opened(session.folder.root.parent)) == runs


def test_a_text_of_any_length_is_kept_and_a_file_that_is_there_is_no_artifact(session: Session) -> None:
    script = "print(1)\n" * 2000
    for field, text in (("script", script), ("advice", "x " * 300), ("advice", "/etc/hostname")):
        fork = session.fork(**{field: text})
        assert fork.artifacts.text(getattr(fork.state, field)) == text
    assert session.fork(script=session.state.script).state.script == session.state.script


def test_a_case_is_named_as_the_history_shows_it(session: Session) -> None:
    (named,) = [
        item for item in session.history(session.timeline[-1].step) if item.get("name") == "table_forest"
    ]
    by_name, by_id = (session.fork(plan={"case": case}) for case in ("table_forest", named["id"]))
    assert by_name.state.plan == by_id.state.plan
    plan = by_name.state.plan
    assert (plan["action"], plan["instruction"], plan["case"]) == ("apply", named["title"], named["id"])
    by_name.run(until="evaluator")  # by what is recorded of that case, which this run tries later
    assert by_name.timeline[-1].score == by_name.state.best["score"] and not by_name.state.fault


def test_a_state_is_changed_only_once_there_is_one(tmp_path: Path) -> None:
    session = begin(tmp_path)
    with pytest.raises(UsageError, match=r"fork\(task=…\): .* has taken no step"):
        session.fork(task={"turns": 5})
    assert len(opened(tmp_path)) == 1
    fork = session.fork(turns=5)
    fork.run(until=1)
    assert fork.state.task["turns"] == 5


class Stacked(TypedDict, total=False):
    notes: dict[str, object]


def stacker(state: RunState, deps: Deps) -> Stacked:
    return {}


def test_changes_are_judged_by_the_graph_of_the_fork(session: Session) -> None:
    change: dict[str, Any] = {
        "plan": {"action": "stack", "instruction": "x"},
        "notes": {"stacker": {"of": 2}},
    }
    for field, words in {"plan": "one of baseline, idea", "notes": "unknown key of notes"}.items():
        with pytest.raises(UsageError, match=words):
            session.fork(**{field: change[field]})
    graph = session.graph.insert("stacker", after="planner", before="coder", run="test_by_hand:stacker")
    fork = session.fork(graph=graph, **change)
    assert (fork.state.plan["action"], fork.state.notes["stacker"]) == ("stack", {"of": 2})


def test_a_fork_needs_no_case_that_it_does_not_plan(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "runs")
    session = next(run for run in opened(copy) if not run.config.fork)
    others = [item for item in session.history(session.timeline[-1].step) if item["kind"] == "case"]
    lost, damaged = [item["id"] for item in others if item.get("name") != "table_forest"][:2]
    (session.artifacts.folder / lost).unlink()
    (session.artifacts.folder / damaged).unlink()
    (session.artifacts.folder / damaged).write_text("{")
    assert session.fork().state.plan == session.state.plan
    assert session.fork(plan={"case": "table_forest"}).state.plan["action"] == "apply"


def test_an_artifact_of_another_kind_is_no_case(session: Session) -> None:
    runs = len(opened(session.folder.root.parent))
    listed = session.artifacts.put_json(["case"])
    for name in (session.state.script, session.state.head, session.state.task["briefing"], listed):
        with pytest.raises(UsageError, match="this artifact is no case"):
            session.fork(plan={"action": "apply", "case": name})
    assert len(opened(session.folder.root.parent)) == runs


def test_to_apply_a_case_one_is_needed(fork: Session) -> None:
    with pytest.raises(UsageError, match="a case is needed: plan="):
        fork.fork(plan={"action": "apply"})


def test_at_the_end_of_a_run_a_change_is_said_to_lead_nowhere(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = session.fork()
    ended.run()
    capsys.readouterr()
    assert ended.fork(plan={"instruction": "x"}).done
    assert "has come to its end here, so nothing follows" in capsys.readouterr().err
    ended.fork()
    assert capsys.readouterr().err == ""


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
        ("executor", {"script": "pass"}, ""),  # it mends the script that it is given
        (
            "executor",
            {"plan": {"case": ""}, "task": {"turns": 3}},
            "",
        ),  # which it makes for the starter alone
        ("executor", {"run": {"error": ""}}, "run['error']"),
    ],
)
def test_what_the_next_node_makes_anew_is_known(node: str, change: dict[str, Any], lost: str) -> None:
    from budgetmlagent.run import edits

    told = edits.lost(change, GraphSpec.load("budgetml"), node, RunState(script="there is one"))
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
    with pytest.raises(UsageError, match=r"`budgetml list --runs-dir .*` shows"):
        Session.open("zzz", folder)


@pytest.mark.parametrize(
    "options, told, typed",
    [
        ({"budget": "a lot"}, "budget='a lot': a number is needed", ""),
        ({"budget": -1}, "budget=-1: a number of dollars", "--budget -1: "),
        ({"budget": float("nan")}, "budget=nan: a number of dollars", ""),
        ({"budget": 1e6}, "budget=1000000.0: a number of dollars, 0 or more and below a million", ""),
        ({"budget": 1e-10}, "budget=1e-10: a billionth of a dollar is the smallest sum", ""),
        ({"budget": True}, "budget=True: a number", ""),
        ({"turns": 2.5}, "turns=2.5: a whole number", ""),
        ({"turns": 0}, "turns=0: at least 1", "--turns 0: "),
        ({"seed": "x"}, "seed='x': a whole number", ""),
        ({"history": "some"}, "history='some': one of off, run, all", "--history some: "),
        ({"project_budget": -1.0}, "project_budget=-1.0", "--project-budget -1.0: "),
        ({"minutes": "ten"}, "minutes='ten'", ""),
        ({"minutes": 1e6}, "minutes=1000000.0: a number above 0 and below a million", ""),
        ({"approve": "exprt"}, "approve='exprt'", "--approve exprt: "),
        ({"direction": "up"}, "direction='up': one of max, min is needed", "--direction up: "),
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
