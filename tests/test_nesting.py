"""The compiled graph is an ordinary LangGraph graph: it streams, is checkpointed, steps, and is a node of another graph.

All five nodes run, on a recording of real replies.
"""

import json
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from test_recordings import RECORDINGS, replay

from memory.state import RunState

DIGITS = RECORDINGS[0]
EVENTS = [json.loads(line) for line in (DIGITS / "events.jsonl").read_text().splitlines()]
NODES = [event["node"] for event in EVENTS]
BEST = json.loads((DIGITS / "run.json").read_text())["best"]
THREAD = {"configurable": {"thread_id": "mine"}, "recursion_limit": 200}


@contextmanager
def team(folder: Path, checkpointer=None):
    """Our graph, bound to the parts of a replayed run."""
    session = replay(DIGITS, folder)
    parts = session.engine.parts
    try:
        yield session.graph.compile(parts.deps, checkpointer)
    finally:
        parts.close()


@contextmanager
def saver(kind: str, folder: Path):
    if kind == "memory":
        yield InMemorySaver()
        return
    with sqlite3.connect(folder / "theirs.sqlite", check_same_thread=False) as db:
        yield SqliteSaver(db)
    db.close()


def test_it_streams_values_updates_and_tasks(tmp_path):
    with team(tmp_path) as graph:
        told = list(graph.stream({"turn": 0}, THREAD, stream_mode=["values", "updates", "tasks"]))
    updates = [data for mode, data in told if mode == "updates"]
    assert [next(iter(update)) for update in updates] == NODES
    assert [next(iter(u.values()))["route"]["rule"] for u in updates] == [e["route"]["rule"] for e in EVENTS]
    tasks = [data for mode, data in told if mode == "tasks"]
    assert [task["name"] for task in tasks if "input" in task] == NODES
    assert [task["name"] for task in tasks if "result" in task and not task["error"]] == NODES
    values = [data for mode, data in told if mode == "values"]
    assert len(values) == len(NODES) + 1 and values[-1]["best"]["score"] == BEST


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_checkpointer_of_the_users_holds_each_step(kind, tmp_path):
    with saver(kind, tmp_path) as theirs, team(tmp_path, theirs) as graph:
        graph.invoke({"turn": 0}, THREAD, interrupt_after="*")
        steps = 1
        while graph.get_state(THREAD).next:
            graph.invoke(None, THREAD, interrupt_after="*")
            steps += 1
        history = list(graph.get_state_history(THREAD, limit=500))[::-1]
    assert steps == len(NODES)
    assert [point.next[0] for point in history[1:-1]] == NODES
    assert history[-1].next == () and history[-1].values["best"]["score"] == BEST
    assert [point.values["route"]["rule"] for point in history[2:]] == [e["route"]["rule"] for e in EVENTS]


class Mine(TypedDict, total=False):
    question: str
    score: float
    answer: str


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_node_of_the_users_calls_it(kind, tmp_path):
    def work(state: Mine) -> Mine:
        return {"score": graph.invoke({"turn": 0}, {"recursion_limit": 200})["best"]["score"]}

    def answer(state: Mine) -> Mine:
        return {"answer": f"{state['question']} {state['score']:.3f}"}

    builder = StateGraph(Mine).add_node("work", work).add_node("answer", answer)
    builder.add_edge(START, "work").add_edge("work", "answer").add_edge("answer", END)
    with saver(kind, tmp_path) as theirs, team(tmp_path) as graph:
        outer = builder.compile(checkpointer=theirs)
        end = outer.invoke({"question": "How good?"}, THREAD)
        kept = outer.get_state(THREAD).values
    assert end == kept == {"question": "How good?", "score": BEST, "answer": f"How good? {BEST:.3f}"}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_it_is_a_node_of_a_graph_with_its_state(kind, tmp_path):
    def before(state: RunState) -> dict:
        return {"notes": {"theirs": "kept"}}

    def after(state: RunState) -> dict:
        return {"notes": state.notes | {"told": state.best["score"]}}

    with saver(kind, tmp_path) as theirs, team(tmp_path) as graph:
        builder = StateGraph(RunState)
        builder.add_node("before", before).add_node("team", graph).add_node("after", after)
        builder.add_edge(START, "before").add_edge("before", "team").add_edge("team", "after")
        outer = builder.compile(checkpointer=theirs)
        drawn = outer.get_graph(xray=True).nodes
        told = list(outer.stream({"turn": 0}, THREAD, stream_mode="updates", subgraphs=True))
        end = outer.get_state(THREAD)
    assert {f"team:{node}" for node in NODES} <= set(drawn)
    assert [next(iter(data)) for where, data in told if where] == NODES
    assert [next(iter(data)) for where, data in told if not where] == ["before", "team", "after"]
    assert end.next == () and end.values["notes"]["theirs"] == "kept"
    assert end.values["notes"]["told"] == BEST and end.values["route"]["to"] == "END"
