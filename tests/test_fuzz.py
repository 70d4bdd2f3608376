"""Replies of every odd shape through the nodes that ask: each is used, or a typed fault that the shipped rules route on."""

import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_nodes import CASE, artifacts, deps, offered, state

from graphs.contract import roles_of
from graphs.policy import decide
from graphs.registry import load_predicate
from graphs.spec import GraphSpec, shipped
from nodes.coder import coder
from nodes.deps import REPLY_FAULTS, Reply
from nodes.expert import expert
from nodes.planner import planner

NODES = {"planner": planner, "coder": coder, "expert": expert}
GRAPHS = [GraphSpec.load(name) for name in shipped()]
FAULTS = {*REPLY_FAULTS, "unparsable", "noop"}
PLAN = {"action": "improve", "instruction": "print 1"}

CHOICES = ('{"action": "improve", "case": "", "change": "", "instruction": "use more trees"}',
           '{"action": "apply", "case": "doubling", "change": null, "instruction": 1}')  # fmt: skip
SCRIPTS = ("```python\nimport csv\nprint('validation accuracy', 1)\n```", "import os\r\nx = 1\r\nprint(x)\r\n",
           "```\ndef f(a):\n\treturn [i for i in a]\n```\n```python\nx = f\n```")  # fmt: skip
SCRAPS = ("```", "```json\n", "```python\n", "~~~", "{", "}", "[", "]", '"', "'", '"""', "\\", "\\ud800", "\0", "\ud800",
          "\ufeff", "\r", "\r\n", "\t", "\x0c", "\x1a", "<think>", "</think>", ",", ":", "null", "NaN", "1e999", "-", "(", "é",
          "𝔘", "\u202e", "#", "\n    ", "def f(", "import ", "lambda:", "9" * 5000, '"action": "improve",')  # fmt: skip
NESTS = (("[", "]"), ("{", "}"), ("(", ")"), ('{"a":', "}"), ('{"action":', "}"), ("-", "1"), ("a.", "b"), ("1+", "1"),
         ("not ", "1"), ("```\n", "```\n"), ("<think>", "</think>"), ("f(", ")"), ("lambda:", "0"), ("if 1:\n ", "x=1"),
         ("x[", "]"), ("'", "'"), ("\\", "n"), (" ", ""), ("x=1\n", ""), ("{}", "{}"), ("f'{", "}'"))  # fmt: skip

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.fixed_dictionaries(
    {}, optional={name: values | st.sampled_from(["improve", "apply", "tune", "finish", "doubling"])
                  for name in ("action", "case", "change", "instruction", "type", "properties")},
)  # fmt: skip
whole = st.one_of(
    st.sampled_from(CHOICES + SCRIPTS), st.text(max_size=200), st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join),
    st.builds(json.dumps, fields), st.builds(lambda one: one[:-1] + ", " + one[1:], st.builds(json.dumps, fields)),
)  # fmt: skip


@st.composite
def broken(draw):
    """A reply with scraps put in, cut off, wrapped in prose and fences, nested or repeated until it is large."""
    text = draw(whole)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(SCRAPS)) + text[at + draw(st.integers(0, 3)) :]
    shape = draw(st.sampled_from(["as it is", "as it is", "cut", "wrapped", "nested", "many"]))
    if shape == "cut":
        text = text[: draw(st.integers(0, len(text)))]
    if shape == "wrapped":
        text = (
            draw(st.sampled_from(SCRAPS))
            + "\nHere it is:\n"
            + text
            + "\n"
            + draw(st.sampled_from(SCRAPS))
            + "\nBye {x}."
        )
    if shape == "nested":
        depth, (start, end) = draw(st.sampled_from([3, 60, 199, 1200, 30_000])), draw(st.sampled_from(NESTS))
        body = start * depth + text + end * (depth if draw(st.booleans()) else 0)
        text = (
            draw(
                st.sampled_from(
                    ["", "x = ", "```python\nimport os\nx = ", '{"action": "improve", "instruction": ']
                )
            )
            + body
        )
    if shape == "many":
        text *= draw(st.sampled_from([2, 50, 1_000_000 // max(len(text), 1)]))
    return text


replies = st.builds(Reply, broken()) | st.builds(
    Reply, broken(), st.sampled_from(REPLY_FAULTS), st.just("a sentence")
)


def used(node, given_, asked):
    """Let the node answer; return its update, once it is one that a checkpoint can hold and every graph's rules route."""
    update = NODES[node](given_, asked)
    json.dumps(update, ensure_ascii=False, allow_nan=False).encode()
    fault = update["fault"]
    assert not fault or (fault["kind"] in FAULTS and fault["detail"])
    assert bool(fault) != any(key in update for key in ("turn", "script", "advice"))
    after = dataclasses.replace(given_, **update)
    for graph in GRAPHS:
        if node in graph.nodes:
            route = decide(
                node, graph.rules_of(node), after, graph.ladders, load_predicate, roles_of(graph)
            ).route
            assert route["to"] in {*graph.nodes, "END"}
    return update


def go_on(artifacts, told, script):
    """Let each node read a script that was written: the best so far, in the next round."""
    attempt = artifacts.json(told.head) | {"script": script, "parent": told.head}
    best = {"attempt": artifacts.put_json(attempt), "score": 0.6}
    after = dataclasses.replace(
        told, best=best, head=best["attempt"], script=script, fault={"kind": "crash", "detail": "x"}
    )
    used("planner", after, deps(artifacts, CHOICES[0]))
    used("coder", after, deps(artifacts, SCRIPTS[0], node="coder"))
    used("expert", after, deps(artifacts, "Use more.", node="expert", model="large"))


@pytest.mark.parametrize("examples", [200, pytest.param(10_000, marks=pytest.mark.soak)])
def test_any_reply_is_used_or_a_fault_that_rules_route_on(artifacts, examples):
    offers = offered(artifacts, CASE)
    told = state(artifacts, history=offers, plan=PLAN, rungs={"planner": 1}, counts={"failed": 8})

    @settings(
        max_examples=examples, deadline=timedelta(seconds=30), suppress_health_check=list(HealthCheck), database=None
    )  # fmt: skip
    @given(st.sampled_from(list(NODES)), replies)
    def once(node, reply):
        update = used(node, told, deps(artifacts, reply, node=node))
        if "script" in update:
            go_on(artifacts, told, update["script"])

    once()


@pytest.mark.parametrize(
    "value",
    [
        "1+" * 900 + "1",
        "a" + ".b" * 950,
        "a" + "[0]" * 950,
        "-" * 900 + "1",
        "not " * 190 + "1",
        "a" + "()" * 3000,
    ],
    ids=lambda value: value[:3],
)
def test_a_script_that_is_deep_and_long_is_read_again(artifacts, value):
    reply = f"```python\nimport a\nx = Model(n_estimators={value})\n{'# more'.ljust(1500, '.')}\n```"
    told = state(artifacts, plan=PLAN, rungs={"planner": 1})
    go_on(artifacts, told, used("coder", told, deps(artifacts, reply, node="coder"))["script"])


__all__ = ["artifacts"]  # the fixture
