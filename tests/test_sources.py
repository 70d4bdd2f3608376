"""`budgetml new task` takes a table from whatever a person has, and says in one line where it cannot."""

import gzip
import json
import sqlite3
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import BudgetMLError, UsageError
from budgetmlagent.new.fromtable import plan
from budgetmlagent.new.sources import databases, jsons
from budgetmlagent.new.sources.anything import Wanted, read
from budgetmlagent.tasks.folder import load_task

N = 120
RNG = np.random.default_rng(0)
AREA = RNG.integers(20, 200, N)
FRAME = pd.DataFrame({
    "area": AREA, "floor": np.where(RNG.random(N) > 0.1, RNG.integers(0, 9, N), np.nan), "town": RNG.choice(["Köln", "a, b", 'the "Hague"'], N),
    "sold": pd.date_range("2020-01-01", periods=N), "price": (AREA * 2.5 + RNG.normal(size=N)).round(2),
})  # fmt: skip
RECORDS = json.loads(FRAME.assign(sold=FRAME.sold.dt.strftime("%Y-%m-%d")).to_json(orient="records"))
CELLS = [["" if value is None else str(value) for value in record.values()] for record in RECORDS]


def plain(data: Path | str, table: str = "", target: str = "price") -> tuple[list[str], list[list[str]]]:
    """The cells of a table, whole numbers without a fraction and dates without midnight."""
    found = read(str(data), Wanted(table, target))
    rows = [[cell.removesuffix(" 00:00:00").removesuffix(".0") for cell in row] for row in found.rows]
    return found.header, rows


def expected() -> tuple[list[str], list[list[str]]]:
    return list(FRAME), [[cell.removesuffix(".0") for cell in row] for row in CELLS]


# --- JSON

SHAPES = {
    "records.json": json.dumps(RECORDS),
    "indented.json": json.dumps(RECORDS, indent=1, ensure_ascii=False),
    "lines.jsonl": "\n".join(map(json.dumps, RECORDS)) + "\n\n",
    "lines.json": "\n".join(map(json.dumps, RECORDS)),
    "columns.json": json.dumps({name: [record[name] for record in RECORDS] for name in FRAME}),
    "pandas.json": json.dumps({name: {str(n): record[name] for n, record in enumerate(RECORDS)} for name in FRAME}),
    "split.json": json.dumps({"columns": list(FRAME), "index": [], "data": [list(r.values()) for r in RECORDS]}),
    "rows.json": json.dumps([list(FRAME), *(list(r.values()) for r in RECORDS)]),
    "inner.json": json.dumps({"status": "ok", "count": N, "results": RECORDS}),
    "several.json": json.dumps({"users": [{"name": "x"}], "flats": RECORDS}),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_json_is_a_table_in_whatever_shape(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(SHAPES[name], encoding="utf-8")
    assert plain(path) == expected()
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(SHAPES[name].encode("utf-16")))
    assert plain(packed) == expected()


def test_objects_in_records_become_columns_and_lists_are_left_out_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(
        json.dumps([{"at": {"lat": 1, "lon": n}, "tags": ["a"], "none": {}, "y": n} for n in range(3)])
    )
    table = read(str(path), Wanted())
    assert table.header == ["at.lat", "at.lon", "none", "y"]
    assert any("'tags' holds lists" in note for note in table.notes)
    path.write_text('[{"big": 123456789012345678901, "y": NaN}, {"y": true, "more": "x"}]')
    assert read(str(path), Wanted()).rows == [["123456789012345678901", "", ""], ["", "True", "x"]]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.json", '[{"a": 1},\n{"a": }]', "t.json:2: is no JSON: "), ("t.jsonl", '{"a": 1}\n{"a": \n', "t.jsonl:2: is no JSON: "),
        ("t.json", "3", "holds no table"), ("t.json", '{"a": 3}', "holds no table"), ("t.json", "[]", "holds no table"), ("t.json", "", "t.json:1: is no JSON"),
        ("t.json", "[" * 100_000, "is nested too deeply"), ("t.json", '{"a": [{"x": 1}], "b": [{"x": 2}]}', "has 2 tables; choose one by --table: 'a', 'b'"),
        ("t.json", '[{"a": "\\u0000"}]', "holds NUL bytes"), ("t.json", '[{"a": [1]}]', "has no"), ("t.jsonl.gz", "{}", "cannot be read"),
        ("t.json", '[["a", "a"], [1, 2]]', "holds no table"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_json_is_one_line(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as error:
        read(str(tmp_path / name), Wanted())
    assert words in str(error.value) and "\n" not in str(error.value)


def test_records_by_their_keys_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({f"k{n}": {"x": n, "at": {"y": n / 2}} for n in range(9)}))
    found = read(str(path), Wanted())
    assert found.header == ["key", "x", "at.y"] and found.rows[3] == ["k3", "3", "1.5"]


def test_a_field_of_an_inner_object_is_offered_by_its_whole_name(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"at": {"price": n}, "x": n} for n in range(60)]))
    with pytest.raises(UsageError, match=r"did you mean 'at\.price'\?"):
        plan(read(str(path), Wanted()), "price", None, 0)


# --- archives


def packed(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


TRAIN = FRAME.to_csv(index=False)


@pytest.mark.parametrize(
    "files",
    [
        {"flats.csv": TRAIN}, {"flats": TRAIN}, {"a/b/flats.csv": TRAIN, "__MACOSX/._flats.csv": "x", "a/.hidden": "y"}, {"../../flats.csv": TRAIN},
        {"in/train.csv": TRAIN, "in/test.csv": "area,floor,town,sold\n1,2,a,b\n3,4,c,d\n"},
    ],
)  # fmt: skip
def test_an_archive_is_its_table_or_its_folder(files: dict[str, str], tmp_path: Path) -> None:
    path = packed(tmp_path / "t.zip", files)
    assert plain(path) == expected()
    assert [one.name for one in tmp_path.iterdir()] == ["t.zip"]
    (tmp_path / "folder").mkdir()
    assert plain(packed(tmp_path / "folder" / "train.csv.zip", {"train.csv": TRAIN}).parent) == expected()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "t.zip: holds no table"), ({"t.zip": "x"}, "t.zip: holds no table"), ({"a/t.csv": TRAIN, "b/t.csv": TRAIN}, "holds 2 files, some of one name"),
        ({"a.csv": TRAIN, "b.csv": TRAIN}, "t.zip: has no table called train, only a.csv, b.csv"), ({"a.docx": "x"}, "t.zip/a.docx: is no table that is read"),
        ({"a.csv": "x,y\n1,2,3,4\n"}, "t.zip/a.csv:2: has 4 cells"),
    ],
)  # fmt: skip
def test_an_archive_without_a_table_is_one_line(files: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(str(packed(tmp_path / "t.zip", files)), Wanted())
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    whole = packed(tmp_path / "t.zip", {"t.csv": TRAIN}).read_bytes()
    with zipfile.ZipFile(tmp_path / "small.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("t.csv", TRAIN)
    small = bytearray((tmp_path / "small.zip").read_bytes())
    small[60:80] = b"\xff" * 20
    odd = (
        packed(tmp_path / "odd.zip", {"\u00e4.csv": TRAIN})
        .read_bytes()
        .replace("\u00e4".encode(), b"\xff\xff")
    )
    damaged = (b"", b"x", whole[:-30], whole.replace(TRAIN[:9].encode(), b"somewhere"), bytes(small), odd)
    for content in damaged:
        (tmp_path / "t.zip").write_bytes(content)
        with pytest.raises(UsageError, match="cannot be unpacked"):
            read(str(tmp_path / "t.zip"), Wanted())


# --- spreadsheets and parquet


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def sheet() -> list[list[object]]:
    body = [
        [None if value != value else value for value in row]
        for row in FRAME.astype(object).to_numpy().tolist()
    ]
    return [list(FRAME), *body]


@pytest.mark.parametrize(
    "above",
    [[], [["Flats of 2020"], []], [["Flats", None, "by", "town"], [None], ["as of May", *[None] * 9, "?"]]],
)
def test_a_sheet_is_read_below_its_titles(above: list[list[object]], tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"Sheet1": [*above, *sheet()], "empty": []})
    assert plain(path) == expected()
    assert any("Flats" in note for note in read(str(path), Wanted()).notes) == bool(above)
    shifted = workbook(tmp_path / "s.xlsx", {"a": [*above, *([None, None, *row] for row in sheet())]})
    assert plain(shifted) == expected()


def test_names_that_several_columns_share_are_joined_from_two_rows(tmp_path: Path) -> None:
    head = [["Report"], ["Site", 2022, None, 2023, None], [None, "mean", "sd", "mean", "sd"]]
    path = workbook(tmp_path / "t.xlsx", {"a": [*head, *([f"s{n}", n, n, n / 2, n] for n in range(9))]})
    found = read(str(path), Wanted())
    assert found.header == ["Site", "2022 mean", "2022 sd", "2023 mean", "2023 sd"]
    assert found.notes == [
        "what stands above the table is left out: 'Report'",
        "the names of columns stand in two rows, as in '2022 mean'",
    ]


def test_the_sheet_with_the_target_is_taken_or_asked_for(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"Notes": [["a", "b"], ["x", 1]], "Flats": sheet()})
    assert plain(path) == plain(path, "Flats") == expected()
    assert plain(path, "Notes") == (["a", "b"], [["x", "1"]])
    for table, words in (
        ("", "has 2 sheets; choose one by --table: 'Flats', 'Notes'"),
        ("flats", "no such sheet"),
    ):
        with pytest.raises(UsageError, match=words):
            read(str(path), Wanted(table, "nothing"))


def test_values_of_a_sheet_are_kept(tmp_path: Path) -> None:
    rows = [["n", "when", "flag", 2019, "t"], [1.5, date(2020, 1, 2), True, 3, "#N/A"], [2, datetime(2020, 1, 2, 3, 4), False, 4, "007"]]  # fmt: skip
    table = read(str(workbook(tmp_path / "t.xlsx", {"a": rows})), Wanted())
    assert table.header == ["n", "when", "flag", "2019", "t"]
    assert table.rows == [
        ["1.5", "2020-01-02", "True", "3", ""],
        ["2.0", "2020-01-02 03:04:00", "False", "4", "007"],
    ]


def test_a_sheet_of_opendocument_is_read_like_one_of_excel(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    kinds = {"office": "office", "table": "table", "text": "text"}
    names = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in kinds.items()
    )

    def cell(value: object) -> str:
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        return (
            f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'
            if value
            else "<table:table-cell/>"
        )

    rows = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>"
        for row in [FRAME, *map(dict.values, RECORDS)]
    )
    sheet = f'<table:table table:name="Flats">{rows}</table:table>'
    content = f"<office:document-content{names}><office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body></office:document-content>"
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        book.writestr("content.xml", content)
    assert plain(tmp_path / "t.ods") == expected()


@pytest.mark.parametrize("name", ["t.parquet", "t.pq", "t.feather", "t.ARROW"])
def test_typed_files_keep_whole_numbers_beside_gaps_and_a_named_index(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    parquet = name in ("t.parquet", "t.pq")

    def write(frame: pd.DataFrame) -> None:
        (frame.to_parquet if parquet else frame.to_feather)(tmp_path / name)

    write(FRAME.astype({"floor": "Int64"}))
    assert plain(tmp_path / name) == expected()
    listed = FRAME.assign(tags=[["a"]] * N)
    write(listed.rename_axis("flat") if parquet else listed)
    table = read(str(tmp_path / name), Wanted())
    assert table.header == ["flat"] * parquet + list(FRAME)
    assert any("'tags' holds lists" in note for note in table.notes)


def test_arrow_that_was_sent_is_read_like_a_file(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pandas(FRAME.astype({"floor": "Int64"}))
    with pyarrow.ipc.new_stream(tmp_path / "t.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=50)
    assert plain(tmp_path / "t.arrow") == expected()
    whole = (tmp_path / "t.arrow").read_bytes()
    (tmp_path / "t.arrow").write_bytes(whole[:-100])
    with pytest.raises(UsageError, match="is no arrow table"):
        read(str(tmp_path / "t.arrow"), Wanted())


@pytest.mark.parametrize(
    ("name", "library"),
    [("t.xlsx", "python_calamine"), ("t.ods", "python_calamine"), ("t.parquet", "pyarrow"), ("t.feather", "pyarrow")],
)  # fmt: skip
def test_a_damaged_file_or_a_missing_library_is_one_line(name: str, library: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(BudgetMLError) as error:
        read(str(tmp_path / name), Wanted())
    try:
        __import__(library)
    except ImportError:
        assert "budgetmlagent[tables]" in str(error.value)
    else:
        assert f"{name}: is no " in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="no such file"):
        read(str(tmp_path / f"other{name}"), Wanted()) if library in sys.modules else read(
            "other.csv", Wanted()
        )


# --- databases


def database(path: Path) -> Path:
    with sqlite3.connect(path) as db:
        FRAME.assign(sold=FRAME.sold.dt.strftime("%Y-%m-%d")).to_sql('fl"ats', db, index=False)
        db.execute("CREATE TABLE people (name TEXT, photo BLOB)")
        db.execute("INSERT INTO people VALUES ('x', x'00ff')")
        db.execute('CREATE VIEW dear AS SELECT * FROM "fl""ats" WHERE price > 200')
    db.close()
    return path


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}"])
def test_a_table_of_a_database_is_read(form: str, tmp_path: Path) -> None:
    path = database(tmp_path / "shop 1.db")
    before = path.read_bytes()
    data = form.format(path)
    if "pysqlite" in form:
        pytest.importorskip("sqlalchemy")
    assert plain(data) == plain(data, 'fl"ats') == expected()
    assert len(plain(data, "dear")[1]) == (FRAME.price > 200).sum()
    assert any("'photo' holds bytes" in note for note in read(data, Wanted("people")).notes)
    for table, words in (("", "has 2 tables; choose one by --table"), ("nix", "has no such table; it has")):
        with pytest.raises(UsageError, match=words):
            read(data, Wanted(table, "nothing"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("password", ["s3cret", "p@ss:w/rd", "h%C3%B6her", "a"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://anna:{}@127.0.0.1:1/shop", "mysql+pymysql://anna:{}@127.0.0.1/shop", "nosuch://anna:{}@h/shop", "oracle://h/shop?password={}",
        "postgresql://anna:{}@[::1/shop", "sqlite+pysqlite://anna:{}@h/shop", "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx;PWD%3D{}",
    ],
)  # fmt: skip
def test_a_url_s_password_is_never_printed(
    url: str, password: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(["new", "task", "--data", url.format(password), "--target", "price"]) != 0
    told = capsys.readouterr()
    said = told.out + told.err
    assert said.count("\n") == 1 and "Traceback" not in said
    assert len(password) == 1 or (password not in said and "höher" not in said)
    assert not list(tmp_path.iterdir())


def test_what_drivers_say_loses_the_secrets() -> None:
    said = "cannot log in as anna with p@ss (p%40ss) at h?token=t0p"
    assert (
        databases._without_secrets(said, "x://anna:p%40ss@h?token=t0p")
        == "cannot log in as anna with *** (***) at h?token=***"
    )


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(b"SQLite format 3\0 and then nothing" * 50)
    with pytest.raises(UsageError, match=r"t\.db: is no SQLite table"):
        read(str(tmp_path / "t.db"), Wanted())
    with pytest.raises(UsageError, match="no such file"):
        read("sqlite:///nowhere.db", Wanted())
    sqlite3.connect(tmp_path / "empty.db").execute("VACUUM").connection.close()
    with pytest.raises(UsageError, match="has no table"):
        read(str(tmp_path / "empty.db"), Wanted())


# --- folders


def kaggle(
    folder: Path, sample: str = "id,price\n1,0\n", names: tuple[str, ...] = ("train.csv", "test.csv")
) -> Path:
    folder.mkdir()
    frame = FRAME.assign(id=range(1, N + 1), agent=RNG.choice(["a", "b"], N))
    frame.to_csv(folder / names[0], index=False)
    frame.drop(columns=["price", "agent"]).to_csv(folder / names[1], index=False)
    (folder / "sample_submission.csv").write_text(sample)
    return folder


def test_a_folder_of_kaggle_tells_the_target_and_what_is_not_known_beforehand(tmp_path: Path, capsys) -> None:
    folder = kaggle(tmp_path / "flats")
    assert call(["new", "task", "--data", str(folder), "--out", str(tmp_path / "task")]) == 0
    task = load_task(str(tmp_path / "task"))
    assert (task.env / "train.csv").read_text().split("\n")[0] == "area,floor,town,sold,price,id"
    said = capsys.readouterr().out
    assert (
        "'agent' stands in train.csv alone" in said and "target   'price'" in said and "row id   'id'" in said
    )
    assert any("Predicted" not in note for note in read(str(folder), Wanted()).notes)


def test_archives_of_pictures_beside_the_table_tell_nothing(tmp_path: Path) -> None:
    folder = kaggle(tmp_path / "flats")
    (folder / "test.csv").unlink()
    packed(folder / "test_images.zip", {"1.png": "x", "2.png": "y"})
    found = read(str(folder), Wanted())
    assert "agent" in found.header and found.target == "price"


def test_a_folder_that_says_less_is_asked_about(tmp_path: Path) -> None:
    other = kaggle(tmp_path / "a", "id,Predicted\n1,0\n", ("Train_v2.csv", "TEST.csv"))
    assert (
        read(str(other), Wanted()).target == "" and read(str(other), Wanted(target="price")).target == "price"
    )
    assert "agent" in read(str(other), Wanted()).header
    assert "agent" not in read(str(other), Wanted(target="price")).header
    for name in ("train1.csv", "train2.csv"):
        (other / name).write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="could each be meant"):
        read(str(other), Wanted())
    with pytest.raises(UsageError, match="has no table called train"):
        read(str(tmp_path), Wanted())


@pytest.mark.parametrize(
    ("sample", "names"), [("id,price,agent\n1,0,a\n", "'price', 'agent'"), ("id,floor,town,sold\n1,0,x,1\n", "'floor', 'town', 'sold'")]
)  # fmt: skip
def test_a_submission_of_several_columns_names_them(sample: str, names: str, tmp_path: Path) -> None:
    folder = kaggle(tmp_path / "a", sample)
    with pytest.raises(
        UsageError, match=f"--target: is needed, one of {names}, which sample_submission.csv asks for"
    ):
        read(str(folder), Wanted())
    assert read(str(folder), Wanted(target="price")).target == "price"
    assert read(str(kaggle(tmp_path / "b", "id,price,other\n1,0,0\n")), Wanted()).target == "price"


def test_a_table_that_is_one_has_no_other_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="holds one table"):
        read(str(tmp_path / "t.csv"), Wanted("x"))
    assert jsons.read is not None
