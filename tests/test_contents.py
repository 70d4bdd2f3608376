"""What a briefing says of each file and of the machine, whatever the kind of the task: figures, and no row but where it may."""

import importlib
import json
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from array_tasks import checked
from hypothesis import given, settings
from hypothesis import strategies as st

program = importlib.import_module("budgetmlagent.inside.briefing.__main__")
contents, machine = program.load("contents"), program.load("machine")
SECRET = "jane doe 48151623"


@pytest.fixture
def briefed(tmp_path: Path):
    def make(data: str = "schema"):
        meta = {"text": "", "metric": "", "direction": "max", "starter": "", "data": data}
        out = tmp_path.parent / f"{tmp_path.name}-out"
        out.mkdir(exist_ok=True)
        return checked(program.plain(program.brief(tmp_path, out, meta)))

    return tmp_path, make


def people(rows: int = 30) -> pd.DataFrame:
    wide = {f"f{i}": np.linspace(0, i, rows) for i in range(40)}
    who = {"id": range(rows), "who": [SECRET] * rows, "kind": ["a", "b", None] * (rows // 3)}
    return pd.DataFrame(who | wide)


def test_tables_are_told_by_columns_and_alike_ones_by_what_differs(briefed):
    folder, make = briefed
    people().to_csv(folder / "train.csv", index=False)
    people().drop(columns="kind").to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"kind": ["a", "b"], "wave": [700.5, 4500]}).to_csv(folder / "kinds.csv", index=False)
    assert make()["contents"] == [
        "train.csv: 30 rows, 43 columns: id int 0..29; who str of 17 characters (1 values); kind str of 1 characters (2 values)"
        " 33.3% missing; f0 ... f39 (40 columns) float 0..39",
        "test.csv: 30 rows, 42 columns, those of train.csv without kind",
        "kinds.csv: 2 rows, 2 columns: kind str of 1 characters (2 values); wave float 700..4500",
    ]


def test_rows_are_told_of_every_table_of_its_own_and_only_where_they_may_be(briefed):
    folder, make = briefed
    people().to_csv(folder / "train.csv", index=False)
    people().drop(columns="kind").to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"kind": ["a"], "wave": [SECRET]}).to_csv(folder / "kinds.csv", index=False)
    for data in ("samples", "stays"):
        first, second = make(data)["rows"]
        assert first.startswith(f"train.csv: 0,{SECRET},a,0.0") and second == f"kinds.csv: a,{SECRET}"
    assert make()["rows"] == [] and SECRET not in json.dumps(make())


def test_arrays_texts_json_and_other_files_are_told(briefed):
    folder, make = briefed
    np.savez(
        folder / "a.npz",
        X=np.zeros((9, 4, 4), np.uint8),
        y=np.arange(9),
        s=np.array(["x", "y"]),
        e=np.zeros((0, 3)),
    )
    np.save(folder / "b.npy", np.full((3, 2), np.nan))
    (folder / "c.json").write_text(
        json.dumps({"alphabet": "abc", "contexts": ["ab", "ba"], "deep": {"x": [1]}})
    )
    (folder / "d.json").write_text(json.dumps({SECRET + str(i): [i] for i in range(30)}))
    (folder / "few.json").write_text(json.dumps({SECRET: 1}))
    (folder / "e.txt").write_text("ab\nba\n")
    for i in range(6):
        (folder / f"{i}.png").write_bytes(b"x")
    (folder / "w.bin").write_bytes(b"xyz")
    told = make()["contents"]
    assert "a.npz: X [9, 4, 4] uint8 0..0; y [9] int64 0..8; s [2] <U1 (2 values); e [0, 3] float64" in told
    assert (
        "c.json: {alphabet: text of 3 characters, contexts: list of 2 x text of 2 characters, deep: {x: list of 1 x int}}"
        in told
    )
    assert "d.json: object of 30 keys of list of 1 x int" in told
    assert "e.txt: 6 characters in 3 lines, 3 different ones" in told
    assert "./: 6 files .png" in told and "w.bin: 3 bytes" in told
    assert SECRET not in json.dumps(told)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(max_size=300), st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.text()), min_size=3, max_size=3), max_size=60))  # fmt: skip
def test_any_table_is_told_within_bounds(columns):
    frame = pd.DataFrame(columns)

    class Files:
        tables, arrays, values, texts, paths = {"t.csv": (frame, "")}, [], {}, {}, {"t.csv": Path(__file__)}

    class Given:
        files = Files

    told = contents.describe(Given)
    assert sum(map(len, told["contents"])) <= contents.WHOLE and sum(map(len, told["rows"])) <= 900


def test_libraries_are_those_that_are_installed_whatever_they_are(tmp_path, monkeypatch):
    for name, lines in (
        (
            "torchlike-9.1",
            ["Name: torchlike", "Version: 9.1", "Classifier: Topic :: Scientific/Engineering :: AI"],
        ),
        ("boostlike-2.0", ["Name: boostlike", "Version: 2.0", "Requires-Dist: numpy>=1.2"]),
        ("webby-1.0", ["Name: webby", "Version: 1.0", "Requires-Dist: numpy; extra == 'plots'"]),
        ("boost_stubs-2.0", ["Name: boost-stubs", "Version: 2.0", "Requires-Dist: numpy"]),
    ):
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.1\n" + "\n".join(lines) + "\n"
        )
    described = (
        "Name: talker\nVersion: 1.0\n\nClassifier: Topic :: Scientific/Engineering\nRequires-Dist: numpy\n"
    )
    (tmp_path / "talker-1.0.dist-info").mkdir()
    (tmp_path / "talker-1.0.dist-info" / "METADATA").write_text(described)
    for name, needs in (("oldlike", "numpy\n\n[plots]\nx\n"), ("oldweb", "x\n\n[plots]\nnumpy\n")):
        (tmp_path / f"{name}-1.0.egg-info").mkdir()
        (tmp_path / f"{name}-1.0.egg-info" / "PKG-INFO").write_text(f"Name: {name}\nVersion: 1.0\n")
        (tmp_path / f"{name}-1.0.egg-info" / "requires.txt").write_text(needs)
    monkeypatch.syspath_prepend(tmp_path)
    found = machine.libraries.__wrapped__()
    assert "torchlike 9.1" in found and "boostlike 2.0" in found and "oldlike 1.0" in found
    assert not any(line.startswith(("webby", "boost-stubs", "talker", "oldweb")) for line in found)
    assert f"numpy {metadata.version('numpy')}" in found
    assert found.index("scikit-learn " + metadata.version("scikit-learn")) < found.index("torchlike 9.1")
