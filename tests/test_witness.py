"""The starter's submission is a witness of what the metric takes: one of another kind is told before it is scored."""

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from budgetmlagent.inside.judge.forms import columns
from budgetmlagent.inside.judge.inspection import inspect
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.scoring.scorer import SubmissionScorer
from budgetmlagent.scoring.witness import takes_fractions
from budgetmlagent.tasks.folder import load_task
from memory.artifacts import Artifacts
from nodes.deps import Execution


def table(cell: Callable[[int], object], count: int = 60, header: str = "id,kind") -> str:
    return header + "\n" + "".join(f"{i},{cell(i)}\n" for i in range(count))


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def told(
    folder: Path,
    new: str | bytes,
    old: str | bytes,
    name: str = "submission.csv",
    answers: str = "",
    **options: object,
) -> dict[str, str]:
    """What the inspection says of a submission where the starter's is `old`; task files are given by `files`."""
    files = dict(options.pop("files", {}))  # type: ignore[call-overload]
    work, shown = folder / "work", folder / "shown"
    for place, content in [
        (work / name, new),
        (shown / name, old),
        *((work / n, t) for n, t in files.items()),
    ]:
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "answers.csv").write_text(answers)
    (folder / "ids.json").write_text(json.dumps([line.split(",")[0] for line in answers.splitlines()[1:]]))
    given = {"answers": folder / "answers.csv", "ids": folder / "ids.json"} if answers else {"answers": None}
    plain = {
        "csv": name if name.endswith(".csv") else "",
        "scoring": None,
        "witness": shown,
        "fractions": False,
    }
    args = argparse.Namespace(folder=work, **plain | given | options)
    return {key: text for key, text in inspect(args).items() if text}


FLAGS = table(lambda i: i % 2)
MASKS = np.random.default_rng(0).random((6, 20, 20))
RARE = table(lambda i: int(i % 50 == 0), 1000)
OTHER_KIND = {
    "texts for numbers": (table(lambda i: ["bad", "good"][i % 2]), FLAGS, "submission.csv", "are texts"),
    "labels before ids": (
        "kind,id\n" + "".join(f"{'yn'[i % 2]},{i}\n" for i in range(60)), "kind,id\n" + "".join(f"{i % 2},{i}\n" for i in range(60)),
        "submission.csv", "predictions of 'kind' are texts",
    ),
    "truth values for numbers": (table(lambda i: i % 2 == 0), FLAGS, "submission.csv", "are texts"),
    "a number for names": (table(lambda i: i % 7), table(lambda i: ["ox cow", "cow"][i % 5 == 0]), "submission.csv", "are numbers"),
    "one name for several": (table(lambda i: f"n{i}"), table(lambda i: f"n{i};m"), "submission.csv", "single values"),
    "other labels": (table(lambda i: "YN"[i % 2]), table(lambda i: "yn"[i % 2]), "submission.csv", "none of the pred"),
    "probabilities": (table(lambda i: i / 60), FLAGS, "submission.csv", "no whole numbers"),
    "one label": (table(lambda i: int(i == 3)), FLAGS, "submission.csv", "nearly all predictions of 'kind' are the same, 59 of 60"),
    "another column": (table(lambda i: i % 2, header="id,sort"), FLAGS, "submission.csv", "lacks 'kind'"),
    "an index": ("n,id,kind\n" + "".join(f"{i},{i},{i % 2}\n" for i in range(60)), FLAGS, "submission.csv", "has 'n'"),
    "shares for masks": (npz(m=MASKS), npz(m=MASKS > 0.5), "s.npz", "no whole numbers"),
    "empty masks": (npz(m=MASKS > 0.9999), npz(m=MASKS > 0.5), "s.npz", "nearly all"),
    "one mask": (npz(m=MASKS[0] > 0.5), npz(m=MASKS > 0.5), "s.npz", "have the shape [20, 20], the starter's [6, 20, 20]"),
    "another array": (npz(k=MASKS > 0.5), npz(m=MASKS > 0.5), "s.npz", "lacks 'm'"),
    "names for numbers": (npy(np.array(["a", "b"] * 9)), npy(np.arange(18) % 2), "s.npy", "are texts"),
    "a label for a sentence": (json.dumps(["B"] * 20), json.dumps([["B", "O"]] * 20), "s.json", "lacks '[][]'"),
    "values of ids": (json.dumps({str(i): "x" for i in range(30)}), json.dumps({str(i): i for i in range(30)}), "s.json", "are texts"),
    "lines": ('{"tag": "B"}\n' * 20, '{"tag": 1}\n' * 20, "s.jsonl", "are texts"),
}  # fmt: skip


@pytest.mark.parametrize(("new", "old", "name", "words"), OTHER_KIND.values(), ids=OTHER_KIND)
def test_a_submission_of_another_kind_is_suspect(new, old, name: str, words: str, tmp_path: Path) -> None:
    assert words in told(tmp_path, new, old, name)["suspect"]
    (tmp_path / "control").mkdir()
    assert "suspect" not in told(tmp_path / "control", old, old, name)


SAME_KIND = {
    "better labels": (table(lambda i: i % 3 % 2), FLAGS, {}),
    "labels of the training rows": (table(lambda i: i % 3), table(lambda i: 0), {"train.csv": table(lambda i: i % 3, 300)}),
    "as rare as in training": (table(lambda i: int(i == 3)), FLAGS, {"train.csv": RARE}),
    "codes of texts": (table(lambda i: (i + 1) % 2), FLAGS, {"train.csv": table(lambda i: "gb"[i % 2], 300)}),
    "numbers where the starter rounds": (table(lambda i: i * 1.5), table(lambda i: 10 * (i % 4)), {"train.csv": table(lambda i: i * 1.7, 300)}),
    "surer probabilities": (table(lambda i: i / 60), table(lambda i: f"{i % 2}.0"), {}),
    "numbers where the starter is constant": (table(lambda i: i / 7), table(lambda i: 3), {}),
    "an example of a submission": (table(lambda i: i % 4), table(lambda i: 0), {"sample.csv": table(lambda i: 0)}),
}  # fmt: skip


@pytest.mark.parametrize(("new", "old", "files"), SAME_KIND.values(), ids=SAME_KIND)
def test_a_better_submission_of_the_same_kind_is_not(new, old, files, tmp_path: Path) -> None:
    assert told(tmp_path, new, old, files=files) == {}


def test_labels_that_training_rows_lack_are_suspect(tmp_path: Path) -> None:
    files = {"train.csv": table(lambda i: i % 3, 300)}
    odd = told(tmp_path, table(lambda i: i % 3 + 1), table(lambda i: 0), files=files)
    assert odd == {"suspect": "20 predictions of 'kind' are no known label, first '3'"}


def test_fractions_are_a_matter_of_the_metric(tmp_path: Path) -> None:
    assert told(tmp_path, table(lambda i: i / 60), FLAGS, fractions=True) == {}


@pytest.mark.parametrize(
    ("metric", "unseen", "seen"),
    [
        ("accuracy", False, False),
        ("f1", False, False),
        ("auc", True, True),
        ("rmse", True, True),
        ("profit", False, True),
    ],
)
def test_which_metrics_take_fractions(metric: str, unseen: bool, seen: bool, tmp_path: Path) -> None:
    task = task_in(tmp_path, metric, "pass")
    assert (takes_fractions(task, scored=False), takes_fractions(task, scored=True)) == (unseen, seen)


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    wide = {kind: np.array([0, 1, 2], kind) for kind in ("u1", ">i2", "<i4", "i8", "f2", "<f4", ">f8")}
    arrays = wide | {
        "flags": np.array([True, False]),
        "words": np.array(["é", "ab"]),
        "bytes": np.array([b"x"]),
    }
    (tmp_path / "a.npz").write_bytes(npz(**arrays))
    read = columns(tmp_path / "a.npz")
    assert all([float(cell) for cell in read[kind].cells] == [0, 1, 2] for kind in wide)
    assert [read[name].cells for name in ("flags", "words", "bytes")] == [["1", "0"], ["é", "ab"], ["x"]]
    (tmp_path / "pickled.npy").write_bytes(npy(np.array([{}, 1], dtype=object)))
    assert columns(tmp_path / "pickled.npy")["pickled.npy"].cells == []


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.npz", "a.json", "a.jsonl", "a.pkl"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00\xff\xff{", b"PK\x03\x04", b"[[[", b"\xff\x00"])
def test_damaged_files_are_no_witness(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert not any(column.cells for column in columns(tmp_path / name).values())


# What the scorer makes of it.

ANSWERS = "id,kind,weight\n" + "".join(f"{i},{i % 2},1\n" for i in range(40))
PLAIN = table(lambda i: i % 2, 40)
EVAL = """import csv, os
def get_score(folder):
    with open(os.path.join(folder, "submission.csv"), newline="") as file:
        said = list(csv.DictReader(file))
    for row in said:
        assert row["kind"] != "2", "kinds are 0 and 1"
    return sum(int(row["kind"]) for row in said) / 100
"""


def task_in(folder: Path, metric: str, starter: str, answers: str = ANSWERS):
    for place in ("env", "scoring"):
        (folder / place).mkdir(parents=True)
    (folder / "env/train.py").write_text(starter)
    (folder / "scoring/eval.py").write_text(EVAL)
    if answers:
        (folder / "scoring/answers.csv").write_text(answers)
    better = "min" if metric == "rmse" else "max"
    limits = "limits: {seconds: 20, memory_gb: 1}"
    (folder / "task.yaml").write_text(
        f"name: toy\ntext: Predict.\nmetric: {{name: {metric}, direction: {better}}}\n{limits}\n"
    )
    return load_task(str(folder))


class Bench:
    """A scorer, and submissions for it; scripts do not run."""

    def __init__(self, folder: Path, answers: str = ANSWERS) -> None:
        self.artifacts = Artifacts(folder / "artifacts")
        self.task = task_in(folder / "task", "accuracy", "submission", answers)
        self.scorer = SubmissionScorer(self.task, UNSAFE, self.artifacts, folder / "work")

    def score(self, text: str, script: str = "pass", name: str = "submission.csv"):
        put = self.artifacts.put
        files = {name: put(text)}
        return self.scorer.score(
            Execution(
                script=put(script), exit=0, seconds=1, output=put("validation accuracy: 0.9"), files=files
            )
        )


@pytest.mark.parametrize("seen", [True, False], ids=["starter seen", "control"])
def test_a_column_is_not_missed_that_the_starter_lacks(seen: bool, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    if seen:
        assert bench.score(PLAIN, "submission").value is not None
    problem = bench.score(PLAIN.replace(",0\n", ",2\n")).problem
    own = "the metric refuses the submission: AssertionError: kinds are 0 and 1 (line 6 of eval.py)"
    assert problem == (own if seen else "submission.csv lacks the column 'weight'; it has 'id', 'kind'")


def test_a_reported_score_of_another_kind_does_not_count(tmp_path: Path) -> None:
    bench = Bench(tmp_path, answers="")
    assert not bench.score(table(lambda i: "ab"[i % 2], 40)).suspect  # control: there is no witness yet
    assert bench.score(PLAIN, "submission").value == 0.9
    assert "are texts" in bench.score(table(lambda i: "ab"[i % 2], 40)).suspect
    assert bench.score(PLAIN, name="submission.txt").problem == (
        "the script wrote submission.txt, the starter writes submission.csv"
    )
    again = SubmissionScorer(bench.task, UNSAFE, bench.artifacts, tmp_path / "work")
    assert again.witness.files == bench.scorer.witness.files != {}


def test_what_the_starter_itself_does_is_no_problem(tmp_path: Path) -> None:
    """The metric takes rows and cells that look odd beside the answers."""
    short = table(lambda i: i % 2, 30)
    assert told(tmp_path, table(lambda i: 1 - i % 2, 30), short, answers=ANSWERS, scoring=tmp_path) == {}
    (tmp_path / "control").mkdir()
    assert "lacks 10 of the 40 rows" in told(tmp_path / "control", short, PLAIN, answers=ANSWERS)["problem"]
