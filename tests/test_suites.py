"""Tasks of other benchmarks, from their prepared data: what is taken, how it is graded, and what is left out."""

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tiny

from budgetmlagent.bench.suites import found
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.tasks.folder import load_task


def table(path: Path, *rows: tuple) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def competition(root: Path, name: str, header: tuple, truth: list[tuple], sample: list[tuple]) -> Path:
    """Prepared data as MLE-bench leaves them."""
    public, private = (root / name / "prepared" / part for part in ("public", "private"))
    table(public / "train.csv", ("x", *header), (1, *truth[0]))
    table(public / "sample_submission.csv", header, *sample)
    table(private / "test.csv", (*header, "more"), *((*row, 0) for row in truth))
    (public / "description.md").write_text("Predict it.")
    return root / name


def scored(task: str, rows: list[tuple], folder: Path) -> float:
    """What the task's own scorer says of a submission."""
    table(folder / "submission.csv", *rows)
    space = {"__file__": f"{task}/scoring/eval.py"}
    exec(Path(space["__file__"]).read_text(), space)
    return space["get_score"](str(folder))


@pytest.mark.parametrize(
    ("name", "header", "truth", "sample", "score"),
    [
        ("spaceship-titanic", ("PassengerId", "Transported"), [("a", True), ("b", False)], [("b", False), ("a", False)], 0.5),
        ("tabular-playground-series-may-2022", ("id", "target"), [(1, 1), (2, 0)], [(2, 0.1), (1, 0.9)], 1.0),
        ("jigsaw-toxic-comment-classification-challenge", ("id", "p", "q"), [(1, 1, 0), (2, 0, 1), (3, -1, -1)],
         [(3, 1, 1), (2, 0.1, 0.2), (1, 0.9, 0.4)], 0.5),
        ("spooky-author-identification", ("id", "E", "H"), [(1, 1, 0), (2, 0, 1)], [(1, 0.5, 0.5), (2, 0.5, 0.5)], 0.693147),
        ("new-york-city-taxi-fare-prediction", ("key", "fare"), [("a", 1.0), ("b", 5.0)], [("a", 4.0), ("b", 8.0)], 3.0),
        ("nomad2018-predict-transparent-conductors", ("id", "f", "g"), [(1, 0.0, 0.0)], [(1, 1.718281828, 0.0)], 0.5),
        ("dogs-vs-cats-redux-kernels-edition", ("id", "label"), [(1, 1), (2, 0)], [(1, 0.5), (2, 0.5)], 0.693147),
        ("plant-pathology-2020-fgvc7", ("image_id", "rust", "scab"), [("a", 1, 0), ("b", 0, 1)], [("b", -3, 2), ("a", 5, 9)], 0.5),
        ("aptos2019-blindness-detection", ("id_code", "diagnosis"), [("a", 0), ("b", 4)], [("a", 0), ("b", 4)], 1.0),
    ],
)  # fmt: skip
def test_a_competition_is_graded_on_all_its_private_rows_by_its_metric(
    name, header, truth, sample, score, tmp_path
):
    competition(tmp_path / "data", name, header, truth, sample)
    (task,) = found("mle-bench", tmp_path / "data", None, tmp_path / "made").tasks
    assert scored(task, [header, *sample], tmp_path) == pytest.approx(score, abs=1e-5)
    with pytest.raises(ValueError, match="other values in"):
        scored(task, [header, *sample[:-1], ("z", *sample[-1][1:])], tmp_path)
    with pytest.raises(ValueError, match="lacks the column"):
        scored(task, [(header[0],), *((row[0],) for row in sample)], tmp_path)
    loaded = load_task(task)
    assert loaded.answers is None and loaded.direction == (
        "max" if score in (0.5, 1.0) and "nomad" not in name else "min"
    )
    assert not list((tmp_path / "made").rglob("env/**/private*"))  # the agent sees none of it
    again = found("mle-bench", tmp_path / "data", [name], tmp_path / "made")
    assert again.tasks == [task] and not again.refused


def test_what_cannot_be_graded_is_a_line_and_the_others_are_taken(tmp_path, capsys):
    data = tmp_path / "data"
    competition(data, "spaceship-titanic", ("PassengerId", "Transported"), [("a", True)], [("a", False)])
    competition(data, "petfinder-pawpularity-score", ("id", "label"), [(1, 1)], [(1, 0)])
    halved = competition(data, "leaf-classification", ("id", "A"), [(1, 1)], [(1, 1)])
    (halved / "prepared" / "private" / "test.csv").unlink()
    taken = found("mle-bench", data, None, tmp_path / "made")
    assert [Path(task).name for task in taken.tasks] == ["spaceship-titanic"]
    assert [line.split(":")[0] for line in taken.refused] == [
        "leaf-classification",
        "petfinder-pawpularity-score",
    ]
    words = [
        "bench",
        "--suite",
        "mle-bench",
        "--root",
        str(data),
        "--graphs",
        "recall",
        "--out",
        str(tmp_path / "b"),
        "--dry-run",
    ]
    assert call([*words, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["runs"] == 1 and said.err.count("left out") == 2
    assert call([*words, "--tasks", "leaf-classification"]) == 2
    assert "has no test.csv or answers.csv" in capsys.readouterr().err
    assert call([*words, "--tasks", "nothing"]) == 2


def test_rows_may_be_told_apart_by_another_column_than_the_first_and_answers_lie_under_another_name(tmp_path):
    name, header = "detecting-insults-in-social-commentary", ("Insult", "Date", "Comment")
    truth = [(1, "May", "so there"), (0, "June", "hello"), (0, "June", "hello")]
    folder = competition(tmp_path / "data", name, header, truth, [(0, *row[1:]) for row in truth])
    private = folder / "prepared" / "private"
    (private / "test.csv").rename(private / "answers.csv")
    (task,) = found("mle-bench", tmp_path / "data", None, tmp_path / "made").tasks
    said = [(0.2, "June", "hello"), (0.9, "May", "so there"), (0.1, "June", "hello")]
    assert scored(task, [header, *said], tmp_path) == 1.0
    with pytest.raises(ValueError, match="no probability"):
        scored(task, [header, (1.2, *said[0][1:]), *said[1:]], tmp_path)


def test_a_sample_may_be_packed_and_texts_are_compared_as_texts(tmp_path):
    name, header = "text-normalization-challenge-english-language", ("id", "after")
    folder = competition(tmp_path / "data", name, header, [("0_0", "two"), ("0_1", ""), ("0_2", "1")], [])
    public = folder / "prepared" / "public"
    table(public / "en.csv", header, ("0_0", "deux"), ("0_1", ""), ("0_2", "1"))
    with zipfile.ZipFile(public / "en_sample_submission_2.csv.zip", "w") as packed:
        packed.write(public / "en.csv", "en.csv")
    (task,) = found("mle-bench", tmp_path / "data", None, tmp_path / "made").tasks
    subprocess.run([sys.executable, "train.py"], cwd=f"{task}/env", check=True)
    with open(f"{task}/env/submission.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(header) and scored(task, rows, tmp_path) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "line", "direction"),
    [
        ("house-price", "mae = sum(abs(submission['SalePrice'] - test_data['SalePrice']))", "min"),
        ("imdb", 'return acc/len(imdb["test"])', "max"),
    ],
)
def test_mlagentbench_s_own_tasks_need_no_word_on_what_is_better(name, line, direction, tmp_path):
    place = tmp_path / "benchmarks"
    task = tiny.task(place, metric=f"def get_score(folder):\n    {line}\n", name=name)
    (task / "scoring").rename(task / "scripts")
    (task / "task.yaml").unlink()
    (task / "scripts" / "research_problem.txt").write_text("Make it better.")
    assert found("mlagentbench", tmp_path / "benchmarks", None, tmp_path).tasks == [str(task)]
    assert load_task(str(task)).direction == direction
    (task / "scripts" / "eval.py").write_text(
        "def get_score(folder):\n    return 1.0\n"
    )  # of that name, but another
    with pytest.raises(UsageError, match="does not state its metric's direction"):
        load_task(str(task))
    assert load_task(str(task), direction="max").direction == "max"


def test_mlagentbench_is_taken_as_it_is(tmp_path):
    place = tmp_path / "MLAgentBench" / "benchmarks"
    task = tiny.task(place)
    (task / "scoring").rename(task / "scripts")
    (task / "task.yaml").unlink()
    (task / "scripts" / "research_problem.txt").write_text("Tell whether x is positive.")
    (place / "empty" / "scripts").mkdir(parents=True)
    taken = found("mlagentbench", tmp_path, None, tmp_path / "made")
    assert taken.tasks == [str(task)] and len(taken.refused) == 1 and not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("kaggle", "one of mlagentbench, mle-bench is needed"),
        ("mle-bench", "no prepared data of mle-bench lies there"),
    ],
)
def test_a_wrong_suite_or_root_is_said(suite, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        found(suite, tmp_path, None, tmp_path)
