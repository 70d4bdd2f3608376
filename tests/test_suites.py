"""Tasks of other benchmarks, from their prepared data: what is taken, how it is graded, and what is left out."""

import csv
import json
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
    competition(data, "dogs-vs-cats-redux-kernels-edition", ("id", "label"), [(1, 1)], [(1, 0)])
    halved = competition(data, "leaf-classification", ("id", "A"), [(1, 1)], [(1, 1)])
    (halved / "prepared" / "private" / "test.csv").unlink()
    taken = found("mle-bench", data, None, tmp_path / "made")
    assert [Path(task).name for task in taken.tasks] == ["spaceship-titanic"]
    assert [line.split(":")[0] for line in taken.refused] == [
        "dogs-vs-cats-redux-kernels-edition",
        "leaf-classification",
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
    assert "is missing" in capsys.readouterr().err
    assert call([*words, "--tasks", "nothing"]) == 2


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
