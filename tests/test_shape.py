"""A text file's shape as a person says it: what stands between cells, the encoding, the line of names; and unusual marks found."""

from pathlib import Path

import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.new import shape
from budgetmlagent.new.tablefile import Table, read_table

BODY = [(f"{n / 7:.2f}", str(n % 5), "pq"[n % 2]) for n in range(60)]


def read(folder: Path, text: str, sep: str = "", encoding: str = "", header: int | None = None) -> Table:
    (folder / "t.csv").write_bytes(text.encode(encoding or "utf-8"))
    return read_table(folder / "t.csv", shape.said(sep, encoding, header))


def lines(mark: str) -> str:
    return "\n".join(mark.join(row) for row in [("a", "b", "y"), *BODY])


@pytest.mark.parametrize("mark", ["^", "~", "\x01", "::", "¦"])
def test_an_unusual_mark_that_cuts_all_lines_alike_is_found_and_said(mark: str, tmp_path: Path) -> None:
    found = read(tmp_path, lines(mark))
    assert found.header == ["a", "b", "y"] and found.rows == [list(row) for row in BODY]
    assert any("--sep says otherwise" in note for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n" + "\n".join(f"{n},x~y" for n in range(9)), "a~b,c\n" + "\n".join(f"x~y{n},{n}" for n in range(9)),
        "x    y~z\n" + "\n".join(f"{n}    {n}~1" for n in range(9)), "a;b^2\n" + "\n".join(f"{n};{n}^2" for n in range(9)),
    ],
)  # fmt: skip
def test_a_letter_within_cells_is_no_mark(text: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert len(found.header) == 2 and not any("--sep" in note for note in found.notes)


@pytest.mark.parametrize(
    ("mark", "typed"), [("#", "#"), ("\t", "tab"), ("\t", "\\t"), ("\x02", "\\x02"), ("<>", "<>"), ("¦\t", "¦\\t"), (";", "semicolon"), ("é", "é"), (" ", "blank")]
)  # fmt: skip
def test_a_mark_that_is_said_stands_between_cells(mark: str, typed: str, tmp_path: Path) -> None:
    found = read(tmp_path, lines(mark), sep=typed)
    assert found.header == ["a", "b", "y"] and found.rows[3] == list(BODY[3]) and len(found.rows) == 60


def test_a_mark_that_is_said_overrides_the_likelier_one(tmp_path: Path) -> None:
    text = "a;b,c\n" + "\n".join(f"{n};{n},{n}" for n in range(20))
    assert read(tmp_path, text, sep=",").header == ["a;b", "c"]
    assert read(tmp_path, text, sep=";").header == ["a", "b,c"]
    assert read(tmp_path, '"a::b"::c\n' + "\n".join(f"{n}::x" for n in range(20)), sep="::").header[1] == "c"


@pytest.mark.parametrize(
    ("encoding", "words"), [("iso8859-2", ["Gdańsk", "Łódź"]), ("iso8859-15", ["60 €", "œuf"]), ("cp437", ["Köln", "Bärn"]), ("cp1250", ["Kroměříž", "Plzeň"]), ("cp1254", ["Şırnak", "Muğla"])]
)  # fmt: skip
def test_an_encoding_that_is_said_is_taken(encoding: str, words: list[str], tmp_path: Path) -> None:
    text = "town;n\n" + "\n".join(f"{words[n % 2]};{n}" for n in range(30))
    found = read(tmp_path, text, encoding=encoding)
    assert {row[0] for row in found.rows} == set(words) and not found.notes


def test_a_guessed_encoding_is_said_with_the_option_that_corrects_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(("town,n\n" + "Zürich,1\nGenève,2\n" * 20).encode("cp1252"))
    found = read_table(tmp_path / "t.csv")
    assert "read as Windows-1252; if letters look wrong, say which it is by --encoding" in found.notes[0]


def test_the_line_of_names_is_said(tmp_path: Path) -> None:
    rows = "\n".join(f"{n},{n % 3}" for n in range(40, 80))
    assert read(tmp_path, f"2020,2021\n{rows}", header=1).header == ["2020", "2021"]
    assert read(tmp_path, f"x,y\n{rows}", header=0).rows[0] == ["x", "y"]
    found = read(tmp_path, f"made,by\nhand\n\nx,y\n{rows}", header=4)
    assert found.header == ["x", "y"] and len(found.rows) == 40
    assert read(tmp_path, f"sep=,\nx,y\n{rows}", header=2).header == ["x", "y"]
    found = read(tmp_path, "\n".join(["0.5,1", *(f"{n / 8},{n % 3}" for n in range(40))]))
    assert "--header 1 takes it for names" in found.notes[0]
    assert (
        read(tmp_path, "\n".join(["0.5,1", *(f"{n / 8},2" for n in range(40))]), header=1).header[0] == "0.5"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sep": "^"}, "stands nowhere in the file"), ({"sep": "\\q\\"}, "is no letter"), ({"sep": "\\n"}, "stands between rows"), ({"encoding": "klingon"}, "is not known"),
        ({"encoding": "rot13"}, "is not known"), ({"encoding": "undefined"}, "is not known"), ({"encoding": "utf\08"}, "is not known"), ({"header": -1}, "is no line"), ({"header": 900}, "the file has 61 lines"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(given: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, lines(","), **given if "encoding" not in given else {})  # type: ignore[arg-type]
        shape.said("", given["encoding"], None)


def test_bytes_that_are_none_of_the_encoding_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("town,n\nZürich,1\n".encode("cp1252"))
    with pytest.raises(UsageError, match=r"is not utf-8 \(byte 8, line 2\); give another --encoding"):
        read_table(tmp_path / "t.csv", shape.said("", "utf-8", None))
    (tmp_path / "t.csv").write_text("town,n\nZurich,1\n")
    with pytest.raises(UsageError, match="is not punycode; give another"):
        read_table(tmp_path / "t.csv", shape.said("", "punycode", None))


def test_the_command_takes_the_options_and_says_what_to_do_without(tmp_path: Path, capsys) -> None:
    (tmp_path / "t.csv").write_text(lines("#"))
    command = [
        "new",
        "task",
        "--data",
        str(tmp_path / "t.csv"),
        "--target",
        "y",
        "--out",
        str(tmp_path / "out"),
    ]
    assert call(command) == 2
    assert "one column alone, 'a#b#y'; say by --sep" in capsys.readouterr().err
    assert call([*command, "--sep", "#", "--header", "1", "--encoding", "utf-8"]) == 0
    (tmp_path / "t.json").write_text('[{"a": 1}]')
    assert call(["new", "task", "--data", str(tmp_path / "t.json"), "--sep", ";"]) == 2
    assert "--sep: is of text files" in capsys.readouterr().err
