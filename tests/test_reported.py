"""The score that a script reports itself: the number beside the task's own metric, in its unit, or none."""

import math
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.scoring.heldout import HeldOutScorer
from budgetmlagent.scoring.reported.labels import kind, plain
from budgetmlagent.scoring.reported.measure import Measure, measured
from budgetmlagent.scoring.reported.output import reported_score, reported_seconds, said
from budgetmlagent.scoring.reported.source import printed
from budgetmlagent.tasks.folder import TaskFolder, load_task
from budgetmlagent.tasks.metrics import KNOWN
from memory.artifacts import Artifacts
from nodes.deps import Here


def of(name: str) -> Measure:
    """What is measured where the starter named it."""
    return Measure(kinds=frozenset({name}), bare=False)


# By the metric that the starter named: what is printed, and the score that it tells.
PRINTED: dict[str, list[tuple[str, float | None]]] = {
    "accuracy": [
        # Keras, PyTorch, Lightning, Hugging Face, fastai
        ("32/32 [====] - 1s 15ms/step - accuracy: 0.81 - loss: 0.5 - val_accuracy: 0.78 - val_loss: 0.6", 0.78),
        ("32/32 ━━━ 1s 15ms/step - accuracy: 0.81 - val_accuracy: 0.78 - val_loss: 0.6 - learning_rate: 0.0010", 0.78),
        ("Epoch 5: val_accuracy improved from 0.51234 to 0.48123, saving model to best.h5", 0.48123),
        ("Epoch [5/10], Step [100/200], Val Loss: 0.5, Val Acc: 84.0%", 0.84),
        ("Epoch 5 | Train Loss: 0.5 | Val Loss: 0.6 | Val Acc: 0.84 | Time: 12.5s", 0.84),
        ("Train loss 0.5 | acc 0.9 | Val loss 0.6 | acc 0.8", 0.8),
        ("Epoch 3: 100%|███| 100/100 [00:05<00:00, 19.5it/s, v_num=0, val_loss=0.5, val_acc=0.81]", 0.81),
        ("┃   Validate metric   ┃   DataLoader 0   ┃\n│  val_acc  │  0.8123  │\n│  val_loss  │  0.55  │", 0.8123),
        ("{'eval_loss': 0.5, 'eval_accuracy': 0.8, 'eval_runtime': 3.2, 'epoch': 1.0}", 0.8),
        ("('val_acc', np.float64(0.84))", 0.84),
        ("val_acc: tensor(0.84, device='cuda:0')", 0.84),
        ("epoch  train_loss  val_loss  val_acc  time\n1  0.5  0.6  0.81  1.2s\n2  0.5  0.6  0.83  1.2s", 0.83),
        ("   epoch  val_acc\n0      1     0.80\n1      2     0.82", 0.82),
        # Loggers
        ("2026-05-01 12:33:45.123 | INFO     | __main__:main:42 - Validation accuracy: 0.84", 0.84),
        ("[2026-05-01 12:33:45,123][INFO] val_acc=0.84", 0.84),
        ("INFO:root:val acc 0.84", 0.84),
        ("\x1b[32mvalidation accuracy:\x1b[0m 0.84", 0.84),
        # Words
        ("0.84 validation accuracy", 0.84),
        ("Accuracy on the validation set: 0.84", 0.84),
        ("Accuracy: 0.84 (validation)", 0.84),
        ("Accuracy: 0.99 validation accuracy 0.84", 0.84),
        ("Mean CV accuracy over 5 folds: 0.84", 0.84),
        ("Validation: accuracy 0.84, loss 0.3", 0.84),
        ("**Validation accuracy:** 0.84", 0.84),
        ("valAccuracy: 0.84", 0.84),
        # In percent
        ("Validation accuracy: 69.60%", 0.696),
        ("Validation accuracy (%): 84.2", 0.842),
        ("84.2% accuracy on validation", 0.842),
        ("Validation accuracy: 84.2 percent", 0.842),
        ("Validation accuracy: 84.1% ± 0.5%", 0.841),
        ("Validation accuracy: 120", None),
        ("Validating: 100%|████| 10/10 [00:01<00:00, 8.5it/s]", None),
        # Old values
        ("val accuracy 0.81 -> 0.84", 0.84),
        ("Validation accuracy improved: 0.81 → 0.84", 0.84),
        ("Improved validation accuracy from 0.81 to 0.84", 0.84),
        ("Validation accuracy 0.81 >> 0.84", 0.84),
        ("Validation accuracy went from 81.2% to 84.1%", 0.841),
        ("Validation accuracy: 0.84 (was 0.81)", 0.84),
        ("Validation accuracy: 0.84, up from 0.81", 0.84),
        ("val_accuracy did not improve from 0.81", None),
        ("Previous best validation accuracy: 0.81", None),
        # How sure, and by how much
        ("Validation accuracy: 0.84 (95% CI 0.81-0.87)", 0.84),
        ("Validation accuracy: 0.84 [0.81, 0.87]", 0.84),
        ("Validation accuracy 0.84+/-0.02", 0.84),
        ("Validation accuracy.......0.84±0.02", 0.84),
        ("validation accuracy 95% CI: 0.81", None),
        ("Validation accuracy std: 0.02", None),
        ("Validation accuracy gain: 0.03", None),
        ("Validation accuracy improved by 0.03", None),
        ("Validation accuracy ratio: 1.05", None),
        ("validation accuracy is 1.5 times better", None),
        ("Validation speedup: 1.5x", None),
        # Settings and counts
        ("Best threshold for validation accuracy: 0.35", None),
        ("threshold 0.3 validation accuracy 0.7", 0.7),
        ("validation threshold 0.35 accuracy 0.84", 0.84),
        ("validation learning rate 0.01", None),
        ("Seed 42: validation accuracy 0.84", 0.84),
        ("Validation accuracy at epoch 5: 0.84", 0.84),
        ("Validation accuracy after 12 epochs: 0.84", 0.84),
        ("Validation accuracy on 1,250 rows: 0.84", 0.84),
        ("Parameters: 1,234,567 | val acc 0.84", 0.84),
        ("stop when val acc >= 0.9", None),
        ("target validation accuracy: 0.9", None),
        ("Seeds were averaged; validation accuracy: 0.84", 0.84),
        # Other metrics, other rows, parts
        ("Validation accuracy: 0.84\nValidation AUC: 0.91", 0.84),
        ("val_loss: 0.5 acc: 0.84", None),
        ("Validation top 5 accuracy: 0.97", None),
        ("Validation class 3 accuracy: 0.97", None),
        ("Validation balanced accuracy: 0.91", None),
        ("Validation top-5 accuracy: 0.97", None),
        ("Validation accuracy per class 3: 0.9", None),
        ("Validation score: 0.84", None),
        ("test accuracy 0.9", None),
        ("train/val accuracy: 0.9", None),
        ("accuracy train/val: 0.9 / 0.8", None),
        ("train accuracy 0.9 val 0.8", 0.8),
        ("validation accuracy 0.9 / 0.8", None),
        ("validation accuracy: 0.7, 0.9, 0.8", None),
        ("Validation accuracy between 0.7 and 0.9", None),
        ("val acc 0.8\nval acc nan", None),
        ("val acc 0.8\nvalidation data contains nan", 0.8),
    ],
    "rmse": [
        ("Validation RMSE: 52341.20\nValidation took 3.20 seconds", 52341.2),
        ("Validation took 3.2 s, RMSE 1234.5", 1234.5),
        ("validation RMSE computed in 1.5 s", None),
        ("Validation done in 00:12:33", None),
        ("Validation RMSE: 52,341.20", 52341.2),
        ("Validation RMSE: 1,234,567", 1234567),
        ("Validation RMSE: 1_234.5", 1234.5),
        ("validation RMSE: $52,341.20", 52341.2),
        ("Validation RMSE: 12", 12),
        ("Validation RMSE: 1.23e+04", 12300),
        # Whoever writes these means one of two numbers.
        ("Validation RMSE: 0,84", None),
        ("Validation RMSE: 0,123", None),
        ("Validation RMSE: 1.234,5", None),
        ("Validation RMSE: 1.234.567", None),
        ("Validation RMSE: 1 234.5", None),
        ("Validation RMSE: 1'234.5", None),
        ("Validation RMSE: 52.3k", None),
        ("Cross-validation RMSE scores: [1.2, 1.3, 1.4]", None),
        # Boosting
        ("[99]\ttrain-rmse:0.51234\teval-rmse:0.71234", 0.71234),
        ("[50]\tvalid_0's rmse: 0.91\tvalid_0's l1: 0.3", 0.91),
        ("[10]\tcv_agg's valid rmse: 0.9 + 0.01", 0.9),
        ("99:\tlearn: 0.5\ttest: 0.6\tbest: 0.6 (99)\ttotal: 1.2s\tremaining: 0us", None),
        ("Validation RMSE (lower is better): 41,234.56", 41234.56),
        ("Validation RMSE (XGBoost): 0.5", 0.5),
        ("Validation RMSE with XGBoost: 0.5", 0.5),
        # Folds and baselines
        ("Fold 1: RMSE 0.51\nFold 2: RMSE 0.49\nMean RMSE: 0.50 (+/- 0.01)", 0.5),
        ("CV mean RMSE: 0.50\nFold 1: RMSE 0.51\nFold 2: RMSE 0.49", 0.5),
        ("Fold 1: train RMSE 0.3, val RMSE 0.4", 0.4),
        ("Validation RMSE: 1.5\nBaseline validation RMSE: 2.5", 1.5),
        ("Baseline validation RMSE: 2.5", 2.5),
        # Headings and tables
        ("Validation results:\n  RMSE: 1.5\n  MAE: 1.2", 1.5),
        ("Validation results:\n  RMSE: 1.5\n\nTraining results:\n  RMSE: 0.5", 1.5),
        ("RMSE: 1.5", None),
        ("| model | val_rmse | time |\n|---|---|---|\n| rf | 0.5 | 1.2 |", 0.5),
        # Other metrics
        ("Validation MSE: 2.25, RMSE: 1.5, MAE: 1.2, R2: 0.8", 1.5),
        ("Validation root mean squared error = 1.5", 1.5),
        ("Validation loss (RMSE): 1.5", 1.5),
        ("Validation RMSE (log): 0.5", None),
        ("CV neg_root_mean_squared_error: -1.3", None),
        ("Validation R^2: 0.9", None),
    ],
    "auc": [("validation roc_auc_score: 0.91", 0.91), ("Validation ROC-AUC: 91%", 0.91), ("Validation AUC-PR: 0.91", None)],
    "log_loss": [("val cross-entropy: 0.4", 0.4), ("[9]\tvalidation_0-logloss:0.3", 0.3), ("val_loss: 0.4", None)],
    "f1_macro": [("validation macro-F1 0.5", 0.5), ("val f1_score (macro): 0.5", 0.5), ("validation F1 micro 0.5", None)],
    "r2": [("val R²=0.81", 0.81), ("validation coefficient of determination 0.81", 0.81), ("val adjusted R2 0.81", None)],
    "error": [("validation error rate: 16%", 0.16), ("validation accuracy: 84%", None)],
    "bits": [("validation bits/char 2.5", 2.5), ("validation perplexity 5.7", None)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "output", "score"), [(name, *case) for name, cases in PRINTED.items() for case in cases]
)
def test_the_number_beside_the_metric_is_the_score(name: str, output: str, score: float | None) -> None:
    assert reported_score(output, of(name)) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    "output",
    ["validation rows: 125", "Validation fraction: 0.25", "validation split 0.2", "Validation: 12", "validation lr=0.01",
     "Validation: 45%|██ | 1/2 [00:01<00:00, 8.52it/s]", "{'eval_samples_per_second': 100.5}", "val params: 1.2M"],
)  # fmt: skip
def test_nor_is_a_count_or_a_setting_where_the_metric_is_unknown(output: str) -> None:
    assert reported_score(output) is None


# ---- what the task's own metric is ----


def task_in(
    folder: Path,
    text: str,
    higher: bool = True,
    *,
    metric: str = "",
    starter: str = "",
    scorer: str = "return 0",
) -> TaskFolder:
    scripts = folder / "toy" / ("scoring" if metric else "scripts")
    for part in (scripts, folder / "toy/env"):
        part.mkdir(parents=True)
    (folder / "toy/env/train.py").write_text(starter)
    (scripts / "eval.py").write_text(f"HIGHER = {higher}\ndef get_score(folder):\n    {scorer}\n")
    (scripts / "research_problem.txt").write_text(text)
    if metric:
        direction = "max" if higher else "min"
        (folder / "toy/task.yaml").write_text(
            f"name: toy\ntext: {text}\nmetric: {{name: {metric}, direction: {direction}}}\n"
        )
    return load_task(str(folder / "toy"))


def told(task: TaskFolder, starter: str, *later: str) -> list[float | None]:
    """The scores of what a starter printed, and of what others did later."""
    measure = measured(task, list(said(starter)))
    return [reported_score(output, measure) for output in (starter, *later)]


def test_the_label_beside_the_starters_number_decides(tmp_path: Path) -> None:
    task = task_in(tmp_path, "Predict the price.", higher=False)
    later = (
        "val mae 3.1",
        "Validation MAE: 3,100.5",
        "Validation RMSE: 1.2",
        "Validation: 0.5",
        "validation R2 0.9",
    )
    assert told(task, "Validation MAE: 5,000.0 RMSLE 0.4\nValidation MAE: 4,000.0", *later) == [
        4000.0, 3.1, 3100.5, None, None, None,
    ]  # fmt: skip


def test_of_several_labels_the_tasks_words_choose_one(tmp_path: Path) -> None:
    task = task_in(tmp_path, "The score is the accuracy.")
    assert told(task, "val accuracy 0.9 val auc 0.95", "val auc 0.99", "val acc 0.95 val auc 0.9") == [
        0.9,
        None,
        0.95,
    ]


def test_what_qualifies_a_metric_makes_another_one(tmp_path: Path) -> None:
    task = task_in(tmp_path, "Predict.")
    later = ("val macro AUC 0.6", "val AUC 0.7", "val AUC macro: 0.8")
    assert told(task, "val AUC macro 0.5", *later) == [0.5, 0.6, None, 0.8]
    later = ("val precision at 5: 0.6", "val precision@10: 0.7", "val precision 0.8")
    assert told(task, "val precision@5: 0.5", *later) == [0.5, 0.6, None, None]


def test_the_name_in_task_yaml_decides(tmp_path: Path) -> None:
    task = task_in(tmp_path, "Predict.", metric="roc_auc")
    assert told(task, "val accuracy 0.9", "val auc 0.8", "val accuracy 0.95") == [None, 0.8, None]


def test_a_metric_of_ones_own_is_known_by_its_words(tmp_path: Path) -> None:
    task = task_in(tmp_path, "Predict.", metric="profit")
    later = ("validation profit: 1,300", "validation accuracy 0.9", "validation: 0.9")
    assert told(task, "validation profit 120.5", *later) == [120.5, 1300.0, None, None]


def test_the_starters_own_function_is_known_by_its_name(tmp_path: Path) -> None:
    starter = "def smape1(a, b):\n    return 1\nprint('train SMAPE', smape1(1, 2))"
    task = task_in(tmp_path, "metric: mean SMAPE(+1) (lower is better)", higher=False, starter=starter)
    assert told(task, "train SMAPE 27.6", "validation smape1 24.1", "validation rmse 3.1") == [
        None,
        24.1,
        None,
    ]


def test_an_f1_without_its_average_may_be_the_one_that_the_source_names(tmp_path: Path) -> None:
    task = task_in(
        tmp_path, "Label scenes.", starter="print('validation F1', f1_score(a, b, average='macro'))"
    )
    assert told(task, "validation F1 0.5", "validation f1_macro 0.6", "validation micro F1 0.7") == [
        0.5,
        0.6,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "starter", "scorer", "name"),
    [
        ("The score is the root mean squared error (RMSE), less is better.", "", "return 0", "rmse"),
        ("Predict.", "print('mae', mean_absolute_error(a, b))", "return 0", "mae"),
        ("Predict.", "", "return mean_squared_error(a, b) ** 0.5", "rmse"),
    ],
)
def test_without_the_starters_word_the_task_tells(
    tmp_path: Path, text: str, starter: str, scorer: str, name: str
) -> None:
    task = task_in(tmp_path, text, higher=False, starter=starter, scorer=scorer)
    assert measured(task, []).kinds == {name}


def test_a_metric_that_stays_unknown(tmp_path: Path) -> None:
    task = task_in(tmp_path, "Predict the label.")
    # A number without a label is compared with those without one, and of nothing at all the first labelled one is taken.
    assert told(task, "Validation: 0.83", "val score 0.9", "validation accuracy 0.9") == [0.83, 0.9, None]
    assert told(task, "", "validation accuracy 0.75", "validation RMSE 0.3") == [None, 0.75, None]


# ---- units ----


@pytest.mark.parametrize(
    ("metric", "starter", "later"),
    [
        ("accuracy", ("69.6%", 0.696), [("0.84", 0.84), ("84.0", 0.84), ("84%", 0.84)]),
        ("accuracy", ("69.6", 0.696), [("0.84", 0.84), ("84%", 0.84)]),
        ("accuracy", ("0.696", 0.696), [("84.0", 0.84), ("84.0%", 0.84)]),
        # A relative error is printed in percent and as a share: where the starter's is not known, neither is the other's.
        ("mape", ("12.5", 12.5), [("12.0%", 12.0), ("0.12", None), ("3.0", 3.0)]),
        ("mape", ("12.5%", 0.125), [("12.0%", 0.12), ("0.12", 0.12), ("11.0", 0.11)]),
        ("mape", ("0.125", 0.125), [("12.0", None), ("12.0%", 0.12)]),
        ("quality", ("69.6", 69.6), [("0.84", None), ("84%", 84.0), ("84.0", 84.0)]),
        ("quality", ("69.6%", 0.696), [("0.84", 0.84), ("84%", 0.84)]),
        ("rmse", ("250.0", 250.0), [("0.9", 0.9)]),
    ],
)
def test_all_scores_of_a_run_are_in_one_unit(
    tmp_path: Path, metric: str, starter: tuple[str, float], later: list[tuple[str, float | None]]
) -> None:
    task = task_in(tmp_path, "Predict.", metric in ("accuracy", "quality"), metric=metric)
    outputs = [f"validation {metric}: {text}" for text, _ in (starter, *later)]
    wanted = [value if value is None else pytest.approx(value) for _, value in (starter, *later)]
    assert told(task, *outputs) == wanted


# ---- what no text can do ----

VALUES = st.decimals(0, 1000, places=2, allow_nan=False)
TIMES = st.sampled_from(["took {} s", "took {} seconds", "time: {}", "time {}s", "done in {} min", "{} s", "{}ms/step", "elapsed {}",
                         "runtime = {}", "{} it/s", "seconds per step {}", "accuracy computed in {} seconds", "latency {}"])  # fmt: skip
MARKS = st.sampled_from(
    ["validation", "Val", "val_loss 0.5,", "CV", "hold-out", "[5/10] valid", "oof", "5-fold cv", "eval:"]
)


@given(MARKS, TIMES, VALUES)
def test_no_time_is_a_score(mark: str, time: str, value: float) -> None:
    output = f"{mark} {time.format(value)}"
    assert reported_score(output, of("accuracy")) is None
    assert reported_score(f"val accuracy 0.25\n{output}", of("accuracy")) == 0.25
    assert reported_score(f"{output}, validation accuracy 0.25", of("accuracy")) == 0.25


OWN = {"accuracy", "loss", "seconds"}  # and what is no metric's name alone


@given(
    MARKS,
    st.sampled_from(sorted(KNOWN.keys() - OWN)),
    VALUES,
    st.sampled_from(["{} {}", "{}: {}", "{} = {}%", "{}={}"]),
)
def test_no_other_metric_is_the_score(mark: str, name: str, value: float, form: str) -> None:
    output = f"{mark} {form.format(name, value)}"
    assert reported_score(output, of("accuracy")) is None
    assert reported_score(f"{output} val accuracy 0.25", of("accuracy")) == 0.25
    assert reported_score(f"val accuracy 0.25\n{output}", of("accuracy")) == 0.25


@given(
    st.decimals(0, 100, places=2),
    st.sampled_from(["%", " %", " percent"]),
    st.sampled_from(["", ".", ", loss 0.5", "% "]),
)
def test_a_percent_sign_is_a_hundredth(value: float, sign: str, end: str) -> None:
    score = reported_score(f"validation accuracy: {value}{sign}{end}", of("accuracy"))
    assert score == pytest.approx(float(value) / 100)


@given(st.floats(-1e9, 1e9, allow_nan=False), st.sampled_from(["", ",", "_"]), st.integers(0, 4))
def test_a_number_is_read_as_it_was_printed(value: float, mark: str, places: int) -> None:
    shown = f"{value:{mark}.{places}f}"
    assert reported_score(f"validation rmse: {shown}", of("rmse")) == float(f"{value:.{places}f}")


@given(st.text(), st.sampled_from(["validation accuracy", "val acc:", "cv", "validation"]))
def test_whatever_is_printed_tells_a_finite_number_or_none(text: str, words: str) -> None:
    for measure in (Measure(), of("accuracy"), of("rmse")):
        score = reported_score(f"{words} {text}\n{text} {words}", measure)
        assert score is None or math.isfinite(score)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_way_to_write_a_metric_is_one_kind(name: str) -> None:
    for written in (name, *KNOWN[name][0]):
        assert kind(plain(f"validation {written}")) == name, written


# ---- in a run ----


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('print(f"Validation RMSE: {rmse:,.2f}")', "Validation RMSE: 0.5"),
        ('print("validation accuracy", model.score(X, y))', "validation accuracy 0.5"),
        ('logger.info("val acc: %.1f%%" % acc)', "val acc: 0.5%"),
        ('print("cv {:.3f} auc".format(auc))', "cv 0.5 auc"),
        ('print("val acc " + str(acc))', "val acc 0.5"),
        ("print(", ""),
    ],
)
def test_what_a_script_would_print(source: str, lines: str) -> None:
    assert printed(source) == lines


SUBMITS = "open('submission.txt', 'w').write('x')\nprint({!r})\n"
Order = Literal["starter first", "made anew", "starter unseen"]


@pytest.mark.parametrize("order", ["starter first", "made anew", "starter unseen"])
def test_a_script_that_reports_another_metric_has_no_score(tmp_path: Path, order: Order) -> None:
    starter = SUBMITS.format("validation MAE 5.0")
    task = task_in(tmp_path, "Predict.", higher=False, starter=starter)
    place = (task, probe(), Artifacts(tmp_path / "artifacts"), tmp_path / "work")
    box, scorer = ScriptSandbox(*place), HeldOutScorer(*place)
    if order != "starter unseen":  # as in a fork, whose starter ran before
        assert scorer.score(box.run(Here(), starter)).value == 5.0
    if order == "made anew":  # as each step of a run does
        scorer = HeldOutScorer(*place)
    for text, value in (("validation RMSE 0.1", None), ("validation 0.1", None), ("validation mae 4.0", 4.0)):
        assert scorer.score(box.run(Here(), SUBMITS.format(text))).value == value


@pytest.mark.parametrize("number", ["1e400", "9" * 400 + ".0", "-1e999"])
def test_an_infinite_number_is_no_score_that_nothing_can_beat(number: str) -> None:
    for name in ("accuracy", "rmse", "profit"):
        assert reported_score(f"validation {name} {number}") is None
    assert reported_seconds(f"seconds per step {number}") is None and reported_seconds(f"{number} s") is None
    assert reported_seconds(f"seconds 0.5\nseconds {number}") == 0.5
