"""Whole runs with a scripted model behind a real server; sandbox, scorer, ledger, history, checkpoints are the real ones."""

import json
import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from decimal import Decimal
from inspect import signature
from pathlib import Path

import forked
import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent import Session
from budgetmlagent.cli import call, running
from budgetmlagent.errors import RunFailedError, UsageError
from budgetmlagent.run.request import Request
from budgetmlagent.upkeep.doctor import of_run
from budgetmlagent.upkeep.memory import list_items

KEYS = {
    "run_id", "task", "graph", "models", "seed", "status", "reason", "metric", "direction", "baseline", "best",
    "private_baseline", "private_best", "gain_pct", "success", "feedback", "usd", "usd_by_node", "calls",
    "calls_by_model", "tokens_in", "tokens_out", "cached_tokens", "expert_calls", "escalations", "turns", "steps",
    "seconds", "sandbox", "integrity", "history", "replayed", "hosts", "run_dir",
}  # fmt: skip
EVENT_KEYS = {
    "step", "node", "model", "seconds", "usd", "tokens_in", "tokens_out", "cached", "prompt", "reply", "history",
    "score", "fault", "route",
}  # fmt: skip
RATES = {"small-7b": (1, 2), "large-14b": (10, 30)}


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


def new(tmp_path: Path, server: FaultServer, **options) -> Session:
    return tiny.session(tmp_path, server.url, **{"turns": 3} | options)


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Iterator[tuple[Session, FaultServer]]:
    """A run of two turns that has come to its end, and its server; nobody changes either."""
    with FaultServer(respond=tiny.team) as server:
        session = new(tmp_path_factory.mktemp("ended"), server, turns=2)
        session.run()
        yield session, server


@pytest.fixture
def copied(ended, tmp_path) -> Session:
    """A copy of that run, to be changed."""
    (run,) = shutil.copytree(ended[0].folder.root.parent, tmp_path / "runs").glob("tiny-*")
    return Session.open(run)


def test_every_way_to_ask_for_a_run_has_the_same_options_and_defaults():
    asked = {name: option.default for name, option in signature(Request).parameters.items()}
    assert {name: option.default for name, option in signature(Session).parameters.items()} == asked
    told = {
        name: option.default for name, option in signature(running.run).parameters.items() if name in asked
    }
    assert told == asked | {"runs_dir": Path(asked["runs_dir"])}


def test_a_run_improves_the_script_and_says_so(ended):
    session, summary = ended[0], ended[0].summary
    assert set(summary) >= KEYS
    assert (summary["status"], summary["reason"]) == ("finished", "all turns are used")
    assert summary["best"] == summary["private_best"] == 1.0
    assert summary["baseline"] < 0.7 and summary["gain_pct"] > 40 and summary["success"] is True
    assert summary["turns"] == 2 and summary["feedback"] == "public"
    assert summary["integrity"]["ok"] is True
    folder = Path(summary["run_dir"])
    assert json.loads((folder / "run.json").read_text()) == summary
    assert (folder / "best" / "train.py").read_text().startswith(tiny.GOOD)
    assert len((folder / "best" / "submission.csv").read_text().splitlines()) == 41
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert all(set(event) >= EVENT_KEYS for event in events)
    assert [event["step"] for event in events] == list(range(1, summary["steps"] + 1))
    assert events == session.timeline
    results = [line.split("\t") for line in (folder / "results.tsv").read_text().splitlines()]
    assert results[0] == ["step", "score", "seconds", "dollars", "status", "plan"]
    assert [row[4] for row in results[1:3]] == ["keep", "keep"]


def test_money_is_what_the_server_billed(ended):
    session, server = ended
    summary = session.summary
    assert session.cost.usd == summary["usd"] and session.cost.usd_reserved == 0
    nano = Decimal(0)
    for request in server.requests:
        tokens_in, _, tokens_out = request.billed
        rate_in, rate_out = RATES[request.body["model"]]
        nano += (tokens_in * rate_in + tokens_out * rate_out) * 1000
    assert Decimal(str(summary["usd"])) * 10**9 == nano
    assert summary["calls"] == len(server.requests)
    assert summary["tokens_in"] == sum(r.billed[0] for r in server.requests)
    assert summary["tokens_out"] == sum(r.billed[2] for r in server.requests)
    assert summary["cached_tokens"] == sum(r.billed[1] for r in server.requests)


def test_only_the_planner_sends_a_schema(ended):
    session, server = ended
    by_node = {event["node"]: event for event in session.timeline if event["prompt"]}
    for request in server.requests:
        planner = "You lead a small team" in request.body["messages"][0]["content"]
        assert ("response_format" in request.body) == planner
    assert {"planner", "coder"} <= set(by_node)


def test_a_budget_that_buys_three_calls_buys_three(tmp_path, server):
    server.respond = lambda body: Turn(tiny.team(body).text, tokens_in=500, tokens_out=100)
    models = tiny.models(tmp_path, server.url)
    models.write_text(models.read_text().replace("input: 1,", "input: 0,"))
    task = tiny.task(tmp_path)
    budget = 3 * 2 * 100 / 1e6  # three replies of 100 tokens, at 2 dollars per million
    session = Session(
        str(task), models=models, budget=budget, turns=9, history="off", runs_dir=tmp_path / "runs"
    )
    summary = session.run()
    assert summary["calls"] == len(server.requests) == 3
    assert summary["usd"] == budget
    assert summary["reason"].startswith("what is left of the budget")


def test_more_money_and_more_turns_go_on(tmp_path, server):
    session = new(tmp_path, server, turns=2, budget=0.0)
    assert session.run()["calls"] == 0
    again = Session.open(session.folder.root)
    again.extend(budget=1.0)
    summary = again.run()
    assert summary["calls"] > 0 and summary["turns"] == 2 and summary["best"] == 1.0
    more = Session.open(session.folder.root)
    more.extend(turns=4)
    summary = more.run()
    assert summary["turns"] == 4
    attempts = (more.folder.root / "results.tsv").read_text().splitlines()[2:]
    assert len(list_items(tmp_path / "runs", kind="attempt")) == len(attempts)
    assert [e["step"] for e in more.timeline] == sorted(e["step"] for e in more.timeline)


def test_a_new_total_of_a_run_that_ended_stands_in_its_files(copied):
    runs = copied.folder.root.parent
    assert call(["resume", copied.run_id, "--budget", "0.5", "--runs-dir", str(runs)]) == 0
    assert json.loads((copied.folder.root / "run.json").read_text())["budget"] == 0.5
    assert all(row["ok"] for row in of_run(copied.run_id, runs, rebuild=False))


def test_the_second_process_is_kept_out(tmp_path, server):
    session = new(tmp_path, server)
    with session._running():
        code = f"from budgetmlagent import Session; Session.open({str(session.folder.root)!r}).run()"
        status, output = forked.run(code, tmp_path)
    assert status == 1 and "is running in another process" in output


def test_a_task_that_was_changed_is_not_gone_on_with_until_it_is_measured_again(tmp_path, server):
    session = new(tmp_path, server, turns=1)
    assert session.run()["integrity"]["ok"]
    scorer = tmp_path / "tiny/scoring/eval.py"
    scorer.write_text(scorer.read_text().replace("return", "return 2 *"))
    again = Session.open(session.folder.root)
    again.extend(turns=2)
    for goes_on in (again.step, again.run, again.fork):
        with pytest.raises(
            UsageError, match=r"tiny was changed since the run began: scoring/eval.py; .* --remeasure"
        ):
            goes_on()
    assert again.summary["integrity"]["changed"] == [
        "scoring/eval.py"
    ]  # told also to whoever reads run.json alone
    before, after = again.summary["baseline"], again.remeasure().summary["baseline"]
    assert after == 2 * before
    summary = again.run()
    assert summary["integrity"]["ok"] and summary["turns"] == 2 and summary["private_baseline"] == 2 * before
    rows = (again.folder.root / "results.tsv").read_text().splitlines()
    assert "measured again" in rows[1]


CHANGES = [
    ("task.yaml", "Tell whether", "Say whether", "text of task.yaml"),
    ("task.yaml", "seconds: ", "seconds: 1", "seconds of task.yaml"),
    ("env/train.py", "", "# more\n", "env/train.py"),
    ("env/new.csv", "", "a,b\n", "env/new.csv"),
    ("scoring/answers.csv", "\n", "\n999,1\n", "scoring/answers.csv"),
]


def test_whatever_of_the_task_was_changed_is_named(tmp_path, server):
    session = new(tmp_path, server)
    session.step()
    for file, was, becomes, told in CHANGES:
        path = tmp_path / "tiny" / file
        before = path.read_text() if path.exists() else None
        path.write_text((before or "").replace(was, becomes, 1))
        with pytest.raises(UsageError, match=f"began: {told};"):
            Session.open(session.folder.root).step()
        path.unlink() if before is None else path.write_text(before)
    assert Session.open(session.folder.root).step(), "the task is what it was"


def test_a_damaged_seal_is_told_and_taken_away(tmp_path, server):
    session = new(tmp_path, server)
    session.step()
    session.folder.sealed.write_text("{")
    runs = tmp_path / "runs"
    (bad,) = (row for row in of_run(session.run_id, runs, rebuild=False) if not row["ok"])
    assert bad["detail"].startswith("sealed.json is damaged")
    assert all(row["ok"] for row in of_run(session.run_id, runs, rebuild=True))
    assert not session.folder.sealed.exists()


def test_a_recorded_run_replays_to_the_same_end(tmp_path, server):
    recorded = new(tmp_path, server, history="run", turns=2)
    first = recorded.run()
    seen = len(server.requests)
    replay = Session(
        str(tmp_path / "tiny"),
        models=f"replay:{first['run_dir']}",
        turns=2,
        history="run",
        runs_dir=tmp_path / "other",
    )
    second = replay.run()
    assert len(server.requests) == seen
    assert second["replayed"] is True and second["best"] == first["best"] and second["usd"] == first["usd"]
    assert [e["route"]["rule"] for e in replay.timeline] == [e["route"]["rule"] for e in recorded.timeline]
    assert [e["attempt"] and replay.artifacts.json(e["attempt"])["script"] for e in replay.timeline] == [
        e["attempt"] and recorded.artifacts.json(e["attempt"])["script"] for e in recorded.timeline
    ]


@pytest.mark.parametrize("what", ["prompt", "reply"])
def test_a_changed_recording_is_refused(tmp_path, copied, what):
    name = next(e[what] for e in copied.timeline if e[what])
    path = copied.folder.root / "artifacts" / name
    path.write_text(path.read_text().replace("sign", "sine").replace("lead", "led"))
    replay = Session(
        copied.config.task,
        models=f"replay:{copied.folder.root}",
        turns=2,
        history="off",
        runs_dir=tmp_path / "other",
    )
    with pytest.raises(RunFailedError, match="was changed"):
        replay.run()


def test_a_changed_task_misses_the_recording(tmp_path, ended):
    task = tiny.task(tmp_path)
    file = task / "task.yaml"
    file.write_text(file.read_text().replace("Tell whether", "Say whether"))
    replay = Session(
        str(task),
        models=f"replay:{ended[0].folder.root}",
        turns=2,
        history="off",
        runs_dir=tmp_path / "other",
    )
    with pytest.raises(RunFailedError, match="prompt differs"):
        replay.run()


def test_a_starter_that_fails_ends_the_run_as_failed(tmp_path, server, capsys):
    task = tiny.task(tmp_path, starter="import nowhere\n", name="broken")
    status = call(
        [
            "run",
            str(task),
            "--models",
            str(tiny.models(tmp_path, server.url)),
            "--runs-dir",
            str(tmp_path / "r"),
        ]
    )
    error = capsys.readouterr().err.splitlines()[-1]
    assert status == 1 and "starter" in error and "train.py" in error and "nowhere" in error
    assert json.loads(next((tmp_path / "r").glob("*/run.json")).read_text())["status"] == "failed"


def test_a_metric_script_that_raises_ends_the_run_as_failed(tmp_path, server, capsys):
    task = tiny.task(tmp_path, metric=tiny.EVAL.replace("return sum", "return 1 / 0 + sum"), name="wrong")
    status = call(
        [
            "run",
            str(task),
            "--models",
            str(tiny.models(tmp_path, server.url)),
            "--runs-dir",
            str(tmp_path / "r"),
        ]
    )
    error = capsys.readouterr().err.splitlines()[-1]
    assert status == 1 and "eval.py" in error and "ZeroDivisionError" in error


def test_scripts_get_no_answers_from_libraries_or_scoring(tmp_path, server):
    peek = """
import os, sys
try:
    import sklearn.datasets
    sklearn.datasets.load_digits()
    print("GOT digits")
except (FileNotFoundError, ModuleNotFoundError, OSError) as error:
    print("no digits", type(error).__name__)
places = [sys.prefix, sys.base_prefix, "/workspace", "/tmp", "/home", "/root", "/usr/share"]
places = [place for place in places if not any(place.startswith(f"{other}/") for other in places)]
found = [os.path.join(top, name) for place in places for top, _, names in os.walk(place) for name in names]
found = [path for path in found if os.path.basename(path) == "answers.csv" or "/scoring/" in path]
print("FOUND" if found else "no scoring", found)
"""
    task = tiny.task(tmp_path, starter=tiny.STARTER + peek, name="peek")
    session = Session(
        str(task), models=tiny.models(tmp_path, server.url), turns=1, history="off", runs_dir=tmp_path / "r"
    )
    session.step()
    text = session.artifacts.text(session.state.run["output"])
    assert "no digits" in text and "no scoring" in text


def test_the_commands_show_what_happened(tmp_path, copied, capsys):
    runs, run = ["--runs-dir", str(tmp_path / "runs")], copied.run_id

    def as_json(*arguments):
        assert call([*arguments, *runs, "--json"]) == 0
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        return json.loads(out)

    assert as_json("show", run)["run_id"] == run
    assert as_json("list")[0]["run_id"] == run
    cost = as_json("cost", run)
    assert cost["usd"] == pytest.approx(sum(c["usd"] for c in cost["calls"])) and cost["usd_reserved"] == 0
    assert set(cost["calls"][0]) >= {"id", "step", "node", "model", "usd", "tokens_in", "tokens_out", "state"}
    why = as_json("why", run, "3")
    assert why["route"]["rule"].startswith("nothing_recalled") and why["route"]["up"] == "planner"
    assert as_json("resume", run)["status"] == "finished"
    said = dict[str, str]()
    for command in (["show", run], ["why", run], ["why", run, "2"], ["cost", run], ["list"], ["doctor", run]):
        assert call([*command, *runs]) == 0
        said[" ".join(command)] = capsys.readouterr().out
    assert all(said.values())
    rule = "rule 4: memory has nothing more: planner moves up → planner"  # as it is called in the picture
    assert f"why: {rule}" in repr(Session.open(run, tmp_path / "runs").why(3))
    assert f"step 3, planner: {rule}\n" in said[f"why {run}"]
    assert f"step 3, planner: {rule}  fault" in said[f"show {run}"]
    assert "passed over: rule " in said[f"why {run} 2"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["run", "nowhere"], 2, "nowhere: no such task"),
        (["run", "digits", "--budget", "abc"], 2, "--budget: a number is needed"),
        (["run", "digits", "--turns", "2.5"], 2, "--turns: a whole number is needed"),
        (["run", "digits", "--budget", "-1"], 2, "--budget -1.0"),
        (["run", "digits", "--turns", "0"], 2, "--turns 0"),
        (["run", "digits", "--history", "some"], 2, "--history some"),
        (["run", "digits", "--graph", "bugetml"], 2, "did you mean 'budgetml'"),
        (["run", "digits", "--graph", "no.yaml"], 2, "no.yaml: no such file"),
        (["run", "digits", "--models", "no.yaml"], 2, "no.yaml"),
        (["run", "digits", "--models", "replay:nowhere"], 2, "no recorded run"),
        (["show", "nothing"], 2, "unknown run 'nothing'"),
        (["resume", "nothing"], 2, "unknown run 'nothing'"),
        (["memory", "show", "ffff"], 2, "ffff"),
        (["graph", "lint", "nope"], 2, "unknown graph 'nope'"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_bad_input_gets_one_line_and_its_status(tmp_path, capsys, monkeypatch, arguments, status, words):
    monkeypatch.chdir(tmp_path)
    assert call(arguments) == status
    captured = capsys.readouterr()
    assert words in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert not list(tmp_path.glob("runs/*-*"))


def test_data_that_stays_refuses_a_model_elsewhere(tmp_path, server):
    task = tiny.task(tmp_path)
    (task / "task.yaml").write_text((task / "task.yaml").read_text() + "data: stays\n")
    models = tmp_path / "models.yaml"
    models.write_text(tiny.MODELS.format(url="https://models.example/v1"))
    with pytest.raises(UsageError, match=r"data: stays.*models\.example"):
        Session(str(task), models=models, runs_dir=tmp_path / "runs")


def test_dry_run_spends_nothing_and_makes_no_folder(tmp_path, server, capsys):
    task = tiny.task(tmp_path)
    models = str(tiny.models(tmp_path, server.url))
    assert (
        call(["run", str(task), "--models", models, "--runs-dir", str(tmp_path / "r"), "--dry-run", "--json"])
        == 0
    )
    forecast = json.loads(capsys.readouterr().out)
    assert set(forecast) >= {"models", "hosts", "worst_case_usd", "calls", "sandbox"}
    assert forecast["worst_case_usd"]["large"] > forecast["worst_case_usd"]["small"] > 0
    assert not server.requests and not (tmp_path / "r").exists()


def test_a_run_killed_before_its_last_words_is_concluded(copied, ended):
    (first, server), root = (ended[0].summary, ended[1]), copied.folder.root
    for name in ("ended.json", "final.json", "run.json", "results.tsv"):
        (root / name).unlink()
    seen = len(server.requests)
    again = Session.open(root).run()
    assert len(server.requests) == seen
    assert (again["status"], again["private_best"], again["usd"]) == (
        "finished",
        first["private_best"],
        first["usd"],
    )
    assert (root / "results.tsv").exists()


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_says_how_to_go_on_and_keeps_what_was_reserved(tmp_path, server, capsys):
    asked, runs = [], ["--runs-dir", str(tmp_path / "runs")]

    def interrupt(body):
        asked.append(body)
        if len(asked) > 1:
            return tiny.team(body)
        signal.raise_signal(signal.SIGINT)
        return Turn("too late", delay=0.2)

    server.respond = interrupt
    models = str(tiny.models(tmp_path, server.url))
    try:
        begun = ["run", str(tiny.task(tmp_path)), "--models", models, "--turns", "1", "--history", "off"]
        assert call([*begun, *runs]) == 130
        (told,) = re.findall("interrupted; `budgetml resume (.+)` goes on\n", capsys.readouterr().err)
        assert call(["resume", *shlex.split(told)]) == 0, "as it was said"
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # which both commands took
    run = told.split()[0]
    lost, *others = Session.open(run, tmp_path / "runs").ledger.calls(run)
    assert lost.state == "reserved" and {entry.state for entry in others} == {"settled"}
