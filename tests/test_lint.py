"""The linter: every way of breaking a graph file that it knows, with place and words; nothing on the shipped graphs."""

from typing import TypedDict

import pytest

from budgetmlagent.cli import call
from graphs.linter.graph import lint, losses
from graphs.registry import load_node
from graphs.spec import GraphError, GraphSpec, shipped
from memory.state import Fault, RunState, Shared
from nodes.deps import Deps

GOOD = """\
name: good
start: executor
nodes:
  planner: {run: planner, prompt: planner, ladder: [recall, small, large]}
  coder: {run: coder, prompt: coder, ladder: [small]}
  executor: {run: executor}
  evaluator: {run: evaluator}
rules:
  executor:
    - {to: evaluator}
  evaluator:
    - {when: out_of_turns, to: END}
    - {when: stuck, attempts: 4, since: up, up: planner, to: planner}
    - {when: crashed, repairs: 2, to: coder}
    - {to: planner}
  planner:
    - {when: out_of_budget, to: END}
    - {when: missed, times: 3, to: END}
    - {to: coder}
  coder:
    - {when: faulted, kind: refused, to: END}
    - {to: executor}
"""
MODELS = ["small", "large"]


class Fields(TypedDict, total=False):
    """What the nodes below write."""

    fault: Fault
    advice: str


class SharedFields(TypedDict, total=False):
    """The same, said to be shared."""

    fault: Shared[Fault]
    advice: Shared[str]


class Wrong(TypedDict, total=False):
    """No field of the state."""

    colour: str


def one(state: RunState, deps: Deps) -> Fields:
    return {}


def two(state: RunState, deps: Deps) -> Fields:
    return {}


def friendly(state: RunState, deps: Deps) -> SharedFields:
    return {}


def wrong(state: RunState, deps: Deps) -> Wrong:
    return {}


def unannotated(state, deps):
    return {}


def unresolved(state: RunState, deps: Deps) -> "Nowhere":  # noqa: F821
    return {}


def stateless() -> Fields:
    return {}


async def waiting(state: RunState, deps: Deps) -> Fields:
    return {}


def asks(state: RunState, deps: Deps) -> Fields:
    deps.prompts(deps.here.prompt, task=deps.task, script="")
    return {}


FAULTS = """faults:
  - {when: missed, times: 2, to: again}
  - {when: given_up, times: 5, down: again, to: planner}
rules:"""


def always(state):
    return True


NUMBER = 7
GRAPH = GraphSpec.load("recall")

# (what to replace, with what, kind, line, a word of the message); lines count from 1.
BREAKS = [
    # the file
    ("name: good", "name: [", "yaml", 3, "not YAML"),
    ("name: good", "name: good\nname: bad", "duplicate-key", 2, "name"),
    ("  executor: {run: executor}", "  executor: {run: executor}\n  executor: {run: evaluator}", "duplicate-key", 7, "executor"),
    ("executor: {run: executor}", "executor: {run: executor, run: evaluator}", "duplicate-key", 6, "run"),
    ("name: good\n", "", "missing-key", 1, "add `name"),
    ("name: good", "nmae: good", "unknown-key", 1, "did you mean 'name'?"),
    ("{run: executor}", "{rum: executor}", "unknown-key", 6, "did you mean 'run'?"),
    ("{run: executor}", "{}", "missing-key", 6, "run"),
    ("    - {to: evaluator}", "    - {when: improved}", "missing-key", 10, "add `to"),
    ("ladder: [small]", "ladder: small", "type", 5, "ladder"),
    ("ladder: [small]", "ladder: [1]", "type", 5, "string"),
    ("name: good", "name: 3", "type", 1, "string"),
    ("    - {to: evaluator}", "    to: evaluator", "type", 9, "list"),
    ("to: evaluator", "to: [evaluator, planner]", "fan-out", 10, "one node runs at a time"),
    ("to: evaluator", "to: {evaluator: 1}", "type", 10, "string"),
    # names
    ("  executor: {run: executor}", "  executor: {run: executor}\n  END: {run: executor}", "reserved-name", 7, "reserved"),
    ("  executor: {run: executor}", "  executor: {run: executor}\n  START: {run: executor}", "reserved-name", 7, "another"),
    ("  executor: {run: executor}", "  executor: {run: executor}\n  a|b: {run: executor}", "reserved-name", 7, "without"),
    ("start: executor", "start: executer", "unknown-node", 2, "did you mean 'executor'?"),
    ("to: evaluator", "to: evaluater", "unknown-node", 10, "did you mean 'evaluator'?"),
    ("  coder:\n", "  codr:\n", "unknown-node", 20, "did you mean 'coder'?"),
    ("run: executor", "run: exekutor", "unknown-function", 6, "did you mean 'executor'?"),
    ("run: executor", "run: 'nowhere.nodes:run'", "unknown-function", 6, "installed"),
    ("run: executor", "run: 'nodes.executor:exekutor'", "unknown-function", 6, "did you mean 'executor'?"),
    ("run: executor", "run: 'a path:to'", "unknown-function", 6, "package.module:function"),
    ("run: executor", "run: render", "unknown-function", 6, "unknown node function"),  # a module of nodes/, but no node
    ("run: executor", "run: 'test_lint:NUMBER'", "unusable-function", 6, "no function"),
    ("run: executor", "run: 'test_lint:unannotated'", "unusable-function", 6, "TypedDict"),
    ("run: executor", "run: 'test_lint:unresolved'", "unusable-function", 6, "Nowhere"),
    ("run: executor", "run: 'test_lint:wrong'", "unusable-function", 6, "colour"),
    ("run: executor", "run: 'test_lint:stateless'", "unusable-function", 6, "(state, deps)"),
    ("run: executor", "run: 'test_lint:waiting'", "unusable-function", 6, "async"),
    ("run: executor", "run: recall", "subgraph", 6, "write its nodes"),
    ("run: executor", "run: mine.yaml", "subgraph", 6, "write its nodes"),
    ("run: executor", "run: 'test_lint:GRAPH'", "subgraph", 6, "write its nodes"),
    ("run: executor", "run: {name: inner}", "subgraph", 6, "write its nodes"),
    ("prompt: coder", "prompt: codr", "unknown-prompt", 5, "did you mean 'coder'?"),
    ("prompt: coder", "prompt: nowhere/mine.md", "unknown-prompt", 5, ".md file"),
    ("prompt: coder, ", "", "no-prompt", 5, "add `prompt"),
    ("prompt: coder", "prompt: expert", "prompt-variable", 5, "'best'"),
    ("ladder: [small]", "ladder: [smal]", "unknown-model", 5, "did you mean 'small'?"),
    ("up: planner, to", "up: planer, to", "unknown-role", 13, "did you mean 'planner'?"),
    ("{when: crashed, repairs: 2,", "{when: crashed, repairs: 2, down: executor,", "unknown-role", 14, "has a ladder"),
    # rules
    ("    - {to: evaluator}\n", "    []\n", "no-rules", 9, "at least"),
    ("  executor:\n    - {to: evaluator}\n", "", "no-rules", 6, "at least"),
    ("    - {to: executor}\n", "", "last-rule", 21, "unconditional"),
    ("    - {to: executor}\n", "    - {up: planner, to: executor}\n", "last-rule", 22, "top rung"),
    ("{when: crashed, repairs: 2, to: coder}", "{to: coder}", "dead-rule", 14, "move it to the end"),
    ("{when: crashed, repairs: 2, to: coder}", "{wen: crashed, to: coder}", "unknown-key", 14, "did you mean 'when'?"),
    ("when: out_of_turns", "when: out_of_turn", "unknown-predicate", 12, "did you mean 'out_of_turns'?"),
    ("when: out_of_turns", "when: 'nowhere.rules:f'", "unknown-predicate", 12, "installed"),
    ("when: out_of_turns", "when: 'test_lint:NUMBER'", "unknown-predicate", 12, "no function"),
    ("attempts: 4", "attempt: 4", "argument", 13, "did you mean 'attempts'?"),
    ("attempts: 4, ", "", "argument", 13, "missing a required argument: 'attempts'"),
    ("attempts: 4", "attempts: four", "argument", 13, "valid integer"),
    ("since: up", "since: dawn", "argument", 13, "'expert'"),
    ("when: out_of_turns", "when: 'test_lint:always', hours: 3", "argument", 12, "hours"),
    ("up: planner, to", "up: coder, to", "one-rung", 13, "one rung"),
    ("    - {when: missed, times: 3, to: END}\n", "    - {when: missed, to: planner}\n    - {when: missed, times: 3, to: END}\n", "covered-rule", 19, "rule 2"),
    ("{when: crashed, repairs: 2, to: coder}\n", "{when: crashed, repairs: 2, to: coder}\n    - {when: crashed, repairs: 1, to: END}\n", "covered-rule", 15, "before that one"),
    # faults
    ("rules:", FAULTS.replace("again", "agian"), "unknown-node", 9, "did you mean 'again'?"),
    ("rules:", FAULTS.replace("to: again", "to: expert"), "unknown-node", 9, "fault 1: to: unknown node 'expert'"),
    ("rules:", FAULTS.replace("down: again", "down: executor"), "unknown-role", 10, "has a ladder"),
    ("rules:", FAULTS.replace("missed", "mised"), "unknown-predicate", 9, "did you mean 'missed'?"),
    ("rules:", FAULTS.replace("times", "tims"), "argument", 9, "did you mean 'times'?"),
    ("rules:", FAULTS.replace("when: missed, times: 2, ", ""), "dead-rule", 9, "say when"),
    ("rules:", FAULTS.replace("{when: missed, times: 2, to: again}", "[]"), "type", 9, "fault 1"),
    ("rules:", FAULTS.replace("missed, times: 2", "given_up, times: 4"), "covered-rule", 10, "fault 1 (given_up times=4"),
    ("rules:", FAULTS.replace("times: 2", "times: 1"), None, 0, ""),  # own rules at the head of a list come before
    ("rules:", FAULTS.replace("faults:", "fauls:"), "unknown-key", 8, "did you mean 'faults'?"),
    ("    - {to: executor}\n", "    - {when: missed, to: again}\n    - {to: executor}\n", "unknown-node", 22, "`again` is for `faults` alone"),
    ("    - {to: executor}\n", "    - {when: missed, up: again, to: END}\n    - {to: executor}\n", "unknown-role", 22, "`again` is for `faults` alone"),
    ("  executor: {run: executor}", "  executor: {run: executor}\n  again: {run: executor}", "reserved-name", 7, "reserved"),
    # ways
    ("{when: stuck, attempts: 4, since: up, up: planner, to: planner}\n    - {when: crashed, repairs: 2, to: coder}\n    - {to: planner}", "{to: executor}", "unreachable", 4, "no way leads to it"),
    ("{when: faulted, kind: refused, to: END}", "{when: missed, to: coder}", "endless", 20, "coder → coder"),
    ("to: END", "to: evaluator", "endless", 11, "evaluator → evaluator"),
    ("when: out_of_budget, to: END", "when: improved, to: END", None, 0, ""),  # evaluator and coder still end every cycle
    ("when: out_of_turns, to: END", "when: improved, to: END", None, 0, ""),  # so do planner and coder
    # what nodes write
    ("{run: executor}\n  evaluator: {run: evaluator}", "{run: 'test_lint:one'}\n  evaluator: {run: 'test_lint:two'}", "shared-field", 7, "Shared["),
]  # fmt: skip


def findings(text: str, models: list[str] | None = MODELS) -> list:
    try:
        return GraphSpec.parse(text, "g", check=False).findings(models)
    except GraphError as error:
        return error.findings


@pytest.mark.parametrize(("old", "new", "kind", "line", "word"), BREAKS)
def test_each_way_of_breaking_a_graph_is_found_where_it_is(old, new, kind, line, word):
    assert GOOD.count(old) >= 1
    found = findings(GOOD.replace(old, new, 1))
    if kind is None:
        assert found == []
        return
    same = [finding for finding in found if finding.kind == kind]
    assert [finding.line for finding in same][:1] == [line], found
    assert word in str(same[0]) and str(same[0]).startswith(f"g:{line}:")
    assert "\n" not in str(same[0])


def test_nothing_is_found_in_a_good_graph():
    assert findings(GOOD) == []


@pytest.mark.parametrize("name", shipped())
def test_nothing_is_found_in_the_shipped_graphs(name):
    assert lint(GraphSpec.load(name), MODELS) == []


def test_the_columns_are_those_of_the_node_and_of_the_rule():
    text = GOOD.replace("run: executor", "run: exekutor").replace("to: evaluator", "to: evaluater", 1)
    assert [(f.line, f.column) for f in findings(text)] == [(6, 3), (10, 7)]


def test_all_findings_are_told_at_once_in_the_order_of_the_lines():
    text = (
        GOOD.replace("prompt: coder", "prompt: codr")
        .replace("attempts: 4", "attempts: four")
        .replace("start: e", "start: x")
    )
    with pytest.raises(GraphError) as error:
        GraphSpec.parse(text, "g")
    assert [f.kind for f in error.value.findings] == ["unknown-node", "unknown-prompt", "argument"]
    assert str(error.value).splitlines() == [str(f) for f in error.value.findings]


ROUND = """\
name: round
start: a
nodes:
  a: {run: 'test_lint:one'}
  b: {run: 'test_lint:one'}
  c: {run: 'test_lint:one'}
rules:
  a: [{to: b}]
  b: [{when: wants, action: x, to: c}, {to: b}]
  c: [{when: improved, to: END}, {to: a}]
"""


@pytest.mark.parametrize(
    ("old", "new", "cycles"),
    [
        ("", "", ["a → b → c → a"]),
        # A node that leaves when the money is used up breaks the cycles through it; b's own remains.
        ("c: [", "c: [{when: out_of_budget, to: END}, ", ["b → b"]),
        ("b: [", "b: [{when: out_of_turns, to: END}, ", []),
        ("b: [", "b: [{when: faulted, kind: no_turn, to: END}, ", []),
        ("b: [", "b: [{when: faulted, kind: crash, to: END}, ", ["a → b → c → a"]),
        # b leaves for c, which is left: but both belong to one cycle, and c leads back.
        ("b: [", "b: [{when: out_of_budget, to: c}, ", ["a → b → c → a"]),
        (
            "b: [{when: wants, action: x, to: c}, {to: b}]",
            "b: [{when: out_of_budget, to: c}, {to: b}]\n  d: []",
            None,
        ),
    ],
)
def test_a_cycle_that_neither_money_nor_turns_end(old, new, cycles):
    found = findings(ROUND.replace(old, new, 1))
    if cycles is None:
        assert "endless" not in [f.kind for f in found]  # with a name that is unknown no way is judged
        return
    assert [f.what.partition("cycle ")[2].partition(":")[0] for f in found if f.kind == "endless"] == cycles


def test_a_rule_that_faults_leave_nothing_to_is_found_where_it_is():
    text = GOOD.replace("rules:", "faults: [{when: missed, to: END}]\nrules:")
    assert findings(text) == []
    text = text.replace(
        "    - {to: coder}\n",
        "    - {when: wants, action: x, to: END}\n    - {when: missed, times: 2, to: coder}\n    - {to: coder}\n",
    )
    (found,) = findings(text)
    assert (found.kind, found.line) == ("covered-rule", 21)
    assert "rule 4 of 'planner': it can never fire: fault 1 (missed → END)" in found.what


def test_faults_that_no_node_has_and_moves_that_no_ladder_has_are_found():
    given_up = "faults: [{when: given_up, times: 2, to: END}]\n"
    bare = ROUND.replace("b: [", "b: [{when: out_of_turns, to: END}, ") + given_up
    assert [(f.kind, f.line, f.column) for f in findings(bare)] == [("idle-faults", 11, 1)]
    assert findings(bare.replace("[{when: given_up, times: 2, to: END}]", "[]")) == []
    one = bare.replace("'test_lint:one'}\n  b", "'test_lint:one', ladder: [recall]}\n  b")
    assert findings(one) == []
    assert [f.kind for f in findings(one.replace("2, to", "2, up: again, to"))] == ["one-rung"]
    two = one.replace("ladder: [recall]", "ladder: [recall, recall]")
    assert findings(two.replace("2, to", "2, up: again, to")) == []


@pytest.mark.parametrize(
    ("fault", "ended"),
    [
        ("given_up, times: 4", True),
        ("out_of_budget", True),
        ("faulted, kind: no_turn", False),  # the node need not count turns
    ],
)
def test_faults_end_a_cycle_by_money_alone(fault, ended):
    text = ROUND.replace("c: {run: 'test_lint:one'}", "c: {run: 'test_lint:one', ladder: [recall]}")
    text = text.replace(", {to: b}]", ", {when: out_of_turns, to: END}, {to: a}]")
    text = text.replace(
        "b: [{when: wants, action: x, to: c}, {when: out_of_turns, to: END}, {to: a}]", "b: [{to: c}]"
    )
    found = findings(text + f"faults: [{{when: {fault}, to: END}}]\n")
    assert [f.kind for f in found] == ([] if ended else ["endless"])


def test_a_part_that_money_leads_out_of_need_not_lead_to_the_end_itself():
    text = ROUND.replace("{to: b}]", "{when: out_of_budget, to: c}, {to: b}]", 1)
    text = text.replace(
        "b: [{when: wants, action: x, to: c}, {to: b}]", "b: [{when: out_of_budget, to: c}, {to: b}]"
    )
    assert [f.kind for f in findings(text)] == ["endless"]
    text = text.replace("c: [{when: improved, to: END}, {to: a}]", "c: [{to: END}]")
    assert findings(text) == []


def test_what_cannot_be_left_is_found():
    found = findings(ROUND.replace("{when: improved, to: END}, ", ""))
    assert [f.kind for f in found] == ["no-end", "endless"] and "'a', 'b', 'c'" in found[0].what


@pytest.mark.parametrize(
    ("earlier", "later", "covered"),
    [
        ("stuck, attempts: 2", "stuck, attempts: 3", True),
        ("stuck, attempts: 3", "stuck, attempts: 2", False),
        ("stuck, attempts: 2", "stuck, attempts: 2, since: up", False),
        ("stuck, attempts: 2, lifelines: 5", "stuck, attempts: 2", False),
        ("stuck, attempts: 2", "stuck, attempts: 2, lifelines: 5, goal: 10", True),
        ("stuck, attempts: 2, goal: 20", "stuck, attempts: 2, goal: 10", True),
        ("stuck, attempts: 2, goal: 0", "stuck, attempts: 2", False),
        ("stuck, attempts: 2, up: planner", "stuck, attempts: 3", False),
        ("stuck, attempts: 2, up: planner", "stuck, attempts: 3, up: planner", True),
        ("stuck, attempts: 2", "graphs.policy:stuck, attempts: 3", True),
        ("crashed, repairs: 2", "crashed, repairs: 1", True),
        ("crashed, repairs: 2", "crashed, repairs: 3", False),
        ("crashed, repairs: 2, new_error: false", "crashed, repairs: 2", True),
        ("crashed, repairs: 2", "crashed, repairs: 2, new_error: false", False),
        ("reached, percent: 5", "reached, percent: 7.5", True),
        ("missed, lifelines: 2", "missed, times: 2, lifelines: 1", True),
        ("wants, action: finish", "wants, action: expert", False),
        ("improved", "improved", True),
        ("'test_lint:always'", "'test_lint:always'", False),  # of a user's own nothing is known
    ],
)
def test_which_rule_leaves_nothing_to_a_later_one(earlier, later, covered):
    rules = f"{{when: {earlier}, to: coder}}\n    - {{when: {later}, to: END}}"
    found = findings(
        GOOD.replace("{when: crashed, repairs: 2, to: coder}", rules).replace(
            "    - {when: stuck, attempts: 4, since: up, up: planner, to: planner}\n", ""
        )
    )
    assert [f.kind for f in found] == (["covered-rule"] if covered else [])


def test_a_field_that_two_functions_write_must_be_said_to_be_shared_by_all_but_one():
    text = ROUND.replace("a: {run: 'test_lint:one'}", "a: {run: 'test_lint:friendly'}")
    text = text.replace("b: [", "b: [{when: out_of_budget, to: END}, ")
    assert findings(text) == []
    found = findings(text.replace("c: {run: 'test_lint:one'}", "c: {run: 'test_lint:two'}"))
    assert [(f.kind, f.line) for f in found] == [("shared-field", 6), ("shared-field", 6)]
    assert "'advice'" in found[0].what and "'fault'" in found[1].what and "'b'" in found[0].what


def test_a_users_prompt_is_checked_against_what_the_node_supplies(tmp_path):
    prompt = tmp_path / "mine.md"
    prompt.write_text(
        "## user\n{{ task.text }} {% for x in script %}{{ loop.index }}{{ x }}{% endfor %} {{ hints | default('') }}"
    )
    text = GOOD.replace("{run: coder, prompt: coder", f"{{run: 'test_lint:asks', prompt: {prompt}")
    assert findings(text) == []
    prompt.write_text("## user\n{{ scrpt }}")
    assert [f.kind for f in findings(text)] == ["prompt-variable"] and "did you mean 'script'?" in str(
        findings(text)[0]
    )
    prompt.write_text("## user\n{% if %}")
    assert [f.kind for f in findings(text)] == ["unknown-prompt"] and "line 2" in str(findings(text)[0])


def test_models_are_judged_where_their_names_are_given():
    text = GOOD.replace("ladder: [small]", "ladder: [tiny]")
    assert findings(text, None) == [] and [f.kind for f in findings(text)] == ["unknown-model"]


def test_every_shipped_node_writes_what_another_writes_too_only_if_it_says_so():
    spec = GraphSpec.load("budgetml")
    assert len({load_node(node.run) for node in spec.nodes.values()}) == 5
    assert "shared-field" not in [f.kind for f in spec.findings()]


def test_the_command_prints_a_line_a_finding_and_returns_2(tmp_path, capsys):
    path = tmp_path / "g.yaml"
    path.write_text(GOOD.replace("attempts: 4", "attempt: 4").replace("[small]", "[smal]"))
    assert call(["graph", "lint", str(path)]) == 2
    out, err = capsys.readouterr()
    assert [line.split(": ")[0] for line in out.splitlines()] == [
        f"{path}:13:7",
        f"{path}:13:7",
    ] and err == ""
    models = tmp_path / "models.yaml"
    models.write_text("models:\n  small: {base_url: http://127.0.0.1:1/v1, model: m, price: 0}\n")
    assert call(["graph", "lint", str(path), "--models", str(models)]) == 2
    assert (
        capsys.readouterr()
        .out.splitlines()[0]
        .startswith(f"{path}:4:3: node 'planner': ladder: unknown model 'large'")
    )
    path.write_text("name: [")
    assert call(["graph", "lint", str(path)]) == 2
    assert capsys.readouterr().out.startswith(f"{path}:1:8: not YAML")
    assert call(["graph", "lint", "recall"]) == 0
    assert capsys.readouterr().out == "recall: nothing to find fault with\n"
    assert call(["graph", "lint", "bugetml"]) == 2
    assert "did you mean 'budgetml'" in capsys.readouterr().err


def test_a_run_is_not_begun_with_a_graph_that_has_findings(tmp_path, capsys):
    path = tmp_path / "g.yaml"
    path.write_text(GOOD.replace("attempts: 4", "attempt: 4"))
    assert call(["run", "digits", "--graph", str(path), "--dry-run"]) == 2
    assert f"{path}:13:7: rule 2 of 'evaluator'" in capsys.readouterr().err


def test_a_rule_about_a_model_on_no_ladder_is_noted(tmp_path):
    text = GraphSpec.load("budgetml").dump().replace("ladder: [large]", "ladder: [huge]")
    spec = GraphSpec.parse(text.replace("small, large]", "small, huge]"))
    found = [finding for finding in losses(spec) if finding.kind == "idle-rule"]
    assert any("pays: model 'large' stands on no ladder, so it never holds" in str(one) for one in found)
    assert {str(finding).partition(": name")[2] for finding in found} == {" one that does"}
    assert not losses(GraphSpec.load("budgetml"))
