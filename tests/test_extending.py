"""docs/extending.md: every block on the page is a file that is used, or a command that runs."""

import json
import random
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import forked
import pytest
import tiny
from fault_server import FaultServer

NEW = "node_of_this_test"  # the page's own example may be in the repository already, where a reader has tried it
PAGE = (
    (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8").replace("critic", NEW)
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:# |\{# )([\w.]+\.\w+)(?: #\})?\n")
BIN = Path(sys.executable).parent


def blocks(kind: str) -> list[str]:
    return [text for language, text in BLOCK.findall(PAGE) if language == kind]


def files() -> dict[str, str]:
    """The page's files by name, as the comment in the first line has it; of a file told in parts, all of them."""
    whole: dict[str, str] = {}
    for block in told():
        named = NAMED.match(block)
        assert named, block
        whole[named[1]] = whole.get(named[1], "") + block
    return whole


def told() -> list[str]:
    return [block for kind in ("python", "jinja", "yaml") for block in blocks(kind)]


@pytest.fixture
def folder(tmp_path):
    """A user's folder with the page's files in it, and models that a scripted server plays."""
    rng = random.Random(0)
    rows = [(i, rng.randint(20, 200), rng.choice("abc")) for i in range(200)]
    lines = [f"{i},{size},{place},{size * 3 + rng.random():.2f}" for i, size, place in rows]
    (tmp_path / "houses.csv").write_text("\n".join(["id,size,place,price", *lines]) + "\n")
    with FaultServer(respond=tiny.team) as server:
        for name, text in files().items():
            if name != "mine.yaml":  # which make_graph.py writes
                (tmp_path / name).write_text(text.replace("http://127.0.0.1:8191/v1", server.url))
        yield tmp_path, server


def sh(script: str, folder: Path, server: FaultServer) -> list[dict]:
    """Run a block's commands as they stand, `digits` being the tiny task; return the run's events, if it has one."""
    task, models = tiny.task(folder / "tasks"), tiny.models(folder / "tasks", server.url)
    options = f"--turns 1 --history off --runs-dir {folder / 'runs'}"
    options += "" if "--models" in script else f" --models {models}"
    script = script.replace("budgetml run digits", f"budgetml run {task} {options}")
    place = folder
    for line in script.splitlines():
        program, *words = shlex.split(line)
        if program == "cd":
            place /= words[0]
            continue
        with chdir(place):
            done = forked.command(*words) if program == "budgetml" else subprocess.run(
                [BIN / program, *words], capture_output=True, text=True, check=False
            )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    found = list((folder / "runs").glob("*/events.jsonl"))
    return [json.loads(line) for line in found[0].read_text().splitlines()] if found else []


def test_the_commands_for_a_node(folder):
    events = sh(blocks("sh")[0], *folder)
    assert NEW in [event["node"] for event in events]
    made = folder[0] / f"{NEW}_node"
    written = {str(path.relative_to(made)) for path in made.glob("**/*.*")}
    assert written >= set(re.findall(r"^\| `(.*?)`", PAGE, re.MULTILINE))


def test_the_command_for_a_nodes_test(folder):
    sh(blocks("sh")[1], *folder)


def test_a_graph_with_a_node_a_rule_a_prompt_and_a_model_of_ones_own(folder):
    events = sh(blocks("sh")[2], *folder)
    mine = (folder[0] / "mine.yaml").read_text().splitlines()
    for line in files()["mine.yaml"].splitlines()[1:]:
        assert [one for one in mine if one.startswith(line)], line
    pulses = [event for event in events if event["node"] == "pulse"]
    (passed,) = pulses[0]["route"]["passed"]
    assert passed == {"rule": "my_rules:stalled beats=4 → END", "saw": {"seen": 1, "gained": False}}
    asked = [request.body for request in folder[1].requests]
    coded = [
        body for body in asked if "You write one complete Python script" in body["messages"][0]["content"]
    ]
    assert coded and "Make this change: use the sign of x" in coded[0]["messages"][1]["content"]
    assert {body["model"] for body in coded} <= {"qwen2.5-coder", "a-larger-one", "the-dear-one"}


def test_the_rule_fires_where_it_should(folder, monkeypatch):
    from graphs.registry import load_predicate
    from memory.state import RunState

    monkeypatch.syspath_prepend(folder[0])
    stalled = load_predicate("my_rules:stalled")
    state = RunState(task={"baseline": 0.5}, best={"score": 0.5}, notes={"pulse": {"seen": 4}})
    assert stalled(state, beats=4).holds and not stalled(state, beats=5).holds


def test_the_commands_for_a_task(folder):
    sh(blocks("sh")[3], *folder)
    assert (folder[0] / "houses" / "task.yaml").exists() and not (folder[0] / "runs").exists()


def test_every_block_is_used():
    assert len(blocks("sh")) == 4 and len(BLOCK.findall(PAGE)) == 4 + len(told())
    assert PAGE.count("\n```") == 2 * len(BLOCK.findall(PAGE))
