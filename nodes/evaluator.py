"""The evaluator: scores out of the script's reach, keeps the best, and writes down what was learned. No model."""

import math
from typing import Any, Literal, TypedDict

from memory import scores
from memory.attempts import (
    Attempt,
    Status,
    briefing,
    chain,
    line,
    recalled,
    reminded,
    sampled,
    scored,
    shown,
    signature,
)
from memory.briefing import Briefing
from memory.cards import card
from memory.ideas import ADVISED, decider, in_store, outcome, sayer
from memory.noise import is_hidden, noise_of
from memory.state import Best, Counts, Fault, Run, RunState, Shared, Task
from memory.together import averages, untried
from memory.ways import counted, dearest, with_known
from nodes.craft.fingerprint import error_line, failure, fingerprint
from nodes.craft.freely import DRAFT
from nodes.craft.lesson import gained, lesson
from nodes.craft.looks import LOOK, kept_here
from nodes.craft.says import says
from nodes.craft.scripts import ast_key
from nodes.craft.told import told
from nodes.craft.validated import SHARE, validated
from nodes.declares import declares
from nodes.deps import Deps, Execution, Score

Fruitless = Literal["failed", "failed_since_expert", "failed_since_up", "improve_failed", "idea_failed"]
COUNTERS: tuple[Fruitless, ...] = ("failed", "failed_since_expert", "failed_since_up")
SOURCE = 80  # characters of a script's line
CUT = 0.95  # of its limit of time: a script that was stopped before was cut by the end of the run's minutes
RELIEF = {
    "time": "let it do less: fewer rounds, folds, candidates or rows",
    "memory": "let it hold less at once: smaller types, sparse matrices, the data in parts, fewer workers",
    "disk": "let it write less, and nothing but the submission",
    "output": "let it print less",
    "processes": "let it start fewer workers and threads",
}
HIDDEN = (
    "the score does not count: how far it is off by chance cannot be measured, as that of the best can, because on rows"
    " drawn anew this submission gives no score, another one or a slow one; write short, plain values, in the starter's"
    " columns and file"
)


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
    ran = execution.exit == 0 and state.turn > 0
    score, fault = _judge(execution, deps, briefing(state, deps.artifacts))
    gain, noise, hidden = (None, None, False) if fault else _gain(score, state, deps)
    if hidden:
        score, fault = Score(problem=HIDDEN), Fault(kind="submission", detail=HIDDEN)
    status = _status(score, fault, state, gain, noise)
    sure, within = status == "keep", status == "retest" or (not fault and _is_tie(gain, noise))
    if within and gain is not None and noise is not None:
        status, sure = _judged_again(score, gain, noise, state, execution, deps)
    measured = Run() if gain is None or noise is None else Run(gain=gain, noise=noise)
    recorded = measured.copy()
    if within and sure:
        recorded.pop("noise")  # validation has told: there is no doubt about it
    attempt = _attempt(state, deps, execution, score, fault, status, recorded)
    head = deps.artifacts.put_json(attempt.as_json())
    _remember(state, deps, attempt)
    known = Run(known=bool(reminded(state, deps.artifacts)))
    update: EvaluatorUpdate = {
        "head": head,
        "run": Run(**state.run | known | measured),
        "fault": fault,
        "counts": _weighed(_counted(state, sure), state, deps, attempt)
        | {"ran": state.counts.get("ran", 0) + ran, "averages": _averages(attempt, state, deps)},
    }
    if status == "keep":
        lines = len(deps.artifacts.text(execution.script).splitlines())
        since = head if sure else state.best.get("sure", state.best["attempt"])
        update["best"] = Best(attempt=head, score=score.value, lines=lines, sure=since)
    if state.turn == 0:
        task = state.task
        for item in recalled(state, deps.artifacts, "ways"):
            task = with_known(task, item["models"])
        update["task"] = Task(**task | {"baseline": score.value})
    return update


def _judge(execution: Execution, deps: Deps, facts: Briefing) -> tuple[Score, Fault]:
    """Return the score, and the fault where there is none to be had."""
    if limit := execution.killed:
        # What it took is not told: that differs from run to run.
        early = limit == "time" and execution.seconds < CUT * deps.task.seconds
        why = "the run's own time was over before" if early else "it went over"
        stopped = f"the script was stopped: {why} its limit of {limit} ({deps.task.allowed[limit]})"
        return Score(), Fault(kind=limit, detail=f"{stopped}; {RELIEF[limit]}")
    if execution.exit != 0:
        return Score(), Fault(kind="crash", detail=_crash(execution, deps, facts))
    score = deps.scorer.score(execution)
    if score.problem:
        return score, Fault(kind="submission", detail=score.problem)
    if score.suspect:
        return score, Fault(kind="suspect", detail=score.suspect)
    return score, Fault()


def _crash(execution: Execution, deps: Deps, facts: Briefing) -> str:
    """Say how a script ended, in words that a model may hear, and where in it."""
    script, columns = deps.artifacts.text(execution.script), facts.get("table", {}).get("features", [])
    known = (deps.task.starter, deps.task.text, facts.get("summary", ""), *map(str, columns))
    said, error = told(error_line(execution.tail), *known, script=script), failure(execution.tail)
    lines = [line.strip() for line in script.splitlines()]
    # A traceback may name another file, and say anything: its place counts where the script's very line stands there.
    if error and error.code and lines[error.line - 1 : error.line] == [error.code]:
        return f"{said} (line {error.line}: {error.code[:SOURCE]})"
    return said


def _sure(state: RunState, deps: Deps) -> Attempt:
    """Return the newest best that gained more than its noise: several small gains in a row are one that may be larger."""
    return Attempt.read(deps.artifacts, state.best.get("sure", state.best["attempt"]))


def _is_tie(gain: float | None, noise: float | None) -> bool:
    """Tell whether a script fell short by no more than chance makes: the public rows do not say which one is better."""
    return gain is not None and noise is not None and -noise < gain <= 0


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


def _status(score: Score, fault: Fault, state: RunState, gain: float | None, noise: float | None) -> Status:
    """Judge an attempt."""
    if fault:
        return "discard" if fault["kind"] == "suspect" else "crash"
    if not state.best:
        return "keep"
    if gain is None:
        # A starter that reports no score is beaten by the first script that does.
        return "discard" if score.value is None else "keep"
    if gain <= 0:
        return "discard"
    return "keep" if noise is None or gain > noise else "retest"


def _attempt(
    state: RunState,
    deps: Deps,
    execution: Execution,
    score: Score,
    fault: Fault,
    status: Status,
    measured: Run,
) -> Attempt:
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
        status=status,
        error=state.run.get("error", ""),
        fault=fault.get("kind", ""),
        problem=fault.get("detail", ""),
        cost=state.spent,
        seconds=execution.seconds,
        # Read seldom, and so kept apart.
        samples=deps.artifacts.put_json(sampled(score)) if score.samples or score.rows else "",
        gain=measured.get("gain"),
        noise=measured.get("noise"),
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


def _weighed(counts: Counts, state: RunState, deps: Deps, attempt: Attempt) -> Counts:
    """Count what the attempt brought and cost to the dearest model that took part in it; to whose idea it was, too."""
    model = _of(attempt, state, deps)
    if not model or not attempt.turn:
        return counts
    before = Attempt.read(deps.artifacts, attempt.parent).cost if attempt.parent else 0
    return counted(counts, model, gained(attempt, deps.task.direction), attempt.cost - before)


def _of(attempt: Attempt, state: RunState, deps: Deps) -> str:
    """Return the dearest model that took part in an attempt; "" where none did."""
    return dearest(state, (decider(attempt.plan, deps.artifacts), attempt.plan.get("wrote", "")))


def _remember(state: RunState, deps: Deps, attempt: Attempt) -> None:
    """Write to the history: the attempt, a repair that worked, what came of an idea, a winning script as a case of its own."""
    if state.turn == 0:
        return
    facts = briefing(state, deps.artifacts)
    origin = {"task": deps.task.name, "step": deps.here.step, "kinds": facts.get("kinds", [])}
    origin |= kept_here(state)
    if state.head and Attempt.read(deps.artifacts, state.head).turn == 0:
        about = card(facts, deps.task.text, deps.task.metric, deps.task.direction)
        deps.history.remember(about | {"task": deps.task.name})
    told: dict[str, Any] = {"text": line(attempt), "status": shown(attempt)}
    if model := _of(attempt, state, deps):
        told |= {"model": model, "call": state.task["models"][model]["call"]}
    deps.history.remember(attempt.as_json() | lesson(attempt, state, deps, facts) | origin | told)
    if attempt.cures and attempt.status != "crash":
        deps.history.remember(_free_repair(state, deps, attempt) | origin)
    if state.counts.get("repairs") and attempt.status != "crash" and state.head:
        deps.history.remember(_model_repair(deps, attempt, state.head) | origin)
    # An idea that was not wholly carried out, and so did not help, is one that nobody has tried.
    kept = attempt.status == "keep"
    if attempt.plan.get("action") in ADVISED and (kept or not says(attempt, deps.artifacts).skipped):
        deps.history.remember(_tried(deps, attempt, facts) | origin)
    best = kept and attempt.score is not None
    if best and state.task.get("baseline") is not None:
        deps.history.remember(_winner(deps, attempt, facts) | origin)


def _free_repair(state: RunState, deps: Deps, attempt: Attempt) -> dict[str, Any]:
    """A repair without a model, found again by the words of the error that it cured, where one was raised."""
    what = "; ".join(attempt.cures)
    earlier = deps.artifacts.json(state.run["execution"]).get("earlier", [])
    tail = Execution.of(deps.artifacts.json(earlier[0])).tail if earlier else ""
    text = " - ".join(filter(None, [told(error_line(tail)), what]))
    return {"kind": "repair", "what": what, "text": text, "error": fingerprint(tail)}


def _model_repair(deps: Deps, attempt: Attempt, before: str) -> dict[str, Any]:
    failed = Attempt.read(deps.artifacts, before)
    text = f"{failed.problem} - repaired by {attempt.plan.get('wrote', '')}"
    return {"kind": "repair", "error": failed.error, "what": text, "text": text, "script": attempt.script}


def _tried(deps: Deps, attempt: Attempt, facts: Briefing) -> dict[str, Any]:
    """Return what came of an expert's idea."""
    what, by = attempt.plan.get("instruction", ""), sayer(attempt.plan, deps.artifacts)
    text = in_store(what, facts.get("summary", ""))
    return {"kind": "idea", "what": what, "by": by, "text": text, "tried": outcome(attempt)}


def _winner(deps: Deps, attempt: Attempt, facts: Briefing) -> dict[str, Any]:
    """A winning script, offered first to a later run whose files, targets and ids have the same names."""
    title = attempt.plan.get("instruction", "")[:160]
    advised = {"what": attempt.plan["instruction"]} if attempt.plan.get("action") in ADVISED else {}
    return advised | {
        "kind": "case",
        "name": f"won-{attempt.script[:8]}",
        "title": title,
        "text": f"{title}. {facts.get('summary', '')}"[:600],
        "script": deps.artifacts.text(attempt.script),
        "signature": signature(facts),
        "score": attempt.score,
        "baseline": attempt.score_before,
    }
