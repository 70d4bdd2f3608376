"""What ships for tests of nodes, `budgetmlagent.testing`, and the names that the packages promise to export."""

import importlib
import subprocess
import sys

import pytest

from budgetmlagent import testing
from graphs.spec import GraphSpec
from memory import RunState, chain, line
from memory.artifacts import Artifacts
from nodes import Here, Reply

SMALL = Here(node="reader", model="small")
GRAPH = """\
name: alone
start: expert
nodes:
  expert: {run: expert, prompt: expert, ladder: [small]}
rules:
  expert:
    - {when: out_of_budget, to: END}
    - {to: expert}
"""


def test_models_answer_in_order_and_fail_loudly_when_asked_once_more():
    models = testing.ScriptedModels("yes", Reply(fault="refused"), cost=5)
    assert models.ask(SMALL, [{"role": "user", "content": "?"}], max_tokens=9) == Reply("yes")
    assert models.ask(SMALL, []).fault == "refused" and models.spent() == 10
    assert models.asked[0] == {
        "model": "small", "messages": [{"role": "user", "content": "?"}], "max_tokens": 9,
    }  # fmt: skip
    with pytest.raises(AssertionError, match="node 'reader' asks 'small', but all 2 replies are given"):
        models.ask(SMALL, [])
    assert models.spent() == 10


@pytest.mark.parametrize("part", ["models", "sandbox", "repairs", "scorer", "history"])
def test_a_part_that_was_not_given_fails_by_its_name(part):
    given = getattr(testing.deps(), part)
    with pytest.raises(
        AssertionError, match=rf"deps\.{part}\.anything is used; give it: testing\.deps\({part}=\.\.\.\)"
    ):
        given.anything(1)


def test_artifacts_have_the_ids_of_a_runs_folder(tmp_path):
    kept, real = testing.MemoryArtifacts(), Artifacts(tmp_path)
    assert kept.put("näh\udc80") == real.put("näh\udc80") and kept.put(b"\0") == real.put(b"\0")
    assert kept.put_json({"b": 1, "a": "ä"}) == real.put_json({"a": "ä", "b": 1})
    assert kept.json(kept.put_json([1])) == [1] and kept.text(kept.put("x")) == "x"
    with pytest.raises(AssertionError, match="there is no artifact 'nowhere'"):
        kept.text("nowhere")


def test_a_state_has_its_attempts_as_a_chain_and_the_newest_kept_as_the_best():
    kept = testing.MemoryArtifacts()
    lost = {"script": "print(2)", "status": "crash", "plan": {"action": "improve", "instruction": "go"}}
    state = testing.state(kept, {"script": "print(1)", "score": 0.7}, lost, turn=3)
    newest, oldest = chain(kept, state.head)
    assert line(newest) == "go: crash, no score" and kept.text(state.script) == "print(2)"
    assert state.best == {"attempt": oldest.id, "score": 0.7} and state.turn == 3
    assert testing.state(kept) == RunState()


def test_a_graph_ends_where_the_scripted_money_does():
    models = testing.ScriptedModels("Use more.", "Use less.", cost=4, budget=10)
    history = testing.MemoryHistory(testing.MemoryArtifacts())
    end = GraphSpec.parse(GRAPH).compile(testing.deps(models=models, history=history)).invoke({})
    assert end["spent"] == 8 and end["route"]["rule"] == "out_of_budget → END" and len(models.asked) == 2


@pytest.mark.parametrize("package", ["nodes", "memory", "prompts", "budgetmlagent"])
def test_each_exported_name_is_there(package):
    module = importlib.import_module(package)
    assert len(module.__all__) == len(set(module.__all__)) > 0
    assert all(hasattr(module, name) for name in module.__all__)


def test_what_a_node_imports_is_light():
    heavy = "{'chromadb', 'langgraph', 'jinja2', 'numpy', 'pydantic', 'openai'}"
    code = f"import sys, memory, nodes, prompts; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
