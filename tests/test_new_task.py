"""`budgetml new task`: tables become tasks that really run, are really scored, and get better."""

import csv
import gzip
import io
import math
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets, metrics

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.new.tablefile import read_table
from budgetmlagent.tasks.folder import TaskFolder, load_task
from budgetmlagent.tasks.split import split_rows

NASTY = 'the "target", id\\n'
WORDS = {"pos": "good great nice lovely", "neg": "bad awful poor horrid", "neu": "table chair lamp window"}


def bundled(name: str) -> pd.DataFrame:
    return getattr(datasets, f"load_{name}")(as_frame=True).frame


def reviews(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    labels = rng.choice(list(WORDS), rows)
    filler = ["the", "a", "of", "and", "to", "in", "it", "is", "was", "film", "story", "with", "plot"]
    texts = [" ".join([*rng.choice(filler, 9), *rng.choice(WORDS[label].split(), 2)]) for label in labels]
    frame = pd.DataFrame({"review": texts, "year": rng.integers(1990, 2020, rows), "mood": labels})
    frame.loc[::50, "review"] = None
    return frame


def nasty(rows: int = 300) -> pd.DataFrame:
    """Names and values that break what is not quoted."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    return pd.DataFrame({
        'a "quoted", name': x, "it's {{ jinja }} {% x %}": rng.integers(0, 9, rows),
        "größe\nzweite Zeile": rng.choice(["a,b", 'c"d', "ü\nü", "{{ 7 }}", ""], rows),
        "id": rng.choice(["x", "y"], rows), "flag": rng.random(rows) > 0.5, "numbers": rng.random(rows),
        '"""': np.where(rng.random(rows) > 0.2, rng.random(rows), np.nan),
        NASTY: np.where(x + rng.normal(size=rows) * 0.5 > 0, 'yes, "sir"', "no%s"),
    })  # fmt: skip


def wide(rows: int = 300) -> pd.DataFrame:
    """Many columns, one label that is rare, ids of its own, a gap and an infinity."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 60))
    frame = pd.DataFrame(x.copy(), columns=[f"f{i}" for i in range(60)])
    frame.loc[3, "f1"], frame.loc[5, "f2"] = math.inf, math.nan
    frame.insert(7, "CustomerId", [f"c{i:04d}" for i in rng.permutation(rows)])
    y = x[:, :12].sum(1)  # which a small tree learns badly
    return frame.assign(churned=np.where(y > np.quantile(y, 0.85), "yes", "no"))


def saved(folder: Path, table: pd.DataFrame | str) -> Path:
    path = folder / "table.csv"
    path.write_text(table if isinstance(table, str) else table.to_csv(index=False), encoding="utf-8")
    return path


def made(
    folder: Path, table: pd.DataFrame | str, target: str, *options: str, out: str = "task"
) -> TaskFolder:
    data = str(saved(folder, table))
    assert (
        call(["new", "task", "--data", data, "--target", target, "--out", str(folder / out), *options]) == 0
    )
    return load_task(str(folder / out))


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


# --- tasks that run

TABLES = {
    "iris": (bundled("iris"), "target", "accuracy", "max"),
    "diabetes": (bundled("diabetes"), "target", "rmse", "min"),
    "reviews": (reviews(), "mood", "accuracy", "max"),
    "nasty": (nasty(), NASTY, "accuracy", "max"),
    "wide": (wide(), "churned", "roc_auc", "max"),
}
BETTER = {"diabetes", "wide"}  # where one remembered case is sure to beat the starter


@pytest.mark.parametrize(
    "name",
    ["nasty", *(pytest.param(name, marks=pytest.mark.soak) for name in ("reviews", "diabetes", "wide"))],
)
def test_a_table_becomes_a_task_that_runs_and_is_understood(name: str, tmp_path: Path) -> None:
    table, target, metric, direction = TABLES[name]
    task = made(tmp_path, table, target)
    assert (task.metric, task.direction, task.feedback) == (metric, direction, "public")
    session = Session(str(task.root), graph="recall", turns=1, history="run", runs_dir=tmp_path / "runs")
    summary = session.run()
    assert summary["status"] == "finished" and summary["integrity"]["ok"] and summary["calls"] == 0
    for score in ("baseline", "private_baseline", "private_best"):
        assert math.isfinite(summary[score])
    results = [
        line.split("\t") for line in (Path(summary["run_dir"]) / "results.tsv").read_text().splitlines()
    ]
    statuses = [row[4] for row in results[1:]]
    assert len(statuses) == 2 and "crash" not in statuses  # a case, with the names of this table, ran
    if name in BETTER:
        gain = summary["best"] - summary["baseline"]
        assert (gain if direction == "max" else -gain) > 0


@pytest.mark.parametrize(
    ("table", "target", "metric"),
    [
        (bundled("iris"), "target", "accuracy"), (nasty(), NASTY, "accuracy"), (nasty(), "flag", "roc_auc"), (bundled("wine"), "target", "balanced_accuracy"),
        (reviews(), "mood", "f1_macro"), (bundled("diabetes"), "target", "rmse"), (reviews(), "year", "mae"),
        (bundled("diabetes"), "target", "r2"), (bundled("diabetes"), "target", "rmsle"),
        (reviews()[["review", "mood"]], "mood", "accuracy"), (nasty(), "it's {{ jinja }} {% x %}", "mae"),
        (wide(), "churned", "accuracy"), (reviews().assign(words=reviews().year * 1.0), "words", "rmsle"),
    ],
)  # fmt: skip
def test_the_starter_and_the_scorer_agree_on_the_metric(
    table: pd.DataFrame, target: str, metric: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    task = made(tmp_path, table, target, "--metric", metric)
    monkeypatch.chdir(task.env)
    capsys.readouterr()
    runpy.run_path("train.py")
    words, validation = capsys.readouterr().out.strip().rsplit(" ", 1)
    assert words == f"validation {metric}"
    said, truth = (pd.read_csv(p) for p in ("submission.csv", task.scoring / "answers.csv"))
    assert list(said.columns) == list(truth.columns) and said.columns[1] == target
    score = runpy.run_path(str(task.scoring / "eval.py"))["get_score"](".")
    assert score == pytest.approx(library(metric, truth[target], said[target]))
    assert math.isfinite(float(validation))


def library(metric: str, truth: pd.Series, said: pd.Series) -> float:
    """The metric as scikit-learn has it."""
    if metric == "f1_macro":
        return metrics.f1_score(truth, said, average="macro")
    if metric.startswith("rms"):
        name = {"rmse": "root_mean_squared_error", "rmsle": "root_mean_squared_log_error"}[metric]
        return getattr(metrics, name)(truth, said)
    names = {"mae": "mean_absolute_error", "r2": "r2_score", "roc_auc": "roc_auc_score"}
    return getattr(metrics, names.get(metric, f"{metric}_score"))(truth, said)


@pytest.mark.parametrize("name", ["iris", "diabetes", "wide"])
def test_the_scorer_takes_rows_in_any_order_and_refuses_what_is_missing(name: str, tmp_path: Path) -> None:
    task = made(tmp_path, *TABLES[name][:2])
    get_score = runpy.run_path(str(task.scoring / "eval.py"))["get_score"]
    header, first, *rest = (task.scoring / "answers.csv").read_text().splitlines()
    sent = tmp_path / "submission.csv"
    sent.write_text("\n".join([header, *reversed([first, *rest]), "999999,1"]))
    assert get_score(str(tmp_path)) == (1.0 if task.direction == "max" else 0.0)
    blank = f"{first.partition(',')[0]},nan"
    for rows in [rest, [first, first, *rest], *([[blank, *rest]] if name == "diabetes" else [])]:
        sent.write_text("\n".join([header, *rows]))
        with pytest.raises(ValueError):
            get_score(str(tmp_path))


# --- what the folder holds


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_conserved_and_answers_stay_out_of_env(name: str, tmp_path: Path) -> None:
    table, target, *_ = TABLES[name]
    task = made(tmp_path, table, target)
    assert sorted(p.name for p in task.env.rglob("*")) == ["test.csv", "train.csv", "train.py"]
    given = [["" if cell == "inf" else cell for cell in row] for row in cells(tmp_path / "table.csv")]
    train, test, answers = (
        cells(task.root / file) for file in ("env/train.csv", "env/test.csv", "scoring/answers.csv")
    )
    id = answers[0][0]
    keys = [row[test[0].index(id)] for row in test[1:]]
    assert target not in test[0] and [row[0] for row in answers[1:]] == keys
    learned = [row[train[0].index(id)] for row in train[1:]]
    assert len(set(learned + keys)) == len(given) - 1  # each row is in one part
    assert len(test) - 1 >= 50 and len(test) < len(train)
    known = [given[0].index(column) for column in test[0] if column in given[0]]
    back = [train[0].index(given[0][i]) for i in known], [test[0].index(given[0][i]) for i in known]
    rows = [tuple(row[i] for i in back[0]) for row in train[1:]] + [
        tuple(row[i] for i in back[1]) for row in test[1:]
    ]
    assert sorted(rows) == sorted(tuple(row[i] for i in known) for row in given[1:])
    if id not in given[0]:  # a made id counts the shuffled rows: it tells nothing of the table's order
        assert learned + keys == [str(number) for number in range(len(given) - 1)]


def test_labels_are_in_proportion_and_a_single_one_is_learned_from(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(203), "y": ["a"] * 150 + ["b"] * 50 + ["c"] * 2 + ["d"]})
    task = made(tmp_path, frame, "y", "--metric", "accuracy")
    answers = [row[1] for row in cells(task.scoring / "answers.csv")[1:]]
    assert answers.count("a") in range(36, 40) and answers.count("b") in range(11, 15)
    assert answers.count("c") < 2 and "d" not in answers


def test_the_seed_decides(tmp_path: Path) -> None:
    first, again, other = (
        made(tmp_path, nasty(), NASTY, "--seed", seed, out=f"{place}/task").root
        for place, seed in enumerate(["3", "3", "4"])
    )
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert len(files) == 8
    assert all((first / file).read_bytes() == (again / file).read_bytes() for file in files)
    assert (first / "env/test.csv").read_bytes() != (other / "env/test.csv").read_bytes()


def test_the_text_and_the_settings_name_what_was_decided(tmp_path: Path) -> None:
    task = made(tmp_path, wide(), "churned")
    assert "the probability of `yes`" in task.text and "`f0`: number from" in task.text
    assert "`CustomerId` and `churned`" in task.text
    assert (task.data, task.seconds, task.memory_gb, task.name) == ("schema", 180, 2, "task")
    assert "`" not in made(tmp_path, nasty(), NASTY, out="other").text.split("'größe\\nzweite Zeile'")[0][-3:]


# --- what is said


def said(
    capsys, folder: Path, table: pd.DataFrame | str | bytes, target: str, *options: str, file="t.csv"
) -> str:
    data = folder / file
    text = table.to_csv(index=False) if isinstance(table, pd.DataFrame) else table
    data.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert (
        call(["new", "task", "--data", str(data), "--target", target, "--out", str(folder / "o"), *options])
        == 0
    )
    return capsys.readouterr().out


def test_it_says_what_it_decided_and_what_comes_next(tmp_path: Path, capsys, monkeypatch) -> None:
    out = said(capsys, tmp_path, bundled("breast_cancer"), "target")
    assert "'target': classification, 2 labels: 0 or 1" in out and "accuracy, more is better" in out
    assert "455 to learn from, 114 held out: 57 public" in out
    assert out.splitlines()[-1] == f"next: budgetml run {tmp_path / 'o'}"
    monkeypatch.chdir(tmp_path)
    Path("my data.csv").write_text(bundled("iris").to_csv())  # with a column that only numbers the rows
    assert call(["new", "task", "--data", "my data.csv", "--target", "target"]) == 0
    out = capsys.readouterr().out
    assert "no name, only numbers the rows: left out" in out and out.endswith("budgetml run my-data-target\n")
    assert call(["new", "task", "--data", "my data.csv", "--target", "target", "--out", "digits"]) == 0
    assert capsys.readouterr().out.endswith("budgetml run ./digits\n")  # `digits` alone is the bundled task


def test_labels_of_several_lines_are_counted_as_the_rows_that_they_are(tmp_path: Path, capsys) -> None:
    table = reviews().replace({"mood": {"pos": "good\nor\nbetter", "neg": 'bad, "so"\nto say'}})
    out = said(capsys, tmp_path, table, "mood")
    task = load_task(str(tmp_path / "o"))
    halves = [len(list(csv.reader(io.StringIO(half, newline="")))) - 1 for half in split_rows(
        (task.scoring / "answers.csv").read_text(), task.name)]  # fmt: skip
    assert halves == [40, 40]
    assert "320 to learn from, 80 held out: 40 public for the score during a run, 40 private" in out
    assert "- train.csv: 320 rows\n- test.csv: 80 rows" in task.text


def test_it_warns_of_what_flatters_a_score(tmp_path: Path, capsys) -> None:
    n = np.arange(120)
    frame = pd.DataFrame({
        "day": pd.date_range("2024-01-01", periods=120).astype(str), "patient_id": n // 4, "x": n % 7 + 0.5, "y": n % 2,
        "code": np.where(n % 2, "odd", "even"),
    })  # fmt: skip
    frame.loc[7:8, "x"] = [math.inf, -math.inf]
    frame["y"] = frame["y"].astype(object)
    frame.loc[:4, "y"] = [None, "NA", None, None, None]
    out = said(capsys, tmp_path, frame, "y")
    assert "5 rows have no value of 'y' and are left out (a missing value is also 'NA')" in out
    assert "infinite values of 'x' are left empty, 2 in all" in out
    assert "in the order of 'day'" in out and "rows of one 'patient_id'" in out
    assert "'code' tells 'y' exactly" in out and "rows are held out: few" in out


def test_other_files_and_encodings_are_read(tmp_path: Path, capsys) -> None:
    frame = pd.DataFrame({"größe": ["ä", "b", "c"] * 40, "y": [1.5, 2.5, 3.5] * 40})
    text = frame.to_csv(index=False, sep=";")
    out = said(capsys, tmp_path, text.encode("latin-1"), "y")
    assert (
        "is not UTF-8 (byte 2): read as Windows-1252" in out and "'y': regression, a number from 1.5" in out
    )
    assert cells(tmp_path / "o/env/train.csv")[0] == ["id", "größe", "y"]
    (tmp_path / "1").mkdir()
    packed = gzip.compress(frame.to_csv(index=False, sep="\t").encode("utf-8-sig"))
    assert "regression" in said(capsys, tmp_path / "1", packed, "y", file="t.tsv.gz")
    assert cells(tmp_path / "1/o/env/train.csv")[0] == ["id", "größe", "y"]


@pytest.mark.parametrize(
    ("target", "kind", "metric"),
    [
        ([0, 1] * 60, "2 labels: 0 or 1", "accuracy"),
        (["yes"] + ["no"] * 9, '2 labels: "no" or "yes"', "roc_auc"),
        ([True, False, False], "2 labels: False or True", "accuracy"),
        (["a"] * 17 + ["b", "b", "c"], '3 labels: "a", "b" or "c"', "f1_macro"),
        ([1.0, 2.0, 3.0], "3 labels: 1.0, 2.0 or 3.0", "accuracy"),
        ([0.5, 1.5, 2.5], "regression, a number from 0.5 to 2.5", "rmse"),
        (list(range(120)), "regression, a number from 0 to 119", "rmse"),
        ([*[1, 2, 3] * 30, *range(4, 24), *[5000] * 10], "regression, a number from 1 to 5000", "rmsle"),
    ],
)
def test_kind_and_metric_are_guessed(target: list, kind: str, metric: str, tmp_path: Path, capsys) -> None:
    rows = 1000 if metric == "roc_auc" else 120
    values = (target * rows)[:rows]
    out = said(capsys, tmp_path, pd.DataFrame({"x": [i % 9 for i in range(rows)], "y": values}), "y")
    assert kind in out and f"metric   {metric}, " in out


# --- what is refused

ROWS = "a,b\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(80))
FLOATS = "a,b\n" + "".join(f"{i % 7},{i * 0.5 - 3}\n" for i in range(80))


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", [], "t.csv: is empty"),
        ("a,b\n", [], "t.csv: has no rows below its header"),
        ("a,b\n1,2\n1,2,3\n", [], "t.csv:3: has 3 cells, the header has 2"),
        (f"{','.join(map(str, range(300_000)))}\n{',' * 299_999}\n", [], "t.csv: has 300000 columns; at most 20000 are read"),
        ('a,b\n"x"y,2\n', [], "t.csv:2: a quotation mark is opened in this line"),
        ("a,b\n\0,2\n", [], "t.csv: holds NUL bytes"),
        ("a,b\nKöln,1\nGrün,2\nWeiß,3\nBär,4\nOld".encode() + b"\xe9,3\n", [], "t.csv: is UTF-8, but not byte 38 in line 6; correct it"),
        (ROWS, ["--target", "bb"], "--target 'bb': no such column; did you mean 'b'? The columns are 'a', 'b'"),
        ("a,b\n" + "1,\n2,NA\n" * 40, [], "--target 'b': has no values, all 80 are missing"),
        ("a,b\n" + "1,5\n2,\n" * 60, [], "--target 'b': has one value only, 5"),
        ("a,b\n" + "1,5\n2,6\n3,\n" * 20, [], "--data: has 40 rows with a value of 'b'; at least 50 are needed"),
        (ROWS, ["--metric", "auc"], "--metric auc: unknown; did you mean 'roc_auc'? Known are accuracy, "),
        (ROWS.replace(",1", ",one"), ["--metric", "rmse"], "--metric rmse: does not fit 'b', which holds two labels"),
        (FLOATS, ["--metric", "roc_auc"], "--metric roc_auc: does not fit 'b', which holds numbers; choose rmse"),
        (FLOATS, ["--metric", "rmsle"], "--metric rmsle: 'b' has negative values, down to -3; take rmse"),
        (FLOATS.replace(",2.0", ",inf"), [], "--target 'b': has infinite values"),
        (FLOATS.replace(",2.0", ",?"), [], "--target 'b': 1 of 80 values are no numbers, e.g. '?'"),
        (FLOATS.replace(".", ","), [], "t.csv:2: has 3 cells"),
        (FLOATS.replace("\n", "$\n").replace(",2.0$", ",2.0€").replace("b$", "b"), [], "--target 'b': '2.0€' in row 11 is not written like '-3.0$'"),
        (ROWS, ["--group", "c"], "--group 'c': no such column"),
        (ROWS, ["--time", "b"], "--time 'b': is the target"),
        ("a,b,c\n" + "".join(f"{i % 2},{i % 3},{i % 7}\n" for i in range(80)), ["--group", "a"], "--group 'a': no whole groups make about a fifth"),
        (ROWS.replace("3,", "x,"), ["--time", "a"], "--time 'a': not all values are dates or numbers"),
        (ROWS.replace("a,b", "b,a"), ["--metric", "roc_auc"], "does not fit 'b', which holds 7 labels"),
        ("a,b\n" + "1,0\n" * 98 + "1,1\n2,1\n", ["--metric", "roc_auc"], "too few rows have the rarer label"),
        ("a,b\n" + "1,0\n1,1\n" * 40, [], "--data: no column to learn from"),
        (ROWS, ["--out", "full"], "--out full: is not empty"),
        (ROWS, ["--out", "t.csv"], "--out t.csv: is a file"),
        (ROWS, ["--data", "nowhere.csv"], "nowhere.csv: no such file"),
        (ROWS, ["--data", "full"], "full: has no table called train, only file"),
        (ROWS, ["--data", "t.feather"], "t.feather: is no feather table"),
        (ROWS, ["--data", "t.csv.gz"], "t.csv.gz: cannot be read: "),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(content, options, words, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "t.feather", "t.csv.gz"):
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    Path("full").mkdir()
    Path("full/file").touch()
    assert call(["new", "task", "--data", "t.csv", "--target", "b", "--out", "new", *options]) == 2
    captured = capsys.readouterr()
    assert words in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert not Path("new").exists()


def test_without_pandas_it_says_what_to_install(tmp_path: Path) -> None:
    arguments = ["new", "task", "--data", str(saved(tmp_path, ROWS)), "--target", "b"]
    code = f"""
import sys
from budgetmlagent.cli import app, call
assert "pandas" not in sys.modules and "numpy" not in sys.modules
sys.modules["pandas"] = None
sys.exit(call({arguments!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "pip install 'budgetmlagent[local]'" in done.stderr


def test_a_table_that_unpacks_without_end_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(520 * gzip.compress(b"0" * (1 << 20)))
    with pytest.raises(UsageError, match="more than 512 MiB as text"):
        read_table(path)
