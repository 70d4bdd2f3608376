"""A task that was changed under a run: the starter and the best are measured again, and the attempts begin anew."""

from typing import Any

from budgetmlagent.errors import RunFailedError
from memory.attempts import Attempt, Status, best_script, line, sampled
from memory.scores import gain
from memory.state import Best, Fault, Plan, Run, RunState, Task
from nodes.craft.scripts import ast_key
from nodes.deps import Deps, Execution, Here, Score

AGAIN = Here(call="measured again")


def remeasured(state: RunState, deps: Deps) -> dict[str, Any]:
    """Return what changes in the state: what was scored on the task as it was is no part of the chain any more.

    Raises RunFailedError where the starter fails.
    """
    starter, best = deps.task.starter, best_script(state, deps.artifacts, deps.task.starter)
    execution, score = _measured(starter, deps)
    if execution.exit != 0 or score.problem:
        told = score.problem or execution.tail.strip().rpartition("\n")[2]
        raise RunFailedError(f"the starter fails on the task as it is now: {told}")
    plan = Plan(action="baseline", instruction="the starter, measured again", case="", by="", wrote="")
    base = _attempt(state, deps, execution, score, plan, "keep", Best())
    chosen = Best(attempt=deps.artifacts.put_json(base.as_json()), score=score.value)
    briefed = deps.artifacts.put_json(deps.task.brief(execution))
    task = Task(**state.task | {"baseline": score.value, "briefing": briefed})
    head, ran = chosen["attempt"], execution
    if best != starter:
        ran, score = _measured(best, deps)
        status = _status(score, chosen["score"], deps)
        plan = Attempt.read(deps.artifacts, state.best["attempt"]).plan
        after = _attempt(state, deps, ran, score, plan, status, chosen)
        head = deps.artifacts.put_json(after.as_json())
        origin = {"task": deps.task.name, "step": deps.here.step, "kinds": []}
        deps.history.remember(after.as_json() | origin | {"text": line(after)})
        chosen = Best(attempt=head, score=score.value) if status == "keep" else chosen
    run = Run(
        execution=deps.artifacts.put_json(ran.as_json()), exit=ran.exit, seconds=ran.seconds, output=ran.output,
        error="", cures=[],
    )  # fmt: skip
    return {"task": task, "head": head, "best": chosen, "run": run, "fault": Fault()}


def _measured(script: str, deps: Deps) -> tuple[Execution, Score]:
    execution = deps.sandbox.run(AGAIN, script)
    failed = execution.exit != 0
    return execution, Score(problem="the script fails") if failed else deps.scorer.score(execution)


def _status(score: Score, known: float | None, deps: Deps) -> Status:
    if score.value is None:
        return "crash"
    return "keep" if known is None or gain(known, score.value, deps.task.direction) > 0 else "discard"


def _attempt(
    state: RunState, deps: Deps, execution: Execution, score: Score, plan: Plan, status: Status, best: Best
) -> Attempt:
    return Attempt(
        parent=best.get("attempt", ""),
        turn=state.turn if best else 0,
        step=deps.here.step,
        plan=plan,
        script=execution.script,
        ast=ast_key(deps.artifacts.text(execution.script)),
        execution=deps.artifacts.put_json(execution.as_json()),
        score_before=best.get("score"),
        score=score.value,
        reported=score.reported,
        status=status,
        problem=score.problem,
        fault="submission" if score.problem else "",
        cost=state.spent,
        seconds=execution.seconds,
        samples=deps.artifacts.put_json(sampled(score)) if score.samples or score.rows else "",
    )
