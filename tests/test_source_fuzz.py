"""Fuzzed sources that are no text: read whole, or refused with one line; never fewer rows without a word."""

import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budgetmlagent.errors import BudgetMLError
from budgetmlagent.new.sources.anything import Wanted, read
from budgetmlagent.new.tablefile import Table

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}
TEXT = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=12
)
NAMES = st.lists(
    st.text(alphabet="abcÄ é.,\"'_", min_size=1, max_size=6).filter(str.strip),
    min_size=1,
    max_size=4,
    unique=True,
)
VALUES = {
    "whole": st.integers(-(2**40), 2**40), "float": st.floats(-1e9, 1e9, allow_nan=False), "truth": st.booleans(), "text": TEXT,
    "day": st.dates(date(1980, 1, 1), date(2100, 1, 1)), "moment": st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)),
}  # fmt: skip


@st.composite
def frames(draw: Any, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Columns of one kind of value each, with gaps; the first one counts the rows, so that none is empty."""
    names = draw(NAMES)
    size = draw(st.integers(1, 12))
    columns: dict[str, list[Any]] = {"row": list(range(5, 5 + size))}
    for name in names:
        cells = VALUES[draw(st.sampled_from(kinds))] | st.none()
        columns[name] = draw(st.lists(cells, min_size=size, max_size=size))
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def sheet(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_excel(folder / "t.xlsx", index=False)
    return folder / "t.xlsx"


def parquet(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_parquet(folder / "t.parquet", index=False)
    return folder / "t.parquet"


def records(frame: pd.DataFrame, folder: Path) -> Path:
    rows = [dict(zip(frame, row, strict=True)) for row in frame.to_numpy().tolist()]
    (folder / "t.json").write_text(json.dumps(rows, default=str), "utf-8")
    return folder / "t.json"


def lines(frame: pd.DataFrame, folder: Path) -> Path:
    rows = [dict(zip(frame, row, strict=True)) for row in frame.to_numpy().tolist()]
    (folder / "t.jsonl").write_text("\n".join(json.dumps(row, default=str) for row in rows), "utf-8")
    return folder / "t.jsonl"


def database(frame: pd.DataFrame, folder: Path) -> Path:
    (folder / "t.sqlite").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "t.sqlite")) as db:
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in frame)
        db.execute(f"CREATE TABLE t ({quoted})")
        cells = [
            [str(cell) if isinstance(cell, date) else cell for cell in row]
            for row in frame.to_numpy().tolist()
        ]
        db.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(frame.columns))})", cells)
        db.commit()
    return folder / "t.sqlite"


def folder_of_kaggle(frame: pd.DataFrame, folder: Path) -> Path:
    for name in ("train.csv", "test.csv"):
        frame.to_csv(folder / name, index=False)
    return folder


MADE = {
    sheet: ("whole", "float", "truth", "day"), parquet: ("whole", "float", "truth", "text", "day"), records: ("whole", "float", "truth", "text", "day"),
    lines: ("whole", "float", "truth", "text", "moment"), database: ("whole", "float", "text", "day"), folder_of_kaggle: ("whole", "float", "truth", "day"),
}  # fmt: skip


def whole(make: Any, frame: pd.DataFrame) -> Table | None:
    """The table, as many rows as the frame has; None where it is refused in one line."""
    with tempfile.TemporaryDirectory() as place:
        try:
            found = read(str(make(frame, Path(place))), Wanted(target="row"))
        except BudgetMLError as error:
            assert "\n" not in str(error)
            return None
    assert len(found.rows) == len(frame) or found.notes
    return found


@pytest.mark.parametrize("make", MADE)
def test_a_source_is_read_whole_or_refused_in_one_line(make: Any) -> None:
    @given(frames(MADE[make]))
    @settings(max_examples=15, derandomize=True, **QUIET)
    def check(frame: pd.DataFrame) -> None:
        found = whole(make, frame)
        if found and not found.notes:
            assert found.header == [
                " ".join(name.split()) for name in frame
            ]  # blanks around and within names are evened
            assert [row[0] for row in found.rows] == [str(number) for number in frame["row"]]

    check()


@pytest.mark.soak
@pytest.mark.parametrize("make", MADE)
def test_many_sources_are_read_whole_or_refused_in_one_line(make: Any) -> None:
    check = given(frames(MADE[make]))(
        settings(max_examples=400, **QUIET)(lambda frame: whole(make, frame) and None)
    )
    check()


ENDINGS = (".xlsx", ".parquet", ".json", ".jsonl", ".sqlite", ".ods", ".xls", ".json.gz")


WRITERS = {".xlsx": sheet, ".parquet": parquet, ".json": records, ".jsonl": lines, ".sqlite": database}


@cache
def undamaged(ending: str) -> bytes:
    """The content of a file as it is written; once, as some kinds hold the time when they were."""
    make = WRITERS[ending]
    frame = pd.DataFrame({"row": range(5, 30), "x": [n / 4 for n in range(25)], "word": ["fox"] * 25})
    with tempfile.TemporaryDirectory() as folder:
        plain = frame.astype(object) if make in (records, lines, database) else frame
        return make(plain, Path(folder)).read_bytes()


@st.composite
def damaged(draw: Any) -> tuple[str, bytes]:
    """The content of a file with some bytes exchanged or its end cut off, or any bytes."""
    ending = draw(st.sampled_from(ENDINGS))
    if ending not in WRITERS:
        return ending, draw(st.binary(max_size=200))
    content = bytearray(undamaged(ending))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return ending, bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


def unharmed(made: tuple[str, bytes]) -> None:
    ending, content = made
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"t{ending}").write_bytes(content)
        try:
            found = read(str(Path(folder) / f"t{ending}"), Wanted(target="row"))
        except BudgetMLError as error:
            assert "\n" not in str(error)
        else:
            assert all(len(row) == len(found.header) for row in found.rows)


@given(damaged())
@settings(max_examples=60, derandomize=True, **QUIET)
def test_a_damaged_source_is_a_table_or_one_line(made: tuple[str, bytes]) -> None:
    unharmed(made)


@pytest.mark.soak
@given(damaged())
@settings(max_examples=3000, **QUIET)
def test_many_damaged_sources_are_tables_or_one_line(made: tuple[str, bytes]) -> None:
    unharmed(made)
