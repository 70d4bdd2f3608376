"""A gain that few public rows cannot tell from chance counts where the scripts' own validation tells it, too."""

import pytest

from budgetmlagent import testing
from memory.attempts import Attempt, Score, doubt
from nodes.deps import Execution, Here
from nodes.evaluator import evaluator


def spread(noise: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores on the same resampled rows, before and after, with about this noise of their difference."""
    before, after = (tuple(0.7 + sign * n * noise / 35 for n in range(-30, 31)) for sign in (1, -1))
    return before, after


class Says:
    """A scorer that says a score."""

    def __init__(self, value: float, samples: tuple[float, ...]) -> None:
        self.value, self.samples = value, samples

    def score(self, execution: Execution) -> Score:
        return Score(self.value, samples=self.samples, paired=True)


def judged(
    before: str,
    after: str,
    wrote: str = "memory",
    first: str = "",
    noise: float = 0.1,
    highest: float = 0.7,
    now: float = 0.705,
) -> str:
    """What an attempt is that scores `now` after .7, by what both scripts printed and who wrote them: sure, likelier or no better."""
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
    if highest > 0.7:  # another script was within the noise, too
        sure = state.best["attempt"]
        other = artifacts.put_json(artifacts.json(sure) | {"score": highest})
        state.best.update(attempt=other, score=highest, sure=sure)
    here = Here(node="evaluator", step=7)
    made = testing.deps(artifacts=artifacts, history=history, scorer=Says(now, samples[1]), here=here)
    update = evaluator(state, made)
    attempt = artifacts.json(update["head"])
    assert attempt["status"] == ("keep" if "best" in update else "retest" if now > 0.7 else "discard")
    assert attempt["gain"] == pytest.approx(now - 0.7)  # over the best that is sure
    best = update.get("best", {"attempt": "no better"})
    sure = best.get("sure") == update["head"]
    assert bool(doubt(Attempt.of(attempt))) is (not sure and now > 0.7)  # validation has told
    return "sure" if sure else "likelier" if "sure" in best else best["attempt"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("validation auc 0.61\n", "x\nvalidation roc_auc 0.85\n", "sure"), ("validation auc 0.61\n", "validation auc 0.62\n", "likelier"),
        ("validation auc 0.61\n", "validation auc 0.41\n", "no better"), ("validation auc 0.61\n", "validation auc 0.61\n", "no better"),
        ("validation auc 0.61\n", "validation auc 0.655\n", "likelier"), ("validation auc 0.61\n", "validation auc 0.665\n", "sure"),
        ("nothing\n", "validation auc 0.85\n", "likelier"), ("validation auc 0.61\n", "", "likelier"),
        ("validation auc 0.61\n", "validation auc 0.9\nvalidation auc 0.6\n", "no better"),
        ("validation auc 0.61\n", "best validation auc 0.85\n", "likelier"),
    ],
)  # fmt: skip
def test_validation_tells_where_public_rows_do_not(before: str, after: str, found: str) -> None:
    assert judged(before, after) == found


@pytest.mark.parametrize(("wrote", "first"), [("large", ""), ("memory", "large")])
@pytest.mark.parametrize("said", ["0.85", "0.41"])
def test_the_word_of_a_model_s_script_does_not_count(wrote: str, first: str, said: str) -> None:
    assert judged("validation auc 0.61\n", f"validation auc {said}\n", wrote, first) == "likelier"


@pytest.mark.parametrize(
    ("now", "said", "found"),
    [
        (0.7, "0.665", "sure"), (0.7, "0.655", "no better"), (0.68, "0.685", "sure"),
        (0.68, "0.675", "no better"),  # what the public rows say against it has to be outweighed, too
        (0.61, "0.9", "sure"), (0.59, "0.99", "no better"),  # no tie
    ],
)  # fmt: skip
def test_validation_decides_a_tie_where_public_rows_are_few(now: float, said: str, found: str) -> None:
    assert judged("validation auc 0.61\n", f"validation auc {said}\n", now=now) == found
    assert judged("validation auc 0.61\n", f"validation auc {said}\n", "small", now=now) == "no better"


@pytest.mark.parametrize(("highest", "now"), [(0.79, 0.68), (0.85, 0.7), (0.79, 0.61)])
def test_a_tie_with_the_sure_best_throws_no_better_one_away(highest: float, now: float) -> None:
    assert judged("validation auc 0.61\n", "validation auc 0.685\n", highest=highest, now=now) == "no better"


def test_where_the_public_rows_are_enough_they_tell_alone() -> None:
    assert judged("validation auc 0.61\n", "validation auc 0.85\n", noise=0.006) == "likelier"
    assert judged("validation auc 0.61\n", "validation auc 0.85\n", noise=0.009) == "sure"


@pytest.mark.parametrize(
    ("highest", "found"), [(0.704, "likelier"), (0.705, "no better"), (0.71, "no better")]
)
def test_of_two_scripts_within_the_noise_the_higher_one_is_kept(highest: float, found: str) -> None:
    assert judged("", "", highest=highest) == found
