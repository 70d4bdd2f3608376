"""What flatters a score is pointed out, left out, or kept on one side: columns that tell the target, counters, copies, groups."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.leaks import counters, told
from budgetmlagent.new.parts import AT_RANDOM, Apart
from budgetmlagent.new.tablefile import read_table
from budgetmlagent.tasks.split import groups_of, split_rows

N = 300
RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=N).round(3), RNG.integers(1, 40, N)
LABEL = np.where(X + RNG.normal(size=N) > 0, "yes", "no")


def planned(folder: Path, frame: pd.DataFrame, apart: Apart = AT_RANDOM) -> Plan:
    frame.to_csv(folder / "t.csv", index=False)
    return plan(read_table(folder / "t.csv"), "y", None, 0, apart)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (np.where(LABEL == "yes", "closed-", "open-") + (Z % 3).astype(str).astype(object), "exactly"),  # many to one
        (np.where(LABEL == "yes", Z + 100, Z), "exactly"),
        (pd.Series(X).where(LABEL == "yes"), "by its gaps exactly"),
        (np.where(LABEL == "yes", abs(X) + 1, -abs(X)), "exactly, by where it lies"),
        (np.where(np.arange(N) == 7, "odd", LABEL), "exactly"),
        (np.where(np.arange(N) == 7, "no", np.where(np.arange(N) == 8, "yes", LABEL)), "in 99."),
        (X, None), (Z, None), (np.arange(N), None), (np.where(X > 0, "a", "b"), None), ([f"k{n}" for n in range(N)], None),
    ],
)  # fmt: skip
def test_a_column_that_tells_the_label_is_pointed_out(column, words: str | None) -> None:
    notes = list(told(pd.DataFrame({"x": column, "z": X, "y": LABEL}), "y", "", labels=True))
    assert (words is None and notes == []) or (
        len(notes) == 1 and "'x' tells 'y'" in notes[0] and str(words) in notes[0]
    )


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (X * 1.8 + 32, "'x' tells 'y' exactly: it rises and falls with it"), (np.exp(X), "'x' tells 'y'"), ((X * Z).round(2), "a multiple of 'x' * 'z'"),
        (X / Z, "'x' / 'z'"), (X - 3 + Z, "told by 'x' + 'z'"), (Z - X, "told by 'x' - 'z'"), (X + 2 * Z - 0.5 * X[::-1], "a sum of 'x', 'z', 'w'"),
        (X + RNG.normal(size=N), None), (X * Z + RNG.normal(size=N), None),
    ],
)  # fmt: skip
def test_columns_that_make_the_target_by_arithmetic_are_pointed_out(made, words: str | None) -> None:
    frame = pd.DataFrame({"x": X, "z": Z, "w": X[::-1], "y": made})
    notes = list(told(frame, "y", "", labels=False))
    assert (words is None and notes == []) or (len(notes) == 1 and str(words) in notes[0])


def test_a_counter_of_a_sorted_table_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"rownames": range(1, N + 1), "down": range(N, 0, -1), "x": X, "y": sorted(LABEL)})
    made = planned(tmp_path, frame)
    assert made.header == ["id", "x", "y"] and sum("only counts the rows" in note for note in made.notes) == 2
    assert planned(tmp_path, frame[["rownames", "y"]]).header == [
        "id",
        "rownames",
        "y",
    ]  # there is nothing else to learn from
    columns = {
        "year": pd.Series(range(1700, 2000)),
        "id": pd.Series(range(N)),
        "tens": pd.Series(range(0, 3000, 10)),
        "x": pd.Series(Z),
    }
    assert counters(list(columns), columns) == ["tens"]


def sides(made: Plan, name: str) -> tuple[set[str], set[str]]:
    place = made.header.index(name)
    return {row[place] for row in made.train}, {row[place] for row in made.test}


@pytest.mark.parametrize("times", [2, 3, 10])
def test_copies_of_a_row_are_kept_in_one_part(times: int, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": X, "z": Z, "y": LABEL})
    made = planned(tmp_path, pd.concat([frame] * times).sample(frac=1, random_state=0))
    train, test = sides(made, "x")
    alone = {str(x) for x, n in pd.Series(X).value_counts().items() if n == 1}
    assert not train & test & alone and len(made.train) + len(made.test) == times * N
    assert abs(len(made.test) - times * N / 5) <= times
    assert any(f"{N} rows occur more than once" in note for note in made.notes)


def test_rows_of_a_few_categories_are_no_copies(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": Z % 3, "z": np.where(X > 0, "a", "b"), "y": LABEL})
    made = planned(tmp_path, frame)
    assert not any("more than once" in note for note in made.notes) and len(made.test) == 60


def visits() -> pd.DataFrame:
    patients = np.repeat(np.arange(50), 6)
    days = pd.Series(pd.date_range("2020-01-01", periods=N)).dt.strftime("%d.%m.%Y")
    return pd.DataFrame(
        {"patient": patients, "day": days.sample(frac=1, random_state=1).to_numpy(), "x": X, "y": LABEL}
    )


def test_groups_and_times_are_held_out_as_they_were_asked_for(tmp_path: Path, capsys) -> None:
    frame = visits()
    train, test = sides(planned(tmp_path, frame, Apart(group="patient")), "patient")
    assert not train & test and len(test) == 10
    train, test = sides(planned(tmp_path, frame, Apart(time="day")), "day")
    assert max(train) < min(test) and len(test) == 60
    both = planned(tmp_path, frame, Apart(group="patient", time="day"))
    last = pd.DataFrame(both.test, columns=both.header).groupby("patient")["day"].min()
    first = pd.DataFrame(both.train, columns=both.header).groupby("patient")["day"].max()
    assert len(last) == 50 and (last > first[last.index]).all()
    path = str(tmp_path / "t.csv")
    for number, options in enumerate((["--group", "patient"], ["--time", "day"])):
        out = tmp_path / str(number)
        assert call(["new", "task", "--data", path, "--target", "y", "--out", str(out), *options]) == 0
        script = (out / "env/train.py").read_text()
        assert ("GroupShuffleSplit(" in script, "argsort" in script) == (number == 0, number == 1)
        assert ('"patient"]\nX' in script) is False and "as `budgetml new task` was told" in (
            out / "task.yaml"
        ).read_text()
        compile(script, "train.py", "exec")
    assert "keeps them together" not in capsys.readouterr().out.partition("--group")[0]


def test_the_rows_of_one_group_are_pointed_out(tmp_path: Path) -> None:
    frame = visits().rename(columns={"patient": "patient_id"})
    assert any("--group 'patient_id' keeps them together" in note for note in planned(tmp_path, frame).notes)
    assert not any("keeps them" in note for note in planned(tmp_path, frame, Apart(group="patient_id")).notes)


def test_the_public_and_the_private_half_share_no_group(tmp_path: Path) -> None:
    visits().to_csv(tmp_path / "t.csv", index=False)
    data, out = str(tmp_path / "t.csv"), tmp_path / "task"
    assert (
        call(["new", "task", "--data", data, "--target", "y", "--group", "patient", "--out", str(out)]) == 0
    )
    answers, groups = (out / "scoring/answers.csv").read_text(), groups_of(out / "scoring", "task")
    halves = [[groups[key] for key in ids(half)] for half in split_rows(answers, "task", groups)]
    assert not set(halves[0]) & set(halves[1]) and len(halves[0]) == len(halves[1]) == 30
    plain = [{groups[key] for key in ids(half)} for half in split_rows(answers, "task")]
    assert plain[0] & plain[1]  # which is what the file is for


@pytest.mark.parametrize(
    ("sizes", "public"), [([9, 1], 1), ([5, 4, 3, 2], 7), ([1, 1, 1], 1), ([10, 2, 2, 2], 6)]
)
def test_uneven_groups_make_halves_as_even_as_can_be(sizes: list[int], public: int) -> None:
    groups = {f"{group}-{row}": str(group) for group, size in enumerate(sizes) for row in range(size)}
    text = "id,y\n" + "".join(f"{key},1\n" for key in groups)
    assert [len(ids(half)) for half in split_rows(text, "t", groups)] == [public, sum(sizes) - public]
    assert split_rows(text, "t", groups) == split_rows(text, "t", dict(reversed(groups.items())))


def test_groups_that_split_nothing_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="all answers belong to one group"):
        split_rows("id,y\n1,2\n3,4\n", "t", {"1": "a", "3": "a"})
    (tmp_path / "groups.csv").write_text("id,group\n1\n")
    with pytest.raises(UsageError, match="other than two cells"):
        groups_of(tmp_path, "t")


def ids(half: str) -> list[str]:
    return [line.split(",")[0] for line in half.split()[1:]]


def panel(frame: pd.DataFrame, folder: Path) -> set[str]:
    """What is offered."""
    return set(re.findall(r"--(?:group|time) '\w+'", " ".join(planned(folder, frame).notes)))


def test_series_that_lie_one_after_another_are_groups_in_the_order_of_time(tmp_path: Path) -> None:
    places, years = np.repeat([f"p{n:02}" for n in range(30)], 10), np.tile(np.arange(1990, 2000), 30)
    frame = pd.DataFrame({"place": places, "year": years, "x": X, "y": LABEL})
    assert panel(frame, tmp_path) == {"--group 'place'", "--time 'year'"}
    months = pd.Series(pd.date_range("2020-01-01", periods=10, freq="MS").strftime("%d.%m.%Y").tolist() * 30)
    assert panel(frame.assign(year=months), tmp_path) == {"--group 'place'", "--time 'year'"}
    assert panel(frame.sample(frac=1, random_state=0), tmp_path) == set()
    assert panel(frame.assign(year=RNG.integers(1990, 2000, N)), tmp_path) == set()
    assert panel(frame.rename(columns={"year": "size"}), tmp_path) == set()
    assert not any("'place'" in note for note in planned(tmp_path, frame, Apart("place", "year")).notes)


@pytest.mark.parametrize(
    ("name", "offered"), [("Subject", True), ("patient", True), ("user_id", True), ("session", True), ("subjective", False), ("colour", False)]
)  # fmt: skip
def test_columns_that_are_called_after_persons_are_groups(name: str, offered: bool, tmp_path: Path) -> None:
    frame = pd.DataFrame({name: RNG.integers(0, 60, N), "x": X, "y": LABEL})
    assert (f"--group {name!r}" in panel(frame, tmp_path)) == offered
    told_by_it = frame.assign(**{name: np.where(LABEL == "yes", 1, 2)})
    assert panel(told_by_it, tmp_path) == set()  # what tells the target is no group


@pytest.mark.parametrize(("digits", "seen"), [(0, True), (1, True), (3, True)])
def test_a_sum_is_seen_through_its_rounding(digits: int, seen: bool) -> None:
    low = RNG.gamma(3, 20, N).round(1)
    frame = pd.DataFrame({"low": low, "high": low * 1.5 + Z, "y": ((low + low * 1.5 + Z) / 2).round(digits)})
    assert bool(told(frame, "y", "", labels=False)) == seen
    frame["y"] = (frame.y + RNG.normal(size=N) * 3).round(digits)  # nearly told is not told
    assert not told(frame, "y", "", labels=False)
