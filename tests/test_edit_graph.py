"""Edits of a graph: what they mean, that the file keeps what they do not concern, and what they refuse."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compile import DEPS

from graphs.spec import GraphError, GraphSpec, shipped

COMMENTED = """\
# the whole
name:   tidy        # aligned
start:  executor    # attempt 0

nodes:
  # who runs first
  executor:  {run: executor}    # no model
  # who judges
  evaluator: {run: evaluator}
  planner:   {run: planner, prompt: planner, ladder: [recall, small]}   # two rungs

# and who runs next
rules:
  # of the executor
  executor:
    # its one rule
    - {to: evaluator}   # always
  evaluator:
    - {when: out_of_turns, to: END}   # the end
    # else
    - when: crashed   # written as a block
      repairs: 2
      to: executor    # again
    - {to: planner}
  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner}, {to: executor}]
# that is all
"""


def lines_changed(before: str, after: str) -> list[str]:
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in list(told)[2:] if not line.startswith("@@")]


EDITS = [
    (
        lambda g: g.add_node("critic", run="evaluator", ladder=("small",)),
        ["+  critic: {run: evaluator, ladder: [small]}"],
    ),
    (
        lambda g: g.set_node("planner", ladder=("small", "large")),
        [
            "-  planner:   {run: planner, prompt: planner, ladder: [recall, small]}   # two rungs",
            "+  planner:   {run: planner, prompt: planner, ladder: [small, large]}   # two rungs",
        ],
    ),
    (
        lambda g: g.set_node("executor", prompt="coder", run="coder"),
        ["-  executor:  {run: executor}    # no model", "+  executor:  {run: coder, prompt: coder}    # no model"],
    ),
    (
        lambda g: g.insert("critic", after="executor", run="expert", prompt="expert"),
        [
            "+  critic: {run: expert, prompt: expert}",
            "-    - {to: evaluator}   # always",
            "+    - {to: critic}   # always",
            "+  critic:",
            "+    - {to: evaluator}",
        ],
    ),
    (
        lambda g: g.set_rule("executor", 1, when="crashed", repairs=1, to="END"),
        [
            "-    - {to: evaluator}   # always",
            "+    - {when: crashed, repairs: 1, to: END}   # always",
        ],
    ),
    (
        lambda g: g.set_rule("evaluator", 2, when="crashed", repairs=3, to="executor"),
        [
            "-    - when: crashed   # written as a block",
            "-      repairs: 2",
            "-      to: executor    # again",
            "+    - {when: crashed, repairs: 3, to: executor}    # again",
        ],
    ),
    (
        lambda g: g.set_rule("evaluator", 4, to="END"),
        ["+    - {to: END}"],
    ),
    (
        lambda g: g.remove_rule("evaluator", 2),
        [
            "-    - when: crashed   # written as a block",
            "-      repairs: 2",
            "-      to: executor    # again",
        ],
    ),
    (
        lambda g: g.remove_rule("executor", 1),
        ["-  executor:", "+  executor: []", "-    - {to: evaluator}   # always"],
    ),
    (
        lambda g: g.connect("executor", "END", when="crashed", repairs=2),
        ["+    - {when: crashed, repairs: 2, to: END}"],
    ),
    (
        lambda g: g.connect("evaluator", "END"),
        ["-    - {to: planner}", "+    - {to: END}"],
    ),
    (
        lambda g: g.connect("evaluator", "END", down="planner"),
        ["-    - {to: planner}", "+    - {down: planner, to: END}"],
    ),
    (
        lambda g: g.remove_rule("planner", 1),
        [
            "-  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner},"
            " {to: executor}]",
            "+  planner: [{when: nothing_recalled, up: planner, to: planner}, {to: executor}]",
        ],
    ),
    (
        lambda g: g.connect("planner", "END", when="out_of_budget").remove_rule("planner", 4).remove_rule("planner", 2),
        [
            "-  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner},"
            " {to: executor}]",
            "+  planner: [{when: faulted, kind: no_turn, to: END}, {when: out_of_budget, to: END}]",
        ],
    ),
    (
        lambda g: g.remove_node("planner"),
        [
            "-  planner:   {run: planner, prompt: planner, ladder: [recall, small]}   # two rungs",
            "-    - {to: planner}",
            "+    - {to: executor}",
            "-  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner},"
            " {to: executor}]",
        ],
    ),
    (
        lambda g: g.remove_node("executor"),
        [
            "-start:  executor    # attempt 0",
            "+start:  evaluator    # attempt 0",
            "-  executor:  {run: executor}    # no model",
            "-  executor:",
            "-    # its one rule",
            "-    - {to: evaluator}   # always",
            "-      to: executor    # again",
            "+      to: evaluator    # again",
            "-  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner},"
            " {to: executor}]",
            "+  planner: [{when: faulted, kind: no_turn, to: END}, {when: nothing_recalled, up: planner, to: planner},"
            " {to: evaluator}]",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "changed"), EDITS)
def test_an_edit_changes_the_lines_that_it_concerns_and_no_other(edit, changed):
    spec = GraphSpec.parse(COMMENTED)
    assert edit(spec) is spec
    assert sorted(lines_changed(COMMENTED, spec.dump())) == sorted(changed)
    assert GraphSpec.parse(spec.dump(), check=False) == spec


@pytest.mark.parametrize(("edit", "changed"), EDITS)
def test_a_graph_made_in_code_is_edited_alike_and_written_in_the_files_style(edit, changed):
    loaded, made = (
        GraphSpec.parse(COMMENTED),
        GraphSpec.model_validate(GraphSpec.parse(COMMENTED).model_dump()),
    )
    assert edit(made) == edit(loaded)
    assert made.dump() == GraphSpec.model_validate(made.model_dump()).dump()


def test_a_new_rule_comes_above_the_comment_of_the_next_one():
    text = GraphSpec.parse(COMMENTED).connect("evaluator", "END", when="out_of_budget").dump()
    assert "again\n    - {when: out_of_budget, to: END}\n    - {to: planner}\n" in text
    text = GraphSpec.parse(COMMENTED).connect("executor", "END", when="out_of_budget").dump()
    assert "  executor:\n    - {when: out_of_budget, to: END}\n    # its one rule\n" in text


def test_insert_leads_every_rule_of_after_that_led_there_through_the_node():
    plain = GraphSpec.load("budgetml")
    led = {node: [rule.to for rule in rules] for node, rules in plain.rules.items()}
    spec = GraphSpec.load("budgetml").insert("critic", after="planner", before="expert", run="executor")
    assert [rule.to for rule in spec.rules["planner"]].count("critic") == led["planner"].count("expert")
    assert "expert" not in [rule.to for rule in spec.rules["planner"]]
    assert [rule.to for rule in spec.rules["evaluator"]].count("expert") == led["evaluator"].count(
        "expert"
    )  # another node's rules stay
    assert [str(rule) for rule in spec.rules["critic"]] == ["otherwise → expert"]
    spec = GraphSpec.load("budgetml").insert("critic", after="evaluator", run="executor")
    # What the last rule led to: planner.
    assert [rule.to for rule in spec.rules["evaluator"]].count("critic") == led["evaluator"].count("planner")
    assert [rule.down for rule in spec.rules["evaluator"]] == [rule.down for rule in plain.rules["evaluator"]]
    assert spec.findings() == [] and spec.compile(DEPS)


def test_insert_takes_a_node_that_is_there_and_gives_it_the_one_rule():
    spec = (
        GraphSpec.load("recall")
        .add_node("critic", run="evaluator")
        .connect("critic", "END", when="out_of_turns")
    )
    spec.connect("critic", "planner").insert("critic", after="executor")
    assert [str(rule) for rule in spec.rules["critic"]] == ["otherwise → evaluator"]
    assert spec.findings() == []


def test_removing_a_node_leads_past_it_and_forgets_its_role():
    spec = GraphSpec.load("budgetml").remove_node("coder")
    assert "coder" not in spec.nodes and "coder" not in spec.rules
    told = [str(rule) for rule in spec.rules["evaluator"]]
    assert "improved → planner" in told and "crashed repairs=2 → executor" in told
    assert "stuck attempts=6 since=up goal=10 → planner" in told
    spec = GraphSpec.load("paper").remove_node("planner").remove_node("coder")
    assert spec.nodes.keys() == {"executor", "evaluator", "expert"}
    assert [str(r) for r in spec.rules["evaluator"]] == [
        "baseline_failed → END", "out_of_turns → END", "reached percent=12 aim=success → END", "otherwise → executor",
    ]  # fmt: skip


def test_removing_a_node_that_leads_to_itself_or_nowhere_leads_to_the_end():
    spec = GraphSpec.load("recall").add_node("loop", run="evaluator").connect("coder", "loop", when="missed")
    assert spec.remove_node("loop").rules["coder"][1].to == "END"
    spec.add_node("loop", run="evaluator").connect("loop", "loop").connect("executor", "loop")
    assert spec.remove_node("loop").rules["executor"][0].to == "END"


def test_an_edit_may_leave_findings_which_compiling_refuses():
    spec = GraphSpec.load("recall").add_node("critic", run="evaluator")
    assert [finding.kind for finding in spec.findings()] == ["no-rules"]
    with pytest.raises(GraphError, match="node 'critic' has no rules"):
        spec.compile(DEPS)
    spec.connect("critic", "evaluator").connect("executor", "critic")
    assert spec.findings() == [] and spec.compile(DEPS)


def test_findings_of_an_edited_graph_have_the_places_of_what_is_saved(tmp_path):
    spec = GraphSpec.load("budgetml").set_rule("planner", 1, when="fauted", kind="no_turn", to="END")
    spec.save(tmp_path / "g.yaml")
    with pytest.raises(GraphError) as error:
        GraphSpec.load(tmp_path / "g.yaml")
    assert [finding[1:] for finding in error.value.findings] == [finding[1:] for finding in spec.findings()]
    line = (tmp_path / "g.yaml").read_text().splitlines()[spec.findings()[0].line - 1]
    assert "fauted" in line


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda g: g.add_node("coder"), "there is a node 'coder' already"),
        (lambda g: g.add_node("critic", ladder="small"), "node 'critic': ladder: input should be"),
        (lambda g: g.add_node("critic", run=3), "node 'critic': run: input should be a valid string"),
        (lambda g: g.add_node("critic", prompt=object()), "a object cannot stand in a graph file"),
        (lambda g: g.set_node("codr", run="coder"), r"unknown node 'codr' \(did you mean 'coder'"),
        (lambda g: g.set_node("coder", ladder="small"), "node 'coder': ladder: input should be"),
        (lambda g: g.insert("critic", after="codr"), r"unknown node 'codr' \(did you mean 'coder'"),
        (lambda g: g.insert("critic", after="coder", before="plan"), r"unknown node 'plan' \(did you mean 'planner'"),
        (lambda g: g.insert("critic", after="executor", before="coder"), "no rule of 'executor' leads to 'coder': they lead to 'evaluator'"),
        (lambda g: g.insert("coder", after="coder"), "'coder' cannot stand between 'coder' and 'executor'"),
        (lambda g: g.insert("coder", after="executor", run="x"), "there is a node 'coder' already: it keeps its run"),
        (lambda g: g.remove_node("END"), "unknown node 'END'"),
        (lambda g: g.connect("coder", "ED"), r"unknown node 'ED' \(did you mean 'END'"),
        (lambda g: g.connect("coder", ["planner", "END"]), "to: a list: one node runs at a time"),
        (lambda g: g.connect("coder", "planner", when="missed", up="codr"), r"unknown node 'codr' \(did you mean 'coder'"),
        (lambda g: g.set_rule("coder", 8, to="END"), "'coder' has no rule 8: they are 1 to 2"),
        (lambda g: g.set_rule("coder", 0, to="END"), "'coder' has no rule 0: they are 1 to 2"),
        (lambda g: g.set_rule("coder", 1, when="missed"), "rule 1 of 'coder': to: field required"),
        (lambda g: g.set_rule("coder", 1, when=["missed"], to="END"), "rule 1 of 'coder': when: input should be"),
        (lambda g: g.remove_rule("coder", 3), "'coder' has no rule 3: they are 1 to 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line_and_changes_nothing(edit, words):
    spec = GraphSpec.load("recall")
    text = spec.dump()
    with pytest.raises(GraphError, match=words) as error:
        edit(spec)
    assert "\n" not in str(error.value)
    assert spec.dump() == text and spec == GraphSpec.load("recall")


def test_the_only_node_stays():
    spec = GraphSpec.parse(
        "name: one\nstart: executor\nnodes: {executor: {run: executor}}\nrules: {}\n", check=False
    )
    with pytest.raises(GraphError, match="'executor' is the only node"):
        spec.remove_node("executor")
    assert spec.connect("executor", "END").findings() == []
    assert spec.dump().endswith("rules:\n  executor:\n    - {to: END}\n")


def test_a_layout_that_an_edit_does_not_fit_is_said_and_not_spoilt():
    text = COMMENTED.replace("- {to: evaluator}   # always", "- &on {to: evaluator}").replace(
        "- {to: planner}", "- *on"
    )
    spec = GraphSpec.parse(text, check=False)
    with pytest.raises(GraphError, match="without anchors and aliases"):
        spec.connect("evaluator", "planner")
    assert spec.dump() == text


@pytest.mark.parametrize("text", [
    "name: t\nstart: a\nnodes: {a: {run: executor}, b: {run: executor}}\nrules: {a: [{to: b}], b: []}",
    "name: t\nstart: a\nnodes:\n    a:\n        run: executor\n    b:\n        run: executor\nrules:\n    a:\n    - to: b\n    b: []",
    "{name: t, start: a, nodes: {a: {run: executor}, b: {run: executor}}, rules: {a: [{to: b}], b: [ ]}}",
])  # fmt: skip
def test_other_styles_of_yaml_are_edited_too(text):
    spec = GraphSpec.parse(text, check=False)
    spec.connect("b", "END").connect("b", "a", when="missed", times=2).insert("c", after="a", run="evaluator")
    spec.remove_rule("c", 1).connect("c", "b", when="missed").remove_rule("c", 1).connect("c", "b")
    made = GraphSpec.parse(spec.dump(), check=False)
    assert made == spec and [str(r) for r in spec.rules["b"]] == ["missed times=2 → a", "otherwise → END"]
    assert spec.rules["a"][0].to == "c" and spec.rules["c"][0].to == "b"
    spec.remove_node("b").remove_node("c")
    assert spec.model_dump()["rules"]["a"][0]["to"] == "END"


names = st.sampled_from(["planner", "coder", "executor", "evaluator", "expert", "critic", "END", "a: b"])
steps = st.one_of(
    st.tuples(st.just("add_node"), st.tuples(names), st.fixed_dictionaries({"ladder": st.sampled_from([(), ("small",)])})),
    st.tuples(st.just("insert"), st.tuples(names), st.fixed_dictionaries({"after": names, "before": st.none() | names})),
    st.tuples(st.just("remove_node"), st.tuples(names), st.just({})),
    st.tuples(st.just("connect"), st.tuples(names, names), st.sampled_from([{}, {"when": "stuck", "attempts": 2}, {"up": "coder"}])),
    st.tuples(st.just("set_rule"), st.tuples(names, st.integers(0, 9)), st.fixed_dictionaries({"to": names})),
    st.tuples(st.just("remove_rule"), st.tuples(names, st.integers(0, 9)), st.just({})),
    st.tuples(st.just("set_fault"), st.tuples(st.integers(0, 9)), st.fixed_dictionaries({"when": st.just("missed"), "to": names | st.just("again")})),
    st.tuples(st.just("remove_fault"), st.tuples(st.integers(0, 9)), st.just({})),
)  # fmt: skip


def apply(spec, edits):
    refused = 0
    for method, given_, named in edits:
        try:
            getattr(spec, method)(*given_, **named)
        except GraphError as error:
            assert "layout" not in str(error)
            refused += 1
    return refused


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(shipped()), st.lists(steps, min_size=1, max_size=5))
def test_any_edits_of_a_file_and_of_code_come_to_the_same_and_lose_no_comment(name, edits):
    loaded = GraphSpec.load(name)
    text = "".join(
        f"{line}  # {i}\n  # above {i}\n"
        for i, line in enumerate(loaded.dump().splitlines())
        if line[0] != "#"
    )
    loaded = GraphSpec.parse(text)
    made = GraphSpec.model_validate(loaded.model_dump())
    assert apply(loaded, edits) == apply(made, edits)
    assert loaded == made == GraphSpec.parse(loaded.dump(), check=False)
    before, after = text.splitlines(), loaded.dump().splitlines()
    gone = {line for line in before if line not in after}
    if not any(
        method == "remove_node" for method, *_ in edits
    ):  # that takes what stands between its rules, too
        assert not [line for line in gone if line.strip().startswith("#")]
    assert [line for line in after if line in before] == [line for line in before if line in after]


def test_a_difference_is_a_line():
    one = GraphSpec.load("budgetml")
    other = one.model_copy(deep=True)
    assert one.diff(other) == []
    stuck = next(i for i, rule in enumerate(one.rules["evaluator"], 1) if rule.when == "stuck")
    given_up = next(i for i, rule in enumerate(one.rules["planner"], 1) if rule.when == "given_up")
    other.insert("critic", after="coder", run="evaluator").set_rule(
        "evaluator", stuck, when="stuck", attempts=9, to="expert"
    )
    other.remove_rule("planner", given_up).connect("planner", "END", when="out_of_turns")
    other.start = "planner"
    other = GraphSpec.parse(
        other.dump().replace("coder, ladder: [small, large]", "coder, ladder: [small]"), check=False
    )
    assert one.diff(other) == [
        "~ start: executor → planner",
        "~ node coder: ladder [small, large] → [small]",
        "+ node critic: {run: evaluator}",
        f"~ rule evaluator {stuck}: stuck attempts=4 since=expert lifelines=5 goal=10 → expert becomes stuck attempts=9 → expert",
        f"- rule planner {given_up}: given_up times=4 → END",
        f"+ rule planner {len(one.rules['planner']) - 1}: out_of_turns → END",
        f"~ rule coder {len(one.rules['coder'])}: otherwise → executor becomes otherwise → critic",
        "+ rule critic 1: otherwise → executor",
    ]
    assert [line[0] for line in other.diff(one)] == ["~", "~", "-", "~", "+", "-", "~", "-"]
