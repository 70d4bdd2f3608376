"""Numbers, quantities and dates as people write them: read by the whole column, in a new task and in scripts alike."""

import math
import warnings

import pandas as pd
import pytest

from budgetmlagent.inside.briefing.layout import Layout
from budgetmlagent.inside.briefing.moments import Moment
from budgetmlagent.inside.briefing.numbered import counted
from budgetmlagent.inside.briefing.numerals import Habit, Numeral, unlike
from budgetmlagent.inside.briefing.quantities import Quantity
from budgetmlagent.inside.briefing.reading import MISSING
from budgetmlagent.inside.briefing.written import judged, settle, settled

NUMBERS = [
    (["~50", "ca. 7", "approx. 3.5", "12", "#4"], [50, 7, 3.5, 12, 4]),
    (["about 40 kg", "≈ 3 kg", "12 kg"], [40, 3, 12]),
    (["<5", "7", "90+", "12", "8", "≥ 30", "41"], [5, 7, 90, 12, 8, 30, 41]),
    (["12*", "3[1]", "5"], [12, 3, 5]),
    (["46.-", "120.--", "7.50"], [46, 120, 7.5]),
    (["46,-", "1.200,-", "7,50"], [46, 1200, 7.5]),
    (["5-", "6", "7.5-"], [-5, 6, -7.5]),
    (["5 mln", "0.5 mln", "300"], [5e6, 5e5, 300]),
    (["\u00a033", "\u00a07.5"], [33, 7.5]),
    (["$1,190.00", "$370.00", "$5.5"], [1190, 370, 5.5]),
    (["79%", "24 %", "-6%", "0"], [79, 24, -6, 0]),
    (["1.190", "370", "2.010", "4.300"], [1.19, 370, 2.01, 4.3]),  # too few to tell
    (["6,23", "8", "247,55"], [6.23, 8, 247.55]),
    (["0,123", "0,456"], [0.123, 0.456]),
    (["1.234.567", "12.000", "5"], [1234567, 12000, 5]),
    (["1.234,5", "999,25"], [1234.5, 999.25]),
    (["1 234,50 €", "12,00 €"], [1234.5, 12]),
    (["1\u202f234", "999"], [1234, 999]),
    (["CHF 1'234.50", "CHF 12.00"], [1234.5, 12]),
    (["R$ 1.234,56", "R$ 12,00"], [1234.56, 12]),
    (["₹1,20,000", "₹500"], [120000, 500]),
    (["1 300 kr", "12 kr"], [1300, 12]),
    (["(3.5)", "4", "-2"], [-3.5, 4, -2]),
    (["($1,000)", "$20"], [-1000, 20]),
    (["5-", "6", "7-"], [-5, 6, -7]),
    (["−3,5", "4,25"], [-3.5, 4.25]),
    (["$56.7M", "$800K", "$1.2B"], [56.7e6, 800e3, 1.2e9]),
    (["3 Mio. €", "2,5 Mio. €"], [3e6, 2.5e6]),
    (["36 months", "60 months"], [36, 60]),
    (["25°C", "-3 °C"], [25, -3]),
    (["85 m²", "100 m²"], [85, 100]),
    (["12,5 €/m²", "10 €/m²"], [12.5, 10]),
    (["1e5", "2.5E-3"], [1e5, 2.5e-3]),
    (["3.2 lakh", "1 crore"], [320e3, 10e6]),
    (["4.5/5", "3/5", "2 /5"], [4.5, 3, 2]),
    (["7 out of 10", "10 out of 10"], [7, 10]),
    (["R 1,200", "R300"], [1200, 300]),
]  # fmt: skip
NUMBERS += [
    (["262,64 H", "87,57 S", "1.000,00 S"], [262.64, -87.57, -1000]),
    (["$134.99 CR", "$460.99 DR", "5 CR"], [134.99, -460.99, 5]),
    (["12 Dr.", "1,024 Cr.", "7 Dr."], [-12, 1024, -7]),
    (["12 S", "14 S"], [12, 14]),  # no side, where there is only one
]
QUANTITIES = [
    (["2h 30min", "45 min", "1 h"], [9000, 2700, 3600]),
    (["1:23:45", "0:59:10"], [5025, 3550]),
    (["12:30", "14:45"], [45000, 53100]),
    (["75:30", "2:10"], [4530, 130]),
    (["PT2H30M", "PT45M"], [9000, 2700]),
    (["1 days 02:00:00", "0 days 00:30:00"], [93600, 1800]),
    (["2 years", "3 weeks", "5 days"], [730.5, 21, 5]),
    (["1,5 kg", "300 g"], [1500, 300]),
    (["512 MB", "1.5 GB"], [512e6, 1.5e9]),
    (["10:30 AM", "12:05 a.m.", "12:05 PM", "1:00:30 pm"], [37800, 300, 43500, 46830]),
    (["1h20", "12h05"], [4800, 43500]),
    (["5'11\"", "6' 2", "6'"], [1.8034, 1.8796, 1.8288]),
    (["1,5 Stunden", "20 Minuten"], [5400, 1200]),
    (["2 días", "3 horas"], [172800, 10800]),
    (["1:32.748", "0:59.1", "2:00"], [92.748, 59.1, 120]),  # decimals are of seconds
    (["1:32,5", "12:01,25"], [92.5, 721.25]),
    (["15:39", "7:05"], [56340, 25500]),
    (["6'54", "4'07", "5'30"], [414, 247, 330]),  # no inches, which are fewer than twelve
    (["6'54\"", "10′05″"], [414, 605]),
    (["5'11", "6'02", "4'10"], [1.8034, 1.8796, 1.4732]),
    # One that was typed wrongly makes no times of many heights.
    (
        [f"{feet}'{inch:02}" for feet in (4, 5) for inch in range(12)] + ["5'12"],
        [*(round(feet * 0.3048 + inch * 0.0254, 4) for feet in (4, 5) for inch in range(12)), 1.8288],
    ),
    (["2 h", "30 s"], [7200, 30]),
    (["2H 30S", "1H 5S"], [7230, 3605]),
]
DATES = [
    (["02/03/2019", "19/09/2021"], ["2019-03-02", "2021-09-19"]),
    (["03/19/2019", "09/02/2021"], ["2019-03-19", "2021-09-02"]),
    (["3.4.20", "31.12.21"], ["2020-04-03", "2021-12-31"]),
    (["01/02/2020", "01/03/2020", "01/04/2020"], ["2020-02-01", "2020-03-01", "2020-04-01"]),  # monthly
    (["02/03/2020", "01/02/2020", "01/05/2020"], ["2020-02-03", "2020-01-02", "2020-01-05"]),  # as pandas has it
    (["12. März 2020", "3. Mai 2021"], ["2020-03-12", "2021-05-03"]),
    (["3 mai 2021", "1er août 2020"], ["2021-05-03", "2020-08-01"]),
    (["5 de enero de 2020", "6 de marzo de 2021"], ["2020-01-05", "2021-03-06"]),
    (["January 5, 2020", "Sept 7, 2021"], ["2020-01-05", "2021-09-07"]),
    (["31-Dec-2019", "01-Jan-2020"], ["2019-12-31", "2020-01-01"]),
    (["Jan-20", "Feb-21"], ["2020-01-01", "2021-02-01"]),
    (["Q1 2020", "Q4 2021"], ["2020-01-01", "2021-10-01"]),
    (["2020/1/31", "2020/12/1"], ["2020-01-31", "2020-12-01"]),
    (["1/5/2020 3:04 PM", "12/31/2020 11:00 AM"], ["2020-01-05 15:04", "2020-12-31 11:00"]),
    (["Wed, 02 Oct 2002 13:00:00 GMT"], ["2002-10-02 13:00"]),
    (["2020-01-01 10:00 EST", "2020-07-01 10:00 EDT"], ["2020-01-01 15:00", "2020-07-01 14:00"]),
    (["2020-01-01T10:00:00+02:00", "2020-01-02T10:00:00Z"], ["2020-01-01 08:00", "2020-01-02 10:00"]),
    (["3/Jan/2020:10:11:12 +0100"], ["2020-01-03 09:11:12"]),
    (["13/02/2020", "01/02/2020 10:00", "14/03/2020 9:05:07"], ["2020-02-13", "2020-02-01 10:00", "2020-03-14 09:05:07"]),
    (["20200131T101500", "20200229T000000"], ["2020-01-31 10:15", "2020-02-29"]),
    (["01.2020", "12.2021"], ["2020-01-01", "2021-12-01"]),
    (["2021年1月5日", "2020年12月31日"], ["2021-01-05", "2020-12-31"]),
    (["2021년 1월 5일 10:30", "2020년 12월 31일 9:05"], ["2021-01-05 10:30", "2020-12-31 09:05"]),
    (["2021-W05", "2020-W53"], ["2021-02-01", "2020-12-28"]),
    (["2021M03", "2020M12"], ["2021-03-01", "2020-12-01"]),
    (["03.01.2022 10.30", "13.01.2022 09.05"], ["2022-01-03 10:30", "2022-01-13 09:05"]),
    (["03/01/2022 à 10h30", "13/01/2022 à 9h05"], ["2022-01-03 10:30", "2022-01-13 09:05"]),
    (["01.02.2022 um 10:30 Uhr", "13.12.2022 um 09:05 Uhr"], ["2022-02-01 10:30", "2022-12-13 09:05"]),
    (["25/07/2022", "2023-06-02", "3/4/2021"], ["2022-07-25", "2023-06-02", "2021-04-03"]),
    (["1 Jan 2021", "2021-05-06 10:00", "3/14/2021"], ["2021-01-01", "2021-05-06 10:00", "2021-03-14"]),
    (["02.01.2021", "2021-01-03"], ["2021-01-02", "2021-01-03"]),
]  # fmt: skip
WORDS = [
    ["1st", "2nd", "3rd"], ["closed-1", "open-2"], ["<=50K", ">50K"], ["18-24", "25-34"], ["1.2.3", "1.2.4"], ["192.168.1.1", "10.0.0.1"],
    ["555-1234", "555-9876"], ["$5", "€6"], ["79%", "0.5", "3"], ["A-12-2020", "B-11-2020"], ["may", "march"], ["٣", "٤"], ["30Y", "3M", "1Y"], ["R0", "R1", "R12"], ["1/2", "3/4"],
    ["25/12/2021", "12/25/2021", "2021-01-05"], ["1h", "fox"],
    ["<50", "50+"], ["c1", "c4", "c12"], ["<18", "18-24", "65+"],
    ["10-20", "3-5"], ["", "n/a"], ["abc", "1", "2"], ["030 123 456"], ["1A", "2B"],
]  # fmt: skip


def ran(lines: list[str], values: list[str]) -> pd.Series:
    """What the lines of a script make of the column."""
    part = pd.DataFrame({"a column": values})
    exec("\n".join(lines), {"pd": pd, "part": part})
    return part["a column"]


@pytest.mark.parametrize(("values", "numbers"), NUMBERS + QUANTITIES)
def test_numbers_are_read_and_a_script_reads_the_same(values: list[str], numbers: list[float]) -> None:
    found = judged(pd.Series([*values, "", "n/a"]), Habit())
    assert found and isinstance(found.form, Numeral | Quantity) and found.odd == []
    assert found.form.of(pd.Series(values)).tolist() == pytest.approx(numbers)
    made = ran(found.form.code('"a column"'), [*values, "n/a"])
    assert made.tolist()[:-1] == pytest.approx(numbers) and math.isnan(made.iloc[-1])


@pytest.mark.parametrize(("values", "dates"), DATES)
def test_dates_are_read_and_a_script_reads_the_same(values: list[str], dates: list[str]) -> None:
    found = judged(pd.Series([*values, ""]), Habit())
    assert found and isinstance(found.form, Moment) and found.odd == []
    right = [pd.Timestamp(date, tz="UTC") for date in dates]
    assert found.form.of(pd.Series(values)).tolist() == right
    assert ran(found.form.code('"a column"'), values).tolist() == right


@pytest.mark.parametrize("values", WORDS)
def test_words_stay_words(values: list[str]) -> None:
    assert judged(pd.Series(values), Habit()) is None


def test_a_mark_before_three_digits_is_judged_by_the_column_and_by_the_others() -> None:
    thousands = [f"{n}.{n * 37 % 100:02}0" for n in range(1, 13)]  # 1.370 to 12.440
    decimals = [f"{n}.{n * 37 % 1000:03}" for n in range(1, 13)]

    def first(values: list[str], habit: Habit) -> float:
        found = judged(pd.Series(values), habit)
        assert found
        return found.form.of(pd.Series(values))[0]

    assert first(decimals, Habit()) == first(decimals, Habit(free=True)) == 1.037
    assert first(thousands, Habit()) == 1.37 and first(thousands, Habit(free=True)) == 1370
    assert (
        first([*decimals, "370", "12"], Habit()) == 1037
    )  # no decimals of one or two digits, and bare numbers
    assert first([*decimals, "370", "12.5"], Habit()) == 1.037
    assert first([*decimals, "3700", "12"], Habit()) == 1.037
    assert first(decimals, Habit(decimal=",")) == 1037
    commas = [value.replace(".", ",") for value in decimals]
    assert (first(commas, Habit()), first(commas, Habit(free=True))) == (1037, 1.037)
    other = judged(pd.Series(["2,5", "3,25"]), Habit())
    assert settled([other], Habit()).decimal == ","


def test_days_are_told_from_months_by_the_order_the_other_columns_and_the_script() -> None:
    unsure = ["03/02/2020", "01/02/2020", "05/02/2020"]

    def month(values: list[str], habit: Habit) -> int:
        found = judged(pd.Series(values), habit)
        assert found
        return found.form.of(pd.Series(values))[0].month

    assert month(unsure, Habit()) == 3 and month(unsure, Habit(dayfirst=True)) == 2
    assert month(unsure, Habit(formats=("%d/%m/%Y",))) == 2
    assert month(["30/01/2020", *unsure], Habit()) == 1
    rising = [f"{day:02}/{month:02}/2020" for month in (1, 2) for day in range(1, 13)]
    assert month(rising, Habit()) == 1  # in the order of the rows with the day first alone
    found = judged(pd.Series(unsure), Habit())
    assert found and "%d/%m/%Y would fit as well" in found.form.words


ANY = Habit()
SPRING = pd.date_range("2023-01-01", periods=180)
DMY8, DMY6 = ([int(text) for text in SPRING.strftime(form)] for form in ("%d%m%Y", "%d%m%y"))
STEPS = ("10min", "20min", "1h", "97s")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("form", "start"),
    [("%d.%m.%Y %H:%M:%S", "2024-01-01"), ("%d/%m/%Y %H:%M:%S", "2024-05-03"), ("%m/%d/%Y %I:%M:%S %p", "2024-01-01"), ("%m-%d-%Y %H:%M:%S", "2023-12-01")],
)  # fmt: skip
def test_a_series_with_times_of_day_is_read_without_long_gaps(form: str, start: str, step: str) -> None:
    when = pd.date_range(start, periods=200 if step != "97s" else 1500, freq=step, tz="UTC")
    found = judged(pd.Series(when.strftime(form)), Habit())
    assert found and isinstance(found.form, Moment) and found.form.format == form
    assert found.form.other == "" and found.form.dayfirst == form.startswith("%d")


def test_first_days_of_months_are_in_doubt_within_one_year_alone() -> None:
    def read(form: str, when: pd.DatetimeIndex, habit: Habit = ANY) -> tuple[str, str]:
        found = judged(pd.Series(when.strftime(form)), habit)
        assert found and isinstance(found.form, Moment)
        return found.form.format, found.form.other

    year, two = (pd.date_range("2020-01-01", periods=number, freq="MS") for number in (10, 24))
    days = pd.date_range("2024-01-01", periods=10)
    assert read("%d/%m/%Y", two) == ("%d/%m/%Y", "") and read("%m-%d-%Y", two) == ("%m-%d-%Y", "")
    assert read("%d/%m/%Y", year) == ("%d/%m/%Y", "%m/%d/%Y")
    assert read("%d/%m/%Y 09:00", year) == ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")
    assert read("%d/%m/%Y", pd.date_range("2022-05-03", periods=8)) == ("%d/%m/%Y", "%m/%d/%Y")  # no gaps
    assert read("%d/%m/%Y %H:%M", pd.date_range("2022-05-01", periods=9, freq="h"))[0] == "%d/%m/%Y %H:%M"
    assert read("%d/%m/%Y", pd.date_range("2000-01-01", periods=9, freq="YS"))[1] == ""  # all the same
    assert read("%d.%m.%Y", days) == ("%d.%m.%Y", "%m.%d.%Y")  # dots
    assert read("%d-%m-%Y", days) == ("%d-%m-%Y", "%m-%d-%Y")  # hardly ever months first
    assert read("%m/%d/%Y", days, Habit(dayfirst=False)) == ("%m/%d/%Y", "%d/%m/%Y")
    assert read("%d/%m/%Y", days, Habit(dayfirst=True)) == ("%d/%m/%Y", "%m/%d/%Y")
    scattered = pd.to_datetime(
        [f"2024-{n % 12 + 1}-{n * 7 % 12 + 1} {n % 24}:{n * 13 % 60}" for n in range(99)]
    )
    assert read("%m/%d/%Y %I:%M %p", scattered)[0] == "%m/%d/%Y %I:%M %p"
    assert read("%d.%m.%Y %H:%M", scattered)[0] == "%d.%m.%Y %H:%M"


@pytest.mark.parametrize(
    ("name", "numbers", "first"),
    [
        ("x", range(20200101, 20200120), "2020-01-01"), ("x", [1577836800 + 86400 * n for n in range(20)], "2020-01-01"),
        ("created_at", [1577836800123 + 12345 * n for n in range(20)], "2020-01-01 00:00:00.123"), ("date", range(43831, 43861), "2020-01-01"),
        ("when", [202001 + n for n in range(12)], "2020-01-01"), ("sales", range(1577836800, 1577836900), None), ("sales", range(43831, 43861), None),
        ("logged", [1577836800.5 + n for n in range(20)], "2020-01-01 00:00:00.500"), ("sales", [1577836800.5 + n for n in range(20)], None),
        ("x", DMY8, "2023-01-01"), ("x", DMY6, "2023-01-01"), ("date", DMY6[::-1], "2023-06-29"), ("x", DMY6[::7] + DMY6[::11], None), ("order_no", range(100101, 100131), None),
        ("x", [10123 + 100 * n for n in range(30)], None), ("day", [10123 + 10000 * n for n in range(30)], "2023-01-01"), ("x", [n * 999_983 % 10**8 for n in range(1, 99)], None),
        ("year", range(1990, 2020), None), ("sales", [202001 + n for n in range(20)], None), ("price", [19990101.5 + n for n in range(20)], None),
    ],
)  # fmt: skip
def test_whole_numbers_that_are_dates_are_known_as_such(
    name: str, numbers: list[int], first: str | None
) -> None:
    found = counted(name, pd.Series(list(numbers), dtype=float))
    assert (found is None) == (first is None)
    if found:
        assert found.of(pd.Series(list(numbers)))[0] == pd.Timestamp(first, tz="UTC")


def test_the_days_of_a_spreadsheet_that_a_person_calls_dates_are_no_days_and_months() -> None:
    found = counted("date", pd.Series(range(42005, 42405), dtype=float), wanted=True)
    assert found and found.format == "serial"
    assert str(found.of(pd.Series(["42005"]))[0].date()) == "2015-01-01"


def test_the_first_value_that_is_unlike_the_others_is_known() -> None:
    assert unlike(["$5", "$7", "€6", "$8"]) == ["€6"]
    assert unlike(["5 kg", "6 kg", "7 lb", "8 kg"]) == ["7 lb"]
    assert unlike(["one", "two", "3"]) == []
    many = [f"{n},5" for n in range(40)]
    found = judged(pd.Series([*many, "oops"]), Habit())
    assert found and found.odd == ["oops"]


def layout(train: dict, test: dict, target: str = "y") -> Layout:
    return Layout(pd.DataFrame(train), pd.DataFrame(test), ["train = …", "test = …"], [(target, target)])


def test_a_script_of_the_cases_gets_lines_where_pandas_alone_would_lose_values() -> None:
    days = [f"{day:02}/{day % 3 + 1:02}/2020" for day in range(1, 29)]
    given = {
        "day": days, "iso": ["2020-01-05"] * 28, "share": [f"({n})" for n in range(28)], "dollars": [f"${n},100" for n in range(1, 29)],
        "word": ["a", "b"] * 14, "empty": [None] * 28,
    }  # fmt: skip
    made = layout(given | {"y": [f"{n} %" for n in range(28)]}, given)
    settle(made, pd.DataFrame({"y": [1.0] * 28}), "")
    assert [line.partition("part[")[2].partition("]")[0] for line in made.load[2:] if "part[" in line] == [
        '"day"',
        '"share"',
        '"y"',
    ]
    assert made.train["day"].dt.day.tolist() == list(range(1, 29)) and made.test["share"][3] == -3
    assert made.train["y"].tolist() == list(range(28)) and made.train["dollars"].tolist() == given["dollars"]
    train, test = pd.DataFrame(given | {"y": [f"{n} %" for n in range(28)]}), pd.DataFrame(given)
    exec("\n".join(made.load[2:]), {"pd": pd, "train": train, "test": test})
    assert train["day"].equals(made.train["day"]) and test["share"].equals(made.test["share"])
    assert train["y"].equals(made.train["y"])


def test_a_target_stays_a_label_where_the_starter_submits_labels() -> None:
    made = layout({"x": [1, 2], "y": ["5 stars", "4 stars"]}, {"x": [1, 2]})
    settle(made, pd.DataFrame({"y": ["5 stars", "5 stars"]}), "")
    assert made.load == ["train = …", "test = …"] and made.train["y"].tolist() == ["5 stars", "4 stars"]


def test_the_words_for_missing_values_are_missing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = judged(pd.Series(["1,5", "2,5", *MISSING]), Habit())
    assert found and found.odd == []
