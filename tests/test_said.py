"""Rules in words: of shipped predicates and of a user's own, whose source is read and not run; labels that cut no arrow."""

import re
import xml.etree.ElementTree as ET

import pytest

from graphs.drawing.mermaid import mermaid
from graphs.drawing.picture import svg
from graphs.model import Rule
from graphs.policy import PREDICATES
from graphs.spec import GraphSpec, shipped
from graphs.words import BRACE, WORDS, said

NS = "{http://www.w3.org/2000/svg}"
OWN = '''
raise SystemExit("it was run")

def stalled(state, beats: int, share: float = 0.5, word: str = ""):
    """After {beats} beats in vain[, at {share:.0%}][ for {word}], {state.task} and {nothing}.

    The rest is for readers.
    """

def silent(state, beats: int): ...
'''


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "otherwise"),
        ({"up": "coder"}, "otherwise: coder moves up"),
        ({"when": "improved", "down": "coder"}, "a new best"),
        ({"when": "stuck", "attempts": 4, "since": "expert", "lifelines": 5, "goal": 10},
         "after 4 attempts without gain, unless 10% better than the starter, dearer help at most 5 times in all"),
        ({"when": "stuck", "attempts": 4, "lifelines": 0}, "after 4 attempts without gain"),
        ({"when": "missed"}, "no usable reply"),
        ({"when": "missed", "times": 2, "but": "busy"}, "no usable reply, 2 times, unless busy"),
        ({"when": "wants", "action": "expert", "lifelines": 5}, "the planner wants an expert, dearer help at most 5 times in all"),
        ({"when": "balked", "model": "large", "times": 1}, "an idea brought no gain"),
        ({"when": "balked", "model": "large", "times": 2}, "an idea brought no gain, 2 in a row"),
        ({"when": "wants", "action": "sleep"}, "the planner wants sleep"),
        ({"when": "faulted", "kind": "busy"}, "the model is busy"),
        ({"when": "hopeless", "share": 0.5}, "no script runs, 50% of the turns or money is used"),
        ({"when": "no_such", "times": 3}, "no_such times=3"),
        ({"when": "not.there:at_all", "times": 3}, "not.there:at_all times=3"),
    ],
)  # fmt: skip
def test_a_rule_is_said_in_words(rule, words):
    assert said(Rule(to="x", **rule)) == words


def test_a_predicate_of_ones_own_says_the_first_line_of_its_docstring(tmp_path, monkeypatch):
    (tmp_path / "own_rules.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    rule = Rule(when="own_rules:stalled", beats=3, to="END")
    assert said(rule) == "After 3 beats in vain, {state.task} and {nothing}"
    full = rule.model_copy(update={"share": 0.25, "word": "no"})
    assert said(Rule(when="own_rules:stalled", beats=3, share=0.25, word="no", to="END")) == (
        "After 3 beats in vain, at 25% for no, {state.task} and {nothing}"
    ), full
    assert said(Rule(when="own_rules:silent", beats=3, to="END")) == "own_rules:silent beats=3"
    assert said(Rule(when="own_rules:stalled", beats="{share}", to="END")).startswith("After {share} beats")


def test_every_shipped_predicate_has_words_and_they_name_its_arguments():
    from graphs.linter.arguments import parameters

    assert set(WORDS) == set(PREDICATES)
    for name, line in WORDS.items():
        assert {brace[1] for brace in BRACE.finditer(line)} <= set(parameters(PREDICATES[name]))


@pytest.mark.parametrize("name", shipped())
def test_no_label_of_a_shipped_graph_lies_on_another_arrow(name):
    assert cuts(svg(mermaid(GraphSpec.load(name)))) == []


def test_a_label_on_another_arrow_is_found():
    drawn = svg("flowchart TD\n  a -->|one| b\n  a -->|two| b\n")
    low, high = re.findall(r'<g class="edgeLabel" transform="(.*?)"', drawn)
    assert cuts(drawn) == [] and cuts(drawn.replace(low, high)) == [("L_a_b_2", "L_a_b_0")]


def cuts(drawn: str) -> list[tuple[str, str]]:
    """The arrows of a picture that run through the label of another one."""
    root, boxes = ET.fromstring(drawn), {}
    for group in root.iter(f"{NS}g"):
        kind, inner = group.get("class", ""), next(group.iter(f"{NS}foreignObject"), None)
        if inner is None or kind != "edgeLabel":
            continue
        named = next((part.get("data-id") for part in group if part.get("data-id")), group.get("id"))
        x, y = map(float, re.findall(r"-?[\d.]+", group.get("transform") or "0 0")[:2])
        wide, high = float(inner.get("width")) / 2 - 1, float(inner.get("height")) / 2 - 1
        boxes[named] = (x - wide, x + wide, y - high, y + high)
    found = []
    for path in root.iter(f"{NS}path"):
        if path.get("data-edge") != "true":
            continue
        own, points = path.get("data-id"), list(along(path.get("d")))
        for name, (left, right, top, bottom) in boxes.items():
            if name != own and any(left < x < right and top < y < bottom for x, y in points):
                found.append((own, name))
    return found


def along(path: str):
    """Points along a path of straight lines and cubic curves."""
    here = None
    for command, told in re.findall(r"([MLC])([^MLC]*)", path):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", told)]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "M":
            here = points[0]
            continue
        for i in range(0, len(points), 3 if command == "C" else 1):
            ways = points[i : i + 3] if command == "C" else [here, points[i], points[i]]
            for t in (n / 24 for n in range(25)):
                weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
                yield tuple(
                    sum(w * p[axis] for w, p in zip(weights, (here, *ways), strict=True)) for axis in (0, 1)
                )
            here = ways[-1]
