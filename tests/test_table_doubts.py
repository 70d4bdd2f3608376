"""What can be read in two ways: a file's other columns and what parts its cells decide, the doubt is said, a person has the last word."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.errors import UsageError
from budgetmlagent.new import corrected
from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.parts import AT_RANDOM, Apart
from budgetmlagent.new.sources import anything

N = 120
RNG = np.random.default_rng(3)
MILES = RNG.integers(1000, 320_000, N)
PRICES = RNG.integers(1000, 99_000, N)
LENGTHS = RNG.uniform(1, 9, N)
DAYS = pd.date_range("2024-01-01", periods=10)[np.arange(N) % 10]
LATER = DAYS + pd.to_timedelta(RNG.integers(1, 60, N), "D")
FEW = RNG.integers(50, 300, N)


def points(values: Sequence[float]) -> list[str]:
    return [f"{value:,}".replace(",", ".") for value in values]


def measured(values: Sequence[float], mark: str = ".") -> list[str]:
    return [f"{value:.3f}".replace(".", mark) for value in values]


def planned(
    folder: Path, columns: dict, target: str, sep: str = ",", apart: Apart = AT_RANDOM, **said: list[str]
) -> Plan:
    """The plan of a text file with these columns; what a test does not give is made up."""
    frame = pd.DataFrame({"n": FEW, "k": FEW[::-1], **columns})
    frame.to_csv(folder / "t.csv", sep=sep, index=False)
    types, dates = said.get("types", []), said.get("dates", [])
    table = anything.read(str(folder / "t.csv"), anything.Wanted())
    return plan(table, target, None, 0, apart, corrected.parsed("", [], types, [], dates))


def about(made: Plan, name: str) -> str:
    """What is said of a column."""
    return "; ".join(note for note in made.notes if note.startswith(repr(name)))


def test_what_parts_cells_says_whether_a_point_is_of_thousands(tmp_path: Path) -> None:
    made = planned(tmp_path, {"km": points(MILES)}, "km", ";")
    assert made.frame["km"].min() >= 1000 and "--as km=decimal" in about(made, "km")
    made = planned(tmp_path, {"km": points(PRICES)}, "n", ";")  # the only such column
    assert made.frame["km"].min() >= 1000 and "it may be the decimal mark" in about(made, "km")
    made = planned(tmp_path, {"kg": measured(LENGTHS, ","), "km": points(PRICES)}, "km", ";")
    assert made.frame["km"].min() >= 1000 and made.frame["kg"].max() < 10  # two marks of two uses
    assert "--as kg=thousands" in about(made, "kg")
    made = planned(tmp_path, {"a": measured(LENGTHS), "b": measured(LENGTHS[::-1])}, "b", ";")
    assert made.frame[["a", "b"]].max().max() < 10 and "--as b=thousands" in about(
        made, "b"
    )  # all are measured so


def test_points_that_all_stand_in_one_place_between_semicolons_are_decimal(tmp_path: Path) -> None:
    made = planned(tmp_path, {"dens": measured(LENGTHS)}, "n", ";")
    assert made.frame["dens"].max() < 10 and "--as dens=thousands" in about(made, "dens")
    made = planned(
        tmp_path, {"cost": [*points(range(1001, 10_000, 100)), *map(str, range(900, 930))]}, "n", ";"
    )
    assert made.frame["cost"].min() >= 900  # some have no mark, as they are smaller
    made = planned(tmp_path, {"in": measured(LENGTHS + 100), "out": measured(LENGTHS + 200)}, "n", ";")
    assert made.frame[["in", "out"]].max().max() < 300 and "--as out=thousands" in about(made, "out")


def test_a_comma_before_three_digits_is_of_thousands_where_numbers_are_long(tmp_path: Path) -> None:
    miles = [f"{mile:,}" for mile in MILES]
    for sep in ("\t", "|", ","):
        made = planned(tmp_path, {"miles": miles}, "miles", sep)
        assert made.frame["miles"].min() >= 1000 and "--as miles=decimal" in about(made, "miles"), sep
    made = planned(tmp_path, {"kg": measured(LENGTHS, ",")}, "kg", "\t")
    assert made.frame["kg"].max() < 10 and "--as kg=thousands" in about(made, "kg")
    made = planned(tmp_path, {"kg": measured(LENGTHS)}, "kg", ",")
    assert made.frame["kg"].max() < 10 and about(made, "kg") == ""  # a point between commas is no doubt


def test_other_columns_say_what_a_mark_is(tmp_path: Path) -> None:
    made = planned(tmp_path, {"kg": [f"{n / 7:.2f}" for n in FEW], "m": measured(LENGTHS)}, "m", ";")
    assert made.frame["m"].max() < 10 and about(made, "m") == ""
    made = planned(
        tmp_path, {"kg": [f"{n / 7:.2f}".replace(".", ",") for n in FEW], "m": points(PRICES)}, "m", ";"
    )
    assert made.frame["m"].min() >= 1000 and "--as m=decimal" in about(made, "m")
    rounded = points([1000 * int(price) for price in FEW])
    made = planned(tmp_path, {"cost": rounded, "m": measured(LENGTHS, ",")}, "m", "|")  # zeros tell the point
    assert made.frame["m"].max() < 10 and made.frame["cost"].min() >= 1000
    places = {"lat": [f"{n / 7:.4f}" for n in FEW], "kg": measured(LENGTHS, ",")}
    made = planned(tmp_path, places, "kg", ";")  # places on earth have points beside any habit
    assert made.frame["kg"].max() < 10 and "--as kg=thousands" in about(made, "kg")
    made = planned(tmp_path, {"lat": places["lat"], "cost": [f"${price:,}" for price in PRICES]}, "cost")
    assert made.frame["cost"].min() >= 1000 and "may be" not in about(made, "cost")


def test_the_dates_of_other_columns_say_what_comes_first(tmp_path: Path) -> None:
    for form in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"):
        made = planned(tmp_path, {"ordered": DAYS.strftime(form), "delivered": LATER.strftime(form)}, "n")
        assert set(pd.to_datetime(made.frame["ordered"])) <= set(DAYS), form
        assert "would fit as well" in about(made, "ordered") and "would" not in about(made, "delivered")


@pytest.mark.parametrize("form", ["%m-%d-%Y", "%d-%m-%Y"])
@pytest.mark.parametrize("option", ["types", "dates"])
def test_a_person_states_the_format_of_dates(form: str, option: str, tmp_path: Path) -> None:
    made = planned(tmp_path, {"day": DAYS.strftime("%d-%m-%Y")}, "n", **{option: [f"day={form}"]})
    right = pd.to_datetime(DAYS.strftime("%d-%m-%Y"), format=form)
    assert set(pd.to_datetime(made.frame["day"])) <= set(right) and "would" not in about(made, "day")
    assert "day" in made.dates


@pytest.mark.parametrize(("way", "most"), [("decimal", 320), ("thousands", 320_000)])
@pytest.mark.parametrize("target", ["km", "n"])
def test_a_person_says_what_a_mark_is_of_the_target_too(
    way: str, most: int, target: str, tmp_path: Path
) -> None:
    for column, sep in ((points(MILES), ";"), ([f"{mile:,}" for mile in MILES], "\t"), (points(MILES), ",")):
        made = planned(tmp_path, {"km": column}, target, sep, types=[f"km={way}"])
        assert most / 10 < made.frame["km"].max() < most and "may be" not in about(made, "km")
        assert ("km" in made.columns.numbers) == (target != "km")


def test_a_target_of_few_values_is_what_a_person_says(tmp_path: Path) -> None:
    few = points([1000 * (1 + n % 5) + 250 for n in range(N)])
    made = planned(tmp_path, {"fee": few}, "fee", types=["fee=thousands"])
    assert sorted(set(made.frame["fee"])) == [1250, 2250, 3250, 4250, 5250]
    made = planned(tmp_path, {"fee": few}, "fee", types=["fee=decimal"])
    assert sorted(set(made.frame["fee"])) == [1.25, 2.25, 3.25, 4.25, 5.25]


def test_one_doubt_of_many_columns_is_one_note(tmp_path: Path) -> None:
    many = {f"s{place}": measured(RNG.uniform(1, 9, N)) for place in range(9)}
    made = planned(tmp_path, many, "n", ";")
    notes = [note for note in made.notes if "decimal point" in note]
    assert len(notes) == 1 and "--as s0=thousands, and so on: 's0', 's1', 's2', ..." in notes[0]
    assert made.frame["s8"].max() < 10


def test_a_person_says_what_clocks_are(tmp_path: Path) -> None:
    laps = [f"{n % 20 + 1}:{n * 7 % 60:02}" for n in range(N)]
    made = planned(tmp_path, {"lap": laps}, "lap")
    assert made.frame["lap"].max() > 60 * 60 and "of hours and minutes" in about(made, "lap")
    assert "minutes and seconds would fit as well, as --as lap=m:s says" in about(made, "lap")
    for target in ("lap", "n"):
        made = planned(tmp_path, {"lap": laps}, target, types=["lap=m:s"])
        assert made.frame["lap"].max() <= 21 * 60 and "would" not in about(made, "lap")
    made = planned(tmp_path, {"lap": [f"{n + 20}:05" for n in range(N)]}, "lap")
    assert made.frame["lap"].max() < 150 * 60 and "--as lap=h:m" in about(made, "lap")
    made = planned(tmp_path, {"lap": [f"{lap}.5" for lap in laps]}, "lap")
    assert made.frame["lap"].max() <= 21 * 60 and "would" not in about(made, "lap")


@pytest.mark.parametrize(
    ("column", "said", "words"),
    [
        (LATER.strftime("%d.%m.%Y"), "c=%m.%d.%Y", "is not a date of the form %m.%d.%Y"), (DAYS.strftime("%Y-%m-%d"), "c=%d.%m.%Y", "'2024-01-01' in row 1 is not"),
        (DAYS.strftime("%d.%m.%Y"), "c=%Q", "is no format of dates"), (DAYS.strftime("%d.%m.%Y"), "c=%d/%d/%Y", "is no format of dates"), ([f"{n},5" for n in range(N)], "c=thousands", "'0,5' in row 1 is not a number"),
        ([f"{n}.000.000" for n in range(1, N + 1)], "c=decimal", "'1.000.000' in row 1"), ([f"{n % 9}:30.5" for n in range(N)], "c=h:m", "'0:30.5' in row 1 is not a time"),
        (["a", "b"] * (N // 2), "c=m:s", "'a' in row 1 is not a time"), (["a", "b"] * (N // 2), "c=thousands", "'a' in row 1 is not a number"), (FEW, "c=thousnds", "did you mean 'thousands'"),
    ],
)  # fmt: skip
def test_what_cannot_be_so_is_refused_with_the_first_value(
    column: list, said: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words) as error:
        planned(tmp_path, {"c": column}, "n", ";", types=[said])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", ["%d%m%Y", "%d%m%y", "%m%d%Y", "%m%d%y", "%y%m%d"])
def test_the_latest_rows_are_held_out_by_days_without_marks(form: str, tmp_path: Path) -> None:
    days = pd.date_range("2023-11-20", periods=N)
    for order in (np.arange(N), RNG.permutation(N)):
        columns = {"n": FEW, "d": days.strftime(form)[order], "y": RNG.random(N)}
        if form[1] == "m" and form[-1] == "y" and order[0]:
            continue  # which part is the day is seen by the order alone
        made = planned(tmp_path, columns, "y", apart=Apart(time="d"))
        held = {row[made.header.index("d")] for row in made.test}
        assert held == set(days[-len(held) :].strftime("%Y-%m-%d")), (form, order)


def test_days_without_marks_are_seen_by_their_order(tmp_path: Path) -> None:
    made = planned(tmp_path, {"d": pd.date_range("2023-01-01", periods=N).strftime("%d%m%y")}, "n")
    assert made.dates == ["d"] and "'010123' is written 2023-01-01" in about(made, "d")
    stores = np.repeat(pd.date_range("2023-03-01", periods=30), 40).strftime("%d%m%Y")
    made = planned(tmp_path, {"n": RNG.integers(0, 99, 1200), "k": RNG.random(1200), "d": stores}, "n")
    assert made.dates == ["d"] and made.frame["d"].str.startswith("2023-03-").all()
    made = planned(tmp_path, {"part": [f"{code:06}" for code in RNG.permutation(999_999)[:N]]}, "n")
    assert made.dates == []


MIXED = [
    ("$5|€6|£7", "is not written like"), ("5 °C|6 °F", "is not written like"), ("5%|0.5", "is not written like"), ("3 kg|4 m", "is not written like"),
    ("6 (29%)", "is no number that is known"), ("▲ 5%|▼ 6%", "is not written like"), ("5 ± 2", "is no number that is known"), ("$4K-$9K", "is no number that is known"),
]  # fmt: skip


def numbered(forms: str) -> list[str]:
    """A column of these ways of writing, with other digits in each row."""
    ways = forms.split("|")
    return [
        "".join(
            f"{(row * 7 + 13) % 90 + 1}" if c.isdigit() and c != "0" else c for c in ways[row % len(ways)]
        )
        for row in range(N)
    ]


@pytest.mark.parametrize(("forms", "words"), MIXED)
def test_a_feature_of_several_units_is_said_to_stay_words(forms: str, words: str, tmp_path: Path) -> None:
    column = numbered(forms)
    made = planned(tmp_path, {"c": column}, "n")
    assert "stays words" in about(made, "c") and words in about(made, "c")
    assert any(repr(cell) in about(made, "c") for cell in column)
    with pytest.raises(UsageError, match=r"in row 1|is no number|not written like"):
        planned(tmp_path, {"c": column}, "c")


@pytest.mark.parametrize(
    "cell", ["s{}", "Week {}", "1.2.{}", "10.0.0.{}", "{} Elm", "{}x20x30", "555-{}", "B{}C", "{}-{}"]
)
def test_nothing_is_said_of_codes_and_names(cell: str, tmp_path: Path) -> None:
    made = planned(tmp_path, {"c": [cell.format(row, row + 5) for row in range(N)]}, "n")
    assert "stays words" not in about(made, "c")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("8.2 ± {}", "'8.2 ± 0' is no number: write each"), ("$1K-${}K", "'$1K-$0K' is no number"), ("{} bis 5", "is no number"), ("word" * 3 + "{}", "is no number"), ("٣{}٤x", "is no number")],
)  # fmt: skip
def test_a_target_that_is_no_number_is_refused_with_a_value(cell: str, shown: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        planned(tmp_path, {"y": [cell.format(row) for row in range(N)]}, "y")
    assert shown in str(error.value) and "mark for thousands" not in str(error.value)


@pytest.mark.parametrize("word", ["None", "NA", "N/A", "null", ""])
@pytest.mark.parametrize("other", ["attached", "1", "2 doors"])
def test_nothing_beside_one_value_is_a_kind_of_its_own(word: str, other: str, tmp_path: Path) -> None:
    made = planned(tmp_path, {"garage": RNG.choice([word, other], N), "y": RNG.random(N)}, "y")
    assert "garage" in made.columns.categories
    if word:
        assert f"'_{word}'" in about(made, "garage")
        assert made.frame["garage"].nunique() == 2 and made.frame["garage"].notna().all()


def test_gaps_in_other_columns_stay_gaps(tmp_path: Path) -> None:
    columns = {
        "size": RNG.choice(["1.5", "2.5", "NA"], N), "kind": RNG.choice(["a", "b", "NA"], N), "same": ["x"] * (N - 1) + [""], "y": RNG.random(N),
    }  # fmt: skip
    made = planned(tmp_path, columns, "y")
    assert made.frame["size"].isna().any() and made.frame["kind"].isna().any()
    assert "same" not in made.columns.categories and not about(made, "kind")


def test_dates_and_numbers_with_gaps_stay_so_where_there_are_nulls(tmp_path: Path) -> None:
    columns = {
        "born": DAYS.strftime("%d.%m.%Y"),
        "price": [f"${n},000" for n in range(1, N + 1)],
        "y": RNG.random(N),
    }
    frame = pd.DataFrame(columns)
    frame.loc[:40, ["born", "price"]] = "N/A"
    frame.to_json(tmp_path / "t.json", orient="records")
    made = plan(anything.read(str(tmp_path / "t.json"), anything.Wanted("", "y")), "y", None, 0)
    assert "born" in made.dates and "price" in made.columns.numbers
    assert made.frame["born"].isna().any() and made.frame["price"].isna().any()


ROWS = [
    {"region": RNG.choice(["EU", "AS", "NA"]), "share": RNG.choice(["1.5", "2.5", "NA"]), "gap": RNG.choice(["a", "b", None]), "y": RNG.random()}
    for _ in range(N)
]  # fmt: skip


def as_json(path: Path) -> Path:
    path = path / "t.json"
    path.write_text(json.dumps(ROWS))
    return path


def as_parquet(path: Path) -> Path:
    path = path / "t.parquet"
    pd.DataFrame(ROWS).to_parquet(path)
    return path


def as_sqlite(path: Path) -> Path:
    path = path / "t.sqlite"
    connection = sqlite3.connect(path)
    pd.DataFrame(ROWS).to_sql("t", connection, index=False)
    connection.close()
    return path


@pytest.mark.parametrize("write", [as_json, as_parquet, as_sqlite])
def test_na_is_a_text_where_there_are_nulls(write: Callable[[Path], Path], tmp_path: Path) -> None:
    made = plan(anything.read(str(write(tmp_path)), anything.Wanted()), "y", None, 0)
    assert set(made.frame["region"]) == {
        "EU",
        "AS",
        "_NA",
    } and "a text where missing values are null" in about(made, "region")
    assert made.frame["gap"].isna().any() and set(made.frame["gap"].dropna()) == {"a", "b"}
    assert made.frame["share"].dtype.kind == "f" and made.frame["share"].isna().any()  # of numbers it is none
