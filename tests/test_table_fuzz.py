"""Fuzzed tables: read whole, or refused with one line; never fewer rows without a word, never another number."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from budgetmlagent.errors import UsageError
from budgetmlagent.new.fromtable import plan
from budgetmlagent.new.tablefile import read_table

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252", "mac_roman"]
WORDS = ["fox", "Köln", "déjà", 'a "b"', "x,y", "p;q", "two\nlines", "NA", "None", "-", "1st", "n/a", "€"]
NUMBERS = [
    lambda n: f"{n}", lambda n: f"{n / 4}", lambda n: f"{n / 4:.2f}".replace(".", ","), lambda n: f"${n:,}.00", lambda n: f"{n}%", lambda n: f"{n} kg",
    lambda n: f"({n})", lambda n: f"{n}:{n % 60:02}", lambda n: f"{n},5 €",
]  # fmt: skip
DATES = [
    "{y}-{m:02}-{d:02}",
    "{d:02}.{m:02}.{y}",
    "{m}/{d}/{y}",
    "{d} Jan {y}",
    "{y}{m:02}{d:02}",
    "{d:02}/{m:02}/{y} 10:{d:02}",
]


@st.composite
def tables(draw) -> tuple[list[str], list[list[str]]]:
    """A header, and rows of columns of numbers, dates and words; the first column tells the rows apart."""
    size = draw(st.integers(50, 70))
    columns: dict[str, list[str]] = {"key id": [f"k{n}" for n in range(size)]}
    for place in range(draw(st.integers(1, 4))):
        chosen = draw(st.lists(st.integers(0, 3000), min_size=size, max_size=size))
        kind = draw(st.sampled_from(["number", "date", "word"]))
        if kind == "number":
            form = draw(st.sampled_from(NUMBERS))
            cells = [form(n) for n in chosen]
        elif kind == "date":
            pattern = draw(st.sampled_from(DATES))
            cells = [pattern.format(y=2000 + n % 20, m=n % 12 + 1, d=n % 28 + 1) for n in chosen]
        else:
            several = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))
            cells = [several[n % len(several)] for n in chosen]
        gaps = draw(st.sets(st.integers(0, size - 1), max_size=5))
        columns[f"c{place} {kind}"] = ["" if n in gaps else cell for n, cell in enumerate(cells)]
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


@st.composite
def files(draw) -> tuple[bytes, list[str], list[list[str]]]:
    """The bytes of a CSV file, with what it holds."""
    header, rows = draw(tables())
    mark = draw(st.sampled_from(",;\t|"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(text, delimiter=mark, lineterminator=end, quoting=quoting).writerows([header, *rows])
    encoding = draw(st.sampled_from(ENCODINGS))
    try:
        return text.getvalue().encode(encoding), header, rows
    except UnicodeEncodeError:
        return text.getvalue().encode(), header, rows


def whole(made: tuple[bytes, list[str], list[list[str]]], folder: Path) -> None:
    content, header, rows = made
    path = folder / "t.csv"
    path.write_bytes(content)
    found = read_table(path)
    letters = {letter for row in rows for cell in row for letter in cell if not letter.isascii()}
    if len(letters) != 1:  # one sign alone, such as that of the euro, tells no encoding
        assert found.header == header and found.rows == rows
    assert len(found.rows) == len(rows)
    target = header[-1]
    try:
        made_plan = plan(found, target, None, 0)
    except UsageError as error:
        assert "\n" not in str(error)
        return
    kept = len(made_plan.train) + len(made_plan.test)
    assert kept == len(rows) or any(
        "are left out" in note and f"{len(rows) - kept} rows" in note for note in made_plan.notes
    )
    keys = {row[made_plan.header.index("key id")] for row in (*made_plan.train, *made_plan.test)}
    assert len(keys) == kept


BROKEN = [[f"k{n}", "two\nlines"] for n in range(50)]
UNQUOTED = "".join(f"{','.join(row)}\r" for row in [["key id", "c0 word"], *BROKEN])  # as some writers do


@example((UNQUOTED.encode(), ["key id", "c0 word"], BROKEN))
@given(files())
@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_table_is_read_whole_or_refused_in_one_line(made) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole(made, Path(folder))


@pytest.mark.soak
@given(files())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_tables_are_read_whole_or_refused_in_one_line(made) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole(made, Path(folder))


def damaged(content: bytes, folder: Path) -> None:
    """Any bytes: a table, with all its lines in its rows or told, or one line."""
    path = folder / "t.csv"
    path.write_bytes(content)
    try:
        found = read_table(path)
    except UsageError as error:
        assert "\n" not in str(error)
        return
    lines = [line for line in content.replace(b"\r", b"\n").split(b"\n") if line]
    assume(b'"' not in content and content.isascii())
    assert found.notes or len(found.rows) == len(lines) - 1


TEXTS = st.text(alphabet="abAB019.,;|\t\"'\n\r éß$-", max_size=120).map(str.encode) | st.binary(max_size=60)


@given(TEXTS)
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_a_table_or_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        damaged(content, Path(folder))


@pytest.mark.soak
@given(TEXTS)
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
def test_very_many_bytes_are_a_table_or_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        damaged(content, Path(folder))
