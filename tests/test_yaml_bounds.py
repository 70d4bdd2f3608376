"""YAML from a stranger, as a task, a graph or a models file: one short line and status 2, soon, whatever it stands for."""

import time
from pathlib import Path

import pytest
import tiny
from ruamel.yaml import YAML

from budgetmlagent.cli import call
from memory import yaml_text


def laughs(levels: int) -> str:
    """Aliases of aliases: nine times as many values with each level."""
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join([f"a0: &a0 [{', '.join('x' * 9)}]", *lines, f"name: *a{levels - 1}", ""])


TEXTS = {
    "aliases": laughs(6),
    "aliases of gigabytes": laughs(40),
    "a long alias": f"a: &a {'x' * 10_000}\nname: [{', '.join(['*a'] * 500)}]\n",
    "an alias of itself": "name: &a [*a]\n",
    "a long value": f"name: [{'x' * 900_000}]\n",
    "a long key twice": f"name: {'x' * 400_000}\nname: {'y' * 400_000}\n",
    "a long text": "name: x\n" + "# nothing\n" * 200_000,
    "a long number": f"name: {'1' * 5000}\n",
    "no date": "name: 2001-99-99\n",
    "deep brackets": f"name: {'[' * 600}{']' * 600}\n",
    "deep lines": "".join(f"{' ' * i}a:\n" for i in range(1000)),
}


@pytest.mark.parametrize("kind", ["task", "graph", "models"])
@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in TEXTS.items()])
def test_it_is_one_short_line(text: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    task, models, graph = (
        tiny.task(tmp_path),
        tiny.models(tmp_path, "http://127.0.0.1:9/v1"),
        tmp_path / "g.yaml",
    )
    graph.write_text(text)
    file = {"task": task / "task.yaml", "graph": graph, "models": models}[kind]
    file.write_text(text)
    command = (
        ["graph", "lint", str(file)]
        if kind == "graph"
        else ["run", str(task), "--models", str(models), "--dry-run"]
    )
    began = time.process_time()
    assert call(command) == 2
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    assert time.process_time() - began < 5 and file.name in lines[0]
    assert all(len(line) < 520 for line in lines) and (len(lines) == 1 or kind == "graph")


def test_without_bounds_a_page_stands_for_megabytes() -> None:
    values = YAML(typ="safe", pure=True).load(laughs(6))
    assert len(repr(values["name"])) > 1_000_000 and len(laughs(6)) < 1000


def test_anchors_may_be_used() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, y: [*a, *a]}\n"
    assert yaml_text.load(text, "safe")[1] == {"a": {"x": 1}, "b": {"x": 1, "y": [{"x": 1}, {"x": 1}]}}
    assert yaml_text.load("", "rt") == (None, None)
