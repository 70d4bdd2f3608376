"""Edits of graphs as data: the same as the methods, each changes its own lines only, and what cannot be done is one line."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_edit_graph import COMMENTED

from budgetmlagent.studio.editing import edit, judged
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.protocol import EditAsked
from graphs import catalogue
from graphs.files import SHIPPED, shipped
from graphs.finding import GraphError
from graphs.operations import OPERATIONS, edited, operation
from graphs.spec import GraphSpec

SHIPPED_TEXT = (SHIPPED / "budgetml.yaml").read_text()


def done(text: str, *operations: dict) -> str:
    return edited(text, [operation(each) for each in operations])


def lines(before: str, after: str) -> list[str]:
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in list(told)[2:] if not line.startswith("@@")]


EDITS = [
    (
        {"do": "move_rule", "node": "evaluator", "index": 1, "to": 2},
        ["-    - {when: out_of_turns, to: END}   # the end", "+    - {when: out_of_turns, to: END}   # the end"],
    ),
    (
        {"do": "move_rule", "node": "planner", "index": 3, "to": 1},
        [
            "-  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner}, {to: executor}]",
            "+  planner: [{to: executor}, {when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner}]",
        ],
    ),
    (
        {"do": "rename_node", "node": "executor", "to": "runner"},
        [
            "-start:  executor    # attempt 0", "+start:  runner    # attempt 0",
            "-  executor:  {run: executor}    # no model", "+  runner:  {run: executor}    # no model",
            "-  executor:", "+  runner:",
            "-      to: executor    # again", "+      to: runner    # again",
            "-  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner}, {to: executor}]",
            "+  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner}, {to: runner}]",
        ],
    ),
    (
        {"do": "clear_node", "node": "planner", "field": "prompt"},
        [
            "-  planner:   {run: planner, prompt: planner, ladder: [recall, small]}   # two rungs",
            "+  planner:   {run: planner, ladder: [recall, small]}   # two rungs",
        ],
    ),
    (
        {"do": "insert_rule", "node": "executor", "index": 1, "rule": {"when": "stuck", "attempts": 3, "to": "END"}},
        ["+    - {when: stuck, attempts: 3, to: END}"],
    ),
    (
        {"do": "insert_rule", "node": "evaluator", "index": 4, "rule": {"to": "END"}},
        ["+    - {to: END}"],
    ),
    ({"do": "set_start", "node": "planner"}, ["-start:  executor    # attempt 0", "+start:  planner    # attempt 0"]),
    ({"do": "set_name", "name": "other"}, ["-name:   tidy        # aligned", "+name:   other        # aligned"]),
    ({"do": "insert_fault", "index": 1, "rule": {"when": "missed", "to": "again"}}, ["+faults:", "+  - {when: missed, to: again}"]),
    ({"do": "remove_rule", "node": "evaluator", "index": 1}, ["-    - {when: out_of_turns, to: END}   # the end"]),
]  # fmt: skip


@pytest.mark.parametrize("given, changed", EDITS, ids=lambda value: str(value)[:40])
def test_an_edit_changes_its_own_lines_and_no_others(given, changed):
    after = done(COMMENTED, given)
    assert sorted(lines(COMMENTED, after)) == sorted(changed)
    by_method = GraphSpec.parse(COMMENTED, check=False)
    exec(operation(given).python, {"graph": by_method})
    assert by_method.dump() == after


def test_a_moved_block_rule_takes_its_lines_along():
    after = done(COMMENTED, {"do": "move_rule", "node": "evaluator", "index": 2, "to": 1})
    rules = GraphSpec.parse(after, check=False).rules["evaluator"]
    assert [rule.when for rule in rules] == ["crashed", "out_of_turns", ""]
    assert sorted(after.splitlines()) == sorted(COMMENTED.splitlines())


def test_the_last_line_of_a_file_without_a_line_break_moves_too():
    text = SHIPPED_TEXT.rstrip("\n")
    after = done(text, {"do": "move_fault", "index": 8, "to": 1})
    assert str(GraphSpec.parse(after, check=False).faults[0]) == "missed → again"
    assert sorted(after.splitlines()) == sorted(text.splitlines())


REFUSED = [
    ({"do": "burn"}, "no operation 'burn'"),
    ({}, "no operation None"),
    ({"do": "move_rule", "node": "coder", "index": "1", "to": 2}, "valid integer"),
    ({"do": "move_rule", "node": "coder", "index": 0, "to": 2}, "has no rule 0"),
    ({"do": "move_rule", "node": "coder", "index": 1, "to": 99}, "has no rule 99"),
    ({"do": "move_rule", "node": "codr", "index": 1, "to": 2}, "did you mean 'coder'"),
    ({"do": "move_fault", "index": True, "to": 2}, "valid integer"),
    ({"do": "set_rule", "node": "coder", "index": 1, "rule": {"when": "stuck"}}, "to: field required"),
    ({"do": "set_rule", "node": "coder", "index": 1, "rule": {"to": "codr"}}, "unknown node 'codr'"),
    ({"do": "set_rule", "node": "coder", "index": 1, "rule": {"to": "END", "index": 2}}, "has no 'index'"),
    ({"do": "set_rule", "node": "coder", "index": 1, "rule": {"to": ["a"]}}, "a list"),
    ({"do": "rename_node", "node": "coder", "to": "planner"}, "that is taken"),
    ({"do": "rename_node", "node": "coder", "to": "END"}, "that is reserved"),
    ({"do": "clear_node", "node": "coder", "field": "run"}, "field"),
    ({"do": "clear_node", "node": "coder", "field": "budget"}, "says no 'budget'"),
    ({"do": "set_node", "node": "coder", "budget": -1}, "budget"),
    ({"do": "set_node", "node": "coder", "more": 1}, "extra inputs"),
    ({"do": "set_start", "node": "gone"}, "unknown node"),
]


@pytest.mark.parametrize("given, says", REFUSED, ids=lambda value: str(value)[:60])
def test_what_cannot_be_done_is_one_line_and_changes_nothing(given, says, tmp_path):
    with pytest.raises(GraphError) as raised:
        done(SHIPPED_TEXT, given)
    assert says in str(raised.value) and "\n" not in str(raised.value)
    if "do" in given:
        place = Place(tmp_path, tmp_path / "runs")
        good = {"do": "set_name", "name": "x"}
        reply = edit(place, EditAsked(graph="budgetml", text=SHIPPED_TEXT, operations=[good, given]))
        assert reply["text"] == SHIPPED_TEXT and says in reply["error"]


@settings(max_examples=8)
@given(st.sampled_from(shipped()), st.data())
def test_moving_rules_there_and_back_gives_the_text_back(name, data):
    text = (SHIPPED / f"{name}.yaml").read_text()
    spec = GraphSpec.parse(text, check=False)
    node = data.draw(st.sampled_from(sorted(spec.rules)))
    count = len(spec.rules[node])
    index, to = (data.draw(st.integers(1, count)) for _ in range(2))
    there = done(text, {"do": "move_rule", "node": node, "index": index, "to": to})
    moved = GraphSpec.parse(there, check=False).rules[node]
    expected = list(spec.rules[node])
    expected.insert(to - 1, expected.pop(index - 1))
    assert moved == expected
    assert sorted(there.splitlines()) == sorted(text.splitlines())
    assert done(there, {"do": "move_rule", "node": node, "index": to, "to": index}) == text


@settings(max_examples=8)
@given(st.sampled_from(["budgetml", "paper"]), st.data())
def test_renaming_there_and_back_gives_the_text_back(name, data):
    text = (SHIPPED / f"{name}.yaml").read_text()
    node = data.draw(st.sampled_from(sorted(GraphSpec.parse(text, check=False).nodes)))
    new = data.draw(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
    )
    try:
        there = done(text, {"do": "rename_node", "node": node, "to": new})
    except GraphError:
        return
    assert new in GraphSpec.parse(there, check=False).nodes
    assert done(there, {"do": "rename_node", "node": new, "to": node}) == text


def test_findings_know_the_way_to_what_is_wrong(tmp_path):
    text = done(SHIPPED_TEXT, {"do": "remove_rule", "node": "coder", "index": 4})
    spec, findings = judged(text, "g")
    assert spec and [found["keys"] for found in findings] == [["rules", "coder", 2]]
    reply = edit(Place(tmp_path, tmp_path), EditAsked(graph="budgetml", text=text))
    rows = {row["text"]: row["findings"] for card in reply["view"]["cards"] for row in card["rules"]}
    assert [text for text, found in rows.items() if found] == [str(spec.rules["coder"][2])]
    _, findings = judged(SHIPPED_TEXT.replace("kind: no_turn, to: END", "knd: no_turn, to: END"), "g")
    assert ["faults", 0] in [found["keys"][:2] for found in findings]


def test_the_catalogue_has_what_graphs_can_name():
    found = {condition.name: condition for condition in catalogue.predicates()}
    arguments = {argument.name: argument for argument in found["stuck"].arguments}
    assert arguments["attempts"].required and arguments["attempts"].type == "int"
    assert arguments["since"].choices == ("best", "expert", "up") and arguments["since"].default == "best"
    assert arguments["goal"].type == "float" and arguments["goal"].default is None
    assert [f.name for f in catalogue.functions() if f.shipped] == [
        "coder",
        "evaluator",
        "executor",
        "expert",
        "planner",
    ]
    for name in shipped():
        spec = GraphSpec.load(name)
        assert {rule.when for node in spec.nodes for rule in spec.rules_of(node)} - {""} <= found.keys()


def test_every_operation_is_a_method_and_says_what_it_does():
    for name, kind in OPERATIONS.items():
        assert kind.__doc__ and hasattr(GraphSpec, {"insert_node": "insert"}.get(name, name))
