"""The noise of scores: its arithmetic, the resampling that measures it, and what a run makes of a gain within it."""

import argparse
import csv
import json
import math
import re
import statistics
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from hypothesis import given
from hypothesis import strategies as st
from test_scorer import ANSWERS, Bench, rows

from budgetmlagent import Session
from budgetmlagent.cli import call, progress
from budgetmlagent.inside.judge.resampling import Resampling, drawn
from budgetmlagent.records import steps, summary
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.scoring.scorer import SubmissionScorer
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.tasks.split import split_rows
from graphs.policy import retest
from memory.attempts import chain, line
from memory.noise import FEWEST, in_words, noise_of
from memory.state import RunState
from nodes.craft.judged import HIDDEN, status_of
from nodes.deps import Here, Score

VALUES = st.floats(-1e6, 1e6, allow_nan=False)
SAMPLES = st.lists(VALUES | st.none(), max_size=40)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=FEWEST, max_size=40)


@given(SAMPLES, SAMPLES)
def test_pairs_are_compared_one_by_one(best, new):
    pairs = [(b, n) for b, n in zip(best, new, strict=False) if b is not None and n is not None]
    noise = noise_of(best, new, paired=True)
    known = sum(b is not None for b, _ in zip(best, new, strict=False))
    if len(pairs) < 20 or len(pairs) < 0.9 * known:
        assert noise is None
    else:
        assert noise == pytest.approx(statistics.stdev(n - b for b, n in pairs))


@given(PAIRS, VALUES, st.sampled_from([-2.0, 0.25, 8.0]))
def test_paired_noise_follows_the_metric_units_and_not_the_level(pairs, shift, scale):
    best, new = zip(*pairs, strict=True)
    noise = noise_of(best, new, paired=True)
    assert noise == pytest.approx(noise_of(new, best, paired=True))
    assert noise_of(best, [b + shift for b in best], paired=True) == pytest.approx(0, abs=1e-8)
    wider = noise_of([b * scale for b in best], [n * scale for n in new], paired=True)
    assert wider == pytest.approx(noise * abs(scale))


@given(st.lists(VALUES, max_size=9), st.lists(VALUES, max_size=9))
def test_repeats_add_the_variances_of_their_means(best, new):
    noise = noise_of(best, new, paired=False)
    if min(len(best), len(new)) < 2:
        assert noise is None
    else:
        summed = sum(statistics.variance(values) / len(values) for values in (best, new))
        assert noise == pytest.approx(math.sqrt(summed))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=20, max_size=25), st.booleans())
def test_noise_is_a_finite_number_or_unknown(values, paired):
    noise = noise_of(values, values[::-1], paired=paired)
    assert noise is None or (math.isfinite(noise) and noise >= 0)


def test_a_gain_is_told_in_percent_or_in_units_of_nothing():
    assert in_words(0.003, 0.005, -1.0) == "+0.3% is within the noise of ±0.5%"
    assert in_words(0.003, 0.005, 0.0) == "+0.003 is within the noise of ±0.005"


def resampling(folder: Path, said: str, score, answers: str = ANSWERS) -> Resampling:
    (folder / "scoring").mkdir(parents=True)
    (folder / "scoring/eval.py").write_text("")
    (folder / "scoring/weights.txt").write_text("kept")
    (folder / "answers.csv").write_text(answers)
    (folder / "submission.csv").write_text(said)
    args = argparse.Namespace(
        scoring=folder / "scoring", folder=folder, csv="submission.csv", answers=folder / "answers.csv"
    )
    return Resampling(args, score)


def table(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


def accuracy(folder: Path, seen: list):
    def score(scoring: Path) -> float:
        truth, said = table(scoring / "answers.csv"), table(folder / "submission.csv")
        assert (scoring / "weights.txt").read_text() == "kept"
        assert [row[0] for row in truth] == [row[0] for row in said] == [str(i) for i in range(len(truth))]
        seen.append([row[1] for row in truth])
        return sum(t == s for t, s in zip(truth, said, strict=True)) / len(truth)

    return score


def test_submissions_are_resampled_alike_and_the_spread_is_the_known_one(tmp_path):
    seen: dict[str, list] = {"a": [], "b": []}
    said = {"a": rows(), "b": rows(label=lambda i: (i + 1) % 3)}
    truth = {i: str(i * 7 % 3) for i in range(40)}
    right = sum(truth[i] == str(i % 3) for i in range(40)) / 40
    runs = {
        name: resampling(tmp_path / name, said[name], accuracy(tmp_path / name, seen[name])) for name in seen
    }
    a, b = runs["a"].scores(right), runs["b"].scores(0.0)
    assert len(a) == len(b) == 60 and seen["a"] == seen["b"] and right == 1.0
    assert set(a) == {1.0} and set(b) == {0.0}
    half = rows(label=lambda i: i if i else 9)  # every third is wrong
    c = resampling(tmp_path / "c", half, accuracy(tmp_path / "c", [])).scores(26 / 40)
    assert statistics.stdev(c) == pytest.approx(math.sqrt(26 / 40 * 14 / 40 / 40), rel=0.35)
    assert noise_of(c, a, paired=True) == pytest.approx(statistics.stdev(c))


def test_rows_of_one_id_stay_together():
    told = drawn({"id": ["a", "b", "b"], "y": ["1", "2", "3"]}, "id", [[1, 2], [0], [1, 2]])
    assert told == {"id": ["0", "0", "1", "2", "2"], "y": ["2", "3", "1", "2", "3"]}


def test_a_metric_that_hangs_on_ids_or_their_order_has_no_known_noise(tmp_path):
    ids = lambda scoring: float(table(scoring / "answers.csv")[0][1])  # noqa: E731 - the first row's label
    assert resampling(tmp_path / "a", rows(), ids).scores(5.0) == []
    other = rows(39) + "other,1\n"
    assert resampling(tmp_path / "b", other, lambda _: 1.0).scores(1.0) == []


def test_a_resample_that_cannot_be_scored_is_left_out_in_its_place(tmp_path):
    calls = iter(range(100))

    def score(scoring: Path) -> float:
        number = next(calls)
        if number % 3 == 1:
            raise ZeroDivisionError
        return math.nan if number % 3 == 2 else 1.0

    samples = resampling(tmp_path / "a", rows(), score).scores(1.0)
    assert samples == [None, None, 1.0] * 20


# Of the public rows of the tiny task: what is wrong in the scripts of a run, one set after the other.
PUBLIC = [
    int(text.split(",")[0])
    for text in split_rows("id\n" + "\n".join(map(str, range(40))), "tiny")[0].split()[1:]
]
A, B, C, D = PUBLIC[:4]
WRONG = [{A, B, C}, {A, D}, set(), set()]


def team(body):
    """Plan as the tiny team does, and write scripts that are wrong in the rows of WRONG."""
    asked = body["messages"][-1]["content"]
    way = re.search(r"with this change: .* way (\d+)", asked)
    if "response_format" in body or way is None:
        return tiny.team(body)
    wrong = WRONG[int(way[1])]
    script = tiny.GOOD.replace(
        "{int(float(row['x']) > 0)}", f"{{int((float(row['x']) > 0) != (int(row['id']) in {wrong or '()'}))}}"
    )
    return Turn(f"```python\n{script}print('way', {way[1]})\n```")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Session:
    folder = tmp_path_factory.mktemp("noise")
    with FaultServer(respond=team) as server:
        session = Session(
            str(tiny.task(folder)), models=tiny.models(folder, server.url), turns=3, history="off",
            runs_dir=folder / "runs",
        )  # fmt: skip
        session.run()
    return session


def attempts(session: Session) -> list:
    return list(chain(session.artifacts, session.state.head))[::-1]


def test_a_gain_within_its_noise_is_kept_but_does_not_count_as_one(run):
    tried = attempts(run)
    assert [a.score for a in tried[1:]] == [0.85, 0.9, 1.0]
    assert [a.status for a in tried] == ["keep", "keep", "keep", "keep"]
    again = tried[2]
    assert again.gain == pytest.approx(0.05) and 0.06 < again.noise < 0.12
    assert re.fullmatch(r".*: keep, score 0\.9, \+5\.9% is within the noise of ±[\d.]+%", line(again))
    assert len(run.artifacts.json(again.samples)["values"]) == 60
    assert run.artifacts.json(again.samples)["rows"] == 20  # the public ones
    event = next(e for e in run.timeline if e["attempt"] == again.id)
    assert event["score"] == 0.9 and "is within the noise" in steps.outcome(event, run.artifacts)
    told = (run.folder.root / "results.tsv").read_text().splitlines()
    assert [row.split("\t")[4] for row in told[1:]] == ["keep", "keep", "keep", "keep"]
    assert "(+5.9% is within the noise of ±" in told[3] and "noise" not in told[2] + told[4]
    # What comes after it is measured from the best before it: two small gains are one large one.
    assert tried[3].gain == pytest.approx(0.15) and tried[3].noise < 0.15 and tried[3].score_before == 0.9
    assert (
        run.state.counts["failed"] == 0 and run.state.best["sure"] == run.state.best["attempt"] == tried[3].id
    )


def test_rules_and_why_see_it(run, capsys):
    again = attempts(run)[2]
    step = next(e["step"] for e in run.timeline if e["attempt"] == again.id)
    there = Session.open(run.run_id, run.folder.root.parent).goto(step).state
    assert retest(there) == (True, {"gain": again.gain, "noise": again.noise})
    assert there.counts["failed"] == 1
    assert call(["why", run.run_id, str(step), "--runs-dir", str(run.folder.root.parent)]) == 0
    assert "a new best, but not for sure: +5.9% is within the noise of ±" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("run_of", "fault", "holds"),
    [
        ({"gain": 0.1, "noise": 0.1}, {}, True),
        ({"gain": 0.1, "noise": 0.09}, {}, False),
        ({"gain": 0.0, "noise": 0.1}, {}, False),
        ({"gain": 0.1}, {}, False),
        ({}, {}, False),
        ({"gain": 0.1, "noise": 0.1}, {"kind": "duplicate"}, False),  # of the attempt before
    ],
)
def test_retest_at_its_borders(run_of, fault, holds):
    assert retest(RunState(run=run_of, fault=fault)).holds is holds


def test_the_end_tells_the_noise_of_the_private_gain(run):
    told = run.summary
    final = json.loads((run.folder.root / "final.json").read_text())
    base, best = told["private_baseline"], told["private_best"]
    assert best == 1.0 and told["success"] is True
    # Only the starter's score varies, as a share of 20 rows does.
    assert final["private_noise"] == pytest.approx(math.sqrt(base * (1 - base) / 20), rel=0.35)
    assert told["gain_se_pct"] == round(100 * final["private_noise"] / base, 2)
    assert (
        f"{told['gain_pct']:+.1f}% ± {told['gain_se_pct']:.1f} (success as MLAgentBench counts it)"
        in progress.ending(told, run.graph)
    )
    unsure = told | {"gain_pct": 17.1, "gain_se_pct": 9.5, "success": False}
    assert "+17.1% ± 9.5 (no success: less than twice what it may be off by chance" in progress.ending(
        unsure, run.graph
    )
    assert "(not the 10% that MLAgentBench counts as success" in progress.ending(
        unsure | {"gain_pct": 9.9}, run.graph
    )
    worse = progress.ending(told | {"gain_pct": -11.0, "gain_se_pct": 2.0}, run.graph).splitlines()[0]
    assert worse == "keep the starter the best of this run is 11% worse than it on answers that it never saw"
    assert "within the noise of ±20%" in progress.ending(
        told | {"gain_pct": -11.0, "gain_se_pct": 20.0}, run.graph
    )
    assert "keep the starter" not in progress.ending(told, run.graph)


def test_a_replay_judges_as_the_run_did(run, tmp_path):
    config = run.config
    again = Session(
        config.task, str(run.folder.root / "graph.yaml"), f"replay:{run.folder.root}", config.budget / 1e9, 3, 0, "off", tmp_path
    )  # fmt: skip
    again.run()
    assert [a.id for a in attempts(again)] == [a.id for a in attempts(run)]
    assert again.summary["gain_se_pct"] == run.summary["gain_se_pct"]


@pytest.mark.parametrize(
    ("final", "percent", "sure"),
    [
        (
            {"private_baseline": 0.5, "private_best": 0.6, "private_noise": 0.05},
            10.0,
            False,
        ),  # twice the noise
        ({"private_baseline": 0.5, "private_best": 0.6, "private_noise": 0.0499}, 9.98, True),
        ({"private_baseline": -8.0, "private_best": -6.0, "private_noise": 0.5}, 6.25, True),
        ({"private_baseline": 0.0, "private_best": 0.6, "private_noise": 0.1}, None, True),
        ({"private_baseline": 0.5, "private_best": 0.6, "private_noise": None}, None, True),
        ({"private_baseline": 0.5, "private_best": 0.6}, None, True),  # of a run before there was a noise
    ],
)
def test_success_takes_two_standard_errors_where_they_are_known(final, percent, sure):
    assert (summary.noise_percent(final), summary.is_sure(final)) == (percent, sure)


def test_a_slow_metric_has_too_few_samples(tmp_path):
    slow = "import time\nHIGHER = True\ndef get_score(folder):\n    time.sleep(0.4)\n    return 0.5\n"
    bench = Bench(tmp_path / "task", probe(), scorer=slow)
    score = bench.scorer.score(bench.baseline)
    assert score.value == 0.5 and 0 < len(score.samples) < FEWEST
    assert not bench.scorer.patient  # as no script's score will have a noise, none is waited for
    assert noise_of(score.samples, score.samples, paired=True) is None


def test_a_slow_submission_is_waited_for_until_its_noise_can_be_known(tmp_path):
    def score(_: Path) -> float:
        time.sleep(0.02)
        return 1.0

    slow = resampling(tmp_path / "a", rows(), score)
    slow.seconds, slow.patience = 0.1, 30.0
    assert len(slow.scores(1.0)) == FEWEST
    slow.patience = 0.2
    assert 0 < len(slow.scores(1.0)) < FEWEST


# A metric that lets a submission keep its noise from being known, and the ways to do it.
LENIENT = """HIGHER = True
import csv, glob, os
def get_score(folder):
    there = os.path.join(folder, "submission.csv")
    if not os.path.exists(there):
        there = os.path.join(folder, "submission.txt")
    answers = list(csv.DictReader(open(os.path.join(os.path.dirname(__file__), "answers.csv"))))
    said = list(csv.DictReader(open(there)))
    labels = [row["label"] for row in said]
    if labels.count("7") > 1:
        raise OSError("what no sampling expects")
    if labels.count("8") > 1:
        raise ValueError("what a sampling leaves out")
    by_id = {row.get("id", str(i)): row["label"] for i, row in enumerate(said)}
    right = sum(by_id[row["id"]] == row["label"] for row in answers)
    return right / len(answers) + (labels[0] == "9") / 100  # it hangs on the order of rows
"""
TRUTH = "id,label\n" + "".join(f"{i},{i * 2 % 3}\n" for i in range(40))
BETTER = TRUTH.replace("19,2", "19,0")  # one of the private rows is wrong
HIDING = {
    "a decoy in the table's place": {"submission.a.csv": BETTER, "submission.csv": BETTER},
    "no ids": {"submission.csv": "\n".join(line.split(",")[1] for line in BETTER.splitlines())},
    "no table": {"submission.txt": BETTER},
    "the order of rows": {"submission.csv": BETTER.replace("\n0,0", "\n0,9")},
    "an exception in samples": {"submission.csv": BETTER.replace("\n0,0", "\n0,7")},
    "samples left out": {"submission.csv": BETTER.replace("\n0,0", "\n0,8")},
}


@pytest.fixture(scope="module")
def lenient(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("hiding") / "task", probe(), scorer=LENIENT, answers=TRUTH)
    with (bench.task.root / "task.yaml").open("a") as file:
        file.write("submission: submission.*\n")
    task = load_task(str(bench.task.root))
    bench.scorer = SubmissionScorer(task, bench.box.cage, bench.artifacts, bench.box.workdir)
    return bench


@pytest.mark.parametrize("files", [pytest.param(files, id=way) for way, files in HIDING.items()])
def test_a_submission_that_hides_its_noise_is_no_success(lenient, files):
    honest = lenient.submit(BETTER)
    hiding = replace(honest, files={name: lenient.artifacts.put(text) for name, text in files.items()})
    final = lenient.scorer.final(lenient.baseline, hiding)
    assert final.best > final.baseline and (final.noise, final.hidden) == (None, True)
    told = {"private_baseline": 0.3, "private_best": 0.9, "private_noise": None, "noise_hidden": True}
    assert not summary.is_sure(told) and summary.is_sure(told | {"noise_hidden": False})


def test_a_noise_that_the_starter_hides_is_the_tasks(lenient):
    files = {"submission.txt": lenient.artifacts.put(rows())}
    starter = replace(lenient.baseline, files=files)
    final = lenient.scorer.final(starter, lenient.submit(BETTER))
    assert (final.noise, final.hidden) == (None, False)
    known = lenient.scorer.final(lenient.baseline, lenient.submit(BETTER))
    assert known.noise > 0 and not known.hidden


def hiding_team(body):
    """Write scripts as `team` does; the second one adds a decoy."""
    turn = team(body)
    return replace(turn, text=turn.text.replace("print('way', 1)", DECOY))


DECOY = "import shutil; shutil.copy('submission.csv', 'submission.a.csv')"


def test_a_run_tells_why_a_hidden_noise_does_not_count(tmp_path, capsys):
    with (tiny.task(tmp_path) / "task.yaml").open("a") as file:
        file.write("submission: submission.*\n")
    with FaultServer(respond=hiding_team) as server:
        session = tiny.session(tmp_path, server.url, turns=3)
        session.run()
    hidden = next(a for a in attempts(session) if a.problem == HIDDEN)
    assert (hidden.status, hidden.score, hidden.score_before) == ("crash", None, 0.85)
    assert any(HIDDEN in request.body["messages"][-1]["content"] for request in server.requests)  # the model
    step = next(e["step"] for e in session.timeline if e["attempt"] == hidden.id)
    assert call(["why", session.run_id, str(step), "--runs-dir", str(session.folder.root.parent)]) == 0
    assert HIDDEN in " ".join(capsys.readouterr().out.split())  # and the person


def test_the_end_says_that_a_noise_was_hidden(run):
    told = run.summary | {"success": False, "noise_hidden": True}
    assert "(no success: how far it is off by chance cannot be measured" in progress.ending(told, run.graph)


def test_repeats_of_a_measurement_are_the_samples_where_nothing_is_submitted(tmp_path):
    clock = "import time\nHIGHER = False\ndef get_score(folder):\n    return time.time() % 1000 + 1\n"
    bench = Bench(tmp_path / "task", probe(), scorer=clock, own=False)
    (bench.task.env / "train.py").write_text("print('seconds 0.5')\n")
    task = load_task(str(tmp_path / "task"))
    scorer = SubmissionScorer(task, bench.box.cage, bench.artifacts, tmp_path / "work")
    ran = [ScriptSandbox(task, bench.box.cage, bench.artifacts, tmp_path / "work").run(Here(), script)
           for script in (task.starter, "print('seconds 0.4')")]  # fmt: skip
    final = scorer.final(*ran)
    assert final.best is not None and final.baseline < final.best  # measured after it
    assert final.noise is not None and final.noise > 0


@pytest.mark.parametrize(
    ("best", "gain", "noise", "status"),
    [
        ({}, None, None, "keep"),  # the baseline
        ({"score": None}, None, None, "keep"),  # the first that has a score
        ({"score": 1.0}, 0.01, None, "keep"),  # of unknown noise any gain counts
        ({"score": 1.0}, 0.01, 0.0099, "keep"),
        ({"score": 1.0}, 0.01, 0.01, "retest"),
        ({"score": 1.0}, 0.0, 0.01, "discard"),
        ({"score": 1.0}, -0.01, 0.02, "discard"),
    ],
)
def test_an_attempt_is_judged_by_gain_and_noise(best, gain, noise, status):
    assert status_of(Score(1.01), RunState(best=best), gain, noise) == status
