"""Runs seen and driven by the studio: what a row says, that a killed run is shown dead, that two clicks never spend twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from recorded import GRAPH, MODELS, REPLAY

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.records import live
from budgetmlagent.records.rundir import all_runs
from budgetmlagent.run.view import RunView
from budgetmlagent.studio import look, price, rows
from budgetmlagent.studio.answers import Answers
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.protocol import DriveAsked
from budgetmlagent.studio.snapshot import Snapshot

GRAPH_TEXT = Path(GRAPH).read_text()
HOLD = """
import sys, time
from pathlib import Path
from budgetmlagent.records import live
from budgetmlagent.records.rundir import RunDir
live.take(RunDir(Path(sys.argv[1])))
print("taken", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory) -> RunView:
    runs = tmp_path_factory.mktemp("studio") / "runs"
    assert call([*REPLAY, "--runs-dir", str(runs)]) == 0
    return RunView(all_runs(runs)[0])


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


@pytest.fixture
def answers(tmp_path):
    made = Answers(Place(tmp_path.resolve(), (tmp_path / "runs").resolve()))
    yield made
    made.driver.close()


def ask(answers, name, **body):
    status, reply = answers.answer(name, json.dumps(body).encode())
    json.dumps(reply, allow_nan=False)
    return status, reply


def until(holds, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.05)
    return found


def test_a_run_is_told_as_its_events_and_its_ledger_have_it(replayed):
    told, timeline, summary = look.run(Snapshot.of(replayed)), replayed.timeline, replayed.summary
    assert [row["step"] for row in told["steps"]] == [event.step for event in timeline]
    assert told["row"]["stands"] == "finished" and told["row"]["best"] == summary["best"]
    assert told["row"]["replayed"] and told["at"] == timeline[-1].step and told["next"] == "END"
    cards = {card["name"]: card for card in told["graph"]["cards"]}
    for node in replayed.spec.nodes:
        assert cards[node]["runs"] == sum(event.node == node for event in timeline)
        assert [row["text"] for row in cards[node]["rules"]] == [
            str(rule) for rule in replayed.spec.rules_of(node)
        ]
    fired = sum(row["fired"] for card in cards.values() for row in card["rules"])
    assert fired == len(timeline)
    assert sum(edge["count"] for edge in told["graph"]["edges"]) == len(timeline) + 1  # and the way in
    assert look.run(Snapshot.of(replayed), since=30)["steps"] == told["steps"][30:]
    asked = [row for row in told["steps"] if row["model"]]
    assert asked and all(row["replayed"] for row in asked)
    json.dumps(told, allow_nan=False)


def test_a_step_is_read_alone_and_as_the_whole_run_has_it(replayed):
    for event, row in zip(replayed.timeline, look.run(Snapshot.of(replayed))["steps"], strict=True):
        told = look.step(replayed, event.step)
        assert told["row"] == row
        assert [rule["rule"] for rule in told["rules"]] == [
            *(p["rule"] for p in event.route["passed"]),
            event.route["rule"],
        ]
        assert [rule["fired"] for rule in told["rules"]] == [False] * len(event.route["passed"]) + [True]
        assert (
            "".join(m["text"] for m in told["prompt"])
            in replayed.prompt(event.step).replace("\n\n## user\n", "")
            or not event.prompt
        )
        assert (told["reply"] or {"text": ""})["text"] == replayed.reply(event.step)
        assert [item["id"] for item in told["history"]] == [
            item["id"] for item in replayed.history(event.step)
        ]
    assert look.step(replayed, 1)["around"] == [2]
    for wrong in (0, -1, 99):
        with pytest.raises(UsageError, match=f"has no step {wrong}; its steps are 1 to 35"):
            look.step(replayed, wrong)
    with pytest.raises(UsageError, match="has no branch 'x'"):
        look.step(replayed, 1, "x")


def test_a_damaged_run_says_so_in_its_row_and_the_others_work(replayed, tmp_path):
    import shutil

    runs = tmp_path / "runs"
    for name in ("good", "config", "summary", "note"):
        shutil.copytree(replayed.folder.root, runs / name)
    (runs / "config" / "config.json").write_text('{"run_id": 1, "new_field": 2}')
    (runs / "summary" / "run.json").write_text("{")
    (runs / "note" / live.NOTE).write_text('{"pid": "x"}')
    found = {row["run_id"]: row for row in rows.run_rows(runs)}
    assert found["good"]["stands"] == "finished"
    assert {name: row["stands"] for name, row in found.items() if name != "good"} == dict.fromkeys(
        ("config", "summary", "note"), "damaged"
    )
    assert all(
        "damaged" in found[name]["reason"] and "\n" not in found[name]["reason"]
        for name in ("config", "summary", "note")
    )


def test_a_killed_run_is_shown_dead_and_its_number_is_not_its_name(replayed, tmp_path):
    answers = Answers(Place(tmp_path, replayed.folder.root.parent))
    run, seq = replayed.folder, answers.watcher.since(0)["seq"]
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(run.root)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "taken\n"
        assert (
            rows.run_row(run)["stands"] == "underway"
            and look.run(Snapshot.of(replayed))["live"]["pid"] == process.pid
        )
        until(
            lambda: {"what": "run", "name": run.run_id, "said": ""} in answers.watcher.since(seq)["changed"]
        )
        seq = answers.watcher.since(seq)["seq"]
        status, reply = ask(answers, "drive", run=run.run_id, action="step", at=35)
        assert status == 409 and "is underway" in reply["error"]
        process.send_signal(signal.SIGKILL)
        until(
            lambda: rows.run_row(run)["stands"] == "dead"
        )  # before anybody has waited for it: a zombie is dead
        until(lambda: answers.watcher.since(seq)["changed"])
    assert "budgetml resume" in rows.run_row(run)["reason"]
    note = json.loads((run.root / live.NOTE).read_text())
    run.write(live.NOTE, note | {"pid": os.getpid()})  # another process has the number now
    assert live.stands(run) == "dead"
    run.write(live.NOTE, note | {"pid": 2**40})
    assert live.stands(run) == "dead"
    live.leave(run)
    assert rows.run_row(run)["stands"] == "finished"


def test_a_run_that_is_left_in_order_leaves_no_note_and_a_pause_needs_somebody(tmp_path, server):
    session = tiny.session(tmp_path, server.url, turns=1)
    with pytest.raises(UsageError, match="nothing to pause"):
        session.pause()
    seen = list[str]()

    def watch(event):
        seen.append(live.stands(session.folder))
        if event.step == 2:
            RunView(session.folder).pause()

    assert session.run(on_step=watch)["status"] == "stopped"
    assert seen == ["underway", "underway"] and session.branches.step == 2
    assert live.stands(session.folder) == "stopped" and not (session.folder.root / live.PAUSE).exists()
    live.ask_to_pause(session.folder)  # too late: whoever goes on takes it back
    assert session.step().step == 3 and not (session.folder.root / live.PAUSE).exists()


def test_branches_are_named_with_where_they_part(tmp_path, server):
    session = tiny.session(tmp_path, server.url)
    session.run(until=4)
    session.goto(2).stay()
    again = RunView(session.folder)
    assert again.branches.step == 2 and again.summary["status"] == "stopped"
    assert [
        json.loads(line)["step"] for line in (session.folder.root / "events.jsonl").read_text().splitlines()
    ] == [1, 2]
    named = again.branches.named
    assert [(b.name, b.last, b.split) for b in named] == [
        (f"{session.run_id}#2", 2, 2),
        (session.run_id, 4, 0),
    ]
    assert again.next == again.timeline[-1].route["to"] and len(again.timeline) == 2
    assert look.step(again, 4, session.run_id)["row"]["step"] == 4
    with pytest.raises(UsageError, match="1 to 2"):
        look.step(again, 4)
    session = Session.open(session.folder.root)
    assert session.step().step == 4 and session.timeline[-1].node == again.next
    session.stay()  # where it stands already: nothing is otherwise
    assert len(session.branches.named) == 2
    session.goto(0).stay()
    begun = RunView(session.folder)
    assert (begun.branches.step, begun.next, begun.timeline) == (0, "executor", [])
    assert Session.open(session.folder.root).step().node == "executor"


def test_six_clicks_are_one_step(answers):
    begun = {"task": "digits", "graph": GRAPH, "models": MODELS, "go": False}
    run = ask(answers, "start", **begun, once="start")[1]["run"]
    assert ask(answers, "start", **begun, once="start")[1]["run"] == run
    replies = list[int]()

    def click(once):
        replies.append(ask(answers, "drive", run=run, action="step", at=0, once=once)[0])

    clicks = [
        threading.Thread(target=click, args=(str(i // 2),)) for i in range(6)
    ]  # each of three comes twice
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert sorted(replies) == [200, 200, 409, 409, 409, 409]
    told = until(
        lambda: not answers.driver.is_ours(run) and (v := ask(answers, "run", run=run)[1])["at"] == 1 and v
    )
    assert len(told["steps"]) == 1 and told["row"]["stands"] == "stopped"
    status, reply = ask(answers, "drive", run=run, action="step", at=0, once="late")
    assert status == 409 and "was gone on with meanwhile" in reply["error"]
    assert ask(answers, "drive", run=run, action="step")[1]["error"].endswith("after which the run stands")


@pytest.mark.soak
def test_two_clicks_never_spend_twice_and_every_call_waits_for_its_word(tmp_path, server, answers):
    session = tiny.session(tmp_path, server.url, approve="all")
    run = session.run_id
    assert ask(answers, "drive", run=run, action="run")[1]["error"].endswith(
        "the step after which the run stands"
    )
    assert ask(answers, "drive", run=run, action="run", at=0, once="a")[0] == 200
    view = lambda: ask(answers, "run", run=run)[1]  # noqa: E731
    for number in range(1, 3):
        told = until(
            lambda: not answers.driver.is_ours(run) and (v := view())["row"]["stands"] == "waits" and v
        )
        assert len(server.requests) == number - 1 and told["question"]["declined"]["to"]
        price = ask(answers, "price", drive={"run": run, "action": "approve", "at": told["at"]})[1]
        assert price["usd"] == told["question"]["usd"] > 0
        body = {"run": run, "action": "approve", "at": told["at"], "go": True}
        replies = list[int]()

        def click(once, body=body, replies=replies):
            replies.append(ask(answers, "drive", **body, once=once)[0])

        clicks = [
            threading.Thread(target=click, args=(f"{number}-{i // 2}",)) for i in range(6)
        ]  # each of three twice
        for each in clicks:
            each.start()
        for each in clicks:
            each.join()
        assert sorted(replies) == [200, 200, 409, 409, 409, 409]
        until(lambda number=number: len(server.requests) == number)
    told = until(lambda: not answers.driver.is_ours(run) and (v := view())["row"]["stands"] == "waits" and v)
    assert len(server.requests) == 2
    status, reply = ask(answers, "drive", **body, once="late")
    assert status == 409 and "was gone on with meanwhile" in reply["error"]
    secret = {"run": run, "action": "decline", "at": told["at"], "once": "no"}
    assert ask(answers, "drive", **secret)[0] == 200
    assert len(server.requests) == 2 and view()["money"]["usd"] > 0


@pytest.mark.soak
def test_stop_ends_a_request_in_flight_and_its_reservation_stays(tmp_path, server, answers):
    session = tiny.session(tmp_path, server.url)
    run = session.run_id
    server.respond = lambda body: Turn(tiny.team(body).text, fault="hang", delay=60)
    assert ask(answers, "drive", run=run, action="run", at=0, once="a")[0] == 200
    flight = until(lambda: ask(answers, "run", run=run)[1]["live"]["flight"])
    assert flight["usd_reserved"] > 0 and flight["created"] <= time.time()
    other = Answers(answers.place)  # a studio that was started again
    assert ask(other, "run", run=run)[1]["live"]["stands"] == "underway"
    assert ask(other, "drive", run=run, action="run", at=flight["step"] - 1)[0] == 409
    assert ask(other, "drive", run=run, action="stop")[0] == 200
    until(lambda: ask(answers, "run", run=run)[1]["row"]["stands"] == "stopped")
    told = ask(answers, "run", run=run)[1]
    assert told["money"]["reserved"] == flight["usd_reserved"] and told["live"]["flight"] is None
    assert ask(answers, "drive", run=run, action="stop")[1]["error"].endswith("nothing to stop")


@pytest.mark.soak
def test_a_fork_with_edited_fields_says_what_a_person_changed(tmp_path, server, answers):
    session = tiny.session(tmp_path, server.url)
    session.run()
    run, at = session.run_id, session.branches.step
    order = {
        "run": run,
        "action": "fork",
        "at": at,
        "step": 4,
        "fields": {"plan": {"instruction": "</script>"}},
        "once": "a",
    }
    assert ask(answers, "price", drive=order)[1]["usd"] == 0
    status, reply = ask(answers, "drive", **order)
    assert status == 200 and reply["run"] != run
    assert ask(answers, "drive", **order)[1]["run"] == reply["run"], "the same click is the same fork"
    told = ask(answers, "run", run=reply["run"])[1]
    assert told["row"]["parent"] == run and told["row"]["parent_step"] == 4 and told["edits"] == ["plan"]
    assert told["state"]["plan"]["instruction"] == "</script>"
    status, reply = ask(answers, "drive", **order | {"fields": {"pln": 1}, "once": "b"})
    assert status == 400 and "did you mean 'plan'" in reply["error"]
    status, reply = ask(answers, "compare", one=run, other=told["row"]["run_id"])
    assert status == 200 and reply["parting"]["why"] == "edited by hand"


def test_a_start_that_cannot_be_is_told_before_it_is_paid_for(tmp_path, answers):
    for wrong, says in (
        ({"task": "nowhere"}, "no such task"),
        ({"task": "digits", "graph": "nope"}, "unknown graph 'nope'"),
        ({"task": "digits", "turns": -1}, "turns=-1"),
        ({"task": "digits", "models": "nope.yaml"}, "nope.yaml"),
    ):
        status, reply = ask(answers, "price", start=wrong)
        assert status == 400 and says in reply["error"] and "\n" not in reply["error"]
    assert not (tmp_path / "runs").exists()


def test_what_is_new_of_a_run_is_told_as_if_all_were_read(tmp_path, server):
    session = tiny.session(tmp_path, server.url, turns=1)
    kept, stood = None, list[int]()
    while session.step():
        now, whole = Snapshot.of(view := RunView(session.folder), kept), Snapshot.of(view)
        assert now.read == whole.read and now.timeline == view.timeline
        kept = now.read
        stood.append(now.at)
    assert stood == sorted(stood) and len(stood) > 4
    session.goto(2).stay()
    now, whole = Snapshot.of(view := RunView(session.folder), kept), Snapshot.of(view)
    assert look.run(now) == look.run(whole) and now.at == 2 and now.timeline == view.timeline


def test_many_can_ask_at_once(replayed, tmp_path):
    answers = Answers(Place(tmp_path, replayed.folder.root.parent))
    asked = [
        ("run", {"run": replayed.run_id}),
        ("step", {"run": replayed.run_id, "step": 3}),
        ("graph", {"graph": "budgetml"}),
    ]
    replies = list[int]()
    threads = [
        threading.Thread(target=lambda what=what: replies.append(ask(answers, what[0], **what[1])[0]))
        for what in asked * 4
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert replies == [200] * 12


def test_a_command_to_copy_is_one_command_whatever_a_run_is_called(replayed, tmp_path):
    import shlex
    import shutil

    name = "x; touch pwned `id` $(id) 'a\"b"
    shutil.copytree(replayed.folder.root.parent, tmp_path / "runs")
    found = next(run for run in all_runs(tmp_path / "runs") if run.run_id == replayed.run_id)
    found.root.rename(tmp_path / "runs" / name)
    config = json.loads((tmp_path / "runs" / name / "config.json").read_text()) | {"run_id": name}
    (tmp_path / "runs" / name / "config.json").write_text(json.dumps(config))
    asked = [
        {"run": name, "action": action, "go": True} for action in ("run", "approve", "decline", "extend")
    ]
    answers = Answers(Place(tmp_path, tmp_path / "runs"))
    commands = [price.driven(DriveAsked.model_validate(each), tmp_path / "runs")["command"] for each in asked]
    edited = ask(answers, "edit", graph="budgetml", text=GRAPH_TEXT, runs=[name])[1]
    for command in [*commands, edited["code"]["command"]]:
        assert name in shlex.split(command, comments=True), command
