"""A gain that few public rows cannot tell from chance counts where the scripts' own validation tells it, too."""

import pytest

from budgetmlagent import testing
from memory.attempts import Score
from nodes.deps import Execution, Here
from nodes.evaluator import evaluator


def spread(noise: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores on the same resampled rows, before and after, with about this noise of their difference."""
    before, after = (tuple(0.7 + sign * n * noise / 35 for n in range(-30, 31)) for sign in (1, -1))
    return before, after


class Says:
    """A scorer that says a gain of .005."""

    def __init__(self, samples: tuple[float, ...]) -> None:
        self.samples = samples

    def score(self, execution: Execution) -> Score:
        return Score(0.705, samples=self.samples, paired=True)


def judged(before: str, after: str, wrote: str = "memory", first: str = "", noise: float = 0.1) -> str:
    """The status of an attempt, by what the best script and it printed and who wrote them."""
    artifacts = testing.MemoryArtifacts()
    samples = spread(noise)
    history = testing.MemoryHistory(artifacts)
    start = {"script": artifacts.put("a"), "exit": 0, "seconds": 1.0, "output": artifacts.put(before)}
    best = {
        "script": "a", "score": 0.7, "plan": {"action": "baseline", "wrote": first}, "execution": artifacts.put_json(start),
        "samples": artifacts.put_json({"values": samples[0], "paired": True}),
    }  # fmt: skip
    run = start | {"script": artifacts.put("b"), "output": artifacts.put(after)}
    state = testing.state(
        artifacts, best, turn=1, run={"execution": artifacts.put_json(run)}, plan={"action": "apply", "wrote": wrote},
        task={"direction": "max", "baseline": 0.7},
    )  # fmt: skip
    here = Here(node="evaluator", step=7)
    made = testing.deps(artifacts=artifacts, history=history, scorer=Says(samples[1]), here=here)
    return str(artifacts.json(evaluator(state, made)["head"])["status"])


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("validation auc 0.61\n", "x\nvalidation roc_auc 0.85\n", "keep"), ("validation auc 0.61\n", "validation auc 0.62\n", "retest"),
        ("validation auc 0.61\n", "validation auc 0.655\n", "retest"), ("validation auc 0.61\n", "validation auc 0.665\n", "keep"),
        ("validation auc 0.61\n", "validation auc 0.41\n", "retest"), ("nothing\n", "validation auc 0.85\n", "retest"), ("validation auc 0.61\n", "", "retest"),
        ("validation auc 0.61\n", "validation auc 0.9\nvalidation auc 0.6\n", "retest"), ("validation auc 0.61\n", "best validation auc 0.85\n", "retest"),
    ],
)  # fmt: skip
def test_validation_tells_where_public_rows_do_not(before: str, after: str, status: str) -> None:
    assert judged(before, after) == status


@pytest.mark.parametrize(("wrote", "first"), [("large", ""), ("memory", "large")])
def test_the_word_of_a_model_s_script_does_not_count(wrote: str, first: str) -> None:
    assert judged("validation auc 0.61\n", "validation auc 0.85\n", wrote, first) == "retest"


def test_where_the_public_rows_are_enough_they_tell_alone() -> None:
    assert judged("validation auc 0.61\n", "validation auc 0.85\n", noise=0.006) == "retest"
    assert judged("validation auc 0.61\n", "validation auc 0.85\n", noise=0.009) == "keep"
