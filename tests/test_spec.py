"""A graph's file: what loads, what is refused and where, and that saving changes nothing."""

import copy
import json
import re

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from graphs.spec import SHIPPED, GraphError, GraphSpec, NodeSpec, Rule, shipped

TINY = """\
name: tiny
start: executor
nodes:
  executor: {run: executor}
  evaluator: {run: evaluator}
rules:
  executor:
    - {to: evaluator}
  evaluator:
    - {when: out_of_turns, to: END}
    - {to: executor}
"""


@pytest.mark.parametrize("name", shipped())
def test_shipped_graphs_load_and_save_byte_equal(name, tmp_path):
    GraphSpec.load(name).save(tmp_path / "copy.yaml")
    assert (tmp_path / "copy.yaml").read_bytes() == (SHIPPED / f"{name}.yaml").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            "start: executor",
            "start: executer",
            "g:2:1: start: unknown node 'executer' (did you mean 'executor'?)",
        ),
        ("run: executor", "run: runner", "g:4:3: node 'executor': unknown node function 'runner'"),
        ("to: evaluator", "to: evaluater", "g:8:7: rule 1 of 'executor': to: unknown node 'evaluater'"),
        (
            "out_of_turns",
            "out_of_turn",
            "g:10:7: rule 1 of 'evaluator': unknown predicate 'out_of_turn' (did you",
        ),
        (
            "out_of_turns,",
            "out_of_turns, times: 3,",
            "g:10:7: rule 1 of 'evaluator': out_of_turns: got an unexpected",
        ),
        (
            "out_of_turns,",
            "stuck,",
            "stuck: missing a required argument: 'attempts' (its arguments: attempts, since",
        ),
        (
            "    - {to: executor}\n",
            "",
            "g:10:7: rule 1 of 'evaluator': the last rule of a fork must be unconditional",
        ),
        (
            "when: out_of_turns, ",
            "",
            "g:10:7: rule 1 of 'evaluator': the rules after an unconditional one can never",
        ),
        ("when: out_of_turns", "up: coder", "unknown role 'coder'"),
        ("  executor:\n    - {to: evaluator}\n", "", "node 'executor' has no rules"),
        ("out_of_turns,", "'no_such_package.x:f',", "'no_such_package.x:f': no module 'no_such_package.x'"),
        ("name: tiny", "nmae: tiny", "name: field required"),
        ("name: tiny", "name: [", "g:3:6: not YAML:"),
        ("{run: executor}", "{run: executor, color: red}", "g:4:"),
    ],
)
def test_a_broken_graph_is_refused_with_its_place(old, new, finding):
    with pytest.raises(GraphError) as error:
        GraphSpec.parse(TINY.replace(old, new, 1), "g")
    assert finding in str(error.value)


def test_unknown_graph_names_the_shipped_ones():
    with pytest.raises(GraphError, match="unknown graph 'bugetml' \\(did you mean 'budgetml'"):
        GraphSpec.load("bugetml")
    with pytest.raises(GraphError, match=r"nowhere\.yaml: no such file"):
        GraphSpec.load("nowhere.yaml")


def test_what_is_no_graph_and_no_place_for_one_is_a_line(tmp_path):
    spec = GraphSpec.load("budgetml")
    for call, said in (
        (lambda: GraphSpec.load(3), "path of its file is needed, not 3"),
        (
            lambda: spec.diff("recall"),
            "a graph to compare with is needed, as GraphSpec.load reads one, not 'recall'",
        ),
        (
            lambda: spec.save(tmp_path / "none" / "g.yaml"),
            "g.yaml: cannot be written: No such file or directory",
        ),
    ):
        with pytest.raises(GraphError) as error:
            call()
        assert said in str(error.value) and "\n" not in str(error.value)


def test_a_predicate_of_the_users_own_by_dotted_path():
    text = TINY.replace(
        "  evaluator:\n    -",
        "  evaluator:\n    - {when: 'graphs.policy:stuck', attempts: 3, to: END}\n    -",
    )
    assert GraphSpec.parse(text).rules["evaluator"][0].arguments == {"attempts": 3}


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ["a", "<<", "1", "null", "- x", "#"]
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
arguments = st.dictionaries(
    names.filter(lambda name: name not in ("when", "to", "up", "down")), plain, max_size=3
)
rules = st.builds(
    lambda given, **own: Rule.model_validate({**given, **own}),
    arguments,
    when=names | st.just(""),
    to=names,
    up=names | st.just(""),
    down=st.just("") | names,
)
nodes = st.builds(
    NodeSpec, run=names, prompt=names | st.just(""), ladder=st.lists(names, max_size=3).map(tuple)
)
specs = st.builds(
    GraphSpec,
    name=names,
    start=names,
    nodes=st.dictionaries(names, nodes, min_size=1, max_size=4),
    rules=st.dictionaries(names, st.lists(rules, max_size=4), max_size=4),
    faults=st.lists(rules, max_size=3),
)


@settings(max_examples=250, deadline=None)
@given(specs)
def test_any_graph_made_in_code_goes_through_yaml_and_back(spec):
    text = spec.dump()
    again = GraphSpec.parse(text, check=False)
    assert again == spec and again.dump() == text and spec.diff(again) == []


def test_a_graph_made_in_code_is_written_like_the_shipped_ones():
    spec = GraphSpec.load("recall")
    made = GraphSpec.model_validate(spec.model_dump())
    told = [line for line in spec.dump().splitlines(keepends=True) if not line.startswith("#")]
    assert made.dump() == re.sub(r" +#.*", "", "".join(told))
    assert made == spec and made.findings() == []


def test_layout_that_no_writer_would_choose_is_kept():
    text = TINY.replace("  executor: {run: executor}", "  executor:    {run:  executor}   # aligned\n\n")
    text = text.replace("    - {to: evaluator}", "  - to:   'evaluator'   # a block")
    assert GraphSpec.parse(text).dump() == text


def test_a_copy_is_edited_by_itself():
    spec = GraphSpec.load("budgetml")
    other, text = spec.model_copy(deep=True), spec.dump()
    rules = len(spec.rules["evaluator"])
    other.remove_rule("evaluator", 3)
    assert spec.dump() == text and len(spec.rules["evaluator"]) == rules
    assert other.dump() != text and len(other.rules["evaluator"]) == rules - 1
    assert copy.deepcopy(spec) == spec != other


def test_name_and_start_may_be_assigned_but_rules_changed_by_hand_are_not_lost_silently(tmp_path):
    spec = GraphSpec.load("budgetml")
    spec.name = "mine"
    spec.save(tmp_path / "mine.yaml")
    assert GraphSpec.load(tmp_path / "mine.yaml").name == "mine"
    spec.rules["coder"].pop(0)
    with pytest.raises(GraphError, match="changed by hand: use the methods"):
        spec.dump()


@pytest.mark.parametrize(("text", "words"), [(b"\xff\xfe", "no UTF-8"), (b"name: a\0b", "not YAML"), (b"- 1\n", "not a graph"), (b"", "not a graph")])  # fmt: skip
def test_what_is_no_graph_at_all_is_refused_in_one_line(tmp_path, text, words):
    (tmp_path / "g.yaml").write_bytes(text)
    with pytest.raises(GraphError, match=rf"^.*g\.yaml:1:1: .*{words}.*$") as error:
        GraphSpec.load(tmp_path / "g.yaml")
    assert "\n" not in str(error.value)


SCHEMA = json.loads((SHIPPED / "graph.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", shipped())
def test_the_schema_accepts_the_shipped_graphs_and_their_files_name_it(name):
    text = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    jsonschema.Draft7Validator(SCHEMA).validate(YAML(typ="safe", pure=True).load(text))
    assert text.startswith("# yaml-language-server: $schema=graph.schema.json\n")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("run: executor", "rum: executor", ["nodes", "executor"]),
        ("name: tiny\n", "", []),
        ("out_of_turns", "out_of_turn", ["rules", "evaluator", 0, "when"]),
        ("out_of_turns", "stuck", ["rules", "evaluator", 0]),  # `attempts` is missing
        ("out_of_turns", "stuck, attempts: many", ["rules", "evaluator", 0, "attempts"]),
        ("out_of_turns", "stuck, attempts: 1, since: sunday", ["rules", "evaluator", 0, "since"]),
        ("to: END", "to: [END]", ["rules", "evaluator", 0, "to"]),
        ("name: tiny", "name: tiny\nfaults: {}", ["faults"]),
        (
            "name: tiny",
            "name: tiny\nfaults: [{when: given_up, to: again}]",
            ["faults", 0],
        ),  # `times` is missing
    ],
)
def test_the_schema_rejects_a_broken_graph(old, new, place):
    values = YAML(typ="safe", pure=True).load(TINY.replace(old, new, 1))
    errors = list(jsonschema.Draft7Validator(SCHEMA).iter_errors(values))
    assert {tuple(error.absolute_path) for error in errors} == {tuple(place)}


def test_the_schema_leaves_users_predicates_their_arguments():
    text = TINY.replace("when: out_of_turns", "when: 'mine.rules:tired', hours: 3")
    jsonschema.Draft7Validator(SCHEMA).validate(YAML(typ="safe", pure=True).load(text))
    stuck = next(
        p for p in SCHEMA["$defs"]["Rule"]["allOf"] if p["if"]["properties"]["when"]["const"] == "stuck"
    )
    assert stuck["then"]["properties"]["attempts"]["type"] == "integer"
    assert "failed in a row" in stuck["then"]["properties"]["goal"]["description"]
