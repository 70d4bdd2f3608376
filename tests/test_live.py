"""One short run of the real small model: fetched, served by llama.cpp in a child process, asked as planner and as coder."""

import pytest
import tiny

from budgetmlagent import Session
from graphs.spec import GraphSpec

GRAPH = """\
name: short
start: executor
nodes:
  planner: {run: planner, prompt: planner, ladder: [small]}
  coder: {run: coder, prompt: coder, ladder: [small]}
  executor: {run: executor}
  evaluator: {run: evaluator}
rules:
  executor:
    - {to: evaluator}
  evaluator:
    - {when: out_of_turns, to: END}
    - {to: planner}
  planner:
    - {when: out_of_budget, to: END}
    - {when: missed, times: 2, to: END}
    - {when: missed, to: planner}
    - {to: coder}
  coder:
    - {when: missed, to: END}
    - {to: executor}
"""


@pytest.mark.live
@pytest.mark.xdist_group("embedded")
def test_a_turn_of_the_real_small_model(tmp_path):
    task = tiny.task(tmp_path)
    # By this seed it answers in a third of the words of others.
    session = Session(
        str(task), GraphSpec.parse(GRAPH), turns=1, seed=3, history="off", runs_dir=tmp_path / "runs"
    )
    summary = session.run()
    assert summary["status"] == "finished" and summary["usd"] == 0.0 and summary["hosts"] == []
    nodes = [event["node"] for event in session.timeline]
    assert nodes[:4] == ["executor", "evaluator", "planner", "coder"]
    planned = session.timeline[2]
    assert (
        planned["model"] == "small" and planned["tokens_in"] > 100 and planned["plan"]["action"] == "improve"
    )
    coded = session.timeline[3]
    assert coded["tokens_out"] > 20 and "submission.csv" in session.artifacts.text(coded["prompt"])
