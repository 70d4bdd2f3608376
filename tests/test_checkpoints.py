"""A checkpoint, once written, never changes: a saver that keeps what it was given compares it ever after."""

import copy
import sys
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from test_compile import DEPS, GRAPH
from test_nesting import NODES, team

from graphs.spec import GraphSpec
from memory.state import RunState

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

THREAD = {"configurable": {"thread_id": "t"}, "recursion_limit": 200}


class Watching(InMemorySaver):
    """Holds on to the very objects that it was to write, beside copies of them; each look compares the two.

    What a node changes in place is the object that the checkpoint was made of, so it differs from its copy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, object, object]] = []
        self.written: dict[tuple, tuple[str, bytes]] = {}

    def put(self, config, checkpoint, metadata, new_versions):
        after = super().put(config, checkpoint, metadata, new_versions)
        self._keep(f"step {metadata['step']}", checkpoint["channel_values"])
        self.check()
        return after

    def put_writes(self, config, writes, task_id, task_path=""):
        super().put_writes(config, writes, task_id, task_path)
        self._keep(f"writes of task {task_id}", list(writes))
        self.check()

    def get_tuple(self, config):
        self.check()
        return super().get_tuple(config)

    def _keep(self, what: str, live: object) -> None:
        self.kept.append((what, live, copy.deepcopy(live)))

    def check(self) -> None:
        for what, live, was in self.kept:
            assert live == was, f"{what} was changed after it was written"
        for key, blob in self.blobs.items():
            assert self.written.setdefault(key, blob) == blob, f"version {key} was written anew"


def test_a_whole_run_changes_no_checkpoint(tmp_path):
    saver = Watching()
    with team(tmp_path, saver) as graph:
        steps = [next(iter(u)) for u in graph.stream({"turn": 0}, THREAD, durability="sync")]
        history = list(graph.get_state_history(THREAD, limit=500))
        # Going back, editing and going on leave the earlier ones as they were, too.
        before, earlier = history[6], history[5]
        fork = graph.update_state(earlier.config, {"notes": {"edited": True}}, as_node=before.next[0])
        graph.get_state(fork).values["notes"]["leak"] = 1
        assert "leak" not in graph.get_state(fork).values["notes"]
    saver.check()
    assert steps == NODES
    assert sum(what.startswith("step") for what, _, _ in saver.kept) == len(NODES) + 3


def test_a_node_that_changes_its_state_does_so_to_a_copy():
    saver = Watching()
    graph = GraphSpec.parse(GRAPH.format(first="test_compile:mutating")).compile(DEPS, saver)
    end = graph.invoke({"turn": 0, "counts": {"mine": 1}}, THREAD, durability="sync")
    saver.check()
    assert end["counts"] == {"mine": 1} and end["turn"] == 1


def test_a_step_writes_no_more_than_it_must(tmp_path):
    from steps import measured

    _, kib, nodes = measured(tmp_path, 100)["ours"]
    assert set(nodes) == set(NODES) | {"expert"} and kib <= 8.5


# -- that it would be seen


def mutating(state: RunState) -> dict:
    state.counts["leak"] = 1
    return {"turn": state.turn + 1}


def test_without_the_compilers_copy_the_change_is_seen():
    saver = Watching()
    builder = StateGraph(RunState).add_node("first", mutating)
    builder.add_edge(START, "first").add_edge("first", END)
    graph = builder.compile(checkpointer=saver)
    with pytest.raises(AssertionError, match="was changed after it was written"):
        graph.invoke({"turn": 0, "counts": {"mine": 1}}, THREAD, durability="sync")


def test_a_checkpoint_changed_by_hand_is_seen():
    saver = Watching()
    graph = GraphSpec.parse(GRAPH.format(first="test_compile:first")).compile(DEPS, saver)
    graph.invoke({"turn": 0}, THREAD, durability="sync")
    saver.check()
    key = next(key for key in saver.blobs if key[2] == "turn")
    kind, data = saver.blobs[key]
    saver.blobs[key] = (kind, data + b"x")
    with pytest.raises(AssertionError, match="was written anew"):
        graph.get_state(THREAD)
