"""The scorer: what a submission is worth, and why one is worth nothing."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent.errors import RunFailedError
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.scoring.reported.output import reported_score, reported_seconds
from budgetmlagent.scoring.scorer import Final, SubmissionScorer
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.tasks.split import split_rows
from memory.artifacts import Artifacts
from nodes.deps import Execution, Here, Score

STARTER = "open('submission.csv', 'w').write('id,label\\n' + ''.join(f'{i},{i % 3}\\n' for i in range(40)))\n"
ACCURACY = """HIGHER = True
import csv, os
def read(path):
    with open(path, newline="") as file:
        return {r["id"]: r["label"] for r in csv.DictReader(file)}
def get_score(folder):
    answers = read(os.path.join(os.path.dirname(__file__), "answers.csv"))
    said = read(os.path.join(folder, "submission.csv"))
    assert len(said) == len(answers)
    return sum(said[i] == label for i, label in answers.items()) / len(answers)
"""
ANSWERS = "id,label\n" + "".join(f"{i},{i * 7 % 3}\n" for i in range(40))


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


class Bench:
    """A task, its sandbox and its scorer."""

    def __init__(
        self, folder: Path, cage: Cage, *, scorer: str = ACCURACY, answers: str = ANSWERS, own: bool = True
    ):
        scoring = folder / ("scoring" if own else "scripts")
        (folder / "env").mkdir(parents=True)
        scoring.mkdir()
        (folder / "env/train.py").write_text(STARTER)
        (scoring / "eval.py").write_text(scorer)
        (scoring / "answers.csv").write_text(answers)
        (scoring / "research_problem.txt").write_text("Predict the label.")
        if own:
            (folder / "task.yaml").write_text(
                "name: toy\ntext: Predict.\nmetric: {name: accuracy, direction: max}\nlimits: {seconds: 20, memory_gb: 1}\n"
            )
        self.artifacts = Artifacts(folder / "artifacts")
        self.task = load_task(str(folder))
        self.box = ScriptSandbox(self.task, cage, self.artifacts, folder / "work")
        self.scorer = SubmissionScorer(self.task, cage, self.artifacts, folder / "work")
        self.baseline = self.box.run(Here(), STARTER)

    def submit(self, text: str, script: str = "pass") -> Execution:
        """An execution that left this text."""
        return Execution(
            script=self.artifacts.put(script),
            exit=0,
            seconds=1,
            output=self.artifacts.put(""),
            files={"submission.csv": self.artifacts.put(text)},
        )

    def score(self, text: str) -> Score:
        return self.scorer.score(self.submit(text))


@pytest.fixture(scope="module")
def bench(cage: Cage, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("scorer") / "task", cage)


def rows(count: int = 40, label="{}".format, header: str = "id,label") -> str:
    return header + "\n" + "".join(f"{i},{label(i % 3)}\n" for i in range(count))


def test_starter_and_perfect_answers(bench: Bench) -> None:
    # Each part is scored on its own rows alone, though this metric insists on equal lengths.
    assert bench.scorer.score(bench.baseline).value == 1.0
    wrong = rows(label=lambda i: (i + 1) % 3)
    assert bench.score(wrong).value == 0.0
    final = bench.scorer.final(bench.baseline, bench.submit(wrong))
    assert final == Final(baseline=1.0, best=0.0, noise=0.0)  # every row is right, every row is wrong


def test_public_and_private_part_are_different_rows(bench: Bench) -> None:
    public, private = split_rows(ANSWERS, "toy")
    for part, shown in ((public, (1.0, 0.0)), (private, (0.0, 1.0))):
        known = {line.split(",")[0] for line in part.splitlines()[1:]}
        text = "id,label\n" + "".join(f"{i},{i % 3 if str(i) in known else 9}\n" for i in range(40))
        execution = bench.submit(text)
        assert (
            bench.scorer.score(execution).value,
            bench.scorer.final(bench.baseline, execution).best,
        ) == shown


PROBLEMS = {
    "": "submission.csv is no CSV table: it is empty",
    rows(39): "submission.csv lacks 1 of the 40 rows, first id 39",
    rows(41): "submission.csv has 1 rows whose id is unknown, first 40",
    rows(40) + "3,1\n": "submission.csv has 1 rows whose id occurs twice, first 3",
    rows(
        40, label=lambda i: "nan" if i else 1
    ): "submission.csv has 26 cells in 'label' that are no finite numbers, first 'nan' at id 1",
    rows(
        40, label=lambda i: "inf" if i else 1
    ): "submission.csv has 26 cells in 'label' that are no finite numbers, first 'inf' at id 1",
    rows(40, header="id,prediction"): "submission.csv lacks the column 'label'; it has 'id', 'prediction'",
    rows(40, header="nr,label"): "submission.csv lacks the column 'id'; it has 'nr', 'label'",
    "id,label\n1,2,3\n": "submission.csv is no CSV table: row 2 has 3 cells, the header has 2",
    "id,label,label\n1,2,3\n": "submission.csv is no CSV table: the column 'label' occurs twice",
}


@pytest.mark.parametrize("text", PROBLEMS, ids=PROBLEMS.values())
def test_a_problem_is_one_precise_sentence(text: str, bench: Bench) -> None:
    assert bench.score(text) == Score(problem=PROBLEMS[text])


def test_bytes_that_are_no_text(bench: Bench) -> None:
    execution = bench.submit("")
    files = {"submission.csv": bench.artifacts.put(b"id,label\n\xff\xfe\x80,1\n")}
    problem = bench.scorer.score(Execution(**{**execution.__dict__, "files": files})).problem
    assert problem == (
        "submission.csv is no CSV table: line 2 has the byte 0xff: it is no UTF-8; write it with encoding='utf-8'"
    )


def test_order_and_writing_of_ids_do_not_matter(bench: Bench) -> None:
    lines = [f"{i}.0,{i % 3}\n" for i in reversed(range(40))]
    score = bench.score("id,label\n" + "".join(lines))
    assert score.problem.startswith("the metric refuses") or score.value == 1.0
    assert bench.score("id,label\n" + "".join(f"{i},{i % 3}\n" for i in reversed(range(40)))).value == 1.0


SUSPECTS = {
    rows(label=lambda i: 1): "all predictions of 'label' are '1'",
    rows(label=lambda i: i + 1): "no known label, first '3'",
    rows(label=lambda i: i * 1e6 + 0.5): "far outside the target's range",
}


@pytest.mark.parametrize("text", SUSPECTS, ids=SUSPECTS.values())
def test_odd_predictions_are_suspect(text: str, bench: Bench) -> None:
    score = bench.score(text)
    assert score.value is not None
    assert SUSPECTS[text] in score.suspect


def test_a_missing_submission(bench: Bench) -> None:
    nothing = bench.box.run(Here(), "print('done')")
    assert bench.scorer.score(nothing) == Score(problem="the script wrote no submission.csv")
    linked = bench.box.run(Here(), "import os\nos.symlink('/etc/passwd', 'submission.csv')")
    assert bench.scorer.score(linked) == Score(problem="submission.csv is a symbolic link: refused")


BROKEN = {
    "HIGHER = True\ndef get_score(folder):\n    return [][1]\n": "eval.py:3: IndexError: list index out of range",
    "HIGHER = True\nimport nothing_here\ndef get_score(folder): return 1.0\n": "eval.py:2: ModuleNotFoundError",
    "HIGHER = True\ndef get_score(folder): return float('nan')\n": "get_score returned nan",
    "HIGHER = True\ndef get_score(folder): return None\n": "TypeError",
    "HIGHER = True\nimport sys\ndef get_score(folder): sys.exit(0)\n": "get_score ended without a value",
}


@pytest.mark.parametrize("scorer", BROKEN, ids=BROKEN.values())
def test_a_broken_metric_script_ends_the_run(scorer: str, cage: Cage, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "task", cage, scorer=scorer)
    with pytest.raises(RunFailedError) as caught:
        bench.scorer.score(bench.baseline)
    line = str(caught.value)
    assert BROKEN[scorer] in line and "eval.py" in line and "\n" not in line
    # The same for a submission of another script is that script's problem: the starter's went through before.
    assert bench.score(rows()).problem.startswith("the metric refuses the submission: ")


def test_what_the_metric_prints_is_not_its_result(cage: Cage, tmp_path: Path) -> None:
    scorer = "HIGHER = True\nimport os\ndef get_score(folder):\n    print('{\"value\": 9.0}', flush=True)\n    os.system('echo 8')\n    return 0.5\n"
    assert Bench(tmp_path / "task", cage, scorer=scorer).score(rows()).value == 0.5


def test_the_private_part_is_not_there_during_the_run(cage: Cage, tmp_path: Path) -> None:
    scorer = """HIGHER = True
import os, glob
def get_score(folder):
    found = glob.glob(os.path.dirname(__file__) + "/*.csv") + glob.glob("/*.csv") + glob.glob("/tmp/*")
    found = [path for path in found if os.path.isfile(path)]  # the interpreter may lie below /tmp
    return float(sum(len(open(path).readlines()) - 1 for path in found))
"""
    bench = Bench(tmp_path / "task", cage, scorer=scorer)
    assert bench.score(rows()).value == 20.0


def test_the_scorer_works_without_isolation_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "task", UNSAFE)
    assert bench.scorer.score(bench.baseline) == Score(value=1.0, samples=(1.0,) * 60, paired=True, rows=20)
    assert bench.scorer.final(bench.baseline, bench.baseline) == Final(1.0, 1.0, 0.0)
    assert (bench.task.scoring / "answers.csv").read_text() == ANSWERS


def test_without_a_public_part_the_script_reports(cage: Cage, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "task", cage, own=False)
    script = STARTER + "print('train accuracy 0.99 validation accuracy 0.75')\n"
    execution = bench.box.run(Here(), script)
    assert bench.scorer.score(execution) == Score(value=0.75, reported=True)
    assert bench.scorer.score(bench.baseline) == Score(value=None, reported=True)
    assert bench.scorer.final(bench.baseline, execution) == Final(1.0, 1.0, None)
    constant = bench.box.run(Here(), STARTER.replace("i % 3", "1"))
    assert "all predictions" in bench.scorer.score(constant).suspect


def test_no_score_of_the_answers_leaks_where_nothing_is_public(cage: Cage, tmp_path: Path) -> None:
    bench = Bench(
        tmp_path / "task",
        cage,
        own=False,
        scorer="HIGHER = True\ndef get_score(folder):\n    raise ValueError\n",
    )
    assert bench.scorer.score(bench.baseline).problem == ""


REPORTS = {
    "validation accuracy 0.93": 0.93,
    "train accuracy 0.99 validation accuracy 0.83": 0.83,
    "val 0.8 train 0.9": 0.8,
    "train SMAPE 27.6": None,
    "Validation RMSE: 1.5\ntrain RMSE 0.1": 1.5,
    "valid 0.1\nvalid 0.2": 0.2,
    "5-fold CV accuracy: 0.81 +/- 0.02": 0.81,
    "[100]\ttraining's l2: 0.1\tvalid_1's l2: 0.3": 0.3,
    "val loss 0.5 val acc 0.9": 0.9,
    "holdout=1e-3": 0.001,
    "Score (dev): -0.82.": -0.82,
    "validation accuracy (n=12) 0.47": 0.47,
    "value: 0.3, device 0.5": None,
    "LGBMClassifier(validation_fraction=0.1, cv=5.0)": None,
    "validation time: 0.5": None,
    "validation accuracy: nan": None,
    "": None,
}


@pytest.mark.parametrize("output", REPORTS)
def test_reported_score(output: str) -> None:
    assert reported_score(output) == REPORTS[output]


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.sampled_from(["valid", "Validation RMSE:", "cv score =", "val_loss"]),
)
def test_a_reported_number_is_read_as_it_was_printed(value: float, word: str) -> None:
    assert reported_score(f"train {value + 1}\n{word} {value}\ndone 1.0") == value


@given(st.text())
def test_any_output_reports_a_number_or_none(output: str) -> None:
    score = reported_score(output)
    assert score is None or math.isfinite(score)


@pytest.mark.parametrize(
    ("output", "seconds"),
    [
        ("seconds per token 0.0312 tokens [1, 2, 3]\n", 0.0312),
        ("loaded\nelapsed: 1.5 s\n", 1.5),
        ("took time = 2e-3\nbye\n", 0.002),
        ("no number of seconds\n", None),
    ],
)
def test_a_timed_script_tells_its_seconds(output, seconds):
    assert reported_seconds(output) == seconds
