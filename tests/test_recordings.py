"""Recorded runs of the real models, replayed with no network: the same best, the same routes."""

import json
from pathlib import Path

import pytest

from budgetmlagent import Session
from budgetmlagent.errors import RunFailedError

RECORDINGS = sorted(path.parent for path in (Path(__file__).parent / "recordings").glob("*/events.jsonl"))


def replay(recording: Path, runs: Path) -> Session:
    config = json.loads((recording / "config.json").read_text())
    return Session(
        config["task"], str(recording / "graph.yaml"), f"replay:{recording}", config["budget"] / 1e9, config["turns"],
        config["seed"], config["history"], runs,
    )  # fmt: skip


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_a_recording_replays_to_the_same_end(recording, tmp_path):
    told = json.loads((recording / "run.json").read_text())
    session = replay(recording, tmp_path)
    summary = session.run()
    same = (
        "best",
        "baseline",
        "private_best",
        "gain_pct",
        "usd",
        "calls",
        "tokens_in",
        "tokens_out",
        "turns",
        "steps",
    )
    assert {key: summary[key] for key in same} == {key: told[key] for key in same}
    recorded = [json.loads(line) for line in (recording / "events.jsonl").read_text().splitlines()]
    assert [e["route"]["rule"] for e in session.timeline] == [e["route"]["rule"] for e in recorded]
    assert summary["replayed"] is True


def test_some_recordings_hold_replies_of_models():
    """In others memory did the work, and nobody was asked."""
    calls = {path.name: json.loads((path / "run.json").read_text())["calls"] for path in RECORDINGS}
    assert len(calls) == 6 and sum(n > 0 for n in calls.values()) >= 4
    assert all(calls[name] for name in calls if name.endswith("_capable"))


def test_a_changed_prompt_of_ours_misses_the_recording(tmp_path):
    session = replay(RECORDINGS[0], tmp_path)
    parts = session.engine.parts
    wordy = parts.deps.task
    wordy.text += " Be quick."
    with pytest.raises(RunFailedError, match="the prompt differs from the recording"):
        session.run()


def test_after_memory_has_done_the_work_a_small_model_is_not_asked_in_vain(tmp_path):
    recording = next(path for path in RECORDINGS if path.name == "distances")
    told, config = (json.loads((recording / f"{part}.json").read_text()) for part in ("run", "config"))
    limits = config["budget"] / 1e9, config["turns"], config["seed"], config["history"]
    session = Session(config["task"], "budgetml", f"replay:{recording}", *limits, tmp_path)
    summary = session.run()
    assert summary["best"] == told["best"] and summary["turns"] < config["turns"]
    assert session.timeline[-1].route["rule"].startswith("vain")
    assert summary["reason"].startswith("the goal is met")
    # What it has once improved it may go on with for a while: what it brought is not forgotten at once.
    assert summary["calls"]
