"""`budgetml new node` and `new graph`: what they write works at once, in the repository and outside of it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import chdir
from itertools import pairwise
from pathlib import Path

import forked
import pytest
import tiny
from fault_server import FaultServer, Turn

import prompts
from budgetmlagent.cli import call
from graphs.spec import GraphSpec
from memory.state import RunState
from nodes.notes import NOTE_BYTES, note, told_by_others

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
WORDS = "Compare x with zero."
NEW, GRAPH = "node_of_this_test", "graph_of_this_test"  # no names that a user gives in the repository itself
OTHER = "an_other_name_of_30_characters"


def sh(command: str, cwd: Path, **environment: str) -> str:
    """Run a command of this environment and return its standard output."""
    program, *rest = command.split()
    if program == "budgetml" and "PYTHONPATH" not in environment:
        with chdir(cwd):
            done = forked.command(*rest, **environment)
    else:
        done = subprocess.run(
            [BIN / program, *rest], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def team(body) -> Turn:
    """The tiny team and the new node in it."""
    return Turn(WORDS) if "You review" in body["messages"][0]["content"] else tiny.team(body)


def run_tiny(tmp_path: Path, cwd: Path, graph: str, server: FaultServer, **environment: str) -> list[dict]:
    """Run the tiny task over `graph`, as a user does, and return the events."""
    task, models = tiny.task(tmp_path), tiny.models(tmp_path, server.url)
    options = (
        f"--graph {graph} --models {models} --turns 1 --history off --runs-dir {tmp_path / 'runs'} --json"
    )
    told = json.loads(sh(f"budgetml run {task} {options}", cwd, **environment).splitlines()[-1])
    assert told["status"] == "finished"
    lines = (Path(told["run_dir"]) / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_outside_it_is_a_package_that_works_at_once(tmp_path):
    said = sh(f"budgetml new node {NEW} --out made/by_me", tmp_path)
    folder = tmp_path / "made" / "by_me"
    assert "cd made/by_me" in said and said.rstrip().endswith(f"budgetml run digits --graph {NEW}.yaml")
    # Its test and the linter are run by tests/test_extending.py, as the page has them.
    with FaultServer(respond=team) as server:
        events = run_tiny(tmp_path, folder, f"{NEW}.yaml", server)
        asked = [request.body["messages"] for request in server.requests]
    ways = [(one["node"], following["node"]) for one, following in pairwise(events)]
    assert {before for before, after in ways if after == NEW} == {"evaluator"}
    planned = [messages for messages in asked if "You lead a small team" in messages[0]["content"]]
    assert planned and all(f"\nNotes of the team:\n- {NEW}: {WORDS}\n" in m[1]["content"] for m in planned)


RULES = """\
from graphs.policy import Verdict


def noted(state, by: str) -> Verdict:
    return Verdict("text" in state.notes.get(by, {}), {"by": by, "notes": sorted(state.notes)})
"""


def test_once_installed_its_node_rule_and_prompt_work_from_anywhere(tmp_path):
    """As pip leaves it: the package on the path, beside a dist-info folder with its entry points."""
    sh(f"budgetml new node {NEW}", tmp_path)
    site = tmp_path / "site"
    package = shutil.copytree(tmp_path / f"{NEW}_node" / f"budgetml_{NEW}", site / f"budgetml_{NEW}")
    (package / "rules.py").write_text(RULES)
    (site / f"budgetml_{NEW}-0.1.0.dist-info").mkdir()
    points = tomllib.loads((tmp_path / f"{NEW}_node" / "pyproject.toml").read_text())["project"][
        "entry-points"
    ]
    (site / f"budgetml_{NEW}-0.1.0.dist-info" / "entry_points.txt").write_text(
        "\n".join(
            f"[{g}]\n" + "\n".join(f"{k} = {v}" for k, v in named.items()) for g, named in points.items()
        )
    )
    spec = GraphSpec.load(tmp_path / f"{NEW}_node" / f"{NEW}.yaml", check=False)
    spec.set_node(NEW, run=NEW)  # by its entry point
    spec.connect(NEW, "END", when=f"budgetml_{NEW}.rules:noted", by=NEW)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    spec.save(elsewhere / "mine.yaml")
    with FaultServer(respond=team) as server:
        events = run_tiny(tmp_path, elsewhere, "mine.yaml", server, PYTHONPATH=f"{site}{os.pathsep}{ROOT}")
    assert [event["node"] for event in events] == ["executor", "evaluator", NEW]
    route = events[-1]["route"]
    assert route["rule"] == f"budgetml_{NEW}.rules:noted by={NEW} → END"
    assert route["saw"] == {"by": NEW, "notes": [NEW]}


@pytest.fixture
def repository(tmp_path) -> tuple[Path, list[str]]:
    """A copy of the repository in which two nodes were written, and the files that were made."""
    ignored = shutil.ignore_patterns("__pycache__", "recordings", "benchmarks", "bundled", ".*")
    for folder in ("budgetmlagent", "graphs", "nodes", "memory", "prompts", "tests", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, tmp_path / file)
    assert "docs/graphs.md" in sh(f"budgetml new node {NEW}", tmp_path, PYTHONPATH=str(tmp_path))
    more = f"budgetml new node {OTHER} --after planner --graph with_{NEW}"
    sh(more, tmp_path, PYTHONPATH=str(tmp_path))
    return tmp_path, [f"{place}{name}.py" for name in (NEW, OTHER) for place in ("nodes/", "tests/test_")]


def test_in_the_repository_what_it_writes_works_and_is_in_order(repository):
    folder, made = repository
    path = {"PYTHONPATH": str(folder)}
    sh("python tests/generated.py --check", folder, **path)
    assert f"## with_{NEW}" in (folder / "docs" / "graphs.md").read_text()
    sh("ruff format --check " + " ".join(made), folder)
    sh("ruff check " + " ".join(made), folder)
    assert "6 passed" in sh(f"pytest -q -n0 -p no:cacheprovider {made[1]} {made[3]}", folder, **path)


@pytest.mark.soak
def test_in_the_repository_what_it_writes_is_typed_and_imports_nothing_upwards(repository):
    folder, made = repository
    path = {"PYTHONPATH": str(folder)}
    sh(f"mypy --strict --cache-dir {folder / 'cache'} {made[0]}", folder, **path)
    shutil.rmtree(folder / "cache")
    sh("lint-imports --no-cache", folder, **path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["node", "2nd"], "node name '2nd': a name begins with a small letter and has small letters, digits and _"),
        (["node", "Critic"], "node name 'Critic': a name begins with a small letter"),
        (["node", "a-b"], "node name 'a-b': a name begins with a small letter"),
        (["node", "a" * 31], "30 at most; take another"),
        (["node", "END"], "node name 'END': is reserved; take another"),
        (["node", "START"], "node name 'START': is reserved"),
        (["node", "class"], "node name 'class': is a word of Python itself"),
        (["node", "planner"], "node name 'planner': is a node that there is already"),
        (["node", "craft"], "node name 'craft': is a part of nodes/ itself; take another"),
        (["node", "line"], "node name 'line': is a name that the example itself uses"),
        (["node", NEW, "--after", "plannr"], "graph budgetml: unknown node 'plannr' (did you mean 'planner'?)"),
        (["node", NEW, "--graph", "budgetm"], "unknown graph 'budgetm' (did you mean 'budgetml'?)"),
        (["node", NEW, "--out", "full"], f"full/{NEW}.yaml: is there already; nothing was written"),
        (["node", NEW, "--out", "file.txt"], "file.txt: is a file; give the path of a folder"),
        (["graph", GRAPH, "--from", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["graph", "budgetml"], "graph name 'budgetml': is a shipped graph's name; take another"),
        (["graph", "a b"], "graph name 'a b': letters, digits and -._ are needed; take another"),
        (["graph", GRAPH, "--out", "mine.txt"], "--out mine.txt: a file that ends in .yaml is needed"),
        (["graph", GRAPH, "--out", f"full/{NEW}.yaml"], f"full/{NEW}.yaml: is there already"),
        (["graph", GRAPH, "--out", "file.txt/mine.yaml"], "file.txt: cannot be written: "),
    ],
)  # fmt: skip
def test_what_is_refused_is_one_line_and_writes_nothing(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path(f"full/{NEW}.yaml").touch()
    Path("file.txt").touch()
    assert call(["new", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert sorted(map(str, Path().rglob("*"))) == ["file.txt", "full", f"full/{NEW}.yaml"]


def test_a_graph_is_copied_with_its_comments(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(["new", "graph", GRAPH]) == 0
    assert f"budgetml run digits --graph {GRAPH}.yaml" in capsys.readouterr().out
    text = Path(f"{GRAPH}.yaml").read_text()
    assert text.startswith("# Remember") and f"name: {GRAPH}\n" in text
    assert "# recall: no model, the best" in text
    copied, origin = GraphSpec.load(f"{GRAPH}.yaml"), GraphSpec.load("budgetml")
    assert (copied.nodes, copied.rules) == (origin.nodes, origin.rules)
    assert call(["new", "graph", f"{GRAPH}_2", "--from", f"{GRAPH}.yaml", "--out", "deep/er.yaml"]) == 0
    assert call(["graph", "lint", "deep/er.yaml"]) == 0
    assert GraphSpec.load("deep/er.yaml").name == f"{GRAPH}_2"


def test_a_copied_graph_names_its_schema_only_where_that_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("graph.schema.json").touch()
    assert call(["new", "graph", GRAPH]) == 0 == call(["new", "graph", GRAPH, "--out", "deep/er.yaml"])
    named = "# yaml-language-server: $schema=graph.schema.json\n"
    beside, elsewhere = Path(f"{GRAPH}.yaml").read_text(), Path("deep/er.yaml").read_text()
    assert beside == named + elsewhere


# -- what the example stands on


@pytest.mark.parametrize("text", ["", "one\n two", "x" * 5000, "ä" * 5000, "🙂 " * 5000, '"\\' * 3000])
def test_a_note_is_one_line_that_fits(text):
    made = note(text)
    assert len(json.dumps(made)) <= NOTE_BYTES and " ".join(text.split()).startswith(made["text"])
    assert len(json.dumps(made)) > 1700 or made["text"] == " ".join(text.split())


def test_a_node_is_told_what_others_have_to_say():
    notes = {
        "planner": {"chosen": ["x"]},
        "critic": {"text": "a"},
        "judge": {"text": "b"},
        "odd": 3,
        "no": {"fault": "x"},
    }
    assert told_by_others(RunState(notes=notes), "critic") == {"judge": "b"}


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (
            "no_such_package:a.md",
            "prompt 'no_such_package:a.md': no package 'no_such_package' can be imported",
        ),
        ("nodes.coder:a.md", "no package 'nodes.coder' can be imported"),
        ("prompts:codr.md", "prompt 'prompts:codr.md': package 'prompts' has no file 'codr.md'"),
        (
            "nowhere.md",
            "unknown prompt 'nowhere.md': a name in prompts/, a .md file's path, or package:file.md",
        ),
    ],
)
def test_a_prompt_that_is_not_there_is_a_finding(prompt, words):
    (finding,) = GraphSpec.load("budgetml").set_node("coder", prompt=prompt).findings()
    assert finding.kind == "unknown-prompt" and words in finding.what


def test_a_prompt_of_a_package_is_read_there():
    assert prompts.needs("prompts:coder.md") == prompts.needs("coder")
    assert GraphSpec.load("budgetml").set_node("coder", prompt="prompts:coder.md").findings() == []
