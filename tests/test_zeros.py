"""Zeros in front: ids and labels come out of a submission as they went into the table."""

from pathlib import Path

import pandas as pd
import pytest
from forked import run
from test_cases_tables import brief

from budgetmlagent.inside.briefing.layout import same
from budgetmlagent.inside.briefing.reading import calls
from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.newtask import planned, write
from budgetmlagent.new.tablefile import read_table
from memory.cases import as_item, load_cases
from nodes.craft.render import render

CASES = {case.name: case for case in load_cases(Path(__file__).parents[1] / "memory" / "cases")}
ROWS = 120


def made(folder: Path, content: str, target: str = "y") -> Plan:
    """The plan of a table, whose task lies in `folder`/task."""
    (folder / "t.csv").write_text(content)
    found = plan(read_table(folder / "t.csv"), target, None, 0)
    write(planned(found, folder / "task", 0), folder / "task")
    return found


def submitted(folder: Path, script: str) -> pd.DataFrame:
    status, output = run(script, folder / "task" / "env")
    assert status == 0, output
    return pd.read_csv(folder / "task" / "env" / "submission.csv", dtype=str)


def table(key: str, label: str) -> str:
    rows = (f"{key.format(n * 7)},{n % 11}.5,{'uvw'[n % 3]},{label.format(n % 3 * 5)}\n" for n in range(ROWS))
    return "customer_id,a,b,y\n" + "".join(rows)


@pytest.mark.parametrize(
    ("key", "label", "strings"),
    [("{:05d}", "{:03d}", ["customer_id", "y"]), ("{:05d}", "{}", ["customer_id"]), ("{}", "{:02d}", ["y"]), ("{}", "{}", [])],
)  # fmt: skip
def test_ids_and_labels_are_submitted_as_they_were_read(
    key: str, label: str, strings: list[str], tmp_path: Path
) -> None:
    found = made(tmp_path, table(key, label))
    assert (found.id, found.strings, found.kind) == ("customer_id", strings, "multiclass")
    said = submitted(tmp_path, (tmp_path / "task" / "env" / "train.py").read_text())
    answers = pd.read_csv(tmp_path / "task" / "scoring" / "answers.csv", dtype=str)
    assert said["customer_id"].tolist() == answers["customer_id"].tolist()
    assert set(said["customer_id"]) <= {key.format(n * 7) for n in range(ROWS)}
    assert set(said["y"]) <= {label.format(n * 5) for n in range(3)}


def test_a_case_submits_them_so_and_does_not_learn_from_the_id(tmp_path: Path) -> None:
    made(tmp_path, table("{:05d}", "{:03d}"))
    starter = (tmp_path / "task" / "env" / "train.py").read_text()
    said = submitted(tmp_path, starter)
    (tmp_path / "task" / "out").mkdir()
    (tmp_path / "task" / "env" / "submission.csv").rename(tmp_path / "task" / "out" / "submission.csv")
    facts = brief(tmp_path / "task", starter, "accuracy", "max")
    assert "customer_id" not in facts["table"]["features"]
    script = render(as_item(CASES["table_boosting"]), facts, seed=0, seconds=60)
    again = submitted(tmp_path, script)
    assert again["customer_id"].tolist() == said["customer_id"].tolist()
    assert set(again["y"]) <= {"000", "005", "010"}


def test_a_number_with_zeros_in_front_stays_a_number_and_that_is_said(tmp_path: Path) -> None:
    rows = "".join(f"{n * 37 % 997:04d},{n % 7},{n * 3.7:09.3f}\n" for n in range(ROWS))
    found = made(tmp_path, "zip,a,y\n" + rows)
    assert (found.kind, found.strings, "zip" in found.columns.numbers) == ("regression", [], True)
    assert any("--as COLUMN=category): 'zip'" in note for note in found.notes)


def test_numbers_that_are_equal_but_for_zeros_tell_no_rows_apart(tmp_path: Path) -> None:
    rows = "".join(f"{'0' * (n % 2)}{n // 2 + 1},{n % 7},{n % 2}\n" for n in range(ROWS))
    assert made(tmp_path, "id,a,y\n" + rows).id == "row_id"


@pytest.mark.parametrize(
    ("kinds", "read"),
    [
        ('{"a": str, "b": int, **more}', {"dtype": {"a": "str"}}), ("str", {}), ("dict.fromkeys(names, str)", {}), ('{"b": int}', {}),
        ('{a: str, 3: str}', {}),
    ],
)  # fmt: skip
def test_what_the_starter_reads_as_text_is_read_so_by_others(kinds: str, read: dict) -> None:
    assert calls(f'import pandas as pd\nx = pd.read_csv("t.csv", dtype={kinds})') == {
        "t.csv": ("read_csv", read)
    }


def test_an_id_may_have_lost_its_zeros_on_the_way() -> None:
    kept, lost = pd.Series(["007", "0", "a0"]), pd.Series(["7", "0", "a0"])
    assert same(kept, lost) and same(pd.Series([7, 10]), pd.Series(["007", "010"]))
    assert not same(kept, pd.Series(["70", "0", "a0"])) and not same(pd.Series(["0a"]), pd.Series(["a"]))
