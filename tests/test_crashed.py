"""What one case crashed in, the next one does not meet again: it is not offered, or is rendered without that part."""

import dataclasses

import pytest

from budgetmlagent import testing
from nodes.coder import coder
from nodes.craft.crashed import crash, without_metric
from nodes.deps import Here
from nodes.planner import planner

OWN = {
    "name": "",
    "direction": "max",
    "function": "merit",
    "code": "def merit(y, p):\n    return y['a'] - p",
    "swap": False,
    "needs": [],
}
FRAME = """data = {{ data }}
{% block features %}{% endblock %}
{% set own = metric.get("function") %}
{% if own %}
{{ metric.code }}
{% endif %}
def score(y, p):
{% if own %}
    return {{ own }}(y, p)
{% else %}
    return {{ metric.name | py }}
{% endif %}
def features(rows):
    return len(rows)
{% block predict %}{% endblock %}
print(score(data, features(data)), predict(data))
"""  # fmt: skip
FIRST = "def predict(rows):\n    return rows[0]\n"
SECOND = "def predict(rows):\n    return rows[1]\n"


def case(name: str, predict: str, features: str = "") -> dict:
    blocks = {"features": features, "predict": predict}
    body = "".join(f"{{% block {block} %}}{text}{{% endblock %}}" for block, text in blocks.items())
    template = '{% extends "frame" %}' + body
    return {
        "kind": "case",
        "name": name,
        "title": name,
        "text": "",
        "edit": None,
        "shared": {"frame": FRAME},
        "template": template,
    }


CASES = [case("first", FIRST), case("second", SECOND), case("own", SECOND, "data = list(data)\n")]


def ended(script: str, code: str, function: str, message: str = "KeyError: 'a'") -> str:
    """The output of a script that ends with an error in a line of its own."""
    line = next(i for i, text in enumerate(script.splitlines(), 1) if text.strip() == code)
    frame = f'  File "/workspace/train.py", line {line}, in {function}\n    {code}\n'
    return f"Traceback (most recent call last):\n{frame}{message}\n"


class Run:
    """A run whose first case crashed in `code` of `function`."""

    def __init__(
        self, code: str, function: str, metric: dict, first: dict = CASES[0], fault: str = "crash"
    ) -> None:
        self.artifacts = put = testing.MemoryArtifacts()
        facts = put.put_json({"data": [1, 2], "metric": metric, "kinds": []})
        history = [{"id": put.put_json(c), "kind": "case", "similarity": 1.0, "source": "x"} for c in CASES]
        self.state = testing.state(
            put, {"script": "1", "score": 0.5}, task={"turns": 9, "briefing": facts}, turn=1, history=history
        )
        script = self.rendered(first)
        execution = put.put_json({"tail": ended(script, code, function)})
        attempt = {
            "script": script, "status": "crash", "fault": fault, "execution": execution,
            "plan": {"action": "apply", "case": history[CASES.index(first)]["id"]},
        }  # fmt: skip
        crashed = testing.state(put, {"script": "1", "score": 0.5}, attempt)
        self.state = dataclasses.replace(self.state, head=crashed.head)
        self.left = [item for item in history if item is not history[CASES.index(first)]]
        self.state = dataclasses.replace(self.state, history=self.left)

    def deps(self, node: str):
        here = Here(node=node, prompt=node, ladder=("recall",), step=4, call="c")
        return testing.deps(artifacts=self.artifacts, here=here)

    def rendered(self, one: dict) -> str:
        plan = {"action": "apply", "case": self.artifacts.put_json(one)}
        update = coder(dataclasses.replace(self.state, plan=plan), self.deps("coder"))
        return self.artifacts.text(update["script"])

    def next(self) -> str:
        """The name of the case that memory plans next, "" for none."""
        plan = planner(self.state, self.deps("planner"))["plan"]
        return plan.get("instruction", "") if plan else ""


def test_the_starters_function_is_left_out_once_it_has_crashed() -> None:
    run = Run("return y['a'] - p", "merit", OWN)
    assert run.next() == "second"
    script = run.rendered(CASES[1])
    assert "merit" not in script and 'return "r2"' in script


@pytest.mark.parametrize(
    ("code", "function", "expected"),
    [
        ("return 'mae'", "score", ""),
        ("return rows[0]", "predict", "second"),
        ("data = [1, 2]", "<module>", ""),
    ],
    ids=["in the frame's function", "in its own", "in the frame's lines"],
)
def test_a_part_that_crashed_is_not_met_again(code: str, function: str, expected: str) -> None:
    code = code.replace("'", '"')
    assert Run(code, function, {"name": "mae", "direction": "min"}).next() == expected
    limit = Run(code, function, {"name": "mae", "direction": "min"}, fault="time")  # control
    assert limit.next() == "second"


def test_a_line_that_calls_other_functions_is_another_line() -> None:
    """What a statement does hangs on the functions of the script that it names: `predict` differs."""
    run = Run(
        "print(score(data, features(data)), predict(data))", "<module>", {"name": "mae", "direction": "min"}
    )
    assert run.next() == "second"
    own = Run(
        "print(score(data, features(data)), predict(data))",
        "<module>",
        {"name": "mae", "direction": "min"},
        CASES[1],
    )
    assert own.next() == "first"


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "Killed",
        "Traceback (most recent call last):\nKeyError: 'a'\n",
        '  File "/x/train.py", line 99, in f\nKeyError: 1',
    ],
)
def test_a_crash_that_is_not_told_says_nothing(tail: str) -> None:
    assert crash("a = 1\n", tail) is None


def test_a_metric_that_did_not_crash_stays() -> None:
    facts = {"metric": OWN}
    elsewhere = crash("def f():\n    x()\nf()\n", ended("def f():\n    x()\nf()\n", "x()", "f"))
    assert elsewhere is not None and without_metric(facts, [elsewhere]) is facts
    assert without_metric(facts, []) is facts
