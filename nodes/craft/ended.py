"""How an execution ended: with a score, or with a fault that is said in words which a model may hear."""

from memory.attempts import briefing
from memory.briefing import Briefing
from memory.state import Fault, RunState
from nodes.craft.fingerprint import error_line, failure
from nodes.craft.told import told
from nodes.deps import Deps, Execution, Score

SOURCE = 80  # characters of a script's line
CUT = 0.95  # of its limit of time: a script that was stopped before was cut by the end of the run's minutes
RELIEF = {
    "time": "let it do less: fewer rounds, folds, candidates or rows",
    "memory": "let it hold less at once: smaller types, sparse matrices, the data in parts, fewer workers",
    "disk": "let it write less, and nothing but the submission",
    "output": "let it print less",
    "processes": "let it start fewer workers and threads",
}


def ended(execution: Execution, state: RunState, deps: Deps) -> tuple[Score, Fault]:
    """Return the score, and the fault where there is none to be had."""
    if limit := execution.killed:
        # What it took is not told: that differs from run to run.
        early = limit == "time" and execution.seconds < CUT * deps.task.seconds
        why = "the run's own time was over before" if early else "it went over"
        stopped = f"the script was stopped: {why} its limit of {limit} ({deps.task.allowed[limit]})"
        return Score(), Fault(kind=limit, detail=f"{stopped}; {RELIEF[limit]}")
    if execution.exit != 0:
        return Score(), Fault(kind="crash", detail=_crash(execution, deps, briefing(state, deps.artifacts)))
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
