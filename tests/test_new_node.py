"""`budgetml new node` and `new graph`: what they write works at once, in the repository and outside of it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

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


def sh(command: str, cwd: Path, **environment: str) -> str:
    """Run a command of this environment and return its standard output."""
    program, *rest = command.split()
    done = subprocess.run(
        [BIN / program, *rest], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def team(body) -> Turn:
    """The tiny team and a critic in it."""
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
    said = sh("budgetml new node critic --out made/by_me", tmp_path)
    folder = tmp_path / "made" / "by_me"
    assert "cd made/by_me" in said and said.rstrip().endswith("budgetml run digits --graph critic.yaml")
    assert "3 passed" in sh("pytest -q -p no:cacheprovider tests/test_critic.py", folder)
    assert "nothing to find fault with" in sh("budgetml graph lint critic.yaml", folder)
    with FaultServer(respond=team) as server:
        events = run_tiny(tmp_path, folder, "critic.yaml", server)
        asked = [request.body["messages"] for request in server.requests]
    ways = [(one["node"], following["node"]) for one, following in pairwise(events)]
    assert {before for before, after in ways if after == "critic"} == {"evaluator"}
    planned = [messages for messages in asked if "You lead a small team" in messages[0]["content"]]
    assert planned and all(f"\nNotes of the team:\n- critic: {WORDS}\n" in m[1]["content"] for m in planned)


RULES = """\
from graphs.policy import Verdict


def noted(state, by: str) -> Verdict:
    return Verdict("text" in state.notes.get(by, {}), {"by": by, "notes": sorted(state.notes)})
"""


def test_once_installed_its_node_rule_and_prompt_work_from_anywhere(tmp_path):
    """As pip leaves it: the package on the path, beside a dist-info folder with its entry points."""
    sh("budgetml new node critic", tmp_path)
    site = tmp_path / "site"
    package = shutil.copytree(tmp_path / "critic_node" / "budgetml_critic", site / "budgetml_critic")
    (package / "rules.py").write_text(RULES)
    (site / "budgetml_critic-0.1.0.dist-info").mkdir()
    points = tomllib.loads((tmp_path / "critic_node" / "pyproject.toml").read_text())["project"][
        "entry-points"
    ]
    (site / "budgetml_critic-0.1.0.dist-info" / "entry_points.txt").write_text(
        "\n".join(
            f"[{g}]\n" + "\n".join(f"{k} = {v}" for k, v in named.items()) for g, named in points.items()
        )
    )
    spec = GraphSpec.load(tmp_path / "critic_node" / "critic.yaml", check=False)
    spec.set_node("critic", run="critic")  # by its entry point
    spec.connect("critic", "END", when="budgetml_critic.rules:noted", by="critic")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    spec.save(elsewhere / "mine.yaml")
    with FaultServer(respond=team) as server:
        events = run_tiny(tmp_path, elsewhere, "mine.yaml", server, PYTHONPATH=str(site))
    assert [event["node"] for event in events] == ["executor", "evaluator", "critic"]
    route = events[-1]["route"]
    assert route["rule"] == "budgetml_critic.rules:noted by=critic → END"
    assert route["saw"] == {"by": "critic", "notes": ["critic"]}


def test_in_the_repository_what_it_writes_passes_its_checks(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "recordings", "benchmarks", "bundled", ".*")
    for folder in ("budgetmlagent", "graphs", "nodes", "memory", "prompts", "tests", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, tmp_path / file)
    path, other = {"PYTHONPATH": str(tmp_path)}, "an_other_name_of_30_characters"
    assert "docs/graphs.md" in sh("budgetml new node critic", tmp_path, **path)
    sh(f"budgetml new node {other} --after planner --graph with_critic", tmp_path, **path)
    sh("python tests/generated.py --check", tmp_path, **path)
    assert "## with_critic" in (tmp_path / "docs" / "graphs.md").read_text()
    made = [f"{folder}/{name}.py" for name in ("critic", other) for folder in ("nodes", "tests")]
    made = [file.replace("tests/", "tests/test_") for file in made]
    sh("ruff format --check " + " ".join(made), tmp_path)
    sh("ruff check " + " ".join(made), tmp_path)
    sh(f"mypy --strict --cache-dir {tmp_path / 'cache'} nodes/critic.py", tmp_path, **path)
    assert "6 passed" in sh(f"pytest -q -n0 -p no:cacheprovider {made[1]} {made[3]}", tmp_path, **path)
    sh("lint-imports --no-cache", tmp_path, **path)


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
        (["node", "line"], "node name 'line': is a name that the example itself uses"),
        (["node", "critic", "--after", "plannr"], "graph budgetml: unknown node 'plannr' (did you mean 'planner'?)"),
        (["node", "critic", "--graph", "budgetm"], "unknown graph 'budgetm' (did you mean 'budgetml'?)"),
        (["node", "critic", "--out", "full"], "full/critic.yaml: is there already; nothing was written"),
        (["node", "critic", "--out", "file.txt"], "file.txt: is a file; give the path of a folder"),
        (["graph", "mine", "--from", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["graph", "budgetml"], "graph name 'budgetml': is a shipped graph's name; take another"),
        (["graph", "a b"], "graph name 'a b': letters, digits and -._ are needed; take another"),
        (["graph", "mine", "--out", "mine.txt"], "--out mine.txt: a file that ends in .yaml is needed"),
        (["graph", "mine", "--out", "full/critic.yaml"], "full/critic.yaml: is there already"),
        (["graph", "mine", "--out", "file.txt/mine.yaml"], "file.txt: cannot be written: "),
    ],
)  # fmt: skip
def test_what_is_refused_is_one_line_and_writes_nothing(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full/critic.yaml").touch()
    Path("file.txt").touch()
    assert call(["new", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert sorted(map(str, Path().rglob("*"))) == ["file.txt", "full", "full/critic.yaml"]


def test_a_graph_is_copied_with_its_comments(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(["new", "graph", "mine"]) == 0
    assert "budgetml run digits --graph mine.yaml" in capsys.readouterr().out
    text = Path("mine.yaml").read_text()
    assert text.startswith("# Remember") and "name: mine\n" in text and "# recall: no model, the best" in text
    copied, origin = GraphSpec.load("mine.yaml"), GraphSpec.load("budgetml")
    assert (copied.nodes, copied.rules) == (origin.nodes, origin.rules)
    assert call(["new", "graph", "cheap", "--from", "mine.yaml", "--out", "deep/er.yaml"]) == 0
    assert call(["graph", "lint", "deep/er.yaml"]) == 0 and GraphSpec.load("deep/er.yaml").name == "cheap"


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
