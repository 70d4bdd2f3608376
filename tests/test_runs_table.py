"""The table of all runs, and the command where its folder is not on PATH."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import budgetmlagent
from budgetmlagent.errors import UnavailableError, UsageError

RECORDINGS = Path(__file__).parent / "recordings"


def test_a_folder_of_runs_is_a_table_with_what_is_looked_for_in_front():
    table = budgetmlagent.runs(RECORDINGS)
    assert isinstance(table, pd.DataFrame) and len(table) == len(list(RECORDINGS.glob("*/run.json")))
    assert list(table.columns[:3]) == ["run_id", "task", "graph"] and table["usd"].dtype == float
    told = json.loads((RECORDINGS / "digits" / "run.json").read_text())
    (row,) = table[table["run_id"] == told["run_id"]].to_dict("records")
    assert row["gain_pct"] == told["gain_pct"] and set(told) <= set(row)


def test_so_is_a_file_of_summaries_and_an_empty_folder(tmp_path):
    file = RECORDINGS.parent / "benchmarks" / "arms.jsonl"
    assert len(budgetmlagent.runs(file)) == len(file.read_text().splitlines())
    assert budgetmlagent.runs(tmp_path).empty
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    (tmp_path / "results.json").write_text(json.dumps(rows))  # as a bench writes it
    assert budgetmlagent.runs(tmp_path / "results.json").equals(budgetmlagent.runs(file))


def test_what_cannot_be_read_is_one_line(tmp_path):
    for place in (tmp_path / "none", tmp_path / "none.jsonl"):
        with pytest.raises(UsageError, match=r"runs\('.*none.*'\): ") as error:
            budgetmlagent.runs(place)
        assert "\n" not in str(error.value)
    for name, text in {"odd.jsonl": "{}\n[", "odd.json": '{"a": 1}', "list.json": "[1]"}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(UnavailableError, match="is no file of summaries"):
            budgetmlagent.runs(tmp_path / name)


def test_without_pandas_it_says_what_to_install():
    code = "import sys; sys.modules['pandas'] = None\nimport budgetmlagent\nbudgetmlagent.runs()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        "a table of runs needs pandas: pip install 'budgetmlagent[local]'"
    )


def test_the_command_runs_as_a_module_where_its_folder_is_not_on_path(tmp_path):
    bare = os.environ | {"PATH": os.defpath, "PYTHONPATH": str(RECORDINGS.parents[1])}
    command = [sys.executable, "-m", "budgetmlagent", "list", "--json", "--runs-dir", str(tmp_path)]
    done = subprocess.run(command, env=bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
