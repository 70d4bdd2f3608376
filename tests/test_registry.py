"""Where the names in a graph lead: ours, an installed plug-in package's, or any function by its dotted path."""

import sys

import pytest
from test_compile import DEPS

from graphs.registry import load_node, load_predicate, nearest, shipped_nodes
from graphs.spec import GraphSpec
from nodes.evaluator import evaluator

PLUGIN = """\
from typing import TypedDict
from graphs.policy import Verdict

class Update(TypedDict, total=False):
    advice: str

def critic(state, deps) -> Update:
    return {"advice": "x"}

def tired(state, hours: int) -> Verdict:
    return Verdict(state.turn > hours, {"turn": state.turn})

number = 7
"""
ENTRY_POINTS = """\
[budgetmlagent.nodes]
its_node = its_plugin.parts:critic
planner = its_plugin.parts:critic
lost = its_plugin.nowhere:critic

[budgetmlagent.predicates]
tired = its_plugin.parts:tired
number = its_plugin.parts:number
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A package installed as pip does it: its modules, and a dist-info folder that importlib.metadata discovers."""
    (tmp_path / "its_plugin").mkdir()
    (tmp_path / "its_plugin" / "__init__.py").write_text("")
    (tmp_path / "its_plugin" / "parts.py").write_text(PLUGIN)
    (tmp_path / "its_plugin" / "broken.py").write_text("def broken(:\n")
    (tmp_path / "its_plugin" / "needy.py").write_text("import no_such_library\n")
    info = tmp_path / "its_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: its-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("its_plugin")]:
        del sys.modules[name]


def test_a_plugin_packages_node_and_predicate_are_found_by_their_names(plugin):
    assert load_node("its_node").__module__ == "its_plugin.parts"
    assert load_predicate("tired").__name__ == "tired"
    spec = (
        GraphSpec.load("recall")
        .insert("its_node", after="executor")
        .connect("its_node", "END", when="tired", hours=3)
    )
    assert spec.findings() == [] and "its_node" in spec.compile(DEPS).get_graph().nodes
    spec.set_rule("its_node", 1, when="tired", hour=3, to="END")
    assert [f.kind for f in spec.findings()] == ["argument", "argument"]


def test_a_shipped_name_is_not_taken_by_a_plugin(plugin):
    assert load_node("planner").__module__ == "nodes.planner"


def test_a_dotted_path_needs_no_entry_point(plugin):
    assert load_node("its_plugin.parts:critic").__name__ == "critic"
    assert load_predicate("its_plugin.parts:tired").__name__ == "tired"
    assert load_node("nodes.evaluator:evaluator") is evaluator is load_node("evaluator")


@pytest.mark.parametrize(
    ("load", "name", "words"),
    [
        (load_node, "its_nod", r"unknown node function 'its_nod' \(did you mean 'its_node'\?\)"),
        (load_node, "exeutor", r"did you mean 'executor'"),
        (load_node, "deps", "unknown node function 'deps'"),
        (load_node, "lost", "no module 'its_plugin.nowhere'"),
        (
            load_node,
            "its_plugin.parts:critik",
            "module 'its_plugin.parts' has no 'critik' .did you mean 'critic'",
        ),
        (load_node, "its_plugin.broken:broken", "cannot be imported: .*line 1"),
        (load_node, "its_plugin.needy:f", "needs 'no_such_library', which is not installed"),
        (load_node, "its_plugin.parts:", "is no path: 'package.module:function' is needed"),
        (load_node, "__import__('os'):system", "is no path"),
        (load_predicate, "tried", r"unknown predicate 'tried' \(did you mean 'tired'\?\)"),
        (load_predicate, "number", "predicate 'number' is no function but int"),
    ],
)
def test_a_name_that_leads_nowhere_is_said_in_one_sentence(plugin, load, name, words):
    with pytest.raises(LookupError, match=words) as error:
        load(name)
    assert "\n" not in str(error.value)


def test_the_shipped_nodes_are_the_modules_that_are_nodes():
    assert {"coder", "evaluator", "executor", "expert", "planner"} <= set(shipped_nodes())
    assert not {"deps", "notes", "craft"} & set(shipped_nodes())
    assert (
        nearest("codr", shipped_nodes()) == " (did you mean 'coder'?)"
        and nearest("xyz", shipped_nodes()) == ""
    )
