"""`budgetml new task` shows what it understood, takes corrections, and asks at a terminal before it writes."""

import os
import pty
from pathlib import Path
from types import SimpleNamespace

import forked
import numpy as np
import pandas as pd
import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.new import corrected, newtask, preview
from budgetmlagent.new.fromtable import Columns, Plan, plan
from budgetmlagent.new.tablefile import read_table

N = 120
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({
    "zip": RNG.choice(["01234", "94110", "10115"], N), "grade": RNG.integers(1, 6, N), "when": [f"{n % 28 + 1:02}.{n % 12 + 1:02}.2021" for n in range(N)],
    "stamp": RNG.integers(1_600_000_000, 1_700_000_000, N), "cost": [f"${n:,}.50" for n in RNG.integers(1, 5000, N)],
    "size": RNG.choice(["1", "2", "3", "big"], N), "note": RNG.choice(["fine", "so so", ""], N), "key": [f"k{n}" for n in RNG.permutation(N)],
    "y": RNG.choice(["a", "b"], N),
})  # fmt: skip


def planned(folder: Path, target: str = "y", metric: str | None = None, **said: object) -> Plan:
    FRAME.to_csv(folder / "t.csv", index=False)
    given = {"kind": "", "drop": [], "types": [], "texts": [], "dates": []} | said
    return plan(read_table(folder / "t.csv"), target, metric, 0, said=corrected.parsed(*given.values()))


def test_a_code_of_digits_is_a_category_for_every_script(tmp_path: Path) -> None:
    assert "zip" in planned(tmp_path).columns.numbers
    made = planned(tmp_path, types=["zip=category"])
    assert "zip" in made.columns.categories and set(made.frame["zip"]) == {"_01234", "_94110", "_10115"}
    assert any("is written _" in note for note in made.notes)
    made = planned(tmp_path, types=["note=category", "cost=category"])
    assert set(made.frame["note"].dropna()) == {"fine", "so so"}  # what is no number is left as it is
    assert made.frame["cost"].str.startswith("$").all()


def test_numbers_dates_texts_and_ids_are_what_is_said(tmp_path: Path) -> None:
    made = planned(tmp_path, types=["size=number", "key=id"], texts=["note"], dates=["when", "stamp"])
    assert "size" in made.columns.numbers and made.frame["size"].max() == 3
    assert any("do not fit, the first 'big'" in note for note in made.notes)
    assert made.columns.texts == ["note"] and made.id == "key"
    assert {"when", "stamp"} <= set(made.dates) and made.frame["stamp"].str.startswith("20").all()
    assert not {"when", "stamp"} & set(made.columns.numbers)


def test_the_kind_is_what_is_said(tmp_path: Path) -> None:
    assert planned(tmp_path, "grade").kind == "multiclass"
    made = planned(tmp_path, "grade", kind="regression")
    assert (made.kind, made.metric.name, made.labels) == ("regression", "rmse", [])
    assert planned(tmp_path, "cost", kind="regression").frame["cost"].dtype.kind == "f"
    assert planned(tmp_path, "size", kind="classification").labels == ["1", "2", "3", "big"]


def test_a_column_that_is_dropped_is_in_no_file(tmp_path: Path, capsys) -> None:
    made = planned(tmp_path, drop=["cost", "note", "cost"])
    assert not {"cost", "note"} & set(made.header)
    out = str(tmp_path / "task")
    assert call(["new", "task", "--data", str(tmp_path / "t.csv"), "--target", "y", "--drop", "cost", "--drop", "key", "--out", out]) == 0  # fmt: skip
    assert all("cost" not in file.read_text() for file in Path(out).rglob("*.*"))
    assert "left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"types": ["zip=id"]}, "stands in several rows"), ({"types": ["note=number"]}, "'note': 'so so' in row "), ({"types": ["note=date"]}, "is not a date"),
        ({"types": ["zip=nubmer"]}, "did you mean 'number'"), ({"types": ["zip"]}, "write COLUMN=TYPE"), ({"types": ["zpi=text"]}, "did you mean 'zip'"),
        ({"types": ["zip=text"], "dates": ["zip"]}, "is said to be text, too"), ({"types": ["key=id", "note=id"]}, "cannot all be the row id"),
        ({"types": ["y=number"]}, "--kind says what it is"), ({"drop": ["y"]}, "another option uses"), ({"drop": ["zip"], "types": ["zip=text"]}, "another option"),
        ({"drop": ["nix"]}, "--drop 'nix': no such column"), ({"kind": "other"}, "one of classification, regression is needed"),
        ({"kind": "regression"}, "--kind regression: 'y' holds 'b', which is no number|holds 'a', which"),
    ],
)  # fmt: skip
def test_what_cannot_be_so_is_one_line(said: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as error:
        planned(tmp_path, **said)
    assert "\n" not in str(error.value)


def test_the_table_shows_every_column_with_its_role(tmp_path: Path) -> None:
    made = planned(tmp_path, drop=["stamp"], types=["key=id"])
    rows = {name: rest for name, *rest in preview.rows(made, list(FRAME))}
    assert list(rows) == [*(name for name in FRAME if name != "stamp"), "stamp"]
    assert rows["y"][0] == "2 labels" and rows["y"][3] == "target, binary" and rows["key"][3] == "row id"
    assert rows["when"][0] == "date" and rows["note"][1].endswith("%") and rows["stamp"][3] == "left out"
    assert {"fine", "so so"} == set(rows["note"][2].split(", "))


def test_what_may_tell_the_target_comes_with_the_options_that_leave_it_out(tmp_path: Path, capsys) -> None:
    frame = FRAME.assign(**{"after it": FRAME.y + RNG.integers(1, 4, N).astype(str)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    command = ["new", "task", "--data", str(tmp_path / "t.csv"), "--target", "y", "--out"]
    assert call([*command, str(tmp_path / "a")]) == 0
    assert "--drop 'after it' leaves out what may tell 'y'" in capsys.readouterr().out
    assert call([*command, str(tmp_path / "b"), "--drop", "after it"]) == 0
    assert "leaves out" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("n\n", False),
        *(
            pytest.param(*case, marks=pytest.mark.soak)
            for case in (("\n", True), ("\x04", False), (None, True))
        ),
    ],
)
def test_a_terminal_is_asked_before_anything_is_written(
    answer: str | None, written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("t.csv", index=False)
    ours, theirs = pty.openpty()
    words = ("new", "task", "--data", "t.csv", "--target", "y", "--out", "task")
    more = ("--yes",) if answer is None else ()
    process = forked.begun([theirs] * 3, words + more, dict(os.environ))
    os.close(theirs)
    said = b""
    while True:
        try:
            new = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not new:
            break
        said += new
        if said.endswith(b"[Y/n] "):
            assert not (tmp_path / "task").exists()
            os.write(ours, str(answer).encode())
    process.join()
    assert (process.exitcode == 0) == written == (tmp_path / "task").exists()
    assert (b"[Y/n]" in said) == (answer is not None) and (b"nothing was written" in said) != written
    os.close(ours)


@pytest.mark.parametrize(
    ("rows", "columns", "letters", "limit"),
    [(100, 3, 0, (180, 2)), (90_000, 9, 0, (300, 2)), (60_000, 3, 400, (420, 3)), (400_000, 9, 0, (900, 5)), (200, 20_000, 0, (900, 6))],
)  # fmt: skip
def test_limits_follow_from_the_cells(rows: int, columns: int, letters: int, limit: tuple[int, int]) -> None:
    header = [f"c{place}" for place in range(columns)]
    texts = [header[0]] if letters else []
    row = ["x" * letters] * columns
    sized = SimpleNamespace(
        header=header, train=[row] * (rows - 50), test=[row] * 50, columns=Columns([], [], texts)
    )
    assert newtask.limits(sized) == limit


def test_r_s_names_of_rows_tell_the_rows_apart(tmp_path: Path) -> None:
    named = FRAME[["grade", "y"]].set_index(FRAME.key.rename(""))
    named.to_csv(tmp_path / "r.csv")
    made = plan(read_table(tmp_path / "r.csv"), "y", None, 0)
    assert made.id == "row_id" and made.columns.numbers == ["grade"]
    named.set_index(FRAME.zip.rename("")).to_csv(tmp_path / "r.csv")
    assert read_table(tmp_path / "r.csv").header[0] == "column_1"
