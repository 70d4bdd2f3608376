"""A graph's file: what loads, what is refused and where, and that saving changes nothing."""

import pytest

from graphs.draw import mermaid, outline
from graphs.spec import SHIPPED, GraphError, GraphSpec, shipped

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


def test_a_predicate_of_the_users_own_by_dotted_path():
    text = TINY.replace("when: out_of_turns", "when: 'graphs.policy:stuck', attempts: 3")
    assert GraphSpec.parse(text).rules["evaluator"][0].arguments == {"attempts": 3}


@pytest.mark.parametrize("name", shipped())
def test_every_rule_stands_in_the_drawing(name):
    spec = GraphSpec.load(name)
    drawing, text = mermaid(spec).splitlines(), outline(spec)
    for node, rules in spec.rules.items():
        for number, rule in enumerate(rules, 1):
            assert str(rule) in text
            target = "FINISH" if rule.to == "END" else rule.to
            arrows = [
                line
                for line in drawing
                if line.startswith(f"  {node} -->") and line.split()[-1].startswith(target)
            ]
            label = f"{number}. {str(rule).rpartition(' → ')[0]}"
            assert len(arrows) == 1 and (len(rules) == 1 or label in arrows[0])
