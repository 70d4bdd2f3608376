"""The notebooks: each runs from its top on recordings, and is kept with the outputs of a run without errors."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from graphs.registry import shipped_nodes

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_from_its_top(name):
    if name.startswith("04") and "critic" in shipped_nodes():
        pytest.skip(
            "its example, the node `critic`, is in the repository already: `budgetml new node` refuses the name"
        )
    script = Path(__file__).with_name("notebooks.py")
    # Pictures take most of the time: one notebook makes them, which has fewest.
    plain = [] if name.startswith("04") else ["--plain"]
    done = subprocess.run(
        [sys.executable, script, *plain, name], check=False, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_kept_with_its_outputs(name):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert "/tmp/" not in text and str(Path.home()) not in text


FAILED = {"status": "failed", "reason": "its starter fails"}
OTHERS = {
    "nothing but a run that failed": [FAILED],
    "one that cost nothing, on another task than one that failed": [
        FAILED | {"task": "b", "graph_file": "/v2/g.yaml", "task_folder": "/b"},
        {"status": "finished", "reason": "x", "gain_pct": 12.5, "success": True, "usd": 0.0, "turns": 3},
    ],
}


@pytest.mark.parametrize("rows", OTHERS.values(), ids=OTHERS)
def test_the_notebook_of_many_runs_tells_any_bench(rows, tmp_path):
    every = {
        "task": "a",
        "graph": "g",
        "task_folder": "/a",
        "graph_file": "/v1/g.yaml",
        "models_file": "",
        "seed": 0,
    }
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"cell": str(number)} | every | row for number, row in enumerate(rows)]))
    cells = nbformat.read(FOLDER / "05_many_runs.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    mine, changed = re.subn(r"^RESULTS = .*$", f"RESULTS = {str(results)!r}", code, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", mine],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MPLBACKEND": "agg"},
    )
    assert (changed, done.returncode) == (1, 0), done.stderr[-3000:]
    gained = [row for row in rows if row["status"] == "finished"]
    assert f"succeeded in {len(gained)} of 1 runs" in done.stdout
    assert ("No setting has gained anything." in done.stdout) == (not gained)
