"""What stands around a table and in it that is no row: titles, units, notes, totals; and one label written in several ways."""

from pathlib import Path

import pytest

from budgetmlagent.errors import UsageError
from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.spellings import joined
from budgetmlagent.new.tablefile import Table, read_table

ROWS = 80
SIZES = [round(7 + (n * 37 % 100) / 8, 1) for n in range(ROWS)]
PRICES = [round(3 * size + n % 5) for n, size in enumerate(SIZES)]
TOWNS = ["Ulm", "Bonn", "Jena"]
BODY = [f"{TOWNS[n % 3]},{SIZES[n]},{n % 4},{PRICES[n]}" for n in range(ROWS)]
NAMES = "town,size,floor,price"


def read(folder: Path, lines: list[str]) -> Table:
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return read_table(path)


def planned(folder: Path, lines: list[str], target: str = "price") -> Plan:
    return plan(read(folder, lines), target, None, 0)


@pytest.mark.parametrize(
    "above",
    [
        ["Prices 2021"], ["Prices 2021", "", "made on 2021-03-01"], ["Prices, of flats"], ["Prices 2021,,,", ",,,"], ["# made by a tool", "# 2021"],
        ["#town,in m²,,", "# see below"], ["Place,Flat,,Result"],
    ],
)  # fmt: skip
def test_titles_above_a_table_are_left_out_and_said(above: list[str], tmp_path: Path) -> None:
    found = read(tmp_path, [*above, NAMES, *BODY])
    assert found.header == NAMES.split(",") and found.rows == [line.split(",") for line in BODY]
    assert "what stands above the table is left out" in "; ".join(found.notes)


def test_names_that_several_columns_share_tell_equal_ones_apart(tmp_path: Path) -> None:
    found = read(tmp_path, ["Place,2020,,2021", "town,size,floor,size", *BODY])
    assert found.header == ["Place town", "2020 size", "2020 floor", "2021 size"]


@pytest.mark.parametrize(
    "lines",
    [
        ["x", *(f"{n},{n * 2.5}" for n in range(1, 31))],  # R's names of rows
        ["x,y", *(f"k{n},{n % 7},{n * 2.5}" for n in range(30))],
        ["#id,size,n", *(f"{n},{n / 4},{n % 3}" for n in range(30))],
        ["a,,c", *(f"{n / 3:.2f},{n / 4},{n % 3}" for n in range(30))],
        ["town,kind,colour", *(f"{'uvw'[n % 3]}a,{'xyz'[n % 3]}b,{'rgb'[n % 2]}c" for n in range(30))],
        [
            "1.5,,red",
            *(f"{n / 3:.2f},{n / 4},{['red', 'blue'][n % 2]}" for n in range(30)),
        ],  # no names at all
    ],
)
def test_what_is_no_title_stays(lines: list[str], tmp_path: Path) -> None:
    assert "above the table" not in "; ".join(read(tmp_path, lines).notes)


def test_units_below_the_names_are_left_out_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, [NAMES, "-,m²,,EUR", *BODY])
    assert len(found.rows) == ROWS and "('-', 'm²', 'EUR') holds units" in "; ".join(found.notes)


@pytest.mark.parametrize("row", ["Ulm,?,1,NA", "Ulm,ca,2,80", "Ulm,,,", "Ulm,few words,,more words"])
def test_a_first_row_with_gaps_is_no_row_of_units(row: str, tmp_path: Path) -> None:
    assert len(read(tmp_path, [NAMES, row, *BODY]).rows) == ROWS + 1


@pytest.mark.parametrize(
    "below", [["", "* estimated"], ["Source: the office of statistics"], [",,,", "(1) without cellars", "(2) net"], ["", "Note,,,"]]
)  # fmt: skip
def test_notes_below_a_table_are_left_out_and_said(below: list[str], tmp_path: Path) -> None:
    found = read(tmp_path, [NAMES, *BODY, *below])
    assert [row for row in found.rows if any(row)] == [line.split(",") for line in BODY]
    assert "what stands below the table is left out, from line" in "; ".join(found.notes)


@pytest.mark.parametrize(("end", "words"), [("Ulm,3", "has 2 cells"), ("Ulm", "has 1 cells")])
def test_a_row_that_was_cut_off_is_no_note(end: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, [NAMES, *BODY, end])


@pytest.mark.parametrize(
    "last",
    [
        f"Total,{sum(SIZES):.1f},,{sum(PRICES)}", f"Summe:,,,{sum(PRICES)}", f",{sum(SIZES):.1f},,{sum(PRICES)}", f"Durchschnitt,{sum(SIZES) / ROWS:.1f},,{sum(PRICES) / ROWS:.2f}",
    ],
)  # fmt: skip
def test_a_row_of_totals_is_no_example(last: str, tmp_path: Path) -> None:
    made = planned(tmp_path, [NAMES, *BODY, last])
    assert len(made.train) + len(made.test) == ROWS
    assert f"1 row sums up others, the first is row {ROWS + 1}" in "; ".join(made.notes)


def test_totals_of_parts_are_no_examples(tmp_path: Path) -> None:
    parts = [f"{town} Total,,,{sum(PRICES[k::3])}" for k, town in enumerate(TOWNS)]
    made = planned(tmp_path, [NAMES, *BODY, *parts, f"Grand total,,,{2 * sum(PRICES)}"])
    assert len(made.train) + len(made.test) == ROWS and "4 rows sum up others" in "; ".join(made.notes)


@pytest.mark.parametrize("last", ["Total,9.5,1,31", f"Ulm,{sum(SIZES):.1f},1,40", "Ulm Total,9.5,1,31"])
def test_what_is_called_like_a_total_and_sums_up_nothing_stays(last: str, tmp_path: Path) -> None:
    made = planned(tmp_path, [NAMES, *BODY, last])
    assert len(made.train) + len(made.test) == ROWS + 1


def test_cells_that_begin_like_a_rule_are_read_in_no_time(tmp_path: Path) -> None:
    cell = "-" * 200_000 + "ACGT"
    assert read(tmp_path, ["a,b", f"{cell},1", "x,2"]).rows[0][0] == cell


def test_one_label_in_several_spellings_is_one_label(tmp_path: Path) -> None:
    spelled = ["Yes", "yes ", "Yes", " YES", "No", "no", "No", "No\t"]
    made = planned(tmp_path, ["a,y", *(f"{n / 7:.3f},{spelled[n * 5 % 8]}" for n in range(80))], "y")
    assert made.labels == ["No", "Yes"] and made.kind == "binary"
    assert "as it is in most rows" in "; ".join(made.notes)


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (["Y", "y", "N", "Y"], ["Y", "Y", "N", "Y"]), (["a", "A", "b", "B"], ["a", "A", "b", "B"]), (["5", "5 ", "6", "6"], ["5", "5 ", "6", "6"]),
        (["y", "y", "n", "f"], ["y", "y", "n", "f"]), (["yes", "yes", "n", "t"], ["yes", "yes", "n", "yes"]),
        (["New  York", "New York", "New York", "Rome"], ["New York"] * 3 + ["Rome"]), (["NA", "na", "EU", "EU"], ["NA", "na", "EU", "EU"]),
    ],
)  # fmt: skip
def test_spellings_are_joined_where_they_mean_the_same(cells: list[str], right: list[str]) -> None:
    made = joined(Table(["x"], [[cell] for cell in cells * 10], []), ())
    assert [row[0] for row in made.rows] == right * 10
    assert joined(Table(["x"], [[cell] for cell in cells * 10], []), {"x"}).notes == []


def test_columns_without_a_name_and_with_the_name_of_another_are_read(tmp_path: Path) -> None:
    lines = ["a,,a,,b,b", *(f"{n},{n % 5},{n % 3},,{n / 2},{n / 2}" for n in range(ROWS))]
    found = read(tmp_path, lines)
    assert found.header == ["a", "column_2", "a_2", "b"]
    told = "; ".join(found.notes)
    assert "column 2 has no name" in told and "column 4 has no name and no values" in told
    assert (
        "column 3 is called 'a' like another one" in told and "'b' comes twice with the same values" in told
    )


SURVEY = "start,age,happy,own,again"
ANSWERS = [
    f"2024-05-{n % 28 + 1:02},{20 + n % 50},{['Not satisfied', 'Very satisfied'][n % 2]},{['Car', 'Bike', 'N/A'][n % 3]},{'Yes' if n % 5 else 'No'}"
    for n in range(ROWS)
]
ASKED = (
    'Start Date,How old are you?,How satisfied are you?,"Which, if any, do you own?",Would you recommend us?'
)
OBJECTS = ",".join(f'"{{""ImportId"":""QID{n}""}}"' for n in range(5))


@pytest.mark.parametrize(
    ("below", "number"),
    [([ASKED, OBJECTS], 2), ([OBJECTS], 1), ([ASKED], 1), (["Recorded at,Age in years,Answer to question 2,Answer to question 3,The answer number 4"], 1)],
)  # fmt: skip
def test_what_a_survey_asks_is_no_answer(below: list[str], number: int, tmp_path: Path) -> None:
    found = read(tmp_path, [SURVEY, *below, *ANSWERS])
    assert found.header == SURVEY.split(",") and found.rows == [line.split(",") for line in ANSWERS]
    assert any(f"below the names, {number} row" in note for note in found.notes)


@pytest.mark.parametrize(
    "first",
    [
        '2024-05-01,20,I do not know,"Car, and more",As often as I can', "2024-05-01,,Neither of the two,Another answer here,I do not say", "2024-05-01,20,Very satisfied,A plane of my own,Yes",
        '"{""a"": 1}",30,Not satisfied,Car,Yes',
    ],
)  # fmt: skip
def test_an_odd_first_answer_stays(first: str, tmp_path: Path) -> None:
    found = read(tmp_path, [SURVEY, first, *ANSWERS])
    assert len(found.rows) == len(ANSWERS) + 1 and not any("below the names" in note for note in found.notes)


def test_objects_in_every_row_are_values(tmp_path: Path) -> None:
    lines = [f'"{{""k"": {n}}}","{{""v"": {n % 4}}}"' for n in range(ROWS)]
    assert len(read(tmp_path, ["a,b", *lines]).rows) == ROWS
