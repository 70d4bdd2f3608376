"""Copies of a row lie on one side, be there many columns or one; rows that chance makes equal are none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.tablefile import read_table

N = 400
RNG = np.random.default_rng(3)
X, WHOLE = RNG.uniform(0, 1, N).round(3), RNG.integers(18, 90, N)
PICK = RNG.integers(0, 9, N)
LABEL = np.where(RNG.normal(size=N) > 0, "yes", "no")
WORDS = [
    "now",
    "call",
    "me",
    "later",
    "love",
    "lunch",
    "today",
    "win",
    "free",
    "meet",
    "us",
    "sorry",
    "yes",
    "ok",
]
TEXTS = [" ".join(RNG.choice(WORDS, 9)) for _ in range(N)]
AGAIN = np.r_[np.arange(N), RNG.integers(0, N, 150)]
TOWNS = RNG.integers(0, 200, N)
DAYS_OLD = RNG.integers(1, 90, N)  # years
TITLES = [f"Senior Vice President of {kind} {n}" for kind in ("Sales", "Law") for n in range(20)]


def planned(folder: Path, frame: pd.DataFrame) -> Plan:
    frame.sample(frac=1, random_state=0).to_csv(folder / "t.csv", index=False)
    return plan(read_table(folder / "t.csv"), "y", None, 0)


def sides(made: Plan, names: Sequence[str]) -> list[set[tuple[str, ...]]]:
    places = [made.header.index(name) for name in names]
    return [{tuple(row[place] for place in places) for row in part} for part in (made.train, made.test)]


@pytest.mark.parametrize(
    "columns",
    [
        {"text": TEXTS}, {"text": TEXTS, "lang": ["en"] * N}, {"a": X, "b": PICK}, {"order_id": None, "a": X, "b": PICK},
        {"a": X, "b": WHOLE, "c": np.where(PICK > 4, "u", "v")},
        {"name": [f"n{n}" for n in TOWNS], "land": [f"l{n % 20}" for n in TOWNS], "a": X},
    ],
)  # fmt: skip
def test_copies_of_few_columns_are_seen(columns: dict[str, object], tmp_path: Path) -> None:
    frame = pd.DataFrame({name: cells for name, cells in columns.items() if cells is not None})
    frame = frame.assign(y=LABEL).iloc[AGAIN].reset_index(drop=True)
    if "order_id" in columns:
        frame.insert(0, "order_id", RNG.permutation(5000)[: len(frame)])
    made = planned(tmp_path, frame)
    names = [name for name in columns if name != "order_id"]
    train, test = sides(made, names)
    assert not train & test and len(made.train) + len(made.test) == len(AGAIN)
    assert any("occur more than once" in note for note in made.notes) and not made.leaks


def test_a_text_that_comes_several_times_is_no_leak(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [text + " please" for text in TEXTS], "y": LABEL})
    made = planned(tmp_path, pd.concat([frame.head(150)] * 3))
    assert not made.leaks and any("150 rows occur more than once" in note for note in made.notes)


@pytest.mark.parametrize(
    "columns",
    [
        {"age": WHOLE}, {"age": WHOLE, "b": PICK}, {"x": (X * 100).round() / 100}, {"price": np.exp(X * 9).round(-1)},
        {"town": [f"t{n}" for n in TOWNS], "land": [f"l{n % 30}" for n in TOWNS], "side": [f"s{n % 5}" for n in TOWNS]},
        {name: [f"{name}{n % size}" for n in TOWNS] for name, size in (("town", 60), ("land", 20), ("side", 5), ("sign", 4))} | {"colour": PICK % 4},
        {name: RNG.integers(1, 6, N) for name in "abcde"}, {"month": RNG.integers(1, 13, N), "day": RNG.integers(0, 7, N), "seats": RNG.integers(1, 7, N)},
        {"title": RNG.choice(TITLES, N)}, {"name": [f"n{n}" for n in RNG.integers(0, 3000, N)]},
    ],
)  # fmt: skip
def test_rows_that_chance_makes_equal_are_no_copies(columns: dict[str, object], tmp_path: Path) -> None:
    frame = pd.DataFrame({**columns, "y": LABEL})
    assert frame.duplicated(list(columns)).any()
    made = planned(tmp_path, frame)
    assert not any("occur more than once" in note for note in made.notes)


def test_columns_that_go_together_are_equal_together_by_chance(tmp_path: Path) -> None:
    from_day = RNG.integers(0, 200, N)
    days = RNG.integers(0, 31, N)
    dates = pd.Timestamp("2023-01-01") + pd.to_timedelta(from_day, "D")
    spans = pd.DataFrame({"from": dates, "to": dates + pd.to_timedelta(days, "D"), "y": days * 10.5})
    long = pd.DataFrame({"a": WHOLE, "b": WHOLE * 2 + RNG.integers(0, 2, N), "c": WHOLE // 2, "y": LABEL})
    beds = RNG.integers(1, 7, N)
    rooms = pd.DataFrame(
        {"beds": beds, "side": RNG.choice(list("abc"), N), "y": beds * 9 + RNG.integers(-5, 6, N)}
    )
    income = np.where(RNG.random(N) < 0.3, -1, RNG.integers(900, 3500, N))  # a number that many rows have
    asked = pd.DataFrame({"income": income, "sat": RNG.choice([1, 2, 3, 4, 5, 6, 7, 99], N), "y": LABEL})
    old = pd.DataFrame({"when": [f"{n:04}-03-25" for n in DAYS_OLD], "y": LABEL})
    codes = RNG.integers(0, 2000, N)
    made = pd.DataFrame(
        {"code": codes, "y": (codes * 7919 % 2003) / 10}
    )  # a target that is equal where they are
    for frame in (spans, long, rooms, asked, old, made):
        assert frame.drop(columns="y").duplicated().any()
        assert not any("occur more than once" in note for note in planned(tmp_path, frame).notes)


@pytest.mark.parametrize(
    "columns", [{"age": WHOLE}, {"kind": PICK}, {"kind": PICK, "side": np.where(X > 0.5, "a", "b")}]
)
def test_a_measured_target_makes_copies_of_rows_of_few_values(
    columns: dict[str, object], tmp_path: Path
) -> None:
    frame = pd.DataFrame({**columns, "y": RNG.normal(size=N).round(4)})
    made = planned(tmp_path, frame.iloc[AGAIN])
    train, test = sides(made, [*columns, "y"])
    assert not train & test and any("occur more than once" in note for note in made.notes)
    assert not any("occur more than once" in note for note in planned(tmp_path, frame).notes)


def test_a_measured_target_makes_copies_of_names_most_of_which_come_once(tmp_path: Path) -> None:
    names = [f"item{n}" for n in RNG.permutation(N)]
    frame = pd.DataFrame({"name": names, "y": RNG.normal(size=N).round(4)})
    made = planned(tmp_path, frame.iloc[[*range(N), *range(40)]])
    train, test = sides(made, ["name", "y"])
    assert not train & test and any("40 rows occur more than once" in note for note in made.notes)
