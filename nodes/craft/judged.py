"""Whether an attempt is better than the best one, for all that chance makes of a score on the public rows."""

from dataclasses import dataclass

from memory import scores
from memory.attempts import Attempt, Status, scored
from memory.noise import is_hidden, noise_of
from memory.state import Fault, RunState
from nodes.craft.validated import SHARE, validated
from nodes.deps import Deps, Execution, Score

HIDDEN = (
    "the score does not count: how far it is off by chance cannot be measured, as that of the best can, because on rows"
    " drawn anew this submission gives no score, another one or a slow one; write short, plain values, in the starter's"
    " columns and file"
)


@dataclass(frozen=True)
class Judged:
    """What came of an attempt beside the best one."""

    score: Score
    fault: Fault
    status: Status
    sure: bool = False  # better by more than chance makes
    gain: float | None = None  # over the newest sure best, in the metric's units; None: of unknown noise
    noise: float | None = None  # standard error of `gain`
    settled: bool = False  # sure within its noise: validation has told


def judged(execution: Execution, score: Score, fault: Fault, state: RunState, deps: Deps) -> Judged:
    """Judge an execution that ended with this score or `fault`."""
    if fault:
        return Judged(score, fault, "discard" if fault["kind"] == "suspect" else "crash")
    gain, noise, hidden = _gain(score, state, deps)
    if hidden:
        return Judged(Score(problem=HIDDEN), Fault(kind="submission", detail=HIDDEN), "crash")
    status = status_of(score, state, gain, noise)
    if gain is None or noise is None:
        return Judged(score, fault, status, status == "keep")
    if status != "retest" and not _is_tie(gain, noise):
        return Judged(score, fault, status, status == "keep", gain, noise)
    status, sure = _judged_again(score, gain, noise, state, execution, deps)
    return Judged(score, fault, status, sure, gain, noise, settled=sure)


def status_of(score: Score, state: RunState, gain: float | None, noise: float | None) -> Status:
    """Judge a submission by its gain over the newest sure best and the noise of that, in the metric's units."""
    if not state.best:
        return "keep"
    if gain is None:
        # A starter that reports no score is beaten by the first script that does.
        return "discard" if score.value is None else "keep"
    if gain <= 0:
        return "discard"
    return "keep" if noise is None or gain > noise else "retest"


def _gain(score: Score, state: RunState, deps: Deps) -> tuple[float | None, float | None, bool]:
    """Return the gain over the newest sure best, in the metric's units, the noise of that, and whether it is hidden.

    A gain whose noise only this submission keeps from being known would win by being unknown.
    """
    known = scored(_sure(state, deps), deps.artifacts) if state.best else Score()
    if known.value is None or score.value is None:
        return None, None, False
    gain = scores.gain(known.value, score.value, deps.task.direction)
    alike = known.paired == score.paired
    noise = noise_of(known.samples, score.samples, paired=score.paired) if alike else None
    return gain, noise, noise is None and gain > 0 and is_hidden(known.samples, paired=known.paired)


def _sure(state: RunState, deps: Deps) -> Attempt:
    """Return the newest best that gained more than its noise: several small gains in a row are one that may be larger."""
    return Attempt.read(deps.artifacts, state.best.get("sure", state.best["attempt"]))


def _is_tie(gain: float, noise: float) -> bool:
    """Tell whether a script fell short by no more than chance makes: the public rows do not say which one is better."""
    return -noise < gain <= 0


def _judged_again(
    score: Score, gain: float, noise: float, state: RunState, execution: Execution, deps: Deps
) -> tuple[Status, bool]:
    """Judge a gain within its `noise`: kept where validation makes it sure, or as the likelier script; and whether it is sure.

    What the public rows say against a script, as beside the best one, its validation has to outweigh.
    """
    direction, best = deps.task.direction, state.best.get("score")
    again = validated(_sure(state, deps), state.plan, execution, deps.artifacts, direction, noise)
    over = gain if best is None or score.value is None else scores.gain(best, score.value, direction)
    against = 0.0 if gain > 0 else min(gain, over)
    sure = again is not None and against > -noise and again + against > SHARE * noise
    likelier = over > 0 and (again is None or again > 0)
    return "keep" if sure or likelier else "retest" if gain > 0 else "discard", sure
