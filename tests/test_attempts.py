"""Attempts are typed, and their records stay what they are: an id is the hash of its record."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.artifacts import Artifacts
from memory.attempts import Attempt, Execution, chain, doubt, line, reminded, scored
from memory.scores import gain, percent_better, worth
from memory.state import RunState

RECORDINGS = sorted((Path(__file__).parent / "recordings").rglob("artifacts"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=20)
PLANS = st.dictionaries(st.sampled_from(["action", "instruction", "case", "by", "wrote"]), TEXTS)
ATTEMPTS = st.builds(
    Attempt, plan=PLANS, score=st.none() | NUMBERS, score_before=st.none() | NUMBERS, cures=st.lists(TEXTS, max_size=3),
    seconds=NUMBERS, gain=st.none() | NUMBERS, noise=st.none() | NUMBERS, id=st.just(""),
)  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(ATTEMPTS)
def test_an_attempt_comes_back_from_its_record(attempt):
    record = attempt.as_json()
    assert record["kind"] == "attempt" and "id" not in record
    for unknown in ("gain", "noise"):
        assert (unknown in record) == (getattr(attempt, unknown) is not None)
    assert ("samples" in record) == bool(attempt.samples)
    assert Attempt.of(json.loads(json.dumps(record))) == attempt


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda folder: folder.parent.name)
def test_recorded_records_keep_their_ids(folder, tmp_path):
    artifacts, kept = Artifacts(folder), Artifacts(tmp_path)
    attempts = executions = 0
    for path in folder.iterdir():
        try:
            record = json.loads(path.read_text())
        except ValueError:
            continue  # a script, or an output
        if not isinstance(record, dict):
            continue
        if record.get("kind") == "attempt" and "text" not in record:  # else an item of the history
            attempts += 1
            assert kept.put_json(Attempt.read(artifacts, path.name).as_json()) == path.name
        if "tail" in record:
            executions += 1
            more = {key: record[key] for key in ("cures", "earlier") if key in record}
            assert kept.put_json(Execution.of(record).as_json() | more) == path.name
    assert attempts and executions


def test_a_record_of_an_older_run_is_read(tmp_path):
    artifacts = Artifacts(tmp_path)
    old = {
        "kind": "attempt", "parent": "", "step": 3, "plan": {"action": "improve", "instruction": "add  a tree"},
        "script": "s", "status": "keep", "score": 0.5, "reported": True, "forgotten": "by now",
    }  # fmt: skip
    first = artifacts.put_json(old)
    second = artifacts.put_json(
        old | {"parent": first, "status": "crash", "score": None, "problem": "it broke"}
    )
    attempts = list(chain(artifacts, second))
    assert [(a.id, a.step, a.turn, a.gain, a.noise) for a in attempts] == [
        (second, 3, 0, None, None), (first, 3, 0, None, None),
    ]  # fmt: skip
    assert [line(a) for a in attempts] == ["add a tree: crash, it broke", "add a tree: keep, score 0.5"]
    assert (scored(attempts[1], artifacts).value, scored(attempts[1], artifacts).samples) == (0.5, ())
    items = [{"id": first, "kind": "attempt"}, {"id": second, "kind": "case"}]
    assert reminded(RunState(history=items), artifacts) == [attempts[1]]
    again = Attempt.of(old | {"status": "retest", "score_before": 0.4, "gain": 0.1, "noise": 0.2})
    assert doubt(again) == "+25% is within the noise of ±50%" and doubt(attempts[1]) == ""


@given(NUMBERS, NUMBERS)
def test_a_direction_turns_every_comparison_round(before, after):
    assert gain(before, after, "max") == -gain(before, after, "min") == gain(after, before, "min")
    assert (gain(before, after, "min") > 0) == (after < before)
    assert worth(before, "max") == -worth(before, "min") == before
    assert percent_better(before, before, "min") == 0.0


@pytest.mark.parametrize(
    ("base", "best", "percent"), [(0.0, 0.1, -100.0), (0.0, -0.1, 100.0), (-2.0, -3.0, 50.0), (None, 1.0, None)]
)  # fmt: skip
def test_percents_of_a_base_that_is_zero_below_it_or_unknown(base, best, percent):
    assert percent_better(base, best, "min") == percent
