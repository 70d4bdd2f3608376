"""The dossier: what capable models are told beside the task, as one value for prompts, `dossier`.

Whatever a script said has passed through `nodes/craft/told.py`, unless the task allows its rows to be shown.
"""

from dataclasses import dataclass

from memory.attempts import Attempt, Execution, best_script, briefing, chain
from memory.briefing import Briefing
from memory.state import RunState
from nodes.craft import described
from nodes.craft.output import pace, ran
from nodes.craft.tried import scores, tried
from nodes.craft.tuning import outline
from nodes.deps import Deps

LONGEST = 24_000  # characters of a script that is shown whole, where the model's window allows


@dataclass(frozen=True)
class Dossier:
    """All that is told; a prompt takes of it what it needs. What stands first changes in no step."""

    data: str = (
        ""  # the summary, each file, rows where they may be shown, what is not sure, what the starter submits
    )
    machine: str = ""  # the limits of one execution, its processors, the installed libraries with versions
    script: str = ""  # the best one, whole where the window allows, else its outline
    whole: bool = True
    score: str = "none"  # the best one
    pace: str = ""  # the best script's share of its time limit, in words
    scores: str = ""  # the bests, one after another
    tried: tuple[str, ...] = ()  # each attempt but the baseline, a line each
    progress: str = ""  # turns and money, in a sentence
    # What the newest execution showed: its share of the time, the end of its output, where it failed.
    last: str = ""


def dossier(state: RunState, deps: Deps) -> Dossier:
    """Return what is told of a run to the model of this step."""
    facts = briefing(state, deps.artifacts)
    attempts = [*chain(deps.artifacts, state.head)][::-1]
    script = best_script(state, deps.artifacts, deps.task.starter)
    whole = len(script) <= min(LONGEST, deps.models.able(deps.here.model).window)
    first = best(state, deps)
    return Dossier(
        data=described.data(facts, deps.task),
        machine=described.machine(facts, deps.task),
        script=(script if whole else outline(script)).strip(),
        whole=whole,
        score="none" if (best_score := state.best.get("score")) is None else f"{best_score:.5g}",
        pace=pace_of(first, deps) if first else "",
        scores=scores(attempts),
        tried=tuple(tried(attempts)),
        progress=_progress(state),
        last=showed(attempts[-1], facts, deps) if attempts else "",
    )


def best(state: RunState, deps: Deps) -> Attempt | None:
    """Return the best attempt; None before there is one."""
    return Attempt.read(deps.artifacts, state.best["attempt"]) if state.best else None


def pace_of(attempt: Attempt, deps: Deps) -> str:
    """Return an attempt's share of the time limit, in words; "" where its execution is not known."""
    if not attempt.execution:
        return ""
    return pace(Execution.of(deps.artifacts.json(attempt.execution)), deps.task.seconds)


def showed(attempt: Attempt, facts: Briefing, deps: Deps) -> str:
    """Return what an attempt's execution showed; "" where it is not known."""
    if not attempt.execution:
        return ""
    execution = Execution.of(deps.artifacts.json(attempt.execution))
    known = (deps.task.starter, deps.task.text, facts.get("summary", ""), *facts.get("contents", []))
    script = deps.artifacts.text(attempt.script)
    return ran(execution, script, known, rows=deps.task.rows, limit=deps.task.seconds)


def _progress(state: RunState) -> str:
    """Say how far a run has come; of its money a share, in whole percent."""
    budget = state.task.get("budget", 0)
    spent = f"; {100 * state.spent // budget}% of the money is spent" if budget else ""
    return f"This is turn {state.turn + 1} of {state.task.get('turns', 0)}{spent}."
