"""Where a task has no public answers, budgetml holds rows of the training table out: all attempts are scored on the same."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.scoring.heldout import HeldOutScorer
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.tasks.heldout import HeldOut, hold_out, read
from budgetmlagent.tasks.sharing import held_out
from memory.artifacts import Artifacts
from nodes.deps import Here, Score

ACCURACY = """import csv, os
HIGHER = True
def read(path):
    with open(path, newline="") as file:
        return {r["id"]: r["label"] for r in csv.DictReader(file)}
def get_score(folder):
    answers = read(os.path.join(os.path.dirname(__file__), "truth.csv"))
    said = read(os.path.join(folder, "submission.csv"))
    return sum(said[i] == label for i, label in answers.items()) / len(answers)
"""
SCRIPT = """import csv
with open("train.csv", newline="") as file:
    train = list(csv.DictReader(file))
with open("test.csv", newline="") as file:
    test = list(csv.DictReader(file))
def predict(row):
    return {rule}
with open("submission.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["id", "label"])
    out.writerows([row["id"], predict(row)] for row in test)
print("validation accuracy: {said}")
"""
STARTER = SCRIPT.format(rule="'yes' if int(row['a']) > 5 else 'no'", said="0.5")
BETTER = SCRIPT.format(rule="'yes' if int(row['a']) > 2 else 'no'", said="0.4")
BOASTS = SCRIPT.format(rule="'no' if int(row['a']) > 2 else 'yes'", said="0.99")


def table(header: str, rows: int, cells: Callable[[int], str], first: int = 0) -> str:
    return header + "\n" + "".join(f"{cells(i)}\n" for i in range(first, first + rows))


def label(i: int) -> str:
    return "yes" if i * 7 % 11 > 2 else "no"


FILES = {
    "env/train.py": STARTER,
    "env/train.csv": table("id,a,b,label", 200, lambda i: f"{i},{i * 7 % 11},{i},{label(i)}"),
    "env/test.csv": table("id,a,b", 60, lambda i: f"{i},{i * 7 % 11},{i}", first=200),
    "env/sample_submission.csv": table("id,label", 60, lambda i: f"{i},no", first=200),
    "env/notes/more.txt": "words",
    "scripts/eval.py": ACCURACY,
    "scripts/truth.csv": table("id,label", 60, lambda i: f"{i},{label(i)}", first=200),
    "scripts/research_problem.txt": "Predict the label.",
}
SUBMISSION = FILES["env/sample_submission.csv"].encode()


def task_in(folder: Path, **changed: str | None):
    for name, text in (FILES | changed).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return load_task(str(folder))


def held(folder: Path, submission: bytes = SUBMISSION, **changed: str | None) -> HeldOut | None:
    return hold_out(task_in(folder / "toy", **changed), submission)


def rows(text: str | bytes) -> list[dict[str, str]]:
    return list(csv.DictReader((text if isinstance(text, str) else text.decode()).splitlines()))


def test_a_fifth_of_the_rows_moves_into_the_test_table(tmp_path: Path) -> None:
    found = held(tmp_path)
    assert found is not None and found.answers == "truth.csv"
    train, test = rows(found.tables["train.csv"]), rows(found.tables["test.csv"])
    assert (len(train), len(test)) == (160, 40)
    assert set(test[0]) == {"id", "a", "b"} and set(train[0]) == {"id", "a", "b", "label"}
    assert {r["id"] for r in train} | {r["id"] for r in test} == {str(i) for i in range(200)}
    assert rows(found.truth) == [{"id": r["id"], "label": label(int(r["id"]))} for r in test]
    assert (
        found.ids == [r["id"] for r in test] == [r["id"] for r in rows(found.tables["sample_submission.csv"])]
    )


def test_the_rows_hang_on_the_task_alone(tmp_path: Path) -> None:
    reversed_rows = FILES["env/train.csv"].splitlines()
    text = "\n".join([reversed_rows[0], *reversed_rows[:0:-1]]) + "\n"
    one, other = held(tmp_path / "a"), held(tmp_path / "b", **{"env/train.csv": text})
    assert one is not None and other is not None and set(one.ids) == set(other.ids)


def test_rows_without_an_id_stand_in_the_place_of_test_rows(tmp_path: Path) -> None:
    found = held(
        tmp_path, **{"env/train.csv": table("a,b,label", 200, lambda i: f"{i * 7 % 11},{i},{label(i)}")}
    )
    assert found is not None and found.ids == [str(i) for i in range(200, 240)]
    assert "id" not in rows(found.tables["train.csv"])[0] and "id" in rows(found.tables["test.csv"])[0]


def test_twins_are_not_torn_apart(tmp_path: Path) -> None:
    twins = table("a,b,label", 300, lambda i: f"{i // 3},{i // 3},{label(i)}")
    found = held(tmp_path, **{"env/train.csv": twins})
    assert found is not None
    kept = {(r["a"], r["b"]) for r in rows(found.tables["train.csv"])}
    out = {(r["a"], r["b"]) for r in rows(found.tables["test.csv"])}
    assert len(out) > 10 and not kept & out


@pytest.mark.parametrize(
    ("submission", "changed"),
    [
        (b"\x89PNG", {}),
        (b"id,label\n1,no\n", {}),  # other rows than those of the test table
        (b"id,yes,no\n" + b"".join(b"%d,.5,.5\n" % i for i in range(200, 260)), {}),  # chances, which train.csv lacks
        (SUBMISSION, {"scripts/truth.csv": "id,label\n200,yes\n"}),
        (SUBMISSION, {"env/other.csv": FILES["env/train.csv"]}),  # which of the two is it
        (SUBMISSION, {"env/train.csv": table("id,a,b,label", 50, lambda i: f"{i},1,{i},no")}),
        (SUBMISSION, {"env/train.csv": table("id,b,label", 200, lambda i: f"{i},{i},no")}),
        (SUBMISSION, {"env/test.csv": None}),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_not_guessed(
    tmp_path: Path, submission: bytes, changed: dict[str, str | None]
) -> None:
    assert held(tmp_path, submission, **changed) is None


def test_a_table_is_read_as_it_was_written() -> None:
    found = read(b'\xef\xbb\xbfid,text\n1,"a, ""b""\nc"\n')
    assert found is not None and found.rows == [["1", 'a, "b"\nc']]
    for content in (b"", b"id\n", b"a,a\n1,2\n", b"a,b\n1\n", b"\xff\xfe", b'a\n"1'):
        assert read(content) is None


class Bench:
    """A task, its sandbox and its scorer."""

    def __init__(self, folder: Path, **changed: str | None) -> None:
        self.task = task_in(folder / "toy", **changed)
        self.place = (self.task, probe(), Artifacts(folder / "artifacts"), folder / "work")
        self.box, self.scorer = ScriptSandbox(*self.place), HeldOutScorer(*self.place)

    def score(self, script: str) -> Score:
        return self.scorer.score(self.box.run(Here(), script))


def test_attempts_are_scored_on_the_same_rows_whatever_they_print(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    starter, boasts, better = map(bench.score, (STARTER, BOASTS, BETTER))
    assert not starter.reported and len(starter.samples) > 20 and starter.paired
    assert bench.scorer.rows is not None and starter.rows == better.rows == len(bench.scorer.rows.ids) > 20
    assert boasts.value is not None and starter.value is not None
    assert boasts.value < starter.value < 1.0 == better.value
    # After a pause the parts are made anew: the same rows, and nothing is measured a second time on the starter.
    again = HeldOutScorer(*bench.place)
    assert again.score(bench.box.run(Here(), BETTER)) == better


def test_a_run_that_ended_goes_on_with_the_same_rows(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    before = bench.score(BETTER)  # the first that it sees is not the starter
    assert before.value == 1.0 and not before.reported


def test_a_script_that_fails_on_held_out_rows_has_no_score(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.score(STARTER)
    fails = BETTER.replace("def predict", "assert len(test) == 60\ndef predict")
    assert bench.score(fails) == Score(problem="on held-out rows the script fails: AssertionError")


def test_a_metric_that_knows_the_test_rows_leaves_the_scripts_own_word(tmp_path: Path) -> None:
    knows = ACCURACY.replace("    return sum", "    assert len(answers) == 60\n    return sum")
    bench = Bench(tmp_path, **{"scripts/eval.py": knows})
    assert bench.score(STARTER) == Score(0.5, reported=True)
    assert bench.score(BOASTS) == Score(0.99, reported=True)  # that is what held-out rows are for


def test_a_script_that_writes_no_table_is_taken_by_its_word(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        **{"env/train.py": "open('submission.txt', 'w').write('x')\nprint('validation score: 0.25')\n"},
    )
    assert bench.score(bench.task.starter) == Score(0.25, reported=True)


def held_rows(columns: dict[str, list[str]], how: str, *, most: int = 1000) -> list[int]:
    split = {"how": how, "by": "g", "time": "t"}
    return sorted(held_out(columns, list(columns), split, seed="toy", most=most))


N = 200
COLUMNS = {
    "g": [f"{i % 20}" for i in range(N)],
    "t": [f"{i}" for i in range(N)],
    "x": [f"{i}" for i in range(N)],
}


def test_where_the_test_rows_come_later_the_last_rows_are_held_out() -> None:
    assert held_rows(COLUMNS, "last") == [*range(160, N)]
    assert held_rows(COLUMNS, "last", most=15) == [*range(185, N)]
    dates = COLUMNS | {"t": [f"2020-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(N)]}
    assert held_rows(dates, "last") == [*range(160, N)]
    ties = COLUMNS | {"t": [f"{i // 50}" for i in range(N)]}  # a moment is not torn apart
    assert held_rows(ties, "last") == [] and held_rows(ties, "last", most=60) == []
    assert held_rows(COLUMNS | {"t": ["soon"] * N}, "last") == []  # is no time: then nothing is guessed


def test_of_each_group_its_last_rows_are_held_out() -> None:
    assert held_rows(COLUMNS, "last_in_group") == [*range(160, N)]
    of_one = COLUMNS | {"g": [f"{i // 10}" for i in range(N)]}
    assert held_rows(of_one, "last_in_group") == [i for i in range(N) if i % 10 >= 8]


def test_where_the_test_groups_are_new_whole_groups_are_held_out() -> None:
    found = held_rows(COLUMNS, "group")
    assert len(found) == 40 and {i % 20 for i in found}.isdisjoint(
        {i % 20 for i in range(N) if i not in found}
    )
    assert held_rows(COLUMNS | {"g": ["a"] * N}, "group") == []


@given(
    st.lists(st.integers(0, 30), min_size=100, max_size=300),
    st.integers(1, 400),
    st.sampled_from(["random", "group", "last", "last_in_group"]),
)
def test_no_more_rows_than_asked_are_held_out_and_never_most(values: list[int], most: int, how: str) -> None:
    columns = {
        "g": [str(v % 7) for v in values],
        "t": [str(v) for v in values],
        "x": [str(v * v) for v in values],
    }
    found = held_rows(columns, how, most=most)
    assert len(found) <= min(most, len(values) // 5) and set(found) <= {*range(len(values))}
