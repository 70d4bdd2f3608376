"""Tables of any shape become tasks: rows in equal rows out, or a note; converted and said, or refused in one line."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from budgetmlagent.errors import UsageError
from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.parts import AT_RANDOM, Apart
from budgetmlagent.new.tablefile import Table, read_table


def read(folder: Path, content: str | bytes, name: str = "t.csv") -> Table:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


def planned(
    folder: Path, content: str | bytes, target: str = "y", metric: str | None = None, apart: Apart = AT_RANDOM
) -> Plan:
    return plan(read(folder, content), target, metric, 0, apart)


def column(made: Plan, name: str) -> list[str]:
    place = made.header.index(name)
    return [row[place] for row in (*made.train, *made.test)]


def table(cell, header: str = "a;b;y", rows: int = 120) -> str:
    """A table between whose cells semicolons stand; `cell` makes the target of a row."""
    return f"{header}\n" + "".join(f"{n % 7};{'uvw'[n % 3]};{cell(n)}\n" for n in range(rows))


# --- what stands between cells, and where the header is


@pytest.mark.parametrize(
    ("content", "header", "rows", "words"),
    [
        ("Len, mm;Wid, mm;k\n1,6;6,0;B\n8,1;7,3;A\n", ["Len, mm", "Wid, mm", "k"], [["1,6", "6,0", "B"], ["8,1", "7,3", "A"]], ""),
        ("a, b|c|d\n1, 2|3|4\n5, 6|7|8\n", ["a, b", "c", "d"], [["1, 2", "3", "4"], ["5, 6", "7", "8"]], ""),
        ("x, y , z\n1, a b , 2\n3, c , 4\n", ["x", "y", "z"], [["1", "a b", "2"], ["3", "c", "4"]], ""),
        ('x, y\n1, "a, b"\n3, "c"\n', ["x", "y"], [["1", "a, b"], ["3", "c"]], ""),
        ("town      x   y\nSt. John  1   2\nRome     10   4\n", ["town", "x", "y"], [["St. John", "1", "2"], ["Rome", "10", "4"]], "blanks stand between"),
        ("===  ===\nx    y\n===  ===\n1    2\n3    4\n===  ===\n", ["x", "y"], [["1", "2"], ["3", "4"]], "3 lines without any values"),
        ('x; y\n1; "a; b"\n3; "c" or d\n4; e\n', ["x", "y"], [["1", "a; b"], ["3", ' "c" or d'], ["4", " e"]], ""),
        ('18.0   8   307.0\t"chevrolet malibu"\n25.0   4   ?    \t"ford pinto"\n15.5   8   350.0\t"buick skylark 320"\n', ["column_1", "column_2", "column_3", "column_4"],
         [["18.0", "8", "307.0", "chevrolet malibu"], ["25.0", "4", "?", "ford pinto"], ["15.5", "8", "350.0", "buick skylark 320"]], "blanks stand between cells as well as tabs"),
        ("mpg  cyl\tname\n18.0   8\tchevrolet malibu\n25.0   4\tpinto\n", ["mpg", "cyl", "name"], [["18.0", "8", "chevrolet malibu"], ["25.0", "4", "pinto"]], "as well as tabs"),
        ("paid sum\ttown\n1 200\tRome\n12 500\tParis\n", ["paid sum", "town"], [["1 200", "Rome"], ["12 500", "Paris"]], ""),  # thousands
        ("at\ttown\n1.5 2\tRome\n3.5 4\tParis\n", ["at", "town"], [["1.5 2", "Rome"], ["3.5 4", "Paris"]], ""),  # one name for two numbers
        ("who,y\n'Smith, J.',1\nBrown,2\n'O''Neil, \"K\"',3\n", ["who", "y"], [["Smith, J.", "1"], ["Brown", "2"], ["O'Neil, \"K\"", "3"]], "single quotation marks"),
        ("'a'; 'b'\n'1,5'; 'it\\'s; x'\n'2,5'; 'y'\n", ["a", "b"], [["1,5", "it's; x"], ["2,5", "y"]], "single quotation marks"),
        ("who,y\n'tis,1\n'n',2\n\"v, w\",3\n", ["who", "y"], [["'tis", "1"], ["'n'", "2"], ["v, w", "3"]], ""),
        ("who,y\n'tis,1\n'n',2\n", ["who", "y"], [["'tis", "1"], ["'n'", "2"]], ""),  # an apostrophe
        ('"x";"y"\n"1,5";"2,7"\n"-3,5";"1.004,7"\n', ["x", "y"], [["1,5", "2,7"], ["-3,5", "1.004,7"]], ""),
        ("x    y z\n1.5  a 2\n-2.5 b 3\n", ["x", "y", "z"], [["1.5", "a", "2"], ["-2.5", "b", "3"]], "blanks stand between the cells"),
        ('"x" "y"\n"r 1" 1 "a b"\n"r 2" 3 c\n', ["row_id", "x", "y"], [["r 1", "1", "a b"], ["r 2", "3", "c"]], "blanks stand between"),
        ("| x | y |\n|---|:-:|\n| 1 | a |\n| 2 | b |\n", ["x", "y"], [["1", "a"], ["2", "b"]], "1 line without any values"),
        ("x;y\n+1,5e-01;2,5E+02\n-2,5e+00;3e1\n", ["x", "y"], [["+1,5e-01", "2,5E+02"], ["-2,5e+00", "3e1"]], ""),
        ("x\ty; z\n1,5\t2\n2,5\t3\n", ["x", "y; z"], [["1,5", "2"], ["2,5", "3"]], ""),
        ("sep=;\na,b;c\n1;2\n3;4\n", ["a,b", "c"], [["1", "2"], ["3", "4"]], ""),
        ('"sep=|"\r\na|b\r\n1|2\r\n3|4\r\n', ["a", "b"], [["1", "2"], ["3", "4"]], ""),
        ("a,b\r1,2\r3,4", ["a", "b"], [["1", "2"], ["3", "4"]], ""),  # a bare carriage return
        ("a,b,\n1,2,\n3,4,\n", ["a", "b"], [["1", "2"], ["3", "4"]], ""),
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], [["1", "2"], ["3", "4"]], "one mark too many"),
        ('"a" "b"\n'.replace(" ", ",") + '"1",5,6\n"2",7,8\n', ["a", "b"], [["5", "6"], ["7", "8"]], "only numbers the rows"),
        ("a,b\n1,2\n,\n3,4\n,\n", ["a", "b"], [["1", "2"], ["3", "4"]], "2 rows are empty, the first in line 3"),
        ("a,b\n1,2\na,b\n3,4\n", ["a", "b"], [["1", "2"], ["3", "4"]], "the header comes again, first in line 3"),
        ('a,b\n"x \\"y\\", z",2\nv,4\n', ["a", "b"], [['x "y", z', "2"], ["v", "4"]], "quotation marks within cells"),
        ("5.3,2.5,-0.9,red\n5.6,1.8,0.1,blue\n5.0,3.7,0.2,red\n", ["column_1", "column_2", "column_3", "column_4"],
         [["5.3", "2.5", "-0.9", "red"], ["5.6", "1.8", "0.1", "blue"], ["5.0", "3.7", "0.2", "red"]], "holds values, not names"),
        ("M,1.5,yes\nF,2.5,no\nM,3.5,yes\nF,1.5,no\n", ["column_1", "column_2", "column_3"],
         [["M", "1.5", "yes"], ["F", "2.5", "no"], ["M", "3.5", "yes"], ["F", "1.5", "no"]], "holds values"),
        ("3,1,0\n2,3,1\n3,1,0\n", ["column_1", "column_2", "column_3"], [["3", "1", "0"], ["2", "3", "1"], ["3", "1", "0"]], "holds values"),
        ("0,1,2\n2,3,1\n3,1,0\n", ["0", "1", "2"], [["2", "3", "1"], ["3", "1", "0"]], ""),  # as pandas names columns
        ("country,1990,1991\nA,5,6\nB,7,8\n", ["country", "1990", "1991"], [["A", "5", "6"], ["B", "7", "8"]], ""),
        ("name,kind\nfox,animal\noak,tree\nelm,tree\n", ["name", "kind"], [["fox", "animal"], ["oak", "tree"], ["elm", "tree"]], ""),
    ],
)  # fmt: skip
def test_the_whole_file_tells_its_shape(content, header, rows, words, tmp_path: Path) -> None:
    found = read(tmp_path, content)
    assert (found.header, found.rows) == (header, rows)
    assert words in "; ".join(found.notes) and bool(found.notes) == bool(words)


def reviews(rows: int = 60) -> list[str]:
    return [
        "id,text,label",
        *(
            f"{n},it was {'good' if n % 2 else 'bad'} {n % 9},{'pos' if n % 2 else 'neg'}"
            for n in range(rows)
        ),
    ]


@pytest.mark.parametrize("places", [(20, 40), (20,), (20, 21), (5, 30, 50), (60,)])
def test_a_stray_quotation_mark_swallows_no_rows(places: tuple[int, ...], tmp_path: Path) -> None:
    lines = reviews()
    for number, place in enumerate(places):
        id, text, label = lines[place].split(",")
        lines[place] = f'{id},"{text},{label}' if number % 2 == 0 else f'{id},{text} 27",{label}'
    found = read(tmp_path, "\n".join(lines) + "\n")
    assert len(found.rows) == 60 and [row[0] for row in found.rows] == [str(n) for n in range(60)]
    assert f"the quotation mark in line {places[0] + 1}" in found.notes[0]


def test_cells_of_several_lines_stay_whole_and_are_told_where_they_look_like_rows(tmp_path: Path) -> None:
    lines = reviews()
    lines[20] = '19,"one, two\nthree, four, five\n\nsix, seven",pos'
    found = read(tmp_path, "\n".join(lines))
    assert (
        len(found.rows) == 60
        and found.rows[19][1] == "one, two\nthree, four, five\n\nsix, seven"
        and not found.notes
    )
    found = read(tmp_path, 'a,b\nx,y\n"p,\nq, r\ns",t\n' + "u,v\n" * 3)
    assert found.rows[1] == ["p,\nq, r\ns", "t"] and "lines 3 to 5 are one row" in found.notes[0]


@pytest.mark.parametrize(("end", "within"), [("\r", "\n"), ("\n", "\r"), ("\r\n", "\n"), ("\r\n", "\r")])
def test_line_breaks_of_another_kind_belong_to_their_cells(end: str, within: str, tmp_path: Path) -> None:
    found = read(
        tmp_path, "".join(f"{n},two{within}lines,{within}z{end}" if n else f"k,a,b{end}" for n in range(9))
    )
    assert found.header == ["k", "a", "b"]
    assert found.rows == [[str(n), "two\nlines", "\nz"] for n in range(1, 9)]
    assert any("belong to their cells" in note for note in found.notes)


def test_a_short_row_is_no_line_break_within_a_cell(tmp_path: Path) -> None:
    for text in ("a,b,c\n1,2,3\n4,5\r\n6,7,8\n", "a,b,c\r\n1,2,3\n4,5\r\n6,7,8\n"):
        with pytest.raises(UsageError, match=r":3: has 2 cells, the header has 3"):
            read(tmp_path, text)


def test_a_last_row_below_one_of_several_lines_is_a_row(tmp_path: Path) -> None:
    body = "".join(f'k{n},{n},"two\nlines"\n' for n in range(60))
    assert read(tmp_path, f"key,x,y\n{body}k60,,\n").rows[-1] == ["k60", "", ""]
    assert read(tmp_path, f"key,x,y\n{body}\nsource,,\n").rows[-1][0] == "k59"


@pytest.mark.parametrize("name", ["t.txt", "t.dat", "t.data"])
def test_a_text_file_is_a_table_whatever_its_ending(name: str, tmp_path: Path) -> None:
    assert read(tmp_path, "a b\n1 2\n3 4\n", name).rows == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("name", ["t.tsv.gz", "t.TSV.GZ"])
def test_a_packed_text_file_is_read_as_its_name_says(name: str, tmp_path: Path) -> None:
    packed = gzip.compress(b"a\tb, c\n1\tx, y\n3\tz, w\n")
    assert read(tmp_path, packed, name).rows == [["1", "x, y"], ["3", "z, w"]]


def test_a_column_that_the_target_names_with_blanks_is_found(tmp_path: Path) -> None:
    text = "id, x , my  churn \n" + "".join(f"{n}, {n % 7} , {'yes' if n % 3 else 'no'}\n" for n in range(90))
    assert planned(tmp_path, text, " my  churn").labels == ["no", "yes"]


BROKEN = "".join(f'{n},"two\nlines",{n % 5}\n{n},"{"ab"[n % 2]}",{n % 3}\n' for n in range(30))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\nfox,oak\n"elm,ash\nyew,fir\n', 3), (f'n,c,y\n{BROKEN}60,"never closed,3\n{BROKEN}', 92), (f'n,c,y\n{BROKEN}60,"never closed,3\n', 92),
        ('a,b\n1,"x" y\n2,z\n', 2),
    ],
)  # fmt: skip
def test_a_quotation_mark_that_is_never_closed_is_said_where_it_opens(
    text: str, line: int, tmp_path: Path
) -> None:
    words = rf"t.csv:{line}: a quotation mark is opened in this line and not closed at the end of a cell"
    with pytest.raises(UsageError, match=words):
        read(tmp_path, text)


# --- encodings

TEXTS = {
    "de": ["Müller", "Köln", "Straße", "Äpfel", "Grün", "x"], "fr": ["Élodie", "Besançon", "été", "là", "x"], "pt": ["São Paulo", "Brasília", "ação"],
    "ru": ["Москва", "Тверь", "Омск"], "pl": ["Łódź", "Kraków", "Gdańsk"], "el": ["Αθήνα", "Πάτρα"], "ja": ["さいたま", "ひろしま"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *((language, encoding) for language in ("de", "fr", "pt") for encoding in ("cp1252", "mac_roman", "cp850")), ("ru", "cp1251"), ("ru", "koi8_r"),
        ("pl", "cp1250"), ("el", "cp1253"), ("ja", "cp932"), *((language, form) for language in TEXTS for form in ("utf-8-sig", "utf-16", "utf-16-be")),
    ],
)  # fmt: skip
def test_an_encoding_is_known_by_the_words_that_it_makes(
    language: str, encoding: str, tmp_path: Path
) -> None:
    words = TEXTS[language] * 10
    content = "name,y\n" + "".join(f"{word},{n}\n" for n, word in enumerate(words))
    if encoding == "utf-16-be" and language not in ("de", "fr", "pt"):
        content = "\ufeff" + content  # without the mark, only text of mostly Latin letters is known
    found = read(tmp_path, content.encode(encoding))
    assert [row[0] for row in found.rows] == words
    assert len(found.notes) == (encoding != "utf-8-sig")


# --- numbers, labels, dates of a task


@pytest.mark.parametrize(
    ("cell", "first", "words"),
    [
        (lambda n: f"${n * 37 % 1000 + 900:,}.00", "900.00", "is a mark of thousands"),
        (lambda n: f"{n * 37 % 1000 + 500:,}".replace(",", "."), "500", "'.' is a mark of thousands"),
        (lambda n: f"{n * 7 % 100}%", "0", "'%' is taken off"),
        (lambda n: f"{n / 8:.3f}".rstrip("0").replace(".", ",") + "0", "0,0", "',' is the decimal mark"),
        (lambda n: f"({n})" if n % 2 else f"{n}", "0", "(3) is read as -3"),
        (lambda n: f"{n} Fr.", "0", "'Fr.' is taken off"),
        (lambda n: f"{n % 3}h {n % 60}min", "0", "read as seconds"),
        (lambda n: f"{n * 10} g" if n < 60 else f"{n} kg", "0", "read as grams"),
    ],
)
def test_a_target_of_written_numbers_is_a_number(cell, first: str, words: str, tmp_path: Path) -> None:
    made = planned(tmp_path, table(cell))
    assert made.kind == "regression" and any(words in note for note in made.notes)
    assert len(column(made, "y")) == 120 and first.replace(",", ".") in column(made, "y")
    assert len(made.answers) == len(made.test) and all(float(value) == value for _, value in made.answers)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (lambda n: f"${n},000" if n != 50 else "€5", "'€5' in row 51 is not written like '$0,000'"),
        (lambda n: f"${n}.50" if n != 50 else "five", "'five' in row 51 is not written like '$0.50'"),
        (lambda n: f"{n} kg" if n != 7 else "7 Stück", "'7 Stück' in row 8 is not written like '0 kg'"),
        (
            lambda n: f"{n},5" if n % 3 else f"{n}.500,25.3",
            "'0.500,25.3' in row 1 is not written like '1,5'; correct or empty it, and 39 more",
        ),
    ],
)
def test_a_target_that_does_not_fit_is_refused_with_the_first_value(cell, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--target") as raised:
        planned(tmp_path, table(cell))
    assert words in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("cells", [["5 stars", "4 stars"], ["0%", "50%", "100%"], ["$1", "$2"]])
def test_a_few_whole_numbers_stay_the_labels_that_they_are(cells: list[str], tmp_path: Path) -> None:
    made = planned(tmp_path, table(lambda n: cells[n * 5 % 11 % len(cells)]))
    assert made.labels == sorted(cells)
    assert planned(tmp_path, table(lambda n: cells[n % len(cells)]), metric="rmse").kind == "regression"


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["TRUE", "1", "FALSE", "0"], [False, True]), (["yes", "Y", "no", "N", "no"], ["no", "yes"]), (["1", "0", "1", "no", "0"], [0, 1]),
        (["yes", "1", "yes"], ["1", "yes"]), (["yes", "no", "maybe", "1"], ["1", "maybe", "no", "yes"]),
    ],
)  # fmt: skip
def test_yes_in_several_writings_is_one_label(cells: list[str], labels: list[object], tmp_path: Path) -> None:
    assert planned(tmp_path, table(lambda n: cells[n % len(cells)])).labels == labels


def test_dates_are_no_target_and_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'y': holds dates, such as '01\.02\.2020'"):
        planned(tmp_path, table(lambda n: f"{n % 28 + 1:02}.02.20{20 + n % 6}"))


@pytest.mark.parametrize("word", ["None", "NA", "null", "N/A"])
def test_a_label_that_pandas_takes_for_a_missing_value_is_a_label(word: str, tmp_path: Path) -> None:
    made = planned(tmp_path, table(lambda n: ("EU", word, "AS", "")[n * 5 % 11 % 4]))
    assert made.labels == sorted(["AS", "EU", word]) and made.words
    assert any(f"'{word}' is taken for a label of 'y'" in note for note in made.notes)
    assert len(made.train) + len(made.test) == sum(n * 5 % 11 % 4 != 3 for n in range(120))
    numbers = planned(tmp_path, table(lambda n: word if n % 4 == 0 else n / 2))
    assert numbers.kind == "regression" and not numbers.words and len(column(numbers, "y")) == 90


def test_features_are_converted_and_all_that_goes_is_said(tmp_path: Path) -> None:
    rows = [
        f'"{n},5";{n % 28 + 1:02}.{n % 3 + 1:02}.2020;{"?" if n == 3 else n};{f"{n} kg" if n != 9 else "heavy"};{n % 2}'
        for n in range(120)
    ]
    made = planned(tmp_path, "size;day;count;weight;y\n" + "\n".join(rows))
    notes = "\n".join(made.notes)
    assert (
        "'size': '0,5' is written 0.5 (',' is the decimal mark)" in notes
        and "'day': '01.01.2020' is written 2020-01-01" in notes
    )
    assert "'count': '?' is read as a missing value" in notes
    assert (
        "'weight': '0 kg' is written 0" in notes
        and "1 value is left empty as it does not fit, 'heavy' in row 10" in notes
    )
    assert sorted(column(made, "size"), key=float)[-1] == "119.5" and "2020-03-28" not in column(
        made, "count"
    )
    assert column(made, "count").count("") == 1 and column(made, "weight").count("") == 1
    assert made.columns.numbers[:2] == ["size", "count"]


@pytest.mark.parametrize(
    "form", ["%d/%m/%Y", "%Y-%m-%d", "%b %d, %Y", "%Y%m%d", "%d.%m.%y", "%m/%d/%Y %I:%M %p", "%s"]
)
def test_order_in_time_is_seen_whatever_the_format(form: str, tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=200)
    texts = [str(int(day.timestamp())) for day in days] if form == "%s" else list(days.strftime(form))
    content = "when|x|y\n" + "".join(
        f"{text}|{n * 7 % 13}|{n * 11 % 17 / 2}\n" for n, text in enumerate(texts)
    )
    made = planned(tmp_path, content)
    assert any("in the order of 'when'" in note and "--time 'when'" in note for note in made.notes)
    later = planned(tmp_path, content, apart=Apart(time="when"))
    place = later.header.index("when")
    assert (
        max(row[place] for row in later.train) < min(row[place] for row in later.test)
        and len(later.test) == 40
    )
    assert not any("in the order of" in note for note in later.notes)


def test_rows_of_few_columns_that_occur_twice_stay_together_and_are_told(tmp_path: Path) -> None:
    rows = [f"{n * 37 % 211 / 8},{'uvw'[n % 3]},{n * 71 % 199 / 4}\n" for n in range(150)]
    made = planned(tmp_path, "a,b,y\n" + "".join(rows * 2))
    assert any("150 rows occur more than once" in note for note in made.notes)
    learned, held = ({tuple(row[1:]) for row in part} for part in (made.train, made.test))
    assert not learned & held and len(made.train) + len(made.test) == 300
    once = planned(
        tmp_path, "a,b,y\n" + "".join(f"{n % 5},{n % 3},{n % 7 + n % 4 / 8}\n" for n in range(300))
    )
    assert not any("more than once" in note for note in once.notes)


def test_a_number_that_stands_for_no_value_is_questioned(tmp_path: Path) -> None:
    made = planned(tmp_path, table(lambda n: "-999" if n % 9 == 0 else str(n / 4)))
    assert any("-999 is far from all other values of 'y', in 14 rows" in note for note in made.notes)
    cells = [f"{[n % 7, 9999][n % 10 == 3]};{n % 99};{n * 17 % 113 / 2}\n" for n in range(120)]
    said = [note for note in planned(tmp_path, "a;b;y\n" + "".join(cells)).notes if "far from" in note]
    assert said == ["values far from all others, which may mean that there is none: 'a' (9999)"]
    age = planned(tmp_path, "age,y\n" + "".join(f"{20 + n % 80},{n / 3:.2f}\n" for n in range(160)))
    assert not any("far from" in note for note in age.notes)


def test_many_labels_are_questioned_and_unused_columns_are_told(tmp_path: Path) -> None:
    content = "code,same,x,y\n" + "".join(f"k{n},1,{n % 9},name{n % 60}\n" for n in range(600))
    notes = "\n".join(planned(tmp_path, content).notes)
    assert (
        "60 labels are many" in notes
        and "not used by the starter: 'code' (nearly each row has its own), 'same' (one value only)" in notes
    )
