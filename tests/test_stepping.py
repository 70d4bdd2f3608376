"""A run stepped, gone back to, forked and led over an edited graph: real graph, sandbox, ledger and history."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent import GraphSpec, Session
from budgetmlagent.errors import UsageError

MEASURED = ("seconds", "execution", "output")  # of an execution: never twice the same


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


def new(tmp_path: Path, server: FaultServer, runs: str = "runs", **options) -> Session:
    return tiny.session(tmp_path, server.url, **{"runs_dir": tmp_path / runs} | options)


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Iterator[tuple[Path, FaultServer, int]]:
    """A run that has come to its end, its server, and how many requests it made; nobody changes it."""
    folder = tmp_path_factory.mktemp("ended")
    with FaultServer(respond=tiny.team) as server:
        new(folder, server).run()
        yield folder, server, len(server.requests)


@pytest.fixture
def whole(ended, tmp_path) -> tuple[Session, FaultServer]:
    """A copy of that run, and its server as it was at the run's end."""
    folder, server, requests = ended
    del server.requests[requests:]
    (run,) = shutil.copytree(folder / "runs", tmp_path / "runs").glob("tiny-*")
    return Session.open(run), server


def asked(event) -> bool:
    """The planner has asked a model, and the coder is next."""
    return event.node == "planner" and event.route["to"] == "coder"


def nodes(session: Session) -> list[str]:
    return [event.node for event in session.timeline]


def essence(session: Session) -> dict:
    """The end of a run without what a clock or an id decides."""
    state = session.state
    told = {
        "nodes": nodes(session),
        "rules": [event.route["rule"] for event in session.timeline],
        "saw": [event.route["saw"] for event in session.timeline],
        "script": state.script,
        "best": state.best["score"],
        "plan": state.plan,
        "counts": state.counts,
        "rungs": state.rungs,
        "spent": state.spent,
        "turn": state.turn,
        "run": {k: v for k, v in state.run.items() if k not in MEASURED},
    }
    return json.loads(json.dumps(told))


def test_stepped_at_once_or_from_cold_the_end_is_the_same(tmp_path, server, whole):
    at_once, _ = whole
    told = at_once.summary
    stepped = new(tmp_path, server, "b")
    while stepped.step():
        pass
    cold = new(tmp_path, server, "c")
    while not cold.done:
        cold = Session.open(cold.folder.root)
        cold.step()
    assert essence(at_once) == essence(stepped) == essence(cold)
    for other in (stepped, Session.open(cold.folder.root)):
        assert other.done and other.summary["status"] == "finished"
        assert other.summary["private_best"] == told["private_best"] == 1.0
        assert (other.folder.root / "best" / "train.py").exists()


def test_back_and_run_executes_exactly_what_was_taken_back(whole):
    session, server = whole
    before, spent, requests = nodes(session), session.cost.usd, len(server.requests)
    assert session.back(5) is session and session.next == before[-5]
    assert nodes(session) == before[:-5] and not session.done
    ran = []
    session.run(on_step=lambda event: ran.append(event.node))
    assert ran == before[-5:] and nodes(session) == before
    assert [event.step for event in session.timeline] == list(range(1, len(before) + 1))
    # The requests were the same: nothing was sent, nothing was paid, and what was paid stays paid.
    assert len(server.requests) == requests and session.cost.usd == spent
    assert Session.open(session.folder.root).summary["calls"] == requests


def test_what_was_changed_by_hand_stays_when_the_steps_behind_it_are_taken_back(whole):
    session, server = whole
    fork = session.goto(next(e.step for e in session.timeline if asked(e))).fork(
        plan={"instruction": "use the sign of x, way 6"}
    )
    fork.run(until="evaluator")
    before, requests = fork.timeline, len(server.requests)
    for n in (3, 1, 0):
        assert fork.back(n).state.plan["instruction"].endswith("way 6")
        fork.run(until="evaluator") if n else None
        assert [(e.node, e.score) for e in fork.timeline] == [(e.node, e.score) for e in before]
    assert "way = 6" in fork.artifacts.text(fork.state.script) and len(server.requests) == requests
    assert not fork.back(4).state.plan.get("instruction", "").endswith("way 6")


def test_going_to_a_step_shows_the_run_as_it_stood(whole):
    session, _ = whole
    third = session.timeline[2]
    for event in session.timeline:
        assert session.goto(event.step).timeline[-1] == event and session.next == event.route["to"]
    assert Session.open(session.folder.root).done and session.goto(third.step).timeline[-1] == third
    assert session.goto(0).timeline == [] and session.next == "executor"
    with pytest.raises(UsageError, match="no such step"):
        session.goto(99)
    with pytest.raises(UsageError, match=r"back\(1\)"):
        session.back(1)


def test_an_abandoned_branch_is_not_seen_again(tmp_path, server):
    session = new(tmp_path, server, turns=3)
    session.run(until=lambda event: event.node == "evaluator" and event.turn == 2)
    left = session.state.head
    session.back(3)  # before the coder of the second turn
    other = session.fork(plan={"instruction": "use the sign of x, way 7"}, turns=3)
    for branch in (other, session):
        branch.run()
    assert left not in [event.attempt for event in other.timeline]
    newest = [e for e in other.timeline if e.prompt and e.turn == 3]
    assert "way 7" in other.prompt(newest[0].step) and "way 1" not in other.prompt(newest[0].step)
    assert "way 7" not in "".join(session.prompt(e.step) for e in session.timeline if e.prompt)


def test_a_fork_does_not_remember_what_its_origin_did_later(tmp_path, server):
    origin = new(tmp_path, server, history="all", turns=1)
    origin.run()

    def offered(session: Session) -> list[str]:
        return [item["run"] for item in session.history() if item["kind"] == "case" and "run" in item]

    other = new(tmp_path, server, history="all", turns=1)
    other.run(until="evaluator")
    assert offered(other) == [origin.run_id]  # another run learns from it
    fork = origin.goto(1).fork()
    fork.run(until="evaluator")
    assert offered(fork) == [] and fork.next == "planner"


def test_a_fork_changes_its_own_run_alone(tmp_path, server, capsys):
    session = new(tmp_path, server)
    session.run(until=asked)
    origin, state, requests = session.timeline, session.state, len(server.requests)
    spent = session.cost.usd
    fork = session.fork(plan={"instruction": "use the sign of x, way 5"})
    assert "may cost $0.2" in capsys.readouterr().err
    assert fork.run_id != session.run_id and fork.timeline[: len(origin)] == origin
    assert fork.next == "coder" and fork.state.plan["action"] == state.plan["action"] == "improve"
    fork.run()
    assert "way 5" in fork.prompt(next(e.step for e in fork.timeline if e.node == "coder"))
    assert fork.timeline[len(origin)].edits[0]["fields"] == ["plan"]
    assert (session.timeline, session.state) == (origin, state)
    assert session.cost.usd == spent and fork.cost.usd > spent and len(server.requests) > requests
    # One budget for both: what the fork spent is gone for the origin too.
    assert session.ledger.spent(session.run_id) == session.ledger.spent(fork.run_id) > spent
    session.run()
    assert session.done and {run.name for run in session.folder.root.parent.glob("tiny-*")} == {
        session.run_id,
        fork.run_id,
    }


def test_a_recorded_fork_costs_nothing_until_a_request_differs(whole):
    session, server = whole
    requests, spent = len(server.requests), session.cost.usd
    same = session.goto(2).fork(replies="recorded")
    same.run()
    assert len(server.requests) == requests and same.cost.usd == spent
    assert nodes(same) == nodes(Session.open(session.folder.root)) and same.summary["calls"] == requests
    step = next(event.step for event in Session.open(session.folder.root).timeline if asked(event))
    other = session.goto(step).fork(replies="recorded", plan={"instruction": "use the sign of x, way 9"})
    other.run()
    assert len(server.requests) > requests and other.cost.usd > spent


def test_a_live_fork_asks_again(whole):
    session, server = whole
    requests = len(server.requests)
    session.goto(2).fork().run()
    assert len(server.requests) == 2 * requests


WRONG = [
    ({"plam": {}}, r"unknown field 'plam' \(did you mean 'plan'\?\)"),
    ({"turn": "two"}, r"fork\(turn='two'\): turn: input should be a valid integer"),
    ({"replies": "new"}, r"fork\(replies='new'\): one of live, recorded"),
]


def test_a_wrong_fork_is_one_line_and_makes_no_run(whole, tmp_path):
    session, _ = whole
    for changes, words in WRONG:
        with pytest.raises(UsageError, match=words):
            session.goto(1).fork(**changes)
    assert len(list((tmp_path / "runs").glob("tiny-*"))) == 1


def test_a_run_stops_where_it_is_told_to(tmp_path, server):
    session = new(tmp_path, server)
    assert session.run(until="planner")["status"] == "stopped"
    assert nodes(session)[-1] == "planner" == session.next
    session.run(until=6)
    assert session.timeline[-1].step == 6
    session.run(until=lambda event: event.score == 1.0)
    assert session.timeline[-1].node == "evaluator"
    assert session.run()["status"] == "finished"


def test_what_is_left_behind_tells_where_the_run_stands(tmp_path, server):
    session = new(tmp_path, server)
    session.step()
    session.step()
    told = json.loads((session.folder.root / "run.json").read_text())
    assert (told["status"], told["steps"], told["best"]) == ("stopped", 2, session.state.best["score"])
    assert told["private_best"] is None and (session.folder.root / "results.tsv").exists()
    seconds = told["seconds"]
    session.run()
    told = json.loads((session.folder.root / "run.json").read_text())
    assert told["status"] == "finished" and told["private_best"] == 1.0 and told["seconds"] > seconds
    assert session.goto(2).summary["private_best"] is None  # of another best


def test_each_step_can_be_looked_into(whole):
    session, _ = whole
    coder = next(event for event in session.timeline if event.node == "coder")
    again = next(e for e in session.timeline if e.node == "planner" and e.step > coder.step)
    assert session.goto(coder.step).timeline[-1] == coder and coder.route["to"] == "executor"
    assert session.why() == coder == session.why(coder.step)
    assert session.prompt().startswith("## system\n") and "way 0" in session.prompt(coder.step)
    assert "```python" in session.reply() and "instruction" in session.reply(coder.step - 1)
    assert session.prompt(1) == session.reply(1) == ""
    assert set(session.diff()) >= {"script", "plan", "spent", "route"}
    before, after = session.diff()["script"]
    assert session.artifacts.text(before) == tiny.STARTER != session.artifacts.text(after)
    assert [item["kind"] for item in session.history(1)] == []
    session.goto(again.step)
    assert [item["kind"] for item in session.history(again.step)] == ["attempt"]


# -- the graph, edited in the middle of a run


def test_a_pending_node_that_is_removed_is_decided_anew(tmp_path, server):
    session = new(tmp_path, server, graph="single_agent")
    session.run(until="planner")
    assert session.next == "coder"
    graph = session.graph
    graph.remove_node("coder")
    session.graph = graph
    assert session.next == "executor"
    session.step()
    assert session.timeline[-1].node == "executor"
    edit = session.timeline[-1].edits[0]
    assert edit["route"]["to"] == "executor" and edit["graph"] != session.timeline[0].graph
    assert GraphSpec.parse(session.artifacts.text(edit["graph"])).nodes.keys() == graph.nodes.keys()
    assert "coder" in session.artifacts.text(session.timeline[0].graph)
    assert Session.open(session.folder.root).graph == graph


def test_a_node_inserted_before_the_pending_one_runs(tmp_path, server):
    session = new(tmp_path, server, graph="single_agent")
    session.run(until="coder")
    assert session.next == "executor"
    graph = session.graph
    graph.insert("critic", after="coder", run="coder", prompt="coder", ladder=["small"])
    session.graph = graph
    assert session.next == "critic"
    session.run()
    assert session.done and {"critic"} < set(nodes(session))
    critics = [session.timeline[i - 1].node for i, node in enumerate(nodes(session)) if node == "critic"]
    assert set(critics) <= {"coder", "critic"}


def test_an_edited_rule_decides_from_here_on(tmp_path, server):
    session = new(tmp_path, server, turns=4)
    session.run(until="evaluator")
    graph = session.graph
    used = next(n for n, rule in enumerate(graph.rules["evaluator"], 1) if rule.when == "out_of_turns")
    graph.set_rule("evaluator", used, when="out_of_turns", to="END")
    last = len(graph.rules["evaluator"])
    graph.set_rule("evaluator", last, to="END")
    session.graph = graph
    told = session.run()
    assert told["status"] == "finished" and told["turns"] < 4


def test_a_shorter_ladder_takes_the_top_rung(tmp_path, server):
    session = new(tmp_path, server, turns=1)
    session.run(until=lambda event: event.route.get("up") == "planner")
    assert session.state.rungs["planner"] == 1
    graph = GraphSpec.load("budgetml")
    graph.set_node("planner", ladder=["recall"])
    at = next(i for i, rule in enumerate(graph.rules["planner"], 1) if rule.when == "nothing_recalled")
    graph.set_rule("planner", at, when="nothing_recalled", to="END").remove_rule("planner", at + 1)
    graph.remove_rule("evaluator", [rule.up for rule in graph.rules["evaluator"]].index("planner") + 1)
    session.graph = graph
    session.run()
    assert session.done and session.state.rungs.get("planner", 0) == 0


def test_a_graph_that_cannot_be_used_is_refused_and_the_run_goes_on(tmp_path, server):
    session = new(tmp_path, server)
    session.run(until="planner")
    graph = session.graph
    graph.add_node("critic", run="coder")  # no way leads there
    with pytest.raises(UsageError, match="critic"):
        session.graph = graph
    graph = session.graph
    graph.set_node("coder", ladder=["small", "huge"])
    with pytest.raises(UsageError, match="unknown model 'huge'"):
        session.graph = graph
    session.run()
    assert session.done


def test_what_ran_last_and_what_is_next_cannot_both_go(tmp_path, server):
    session = new(tmp_path, server, graph="single_agent")
    session.run(until="planner")
    graph = session.graph
    graph.remove_node("coder").remove_node("planner")
    for _ in graph.faults[:]:  # no node is left that has them
        graph.remove_fault(1)
    graph.remove_rule("executor", 1)  # of a look, whose planner is gone
    with pytest.raises(UsageError, match="neither 'planner', which ran last"):
        session.graph = graph
