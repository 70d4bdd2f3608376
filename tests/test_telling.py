"""Tables that code did not understand: what a capable model says of them is held against the files, and then cases fit."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
import tiny
from fault_server import FaultServer, Turn
from test_briefing import program, task  # noqa: F401  # a fixture
from test_dossier import execution, parts

from budgetmlagent import Session, testing
from memory.attempts import briefing, signature
from nodes.craft.doubts import about_kind, doubts
from nodes.planner import planner

TOLD = {"train": "all.csv", "test": "all.csv", "targets": ["label"], "problem": "classification"}
FILES = [{"name": "all.csv", "bytes": 9, "what": "table"}]
CHOICE = {"action": "draft", "attempts": [], "instruction": "use the sign of x"}
STARTER = """\
import pandas as pd

data = pd.read_csv("all.csv")
test = data[data["label"].isna()]
print("validation accuracy 0.5")
test.assign(answer=0)[["id", "answer"]].to_csv("submission.csv", index=False)
"""


@pytest.fixture
def told(task, tmp_path):  # noqa: F811
    """A function that briefs tables and a submission by what is told of them."""

    def make(files, submission, said, metric=""):
        task(files, submission, metric=metric)
        meta = {
            "text": "",
            "metric": metric,
            "direction": "max",
            "starter": "",
            "data": "schema",
            "told": said,
        }
        return program.plain(program.brief(tmp_path / "env", tmp_path / "out", meta))

    return make


def sales(rows=40):
    """Tables with two columns that the test rows lack, and a submission that names neither."""
    train = pd.DataFrame(
        {
            "id": range(rows),
            "x": [i * 7 % 11 / 3 for i in range(rows)],
            "total": [i * i % 17 for i in range(rows)],
        }
    )
    train["paid"] = train["total"] % 2
    test = pd.DataFrame({"id": range(100, 130), "x": [i % 5 / 2 for i in range(30)]})
    return {"learn.csv": train, "wanted.csv": test}, test[["id"]].assign(answer=0.5)


def said(**changes):
    return {
        "train": "learn.csv",
        "test": "wanted.csv",
        "targets": ["total"],
        "problem": "regression",
    } | changes


def test_what_is_told_takes_the_place_of_what_is_seen(task, told):  # noqa: F811
    files, submission = sales()
    assert task(files, submission)["table"]["targets"] == ["paid"]  # a guess
    table = told(files, submission, said())["table"]
    assert (table["targets"], table["submission_targets"], table["problem"]) == (
        ["total"],
        ["answer"],
        "regression",
    )
    assert "total" not in table["features"]
    classes = told(files, submission.assign(answer=1), said(problem="classification"))
    assert classes["table"]["problem"] == "classification" and "classification" in classes["kinds"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"train": "train.csv"}, "there is no table 'train.csv'; there are learn.csv, wanted.csv"),
        ({"targets": []}, "no target is named"),
        ({"targets": ["sum"]}, "learn.csv has no column 'sum'"),
        ({"test": "learn.csv"}, "0 rows of learn.csv are to be answered, 30 are submitted"),
        ({"targets": ["total", "paid"]}, "the submission has the columns id, answer; that is not one for each target"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_the_files_is_said(told, wrong, why):
    assert told(*sales(), said(**wrong)) == {"untrue": why}


@pytest.mark.parametrize("cell", [lambda n: f"kind {n}", lambda n: n > 5])
def test_words_and_truths_are_no_regression(told, cell):
    files, submission = sales()
    files["learn.csv"]["total"] = files["learn.csv"]["total"].map(cell)
    assert "a target holds no numbers" in told(files, submission, said())["untrue"]


def test_a_target_without_a_value_teaches_nothing(told):
    files, submission = sales()
    files["learn.csv"]["total"] = None
    assert told(files, submission, said()) == {"untrue": "no row of learn.csv to learn from has a target"}


def test_a_capable_planner_is_asked_once_and_what_holds_becomes_the_briefing():
    state, deps = parts(json.dumps(CHOICE | {"data": TOLD}), files=FILES)
    deps.task.retold = {
        "kinds": ["csv", "table"],
        "files": FILES,
        "summary": "Classification of label.",
        "table": {},
    }
    state = with_baseline(state, deps)
    before = briefing(state, deps.artifacts)
    update = planner(state, deps)
    asked = deps.models.asked[-1]
    assert "Code is not sure what these tables are" in asked["messages"][-1]["content"]
    assert "data" in asked["schema"]["required"]
    facts = briefing(replace(state, **update), deps.artifacts)
    assert (
        facts["kinds"] == ["csv", "table"] and facts["told"] == [TOLD] and update["plan"]["action"] == "draft"
    )
    assert signature(facts) == signature(before)  # other runs of the task have learned under that name
    assert not doubts(facts, "", "")
    again = parts(json.dumps(CHOICE), files=FILES, kinds=["csv", "table"], told=[TOLD])
    planner(*again)
    assert "data" not in again[1].models.asked[-1]["schema"]["properties"]


@pytest.mark.parametrize(
    ("retold", "why"),
    [
        (
            {"untrue": "there is no table 'all.csv'; there are a.csv"},
            "there is no table 'all.csv'; there are a.csv",
        ),
        (
            {"kinds": [], "files": [], "problems": ["it took too long"]},
            "the files cannot be read in that way",
        ),
        ({"kinds": ["csv", "unknown"], "files": FILES}, "the files cannot be read in that way"),
    ],
)
def test_what_does_not_hold_is_told_and_asked_once_more(retold, why):
    state, deps = parts(json.dumps(CHOICE | {"data": TOLD}), files=FILES)
    deps.task.retold = retold
    state = with_baseline(state, deps)
    update = planner(state, deps)
    facts = briefing(replace(state, **update), deps.artifacts)
    assert f"as it does not hold: {why}" in doubts(facts, "", "")[0]
    assert {"submission", "machine"} <= set(facts)  # what code has seen stays
    assert about_kind(facts, "") and facts["summary"]
    for times, asked in ((1, True), (2, False)):
        more = parts(json.dumps(CHOICE), files=FILES, told=[TOLD] * times, untrue="no")
        planner(*more)
        assert ("data" in more[1].models.asked[-1]["schema"]["properties"]) is asked


@pytest.mark.parametrize(
    "data", [None, "all.csv", {"problem": "ranking"}, {"train": ["all.csv"], "problem": 3}]
)
def test_an_answer_that_says_nothing_of_the_tables_is_a_choice_all_the_same(data):
    state, deps = parts(json.dumps(CHOICE | {"data": data}), files=FILES)
    update = planner(with_baseline(state, deps), deps)
    assert update["plan"]["action"] == "draft" and "task" not in update


def test_who_says_nothing_of_the_tables_is_not_asked_again():
    state, deps = parts(json.dumps(CHOICE), json.dumps(CHOICE), files=FILES)
    state = with_baseline(state, deps)
    for asked in (True, False):
        update = planner(state, deps)
        assert ("data" in deps.models.asked[-1]["schema"]["properties"]) is asked
        state = replace(state, **update)


def test_nobody_is_asked_where_code_understood_where_there_is_no_table_or_memory_is_off():
    for facts, said_of_task in (
        ({"kinds": ["csv", "table"]}, {}),
        ({"files": []}, {}),
        ({}, {"history": "off"}),
    ):
        state, deps = parts(json.dumps(CHOICE), **{"files": FILES} | facts)
        planner(replace(state, task=state.task | said_of_task), deps)
        assert "data" not in deps.models.asked[-1]["schema"]["properties"]


def with_baseline(state, deps):
    """The state with an execution of the starter behind it, by which the data are briefed again."""
    ran = deps.artifacts.put_json(execution(deps.artifacts, exit=0).as_json())
    first = {
        "script": "print(1)\n",
        "turn": 0,
        "score": 0.5,
        "plan": {"action": "baseline"},
        "execution": ran,
    }
    return testing.state(deps.artifacts, first, task=dict(state.task), turn=0)


def capable(body):
    """A capable team: its planner says what the tables are, then takes what the menu has."""
    system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
    if "response_format" not in body and "JSON" not in system:
        return Turn("```python\n" + STARTER.replace("answer=0", "answer=(test['x'] > 0).astype(int)") + "```")
    menu = re.search(r"not tried yet:\n- (\w+):", asked)
    choice = CHOICE | ({"action": "apply", "case": menu[1], "instruction": ""} if menu else {})
    return Turn(json.dumps(choice | ({"data": TOLD} if "Code is not sure" in asked else {})))


def test_in_a_run_cases_fit_after_a_model_has_said_what_the_table_is_and_a_replay_does_the_same(tmp_path):
    place = tiny.task(tmp_path, starter=STARTER)
    env, answers = place / "env", (place / "scoring" / "answers.csv")
    train, test = pd.read_csv(env / "train.csv"), pd.read_csv(env / "test.csv")
    pd.concat([train, test]).to_csv(env / "all.csv", index=False)
    (env / "train.csv").unlink(), (env / "test.csv").unlink()
    answers.write_text(answers.read_text().replace("label", "answer"))
    (place / "scoring" / "eval.py").write_text(tiny.EVAL.replace('"label"', '"answer"'))
    with FaultServer(respond=capable) as server:
        models = tmp_path / "models.yaml"
        models.write_text(tiny.MODELS.format(url=server.url).replace("-7b", "").replace("-14b", ""))
        options = {"budget": 1.0, "turns": 2, "history": "run", "runs_dir": tmp_path / "runs"}
        session = Session(str(place), models=models, **options)
        session.run()
        asked = [request.body for request in server.requests if "response_format" in request.body]
    assert "Code is not sure" in asked[0]["messages"][-1]["content"]
    assert all("Code is not sure" not in body["messages"][-1]["content"] for body in asked[1:])
    assert any(event.plan.get("action") == "apply" for event in session.timeline)
    again = Session(str(place), models=f"replay:{session.folder.root}", **options)
    again.run()
    assert [e.route["rule"] for e in again.timeline] == [e.route["rule"] for e in session.timeline]
