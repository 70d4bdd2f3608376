"""What a role is told at a step begins as what it was told before: what changes stands behind what does not."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from prefix import asked, made, pairs, recordings

RUNS = [run for run in recordings() if any(len(prompts) > 1 for prompts in asked(run).values())]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_consecutive_prompts_of_a_role_share_all_that_is_stable(run):
    for role, prompts in asked(run).items():
        for pair in pairs(prompts):
            where = f"steps {pair.earlier.step} and {pair.later.step} of the {role}"
            assert pair.earlier.stable == pair.later.stable > len("## system\n"), where
            assert pair.common >= pair.later.stable, where


def test_there_are_such_prompts_of_the_planner_and_the_server_says_that_it_caches_them():
    served = [run for run in RUNS if not run.name.endswith("_capable")]  # by a server of models, which caches
    found = [pair for run in served for pair in pairs(asked(run).get("planner", []))]
    assert len(found) >= 2
    # In tokens the server finds again at least half of the instructions, task and data.
    for pair in found:
        share = pair.later.stable / len(pair.later.text)
        assert pair.later.cached >= 0.5 * share * pair.later.tokens


def test_a_capable_planner_is_told_as_little_at_turn_thirty_as_at_turn_three():
    tokens, shares = made("planner", (3, 4, 16, 17, 29, 30))
    assert tokens[30] <= 3500 and tokens[30] <= 1.1 * tokens[3]
    assert sum(shares) / len(shares) >= 0.6  # what a provider's cache can give back
