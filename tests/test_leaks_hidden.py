"""Leaks that no single equal column shows: spans of time, products, pairs of categories, indicators, parts of paths; rounded lines."""

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.new.leaks import told

N = 400
RNG = np.random.default_rng(5)
X, NOISE = RNG.uniform(0, 1, N).round(2), RNG.normal(size=N)
A, B, C = (RNG.choice(list("pqrstu"), N) for _ in range(3))
BOTH = np.where((np.char.add(A, B) > "rs") ^ (A == "q") ^ (B == "t"), "yes", "no")
LEVEL = RNG.choice(["low", "mid", "high"], N)
START = pd.Timestamp("2023-01-01") + pd.to_timedelta(RNG.integers(0, 360, N), "D")
DAYS = RNG.integers(1, 60, N)
END = START + pd.to_timedelta(DAYS, "D")
QTY, UNIT, OFF = RNG.integers(1, 20, N), RNG.uniform(5, 60, N).round(2), RNG.choice([0, 0.1, 0.2], N)
WEIGHT, HEIGHT = RNG.uniform(50, 110, N).round(1), RNG.uniform(1.5, 2, N).round(2)
LABEL = np.where(NOISE > 0, "spam", "ham")
NUMBER = [f"{n:05}" for n in range(N)]
GROSS = RNG.gamma(4, 120, N)


def notes(frame: dict[str, object], *, labels: bool, id: str = "", dates: tuple[str, ...] = ()) -> list[str]:
    table = pd.DataFrame(frame)
    table = table.assign(**{name: table[name].astype(str) for name in dates})
    return list(told(table, "y", id, labels, dates))


@pytest.mark.parametrize(
    ("made", "seen"),
    [
        (DAYS, True), (-24.0 * DAYS, True), ((DAYS / 7).round(1), True), (DAYS + RNG.integers(0, 9, N), False), ((END - pd.Timestamp("2020-01-01")).days + NOISE, False),
    ],
)  # fmt: skip
def test_a_span_between_two_dates_is_pointed_out(made, seen: bool) -> None:
    found = notes({"in": START, "out": END, "x": X, "y": made}, labels=False, dates=("in", "out"))
    assert [note.partition(";")[0] for note in found] == ["'y' is told by the time from 'in' to 'out'"] * seen


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (QTY * UNIT * (1 - OFF), "'qty', 'unit', 'off'"), ((QTY * UNIT * (1 - OFF)).round(2), "'qty', 'unit', 'off'"), (WEIGHT / HEIGHT**2, "'weight', 'height'"),
        ((WEIGHT / HEIGHT**2).round(1), "'weight', 'height'"), (3.5 * QTY * UNIT * HEIGHT, "'qty', 'unit', 'height'"),
        (QTY * UNIT * (1 - OFF) * np.exp(NOISE / 9), ""), (QTY + UNIT * NOISE, ""),
    ],
)  # fmt: skip
def test_a_product_of_several_is_pointed_out_by_those_alone_that_make_it(made, names: str) -> None:
    columns = {
        "x": X + 0.5,
        "qty": QTY,
        "unit": UNIT,
        "off": OFF,
        "weight": WEIGHT,
        "height": HEIGHT,
        "y": made,
    }
    found = [note.partition(";")[0] for note in notes(columns, labels=False)]
    assert found == ([f"'y' is a product or quotient of {names}"] if names else [])


def test_a_rounded_sum_is_said_without_what_is_no_part_of_it() -> None:
    columns = {"x": X, "qty": QTY, "unit": UNIT, "weight": WEIGHT, "y": (QTY + UNIT + WEIGHT).round(1)}
    assert notes(columns, labels=False)[0].startswith("'y' is a sum of 'qty', 'unit', 'weight';")


@pytest.mark.parametrize(
    ("made", "column"),
    [
        ((GROSS / 1.19).round(2), GROSS.round(1)), (GROSS.round(2), np.log(GROSS).round(2)), (np.log(GROSS).round(3), GROSS.round(0)), (GROSS.round(0), (GROSS * 1.8 + 32).round(1)),
        ((GROSS / 1.19).round(0), (GROSS + NOISE / 10).round(2)), (-GROSS.round(2), np.sqrt(GROSS).round(1)),
    ],
)  # fmt: skip
def test_one_column_alone_tells_through_rounding_and_no_other_is_named_with_it(made, column) -> None:
    found = notes({"x": X, "gross": column, "z": QTY, "y": made}, labels=False)
    assert len(found) == 1 and found[0].startswith("'gross' tells 'y'")


def test_dates_of_any_year_are_compared() -> None:
    years = pd.Series([f"{n % 90 + 1:04}-03-25" for n in range(N)])
    other = [f"{n % 90 + 1:04}-04-{n % 28 + 1:02}" for n in range(N)]
    found = notes(
        {"in": years, "out": other, "y": [n % 28 + 7.0 for n in range(N)]}, labels=False, dates=("in", "out")
    )
    assert [note.partition(";")[0] for note in found] == ["'y' is told by the time from 'in' to 'out'"]


def test_what_only_goes_along_is_no_leak() -> None:
    for spread in (2, 20):
        made = (GROSS / 1.19 + spread * NOISE).round(2)
        assert not notes({"x": X, "gross": GROSS.round(1), "y": made}, labels=False)


@pytest.mark.parametrize(
    ("given", "seen"), [(["low", "mid", "high"], True), (["low", "mid"], True), (["low"], False)]
)
def test_a_column_for_each_label_is_pointed_out(given: list[str], seen: bool) -> None:
    columns = {f"is_{label}": (label == LEVEL).astype(int) for label in given}
    found = notes({"x": X, **columns, "y": LEVEL}, labels=True)
    assert any("each say whether 'y' is one label" in note for note in found) == seen
    assert not notes({"x": X, "a": (RNG.random(N) > 0.5).astype(int), "b": A, "y": LEVEL}, labels=True)


def test_two_categories_that_decide_together_are_pointed_out() -> None:
    found = notes({"x": X, "c": C, "a": A, "b": B, "y": BOTH}, labels=True)
    assert len(found) == 1 and found[0].startswith("'a' and 'b' tell 'y' exactly together;")
    assert notes({"c": A == "q", "a": A == "q", "b": B, "y": (A == "q") ^ (B < "r")}, labels=True)
    few = np.arange(N) < 6
    almost = np.where(few, np.where(LABEL == "ham", "spam", "ham"), LABEL)
    columns = {"a": almost, "b": np.where(few, "odd", RNG.choice(list("uvw"), N)), "y": LABEL}
    assert not notes(columns, labels=True)  # that a third value mends six rows is chance
    wrong = np.where(np.arange(N) % 50 == 0, "no", BOTH)
    nearly = np.where(X > 0.5, LABEL, "ham")
    for others in (
        {"a": A, "b": B, "c": C, "y": wrong}, {"a": A, "b": B, "y": LABEL}, {"a": [f"{n % 49}" for n in range(N)], "b": [f"{n % 47}" for n in range(N)], "y": LABEL},
        {"a": LABEL, "b": A, "y": nearly},
    ):  # fmt: skip
        assert not any("together" in note for note in notes(others, labels=True))


@pytest.mark.parametrize(
    "column",
    [
        [f"/data/{label}/{n}.txt" for label, n in zip(LABEL, NUMBER, strict=True)], [f"{label[0].upper()}{n}" for label, n in zip(LABEL, NUMBER, strict=True)],
        [f"img-{n}_{label}.png" for label, n in zip(LABEL, NUMBER, strict=True)], [f"u{n}@{label}.org" for label, n in zip(LABEL, NUMBER, strict=True)],
    ],
)  # fmt: skip
def test_a_label_within_a_path_or_an_id_is_pointed_out(column: list[str]) -> None:
    for id in ("", "file"):
        found = notes({"x": X, "file": column, "y": LABEL}, labels=True, id=id)
        assert len(found) == 1 and "by a part of it, as" in found[0]
    shuffled = RNG.permutation(column)
    assert not notes({"x": X, "file": shuffled, "y": LABEL}, labels=True)
