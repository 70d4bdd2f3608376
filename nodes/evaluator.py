"""The evaluator: scores out of the script's reach, keeps the best, and writes down what was learned. No model."""

import math
from typing import Literal, TypedDict

from memory.attempts import Attempt, briefing, chain, recalled, reminded, sampled
from memory.ideas import ADVISED, decider
from memory.state import Best, Counts, Fault, Run, RunState, Shared, Task
from memory.together import averages, untried
from memory.ways import counted, dearest, with_known
from nodes.craft.ended import ended
from nodes.craft.freely import DRAFT
from nodes.craft.judged import Judged, judged
from nodes.craft.lesson import gained, spent
from nodes.craft.looks import LOOK
from nodes.craft.remembered import remember
from nodes.craft.scripts import ast_key
from nodes.declares import declares
from nodes.deps import Deps, Execution

Fruitless = Literal["failed", "failed_since_expert", "failed_since_up", "improve_failed", "idea_failed"]
COUNTERS: tuple[Fruitless, ...] = ("failed", "failed_since_expert", "failed_since_up")


class EvaluatorUpdate(TypedDict, total=False):
    """What the evaluator writes."""

    task: Shared[Task]
    head: str
    best: Best
    run: Shared[Run]
    fault: Shared[Fault]
    counts: Shared[Counts]


@declares(role="evaluator", recalls=("same_error", "ways"))
def evaluator(state: RunState, deps: Deps) -> EvaluatorUpdate:
    """Judge the newest execution and add an attempt to the chain."""
    if state.plan.get("action") == LOOK:
        return {"fault": Fault()}  # in a graph without a rule about looks: there is nothing to judge
    if state.fault.get("kind") == "duplicate":
        return {"counts": _counted(state, better=False)}
    execution = Execution.of(deps.artifacts.json(state.run["execution"]))
    judgement = judged(execution, *ended(execution, state, deps), state, deps)
    attempt = _attempt(state, deps, execution, judgement)
    model = dearest(state, (decider(attempt.plan, deps.artifacts), attempt.plan.get("wrote", "")))
    head = deps.artifacts.put_json(attempt.as_json())
    remember(attempt, model, state, deps)
    ran = execution.exit == 0 and state.turn > 0
    counts = _weighed(_counted(state, judgement.sure), model, attempt, deps)
    update: EvaluatorUpdate = {
        "head": head,
        "run": _measured(state, deps, judgement),
        "fault": judgement.fault,
        "counts": counts
        | {"ran": state.counts.get("ran", 0) + ran, "averages": _averages(attempt, state, deps)},
    }
    if attempt.status == "keep":
        lines = len(deps.artifacts.text(execution.script).splitlines())
        since = head if judgement.sure else state.best.get("sure", state.best["attempt"])
        update["best"] = Best(attempt=head, score=attempt.score, lines=lines, sure=since)
    if state.turn == 0:
        update["task"] = _begun(state, deps, attempt)
    return update


def _measured(state: RunState, deps: Deps, judgement: Judged) -> Run:
    """Return the run with what is known now: whether it met an error again, and how far its gain may be chance."""
    run = Run(**state.run | Run(known=bool(reminded(state, deps.artifacts))))
    if judgement.gain is None or judgement.noise is None:
        return run
    return Run(**run | Run(gain=judgement.gain, noise=judgement.noise))


def _begun(state: RunState, deps: Deps, baseline: Attempt) -> Task:
    """Return the task with the starter's score, and with what the models' tries brought in other runs."""
    task = state.task
    for item in recalled(state, deps.artifacts, "ways"):
        task = with_known(task, item["models"])
    return Task(**task | {"baseline": baseline.score})


def _attempt(state: RunState, deps: Deps, execution: Execution, judgement: Judged) -> Attempt:
    score, fault = judgement.score, judgement.fault
    return Attempt(
        parent=state.head,
        turn=state.turn,
        step=deps.here.step,
        plan=state.plan,
        script=execution.script,
        ast=ast_key(deps.artifacts.text(execution.script)),
        execution=state.run["execution"],
        cures=state.run.get("cures", []),
        score_before=state.best.get("score"),
        score=score.value,
        reported=score.reported,
        status=judgement.status,
        error=state.run.get("error", ""),
        fault=fault.get("kind", ""),
        problem=fault.get("detail", ""),
        cost=state.spent,
        seconds=execution.seconds,
        # Read seldom, and so kept apart.
        samples=deps.artifacts.put_json(sampled(score)) if score.samples or score.rows else "",
        gain=judgement.gain,
        noise=None if judgement.settled else judgement.noise,  # then there is no doubt about it
    )


def _counted(state: RunState, better: bool) -> Counts:
    """Count an attempt that brought nothing; one that is `better` by more than its noise begins anew."""
    action, names = state.plan.get("action"), list(COUNTERS)
    names += ["improve_failed"] if action == "improve" else []
    names += ["idea_failed"] if action in (*ADVISED, DRAFT) else []
    counts = state.counts.copy()
    for name in names:
        counts[name] = 0 if better else counts.get(name, 0) + 1
    return counts


def _averages(attempt: Attempt, state: RunState, deps: Deps) -> int:
    """Count the averages of this branch's best scripts that were not tried: what memory may still offer at the run's end."""
    if state.task.get("history") == "off":
        return 0
    attempts = [attempt, *chain(deps.artifacts, state.head)]
    facts, task = briefing(state, deps.artifacts), deps.task
    spare = math.isfinite(task.seconds_left())
    made = averages(attempts, facts, deps.artifacts, task.direction, task.seconds, seeds=spare)
    return len(untried(made, attempts))


def _weighed(counts: Counts, model: str, attempt: Attempt, deps: Deps) -> Counts:
    """Count what the attempt brought and cost to the dearest `model` that took part in it; to whose idea it was, too."""
    if not model or not attempt.turn:
        return counts
    return counted(counts, model, gained(attempt, deps.task.direction), spent(attempt, deps.artifacts))
