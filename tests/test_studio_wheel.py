"""What is installed from a wheel, with the core's dependencies alone and without Node, serves the page and finds what is shipped."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "NOTICE",
    "budgetmlagent",
    "graphs",
    "memory",
    "nodes",
    "prompts",
)
STATIC = {"": "index.html", "app.js": "app.js", "app.css": "app.css"}


def done(*command, **how):
    made = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """`budgetml` in a venv of its own; what is built lies beside, so that the repository stays as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    for name in BUILT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    done(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, folder / "source"
    )
    venv.create(folder / "venv", with_pip=True)
    (wheel,) = folder.glob("*.whl")
    done(folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    return folder / "venv" / "bin" / "budgetml"


@pytest.mark.soak
def test_a_wheel_in_a_clean_venv_without_node_serves_the_page(program, tmp_path):
    environ = {
        "HOME": str(tmp_path),
        "PATH": str(program.parent),
        "BUDGETML_CACHE": os.environ["BUDGETML_CACHE"],
    }
    assert not shutil.which("node", path=environ["PATH"])
    studio = subprocess.Popen(
        [program, "studio", "--no-open"], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    )
    with studio:
        address, _, token = studio.stdout.readline().strip().partition("#")
        try:
            static = ROOT / "budgetmlagent" / "studio" / "static"
            for path, name in STATIC.items():
                assert urllib.request.urlopen(f"{address}{path}").read() == (static / name).read_bytes()
            asked = urllib.request.Request(
                f"{address}api/catalogue",
                b"{}",
                {"X-Studio-Token": token, "Content-Type": "application/json"},
            )
            told = json.load(urllib.request.urlopen(asked))
        finally:
            studio.terminate()
    assert {"budgetml", "recall", "paper"} <= {graph["name"] for graph in told["graphs"]}
    assert {"planner", "coder"} <= {prompt["name"] for prompt in told["prompts"]}
