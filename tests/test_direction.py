"""A metric that is known has a known direction: a task that says otherwise is refused, unless a person confirms it."""

import time
from pathlib import Path

import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing.metrics import METRICS
from budgetmlagent.run.session import Session
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.tasks.metrics import KNOWN, TO_ONE, TO_ZERO, named, perfect
from budgetmlagent.tasks.wording import better, stated

EVAL = "def get_score(folder):\n    return 1.0\n"


def own(
    folder: Path, name: str = "points", direction: str = "max", scorer: str = EVAL, text: str = "Predict."
) -> str:
    """A folder of our own layout."""
    for place in ("env", "scoring"):
        (folder / place).mkdir(parents=True)
    (folder / "task.yaml").write_text(
        f"name: t\ntext: {text!r}\nmetric: {{name: {name!r}, direction: {direction}}}\n"
    )
    (folder / "env" / "train.py").write_text("print(1)\n")
    (folder / "scoring" / "eval.py").write_text(scorer)
    return str(folder)


def theirs(folder: Path, text: str, higher: bool) -> str:
    """A folder of MLAgentBench's layout."""
    for place in ("env", "scripts"):
        (folder / place).mkdir(parents=True)
    (folder / "env" / "train.py").write_text("print(1)\n")
    (folder / "scripts" / "research_problem.txt").write_text(text)
    (folder / "scripts" / "eval.py").write_text(f"HIGHER = {higher}\n{EVAL}")
    return str(folder)


@pytest.mark.parametrize(
    ("text", "name", "direction"),
    [
        ("RMSE", "rmse", "min"), ("root_mean_squared_error", "rmse", "min"), ("RootMeanSquaredError", "rmse", "min"),
        ("rmse (kWh)", "rmse", "min"), ("MAE in minutes", "mae", "min"), ("neg_rmse", "rmse", "max"),
        ("negative MSE score", "mse", "max"), ("-MAE", "mae", "max"), ("neg_log_loss", "log_loss", "max"),
        ("negative log-likelihood", "log_loss", "min"), ("Mean MAP@5", "map_at_k", "max"), ("ndcg at 10", "ndcg", "max"),
        ("top-5 accuracy", "accuracy", "max"), ("top_1_error", "error", "min"), ("val_loss", "loss", "min"),
        ("macro-F1", "f1_macro", "max"), ("mean Dice", "dice", "max"), ("R^2", "r2", "max"), ("ROC-AUC", "auc", "max"),
        ("cohen_kappa_score", "kappa", "max"), ("intersection over union", "iou", "max"),
        ("coefficient of determination", "r2", "max"), ("bits per character", "bits", "min"), ("PPL", "perplexity", "min"),
    ],
)  # fmt: skip
def test_a_metric_is_known_by_its_names(text: str, name: str, direction: str) -> None:
    found = named(text)
    assert found is not None
    assert (found.name, found.direction) == (name, direction)


@pytest.mark.parametrize(
    "text",
    ["score", "points", "rmse reduction", "accuracy loss", "1 - accuracy", "skill", "rmse (negated)", "mean", "speed", "time of arrival", ""],
)  # fmt: skip
def test_what_is_not_known_says_nothing(text: str) -> None:
    assert named(text) is None


def test_the_two_tables_of_metrics_agree() -> None:
    for metric in METRICS:  # of the briefing, which runs in the sandbox and imports nothing of ours
        assert KNOWN[metric.name][1] == metric.best


@pytest.mark.parametrize(
    ("name", "direction", "scorer", "text", "sign"),
    [
        ("rmse", "max", EVAL, "Predict.", "the metric's name is 'rmse', of which less is better"),
        ("macro F1", "min", EVAL, "Predict.", "the metric's name is 'macro F1', of which more is better"),
        ("neg_mae", "min", EVAL, "Predict.", "the metric's name is 'neg_mae', of which more is better"),
        ("points", "max", f'"""RMSE: of prices."""\n{EVAL}', "Predict.", "eval.py:1 names 'rmse'"),
        ("points", "max", f'"""Points. Lower is better."""\n{EVAL}', "Predict.", "eval.py says that less is better"),
        ("points", "max", EVAL.replace("1.0", "float(m.mean_absolute_error(y, p))"), "Predict.", "eval.py:2 returns 'mae'"),
        ("points", "max", EVAL.replace("1.0", "100 * mse(y, p) ** 0.5"), "Predict.", "eval.py:2 returns 'mse'"),
        ("points", "min", EVAL.replace("1.0", "-log_loss(y, p)"), "Predict.", "eval.py:2 returns 'log_loss'"),
        ("points", "max", EVAL.replace("1.0", "1 - accuracy_score(y, p)"), "Predict.", "eval.py:2 returns 'accuracy'"),
        ("points", "min", EVAL.replace("return 1.0", "s = auc(y)\n    return round(s, 4)"), "Predict.", "eval.py:3 returns 'auc'"),
        ("points", "min", EVAL, "Predict. The metric is accuracy.", "task.yaml: text names 'accuracy'"),
        ("points", "max", EVAL, "Predict. The score counts faults; less is better.", "task.yaml: text says that less is better"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_unless_it_is_confirmed(
    name: str, direction: str, scorer: str, text: str, sign: str, tmp_path: Path
) -> None:
    folder = own(tmp_path / "task", name, direction, scorer, text)
    with pytest.raises(UsageError) as raised:
        load_task(folder)
    line = str(raised.value)
    assert sign in line
    assert "\n" not in line
    assert f"task.yaml: metric.direction: means '{direction}'" in line
    assert line.endswith(f"confirm it with --direction {direction} (direction={direction!r})")
    assert load_task(folder, direction=direction).direction == direction
    other = {"max": "min", "min": "max"}[direction]
    with pytest.raises(UsageError, match=f"--direction: means '{other}'"):
        load_task(folder, direction=other)
    # The positive control: with the other direction the same words agree.
    file = Path(folder, "task.yaml")
    file.write_text(file.read_text().replace(f"direction: {direction}", f"direction: {other}"))
    assert load_task(folder).direction == other


@pytest.mark.parametrize(
    ("name", "direction", "scorer", "text"),
    [
        ("rmse_reduction", "max", EVAL, "Predict."),
        ("points", "max", EVAL.replace("1.0", "rmse(a) - rmse(b)"), "Predict."),
        ("points", "max", EVAL.replace("1.0", "1 / (1 + rmse(a))"), "The score is 1 / (1 + RMSE)."),
        (
            "points",
            "max",
            EVAL.replace("return 1.0", "a = float(b)\n    b = float(a)\n    return a"),
            "Predict.",
        ),
        ("points", "max", EVAL, "The score is 100 minus the RMSE."),
        ("points", "max", EVAL, "The metric is RMSE; the metric is MAE."),
        ("points", "max", EVAL, "Lower is better for RMSE, higher is better for R2."),
        ("points", "max", EVAL, "- bmi: less is better. - visits: a count. The score is points."),
        ("points", "max", f'"""Time of arrival, by class."""\n{EVAL}', "Predict."),
        ("points", "max", EVAL, "The score is the RMSE improvement over the starter."),
    ],
)
def test_what_is_not_plain_is_no_contradiction(
    name: str, direction: str, scorer: str, text: str, tmp_path: Path
) -> None:
    assert load_task(own(tmp_path / "task", name, direction, scorer, text)).direction == direction


@pytest.mark.parametrize(
    ("text", "higher"),
    [
        ("Predict prices. The score is the RMSE.", True),
        ("Label them; metric: mean Dice. Write submission.npz.", False),
        ("Improve it on real images (train.npz; metric: test accuracy). Write submission.csv.", False),
        ("Submissions are evaluated on the area under the ROC curve between both.", False),
        ("A language model; metric: bits per character (lower is better).", True),
        ("The score is the negative RMSE.", False),
    ],
)
def test_the_words_of_their_layout_count_too(text: str, higher: bool, tmp_path: Path) -> None:
    folder = theirs(tmp_path / "a", text, higher)
    with pytest.raises(UsageError, match=r"eval.py:1: HIGHER: means .*research_problem.txt names"):
        load_task(folder)
    said = "max" if higher else "min"
    assert load_task(folder, direction=said).direction == said
    assert load_task(theirs(tmp_path / "b", text, not higher)).direction != said


def test_the_command_and_the_session_take_the_same_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own(tmp_path / "task", "rmse", "max")
    assert call(["run", folder, "--runs-dir", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
    with pytest.raises(UsageError, match="confirm it with --direction max"):
        Session(folder, runs_dir=tmp_path / "runs")
    session = Session(folder, runs_dir=tmp_path / "runs", direction="max")
    assert session.task.direction == "max"


def test_only_plain_words_say_which_is_better() -> None:
    assert better("Higher is better, except that lower is better.") is None
    assert better("(Lower scores are better)") == "min"
    assert stated("We look at RMSE and MAE.") is None


@pytest.mark.parametrize("part", ["metric is ", "mean ", "neg ", "metric" + " " * 50, "lower" + " " * 50])
def test_a_crafted_text_keeps_no_expression_busy(part: str) -> None:
    text, begin = part * 2_000, time.process_time()
    assert (stated(text), better(text), named(text)) == (None, None, None)
    assert time.process_time() - begin < 2  # it was minutes where gaps were tried in all ways


def test_the_score_that_nothing_beats_is_known_of_a_metric_that_has_one():
    for name, direction, score in (
        ("Accuracy", "max", 1.0), ("roc_auc", "max", 1.0), ("RMSE (kWh)", "min", 0.0), ("error rate", "min", 0.0),
        ("perplexity", "min", None), ("speedup", "max", None), ("neg_rmse", "max", None), ("what we want", "max", None),
        ("accuracy", "min", None),
    ):  # fmt: skip
        assert perfect(name, direction) == score, name
    assert all(KNOWN[name][1] == "max" for name in TO_ONE) and all(
        KNOWN[name][1] == "min" for name in TO_ZERO
    )
